// A broker with everything around it in memory: virtual time, a host that records, and clients that
// speak packets. One object, one story.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "src/broker/broker.hpp"
#include "src/mqtt/frame_reader.hpp"
#include "src/mqtt/read_packet.hpp"
#include "src/mqtt/write_packet.hpp"
#include "tests/support/model_store.hpp"
#include "tests/support/null_log.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/virtual_scheduler.hpp"

namespace starling::test {

using mqtt::ProtocolVersion;
using mqtt::ReasonCode;

/// The node's side of the contract: stamps, records, and lets acknowledgements go at once or when
/// told.
class RecordingHost final : public BrokerHost {
 public:
  MessageId next_message_id() override {
    MessageId id;
    id.origin.bytes[0] = 1;
    id.epoch = 1;
    id.sequence = ++last_sequence;
    return id;
  }
  void on_local_publication(const SharedPublication& message) override {
    published.push_back(message);
  }
  void on_interest_change(const InterestChange& change) override { interests.push_back(change); }
  StoreBatch& batch() override { return changes; }
  void acknowledge_after_commit(ConnectionId to, const Acknowledgement& what) override {
    waiting.emplace_back(to, what);
    if (!hold_back) commit();
  }
  std::uint64_t next_message_number() override { return ++numbers.message; }
  SessionNumber next_session_number() override { return ++numbers.session; }
  void read_queue(const QueueRead& what) override { reads.push_back(what); }
  void tell_when_safe(SessionNumber session, std::uint64_t position) override {
    safe.emplace_back(session, position);
  }
  [[nodiscard]] std::size_t store_backlog() const override { return backlog; }
  void on_mesh_message_placed(const MessageId& id) override { placed.push_back(id); }
  bool may_be_wanted_elsewhere(const TopicName&) const override { return wanted_elsewhere; }
  std::optional<AuthVerdict> check_credentials(ConnectionId id, const Credentials& shown) override {
    std::string text = std::string(shown.client_id) + " " + std::string(shown.user_name.value());
    if (shown.password) text += ":" + std::string(as_text(*shown.password));
    checked.emplace_back(id, std::move(text));
    return verdict;
  }
  bool may_stay(ConnectionId, std::string_view user) override { return !revoked.contains(user); }
  AuthStep begin_exchange(ConnectionId, std::string_view method, ByteView data) override {
    exchanged.push_back("begin " + std::string(method) + " " + std::string(as_text(data)));
    return next_step();
  }
  AuthStep continue_exchange(ConnectionId, ByteView data) override {
    exchanged.push_back("continue " + std::string(as_text(data)));
    return next_step();
  }
  void end_exchange(ConnectionId) override { exchanged.emplace_back("end"); }
  AuthStep next_step() {
    if (steps.empty())
      return {AuthStep::Kind::refused, {}, {}, ReasonCode::bad_authentication_method, "no methods"};
    AuthStep step = std::move(steps.front());
    steps.pop_front();
    return step;
  }

  /// The turn's batch is safe.
  void commit() {
    while (!waiting.empty()) {
      const auto next = std::move(waiting.front());
      waiting.pop_front();
      broker->release(next.first, next.second);
    }
  }
  /// A whole turn's end: the batch goes to `store`, and all that waited for it comes. What is asked
  /// for meanwhile waits for the next one.
  void end_turn(ModelStore& store) {
    store.commit(std::exchange(changes, {}));
    const auto asked = std::exchange(reads, {});
    const auto safe_now = std::exchange(safe, {});
    commit();
    for (const auto& [session, position] : safe_now) broker->on_queue_safe(session, position);
    for (const QueueRead& read : asked) broker->on_queue_read(read.session, store.read(read));
  }
  template <class Change>
  [[nodiscard]] std::size_t count_changes() const {
    std::size_t count = 0;
    for (const StoreChange& change : changes.changes)
      count += std::holds_alternative<Change>(change);
    return count;
  }

