#include "src/node/door_layers.hpp"

#include <utility>

#include "starling/check.hpp"
#include "starling/limits.hpp"

namespace starling {

DoorLayers::DoorLayers(std::shared_ptr<const Door> door) : door_(std::move(door)) {
  STARLING_CHECK(door_ != nullptr);
  if (door_->proxy_header) proxy_ = std::make_unique<ProxyHeader>();
  if (door_->tls) tls_ = door_->tls->make_server();
  undecided_ = door_->websocket == Door::WebSocket::recognised;
  if (door_->websocket == Door::WebSocket::always)
    websocket_ = std::make_unique<WebSocketLayer>(door_->websocket_origins);
}

// --- In

Result<void> DoorLayers::on_wire_bytes(ByteView wire, Bytes& plain_out, OutputBuffer& wire_out) {
  if (proxy_) {
    const auto complete = proxy_->read(wire);
    if (!complete) return complete.error();
    if (!*complete) return {};
    proxied_peer_ = proxy_->source();
    proxy_.reset();
  }
  if (wire.empty()) return {};
  if (!tls_) return on_bytes_inside_tls(wire, plain_out, wire_out);
  if (!websocket_ && !undecided_) return tls_->on_wire_bytes(wire, plain_out, wire_out);

  inside_tls_.clear();
  auto understood = tls_->on_wire_bytes(wire, inside_tls_, wire_out);
  OutputBuffer answers;
  auto inside = on_bytes_inside_tls(inside_tls_, plain_out, answers);
  if (inside_tls_.capacity() > limits::packet_size_spare) inside_tls_ = Bytes();
  if (!answers.empty())
    if (auto written = tls_->write_plain(answers, wire_out); !written) return written;
  if (!inside) {
    tls_->close(wire_out);
    return inside;
  }
  return understood;
}

Result<void> DoorLayers::on_bytes_inside_tls(ByteView bytes, Bytes& plain_out, OutputBuffer& out) {
  if (bytes.empty()) return {};
  if (std::exchange(undecided_, false) && begins_http(bytes[0]))
    websocket_ = std::make_unique<WebSocketLayer>(door_->websocket_origins);
  if (websocket_) return websocket_->on_wire_bytes(bytes, plain_out, out);
  append(plain_out, bytes);
  return {};
}

bool DoorLayers::established() const {
  return !proxy_ && !undecided_ && (!tls_ || tls_->established())
         && (!websocket_ || websocket_->established());
}

bool DoorLayers::peer_closed() const {
  return (tls_ && tls_->peer_closed()) || (websocket_ && websocket_->peer_closed());
}

std::string DoorLayers::tls_user() const {
  const auto identity = tls_ ? tls_->identity() : std::nullopt;
  if (!identity) return {};
  switch (door_->user_from) {
    case config::CertificateUser::none:
      return {};
    case config::CertificateUser::common_name:
      return identity->common_name.empty() ? identity->psk : identity->common_name;
    case config::CertificateUser::subject:
      return identity->subject;
  }
  return {};
}

// --- Out

Result<void> DoorLayers::write_plain(OutputBuffer& plain, OutputBuffer& wire_out) {
  STARLING_CHECK(tls_ || websocket_);
  if (!websocket_) return tls_->write_plain(plain, wire_out);
  if (!tls_) return websocket_->write_plain(plain, wire_out);
  OutputBuffer framed;
  if (auto written = websocket_->write_plain(plain, framed); !written) return written;
  return tls_->write_plain(framed, wire_out);
}

void DoorLayers::close(OutputBuffer& wire_out) {
  if (websocket_ && tls_) {
    OutputBuffer framed;
    websocket_->close(framed);
    // A client that cannot be told any more is closed all the same.
    if (!framed.empty() && tls_->established()) (void)tls_->write_plain(framed, wire_out).ok();
  } else if (websocket_) {
    websocket_->close(wire_out);
  }
  if (tls_) tls_->close(wire_out);
}

}  // namespace starling
