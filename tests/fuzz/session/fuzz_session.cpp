// A script of (verb, bytes, elapsed time) against a whole broker with a few clients. Our own CHECKs
// must hold, nothing may be written after a close, and what is written must be MQTT.
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "src/broker/broker.hpp"
#include "src/mqtt/read_packet.hpp"
#include "tests/support/model_store.hpp"
#include "tests/support/null_log.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/virtual_scheduler.hpp"

namespace {

using namespace starling;

constexpr std::size_t client_count = 4;

/// Acknowledgements leave at once or when the script says so.
class ScriptHost final : public BrokerHost {
 public:
  MessageId next_message_id() override {
    MessageId id;
    id.sequence = ++sequence_;
    return id;
  }
  std::uint64_t next_message_number() override { return ++numbers_.message; }
  SessionNumber next_session_number() override { return ++numbers_.session; }
  void read_queue(const QueueRead& what) override { reads_.push_back(what); }
  void tell_when_safe(SessionNumber session, std::uint64_t position) override {
    safe_.emplace_back(session, position);
  }
  void on_local_publication(const SharedPublication&) override {}
  void on_interest_change(const InterestChange& change) override {
    const Interest& interest = change.interest;
    const std::pair key{interest.share_group, std::string(interest.filter.text())};
    if (change.wanted) {
      wanted.insert_or_assign(key, interest);
    } else {
      STARLING_CHECK(wanted.erase(key) == 1);
    }
  }
  StoreBatch& batch() override { return batch_; }
  void acknowledge_after_commit(ConnectionId to, const Acknowledgement& what) override {
    waiting_.emplace_back(to, what);
    if (!hold_back) commit();
  }
  void on_mesh_message_placed(const MessageId&) override {}
  /// User names decide: "late" is answered when the script says so, "bad" is refused.
  std::optional<AuthVerdict> check_credentials(ConnectionId id, const Credentials& shown) override {
    const std::string_view user = shown.user_name.value();
    if (user.starts_with('l')) {
      checking.push_back(id);
      return std::nullopt;
    }
    if (user.starts_with('b')) return AuthVerdict{mqtt::ReasonCode::not_authorized, "bad"};
    return AuthVerdict{};
  }
  void answer() {
    const std::vector<ConnectionId> answered = std::exchange(checking, {});
    for (std::size_t i = 0; i < answered.size(); ++i)
      broker->on_credentials_checked(
          answered[i],
          {i % 2 == 0 ? mqtt::ReasonCode::success : mqtt::ReasonCode::server_busy, ""});
  }
  /// Data decides: 'a' is accepted, 'g' goes on, anything else is refused.
  AuthStep begin_exchange(ConnectionId id, std::string_view, ByteView data) override {
    STARLING_CHECK(exchanging.insert(id.value).second);
    return step(data);
  }
  AuthStep continue_exchange(ConnectionId id, ByteView data) override {
    STARLING_CHECK(exchanging.contains(id.value));
    return step(data);
  }
  void end_exchange(ConnectionId id) override { exchanging.erase(id.value); }
  static AuthStep step(ByteView data) {
    AuthStep step;
    if (!data.empty() && data[0] == 'a') step.kind = AuthStep::Kind::accepted;
    if (!data.empty() && data[0] == 'g') step.kind = AuthStep::Kind::go_on;
    step.user = "exchanged";
    step.data = Bytes(data.begin(), data.end());
    return step;
  }
  void commit() {
    store_.commit(std::exchange(batch_, {}));
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
      const auto next = waiting_[i];  // releasing may ask for more
      broker->release(next.first, next.second);
    }
    waiting_.clear();
  }
  void end_turn() {
    if (hold_back) return;
    commit();
    for (const auto& [session, position] : std::exchange(safe_, {}))
      broker->on_queue_safe(session, position);
    for (const QueueRead& read : std::exchange(reads_, {}))
      broker->on_queue_read(read.session, store_.read(read));
  }
  /// The process ends here, and the next one finds what was committed.
  void restart(Broker& next) {
    broker = &next;
    batch_ = {};
    waiting_.clear();
    safe_.clear();
    reads_.clear();
    checking.clear();
    exchanging.clear();
    wanted.clear();
    numbers_ = next.restore(store_);
  }

