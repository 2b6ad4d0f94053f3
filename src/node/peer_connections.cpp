#include "src/node/peer_connections.hpp"

#include "starling/check.hpp"

#include "bridge/mesh/mesh.hpp"

namespace starling {

PeerConnections::PeerConnections(Dialer& dialer, LinkChannels& channels, Scheduler& scheduler,
                                 LogSink& log)
    : dialer_(dialer), channels_(channels), scheduler_(scheduler), log_(log) {}

PeerConnections::~PeerConnections() {
  *alive_ = false;
}

void PeerConnections::accept(LinkId link, std::unique_ptr<ByteStream> stream) {
  if (connections_.size() >= limits::links_max + limits::links_unproved_max) {
    log_.warn("mesh_link_refused",
              {{"addr", stream->peer_endpoint().to_text()}, {"why", "too many links"}});
    return;
  }
  keep(link, std::move(stream), {std::nullopt, true});
}

void PeerConnections::dial(LinkId link, const Endpoint& to, const std::optional<NodeId>& expected,
                           const DialWay& way) {
  dialling_.emplace(link, Dialling{expected, way.as_server});
  auto done = [this, link, alive = alive_](Result<std::unique_ptr<ByteStream>> stream) {
    if (!*alive) return;
    const auto found = dialling_.find(link);
    if (found == dialling_.end()) return;  // taken back meanwhile
    const Dialling dialling = found->second;
    dialling_.erase(found);
    on_dialled(link, dialling, std::move(stream));
  };
  if (way.from_port != 0)
    dialer_.dial_from(way.from_port, to, std::move(done));
  else
    dialer_.dial(to, std::move(done));
}

void PeerConnections::on_dialled(LinkId link, const Dialling& dialling,
                                 Result<std::unique_ptr<ByteStream>> stream) {
  if (!stream) return mesh_->on_dial_failed(link, stream.error());
  keep(link, std::move(stream).value(), {dialling.expected, dialling.as_server});
}

void PeerConnections::open_over(LinkId link, std::unique_ptr<ByteStream> stream,
                                const NodeId& expected, bool as_server) {
  keep(link, std::move(stream), {expected, as_server});
}

std::unique_ptr<SecureChannel> PeerConnections::channel_for(
    const PeerConnection::Expectation& who) {
  if (who.as_server) return channels_.make_server();
  return channels_.make_client(who.peer ? ticket_for(*who.peer) : Bytes{});
}

void PeerConnections::keep(LinkId link, std::unique_ptr<ByteStream> stream,
                           const PeerConnection::Expectation& expectation) {
  PeerConnection::Owner& owner = *this;
  auto& kept = connections_[link];
  kept = std::make_unique<PeerConnection>(link, std::move(stream), channel_for(expectation),
                                          expectation, owner, scheduler_);
  watch_handshake(link);
  if (!expectation.as_server) kept->start();
}

void PeerConnections::watch_handshake(LinkId link) {
  scheduler_.wake_at(scheduler_.now() + limits::link_handshake_timeout,
                     [this, link, alive = alive_] {
                       if (!*alive) return;
                       const auto found = connections_.find(link);
                       if (found == connections_.end() || found->second->is_established()) return;
                       found->second->end({Errc::unreachable, "no complete TLS handshake in time"});
                     });
}

OutputBuffer& PeerConnections::output(LinkId link) {
  const auto found = connections_.find(link);
  STARLING_CHECK(found != connections_.end());
  return found->second->output();
}

void PeerConnections::flush(LinkId link) {
  if (const auto found = connections_.find(link); found != connections_.end())
    found->second->flush_soon();
}

bool PeerConnections::is_congested(LinkId link) const {
  const auto found = connections_.find(link);
  return found != connections_.end() && found->second->is_congested();
}

void PeerConnections::close(LinkId link) {
  dialling_.erase(link);
  const auto found = connections_.find(link);
  if (found == connections_.end()) return;
  remember_ticket(*found->second);
  auto connection = std::move(found->second);
  connections_.erase(found);
  PeerConnection& closing = *connection;
  closing_[link] = std::move(connection);
  closing.close();
}

void PeerConnections::on_established(PeerConnection& connection) {
  auto exporter = connection.channel().export_keying_material(Mesh::exporter_label, {}, 32);
  if (!exporter) return on_ended(connection, exporter.error());
  LinkFacts facts;
  facts.peer = *connection.channel().peer();
  facts.exporter = std::move(exporter).value();
  facts.remote = connection.remote();
  facts.local = connection.local();
  facts.inbound = connection.is_inbound();
  mesh_->on_link_open(connection.id(), std::move(facts));
}

void PeerConnections::on_plain_bytes(PeerConnection& connection, ByteView plain) {
  if (connections_.count(connection.id()) > 0) mesh_->on_link_bytes(connection.id(), plain);
}

void PeerConnections::on_writable(PeerConnection& connection) {
  if (connections_.count(connection.id()) > 0) mesh_->on_link_writable(connection.id());
}

void PeerConnections::on_ended(PeerConnection& connection, const Error& why) {
  const LinkId link = connection.id();
  if (const auto closing = closing_.find(link); closing != closing_.end()) {
    auto finished = std::move(closing->second);
    closing_.erase(closing);
    return drop_later(std::move(finished));
  }
  const auto found = connections_.find(link);
  if (found == connections_.end()) return;
  remember_ticket(connection);
  auto ended = std::move(found->second);
  connections_.erase(found);
  const bool established = ended->is_established();
  if (!established)
    log_.warn("mesh_link_refused", {{"addr", ended->remote().to_text()},
                                    {"direction", ended->is_inbound() ? "in" : "out"},
                                    {"why", why.what}});
  // By the mesh, which has asked for it.
  const bool is_awaited = !ended->is_inbound() || ended->expected().has_value();
  if (ended->stream_has_ended())
    drop_later(std::move(ended));
  else
    closing_[link] = std::move(ended);
  if (established)
    mesh_->on_link_closed(link, why.what);
  else if (is_awaited)
    mesh_->on_dial_failed(link, why);
}

/// The caller may be a member of the connection: it goes when the stack has unwound.
void PeerConnections::drop_later(std::unique_ptr<PeerConnection> connection) {
  std::shared_ptr<PeerConnection> ended = std::move(connection);
  scheduler_.at_turn_end([ended]() mutable { ended.reset(); });
}

void PeerConnections::remember_ticket(PeerConnection& connection) {
  if (connection.is_inbound() || !connection.is_established() || !connection.expected()) return;
  Bytes ticket = connection.channel().session_ticket();
  if (ticket.empty()) return;
  if (tickets_.size() >= limits::tickets_kept && tickets_.count(*connection.expected()) == 0)
    tickets_.erase(tickets_.begin());
  tickets_[*connection.expected()] = std::move(ticket);
}

Bytes PeerConnections::ticket_for(const NodeId& peer) const {
  const auto found = tickets_.find(peer);
  return found == tickets_.end() ? Bytes{} : found->second;
}

}  // namespace starling
