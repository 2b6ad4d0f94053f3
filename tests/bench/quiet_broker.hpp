// A Broker with nothing around it: no socket, no store, no mesh, no log. Bytes of clients go in as a
// connection hands them over, bytes for clients are counted and dropped as a socket would take them.
// What is measured through it is the codec, the session and the broker.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "starling/check.hpp"

#include "src/broker/broker.hpp"
#include "src/mqtt/frame_reader.hpp"
#include "src/mqtt/read_packet.hpp"
#include "src/mqtt/write_packet.hpp"
#include "tests/support/null_log.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/virtual_scheduler.hpp"

namespace starling::bench {

/// Keeps nothing; acknowledgements leave at once, as they do without a store.
class QuietHost final : public BrokerHost {
 public:
  MessageId next_message_id() override {
    ++id_.sequence;
    return id_;
  }
  void on_local_publication(const SharedPublication&) override {}
  void on_interest_change(const InterestChange&) override {}
  StoreBatch& batch() override { return batch_; }
  std::uint64_t next_message_number() override { return ++number_; }
  SessionNumber next_session_number() override { return ++number_; }
  void read_queue(const QueueRead&) override {}
  void tell_when_safe(SessionNumber, std::uint64_t) override {}
  void acknowledge_after_commit(ConnectionId to, const Acknowledgement& what) override {
    broker->release(to, what);
  }
  std::optional<AuthVerdict> check_credentials(ConnectionId, const Credentials&) override {
    return AuthVerdict{};
  }
  AuthStep begin_exchange(ConnectionId, std::string_view, ByteView) override { return {}; }
  AuthStep continue_exchange(ConnectionId, ByteView) override { return {}; }
  void end_exchange(ConnectionId) override {}
  void on_mesh_message_placed(const MessageId&) override {}

  Broker* broker = nullptr;

 private:
  MessageId id_{{}, 1, 0};
  std::uint64_t number_ = 0;
  StoreBatch batch_;
};

/// One connected client.
class QuietClient final : public ConnectionPort {
 public:
  QuietClient(Broker& broker, ConnectionId id, mqtt::ProtocolVersion version)
      : broker_(broker), id_(id), version_(version) {}

  // ConnectionPort
  OutputBuffer& output() override { return output_; }
  void flush_soon() override {}
  [[nodiscard]] bool write_is_congested() const override { return false; }
  void close() override { STARLING_CHECK(!"the broker closed a connection of a benchmark"); }

  [[nodiscard]] ConnectionId id() const { return id_; }
  [[nodiscard]] mqtt::ProtocolVersion version() const { return version_; }

  /// What one read of its socket brought: whole packets, none of them CONNECT.
  void feed(ByteView bytes) {
    const mqtt::ReadContext context{version_, mqtt::Sender::client};
    const auto read = reader_.read(bytes, [&](const mqtt::Frame& frame) {
      if (frame.type() == mqtt::PacketType::publish)
        broker_.on_packet(id_, *mqtt::read_publish(frame, context));
      else
        broker_.on_packet(id_, *mqtt::read_packet(frame, context));
      return mqtt::Reading::go_on;
    });
    STARLING_CHECK(read.ok());
  }

  /// The socket takes all there is. Returns its bytes.
  std::size_t drop_output() {
    const std::size_t size = output_.size();
    output_.consume(size);
    return size;
  }

