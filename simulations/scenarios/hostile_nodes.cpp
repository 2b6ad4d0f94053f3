#include "simulations/scenarios/hostile_nodes.hpp"

#include <algorithm>
#include <opendht/dht.h>
#include <utility>

#include "starling/check.hpp"

#include "dht/keys/prefix_key.hpp"
#include "dht/opendht/dht_engine.hpp"
#include "dht/opendht/port_socket.hpp"
#include "dht/opendht/record_type.hpp"
#include "dht/records/envelope.hpp"
#include "dht/records/interest_record.hpp"

namespace starling::sim {
namespace {

using namespace std::chrono_literals;
using Kind = ScenarioHostile::Kind;
using Values = std::vector<std::shared_ptr<::dht::Value>>;

constexpr std::uint16_t port = 4'222;
constexpr std::size_t stolen_max = 200;  // records kept for replaying
constexpr auto replay_every = 60s;

/// Takes what it is given, and tells nobody.
::dht::ValueType forgetful_type() {
  return {record_type_id, "forgetful", std::chrono::minutes{10},
          [](::dht::InfoHash, std::shared_ptr<::dht::Value>&, const ::dht::InfoHash&,
             const ::dht::SockAddr&) { return false; }};
}

}  // namespace

class HostileNodes::Stranger {
 public:
  Stranger(World& world, const ScenarioHostile& plan, const MeshConfig& mesh, const DhtKey& key,
           std::uint32_t number, const std::vector<HostPort>& bootstrap)
      : world_(world),
        plan_(plan),
        mesh_(mesh),
        key_(key),
        dice_(world.seed(), 0x686F7374'0000U | number),
        scheduler_(world.agenda(), world.add_stranger()),
        bootstrap_(bootstrap) {}

  ~Stranger() {
    inside([this] {
      if (dht_) socket_->set_handler({});
      dht_.reset();
    });
  }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

  void begin() {
    socket_.emplace(world_.network(), scheduler_.host(), port, scheduler_.process());
    inside([this] {
      ::dht::Config config;
      config.network = DhtSettings{}.network;
      config.max_req_per_sec = -1;
      config.max_peer_req_per_sec = -1;
      if (plan_.kind == Kind::eclipse) config.node_id = next_to_key();
      dht_ = std::make_unique<::dht::Dht>(std::make_unique<PortSocket>(*socket_, sent_), config,
                                          std::shared_ptr<::dht::Logger>{});
      if (plan_.kind == Kind::eclipse) dht_->registerType(forgetful_type());
      socket_->set_handler([this](const Endpoint& from, ByteView bytes) {
        if (!is_silent_) drive(bytes, to_sockaddr(from));
      });
      for (const HostPort& host : bootstrap_)
        if (const auto at = Endpoint::parse(host.to_text())) dht_->pingNode(to_sockaddr(*at));
      drive();
    });
    act_after(30s);
  }

 private:
  template <class Act>
  void inside(Act act) {
    world_.agenda().inside(scheduler_.process(), act);
  }

  /// The key but for its last bytes: nobody who chose his id honestly is nearer.
  ::dht::InfoHash next_to_key() {
    DhtKey near = key_;
    dice_.fill(std::span(near.bytes).last(4));
    return to_infohash(near);
  }

  void act_after(Duration pause) {
    scheduler_.wake_at(scheduler_.now() + pause, [this] { act(); });
  }

  void act() {
    const auto interval = Duration{static_cast<Duration::rep>(1e9 / std::max(plan_.per_s, 0.001))};
    switch (plan_.kind) {
      case Kind::eclipse:
        return;
      case Kind::flood_records:
        put(make_record(true));
        return act_after(interval);
      case Kind::forge_records:
        put(make_record(false));
        return act_after(interval);
      case Kind::replay:
        steal();
        for (const auto& value : stolen_) put(make_record_value(value->id, ByteView(value->data)));
        return act_after(replay_every);
      case Kind::drop_datagrams:
        is_silent_ = true;
        return;
    }
  }

  /// Of somebody who does not exist; with `honest` its signature holds.
  std::shared_ptr<::dht::Value> make_record(bool honest) {
    const auto identity = crypto::SigningKey::generate(dice_);
    const RecordStamp stamp{1, ++sequence_};
    const auto name = TopicName::parse(plan_.topic);
    const LiteralPrefix prefix = prefixes_of(*name).front();
    Interest everything{.filter = prefix.everything_below(), .share_group = {}};
    const Endpoint nowhere = Endpoint::v4({198, 18, 0, 1}, 9);
    auto bytes = write_interest_record(identity, mesh_.keys, stamp, scheduler_.unix_now() + 600,
                                       {prefix, {}, {everything}, {nowhere}});
    STARLING_CHECK(bytes.ok());
    Bytes record = std::move(bytes).value();
    if (!honest) record.back() ^= 1;
    return make_record_value(record_value_id(identity.node_id(), key_, stamp), record);
  }

  void put(std::shared_ptr<::dht::Value> value) {
    dht_->put(to_infohash(key_), std::move(value), ::dht::DoneCallback{}, ::dht::time_point::max(),
              false);
    drive();
  }

  void steal() {
    dht_->get(to_infohash(key_), ::dht::GetCallback([this](const Values& values) {
                for (const auto& value : values)
                  if (stolen_.size() < stolen_max) stolen_.push_back(value);
                return true;
              }),
              ::dht::DoneCallback{});
    drive();
  }

  void drive(ByteView bytes = {}, const ::dht::SockAddr& from = {}) {
    const auto now = ::dht::clock::now();
    const auto deadline = dht_->periodic(bytes.data(), bytes.size(), from, now);
    dht_->updateStatus(AF_INET);
    scheduler_.cancel(wake_);
    wake_ =
        scheduler_.wake_at(scheduler_.now() + (std::min(deadline, now + 1s) - now) + 1ms, [this] {
          if (!is_silent_) drive();
        });
  }

  World& world_;
  const ScenarioHostile& plan_;
  const MeshConfig& mesh_;
  DhtKey key_;
  Random dice_;
  SimScheduler scheduler_;
  std::vector<HostPort> bootstrap_;
  std::optional<SimDatagram> socket_;
  std::uint64_t sent_ = 0;
  std::uint64_t sequence_ = 0;
  bool is_silent_ = false;
  Values stolen_;
  WakeId wake_;
  std::unique_ptr<::dht::Dht> dht_;
};

HostileNodes::HostileNodes(World& world, const Scenario& scenario,
                           const std::map<std::string, MeshConfig>& meshes,
                           const std::vector<HostPort>& bootstrap) {
  if (scenario.hostiles.empty()) return;
  const MeshConfig& mesh = meshes.at(scenario.meshes.front().name);
  std::uint32_t number = 0;
  for (const ScenarioHostile& plan : scenario.hostiles) {
    DhtKey key{};
    if (const auto topic = TopicName::parse(plan.topic); topic.ok())
      key = keys_of(mesh.keys, *topic).front().key;
    for (std::uint32_t i = 0; i < plan.count; ++i) {
      strangers_.push_back(std::make_unique<Stranger>(world, plan, mesh, key, ++number, bootstrap));
      world.at(plan.at, [stranger = strangers_.back().get()] { stranger->begin(); });
    }
  }
}

HostileNodes::~HostileNodes() = default;

}  // namespace starling::sim
