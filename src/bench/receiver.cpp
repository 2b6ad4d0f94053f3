#include "src/bench/receiver.hpp"

#include <array>

namespace starling::bench {
namespace {

constexpr std::size_t packet_ids = 65'536;

/// Bytes of an MQTT 5 property section with its length, which opens `bytes`; 0: it is cut.
std::size_t properties_size(ByteView bytes) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < bytes.size() && i < 4; ++i) {
    length |= static_cast<std::size_t>(bytes[i] & 0x7FU) << (7 * i);
    if ((bytes[i] & 0x80U) == 0) return i + 1 + length;
  }
  return 0;
}

}  // namespace

Receiver::Receiver(Stage& stage, const Target& target, const std::string& id, std::uint32_t number,
                   Listener& listener)
    : Client(stage, target, id), number_(number), listener_(listener) {}

// Only what the counting needs is looked at: checking all rules of a PUBLISH, as read_publish() does,
// is for brokers.
void Receiver::on_publish(const mqtt::Frame& frame) {
  const ByteView body = frame.body;
  const unsigned qos = frame.first_byte >> 1U & 3U;
  std::size_t at = 2;
  if (body.size() >= 2) at += static_cast<std::size_t>(body[0] << 8U | body[1]);
  const std::size_t topic_end = at;
  if (qos > 0) at += 2;
  if (is_v5()) {
    const std::size_t size = at < body.size() ? properties_size(body.subspan(at)) : 0;
    at = size == 0 ? body.size() + 1 : at + size;
  }
  if (at > body.size() || qos > 2)
    return fail(ExitStatus::failed, "sends a PUBLISH that cannot be read");
  if (qos > 0 && !acknowledge(qos, body.data() + topic_end)) return;
  listener_.on_message(*this, {as_text(body.subspan(2, topic_end - 2)), body.subspan(at),
                               (frame.first_byte & 1U) != 0});
}

bool Receiver::acknowledge(unsigned qos, const std::uint8_t* packet_id) {
  const std::array<std::uint8_t, 4> answer{static_cast<std::uint8_t>(qos == 1 ? 0x40 : 0x50), 2,
                                           packet_id[0], packet_id[1]};
  append(out(), answer);
  if (qos == 1) return true;
  if (unreleased_.empty()) unreleased_.resize(packet_ids);
  const auto id = static_cast<std::size_t>(packet_id[0] << 8U | packet_id[1]);
  if (unreleased_[id]) return false;
  unreleased_[id] = true;
  return true;
}

void Receiver::on_ack(const mqtt::Frame& frame) {
  if (frame.type() != mqtt::PacketType::pubrel || frame.body.size() < 2)
    return fail(ExitStatus::failed,
                std::string("sends a ") + mqtt::to_text(frame.type()) + " that nobody asked for");
  const auto id = static_cast<std::size_t>(frame.body[0] << 8U | frame.body[1]);
  if (!unreleased_.empty()) unreleased_[id] = false;
  const std::array<std::uint8_t, 4> complete{0x70, 2, frame.body[0], frame.body[1]};
  append(out(), complete);
}

}  // namespace starling::bench
