// LogSink: one structured record at a time. Payloads, passwords and secrets never; topic contents
// above debug never.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "starling/ids.hpp"

namespace starling {

/// error: somebody must act. warn: may become an error. info: a change of state an operator would
/// tell a colleague. debug: one per packet, off by default.
enum class LogLevel : std::uint8_t { debug, info, warn, error };

struct LogField {
  LogField(std::string_view key, std::string_view text) : name(key), value(text) {}
  LogField(std::string_view key, const char* text) : name(key), value(text) {}
  LogField(std::string_view key, const std::string& text) : name(key), value(text) {}
  LogField(std::string_view key, bool yes) : name(key), value(yes ? "true" : "false") {}
  LogField(std::string_view key, std::integral auto number)
      : name(key), value(std::to_string(number)) {}
  LogField(std::string_view key, const NodeId& id) : name(key), value(id.to_short_text()) {}

  std::string_view name;
  std::string value;
};

class LogSink {
 public:
  virtual ~LogSink() = default;
  [[nodiscard]] virtual bool wants(LogLevel level) const = 0;
  /// `event`: snake_case, what happened ("peer_link_closed"). The adapter stamps the time and
  /// escapes the values.
  virtual void write(LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields) = 0;

  void debug(std::string_view event, std::initializer_list<LogField> fields = {}) {
    if (wants(LogLevel::debug)) write(LogLevel::debug, event, fields);
  }
  void info(std::string_view event, std::initializer_list<LogField> fields = {}) {
    if (wants(LogLevel::info)) write(LogLevel::info, event, fields);
  }
  void warn(std::string_view event, std::initializer_list<LogField> fields = {}) {
    if (wants(LogLevel::warn)) write(LogLevel::warn, event, fields);
  }
  void error(std::string_view event, std::initializer_list<LogField> fields = {}) {
    if (wants(LogLevel::error)) write(LogLevel::error, event, fields);
  }
};

}  // namespace starling
