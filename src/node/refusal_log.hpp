// RefusalLog: says why connections are refused, without letting a stranger fill the disk with it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "starling/port/log.hpp"
#include "starling/time.hpp"

namespace starling {

class RefusalLog {
 public:
  explicit RefusalLog(LogSink& log) : log_(log) {}

  /// At most one line per `interval` and kind; it says how many of its kind were passed over before
  /// it. `kind`: one of a few names of ours, never a stranger's text.
  void note(std::string_view event, std::string_view kind, std::string_view peer,
            std::string_view listener, std::string_view why, TimePoint now, Duration interval) {
    const auto place = entries_.find(kind);
    Entry& entry =
        place != entries_.end() ? place->second : entries_.emplace(kind, Entry{}).first->second;
    if (entry.said && now < entry.quiet_until) {
      ++entry.passed_over;
      return;
    }
    log_.warn(
        event,
        {{"why", why}, {"addr", peer}, {"listener", listener}, {"more_before", entry.passed_over}});
    entry = {true, now + interval, 0};
  }

 private:
  struct Entry {
    bool said = false;
    TimePoint quiet_until{};
    std::uint64_t passed_over = 0;
  };
  LogSink& log_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace starling
