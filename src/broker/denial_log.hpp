// DenialLog: says that messages are being refused, without letting a stranger fill the disk with
// it.
#pragma once

#include <cstdint>
#include <string_view>

#include "starling/limits.hpp"
#include "starling/port/log.hpp"
#include "starling/time.hpp"

namespace starling {

class DenialLog {
 public:
  explicit DenialLog(LogSink& log) : log_(log) {}

  /// At most one line per limits::denial_log_interval; it says how many were passed over before it.
  void note(std::string_view event, std::string_view client, TimePoint now) {
    if (said_before_ && now < quiet_until_) {
      ++passed_over_;
      return;
    }
    log_.warn(event, {{"client", client}, {"more_before", passed_over_}});
    said_before_ = true;
    quiet_until_ = now + limits::denial_log_interval;
    passed_over_ = 0;
  }

 private:
  LogSink& log_;
  TimePoint quiet_until_{};
  bool said_before_ = false;
  std::uint64_t passed_over_ = 0;
};

}  // namespace starling
