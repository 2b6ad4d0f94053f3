#include "src/session/outbound_qos.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "starling/check.hpp"
#include "starling/limits.hpp"

namespace starling {
namespace {

constexpr std::uint64_t packet_ids = 65'535;  // 1 to 65535; zero is none [MQTT-2.3.1-1]

std::uint16_t packet_id_of(std::uint64_t position) {
  return static_cast<std::uint16_t>((position - 1) % packet_ids + 1);
}

}  // namespace

OutboundQos::~OutboundQos() {
  pool_.waiting -= static_cast<std::int64_t>(waiting());
  pool_.waiting_bytes -= static_cast<std::int64_t>(waiting_bytes());
  pool_.inflight -= static_cast<std::int64_t>(inflight_.size());
}

void OutboundQos::on_connected(std::uint16_t window) {
  STARLING_CHECK(window > 0);
  window_ = window;
  inflight_.forget_sent();
}

OutboundQos::Inflight* OutboundQos::next_to_resend() {
  return inflight_.sent() < window_ ? inflight_.next_to_send() : nullptr;
}

// Positions go round in order, so an id that is in use can only be met again by one that is a whole
// round away [MQTT5-2.2.1-4].
bool OutboundQos::is_in_use(std::uint64_t position) {
  if (inflight_.empty()) return false;
  if (latest_ < position + packet_ids && position < earliest_ + packet_ids) return false;
  const InflightWindow::Span span = inflight_.span();
  earliest_ = span.earliest;
  latest_ = span.latest;
  return inflight_.find(packet_id_of(position)) != nullptr;
}

std::uint64_t OutboundQos::next_position() {
  do ++last_position_;
  while (is_in_use(last_position_));
  return last_position_;
}

void OutboundQos::widen(std::uint64_t position) {
  earliest_ = inflight_.empty() ? position : std::min(earliest_, position);
  latest_ = inflight_.empty() ? position : std::max(latest_, position);
}

OutboundQos::Inflight& OutboundQos::begin(Delivery&& delivery) {
  STARLING_CHECK(window_is_open());
  STARLING_CHECK(delivery.qos != QoS::at_most_once && delivery.position != 0);
  const State state =
      delivery.qos == QoS::exactly_once ? State::awaiting_pubrec : State::awaiting_puback;
  const std::uint16_t packet_id = packet_id_of(delivery.position);
  widen(delivery.position);
  inflight_bytes_ += delivery.message->payload.size();
  ++pool_.inflight;
  return inflight_.push_back({std::move(delivery), packet_id, state});
}

void OutboundQos::enqueue(Delivery delivery) {
  const std::size_t cost = delivery.cost();
  const bool enough_in_memory =
      queue_.size() >= limits::queue_memory_messages || queued_bytes_ >= limits::queue_memory_bytes;
  if (is_stored_ && (on_disk_.messages > 0 || enough_in_memory)) {
    account(on_disk_, cost);
    if (is_reading_) {
      ++since_asked_.messages;
      since_asked_.bytes += cost;
    }
    return;
  }
  ++pool_.waiting;
  pool_.waiting_bytes += static_cast<std::int64_t>(cost);
  queued_bytes_ += cost;
  read_up_to_ = delivery.position;
  queue_.push_back(std::move(delivery));
}

void OutboundQos::account(Amount& amount, std::size_t cost) {
  ++amount.messages;
  amount.bytes += cost;
  ++pool_.waiting;
  pool_.waiting_bytes += static_cast<std::int64_t>(cost);
}

void OutboundQos::account_removed(Amount& amount, std::size_t cost) {
  STARLING_CHECK(amount.messages > 0 && amount.bytes >= cost);
  --amount.messages;
  amount.bytes -= cost;
  --pool_.waiting;
  pool_.waiting_bytes -= static_cast<std::int64_t>(cost);
}

void OutboundQos::account_removed(const Delivery& delivery) {
  STARLING_CHECK(queued_bytes_ >= delivery.cost());
  queued_bytes_ -= delivery.cost();
  --pool_.waiting;
  pool_.waiting_bytes -= static_cast<std::int64_t>(delivery.cost());
}

std::optional<Delivery> OutboundQos::take_waiting(TimePoint now, std::vector<Delivery>& expired) {
  while (!queue_.empty()) {
    const Delivery& next = queue_.front();
    const bool has_expired = next.message->has_expired(now);
    if (!has_expired && next.qos != QoS::at_most_once) {
      if (is_stored_ && next.qos == QoS::exactly_once && next.position > safe_up_to_) break;
      if (is_in_use(next.position)) break;
    }
    Delivery first = queue_.pop_front();
    account_removed(first);
    if (!has_expired) return first;
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

void OutboundQos::put_back(std::vector<Delivery> deliveries) {
  if (deliveries.empty()) return;
  std::vector<Delivery> rest = take_all_waiting();
  std::vector<Delivery> all;
  all.reserve(deliveries.size() + rest.size());
  std::merge(std::move_iterator(deliveries.begin()), std::move_iterator(deliveries.end()),
             std::move_iterator(rest.begin()), std::move_iterator(rest.end()),
             std::back_inserter(all),
             [](const Delivery& a, const Delivery& b) { return a.position < b.position; });
  for (Delivery& delivery : all) {
    ++pool_.waiting;
    pool_.waiting_bytes += static_cast<std::int64_t>(delivery.cost());
    queued_bytes_ += delivery.cost();
    queue_.push_back(std::move(delivery));
  }
}

std::vector<Delivery> OutboundQos::take_all_waiting() {
  return take_matching([](const Delivery&) { return true; });
}

std::vector<OutboundQos::Inflight> OutboundQos::take_inflight() {
  inflight_bytes_ = 0;
  pool_.inflight -= static_cast<std::int64_t>(inflight_.size());
  return inflight_.take_all();
}

Delivery OutboundQos::finish(Inflight& entry) {
  inflight_bytes_ -= entry.delivery.message->payload.size();
  --pool_.inflight;
  return inflight_.take(entry);
}

OutboundQos::Received OutboundQos::on_puback(std::uint16_t packet_id,
                                             std::optional<Delivery>& ended) {
  Inflight* entry = inflight_.find(packet_id);
  if (entry == nullptr) return Received::unknown;
  if (entry->state != State::awaiting_puback) return Received::out_of_place;
  ended = finish(*entry);
  return Received::finished;
}

OutboundQos::Received OutboundQos::on_pubrec(std::uint16_t packet_id, bool refused,
                                             std::optional<Delivery>& ended) {
  Inflight* entry = inflight_.find(packet_id);
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
  Inflight* entry = inflight_.find(packet_id);
  if (entry == nullptr) return Received::unknown;
  if (entry->state != State::awaiting_pubcomp) return Received::out_of_place;
  ended = finish(*entry);
  return Received::finished;
}

std::optional<Delivery> OutboundQos::abandon(std::uint16_t packet_id) {
  Inflight* entry = inflight_.find(packet_id);
  if (entry == nullptr) return std::nullopt;
  return finish(*entry);
}

// --- Sessions that a store keeps

void OutboundQos::restore(Restored restored) {
  STARLING_CHECK(last_position_ == 0 && inflight_.empty() && queue_.empty());
  is_stored_ = true;
  last_position_ = safe_up_to_ = restored.last_position;
  read_up_to_ = restored.after;
  for (Inflight& entry : restored.inflight) {
    entry.packet_id = packet_id_of(entry.delivery.position);
    inflight_bytes_ += entry.delivery.message->payload.size();
    widen(entry.delivery.position);
    inflight_.push_back(std::move(entry), false);
  }
  pool_.inflight += static_cast<std::int64_t>(inflight_.size());
  on_disk_ = {restored.messages, restored.messages * Delivery::cost_of(0) + restored.bytes};
  pool_.waiting += static_cast<std::int64_t>(on_disk_.messages);
  pool_.waiting_bytes += static_cast<std::int64_t>(on_disk_.bytes);
}

std::optional<std::uint64_t> OutboundQos::wants_read() {
  if (on_disk_.messages == 0 || is_reading_ || window_ == 0
      || queue_.size() >= limits::queue_refill_messages / 2)
    return std::nullopt;
  is_reading_ = true;
  since_asked_ = {};
  return read_up_to_;
}

void OutboundQos::on_read(std::vector<Delivery> deliveries) {
  is_reading_ = false;
  for (Delivery& delivery : deliveries) {
    if (on_disk_.messages > 0) account_removed(on_disk_, std::min(delivery.cost(), on_disk_.bytes));
    read_up_to_ = delivery.position;
    on_safe(delivery.position);
    ++pool_.waiting;
    pool_.waiting_bytes += static_cast<std::int64_t>(delivery.cost());
    queued_bytes_ += delivery.cost();
    queue_.push_back(std::move(delivery));
  }
  if (!deliveries.empty()) return;
  // Nothing but what has come meanwhile: what was counted beyond that is not there.
  const Amount left{std::min(since_asked_.messages, on_disk_.messages),
                    std::min(since_asked_.bytes, on_disk_.bytes)};
  pool_.waiting -= static_cast<std::int64_t>(on_disk_.messages - left.messages);
  pool_.waiting_bytes -= static_cast<std::int64_t>(on_disk_.bytes - left.bytes);
  on_disk_ = left;
}

bool OutboundQos::on_expired_in_store(std::uint64_t position, std::size_t bytes) {
  if (position <= read_up_to_ || on_disk_.messages == 0) return false;
  account_removed(on_disk_, std::min(Delivery::cost_of(bytes), on_disk_.bytes));
  return true;
}

}  // namespace starling
