#include "dht/peers/dial_quota.hpp"

#include "starling/limits.hpp"

namespace starling {
namespace {

constexpr Duration window = std::chrono::hours(1);

Endpoint host_of(const Endpoint& endpoint) {
  return Endpoint{endpoint.address, 0};
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
  return dials_.size() + 2 <= limits::dial_quota_entries_max || dials_.count(key) > 0;
}

bool DialQuota::try_take(const Endpoint& endpoint, TimePoint now) {
  begin_window(now);
  if (!has_room_for(endpoint)) return false;
  if (count_of(dials_, endpoint) >= limits::unproven_dials_per_hour) return false;
  if (endpoint.is_global()) {
    const Endpoint host = host_of(endpoint);
    if (count_of(dials_, host) >= limits::unproven_dials_per_host) return false;
    ++dials_[host];
  }
  ++dials_[endpoint];
  return true;
}

TimePoint DialQuota::next_window(TimePoint now) const {
  return window_open_ && now - window_begin_ < window ? window_begin_ + window : now;
}

}  // namespace starling
