// UvDialer: opens TCP connections, each within limits::dial_timeout.
#pragma once

#include <memory>
#include <set>
#include <utility>

#include "starling/port/stream.hpp"
#include "starling/time.hpp"

namespace starling {

class UvLoop;

/// A dialer that is destroyed forgets its attempts without calling anybody.
class UvDialer final : public Dialer {
 public:
  explicit UvDialer(UvLoop& loop);
  /// `timeout`: instead of limits::dial_timeout.
  UvDialer(UvLoop& loop, Duration timeout);
  ~UvDialer() override;

  /// Errors: unreachable, "cannot connect to 192.0.2.1:21883: connection refused".
  void dial(const Endpoint& to, OnDone done) override { dial_from(0, to, std::move(done)); }
  void dial_from(std::uint16_t local_port, const Endpoint& to, OnDone done) override;

 private:
  class Attempt;
  using Attempts = std::set<std::shared_ptr<Attempt>>;

  UvLoop& loop_;
  Duration timeout_;
  std::shared_ptr<Attempts> attempts_;
};

}  // namespace starling
