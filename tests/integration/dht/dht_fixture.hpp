// What the tests of the DHT engine share: authors of records, collectors of values, a world of
// engines, and a bare OpenDHT node without any of our policies, for attackers and for looking
// behind the scenes.
#pragma once

#include <opendht/dht.h>

#include "dht/keys/prefix_key.hpp"
#include "dht/opendht/port_socket.hpp"
#include "dht/opendht/record_type.hpp"
#include "dht/records/member_record.hpp"
#include "tests/integration/dht/virtual_world.hpp"

namespace starling::testing {

struct Author {
  explicit Author(std::uint8_t number) : key(crypto::SigningKey::from_seed(seed(number))) {}
  static crypto::Seed seed(std::uint8_t number) {
    crypto::Seed seed{};
    seed.fill(number);
    return seed;
  }
  crypto::SigningKey key;
};

inline const crypto::MeshKeys mesh = crypto::derive_mesh_keys({1, 2, 3});

struct Record {
  DhtKey key;
  std::uint64_t value_id = 0;
  Bytes bytes;
};

/// A member record that is valid for ten minutes from `now`.
inline Record member_record(const Author& author, UnixSeconds now, std::uint64_t sequence = 1) {
  Record record;
  record.key = member_key(mesh);
  const RecordStamp stamp{1, sequence};
  record.value_id = record_value_id(author.key.node_id(), record.key, stamp);
  record.bytes =
      *write_member_record(author.key, mesh, stamp, now + 600, {{}, {virtual_endpoint(9)}});
  return record;
}

struct Collected {
  std::vector<Bytes> values;
  std::size_t expired = 0;
  std::optional<bool> done;
};

inline void get(Rendezvous& rendezvous, const DhtKey& key, Collected& into) {
  rendezvous.get(
      key,
      [&into](ByteView value, bool) {
        into.values.emplace_back(value.begin(), value.end());
        return true;
      },
      [&into](bool ok) { into.done = ok; });
}

inline Rendezvous::Handle listen(Rendezvous& rendezvous, const DhtKey& key, Collected& into) {
  return rendezvous.listen(key, [&into](ByteView value, bool expired) {
    if (expired)
      ++into.expired;
    else
      into.values.emplace_back(value.begin(), value.end());
    return true;
  });
}

/// A world of engines that know the first of them.
struct World : VirtualWorld {
  using VirtualWorld::VirtualWorld;
  std::vector<std::unique_ptr<VirtualNode>> nodes;

  DhtEngine& engine(std::size_t number) { return nodes[number]->engine; }
  DhtEngine& add() {
    nodes.push_back(std::make_unique<VirtualNode>(
        *this, virtual_endpoint(static_cast<unsigned>(nodes.size()) + 1)));
    if (nodes.size() > 1) nodes.back()->engine.add_node(virtual_endpoint(1));
    return nodes.back()->engine;
  }
  /// `count` nodes that know the first one, all of them connected and past their first lookups.
  void populate(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      add();
      run_for(200ms);
    }
    run_for(10s);
  }
};

/// Somebody else's program on the same DHT: it checks nothing and says what it likes.
class BareNode {
 public:
  BareNode(VirtualWorld& world, const Endpoint& at)
      : scheduler_(world),
        socket_(world, at),
        dht_(std::make_unique<PortSocket>(socket_, sent_), config(),
             std::shared_ptr<::dht::Logger>{}) {
    socket_.set_handler(
        [this](const Endpoint& from, ByteView bytes) { drive(bytes, to_sockaddr(from)); });
    dht_.pingNode(to_sockaddr(virtual_endpoint(1)));
    drive();
  }
  ~BareNode() { scheduler_.cancel(wake_); }
  BareNode(const BareNode&) = delete;
  BareNode& operator=(const BareNode&) = delete;

  void put(const DhtKey& key, std::shared_ptr<::dht::Value> value) {
    dht_.put(to_infohash(key), std::move(value), ::dht::DoneCallback{}, ::dht::time_point::max(),
             true);
    drive();
  }
  void get(const DhtKey& key, std::vector<std::shared_ptr<::dht::Value>>& into) {
    dht_.get(to_infohash(key),
             ::dht::GetCallback([&into](const std::vector<std::shared_ptr<::dht::Value>>& values) {
               into.insert(into.end(), values.begin(), values.end());
               return true;
             }),
             ::dht::DoneCallback{});
    drive();
  }

 private:
  static ::dht::Config config() {
    ::dht::Config config;
    config.network = DhtSettings{}.network;
    config.max_req_per_sec = -1;
    config.max_peer_req_per_sec = -1;
    return config;
  }
  void drive(ByteView bytes = {}, const ::dht::SockAddr& from = {}) {
    const auto now = ::dht::clock::now();
    const auto deadline = dht_.periodic(bytes.data(), bytes.size(), from, now);
    dht_.updateStatus(AF_INET);
    scheduler_.cancel(wake_);
    wake_ = scheduler_.wake_at(scheduler_.now() + (std::min(deadline, now + 1s) - now) + 1ms,
                               [this] { drive(); });
  }

  std::uint64_t sent_ = 0;
  VirtualScheduler scheduler_;
  VirtualDatagram socket_;
  WakeId wake_;
  ::dht::Dht dht_;
};

}  // namespace starling::testing
