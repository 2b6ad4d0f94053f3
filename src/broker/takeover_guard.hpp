// TakeoverGuard: two clients that use one client id throw each other out for ever. A takeover is
// immediate [MQTT-3.1.4-2] [MQTT5-3.1.4-3]; only when one id changes hands again and again in a short
// time are further CONNECTs for it let in one a second, until it has calmed down.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "starling/limits.hpp"
#include "starling/time.hpp"

namespace starling {

class TakeoverGuard {
 public:
  struct Admission {
    TimePoint at;               ///< `now`: it is let in. Later: ask again then
    bool begins_delay = false;  ///< the first one that has to wait: worth a line in the log
  };
  /// A CONNECT for `client_id`; `takes_over`: it is in use. Who has to wait reserves nothing, so
  /// callers that have gone meanwhile delay nobody.
  Admission on_connect(std::string_view client_id, bool takes_over, TimePoint now);

  [[nodiscard]] std::size_t size() const { return contests_.size(); }

 private:
  struct Contest {
    std::array<TimePoint, limits::takeovers_quick_max> changes{};  // the latest; a ring
    std::size_t next = 0;                                          // the oldest of them
    std::size_t count = 0;                                         // of changes that are set
    TimePoint latest{};
    bool is_delayed = false;
  };
  static bool is_quick(const Contest& contest, TimePoint now);
  void forget_calm(TimePoint now);

  std::map<std::string, Contest, std::less<>> contests_;  // strangers choose the ids
  TimePoint swept_at_{};
};

}  // namespace starling
