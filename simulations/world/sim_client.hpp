// SimClient: a scripted MQTT client in the house of one node. It speaks through the product's own
// codec, keeps the session state that the standard asks of a client (4.4), connects again when it
// loses its connection, and follows its habits.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "simulations/world/observer.hpp"
#include "simulations/world/random.hpp"
#include "simulations/world/sim_stream.hpp"
#include "src/mqtt/frame_reader.hpp"
#include "src/mqtt/packet.hpp"
#include "src/mqtt/write_packet.hpp"

namespace starling::sim {

struct ClientFilter {
  std::string filter;
  QoS qos = QoS::at_least_once;
  bool no_local = false;
  bool retain_as_published = false;
};

struct ClientWill {
  std::string topic;
  QoS qos = QoS::at_least_once;
  bool retain = false;
  std::uint32_t delay_s = 0;
};

/// Publishes again and again.
struct ClientHabit {
  /// One of them is drawn each time. "{n}" in a topic becomes a number below `numbers`.
  std::vector<std::string> topics;
  std::uint32_t numbers = 10;
  QoS qos = QoS::at_least_once;
  bool retain = false;
  double empty = 0;  ///< share of messages without payload: with `retain` they delete
  Duration every = std::chrono::seconds{10};
  bool is_even = false;           ///< exactly every so often; else as chance has it, on average
  std::size_t payload_size = 64;  ///< bytes, at least SimClient::payload_min
  Duration begins = {};           ///< since the world's beginning
  Duration ends = Duration::max();
  std::uint64_t count_max = ~std::uint64_t{0};
};

struct ClientConfig {
  std::string name;  ///< the client id; empty: made of its number
  NodeNumber node = 0;
  mqtt::ProtocolVersion version = mqtt::ProtocolVersion::v5;
  bool keeps_session = false;
  std::uint32_t session_expiry_s = 0xFFFFFFFF;  ///< if it keeps it
  std::uint16_t keep_alive_s = 60;
  std::vector<ClientFilter> filters;
  std::optional<ClientWill> will;
  std::vector<ClientHabit> habits;
  Duration connects_at = {};  ///< since the world's beginning; Duration::max(): when told
  /// Stays away now and then: connected for about `online`, then away for about `offline`. Zero:
  /// always there.
  Duration online{};
  Duration offline{};
  Duration reconnect_min = std::chrono::seconds{1};
  Duration reconnect_max = std::chrono::seconds{20};
  std::uint16_t receive_maximum = 65'535;
  /// From a QoS 1 or 2 message to its acknowledgement: a slow device.
  Duration answer_time{};
  bool keeps_messages = false;  ///< messages() remembers them all
};

class SimClient final : private ByteStream::Handler {
 public:
  struct Message {
    std::string topic;
    std::string payload;
    QoS qos = QoS::at_most_once;
    bool retain = false;
    TimePoint at;
  };
  /// What a client needs of its world.
  struct Surroundings {
    StreamNetwork& streams;
    ProcessNumber process;  ///< whose tasks its own are
    std::function<HostNumber(NodeNumber)> host_of;
    Observer& observer;  ///< told everything
    std::function<MessageNumber()> next_message;
    std::uint64_t seed;
  };
  static constexpr std::size_t payload_min = 32;  ///< bytes: the mark, number, node and time

  SimClient(ClientNumber number, ClientConfig config, Surroundings around);
  ~SimClient() override;
  SimClient(const SimClient&) = delete;
  SimClient& operator=(const SimClient&) = delete;

  /// Begins to follow its habits.
  void start();

  // --- By hand
  void connect();
  /// DISCONNECT, and stays away until connect().
  void disconnect();
  /// The device dies: nothing is said. Stays away until connect().
  void drop();
  /// Moves to another house: drops the connection and connects there.
  void move_to(NodeNumber node);
  /// The number of the message. Waits for a connection if there is none.
  MessageNumber publish(const std::string& topic, QoS qos = QoS::at_least_once, bool retain = false,
                        std::size_t payload_size = payload_min);
  /// A payload of one's own; nobody counts it.
  void publish_text(const std::string& topic, const std::string& payload,
                    QoS qos = QoS::at_least_once, bool retain = false);
  void subscribe(const ClientFilter& filter);
  void unsubscribe(const std::string& filter);

