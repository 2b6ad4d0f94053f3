#include "src/log/log_category.hpp"

#include <algorithm>
#include <array>

namespace starling {
namespace {

struct CategoryFacts {
  LogCategory category;
  std::string_view name;        // log_type of mosquitto.conf(5)
  int priority;                 // of syslog(3)
  std::string_view level_text;  // in lines
  std::string_view topic;
};

constexpr std::array<CategoryFacts, 8> facts{{
    {LogCategory::error, "error", 3, "error", "$SYS/broker/log/E"},
    {LogCategory::warning, "warning", 4, "warning", "$SYS/broker/log/W"},
    {LogCategory::notice, "notice", 5, "info", "$SYS/broker/log/N"},
    {LogCategory::information, "information", 6, "info", "$SYS/broker/log/I"},
    {LogCategory::debug, "debug", 7, "debug", "$SYS/broker/log/D"},
    {LogCategory::subscribe, "subscribe", 5, "debug", "$SYS/broker/log/M/subscribe"},
    {LogCategory::unsubscribe, "unsubscribe", 5, "debug", "$SYS/broker/log/M/unsubscribe"},
    {LogCategory::websockets, "websockets", 7, "debug", "$SYS/broker/log/WS"},
}};

const CategoryFacts& facts_of(LogCategory category) {
  const auto* found =
      std::ranges::find_if(facts, [&](const auto& entry) { return entry.category == category; });
  return found == facts.end() ? facts.front() : *found;
}

}  // namespace

std::optional<LogCategory> log_category_named(std::string_view name) {
  for (const CategoryFacts& entry : facts)
    if (entry.name == name) return entry.category;
  return std::nullopt;
}

LogCategories chosen_log_categories(LogLevel level, const std::vector<std::string>& types) {
  if (level == LogLevel::debug) return LogCategories::all();
  LogCategories chosen;
  if (types.empty()) {
    chosen.add(LogCategory::error);
    if (level <= LogLevel::warn) chosen.add(LogCategory::warning);
    if (level > LogLevel::info) return chosen;
    chosen.add(LogCategory::notice);
    chosen.add(LogCategory::information);
    return chosen;
  }
  for (const std::string& type : types) {
    if (type == "all") chosen = LogCategories::all();
    if (type == "none") chosen = {};
    if (const auto category = log_category_named(type)) chosen.add(*category);
  }
  return chosen;
}

LogCategory log_category_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return LogCategory::debug;
    case LogLevel::info:
      return LogCategory::information;
    case LogLevel::warn:
      return LogCategory::warning;
    case LogLevel::error:
      return LogCategory::error;
  }
  return LogCategory::error;
}

int syslog_priority(LogCategory category) {
  return facts_of(category).priority;
}
std::string_view log_level_text(LogCategory category) {
  return facts_of(category).level_text;
}
std::string_view log_topic(LogCategory category) {
  return facts_of(category).topic;
}

}  // namespace starling