  Broker* broker = nullptr;
  bool hold_back = false;
  bool wanted_elsewhere = false;
  std::optional<AuthVerdict> verdict = AuthVerdict{};         ///< nullopt: it comes later
  std::vector<std::pair<ConnectionId, std::string>> checked;  ///< "<client id> <user>:<password>"
  std::set<std::string, std::less<>> revoked;                 ///< users who may not stay
  std::deque<AuthStep> steps;                                 ///< of exchanges, to be taken in turn
  std::vector<std::string> exchanged;
  std::deque<std::pair<ConnectionId, Acknowledgement>> waiting;
  std::vector<SharedPublication> published;
  std::vector<InterestChange> interests;
  std::vector<MessageId> placed;
  StoreBatch changes;
  StoreNumbers numbers;
  std::vector<QueueRead> reads;
  std::vector<std::pair<SessionNumber, std::uint64_t>> safe;
  std::size_t backlog = 0;
  std::uint64_t last_sequence = 0;
};

/// A packet with the bytes its views point into.
struct ReceivedPacket {
  Bytes bytes;
  mqtt::Packet packet;

  template <class Kind>
  [[nodiscard]] const Kind* as() const {
    return std::get_if<Kind>(&packet);
  }
};

/// A client's end of a connection.
class FakeClient final : public ConnectionPort {
 public:
  FakeClient(Broker& broker, ConnectionId id, ProtocolVersion version)
      : broker_(broker), id_(id), version_(version) {}

  // ConnectionPort
  OutputBuffer& output() override { return output_; }
  void flush_soon() override {}
  [[nodiscard]] bool write_is_congested() const override { return congested; }
  void close() override { closed = true; }

  [[nodiscard]] ConnectionId id() const { return id_; }
  [[nodiscard]] ProtocolVersion version() const { return version_; }

  template <class Kind>
  void send(Kind packet) {
    broker_.on_packet(id_, mqtt::Packet{std::move(packet)});
  }
  /// The network fails.
  void drop(std::string_view why = "connection reset") { broker_.on_connection_closed(id_, why); }
  void drain() {
    congested = false;
    broker_.on_writable(id_);
  }

  /// Everything that has been written since the last call.
  std::vector<std::unique_ptr<ReceivedPacket>> receive() {
    Bytes all;
    ByteView views[64];
    while (!output_.empty()) {
      const std::size_t count = output_.gather(views);
      std::size_t taken = 0;
      for (std::size_t i = 0; i < count; ++i) {
        append(all, views[i]);
        taken += views[i].size();
      }
      output_.consume(taken);
    }
    std::vector<std::unique_ptr<ReceivedPacket>> packets;
    mqtt::FrameReader reader(limits::packet_size_max);
    const auto read = reader.read(all, [&](const mqtt::Frame& frame) {
      auto packet = std::make_unique<ReceivedPacket>();
      packet->bytes.assign(frame.body.begin(), frame.body.end());
      const mqtt::Frame copy{frame.first_byte, packet->bytes};
      auto decoded = mqtt::read_packet(copy, {version_, mqtt::Sender::server});
      STARLING_CHECK(decoded.ok());
      packet->packet = *std::move(decoded);
      packets.push_back(std::move(packet));
      return mqtt::Reading::go_on;
    });
    STARLING_CHECK(read.ok() && reader.kept_bytes() == 0);
    return packets;
  }
  /// The one packet that has been written; aborts if there is another number of them, or another
  /// kind.
  template <class Kind>
  Kind expect() {
    kept_ = receive();
    STARLING_CHECK(kept_.size() == 1);
    const Kind* packet = kept_.front()->as<Kind>();
    STARLING_CHECK(packet != nullptr);
    return *packet;  // its views stay good until the next expect()
  }
  /// The PUBLISH packets among what has been written, in order.
  std::vector<mqtt::Publish> messages() {
    kept_ = receive();
    std::vector<mqtt::Publish> found;
    for (const auto& packet : kept_)
      if (const auto* publish = packet->as<mqtt::Publish>()) found.push_back(*publish);
    return found;
  }
  /// "topic=payload" of these, in order.
  std::vector<std::string> texts() {
    std::vector<std::string> found;
    for (const mqtt::Publish& message : messages())
      found.push_back(std::string(message.topic) + "=" + std::string(as_text(message.payload)));
    return found;
  }

  bool congested = false;
  bool closed = false;

