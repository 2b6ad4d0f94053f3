// LoginLimiter: how often an address may fail to prove who it is. Told the time; owns no timer.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <map>

#include "starling/endpoint.hpp"
#include "starling/time.hpp"

#include "src/access/token_bucket.hpp"

namespace starling {

/// Whom failures are counted against: an IPv4 address, or the /64 an IPv6 host can choose its
/// addresses from.
using LoginOrigin = std::array<std::uint8_t, 16>;
LoginOrigin login_origin(const Endpoint& peer);

/// Each origin may fail `failures_per_minute` times at once and as often per minute after that.
/// Successes do not count. Remembers the limits::login_origins_max origins that failed last.
class LoginLimiter {
 public:
  /// 0: no bound.
  explicit LoginLimiter(std::uint32_t failures_per_minute);

  /// Forgets all failures if the bound is another one.
  void set_bound(std::uint32_t failures_per_minute);
  [[nodiscard]] bool may_try(const LoginOrigin& from, TimePoint now) const;
  void on_failure(const LoginOrigin& from, TimePoint now);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    TokenBucket left;
    TimePoint last_failure;
    std::list<LoginOrigin>::iterator place;  // in by_age_
  };
  void make_room(TimePoint now);

  std::uint32_t failures_per_minute_;
  std::map<LoginOrigin, Entry> entries_;
  std::list<LoginOrigin> by_age_;  // the longest quiet first
};

}  // namespace starling
