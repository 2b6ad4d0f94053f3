// MeshWorld: several Mesh objects in one process on virtual time. Links are pairs of queues in
// memory, the rendezvous is one table that all share. Links can be cut, nodes killed and brought
// back, and a node can be made undialable. Everything follows from one seed.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "starling/port/entropy.hpp"
#include "starling/port/scheduler.hpp"

#include "bridge/link/peer_link.hpp"
#include "bridge/mesh/mesh.hpp"

namespace starling::test {

using namespace std::chrono_literals;

/// Virtual time. Each task is a turn of the loop of its own.
class VirtualScheduler final : public Scheduler {
 public:
  [[nodiscard]] TimePoint now() const override { return now_; }
  [[nodiscard]] UnixSeconds unix_now() const override;
  WakeId wake_at(TimePoint when, Task task) override;
  void cancel(WakeId id) override;
  void at_turn_end(Task task) override { turn_end_.push_back(std::move(task)); }
  void at_turn_commit(Task task) override { at_turn_end(std::move(task)); }

  void run_for(Duration span);
  /// Runs until `done` holds; false if it does not within `at_most`.
  bool run_until(const std::function<bool()>& done, Duration at_most);
  void end_turn();
  /// Tasks run so far.
  [[nodiscard]] std::size_t turns() const { return turns_; }

 private:
  bool run_next(TimePoint until);
  using Place = std::pair<TimePoint, std::uint64_t>;
  std::map<Place, Task> agenda_;
  std::map<std::uint64_t, TimePoint> places_;
  std::deque<Task> turn_end_;
  TimePoint now_ = TimePoint{} + 1h;
  std::uint64_t next_id_ = 1;
  std::size_t turns_ = 0;
};

class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::uint8_t> out) override;

 private:
  std::uint64_t state_;
};

class TableRendezvous;

/// One table for all nodes; what a node announced stays, until it lapses or is withdrawn by someone
/// alive.
class RendezvousTable {
 public:
  explicit RendezvousTable(VirtualScheduler& scheduler) : scheduler_(scheduler) {}
  struct Listener {
    DhtKey key;
    Rendezvous::OnValue on_value;
    TableRendezvous* owner;
  };
  /// As a stranger could: anything, under any key.
  void put(const DhtKey& key, std::uint64_t value_id, Bytes value);

  std::map<DhtKey, std::map<std::uint64_t, Bytes>> values;
  std::map<std::uint64_t, Listener> listeners;
  std::uint64_t next_handle = 1;
  VirtualScheduler& scheduler() { return scheduler_; }

 private:
  VirtualScheduler& scheduler_;
};

class TableRendezvous final : public Rendezvous {
 public:
  explicit TableRendezvous(RendezvousTable& table) : table_(table) {}
  ~TableRendezvous() override;
  Handle announce(const DhtKey& key, std::uint64_t value_id, Bytes value) override;
  void withdraw(Handle) override {}
  void get(const DhtKey& key, OnValue on_value, OnDone on_done) override;
  Handle listen(const DhtKey& key, OnValue on_value) override;
  void cancel_listen(Handle listening) override { table_.listeners.erase(listening.value); }
  void add_node(const Endpoint&) override {}
  [[nodiscard]] std::vector<Endpoint> known_nodes(std::size_t) const override { return {}; }
  [[nodiscard]] Status status() const override { return Status{true, 3, 0}; }

  static constexpr Duration latency = 30ms;
  std::map<DhtKey, std::size_t> gets;  ///< how often each key was read
  bool deaf = false;                   ///< listeners of this node hear nothing any more

 private:
  RendezvousTable& table_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

class MemoryFiles final : public StateFiles {
 public:
  std::optional<Bytes> load(std::string_view name) override;
  Result<void> save(std::string_view name, ByteView content) override;
  std::map<std::string, Bytes, std::less<>> files;
};

class CollectingLog final : public LogSink {
 public:
  [[nodiscard]] bool wants(LogLevel) const override { return true; }
  void write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) override;
  struct Line {
    LogLevel level;
    std::string event;
    std::string fields;
  };
  std::vector<Line> lines;
  [[nodiscard]] std::size_t count(std::string_view event) const;
};

class CountingMetrics final : public Metrics {
 public:
  Metric& metric(std::string_view name) override { return metrics_[std::string{name}]; }

