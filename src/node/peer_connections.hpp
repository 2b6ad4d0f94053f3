// All links of a node below the link protocol: dials, accepts, keeps session tickets, and speaks
// with the mesh in LinkIds.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <unordered_map>

#include "starling/limits.hpp"
#include "starling/port/log.hpp"

#include "bridge/mesh/mesh_host.hpp"
#include "src/node/peer_connection.hpp"

namespace starling {

class Mesh;

class PeerConnections final : private PeerConnection::Owner {
 public:
  PeerConnections(Dialer& dialer, LinkChannels& channels, Scheduler& scheduler, LogSink& log);
  ~PeerConnections() override;

  void set_mesh(Mesh* mesh) { mesh_ = mesh; }

  void accept(LinkId link, std::unique_ptr<ByteStream> stream);
  /// `expected` nullopt: whoever is there.
  void dial(LinkId link, const Endpoint& to, const std::optional<NodeId>& expected,
            const DialWay& way = {});
  /// A link over a stream that is there already. `as_server`: our part in the TLS handshake.
  void open_over(LinkId link, std::unique_ptr<ByteStream> stream, const NodeId& expected,
                 bool as_server);
  /// Plain bytes towards a link that the mesh was told is open.
  OutputBuffer& output(LinkId link);
  void flush(LinkId link);
  [[nodiscard]] bool is_congested(LinkId link) const;
  /// Ends a link in whatever state it is; the mesh hears no more of it.
  void close(LinkId link);
  /// Connections that are still open, or closing.
  [[nodiscard]] std::size_t size() const { return connections_.size() + closing_.size(); }

 private:
  void on_established(PeerConnection& connection) override;
  void on_plain_bytes(PeerConnection& connection, ByteView plain) override;
  Bytes& plain_scratch() override { return plain_; }
  void on_writable(PeerConnection& connection) override;
  void on_ended(PeerConnection& connection, const Error& why) override;

  struct Dialling {
    std::optional<NodeId> expected;
    bool as_server = false;
  };
  void on_dialled(LinkId link, const Dialling& dialling,
                  Result<std::unique_ptr<ByteStream>> stream);
  void keep(LinkId link, std::unique_ptr<ByteStream> stream,
            const PeerConnection::Expectation& expectation);
  void remember_ticket(PeerConnection& connection);
  [[nodiscard]] Bytes ticket_for(const NodeId& peer) const;
  void drop_later(std::unique_ptr<PeerConnection> connection);
  [[nodiscard]] std::unique_ptr<SecureChannel> channel_for(const PeerConnection::Expectation& who);
  void watch_handshake(LinkId link);

  Dialer& dialer_;
  LinkChannels& channels_;
  Scheduler& scheduler_;
  LogSink& log_;
  Mesh* mesh_ = nullptr;
  std::unordered_map<LinkId, std::unique_ptr<PeerConnection>> connections_;
  std::unordered_map<LinkId, std::unique_ptr<PeerConnection>>
      closing_;                          // the mesh has forgotten them
  std::map<LinkId, Dialling> dialling_;  // close() takes a dial back by erasing it here
  std::map<NodeId, Bytes> tickets_;      // at most limits::tickets_kept
  Bytes plain_;                          // see Owner::plain_scratch
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace starling
