#include "src/session/inbound_qos.hpp"

#include <algorithm>

namespace starling {

void InboundQos::on_connected(std::uint16_t receive_maximum) {
  receive_maximum_ = receive_maximum;
  under_way_ = 0;
}

InboundQos::Arrival InboundQos::on_publish(QoS qos, std::uint16_t packet_id) {
  if (qos == QoS::at_most_once) return Arrival::fresh;
  auto at = open_.end();
  if (qos == QoS::exactly_once) {
    at = std::lower_bound(open_.begin(), open_.end(), packet_id);
    if (at != open_.end() && *at == packet_id) return Arrival::repeated;
  }
  if (receive_maximum_ != 0 && under_way_ >= receive_maximum_) return Arrival::over_quota;
  ++under_way_;
  if (qos == QoS::exactly_once) open_.insert(at, packet_id);
  return Arrival::fresh;
}

void InboundQos::on_refused(std::uint16_t packet_id) {
  on_pubrel(packet_id);
}

bool InboundQos::on_pubrel(std::uint16_t packet_id) {
  const auto at = std::lower_bound(open_.begin(), open_.end(), packet_id);
  if (at == open_.end() || *at != packet_id) return false;
  open_.erase(at);
  if (open_.empty()) open_ = {};
  return true;
}

}  // namespace starling
