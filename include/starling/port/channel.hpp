// ByteLayer: plain bytes <-> wire bytes, without a socket. SecureChannel: the layer that encrypts and
// proves who the peer is.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "starling/bytes.hpp"
#include "starling/ids.hpp"
#include "starling/output_buffer.hpp"
#include "starling/result.hpp"

namespace starling {

/// A transformer of bytes between a stream and what runs over it: TLS, WebSocket. Layers stack.
class ByteLayer {
 public:
  virtual ~ByteLayer() = default;

  /// Takes bytes from the wire; appends what they carry and what must be answered. An error is
  /// final.
  virtual Result<void> on_wire_bytes(ByteView wire, Bytes& plain_out, OutputBuffer& wire_out) = 0;
  /// Wraps and consumes all of `plain`. Only once established().
  virtual Result<void> write_plain(OutputBuffer& plain, OutputBuffer& wire_out) = 0;
  /// Says good-bye on the wire (close_notify, a close frame), if there is anybody to say it to.
  virtual void close(OutputBuffer& wire_out) = 0;

  /// Handshake or upgrade is complete on our side: plain bytes may pass.
  [[nodiscard]] virtual bool established() const = 0;
  /// The peer has closed its side in order.
  [[nodiscard]] virtual bool peer_closed() const = 0;
};

/// Whom a client's handshake has shown, beside its key.
struct TlsIdentity {
  std::string common_name;  ///< CN of a certificate that was verified; empty: none
  std::string subject;      ///< the whole subject, "CN=x,O=y" [RFC 2253]
  std::string psk;          ///< the identity of its pre-shared key; empty: no PSK
};

class SecureChannel : public ByteLayer {
 public:
  /// A client speaks first: call once before anything else.
  virtual Result<void> start(OutputBuffer& wire_out) = 0;
  /// What was verified about the peer; nullopt: it showed nothing, or nobody asked.
  [[nodiscard]] virtual std::optional<TlsIdentity> identity() const { return std::nullopt; }
  /// Whose key signed the handshake; nullopt when the peer showed no certificate. Check it after
  /// every handshake: no certificate callback runs on resumption.
  [[nodiscard]] virtual std::optional<NodeId> peer() const = 0;
  [[nodiscard]] virtual bool resumed() const = 0;
  /// Keying material both ends share and nobody else knows [RFC 8446 §7.5] [RFC 5705].
  [[nodiscard]] virtual Result<Bytes> export_keying_material(std::string_view label,
                                                             ByteView context,
                                                             std::size_t size) const = 0;
  /// For a client: what makes the next handshake with this peer cheap; empty when there is nothing
  /// (yet).
  [[nodiscard]] virtual Bytes session_ticket() = 0;
};

/// Makes the channels of links between nodes: TLS 1.3, mutual, ALPN "starling/1".
class LinkChannels {
 public:
  virtual ~LinkChannels() = default;
  /// `ticket`: of an earlier channel with the same peer, or empty.
  virtual std::unique_ptr<SecureChannel> make_client(ByteView ticket) = 0;
  virtual std::unique_ptr<SecureChannel> make_server() = 0;
};

/// Makes the channels of one TLS listener.
class ServerChannels {
 public:
  virtual ~ServerChannels() = default;
  virtual std::unique_ptr<SecureChannel> make_server() = 0;
};

}  // namespace starling
