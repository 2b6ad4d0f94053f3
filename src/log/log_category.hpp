// LogCategory: the kinds of lines an operator switches on and off, by Mosquitto's names (log_type in
// mosquitto.conf(5)), and what else hangs on the kind: syslog's priority and the $SYS topic.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "starling/port/log.hpp"

namespace starling {

enum class LogCategory : std::uint8_t {
  error = 1U << 0U,
  warning = 1U << 1U,
  notice = 1U << 2U,
  information = 1U << 3U,
  debug = 1U << 4U,
  subscribe = 1U << 5U,
  unsubscribe = 1U << 6U,
  websockets = 1U << 7U
};

/// A set of categories.
class LogCategories {
 public:
  constexpr LogCategories() = default;
  constexpr LogCategories(std::initializer_list<LogCategory> members) {
    for (const LogCategory member : members) add(member);
  }
  static constexpr LogCategories all() {
    LogCategories everything;
    everything.bits_ = 0xFF;
    return everything;
  }

  constexpr void add(LogCategory member) {
    bits_ = static_cast<std::uint8_t>(bits_ | static_cast<std::uint8_t>(member));
  }
  [[nodiscard]] constexpr bool has(LogCategory member) const {
    return (bits_ & static_cast<std::uint8_t>(member)) != 0;
  }
  [[nodiscard]] constexpr bool has_any(LogCategories of) const { return (bits_ & of.bits_) != 0; }
  friend constexpr bool operator==(LogCategories, LogCategories) = default;

 private:
  std::uint8_t bits_ = 0;
};

/// The category of Mosquitto's name ("error", "subscribe" ...); nullopt: there is none, also for
/// "all" and "none".
std::optional<LogCategory> log_category_named(std::string_view name);

/// What is worth a line. `level` debug: everything. Else `types`, Mosquitto's names with "all" and
/// "none", if there are any ("none" takes back what stands before it; unknown names are passed over,
/// whoever read them has complained). Else everything from `level` up.
LogCategories chosen_log_categories(LogLevel level, const std::vector<std::string>& types);

/// The category of a record that no table knows better.
LogCategory log_category_of(LogLevel level);

/// LOG_ERR to LOG_DEBUG of syslog(3), which journald reads as "<N>" at the start of a line too.
int syslog_priority(LogCategory category);

/// As written into lines: "error", "warning", "info", "debug"; Mosquitto's notice is "info" too.
std::string_view log_level_text(LogCategory category);

/// "$SYS/broker/log/E" and so on, as Mosquitto names them.
std::string_view log_topic(LogCategory category);

}  // namespace starling
