#include "src/bench/client.hpp"

#include <algorithm>
#include <cctype>

#include "src/mqtt/write_packet.hpp"

namespace starling::bench {
namespace {

constexpr std::size_t packet_max = 268'435'455 + 5;  // bytes: what the standard admits (2.1.4)
constexpr std::uint64_t filters_per_packet = 100;
constexpr std::uint64_t filters_under_way = 800;
constexpr std::size_t shown_bytes = 24;  // of what is not MQTT
constexpr auto session_kept_s = std::uint32_t{3'600};

std::string printable(ByteView bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes.first(std::min(bytes.size(), shown_bytes))) {
    if (byte == '\r' || byte == '\n') break;
    text += std::isprint(byte) != 0 ? static_cast<char>(byte) : '.';
  }
  return text;
}

bool is_about_permission(mqtt::ReasonCode reason) {
  return reason == mqtt::ReasonCode::bad_user_name_or_password
         || reason == mqtt::ReasonCode::not_authorized || reason == mqtt::ReasonCode::banned
         || reason == mqtt::ReasonCode::bad_authentication_method;
}

const char* advice_for(mqtt::ReasonCode reason) {
  if (is_about_permission(reason)) return " (user name and password: -u, -P)";
  if (reason == mqtt::ReasonCode::unsupported_protocol_version) return " (try --protocol)";
  return "";
}

}  // namespace

Client::Client(Stage& stage, const Target& target, const std::string& id)
    : stage_(stage),
      target_(target),
      id_(stage.options().run + "-" + id),
      version_(stage.options().protocol),
      reader_(packet_max) {
  stage_.add(*this);
}

Client::~Client() {
  stage_.remove(*this);
}

mqtt::ReadContext Client::context() const {
  return {version_, mqtt::Sender::server};
}

void Client::start(ByteView ticket) {
  phase_ = Phase::connecting;
  started_at_ = stage_.now();
  has_heard_ = false;
  reader_ = mqtt::FrameReader(packet_max);
  connection_.emplace(stage_.poller(), target_, stage_.take_number(), ticket,
                      static_cast<Connection::Handler&>(*this));
}

void Client::on_connected() {
  const Options& options = stage_.options();
  mqtt::Connect hello;
  hello.version = version_;
  hello.clean_start = session_.clean_start && (is_v5() || session_.ends_with_connection);
  hello.keep_alive_s = options.keep_alive_s;
  hello.client_id = id_;
  if (options.user_name) hello.user_name = *options.user_name;
  if (options.password) hello.password = mqtt::BinaryView(as_bytes(*options.password));
  if (!session_.ends_with_connection) hello.properties.session_expiry_interval_s = session_kept_s;
  mqtt::write(hello, version_, out());
  phase_ = Phase::waiting;
  last_ping_ = stage_.now();
}

void Client::on_bytes(ByteView bytes) {
  if (!has_heard_ && !bytes.empty()
      && bytes[0] >> 4U != static_cast<unsigned>(mqtt::PacketType::connack))
    return fail(ExitStatus::unreachable,
                "does not speak MQTT: it answers \"" + printable(bytes) + "\"");
  has_heard_ = true;
  const auto read = reader_.read(bytes, [this](const mqtt::Frame& frame) {
    on_frame(frame);
    return mqtt::Reading::go_on;
  });
  if (!read) return fail(ExitStatus::failed, "sends what is not MQTT: " + read.error().what);
  if (connection_->is_open()) connection_->flush();
}

void Client::on_frame(const mqtt::Frame& frame) {
  if (phase_ == Phase::ready && frame.type() == mqtt::PacketType::publish)
    on_publish(frame);
  else if (phase_ == Phase::ready && frame.type() >= mqtt::PacketType::puback
           && frame.type() <= mqtt::PacketType::pubcomp)
    on_ack(frame);
  else
    on_other(frame);
}

void Client::on_other(const mqtt::Frame& frame) {
  if (phase_ == Phase::waiting) return on_first_frame(frame);
  switch (frame.type()) {
    case mqtt::PacketType::suback:
      return on_suback(frame);
    case mqtt::PacketType::pingresp:
      if (fences_ > 0) --fences_;
      return;
    case mqtt::PacketType::disconnect:
      return on_disconnect(frame);
    default:
      return fail(ExitStatus::failed,
                  std::string("sends a ") + mqtt::to_text(frame.type()) + " that nobody asked for");
  }
}

void Client::on_first_frame(const mqtt::Frame& frame) {
  if (frame.type() == mqtt::PacketType::connack) return on_connack(frame);
  fail(ExitStatus::failed, std::string("answers CONNECT with ") + mqtt::to_text(frame.type()));
}

void Client::on_connack(const mqtt::Frame& frame) {
  const auto answer = mqtt::read_connack(frame, context());
  if (!answer) return fail(ExitStatus::failed, "answers CONNECT badly: " + answer.error().what);
  if (mqtt::is_refusal(answer->reason))
    return fail(is_about_permission(answer->reason) ? ExitStatus::permission : ExitStatus::failed,
                std::string("refuses the connection: ") + mqtt::to_text(answer->reason)
                    + advice_for(answer->reason));
  if (const auto best = answer->properties.maximum_qos;
      best && *best < static_cast<std::uint8_t>(stage_.options().qos))
    return fail(ExitStatus::failed, "takes QoS " + std::to_string(*best) + " at most (--qos)");
  receive_maximum_ = answer->properties.receive_maximum.value_or(65'535);
  session_present_ = answer->session_present;
  phase_ = Phase::ready;
  ready_at_ = stage_.now();
  last_ping_ = ready_at_;
}

void Client::on_disconnect(const mqtt::Frame& frame) {
  const auto packet = mqtt::read_disconnect(frame, context());
  fail(ExitStatus::failed,
       "has disconnected client " + id_ + ": "
           + (packet ? mqtt::to_text(packet->reason) : packet.error().what.c_str()));
}

void Client::subscribe(std::uint64_t count, std::function<std::string(std::uint64_t)> filter_of,
                       QoS qos) {
  filter_of_ = std::move(filter_of);
  subscribe_qos_ = qos;
  filter_count_ = count;
  filters_sent_ = 0;
  subscribed_ = 0;
  send_subscribes();
  connection_->flush();
}

void Client::send_subscribes() {
  while (filters_sent_ < filter_count_ && filters_sent_ - subscribed_ < filters_under_way) {
    const std::uint64_t end = std::min(filter_count_, filters_sent_ + filters_per_packet);
    std::vector<std::string> texts;
    texts.reserve(filters_per_packet);
    for (; filters_sent_ < end; ++filters_sent_) texts.push_back(filter_of_(filters_sent_));
    mqtt::Subscribe packet;
    packet.packet_id = next_subscribe_id_;
    next_subscribe_id_ = next_subscribe_id_ == 65'535 ? 1 : next_subscribe_id_ + 1;
    for (const std::string& text : texts)
      packet.subscriptions.push_back({.filter = text, .qos = subscribe_qos_});
    mqtt::write(packet, version_, out());
  }
}

void Client::on_suback(const mqtt::Frame& frame) {
  const auto answer = mqtt::read_suback(frame, context());
  if (!answer) return fail(ExitStatus::failed, "answers SUBSCRIBE badly: " + answer.error().what);
  for (const mqtt::ReasonCode reason : answer->reasons) {
    if (mqtt::is_refusal(reason))
      return fail(ExitStatus::permission,
                  std::string("refuses a subscription: ") + mqtt::to_text(reason));
    if (static_cast<std::uint8_t>(reason) < static_cast<std::uint8_t>(subscribe_qos_))
      return fail(ExitStatus::failed, "grants QoS " + std::to_string(static_cast<unsigned>(reason))
                                          + " only where a higher one was asked for (--qos)");
  }
  subscribed_ = std::min(filter_count_, subscribed_ + answer->reasons.size());
  send_subscribes();
}

void Client::send_fence() {
  ++fences_;
  mqtt::write(mqtt::Pingreq{}, version_, out());
  connection_->flush();
}

void Client::on_second() {
  const std::uint16_t keep_alive_s = stage_.options().keep_alive_s;
  if (phase_ != Phase::ready || keep_alive_s == 0) return;
  if (stage_.now() - last_ping_ < std::chrono::seconds(keep_alive_s) / 2) return;
  last_ping_ = stage_.now();
  send_fence();
}

void Client::leave() {
  if (!connection_) return;
  if (phase_ == Phase::ready && connection_->is_open())
    mqtt::write(mqtt::Disconnect{}, version_, out());
  connection_->close();
  connection_.reset();
  phase_ = Phase::away;
  fences_ = 0;
}

void Client::fail(ExitStatus status, const std::string& what) {
  stage_.fail({status, target_.name + " " + what});
  phase_ = Phase::away;
}

void Client::on_lost(const std::string& why) {
  const bool was_ready = phase_ == Phase::ready;
  const bool was_waiting = phase_ == Phase::waiting;
  if (phase_ == Phase::away) return;
  phase_ = Phase::away;
  if (was_ready)
    return stage_.fail({ExitStatus::failed,
                        target_.name + " has ended the connection of client " + id_ + ": " + why});
  if (was_waiting)
    return stage_.fail({ExitStatus::unreachable,
                        target_.name + " ends the connection without an answer to CONNECT: " + why
                            + (target_.tls ? "" : " (is it MQTT, and without TLS? else: --tls)")});
  stage_.fail({ExitStatus::unreachable, "cannot connect to " + target_.name + ": " + why});
}

void open_all(Stage& stage, const std::vector<Client*>& clients, std::uint32_t at_a_time,
              double rate, const std::function<void(Client&)>& on_ready) {
  constexpr auto patience = std::chrono::seconds(20);
  std::vector<Client*> under_way;
  std::size_t started = 0;
  const TimePoint began = stage.poller().refresh_now();
  TimePoint last_news = began;
  while ((started < clients.size() || !under_way.empty()) && !stage.should_end()) {
    TimePoint next = stage.now() + patience;
    while (started < clients.size() && under_way.size() < at_a_time) {
      if (rate > 0) {
        const std::chrono::duration<double> due(static_cast<double>(started) / rate);
        next = began + std::chrono::duration_cast<Duration>(due);
        if (next > stage.now()) break;
      }
      clients[started]->start();
      under_way.push_back(clients[started++]);
    }
    stage.turn(next);
    const auto is_there = [&](Client* client) {
      if (!client->is_ready()) return false;
      if (on_ready) on_ready(*client);
      return true;
    };
    const auto gone = std::remove_if(under_way.begin(), under_way.end(), is_there);
    if (gone != under_way.end() || under_way.empty()) last_news = stage.now();
    under_way.erase(gone, under_way.end());
    if (stage.now() - last_news > patience)
      stage.fail({ExitStatus::unreachable,
                  stage.options().publish_at.to_text()
                      + " takes connections but does not answer (is it MQTT, and without TLS? "
                        "else: --tls)"});
  }
}

bool wait_for(Stage& stage, const std::function<bool()>& done,
              const std::function<std::uint64_t()>& progress, Duration patience,
              const std::string& or_else) {
  std::uint64_t last = progress();
  TimePoint last_change = stage.poller().refresh_now();
  while (!done()) {
    if (stage.should_end()) return false;
    stage.turn(last_change + patience);
    if (const std::uint64_t now = progress(); now != last) {
      last = now;
      last_change = stage.now();
    } else if (stage.now() - last_change >= patience) {
      stage.fail({ExitStatus::failed, or_else});
    }
  }
  return !stage.should_end();
}

}  // namespace starling::bench