 private:
  Broker& broker_;
  ConnectionId id_;
  ProtocolVersion version_;
  OutputBuffer output_;
  std::vector<std::unique_ptr<ReceivedPacket>> kept_;
};

class BrokerWorld {
 public:
  explicit BrokerWorld(BrokerSettings settings = {}, AccessRules rules = {})
      : BrokerWorld(std::move(settings), policies(std::move(rules))) {}
  BrokerWorld(BrokerSettings settings, std::vector<ListenerPolicy> listeners)
      : broker(std::move(settings), std::move(listeners), host, scheduler, random, log) {
    host.broker = &broker;
  }
  /// Listener 0 takes everybody, listener 1 no anonymous client.
  static std::vector<ListenerPolicy> policies(AccessRules rules) {
    ListenerPolicy open;
    open.name = "test";
    open.allow_anonymous = true;
    open.rules = std::move(rules);
    ListenerPolicy closed = open;
    closed.allow_anonymous = false;
    return {std::move(open), std::move(closed)};
  }

  /// A connection without CONNECT.
  FakeClient& open(ProtocolVersion version = ProtocolVersion::v5, bool allow_anonymous = true) {
    ConnectionInfo info;
    info.listener = static_cast<ListenerIndex>(allow_anonymous ? 0 : 1);
    return open(version, std::move(info));
  }
  FakeClient& open(ProtocolVersion version, ConnectionInfo info) {
    clients_.push_back(
        std::make_unique<FakeClient>(broker, ConnectionId{++last_connection_}, version));
    FakeClient& client = *clients_.back();
    info.peer = Endpoint::v4({127, 0, 0, 1}, static_cast<std::uint16_t>(40'000 + last_connection_));
    broker.on_connection_opened(client.id(), client, std::move(info));
    return client;
  }
  /// A connected client; its CONNACK has been taken (see last_connack).
  FakeClient& connect(mqtt::Connect packet) {
    FakeClient& client = open(packet.version);
    client.send(std::move(packet));
    last_connack = client.expect<mqtt::Connack>();
    return client;
  }
  FakeClient& connect(std::string_view client_id, ProtocolVersion version = ProtocolVersion::v5) {
    return connect(connect_packet(client_id, version));
  }
  /// A session that outlives its connection, resumed if it is there.
  FakeClient& connect_durable(std::string_view client_id,
                              ProtocolVersion version = ProtocolVersion::v5,
                              std::uint32_t expiry_s = 3600) {
    return connect(durable_packet(client_id, version, expiry_s));
  }

  static mqtt::Connect connect_packet(std::string_view client_id,
                                      ProtocolVersion version = ProtocolVersion::v5) {
    mqtt::Connect packet;
    packet.version = version;
    packet.client_id = client_id;
    return packet;
  }
  static mqtt::Connect durable_packet(std::string_view client_id,
                                      ProtocolVersion version = ProtocolVersion::v5,
                                      std::uint32_t expiry_s = 3600) {
    mqtt::Connect packet = connect_packet(client_id, version);
    packet.clean_start = false;
    if (version == ProtocolVersion::v5) packet.properties.session_expiry_interval_s = expiry_s;
    return packet;
  }

  /// Subscribes and takes the SUBACK, and what came with it into `client`'s next receive... nothing
  /// does when no message is retained.
  static mqtt::Suback subscribe(FakeClient& client, std::string_view filter,
                                QoS qos = QoS::at_most_once) {
    mqtt::Subscription asked;
    asked.filter = filter;
    asked.qos = qos;
    client.send(mqtt::Subscribe{1, {asked}, {}});
    return client.expect<mqtt::Suback>();
  }

  static mqtt::Publish message(std::string_view topic, std::string_view payload,
                               QoS qos = QoS::at_most_once, std::uint16_t packet_id = 0,
                               bool retain = false) {
    mqtt::Publish packet;
    packet.topic = topic;
    packet.payload = as_bytes(payload);
    packet.qos = qos;
    packet.packet_id = packet_id;
    packet.retain = retain;
    return packet;
  }

  /// PUBLISH and the PUBREL with which it goes on; what answers them is left to be received.
  static void publish_qos2(FakeClient& client, std::string_view topic, std::string_view payload,
                           std::uint16_t packet_id, bool retain = false) {
    client.send(message(topic, payload, QoS::exactly_once, packet_id, retain));
    client.send(mqtt::Pubrel{packet_id, ReasonCode::success, {}});
  }

  VirtualScheduler scheduler;
  SeededRandom random{4711};
  RecordingLog log;
  RecordingHost host;
  Broker broker;
  mqtt::Connack last_connack;

 private:
  std::vector<std::unique_ptr<FakeClient>> clients_;
  std::uint64_t last_connection_ = 0;
};

}  // namespace starling::test
