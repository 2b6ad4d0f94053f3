#include "dht/peers/dial_quota.hpp"

#include "starling/limits.hpp"

namespace starling {
namespace {

constexpr Duration window = std::chrono::hours(1);

/// All ports of a global address are one.
Endpoint key_of(const Endpoint& endpoint) {
  return endpoint.is_global() ? Endpoint{endpoint.address, 0} : endpoint;
}

std::size_t count_of(const std::map<Endpoint, std::size_t>& dials, const Endpoint& key) {
  const auto found = dials.find(key);
  return found == dials.end() ? 0 : found->second;
}

}  // namespace

void DialQuota::begin_window(TimePoint now) {
  if (window_open_ && now - window_begin_ < window) return;
  window_open_ = true;
  window_begin_ = now;
  dials_.clear();
}

bool DialQuota::has_room_for(const Endpoint& key) const {
  return dials_.size() < limits::dial_quota_entries_max || dials_.count(key) > 0;
}

bool DialQuota::try_take(const Endpoint& endpoint, TimePoint now) {
  begin_window(now);
  const Endpoint key = key_of(endpoint);
  const std::size_t most =
      endpoint.is_global() ? per_global_address : limits::unproven_dials_per_hour;
  if (!has_room_for(key) || count_of(dials_, key) >= most) return false;
  ++dials_[key];
  return true;
}

void DialQuota::give_back(const Endpoint& endpoint) {
  const auto found = dials_.find(key_of(endpoint));
  if (found != dials_.end() && found->second > 0) --found->second;
}

TimePoint DialQuota::next_window(TimePoint now) const {
  return window_open_ && now - window_begin_ < window ? window_begin_ + window : now;
}

}  // namespace starling
