// SimRendezvous: the Rendezvous port without OpenDHT, for worlds of a hundred thousand nodes. One
// table for all, with the delays that the real one was measured to have. Held against the real one
// by a contract test; what it leaves out stands below.
//
// It tells a reader what was announced on his side of a cut, or before the cut; what he missed he
// learns some minutes after it is mended. Records are not verified and storers do not fail: hostile
// nodes need the real DHT.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "starling/port/rendezvous.hpp"

#include "simulations/world/network.hpp"
#include "simulations/world/random.hpp"

namespace starling::sim {

class SimRendezvous;

/// What all nodes of a world share. Outlives what join() makes.
class RendezvousModel {
 public:
  RendezvousModel(Network& network, std::uint64_t seed);
  ~RendezvousModel();

  /// `at`: where others find the node.
  std::unique_ptr<Rendezvous> join(HostNumber host, ProcessNumber process, const Endpoint& at);

  [[nodiscard]] std::uint64_t lookups() const { return lookups_; }

 private:
  friend class SimRendezvous;
  struct Value {
    std::uint64_t id = 0;
    HostNumber owner = 0;
    TimePoint visible;
    bool is_kept_alive = true;
    std::shared_ptr<const Bytes> bytes;
  };
  struct Listener {
    std::uint64_t handle = 0;
    HostNumber host = 0;
    ProcessNumber process = 0;
    std::shared_ptr<Rendezvous::OnValue> on_value;
  };
  struct Key {
    std::vector<Value> values;        // in the order they came
    std::vector<Listener> listeners;  // the same
  };

  void put(const DhtKey& key, Value value);
  void let_go(const DhtKey& key, std::uint64_t id);
  void tell(const DhtKey& key, const Value& value, const Listener& listener, Duration after,
            bool expired);
  void forget_if_empty(const DhtKey& key);
  [[nodiscard]] bool can_see(const Value& value, HostNumber reader) const;

  Network& network_;
  Random dice_;
  std::unordered_map<DhtKey, Key> keys_;  // never walked
  std::map<std::uint64_t, SimRendezvous*> members_;
  std::uint64_t last_member_ = 0;
  std::uint64_t last_handle_ = 0;
  std::uint64_t lookups_ = 0;
};

}  // namespace starling::sim
