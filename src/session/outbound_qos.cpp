#include "src/session/outbound_qos.hpp"

#include <utility>

#include "starling/check.hpp"

namespace starling {
namespace {

constexpr std::uint64_t packet_ids = 65'535;  // 1 to 65535; zero is none [MQTT-2.3.1-1]

std::uint16_t packet_id_of(std::uint64_t sequence) {
  return static_cast<std::uint16_t>((sequence - 1) % packet_ids + 1);
}

}  // namespace

OutboundQos::~OutboundQos() {
  pool_.waiting -= static_cast<std::int64_t>(queue_.size());
  pool_.waiting_bytes -= static_cast<std::int64_t>(queued_bytes_);
  pool_.inflight -= static_cast<std::int64_t>(inflight_.size());
}

void OutboundQos::on_connected(std::uint16_t window) {
  STARLING_CHECK(window > 0);
  window_ = window;
  resent_ = 0;
}

OutboundQos::Inflight* OutboundQos::next_to_resend() {
  if (resent_ >= inflight_.size() || resent_ >= window_) return nullptr;
  return &inflight_[resent_++];
}

// Ids go round in order, so one that is in use can only be met again when its message is a whole
// round old [MQTT5-2.2.1-4].
std::uint64_t OutboundQos::next_sequence() {
  std::uint64_t next = last_sequence_ + 1;
  if (!inflight_.empty() && inflight_.front().sequence + packet_ids <= next + inflight_.size()) {
    while (find(packet_id_of(next)) != nullptr) ++next;
  }
  return last_sequence_ = next;
}

OutboundQos::Inflight& OutboundQos::begin(Delivery delivery) {
  STARLING_CHECK(window_is_open());
  const State state =
      delivery.qos == QoS::exactly_once ? State::awaiting_pubrec : State::awaiting_puback;
  STARLING_CHECK(delivery.qos != QoS::at_most_once);
  const std::uint64_t sequence = next_sequence();
  inflight_bytes_ += delivery.message->payload.size();
  ++pool_.inflight;
  inflight_.push_back({std::move(delivery), sequence, packet_id_of(sequence), state});
  ++resent_;
  return inflight_.back();
}

void OutboundQos::enqueue(Delivery delivery) {
  queued_bytes_ += delivery.cost();
  ++pool_.waiting;
  pool_.waiting_bytes += static_cast<std::int64_t>(delivery.cost());
  queue_.push_back(std::move(delivery));
}

void OutboundQos::account_removed(const Delivery& delivery) {
  STARLING_CHECK(queued_bytes_ >= delivery.cost());
  queued_bytes_ -= delivery.cost();
  --pool_.waiting;
  pool_.waiting_bytes -= static_cast<std::int64_t>(delivery.cost());
}

std::optional<Delivery> OutboundQos::take_waiting(TimePoint now, std::vector<Delivery>& expired) {
  while (!queue_.empty()) {
    Delivery first = queue_.pop_front();
    account_removed(first);
    if (!first.message->has_expired(now)) return first;
    expired.push_back(std::move(first));
  }
  return std::nullopt;
}

std::vector<Delivery> OutboundQos::take_expired(TimePoint now) {
  return take_matching([now](const Delivery& d) { return d.message->has_expired(now); });
}

std::vector<Delivery> OutboundQos::take_shared(std::uint64_t share_group) {
  return take_matching([share_group](const Delivery& d) {
    return d.share_group != 0 && (share_group == 0 || d.share_group == share_group);
  });
}

std::vector<Delivery> OutboundQos::take_all_waiting() {
  return take_matching([](const Delivery&) { return true; });
}

std::vector<OutboundQos::Inflight> OutboundQos::take_inflight() {
  resent_ = 0;
  inflight_bytes_ = 0;
  pool_.inflight -= static_cast<std::int64_t>(inflight_.size());
  return std::exchange(inflight_, {});
}

OutboundQos::Inflight* OutboundQos::find(std::uint16_t packet_id) {
  if (inflight_.empty()) return nullptr;
  // Mostly the oldest, or as far behind it as its id says; else (gaps) a walk through the window.
  const auto guess = static_cast<std::uint16_t>(packet_id - inflight_.front().packet_id);
  if (guess < inflight_.size() && inflight_[guess].packet_id == packet_id) return &inflight_[guess];
  for (Inflight& entry : inflight_)
    if (entry.packet_id == packet_id) return &entry;
  return nullptr;
}

Delivery OutboundQos::finish(Inflight& entry) {
  Delivery ended = std::move(entry.delivery);
  inflight_bytes_ -= ended.message->payload.size();
  --pool_.inflight;
  const auto index = static_cast<std::size_t>(&entry - inflight_.data());
  inflight_.erase(inflight_.begin() + static_cast<std::ptrdiff_t>(index));
  if (index < resent_) --resent_;
  return ended;
}

OutboundQos::Received OutboundQos::on_puback(std::uint16_t packet_id,
                                             std::optional<Delivery>& ended) {
  Inflight* entry = find(packet_id);
  if (entry == nullptr) return Received::unknown;
  if (entry->state != State::awaiting_puback) return Received::out_of_place;
  ended = finish(*entry);
  return Received::finished;
}

OutboundQos::Received OutboundQos::on_pubrec(std::uint16_t packet_id, bool refused,
                                             std::optional<Delivery>& ended) {
  Inflight* entry = find(packet_id);
  if (entry == nullptr) return Received::unknown;
  if (entry->state == State::awaiting_puback) return Received::out_of_place;
  if (refused && entry->state == State::awaiting_pubrec) {
    ended = finish(*entry);
    return Received::finished;
  }
  entry->state = State::awaiting_pubcomp;
  return Received::send_pubrel;
}

OutboundQos::Received OutboundQos::on_pubcomp(std::uint16_t packet_id,
                                              std::optional<Delivery>& ended) {
  Inflight* entry = find(packet_id);
  if (entry == nullptr) return Received::unknown;
  if (entry->state != State::awaiting_pubcomp) return Received::out_of_place;
  ended = finish(*entry);
  return Received::finished;
}

std::optional<Delivery> OutboundQos::abandon(std::uint16_t packet_id) {
  Inflight* entry = find(packet_id);
  if (entry == nullptr) return std::nullopt;
  return finish(*entry);
}

}  // namespace starling
