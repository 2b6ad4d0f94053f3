// MeshHost: what the mesh needs from the node around it. The node owns sockets and TLS channels;
// the mesh owns everything that is said over them. All calls are made from inside a call into Mesh
// or a wake-up.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/output_buffer.hpp"
#include "starling/port/store.hpp"
#include "starling/port/stream.hpp"
#include "starling/publication.hpp"

namespace starling {

/// What the channel of a link has proved, once its handshake is complete.
struct LinkFacts {
  NodeId peer;      ///< whose key signed the handshake: SecureChannel::peer()
  Bytes exporter;   ///< 32 bytes of keying material under Mesh::exporter_label, without context
  Endpoint remote;  ///< the other end of the connection as we see it
  bool inbound = false;  ///< our part in the TLS handshake was the server's
  Endpoint local = {};   ///< our end; unspecified where nobody knows
};

/// What became of a message that the mesh handed over.
enum class MeshDelivery : std::uint8_t {
  taken,    ///< delivered, queued, refused or wanted by nobody: safe with this turn's batch
  waiting,  ///< a local reader's queue is full: Mesh::on_message_placed follows
};

/// How a connection is made.
struct DialWay {
  /// From the port that accepts links, so that others see us at one place. 0: from any.
  std::uint16_t from_port = 0;
  /// Our part in the TLS handshake is the server's, as two that dial each other have agreed.
  bool as_server = false;
};

class MeshHost {
 public:
  virtual ~MeshHost() = default;

  /// Connect to `to` and make the TLS handshake as a client; `expected` is the peer wanted there,
  /// which also names the session ticket to offer. Answered later (never from inside) by exactly
  /// one of Mesh::on_link_open and Mesh::on_dial_failed, unless close_link() comes first.
  /// nullopt: whoever is there.
  virtual void dial(LinkId link, const Endpoint& to, const std::optional<NodeId>& expected,
                    const DialWay& way) = 0;
  /// As dial(), over a stream that is there already.
  virtual void open_over(LinkId link, std::unique_ptr<ByteStream> stream, const NodeId& expected,
                         bool as_server) = 0;

  /// Plain bytes to be encrypted and sent. Only for links between on_link_open and on_link_closed.
  virtual OutputBuffer& link_output(LinkId link) = 0;
  /// Something was appended to link_output(); send it at the end of this turn, or a part of it now.
  /// Nothing is called back from inside.
  virtual void flush_link(LinkId link) = 0;
  /// True while more than limits::connection_output_max bytes of this link wait for the socket. The
  /// mesh then appends no publications; Mesh::on_link_writable tells it to go on.
  [[nodiscard]] virtual bool link_is_congested(LinkId link) const = 0;
  /// Sends what was appended, then closes. The mesh forgets the link with this call: on_link_closed
  /// need not follow, and does no harm.
  virtual void close_link(LinkId link) = 0;

  /// May peer `from` publish `topic` (a local name) here, as user "mesh:<mesh>"? The answer holds
  /// until Mesh::on_access_changed().
  [[nodiscard]] virtual bool mesh_may_publish(std::string_view mesh, const NodeId& from,
                                              const TopicName& topic) const = 0;
  /// A message for local clients, under its local name, that mesh_may_publish(). The node hands it
  /// to the broker by the door that does not lead back to the mesh.
  /// Whatever must be kept goes into batch(). A message that waits is not acknowledged to its peer,
  /// nor is what came after it from there: so that peer slows down, and no other.
  virtual MeshDelivery deliver_from_mesh(std::string_view mesh, const NodeId& from,
                                         Publication&& message) = 0;
  /// This turn's batch, into which the mesh appends when MeshSettings::keep_outboxes says so. Asking for
  /// it makes the node seal one at the end of the turn, be it empty: the mesh asks whenever
  /// something waits to be acknowledged to a peer.
  virtual StoreBatch& batch() = 0;
};

}  // namespace starling
