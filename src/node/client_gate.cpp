#include "src/node/client_gate.hpp"

#include "starling/check.hpp"

namespace starling {
namespace {

bool has_address(const Endpoint& peer) {
  return !(peer == Endpoint{});
}

}  // namespace

void ClientGate::set_bounds(const GateBounds& bounds) {
  bounds_ = bounds;
  if (!counts_addresses()) by_address_.clear();
}

GateRefusal ClientGate::may_enter(ListenerIndex listener, std::size_t listener_max) const {
  if (inside_ >= bounds_.connections_max)
    return {"total", "max_connections is reached: " + std::to_string(bounds_.connections_max)};
  const std::size_t there = listener < by_listener_.size() ? by_listener_[listener] : 0;
  if (listener_max != 0 && there >= listener_max)
    return {"listener",
            "max_connections of the listener is reached: " + std::to_string(listener_max)};
  if (bounds_.memory_max != 0 && heap_bytes_ >= bounds_.memory_max)
    return {"memory", "memory is short: " + std::to_string(heap_bytes_) + " of "
                          + std::to_string(bounds_.memory_max) + " bytes are used"};
  return {};
}

GateRefusal ClientGate::may_enter_from(const Endpoint& peer) const {
  if (!counts_addresses() || !has_address(peer)) return {};
  const auto count = by_address_.find(login_origin(peer));
  if (count == by_address_.end() || count->second < bounds_.connections_per_address_max) return {};
  return {"address", "too many connections of one address: "
                         + std::to_string(bounds_.connections_per_address_max)};
}

void ClientGate::enter(ListenerIndex listener) {
  ++inside_;
  if (listener >= by_listener_.size()) by_listener_.resize(std::size_t{listener} + 1);
  ++by_listener_[listener];
}

void ClientGate::leave(ListenerIndex listener) {
  STARLING_CHECK(inside_ > 0 && by_listener_.at(listener) > 0);
  --inside_;
  --by_listener_[listener];
}

void ClientGate::enter_from(const Endpoint& peer) {
  if (counts_addresses() && has_address(peer)) ++by_address_[login_origin(peer)];
}

void ClientGate::leave_from(const Endpoint& peer) {
  if (!has_address(peer)) return;
  const auto count = by_address_.find(login_origin(peer));
  if (count != by_address_.end() && --count->second == 0) by_address_.erase(count);
}

}  // namespace starling
