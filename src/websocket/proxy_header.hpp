// ProxyHeader: the first bytes of a connection that comes through a proxy, PROXY protocol version 1
// (text) or 2 (binary), as HAProxy's proxy-protocol.txt defines them. It names the real client.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "starling/bytes.hpp"
#include "starling/endpoint.hpp"
#include "starling/result.hpp"

namespace starling {

/// Reads one header, in any pieces, and leaves what follows alone. Type-length-values of version 2
/// are skipped without being kept, so its memory is this object.
class ProxyHeader {
 public:
  /// Takes from the front of `bytes` what belongs to the header. True: it is complete; false: more
  /// must come, and `bytes` is empty.
  /// Errors: malformed (neither version, or a version with a mistake), unsupported (a command or
  /// version that does not exist yet).
  Result<bool> read(ByteView& bytes);

  /// Who connected to the proxy. nullopt: the connection's own peer is meant: the proxy speaks for
  /// itself (LOCAL), or does not know (UNKNOWN, UNSPEC), or the client came by a Unix socket.
  [[nodiscard]] const std::optional<Endpoint>& source() const { return source_; }

 private:
  Result<bool> read_text(ByteView& bytes);
  Result<bool> read_binary(ByteView& bytes);
  Result<void> parse_line();
  Result<void> parse_fixed_part();
  void parse_addresses();
  [[nodiscard]] ByteView kept() const { return ByteView(kept_).first(kept_size_); }

  enum class Version : std::uint8_t { undecided, text, binary };

  // The longest line of version 1 with its end; of version 2 only the fixed part and the addresses
  // of IPv4 and IPv6 are kept (52 bytes).
  static constexpr std::size_t line_max = 107;

  std::array<std::uint8_t, line_max> kept_{};
  std::size_t kept_size_ = 0;
  std::size_t wanted_ = 0;  // version 2: bytes to keep, the fixed part included
  std::size_t skip_ = 0;    // version 2: bytes that follow them and are not kept
  Version version_ = Version::undecided;
  bool fixed_part_read_ = false;
  std::optional<Endpoint> source_;
};

}  // namespace starling
