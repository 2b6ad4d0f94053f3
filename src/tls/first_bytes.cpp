#include "src/tls/first_bytes.hpp"

#include <string>
#include <string_view>

namespace starling {
namespace {

constexpr std::uint8_t record_alert = 21;  // ContentType [RFC 8446 §5.1]
constexpr std::uint8_t record_handshake = 22;
constexpr std::uint8_t version_major = 3;  // of all of TLS
constexpr std::uint8_t mqtt_connect = 0x10;
constexpr std::uint8_t proxy_v2 = 0x0D;  // the first byte of its signature

std::string describe(int index, std::uint8_t byte) {
  // CONNECT, DELETE, GET, HEAD, OPTIONS, P..., TRACE; and the text form of the PROXY protocol
  constexpr std::string_view initials = "CDGHOPT";
  if (index == 0 && byte == mqtt_connect) return "it sent plain MQTT";
  if (index == 0 && byte == proxy_v2) return "it sent a PROXY protocol header";
  if (index == 0 && initials.find(static_cast<char>(byte)) != std::string_view::npos)
    return "it sent plain text, as HTTP does";
  return "byte " + std::to_string(index) + " of what it sent is 0x" + to_hex({&byte, 1});
}

}  // namespace

Result<void> FirstBytes::look_at(ByteView wire) {
  for (const std::uint8_t byte : wire) {
    if (seen_ == 2) break;
    const bool plausible =
        seen_ == 0 ? byte == record_handshake || byte == record_alert : byte == version_major;
    if (!plausible)
      return Error{Errc::malformed, "the peer does not speak TLS: " + describe(seen_, byte)};
    ++seen_;
  }
  return {};
}

}  // namespace starling
