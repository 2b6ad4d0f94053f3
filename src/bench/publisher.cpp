#include "src/bench/publisher.hpp"

#include <algorithm>

#include "src/bench/layout.hpp"
#include "src/mqtt/publish_image.hpp"
#include "src/mqtt/read_packet.hpp"
#include "src/mqtt/write_packet.hpp"

namespace starling::bench {
namespace {

constexpr std::size_t out_max = 256U << 10U;  // bytes put out before the kernel must take some
constexpr TimePoint free_id = TimePoint::min();

void write_u16(std::uint16_t value, std::uint8_t* to) {
  to[0] = static_cast<std::uint8_t>(value >> 8U);
  to[1] = static_cast<std::uint8_t>(value);
}

}  // namespace

Publisher::Publisher(Stage& stage, const Target& target, const std::string& id, Plan plan,
                     Listener* listener)
    : Client(stage, target, id), plan_(std::move(plan)), listener_(listener) {
  prepare_image();
}

void Publisher::prepare_image() {
  const std::string topic = plan_.prefix + "/" + std::string(topic_digits, '0') + plan_.suffix;
  const Bytes payload(plan_.size, 'x');
  mqtt::Publish packet;
  packet.topic = topic;
  packet.payload = mqtt::BinaryView(ByteView(payload));
  packet.qos = plan_.qos;
  packet.retain = plan_.retain;
  if (plan_.qos != QoS::at_most_once) packet.packet_id = 1;
  const mqtt::PublishHead head = mqtt::write_publish_head(packet, version(), image_);
  image_[0] = mqtt::publish_first_byte(plan_.qos, plan_.retain, false);
  append(image_, payload);
  id_at_ = head.packet_id_at;
  payload_at_ = head.size;
  const std::string_view text = as_text(image_);
  digits_at_ = text.find(topic) + plan_.prefix.size() + 1;
}

/// Twice as many ids as messages under way, so that the next one is free although some brokers
/// answer out of order.
void Publisher::prepare_ids() {
  unacked_max_ = std::min<std::uint32_t>({plan_.unacked_max, window_max, receive_maximum()});
  sent_at_.assign(std::size_t{2} * unacked_max_ + 1, free_id);
}

bool Publisher::is_congested() {
  return connection()->pending() >= out_max;
}

bool Publisher::has_room() {
  if (!is_ready() || is_congested()) return false;
  if (plan_.qos == QoS::at_most_once) return true;
  if (sent_at_.empty()) prepare_ids();
  return unacked_ < unacked_max_ && sent_at_[next_id_] == free_id;
}

void Publisher::publish(std::uint32_t stream, std::uint32_t number, TimePoint time) {
  put(stream, {stage().since_start(time), plan_.tag, stream, number}, time);
  ++sent_;
}

void Publisher::publish_probe(std::uint32_t stream, std::uint16_t tag) {
  put(stream, {0, tag, stream, 0}, stage().now());
  connection()->flush();
}

void Publisher::put(std::uint32_t stream, const Stamp& stamp, TimePoint time) {
  Bytes& to = out();
  const std::size_t at = to.size();
  append(to, image_);
  std::uint8_t* packet = to.data() + at;
  write_digits(stream, packet + digits_at_);
  if (plan_.qos != QoS::at_most_once) take_id(packet + id_at_, time);
  if (plan_.size >= stamp_size) stamp.write(packet + payload_at_);
}

void Publisher::take_id(std::uint8_t* to, TimePoint time) {
  write_u16(next_id_, to);
  sent_at_[next_id_] = time;
  ++unacked_;
  next_id_ = next_id_ + 1U == sent_at_.size() ? 1 : next_id_ + 1;
}

void Publisher::on_ack(const mqtt::Frame& frame) {
  // The ids of acknowledgements stand in front in both versions; only a reason behind them says
  // more than "taken".
  if (frame.body.size() < 2) return fail(ExitStatus::failed, "sends an acknowledgement cut short");
  const auto id = static_cast<std::uint16_t>(frame.body[0] << 8U | frame.body[1]);
  if (frame.body.size() > 2 && mqtt::is_refusal(static_cast<mqtt::ReasonCode>(frame.body[2])))
    return fail(ExitStatus::failed,
                std::string("refuses a message: ")
                    + mqtt::to_text(static_cast<mqtt::ReasonCode>(frame.body[2])));
  if (id >= sent_at_.size() || id == 0 || sent_at_[id] == free_id)
    return fail(ExitStatus::failed,
                "acknowledges packet id " + std::to_string(id) + ", which is not under way");
  if (frame.type() == mqtt::PacketType::pubrec) {
    const std::array<std::uint8_t, 4> release{0x62, 2, frame.body[0], frame.body[1]};
    return append(out(), release);
  }
  finish(id);
}

void Publisher::finish(std::uint16_t packet_id) {
  const TimePoint sent_at = std::exchange(sent_at_[packet_id], free_id);
  --unacked_;
  ++acknowledged_;
  if (listener_ != nullptr) listener_->on_acknowledged(*this, sent_at);
}

}  // namespace starling::bench
