// Client: one MQTT client: connects, says hello, subscribes, keeps alive. What it publishes or
// receives is decided by those who derive from it.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "src/bench/connection.hpp"
#include "src/bench/stage.hpp"
#include "src/mqtt/frame_reader.hpp"
#include "src/mqtt/packet.hpp"
#include "src/mqtt/read_packet.hpp"

namespace starling::bench {

class Client : Connection::Handler {
 public:
  /// `id`: goes behind a part that this run's clients share. `stage` and `target` outlive the client.
  Client(Stage& stage, const Target& target, const std::string& id);
  virtual ~Client();

  /// Whether the broker forgets the session when the connection ends (the default), and what was
  /// there before.
  struct Session {
    bool clean_start = true;
    bool ends_with_connection = true;
  };
  void set_session(Session session) { session_ = session; }

  /// Begins to connect. Trouble of any kind goes to the stage. `ticket`: see Connection.
  void start(ByteView ticket = {});
  /// CONNACK has come and lets us in.
  [[nodiscard]] bool is_ready() const { return phase_ == Phase::ready; }
  [[nodiscard]] bool session_present() const { return session_present_; }
  /// From start() to CONNACK.
  [[nodiscard]] Duration connect_time() const { return ready_at_ - started_at_; }

  /// Asks for filters 0 to count-1 in packets of some, a few packets under way.
  void subscribe(std::uint64_t count, std::function<std::string(std::uint64_t)> filter_of, QoS qos);
  [[nodiscard]] bool is_subscribed() const { return subscribed_ == filter_count_; }
  [[nodiscard]] std::uint64_t subscribed() const { return subscribed_; }  ///< filters granted

  /// A PINGREQ, whose answer shows that everything before it was taken.
  void send_fence();
  [[nodiscard]] bool is_fence_back() const { return fences_ == 0; }

  /// DISCONNECT, and the connection is closed. start() may follow.
  void leave();
  [[nodiscard]] Connection* connection() { return connection_ ? &*connection_ : nullptr; }

 protected:
  /// A PUBLISH, as it came. Once ready.
  virtual void on_publish(const mqtt::Frame& /*frame*/) {}
  /// PUBACK, PUBREC, PUBREL or PUBCOMP. Once ready.
  virtual void on_ack(const mqtt::Frame& /*frame*/) {}

  [[nodiscard]] Stage& stage() { return stage_; }
  [[nodiscard]] bool is_v5() const { return version_ == mqtt::ProtocolVersion::v5; }
  [[nodiscard]] mqtt::ProtocolVersion version() const { return version_; }
  /// How many QoS 1 and 2 messages the broker takes at a time.
  [[nodiscard]] std::uint16_t receive_maximum() const { return receive_maximum_; }
  [[nodiscard]] Bytes& out() { return connection_->out(); }
  /// The broker broke the protocol, or refused: `what` completes "HOST:PORT ...".
  void fail(ExitStatus status, const std::string& what);

 private:
  friend class Stage;
  enum class Phase : std::uint8_t { away, connecting, waiting, ready };

  void on_connected() override;
  void on_bytes(ByteView bytes) override;
  void on_lost(const std::string& why) override;
  void on_frame(const mqtt::Frame& frame);
  void on_other(const mqtt::Frame& frame);
  void on_first_frame(const mqtt::Frame& frame);
  void on_connack(const mqtt::Frame& frame);
  void on_suback(const mqtt::Frame& frame);
  void on_disconnect(const mqtt::Frame& frame);
  void on_second();
  void send_subscribes();
  [[nodiscard]] mqtt::ReadContext context() const;

  Stage& stage_;
  const Target& target_;
  std::string id_;
  mqtt::ProtocolVersion version_;
  Session session_;
  std::optional<Connection> connection_;
  mqtt::FrameReader reader_;
  Phase phase_ = Phase::away;
  bool session_present_ = false;
  bool has_heard_ = false;
  std::uint16_t receive_maximum_ = 65'535;
  std::uint16_t next_subscribe_id_ = 1;
  std::uint32_t fences_ = 0;
  TimePoint started_at_;
  TimePoint ready_at_;
  TimePoint last_ping_;
  std::size_t place_ = 0;  // in the stage's list

  std::function<std::string(std::uint64_t)> filter_of_;
  QoS subscribe_qos_ = QoS::at_most_once;
  std::uint64_t filter_count_ = 0;
  std::uint64_t filters_sent_ = 0;
  std::uint64_t subscribed_ = 0;
};

/// Starts `clients` in order, at most `at_a_time` on their way and, if it is not 0, `rate` a second;
/// returns when all are ready or the stage should end. `on_ready` hears of each.
void open_all(Stage& stage, const std::vector<Client*>& clients, std::uint32_t at_a_time,
              double rate = 0, const std::function<void(Client&)>& on_ready = nullptr);

/// Waits until `done` says so, asked after every turn; fails with `or_else` when `progress`, a number
/// that changes as long as there is hope, has stood still for `patience`. False: the stage should end.
bool wait_for(Stage& stage, const std::function<bool()>& done,
              const std::function<std::uint64_t()>& progress, Duration patience,
              const std::string& or_else);

}  // namespace starling::bench
