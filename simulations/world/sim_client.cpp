#include "simulations/world/sim_client.hpp"

#include <algorithm>
#include <utility>

#include "simulations/world/sim_node.hpp"

namespace starling::sim {
namespace {

constexpr Duration connack_patience = std::chrono::seconds{10};

}  // namespace

SimClient::SimClient(ClientNumber number, ClientConfig config, Surroundings around)
    : number_(number),
      config_(std::move(config)),
      around_(std::move(around)),
      dice_(around_.seed, 0x636C69'0000'0000U | number),
      reconnect_delay_(config_.reconnect_min) {
  if (config_.name.empty()) config_.name = "client-" + std::to_string(number);
  for (const ClientFilter& filter : config_.filters)
    filters_[filter.filter] = {filter, ++last_identifier_, 0, false};
}

SimClient::~SimClient() {
  *self_ = nullptr;
}

void SimClient::later(Duration after, std::function<void()> task) {
  Agenda& agenda = around_.streams.network().agenda();
  agenda.add(agenda.now() + after, around_.process,
             [self = std::weak_ptr<SimClient*>(self_), task = std::move(task)] {
               if (self.lock()) task();
             });
}

void SimClient::start() {
  const Duration passed = now() - Agenda::beginning;
  if (config_.connects_at != Duration::max())
    later(std::max(config_.connects_at - passed, Duration{}), [this] { connect(); });
  for (std::size_t i = 0; i < config_.habits.size(); ++i) schedule_habit(i, 0);
}

// --- Connections

void SimClient::connect() {
  if (wants_connection_) return;
  wants_connection_ = true;
  reconnect_delay_ = config_.reconnect_min;
  dial();
}

void SimClient::dial() {
  const std::uint64_t connection = ++connection_;
  around_.streams.dial_at_home(around_.process, around_.host_of(config_.node), SimNode::client_port,
                               [self = std::weak_ptr<SimClient*>(self_),
                                connection](Result<std::unique_ptr<ByteStream>> made) {
                                 const auto alive = self.lock();
                                 if (!alive || (*alive)->connection_ != connection) return;
                                 if (!made) return (*alive)->come_back_later();
                                 (*alive)->on_stream(std::move(made).value());
                               });
}

void SimClient::on_stream(std::unique_ptr<ByteStream> stream) {
  stream_ = std::move(stream);
  stream_->set_handler(this);
  reader_.emplace(limits::packet_size_max);
  last_heard_ = now();
  say_hello();
  later(connack_patience, [this, connection = connection_] {
    if (connection == connection_ && stream_ && !is_ready_) {
      lose(false);
      come_back_later();
    }
  });
}

void SimClient::say_hello() {
  mqtt::Connect connect;
  connect.version = config_.version;
  connect.clean_start = !config_.keeps_session;
  connect.keep_alive_s = config_.keep_alive_s;
  connect.client_id = config_.name;
  if (config_.keeps_session)
    connect.properties.session_expiry_interval_s = config_.session_expiry_s;
  connect.properties.receive_maximum = config_.receive_maximum;
  Bytes will_payload;
  if (config_.will) {
    Outgoing will;
    will.number = around_.next_message();
    will.topic = config_.will->topic;
    will.qos = config_.will->qos;
    will.retain = config_.will->retain;
    will.payload_size = payload_min;
    will.published_at = now();
    will.published_at_node = config_.node;
    will_payload = payload_of(will);
    mqtt::Will& written = connect.will.emplace();
    written.topic = config_.will->topic;
    written.payload = ByteView{will_payload};
    written.qos = will.qos;
    written.retain = will.retain;
    if (config_.will->delay_s > 0) written.properties.will_delay_interval_s = config_.will->delay_s;
    around_.observer.on_published(now(), {will.number, number_, config_.node, will.topic, will.qos,
                                          will.retain, false, true, will.payload_size});
    will_ = std::move(will);
  }
  send(connect);
}

/// The connection is gone, by us or by others.
void SimClient::lose(bool in_order) {
  ++connection_;
  if (std::exchange(is_ready_, false)) around_.observer.on_client_ended(now(), number_, in_order);
  unsubscribing_.clear();
  for (auto& [text, filter] : filters_) filter.packet_id = 0;
  if (!stream_) return;
  stream_->set_handler(nullptr);
  // We may be inside one of its calls.
  std::shared_ptr<ByteStream> gone = std::move(stream_);
  later({}, [gone]() mutable { gone.reset(); });
}

void SimClient::come_back_later() {
  if (!wants_connection_) return;
  const Duration delay = dice_.between(reconnect_delay_ / 2, reconnect_delay_);
  reconnect_delay_ = std::min(reconnect_delay_ * 2, config_.reconnect_max);
  later(delay, [this, connection = connection_] {
    if (wants_connection_ && connection == connection_) dial();
  });
}

void SimClient::disconnect() {
  wants_connection_ = false;
  if (is_ready_) {
    send(mqtt::Disconnect{});
    stream_->set_handler(nullptr);
    stream_->close();
  }
  lose(true);
}

void SimClient::drop() {
  wants_connection_ = false;
  lose(false);
}

void SimClient::move_to(NodeNumber node) {
  lose(false);
  config_.node = node;
  for (auto& [text, filter] : filters_) filter.is_granted = false;
  // The other node knows nothing of its session.
  outgoing_.clear();
  outgoing_ids_.clear();
  open_inbound_.clear();
  if (wants_connection_) dial();
}

void SimClient::on_closed(const std::string& /*why*/) {
  lose(false);
  come_back_later();
}

void SimClient::keep_alive() {
  if (config_.keep_alive_s == 0) return;
  const Duration interval = std::chrono::seconds{config_.keep_alive_s};
  later(interval, [this, connection = connection_, interval] {
    if (connection != connection_ || !is_ready_) return;
    if (now() - last_heard_ > interval * 3 / 2) {
      lose(false);
      return come_back_later();
    }
    send(mqtt::Pingreq{});
    keep_alive();
  });
}

void SimClient::schedule_absence() {
  if (config_.online == Duration::zero()) return;
  later(dice_.waiting_time(config_.online), [this, connection = connection_] {
    if (connection != connection_ || !is_ready_) return;
    if (dice_.with_probability(0.5))
      disconnect();
    else
      drop();
    later(dice_.waiting_time(config_.offline), [this] { connect(); });
  });
}

// --- Habits

void SimClient::schedule_habit(std::size_t index, std::uint64_t done) {
  const ClientHabit& habit = config_.habits[index];
  if (done >= habit.count_max) return;
  const Duration passed = now() - Agenda::beginning;
  Duration wait = habit.is_even && done > 0 ? habit.every : dice_.waiting_time(habit.every);
  if (habit.is_even && done == 0) wait = dice_.between({}, habit.every);
  if (done == 0) wait += std::max(habit.begins - passed, Duration{});
  if (passed + wait >= habit.ends) return;
  later(wait, [this, index, done] {
    follow_habit(index);
    schedule_habit(index, done + 1);
  });
}

void SimClient::follow_habit(std::size_t index) {
  const ClientHabit& habit = config_.habits[index];
  if (habit.topics.empty()) return;
  std::string topic = habit.topics[dice_.below(habit.topics.size())];
  if (const std::size_t at = topic.find("{n}"); at != std::string::npos)
    topic.replace(at, 3, std::to_string(dice_.below(std::max(habit.numbers, 1U))));
  const bool is_empty = dice_.with_probability(habit.empty);
  publish(topic, habit.qos, habit.retain, is_empty ? 0 : std::max(habit.payload_size, payload_min));
}

}  // namespace starling::sim
