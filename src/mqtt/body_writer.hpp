// The two sinks of the writers: one counts, one puts bytes into memory of exactly that count. A
// writer is a template over its sink, so what is measured is what is written.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "starling/bytes.hpp"
#include "starling/check.hpp"

#include "src/mqtt/property_fields.hpp"

namespace starling::mqtt {

inline constexpr std::size_t remaining_length_max =
    268'435'455;  // bytes, four length bytes (2.1.4)

constexpr std::size_t variable_size(std::size_t value) {
  return value < 128 ? 1U : value < 16'384 ? 2U : value < 2'097'152 ? 3U : 4U;
}

class SizeSink {
 public:
  void put_u8(std::uint8_t) { size_ += 1; }
  void put_u16(std::uint16_t) { size_ += 2; }
  void put_u32(std::uint32_t) { size_ += 4; }
  void put_bytes(ByteView bytes) { size_ += bytes.size(); }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
};

class ByteSink {
 public:
  /// Room for `size` bytes at the end of `out`, all of which are to be put.
  ByteSink(Bytes& out, std::size_t size) {
    out.resize(out.size() + size);
    at_ = out.data() + out.size() - size;
    end_ = at_ + size;
  }
  ByteSink(const ByteSink&) = delete;
  ByteSink& operator=(const ByteSink&) = delete;
  ~ByteSink() { STARLING_CHECK(at_ == end_); }

  void put_u8(std::uint8_t value) {
    STARLING_CHECK(at_ != end_);
    *at_++ = value;
  }
  void put_u16(std::uint16_t value) {
    put_u8(static_cast<std::uint8_t>(value >> 8U));
    put_u8(static_cast<std::uint8_t>(value));
  }
  void put_u32(std::uint32_t value) {
    put_u16(static_cast<std::uint16_t>(value >> 16U));
    put_u16(static_cast<std::uint16_t>(value));
  }
  void put_bytes(ByteView bytes) {
    STARLING_CHECK(bytes.size() <= static_cast<std::size_t>(end_ - at_));
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }

 private:
  std::uint8_t* at_;
  std::uint8_t* end_;
};

template <class Sink>
void put_variable(Sink& out, std::size_t value) {
  STARLING_CHECK(value <= remaining_length_max);
  for (; value >= 128; value >>= 7U) out.put_u8(static_cast<std::uint8_t>(value | 0x80U));
  out.put_u8(static_cast<std::uint8_t>(value));
}

template <class Sink>
void put_binary(Sink& out, ByteView bytes) {
  STARLING_CHECK(bytes.size() <= 65'535);
  out.put_u16(static_cast<std::uint16_t>(bytes.size()));
  out.put_bytes(bytes);
}

template <class Sink>
void put_text(Sink& out, std::string_view text) {
  put_binary(out, as_bytes(text));
}

template <class Sink>
void put_packet_id(Sink& out, std::uint16_t packet_id) {
  STARLING_CHECK(packet_id != 0);
  out.put_u16(packet_id);
}

// --- Properties
template <PropertyId Id, class Sink>
void put_property(Sink& out, const std::optional<std::uint8_t>& value) {
  if (!value) return;
  out.put_u8(static_cast<std::uint8_t>(Id));
  out.put_u8(*value);
}
template <PropertyId Id, class Sink>
void put_property(Sink& out, const std::optional<std::uint16_t>& value) {
  if (!value) return;
  out.put_u8(static_cast<std::uint8_t>(Id));
  out.put_u16(*value);
}
template <PropertyId Id, class Sink>
void put_property(Sink& out, const std::optional<std::uint32_t>& value) {
  if (!value) return;
  out.put_u8(static_cast<std::uint8_t>(Id));
  if constexpr (Id == PropertyId::subscription_identifier)
    put_variable(out, *value);
  else
    out.put_u32(*value);
}
template <PropertyId Id, class Sink>
void put_property(Sink& out, const std::optional<std::string_view>& value) {
  if (!value) return;
  out.put_u8(static_cast<std::uint8_t>(Id));
  put_text(out, *value);
}
template <PropertyId Id, class Sink>
void put_property(Sink& out, const std::optional<BinaryView>& value) {
  if (!value) return;
  out.put_u8(static_cast<std::uint8_t>(Id));
  put_binary(out, *value);
}
template <PropertyId Id, class Sink>
void put_property(Sink& out, const std::vector<std::uint32_t>& values) {
  for (const std::uint32_t value : values) {
    out.put_u8(static_cast<std::uint8_t>(Id));
    put_variable(out, value);
  }
}
template <PropertyId Id, class Sink>
void put_property(Sink& out, const UserProperties& properties) {
  for (const UserProperty& property : properties) {
    out.put_u8(static_cast<std::uint8_t>(Id));
    put_text(out, property.name);
    put_text(out, property.value);
  }
}

template <class Sink, class Properties>
void put_property_fields(Sink& out, const Properties& properties) {
  PropertyFields<Properties>::for_each(
      [&](auto field) { put_property<decltype(field)::id>(out, field.of(properties)); });
}

/// Bytes of the properties without their length.
template <class Properties>
std::size_t property_size(const Properties& properties) {
  SizeSink size;
  put_property_fields(size, properties);
  return size.size();
}

/// With their length, which is there even if it is 0 [MQTT5-2.2.2-1].
template <class Sink, class Properties>
void put_properties(Sink& out, const Properties& properties) {
  put_variable(out, property_size(properties));
  put_property_fields(out, properties);
}

// --- Whole packets
/// Bytes of a packet whose body is written by put_body(sink).
template <class PutBody>
std::size_t packet_size(PutBody put_body) {
  SizeSink body;
  put_body(body);
  return 1 + variable_size(body.size()) + body.size();
}

/// Appends such a packet. `flags`: the lower half of the first byte.
template <class PutBody>
void put_packet(PacketType type, unsigned flags, Bytes& out, PutBody put_body) {
  SizeSink body;
  put_body(body);
  ByteSink sink(out, 1 + variable_size(body.size()) + body.size());
  sink.put_u8(static_cast<std::uint8_t>(static_cast<unsigned>(type) << 4U | flags));
  put_variable(sink, body.size());
  put_body(sink);
}

}  // namespace starling::mqtt
