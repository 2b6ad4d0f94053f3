// The client's half of a WebSocket, written apart from the code under test: requests, masked
// frames, and a reader of what a server sends.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "starling/bytes.hpp"

namespace starling::test {

inline constexpr std::uint8_t ws_continuation = 0;
inline constexpr std::uint8_t ws_text = 1;
inline constexpr std::uint8_t ws_binary = 2;
inline constexpr std::uint8_t ws_close = 8;
inline constexpr std::uint8_t ws_ping = 9;
inline constexpr std::uint8_t ws_pong = 10;

/// An upgrade request with one field replaced, left out (empty value) or added.
inline std::string upgrade_request(std::string_view name = {}, std::string_view value = {}) {
  std::vector<std::pair<std::string, std::string>> fields{
      {"Host", "broker.example"},
      {"Upgrade", "websocket"},
      {"Connection", "Upgrade"},
      {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},  // the one of RFC 6455
      {"Sec-WebSocket-Version", "13"},
      {"Sec-WebSocket-Protocol", "mqtt"}};
  bool replaced = name.empty();
  for (auto& field : fields) {
    if (field.first != name) continue;
    field.second = value;
    replaced = true;
  }
  if (!replaced) fields.emplace_back(name, value);
  std::string text = "GET /mqtt HTTP/1.1\r\n";
  for (const auto& field : fields)
    if (!field.second.empty()) text += field.first + ": " + field.second + "\r\n";
  return text + "\r\n";
}

/// A client's frame. `head`: the first byte, FIN bit included.
inline Bytes client_frame(std::uint8_t opcode, ByteView payload, bool fin = true,
                          bool masked = true) {
  Bytes frame{static_cast<std::uint8_t>(opcode | (fin ? 0x80U : 0U))};
  const std::uint8_t mask_bit = masked ? 0x80 : 0;
  if (payload.size() < 126) {
    frame.push_back(static_cast<std::uint8_t>(mask_bit | payload.size()));
  } else if (payload.size() <= 0xFFFF) {
    frame.push_back(mask_bit | 126);
    ByteWriter(frame).write_u16(static_cast<std::uint16_t>(payload.size()));
  } else {
    frame.push_back(mask_bit | 127);
    ByteWriter(frame).write_u64(payload.size());
  }
  const std::uint8_t key[4] = {0x12, 0x34, 0x56, 0x78};
  if (masked) append(frame, key);
  for (std::size_t i = 0; i < payload.size(); ++i)
    frame.push_back(masked ? static_cast<std::uint8_t>(payload[i] ^ key[i % 4]) : payload[i]);
  return frame;
}

struct ServerFrame {
  std::uint8_t opcode = 0;
  bool fin = false;
  bool masked = false;
  Bytes payload;
  /// Of a close frame; 0: none.
  [[nodiscard]] unsigned status() const {
    return payload.size() < 2 ? 0U : static_cast<unsigned>(payload[0]) << 8U | payload[1];
  }
};

/// Takes the first whole frame off `bytes`; nullopt: there is none.
inline std::optional<ServerFrame> take_frame(ByteView& bytes) {
  ByteReader reader(bytes);
  const std::uint8_t first = reader.read_u8();
  const std::uint8_t second = reader.read_u8();
  std::uint64_t size = second & 0x7FU;
  if (size == 126)
    size = reader.read_u16();
  else if (size == 127)
    size = reader.read_u64();
  if (!reader.ok() || reader.remaining() < size) return std::nullopt;
  const ByteView payload = reader.read_bytes(static_cast<std::size_t>(size));
  bytes = reader.read_rest();
  return ServerFrame{static_cast<std::uint8_t>(first & 0x0FU), (first & 0x80U) != 0,
                     (second & 0x80U) != 0, Bytes(payload.begin(), payload.end())};
}

}  // namespace starling::test