  [[nodiscard]] ClientNumber number() const { return number_; }
  [[nodiscard]] const std::string& name() const { return config_.name; }
  [[nodiscard]] NodeNumber node() const { return config_.node; }
  [[nodiscard]] bool is_connected() const { return is_ready_; }
  /// Every filter has been granted.
  [[nodiscard]] bool is_subscribed() const;
  /// Messages of QoS 1 and 2 that are not acknowledged to the end.
  [[nodiscard]] std::size_t unacknowledged() const { return outgoing_.size() + waiting_.size(); }
  [[nodiscard]] const std::vector<Message>& messages() const { return messages_; }

 private:
  struct Outgoing {
    MessageNumber number = 0;
    std::string topic;
    std::string text;  // a payload of one's own
    QoS qos = QoS::at_most_once;
    bool retain = false;
    bool is_empty = false;
    std::size_t payload_size = 0;
    TimePoint published_at;
    NodeNumber published_at_node = 0;
    bool is_received = false;  // PUBREC has come
  };
  struct Filter {
    ClientFilter asked;
    std::uint32_t identifier = 0;
    std::uint16_t packet_id = 0;  // of a SUBSCRIBE without answer
    bool is_granted = false;
  };

  // ByteStream::Handler
  void on_bytes(ByteView bytes) override;
  void on_writable() override {}
  void on_closed(const std::string& why) override;

  void later(Duration after, std::function<void()> task);
  void dial();
  void on_stream(std::unique_ptr<ByteStream> stream);
  void say_hello();
  void lose(bool in_order);
  void come_back_later();
  void on_frame(const mqtt::Frame& frame);
  void on_connack(const mqtt::Connack& connack);
  void on_publish(const mqtt::Publish& publish);
  void on_suback(const mqtt::Suback& suback);
  void on_unsuback(const mqtt::Unsuback& unsuback);
  void on_puback(std::uint16_t packet_id, bool ok);
  void on_pubrec(std::uint16_t packet_id, bool ok);
  void tell_received(const mqtt::Publish& publish, bool repeated);
  template <class Packet>
  void send(const Packet& packet) {
    Bytes bytes;
    mqtt::write(packet, config_.version, bytes);
    send_bytes(bytes);
  }
  void send_bytes(ByteView bytes);
  template <class Packet>
  void send_later(const Packet& packet);
  void send_subscribe(Filter& filter);
  void send_publish(std::uint16_t packet_id, const Outgoing& message, bool dup);
  MessageNumber hand_over(Outgoing message);
  void send_waiting();
  void resend();
  void schedule_habit(std::size_t index, std::uint64_t done);
  void follow_habit(std::size_t index);
  void schedule_absence();
  void keep_alive();
  [[nodiscard]] Bytes payload_of(const Outgoing& message) const;
  std::uint16_t take_packet_id();
  [[nodiscard]] TimePoint now() const { return around_.streams.network().agenda().now(); }

  ClientNumber number_;
  ClientConfig config_;
  Surroundings around_;
  Random dice_;
  std::shared_ptr<SimClient*> self_ = std::make_shared<SimClient*>(this);

  bool wants_connection_ = false;
  bool is_ready_ = false;
  std::uint64_t connection_ = 0;  // counts them: what belongs to an earlier one is void
  Duration reconnect_delay_;
  std::unique_ptr<ByteStream> stream_;
  std::optional<mqtt::FrameReader> reader_;
  std::uint16_t send_quota_ = 0;  // of the server's receive maximum
  std::uint16_t last_packet_id_ = 0;
  std::uint32_t last_identifier_ = 0;
  std::map<std::string, Filter> filters_;
  std::map<std::uint16_t, std::string> unsubscribing_;
  // The client's half of the session.
  std::map<std::uint64_t, std::pair<std::uint16_t, Outgoing>> outgoing_;  // in the order of sending
  std::map<std::uint16_t, std::uint64_t> outgoing_ids_;
  std::uint64_t last_outgoing_ = 0;
  std::deque<Outgoing> waiting_;
  std::set<std::uint16_t> open_inbound_;  // QoS 2
  std::optional<Outgoing> will_;
  TimePoint last_heard_;
  std::vector<Message> messages_;
};

/// The mark every payload of a scripted client begins with.
inline constexpr std::string_view payload_mark = "\xB5starling\xB5";

}  // namespace starling::sim