  Broker* broker = nullptr;
  bool hold_back = false;
  std::vector<ConnectionId> checking;
  std::set<std::uint64_t> exchanging;
  std::map<std::pair<std::string, std::string>, Interest> wanted;

 private:
  std::vector<std::pair<ConnectionId, Acknowledgement>> waiting_;
  std::vector<std::pair<SessionNumber, std::uint64_t>> safe_;
  std::vector<QueueRead> reads_;
  StoreBatch batch_;
  test::ModelStore store_;
  StoreNumbers numbers_;
  std::uint64_t sequence_ = 0;
};

class ScriptClient final : public ConnectionPort {
 public:
  OutputBuffer& output() override {
    STARLING_CHECK(!closed);
    return output_;
  }
  void flush_soon() override { STARLING_CHECK(!closed); }
  [[nodiscard]] bool write_is_congested() const override { return congested; }
  void close() override {
    STARLING_CHECK(!closed);
    closed = true;
  }

  /// Everything that was written, which must be packets a server may send.
  void check_output() {
    Bytes all;
    std::array<ByteView, 16> views;
    while (!output_.empty()) {
      std::size_t taken = 0;
      const std::size_t count = output_.gather(views);
      for (std::size_t i = 0; i < count; ++i) {
        append(all, views[i]);
        taken += views[i].size();
      }
      output_.consume(taken);
    }
    mqtt::FrameReader reader(limits::packet_size_max);
    const auto read = reader.read(all, [this](const mqtt::Frame& frame) {
      const auto packet = mqtt::read_packet(frame, {version, mqtt::Sender::server});
      STARLING_CHECK(packet.ok());
      if (!connack_seen)
        STARLING_CHECK(frame.type() == mqtt::PacketType::connack
                       || frame.type() == mqtt::PacketType::auth);
      STARLING_CHECK(!(connack_seen && frame.type() == mqtt::PacketType::connack));
      STARLING_CHECK(!disconnect_seen);  // nothing follows a DISCONNECT
      connack_seen = connack_seen || frame.type() == mqtt::PacketType::connack;
      disconnect_seen = frame.type() == mqtt::PacketType::disconnect;
      return mqtt::Reading::go_on;
    });
    STARLING_CHECK(read.ok() && reader.kept_bytes() == 0);
  }

  ConnectionId id;
  mqtt::ProtocolVersion version = mqtt::ProtocolVersion::v5;
  bool connect_sent = false;
  bool connack_seen = false;
  bool disconnect_seen = false;
  bool closed = false;
  bool congested = false;

 private:
  OutputBuffer output_;
};

class Script {
 public:
  explicit Script(ByteView input) : input_(input) {
    settings_.inflight_max = 2;
    settings_.queued_messages_max = 3;
    settings_.receive_maximum = 4;
    settings_.retained_messages_max = 5;
    settings_.sessions_max = 6;
    settings_.store_keeps_anything = input_.read_u8() % 2 == 1;
    const std::uint8_t how = input_.read_u8();
    settings_.queue_qos0 = how % 2 == 1;
    settings_.upgrade_outgoing_qos = how / 2 % 2 == 1;
    settings_.inflight_bytes_max = how / 4 % 2 == 1 ? 3 : 0;
    settings_.retain_expiry_s = how / 8 % 2 == 1 ? 2 : 0;
    settings_.payload_size_max = how / 16 % 2 == 1 ? 4 : 0;
    ListenerPolicy open;
    open.name = "open";
    open.allow_anonymous = true;
    open.topic_alias_out_max = 2;
    ListenerPolicy mounted = open;
    mounted.mount_point = "m/";
    mounted.qos_max = 1;
    mounted.use_user_name_as_client_id = how / 32 % 2 == 1;
    listeners_ = {open, mounted};
    begin();
  }

