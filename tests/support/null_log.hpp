// A log nobody reads, and one that tests can search.
#pragma once

#include <string>
#include <vector>

#include "starling/port/log.hpp"

namespace starling {

class NullLog final : public LogSink {
 public:
  [[nodiscard]] bool wants(LogLevel) const override { return false; }
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

/// Keeps every record as "event name=value name=value".
class RecordingLog final : public LogSink {
 public:
  [[nodiscard]] bool wants(LogLevel) const override { return true; }
  void write(LogLevel, std::string_view event, std::initializer_list<LogField> fields) override {
    std::string line(event);
    for (const LogField& field : fields)
      line.append(" ").append(field.name).append("=").append(field.value);
    lines.push_back(std::move(line));
  }
  /// How many records contain `text`.
  [[nodiscard]] std::size_t count(std::string_view text) const {
    std::size_t found = 0;
    for (const std::string& line : lines)
      if (line.find(text) != std::string::npos) ++found;
    return found;
  }

  std::vector<std::string> lines;
};

}  // namespace starling
