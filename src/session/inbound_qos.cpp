#include "src/session/inbound_qos.hpp"

#include <algorithm>
#include <utility>

namespace starling {

void InboundQos::on_connected(std::uint16_t receive_maximum) {
  receive_maximum_ = receive_maximum;
  under_way_qos1_ = 0;
  under_way_qos2_ = 0;
}

InboundQos::Arrival InboundQos::on_publish(QoS qos, std::uint16_t packet_id) {
  if (qos == QoS::at_most_once) return Arrival::fresh;
  auto at = open_.end();
  if (qos == QoS::exactly_once) {
    at = std::lower_bound(open_.begin(), open_.end(), packet_id);
    if (at != open_.end() && *at == packet_id) return Arrival::repeated;
  }
  if (receive_maximum_ != 0
      && (under_way_qos2_ >= receive_maximum_ || under_way_qos1_ >= unacknowledged_max))
    return Arrival::over_quota;
  if (qos == QoS::at_least_once) {
    ++under_way_qos1_;
  } else {
    ++under_way_qos2_;
    open_.insert(at, packet_id);
  }
  return Arrival::fresh;
}

void InboundQos::on_refused(std::uint16_t packet_id) {
  close(packet_id);
}

void InboundQos::hold(std::uint16_t packet_id, std::shared_ptr<Publication> message) {
  held_bytes_ += message->payload.size();
  held_.push_back({packet_id, std::move(message)});
}

void InboundQos::restore(std::uint16_t packet_id, std::shared_ptr<Publication> held) {
  const auto at = std::lower_bound(open_.begin(), open_.end(), packet_id);
  if (at != open_.end() && *at == packet_id) return;
  open_.insert(at, packet_id);
  if (held) hold(packet_id, std::move(held));
}

std::vector<std::shared_ptr<Publication>> InboundQos::take_held() {
  std::vector<std::shared_ptr<Publication>> taken;
  for (Held& held : held_) taken.push_back(std::move(held.message));
  held_.clear();
  held_bytes_ = 0;
  return taken;
}

bool InboundQos::close(std::uint16_t packet_id) {
  const auto at = std::lower_bound(open_.begin(), open_.end(), packet_id);
  if (at == open_.end() || *at != packet_id) return false;
  open_.erase(at);
  if (open_.empty()) open_ = {};
  return true;
}

InboundQos::Released InboundQos::on_pubrel(std::uint16_t packet_id) {
  Released released;
  released.known = close(packet_id);
  if (!released.known) return released;
  if (!held_.empty() && held_.front().packet_id == packet_id) {  // as they should come
    released.held = held_.pop_front().message;
  } else {
    auto taken =
        held_.extract([packet_id](const Held& held) { return held.packet_id == packet_id; });
    if (!taken.empty()) released.held = std::move(taken.front().message);
  }
  if (released.held) held_bytes_ -= released.held->payload.size();
  return released;
}

}  // namespace starling
