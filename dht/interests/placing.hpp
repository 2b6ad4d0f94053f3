// Placing: at which shard of its key each record of this node is filed. It reads the roots of keys
// that may be hot, and reads them again as records are renewed.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "starling/ids.hpp"
#include "starling/port/rendezvous.hpp"
#include "starling/port/scheduler.hpp"

#include "dht/interests/key_reading.hpp"
#include "dht/keys/key_sketch.hpp"
#include "dht/records/envelope.hpp"
#include "src/crypto/mesh_keys.hpp"

namespace starling {

/// No key of a mesh has more records than the mesh has members, so the member key is read first: in
/// a mesh of up to root_leave members everything stands at its root and nothing else is read. In a
/// private mesh, and in one of up to a hundred members, a record is filed at the root at once and
/// moved when that turns out to be full; in a larger one it is filed when the root has been read, or
/// after 700 ms without an answer.
class Placing {
 public:
  /// The place of records under this root is known, or another one than before. Told from timers.
  using OnPlace = std::function<void(const DhtKey& root)>;

  /// All references outlive it. `signatures`: not null.
  Placing(const NodeId& own, const crypto::MeshKeys& mesh, bool open_mesh, Rendezvous& rendezvous,
          Scheduler& scheduler, std::shared_ptr<SignatureCache> signatures, OnPlace on_place);
  ~Placing();
  Placing(const Placing&) = delete;
  Placing& operator=(const Placing&) = delete;

  /// A record is to be filed under `root`. Again: no change.
  void use(const DhtKey& root);
  void forget(const DhtKey& root);
  /// Where it is filed. nullopt: not known yet, or never used.
  [[nodiscard]] std::optional<Shard> place(const DhtKey& root) const;
  /// A record is about to be renewed. True: its root is being read again, better wait four seconds.
  bool look_again(const DhtKey& root);

 private:
  struct Root {
    std::optional<Shard> place;
    std::unique_ptr<KeyReading> reading;
    WakeId patience;  // runs out: filed at the root unread
    bool was_read = false;
    bool is_waiting = false;  // for its turn to be read
    unsigned skips = 0;       // renewals for which it need not be read
    WakeId second_look;
    bool had_second_look = false;
  };

  void read(const DhtKey& root);
  void read_waiting();
  void on_read(const DhtKey& root, const KeySketch& sketch);
  void settle(const DhtKey& root, Shard place);
  void on_mesh_size();
  [[nodiscard]] bool may_be_hot(const DhtKey& root) const;

  NodeId own_;
  const crypto::MeshKeys& mesh_;
  bool open_mesh_;
  Rendezvous& rendezvous_;
  Scheduler& scheduler_;
  OnPlace on_place_;
  DhtKey members_;
  std::optional<double> mesh_size_;  // estimated
  std::shared_ptr<SignatureCache> signatures_;
  std::map<DhtKey, Root> roots_;
  std::deque<DhtKey> waiting_;
  std::size_t reading_ = 0;
};

}  // namespace starling
