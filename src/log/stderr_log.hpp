// LogSink on standard error: the message first, then logfmt fields. Under journald (JOURNAL_STREAM
// names our standard error) each line opens with its "<priority>" and no time; else with ISO 8601
// and a level.
#pragma once

#include <memory>

#include "starling/port/log.hpp"

namespace spdlog {
class logger;
}

namespace starling {

class StderrLog final : public LogSink {
 public:
  explicit StderrLog(LogLevel least);
  ~StderrLog() override;

  [[nodiscard]] bool wants(LogLevel level) const override { return level >= least_; }
  void write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) override;
  void set_level(LogLevel least) { least_ = least; }

 private:
  LogLevel least_;
  bool journald_;
  std::shared_ptr<spdlog::logger> logger_;
};

/// One record as a line of text: "client connected client=tst addr=127.0.0.1:5". Underscores of the
/// event become spaces; a value with blanks, quotes or control characters is quoted and escaped, so
/// that what a stranger sends can never forge a line.
std::string format_log_line(std::string_view event, std::initializer_list<LogField> fields);

}  // namespace starling
