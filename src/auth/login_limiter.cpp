#include "src/auth/login_limiter.hpp"

#include <algorithm>
#include <chrono>

#include "starling/limits.hpp"

namespace starling {
namespace {

// A bucket that was quite empty, and in debt by a whole burst, is full again after this.
constexpr Duration forgiven_after = std::chrono::minutes{2};

}  // namespace

LoginOrigin login_origin(const Endpoint& peer) {
  LoginOrigin origin = peer.address;
  if (!peer.is_v4()) std::fill(origin.begin() + 8, origin.end(), std::uint8_t{0});
  return origin;
}

LoginLimiter::LoginLimiter(std::uint32_t failures_per_minute)
    : failures_per_minute_(failures_per_minute) {}

void LoginLimiter::set_bound(std::uint32_t failures_per_minute) {
  if (failures_per_minute == failures_per_minute_) return;
  failures_per_minute_ = failures_per_minute;
  entries_.clear();
  by_age_.clear();
}

bool LoginLimiter::may_try(const LoginOrigin& from, TimePoint now) const {
  const auto found = entries_.find(from);
  return found == entries_.end() || found->second.left.ready_at(1, now) <= now;
}

void LoginLimiter::on_failure(const LoginOrigin& from, TimePoint now) {
  if (failures_per_minute_ == 0) return;
  auto found = entries_.find(from);
  if (found == entries_.end()) {
    make_room(now);
    const double burst = failures_per_minute_;
    const auto place = by_age_.insert(by_age_.end(), from);
    found = entries_.emplace(from, Entry{TokenBucket{burst / 60, burst, now}, now, place}).first;
  }
  Entry& entry = found->second;
  entry.left.charge(1, now);
  entry.last_failure = now;
  by_age_.splice(by_age_.end(), by_age_, entry.place);
}

void LoginLimiter::make_room(TimePoint now) {
  while (!by_age_.empty()) {
    const auto longest_quiet = entries_.find(by_age_.front());
    if (entries_.size() < limits::login_origins_max
        && now - longest_quiet->second.last_failure < forgiven_after)
      return;
    entries_.erase(longest_quiet);
    by_age_.pop_front();
  }
}

}  // namespace starling