  /// The socket takes all there is; appends to `answers` what a client says to it: PUBACK, PUBREC,
  /// PUBREL, PUBCOMP. Returns the number of PUBLISH packets. Not meant to be timed.
  std::size_t answer_output(Bytes& answers) {
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
    std::size_t messages = 0;
    mqtt::FrameReader reader(limits::packet_size_max);
    const auto read = reader.read(all, [&](const mqtt::Frame& frame) {
      const auto packet = mqtt::read_packet(frame, {version_, mqtt::Sender::server});
      STARLING_CHECK(packet.ok());
      if (const auto* publish = std::get_if<mqtt::Publish>(&*packet)) {
        ++messages;
        if (publish->qos == QoS::at_least_once)
          mqtt::write(mqtt::Puback{publish->packet_id, {}, {}}, version_, answers);
        if (publish->qos == QoS::exactly_once)
          mqtt::write(mqtt::Pubrec{publish->packet_id, {}, {}}, version_, answers);
      } else if (const auto* pubrec = std::get_if<mqtt::Pubrec>(&*packet)) {
        mqtt::write(mqtt::Pubrel{pubrec->packet_id, {}, {}}, version_, answers);
      } else if (const auto* pubrel = std::get_if<mqtt::Pubrel>(&*packet)) {
        mqtt::write(mqtt::Pubcomp{pubrel->packet_id, {}, {}}, version_, answers);
      }
      return mqtt::Reading::go_on;
    });
    STARLING_CHECK(read.ok() && reader.kept_bytes() == 0);
    return messages;
  }

 private:
  Broker& broker_;
  ConnectionId id_;
  mqtt::ProtocolVersion version_;
  OutputBuffer output_;
  mqtt::FrameReader reader_{limits::packet_size_max};
};

class QuietBroker {
 public:
  /// Windows of `window` messages, both ways.
  explicit QuietBroker(std::uint16_t window = 20)
      : broker_(settings_of(window), open_to_all(), host_, scheduler_, random_, log_) {
    host_.broker = &broker_;
  }

  QuietClient& connect(mqtt::ProtocolVersion version) {
    clients_.push_back(
        std::make_unique<QuietClient>(broker_, ConnectionId{clients_.size() + 1}, version));
    QuietClient& client = *clients_.back();
    ConnectionInfo info;
    info.peer = Endpoint::v4({127, 0, 0, 1}, 40'000);
    broker_.on_connection_opened(client.id(), client, std::move(info));
    const std::string name = "client" + std::to_string(clients_.size());
    mqtt::Connect packet;
    packet.version = version;
    packet.client_id = name;
    broker_.on_packet(client.id(), mqtt::Packet{packet});
    STARLING_CHECK(client.drop_output() > 0);
    end_turn();
    return client;
  }
  void subscribe(QuietClient& client, std::string_view filter, QoS qos) {
    mqtt::Subscription asked;
    asked.filter = filter;
    asked.qos = qos;
    broker_.on_packet(client.id(), mqtt::Packet{mqtt::Subscribe{1, {asked}, {}}});
    end_turn();
    STARLING_CHECK(client.drop_output() > 0);
  }
  /// What the loop does after the events at hand.
  void end_turn() { scheduler_.end_turn(); }
  [[nodiscard]] BrokerCounters counters() const { return broker_.counters(); }

 private:
  static BrokerSettings settings_of(std::uint16_t window) {
    BrokerSettings settings;
    settings.inflight_max = window;
    settings.receive_maximum = window;
    return settings;
  }
  static std::vector<ListenerPolicy> open_to_all() {
    ListenerPolicy open;
    open.name = "bench";
    open.allow_anonymous = true;
    return {std::move(open)};
  }

  VirtualScheduler scheduler_;
  test::SeededRandom random_{4711};
  NullLog log_;
  QuietHost host_;
  Broker broker_;
  std::vector<std::unique_ptr<QuietClient>> clients_;
};

/// One read's worth of PUBLISH packets of the same topic, with packet ids from 1 on.
inline Bytes publish_stream(std::string_view topic, std::size_t payload_size, QoS qos,
                            std::size_t count, mqtt::ProtocolVersion version) {
  const Bytes payload(payload_size, 0x61);
  mqtt::Publish packet;
  packet.topic = topic;
  packet.payload = ByteView(payload);
  packet.qos = qos;
  Bytes stream;
  for (std::size_t i = 1; i <= count; ++i) {
    packet.packet_id = static_cast<std::uint16_t>(qos == QoS::at_most_once ? 0 : i);
    mqtt::write(packet, version, stream);
  }
  return stream;
}

}  // namespace starling::bench