  void run() {
    while (input_.ok() && input_.remaining() > 0) {
      step();
      host_.end_turn();
      for (auto& client : clients_)
        if (client) client->check_output();
    }
    std::size_t interests = 0;
    broker_->for_each_interest([&](const Interest& interest) {
      const auto known =
          host_.wanted.find({interest.share_group, std::string(interest.filter.text())});
      STARLING_CHECK(known != host_.wanted.end() && known->second == interest);
      ++interests;
    });
    STARLING_CHECK(interests == host_.wanted.size());
  }

 private:
  void begin() {
    broker_.emplace(settings_, listeners_, host_, scheduler_, random_, log_);
    host_.restart(*broker_);
  }

  void restart() {
    for (auto& client : clients_)
      if (client) retired_.push_back(std::move(client));
    broker_.reset();
    begin();
  }

  void step() {
    const std::uint8_t verb = input_.read_u8();
    std::unique_ptr<ScriptClient>& slot = clients_[verb % client_count];
    switch (verb / client_count % 9) {
      case 0:
        return open(slot, verb / client_count / 9 % 2);
      case 8:
        return host_.answer();
      case 1:
        if (slot) broker_->on_connection_closed(slot->id, "dropped");
        if (slot) slot->closed = true;
        return;
      case 2: {
        scheduler_.run_for(std::chrono::milliseconds{100} * input_.read_u8());
        return;
      }
      case 3:
        if (!slot) return;
        slot->congested = !slot->congested;
        if (!slot->congested) broker_->on_writable(slot->id);
        return;
      case 4: {
        if (verb / client_count / 9 % 2 == 1) return restart();
        host_.hold_back = !host_.hold_back;
        if (!host_.hold_back) host_.commit();
        return;
      }
      case 5:
        return from_mesh();
      default:
        return packet(slot);
    }
  }

  void open(std::unique_ptr<ScriptClient>& slot, unsigned listener) {
    if (slot && !slot->closed) return;
    if (slot) retired_.push_back(std::move(slot));
    slot = std::make_unique<ScriptClient>();
    slot->id = ConnectionId{++last_id_};
    ConnectionInfo info;
    info.listener = static_cast<ListenerIndex>(listener);
    broker_->on_connection_opened(slot->id, *slot, std::move(info));
  }

  void from_mesh() {
    static constexpr std::array topics{"a", "b", "a/b", "$x"};
    const std::uint8_t how = input_.read_u8();
    Publication message{TopicName::parse(topics[how % 4]).value(),
                        SharedBytes(input_.read_bytes(how / 4 % 4)),
                        static_cast<QoS>(how / 16 % 3),
                        how >= 128,
                        std::nullopt,
                        nullptr,
                        {}};
    broker_->deliver_from_mesh(std::make_shared<const Publication>(std::move(message)));
  }

  /// A packet as it would come: first byte, length, body.
  void packet(std::unique_ptr<ScriptClient>& slot) {
    mqtt::Frame frame;
    frame.first_byte = input_.read_u8();
    const std::size_t length = input_.read_u8();
    frame.body = input_.read_bytes(std::min(length, input_.remaining()));
    if (!slot || slot->closed) return;
    const auto read = mqtt::read_packet(frame, {slot->version, mqtt::Sender::client});
    const bool is_first = !std::exchange(slot->connect_sent, true);
    if (!read) {
      std::optional<mqtt::ProtocolVersion> refuse_in;
      if (is_first && frame.type() == mqtt::PacketType::connect)
        refuse_in = mqtt::version_for_refusal(frame);
      slot->version = refuse_in.value_or(slot->version);
      return broker_->on_packet_error(slot->id, read.error(), refuse_in);
    }
    if (const auto* connect = std::get_if<mqtt::Connect>(&*read); connect != nullptr && is_first)
      slot->version = connect->version;
    broker_->on_packet(slot->id, *read);
  }

  ByteReader input_;
  BrokerSettings settings_;
  VirtualScheduler scheduler_;
  test::SeededRandom random_{1};
  NullLog log_;
  ScriptHost host_;
  std::array<std::unique_ptr<ScriptClient>, client_count> clients_;
  std::vector<std::unique_ptr<ScriptClient>> retired_;
  std::uint64_t last_id_ = 0;
  std::vector<ListenerPolicy> listeners_;
  std::optional<Broker> broker_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Script(ByteView(data, size)).run();
  return 0;
}