 private:
  std::map<std::string, Metric> metrics_;
};

struct Arrival {
  std::string mesh;
  NodeId from;
  SharedPublication message;
  TimePoint at;
};

class MeshWorld;
class RawPeer;

/// A node with a broker that only writes down what comes.
class WorldNode final : public MeshHost {
 public:
  struct Options {
    std::vector<MeshConfig> meshes;
    bool dialable = true;
    std::vector<Endpoint> bootstrap{Endpoint::v4({127, 0, 0, 1}, 1)};
    OutboxBounds outbox;
    double messages_per_s = 0;  ///< of one peer into private meshes; 0: no bound
    double open_messages_per_s = limits::open_messages_per_s;
    std::size_t retained_max = limits::peer_retained_max;
  };
  WorldNode(MeshWorld& world, std::uint8_t number, Options options);
  ~WorldNode() override;

  void boot();  ///< starts, or starts again under the same identity
  void kill();  ///< kill -9: nothing is said, all connections reset
  void stop();  ///< in order
  [[nodiscard]] bool is_up() const { return mesh_ != nullptr; }
  [[nodiscard]] Mesh& mesh() { return *mesh_; }

  void subscribe(const std::string& filter, QoS qos = QoS::at_most_once, bool durable = false,
                 const std::string& group = "");
  void unsubscribe(const std::string& filter, const std::string& group = "");
  MessageId publish(const std::string& topic, const std::string& payload,
                    QoS qos = QoS::at_most_once, bool retain = false);
  MessageId publish(Publication publication);

  /// Payloads that came under `topic` ("" for any), in order.
  [[nodiscard]] std::vector<std::string> payloads(const std::string& topic = "") const;
  [[nodiscard]] std::optional<PeerStatus> peer(const WorldNode& other) const;
  [[nodiscard]] bool is_linked_to(const WorldNode& other) const;
  [[nodiscard]] std::size_t links() const;
  /// The sockets have drained.
  void writable();

  // MeshHost
  void dial(LinkId link, const Endpoint& to, const std::optional<NodeId>& expected,
            const DialWay& way) override;
  void open_over(LinkId link, std::unique_ptr<ByteStream> stream, const NodeId& expected,
                 bool as_server) override;
  OutputBuffer& link_output(LinkId link) override;
  void flush_link(LinkId link) override;
  [[nodiscard]] bool link_is_congested(LinkId link) const override;
  void close_link(LinkId link) override;
  [[nodiscard]] bool mesh_may_publish(std::string_view mesh, const NodeId& from,
                                      const TopicName& topic) const override;
  MeshDelivery deliver_from_mesh(std::string_view mesh, const NodeId& from,
                                 Publication&& message) override;
  StoreBatch& batch() override {
    seal_asked_ = true;
    ask_for_after_turn();
    return batch_;
  }

  NodeId id;
  Endpoint endpoint;
  bool dialable = true;
  bool congested = false;       ///< every link pretends to be
  bool reader_is_full = false;  ///< deliveries find no room; the test tells when they do
  std::string forbidden_topic;  ///< no peer may publish it here; tell the mesh when it changes
  mutable std::size_t access_questions = 0;  ///< how often the mesh asked
  Duration commit_delay = 0ms;               ///< from the end of the turn until the batch is safe
  std::vector<Arrival> arrivals;
  std::size_t dials = 0;
  std::uint64_t bytes_sent = 0;
  Bytes wire_sample;  ///< everything ever sent in plain, bounded
  CollectingLog log;
  MemoryFiles files;
  TableRendezvous* rendezvous() { return rendezvous_.get(); }

 private:
  friend class MeshWorld;
  friend class RawPeer;
  struct Side {
    RawPeer* raw = nullptr;  // at the other end, in place of a connection of the world
    std::uint64_t connection = 0;
    bool is_client = false;
    OutputBuffer output;
    bool flush_asked = false;
  };
  void after_turn();
  void ask_for_after_turn();
  void flush(LinkId link);

