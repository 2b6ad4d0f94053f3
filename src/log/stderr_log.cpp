#include "src/log/stderr_log.hpp"

#include <cstdlib>
#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>
#include <unistd.h>

namespace starling {
namespace {

/// journald sets JOURNAL_STREAM to "device:inode" of the stream it reads [systemd.exec(5)].
bool stderr_is_journal() {
  const char* journal = std::getenv("JOURNAL_STREAM");
  struct stat facts {};
  if (journal == nullptr || ::fstat(STDERR_FILENO, &facts) != 0) return false;
  return fmt::format("{}:{}", facts.st_dev, facts.st_ino) == journal;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

/// syslog's priorities, as journald reads them from the start of a line.
char journal_priority(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return '7';
    case LogLevel::info:
      return '6';
    case LogLevel::warn:
      return '4';
    case LogLevel::error:
      return '3';
  }
  return '3';
}

bool needs_quotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7F || c == '"' || c == '=' || c == '\\') return true;
  }
  return false;
}

void append_quoted(std::string& line, std::string_view value) {
  line.push_back('"');
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      line.append({'\\', c});
    else if (byte < 0x20 || byte == 0x7F)
      line.append(fmt::format("\\x{:02x}", byte));
    else
      line.push_back(c);
  }
  line.push_back('"');
}

}  // namespace

std::string format_log_line(std::string_view event, std::initializer_list<LogField> fields) {
  std::string line(event);
  for (char& c : line)
    if (c == '_') c = ' ';
  for (const LogField& field : fields) {
    line.append(" ").append(field.name).append("=");
    if (needs_quotes(field.value))
      append_quoted(line, field.value);
    else
      line.append(field.value);
  }
  return line;
}

StderrLog::StderrLog(LogLevel least)
    : least_(least),
      journald_(stderr_is_journal()),
      logger_(std::make_shared<spdlog::logger>("starling",
                                               std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
  logger_->set_level(spdlog::level::debug);
  logger_->set_pattern(journald_ ? "%v" : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger_->flush_on(spdlog::level::debug);
}

StderrLog::~StderrLog() = default;

void StderrLog::write(LogLevel level, std::string_view event,
                      std::initializer_list<LogField> fields) {
  std::string line = format_log_line(event, fields);
  if (journald_) line.insert(0, {'<', journal_priority(level), '>'});
  logger_->log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace starling
