// Mesh: everything between this broker and the others, behind one door. Local publications and
// interests go in, publications of peers come out through MeshHost. It finds peers through the
// Rendezvous, decides whom to dial and whom to keep, speaks the link protocol with them, and keeps
// the promises of QoS across nodes. Sans-I/O: the node owns sockets and TLS. One thread; any number
// of Mesh objects in a process.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/ids.hpp"
#include "starling/interest.hpp"
#include "starling/port/entropy.hpp"
#include "starling/port/log.hpp"
#include "starling/port/metrics.hpp"
#include "starling/port/rendezvous.hpp"
#include "starling/port/scheduler.hpp"
#include "starling/port/store.hpp"
#include "starling/publication.hpp"
#include "starling/result.hpp"

#include "bridge/mesh/mesh_host.hpp"
#include "bridge/mesh/mesh_settings.hpp"
#include "bridge/mesh/mesh_status.hpp"

namespace starling {

class Mesh {
 public:
  /// The label under which LinkFacts::exporter is made [MESH-2.1].
  static constexpr std::string_view exporter_label = "EXPORTER-starling-link-1";

  /// All references outlive the mesh. Reads the remembered peers from `files` ("peers"); nothing
  /// else happens before start().
  Mesh(MeshSettings settings, MeshHost& host, Rendezvous& rendezvous, Scheduler& scheduler,
       Entropy& entropy, StateFiles& files, LogSink& log, Metrics& metrics);
  ~Mesh();
  Mesh(const Mesh&) = delete;
  Mesh& operator=(const Mesh&) = delete;

  /// Announces, listens, dials. Once.
  void start();
  /// Says bye on every link, closes them all and remembers the peers on disk. Nothing is called
  /// afterwards, and no other member may be called but the destructor.
  void stop();

  // --- Links. Ids of accepted links come from here, those of dialled ones from MeshHost::dial's
  // caller.
  /// For a connection that the node has just accepted.
  [[nodiscard]] LinkId next_link_id();
  /// The TLS handshake is complete. An inbound link beyond the bounds is closed from inside
  /// (close_link).
  void on_link_open(LinkId link, LinkFacts facts);
  void on_link_bytes(LinkId link, ByteView plain);
  /// The output of a congested link has drained.
  void on_link_writable(LinkId link);
  /// The connection has ended. `why`: empty for an orderly end. Unknown links are ignored.
  void on_link_closed(LinkId link, const std::string& why);
  /// MeshHost::dial did not lead to a link: no connection, or a handshake that was refused (another
  /// NodeId answered: Errc::bad_identity). Unknown links are ignored.
  void on_dial_failed(LinkId link, const Error& error);

  // --- The broker's side.
  /// A message of a local client, stamped, under its local name. Goes to every peer that wants it
  /// and to those found within limits::parked_age_max (QoS 0) or limits::unresolved_for (QoS 1 and
  /// 2).
  void publish(const SharedPublication& message);
  /// A filter came, changed or went among the local clients. Peers are told at the end of the turn.
  void on_interest_change(const InterestChange& change);

  // --- Commits. What deliver_from_mesh() put into a batch is acknowledged to the peer when that
  // batch is safe.
  /// Something arrived since the last on_batch_sealed() and is not acknowledged yet: the mesh has asked
  /// MeshHost::batch() for a seal in this turn.
  [[nodiscard]] bool has_unsealed_deliveries() const;
  /// The turn's batch was handed to the store under this number. Call it before on_committed() of
  /// that number.
  void on_batch_sealed(BatchNumber number);
  /// Every batch up to `last` is safe.
  void on_committed(BatchNumber last);

  /// A delivery that was told to be waiting has found its place. Ids that do not wait are ignored.
  void on_message_placed(const MessageId& id);

  /// What MeshHost::mesh_may_publish answers may be different now.
  void on_access_changed();

  /// The interfaces have other addresses now.
  void set_local_endpoints(std::vector<Endpoint> endpoints);
  /// What a router forwards to here: announced after the global addresses of interfaces. Replaces
  /// what was mapped before.
  void set_mapped_endpoints(std::vector<Endpoint> endpoints);
  /// The addresses this node joins by are known (their names resolved), or, if it was given none,
  /// those of the first nodes that found it: they decide whether private addresses are announced.
  void set_bootstrap_endpoints(const std::vector<Endpoint>& endpoints);

  /// A member of the mesh at this position of MeshSettings::meshes was heard in our local network,
  /// and says that it accepts links at `endpoint`.
  void on_neighbour(std::size_t mesh, const NodeId& peer, const Endpoint& endpoint);

  [[nodiscard]] MeshStatus status() const;
  [[nodiscard]] MeshLoad load() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace starling