  MeshWorld& world_;
  Options options_;
  crypto::SigningKey key_;
  std::uint64_t epoch_ = 0;
  std::uint64_t sequence_ = 0;
  std::map<std::pair<std::string, std::string>, Interest> subscriptions_;
  std::map<LinkId, Side> links_;
  std::set<LinkId> dialling_;
  StoreBatch batch_;
  BatchNumber next_batch_ = 1;
  bool turn_end_asked_ = false;
  bool seal_asked_ = false;
  CountingMetrics metrics_;
  std::unique_ptr<TableRendezvous> rendezvous_;
  std::unique_ptr<SeededEntropy> entropy_;
  std::unique_ptr<Mesh> mesh_;
};

/// The other end of one link without a mesh behind it: it says what it is told to, however rude.
class RawPeer {
 public:
  /// Dials `node` at once and shakes hands as a member of `meshes`. `ordinal`: of its links,
  /// counted by itself.
  RawPeer(MeshWorld& world, WorldNode& node, std::uint8_t number,
          const std::vector<MeshConfig>& meshes, std::uint64_t ordinal = 1);
  ~RawPeer();

  /// Sends on its lane without looking at anything but credit; the outcome.
  SendOutcome send(const Publication& message, std::uint8_t hops = 0);
  void flush();
  PeerLink& machine() { return *machine_; }
  OutputBuffer& out() { return out_; }

  NodeId id;
  LinkEvents events;       ///< everything the link reported
  bool is_closed = false;  ///< the node has closed the connection
  [[nodiscard]] bool is_ready() const { return machine_->is_ready(); }
  [[nodiscard]] std::uint64_t acknowledged() const;
  /// Payloads of the publications that have come.
  [[nodiscard]] std::vector<std::string> payloads() const;
  /// Whom the node has named as members.
  [[nodiscard]] std::set<NodeId> told() const;
  /// Says what it wants of one mesh: all of it.
  void want(std::size_t mesh, const std::vector<Interest>& interests);

 private:
  friend class WorldNode;
  void on_bytes(ByteView bytes);
  MeshWorld& world_;
  WorldNode& node_;
  LinkId link_;
  PeerLinkSettings settings_;
  std::unique_ptr<PeerLink> machine_;
  OutputBuffer out_;
};

class MeshWorld {
 public:
  explicit MeshWorld(std::uint64_t seed = 1);
  ~MeshWorld();

  /// A node of the private mesh "home", everything shared both ways, not started yet.
  WorldNode& add_node(WorldNode::Options options);
  WorldNode& add_node();

  static MeshConfig private_mesh(const std::string& name = "home", std::uint8_t secret = 7,
                                 const std::vector<std::string>& shares = {"both:#"});
  static MeshConfig open_mesh(const std::string& name = "public",
                              const std::vector<std::string>& shares = {"both:chat/#"});

  void run_for(Duration span) { scheduler.run_for(span); }
  bool run_until(const std::function<bool()>& done, Duration at_most = 30s) {
    return scheduler.run_until(done, at_most);
  }
  [[nodiscard]] bool all_linked() const;

  /// Both ends lose the connection at once, with whatever was on its way.
  void cut_all_between(const WorldNode& a, const WorldNode& b);
  /// One connection, chosen by `choice`; false if there is none.
  bool cut_one(std::uint64_t choice);
  /// While set, bytes of these two vanish and dials between them time out.
  void partition(const WorldNode& a, const WorldNode& b, bool apart);

  VirtualScheduler scheduler;
  SeededEntropy entropy;
  RendezvousTable table;
  std::vector<std::unique_ptr<WorldNode>> nodes;
  Duration latency = 1ms;

 private:
  friend class WorldNode;
  friend class RawPeer;
  struct Connection {
    WorldNode* client;
    WorldNode* server;
    LinkId client_link;
    LinkId server_link;
  };
  void connect(WorldNode& client, LinkId client_link, const Endpoint& to,
               const std::optional<NodeId>& expected);
  void carry(std::uint64_t connection, bool from_client, Bytes bytes);
  void end(std::uint64_t connection, const std::string& why);
  void end_side(std::uint64_t connection, bool client_side, const std::string& why);
  [[nodiscard]] bool are_apart(const WorldNode& a, const WorldNode& b) const;

  std::map<std::uint64_t, Connection> connections_;
  std::set<std::pair<NodeId, NodeId>> apart_;
  std::uint64_t next_connection_ = 1;
};

}  // namespace starling::test
