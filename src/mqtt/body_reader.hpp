// BodyReader: reads the fields of one packet from the front and remembers the first thing that was
// wrong. After that it hands out zeros and empty views, so a reader runs straight through and asks
// once.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "starling/bytes.hpp"

#include "src/mqtt/packet_error.hpp"
#include "src/mqtt/property_fields.hpp"
#include "src/mqtt/read_packet.hpp"

namespace starling::mqtt {

class BodyReader {
 public:
  /// Checks what one can say before reading: reserved flags, and whether `context.sender` may send
  /// such a packet at all in that version. For every packet but PUBLISH, whose flags mean
  /// something.
  BodyReader(const Frame& frame, ReadContext context);
  BodyReader(PacketType type, ByteView body) : type_(type), rest_(body) {}

  // Each names its field for the sentence an error becomes.
  std::uint8_t read_u8(const char* field) {
    return static_cast<std::uint8_t>(read_number(1, field));
  }
  std::uint16_t read_u16(const char* field) {
    return static_cast<std::uint16_t>(read_number(2, field));
  }
  std::uint32_t read_u32(const char* field) { return read_number(4, field); }
  /// A variable byte integer in its shortest form [MQTT5-1.5.5-1].
  std::uint32_t read_variable(const char* field);
  /// Not 0 [MQTT-2.3.1-1] [MQTT5-2.2.1-3]. The standard gives no code for 0; `if_zero` is Mosquitto's.
  std::uint16_t read_packet_id(ReasonCode if_zero = ReasonCode::protocol_error);
  /// Length-prefixed, checked to be MQTT text [MQTT-1.5.3-1] [MQTT-1.5.3-2] [MQTT5-1.5.4-1]
  /// [MQTT5-1.5.4-2].
  std::string_view read_text(const char* field);
  /// Text that is a topic name [MQTT-4.7.1-1] [MQTT-4.7.3-1].
  std::string_view read_topic_name(const char* field);
  ByteView read_binary(const char* field);
  ByteView read_rest() { return std::exchange(rest_, {}); }

  /// MQTT 5: the length of the properties, and all of them.
  template <class Properties>
  void read_properties(Properties& out);

  [[nodiscard]] bool ok() const { return problem_ == nullptr; }
  /// What was wrong first; only if not ok().
  [[nodiscard]] PacketError error() const;
  [[nodiscard]] std::size_t remaining() const { return rest_.size(); }
  [[nodiscard]] PacketType type() const { return type_; }

  /// Only the first failure counts. The sentence will be "<packet>: <field> <problem>".
  void fail(ReasonCode reason, const char* field, const char* problem);

  /// `packet`, unless something was wrong or bytes remain.
  template <class T>
  Decoded<std::remove_cvref_t<T>> finish(T&& packet) {
    if (ok() && !rest_.empty()) [[unlikely]]
      fail(ReasonCode::malformed_packet, "packet", "has bytes behind its end");
    if (!ok()) [[unlikely]]
      return error();
    return std::forward<T>(packet);
  }

 private:
  std::uint32_t read_number(std::size_t size, const char* field) {
    std::uint32_t value = 0;
    for (const std::uint8_t byte : read_bytes(size, field)) value = value << 8U | byte;
    return value;
  }
  ByteView read_bytes(std::size_t count, const char* field) {
    if (rest_.size() < count) [[unlikely]] {
      fail(ReasonCode::malformed_packet, field, "is cut short");
      return {};
    }
    const ByteView taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  // Of properties: the rule of the next one, and its value by the type of the member it goes to.
  const PropertyRule* read_property_rule();
  std::uint32_t read_property_number(const PropertyRule& rule);
  std::string_view read_property_text(const PropertyRule& rule);
  template <class Number>
  void read_property(const PropertyRule& rule, std::optional<Number>& out) {
    if (refuse_second(rule, out.has_value())) return;
    out = static_cast<Number>(read_property_number(rule));
  }
  void read_property(const PropertyRule& rule, std::optional<std::string_view>& out) {
    if (refuse_second(rule, out.has_value())) return;
    out = read_property_text(rule);
  }
  void read_property(const PropertyRule& rule, std::optional<BinaryView>& out) {
    if (refuse_second(rule, out.has_value())) return;
    out = read_binary(rule.name);
  }
  void read_property(const PropertyRule& rule, std::vector<std::uint32_t>& out);
  void read_property(const PropertyRule& rule, UserProperties& out);
  bool refuse_second(const PropertyRule& rule, bool is_second);

  PacketType type_;
  ByteView rest_;
  const char* problem_ = nullptr;
  const char* field_ = nullptr;
  ReasonCode reason_ = ReasonCode::success;
};

template <class Properties>
void BodyReader::read_properties(Properties& out) {
  const std::uint32_t length = read_variable("property length");
  if (length == 0) return;
  const ByteView section = read_bytes(length, "property section");
  const ByteView behind = std::exchange(rest_, section);
  while (ok() && !rest_.empty()) {
    const PropertyRule* rule = read_property_rule();
    if (!rule) return;
    const bool has_a_place = PropertyFields<Properties>::visit(
        rule->id, [&](auto field) { read_property(*rule, field.of(out)); });
    if (!has_a_place)
      fail(ReasonCode::malformed_packet, rule->name, "has no place in this packet (2.2.2.2)");
  }
  if (ok()) rest_ = behind;
}

/// One to 65535 bytes of MQTT text without '+' and '#'.
bool is_topic_name(std::string_view text);

}  // namespace starling::mqtt
