#include "src/mqtt/body_reader.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "starling/limits.hpp"

namespace starling::mqtt {
namespace {

struct FixedHeaderRule {
  std::uint8_t flags;  // the only value they may have (table 2.2)
  bool by_client;
  bool by_server;
};

constexpr std::array<FixedHeaderRule, 16> fixed_headers{{
    {0, false, false},    // reserved
    {0, true, false},     // CONNECT
    {0, false, true},     // CONNACK
    {0, true, true},      // PUBLISH: its flags are read elsewhere
    {0, true, true},      // PUBACK
    {0, true, true},      // PUBREC
    {0b10, true, true},   // PUBREL [MQTT-3.6.1-1] [MQTT5-3.6.1-1]
    {0, true, true},      // PUBCOMP
    {0b10, true, false},  // SUBSCRIBE [MQTT-3.8.1-1] [MQTT5-3.8.1-1]
    {0, false, true},     // SUBACK
    {0b10, true, false},  // UNSUBSCRIBE [MQTT-3.10.1-1] [MQTT5-3.10.1-1]
    {0, false, true},     // UNSUBACK
    {0, true, false},     // PINGREQ
    {0, false, true},     // PINGRESP
    {0, true, true},      // DISCONNECT: from the server in MQTT 5 only
    {0, true, true},      // AUTH: MQTT 5 only
}};
constexpr std::uint8_t dup_bit = 0b1000;

Errc errc_of(ReasonCode reason) {
  switch (reason) {
    case ReasonCode::malformed_packet:
      return Errc::malformed;
    case ReasonCode::unsupported_protocol_version:
      return Errc::unsupported;
    case ReasonCode::quota_exceeded:
      return Errc::quota_exceeded;
    default:
      return Errc::protocol_error;
  }
}

}  // namespace

BodyReader::BodyReader(const Frame& frame, ReadContext context)
    : type_(frame.type()), rest_(frame.body) {
  const FixedHeaderRule& rule = fixed_headers[frame.first_byte >> 4U];
  std::uint8_t flags = frame.flags();
  // MQTT 3.1 marks a repeated PUBREL, SUBSCRIBE or UNSUBSCRIBE with DUP.
  if (context.version == ProtocolVersion::v3_1 && rule.flags != 0)
    flags = static_cast<std::uint8_t>(flags & ~dup_bit);
  if (flags != rule.flags)
    fail(ReasonCode::malformed_packet, "fixed header",
         "has reserved flags set wrongly [MQTT-2.2.2-2] [MQTT5-2.1.3-1]");
  if (type_ == PacketType::auth && context.version != ProtocolVersion::v5)
    fail(ReasonCode::malformed_packet, "packet type", "15 is reserved before MQTT 5 (2.2.1)");
  const bool by_server =
      rule.by_server
      && !(type_ == PacketType::disconnect && context.version != ProtocolVersion::v5);
  if (!(context.sender == Sender::client ? rule.by_client : by_server))
    fail(ReasonCode::protocol_error, "packet", "is never sent in this direction (2.1.2)");
}

void BodyReader::fail(ReasonCode reason, const char* field, const char* problem) {
  if (!ok()) return;
  reason_ = reason;
  field_ = field;
  problem_ = problem;
  rest_ = {};
}

PacketError BodyReader::error() const {
  std::string what = to_text(type_);
  what += ": ";
  what += field_;
  what += ' ';
  what += problem_;
  return PacketError{{errc_of(reason_), std::move(what)}, reason_};
}

std::uint32_t BodyReader::read_variable(const char* field) {
  std::uint32_t value = 0;
  for (unsigned shift = 0; shift < 28; shift += 7) {
    const std::uint8_t byte = read_u8(field);
    value |= static_cast<std::uint32_t>(byte & 0x7FU) << shift;
    if ((byte & 0x80U) != 0) continue;
    if (byte == 0 && shift > 0)
      fail(ReasonCode::malformed_packet, field, "is not in its shortest form [MQTT5-1.5.5-1]");
    return ok() ? value : 0;
  }
  fail(ReasonCode::malformed_packet, field, "has more than four bytes (1.5.5)");
  return 0;
}

std::uint16_t BodyReader::read_packet_id(ReasonCode if_zero) {
  const std::uint16_t packet_id = read_u16("packet id");
  if (packet_id == 0) fail(if_zero, "packet id", "is 0 [MQTT-2.3.1-1] [MQTT5-2.2.1-3]");
  return packet_id;
}

std::string_view BodyReader::read_text(const char* field) {
  const std::string_view text = as_text(read_binary(field));
  if (is_mqtt_text(text)) return text;
  fail(ReasonCode::malformed_packet, field,
       "is not UTF-8 without U+0000 [MQTT-1.5.3-1] [MQTT-1.5.3-2] [MQTT5-1.5.4-1] [MQTT5-1.5.4-2]");
  return {};
}

std::string_view BodyReader::read_topic_name(const char* field) {
  const std::string_view text = read_text(field);
  if (!ok()) return {};
  if (text.empty())
    fail(ReasonCode::malformed_packet, field, "is empty [MQTT-4.7.3-1] [MQTT5-4.7.3-1]");
  else if (!is_topic_name(text))
    fail(ReasonCode::protocol_error, field, "has a wildcard [MQTT-4.7.1-1] [MQTT5-4.7.0-1]");
  return text;
}

ByteView BodyReader::read_binary(const char* field) {
  const std::uint16_t size = read_u16(field);
  return read_bytes(size, field);
}

const PropertyRule* BodyReader::read_property_rule() {
  const std::uint32_t id = read_variable("property identifier");
  const PropertyRule* rule = ok() ? find_property_rule(id) : nullptr;
  if (!rule)
    fail(ReasonCode::malformed_packet, "property identifier", "names no property (2.2.2.2)");
  return rule;
}

bool BodyReader::refuse_second(const PropertyRule& rule, bool is_second) {
  if (is_second) fail(ReasonCode::protocol_error, rule.name, "appears more than once (2.2.2.2)");
  return is_second;
}

std::uint32_t BodyReader::read_property_number(const PropertyRule& rule) {
  std::uint32_t value = 0;
  switch (rule.type) {
    case PropertyType::byte:
      value = read_u8(rule.name);
      break;
    case PropertyType::two_bytes:
      value = read_u16(rule.name);
      break;
    case PropertyType::four_bytes:
      value = read_u32(rule.name);
      break;
    case PropertyType::variable:
      value = read_variable(rule.name);
      break;
    default:
      STARLING_CHECK(rule.type == PropertyType::byte);  // the field lists give numbers to numbers
  }
  if (value < rule.min || value > rule.max)
    fail(rule.out_of_range, rule.name, "is out of its range (2.2.2.2)");
  return value;
}

std::string_view BodyReader::read_property_text(const PropertyRule& rule) {
  return rule.type == PropertyType::topic_name ? read_topic_name(rule.name) : read_text(rule.name);
}

void BodyReader::read_property(const PropertyRule& rule, std::vector<std::uint32_t>& out) {
  if (out.size() >= limits::subscription_identifiers_max) {
    fail(ReasonCode::quota_exceeded, rule.name, "appears too often in one packet");
    return;
  }
  out.push_back(read_property_number(rule));
}

void BodyReader::read_property(const PropertyRule& rule, UserProperties& out) {
  if (out.size() >= limits::user_properties_max) {
    fail(ReasonCode::quota_exceeded, rule.name, "appears too often in one packet");
    return;
  }
  const std::string_view name = read_text(rule.name);
  out.push_back({name, read_text(rule.name)});
}

namespace {

/// One to many bytes of ASCII, none of them zero, '+' or '#': eight at a time, the last eight perhaps
/// for the second time (4 % of a QoS 0 message against three walks, one by byte at the end).
bool is_plain_name(std::string_view text) {
  constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
  constexpr std::uint64_t tops = ones << 7U;
  const auto has_zero = [](std::uint64_t word) { return (word - ones) & ~word & tops; };
  std::uint64_t word = 0;
  if (text.size() < sizeof word) {
    word = ones;  // what is not there shall not count
    std::memcpy(&word, text.data(), text.size());
    return ((word & tops) | has_zero(word) | has_zero(word ^ (ones * '+'))
            | has_zero(word ^ (ones * '#')))
               == 0
           && !text.empty();
  }
  std::uint64_t found = 0;
  for (std::size_t at = 0; at < text.size(); at += sizeof word) {
    at = std::min(at, text.size() - sizeof word);
    std::memcpy(&word, text.data() + at, sizeof word);
    found |= (word & tops) | has_zero(word) | has_zero(word ^ (ones * '+'))
             | has_zero(word ^ (ones * '#'));
  }
  return found == 0;
}

}  // namespace

bool is_topic_name(std::string_view text) {
  if (text.size() <= limits::topic_size_max && is_plain_name(text)) return true;
  return !text.empty() && text.size() <= limits::topic_size_max && is_mqtt_text(text)
         && std::memchr(text.data(), '+', text.size()) == nullptr
         && std::memchr(text.data(), '#', text.size()) == nullptr;
}

}  // namespace starling::mqtt
