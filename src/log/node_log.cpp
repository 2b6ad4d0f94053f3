#include "src/log/node_log.hpp"

#include <array>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <fmt/format.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>
#include <utility>

#include "src/log/log_text.hpp"
#include "src/log/mosquitto_lines.hpp"

namespace starling {
namespace {

constexpr const char* syslog_name = "starlingd";

/// journald sets JOURNAL_STREAM to "device:inode" of the stream it reads [systemd.exec(5)].
bool is_journal(int descriptor) {
  const char* journal = std::getenv("JOURNAL_STREAM");
  struct stat facts {};
  if (journal == nullptr || ::fstat(descriptor, &facts) != 0) return false;
  return fmt::format("{}:{}", facts.st_dev, facts.st_ino) == journal;
}

std::string format_time(const char* format, std::time_t seconds) {
  std::tm local{};
  std::array<char, 256> text{};
  if (::localtime_r(&seconds, &local) == nullptr) return "Time error";
  const std::size_t size = std::strftime(text.data(), text.size(), format, &local);
  return size == 0 ? "Time error" : std::string(text.data(), size);
}

void write_line(LogStream& stream, bool journal, LogCategory category, std::string_view stamped,
                std::string_view for_journal) {
  std::string line;
  if (journal)
    line.append(fmt::format("<{}>", syslog_priority(category))).append(for_journal);
  else
    line.append(stamped);
  line.push_back('\n');
  stream.write(line);
}

}  // namespace

NodeLog::NodeLog(LogOptions options, WallClock clock)
    : clock_(std::move(clock)),
      stderr_is_journal_(is_journal(STDERR_FILENO)),
      stdout_is_journal_(is_journal(STDOUT_FILENO)),
      stderr_(STDERR_FILENO),
      stdout_(STDOUT_FILENO) {
  options_.to_syslog = false;
  configure(std::move(options));
}

NodeLog::~NodeLog() {
  if (options_.to_syslog) ::closelog();
}

void NodeLog::configure(LogOptions options) {
  if (options.file.empty())
    file_.reset();
  else
    file_ = std::make_unique<LogFile>(options.file);  // throws before anything has changed
  if (options_.to_syslog) ::closelog();
  options_ = std::move(options);
  if (options_.to_syslog)
    ::openlog(syslog_name, LOG_PID | LOG_CONS | LOG_NDELAY, options_.syslog_facility << 3U);
}

void NodeLog::reopen() {
  if (!file_) return;
  try {
    file_->reopen();
  } catch (const std::exception& trouble) {
    error("log_file_not_reopened", {{"file", file_->path()}, {"why", trouble.what()}});
  }
}

void NodeLog::hand_over_to(uid_t user, gid_t group) {
  if (file_) file_->hand_over_to(user, group);
}

/// Records of one level may become lines of another category, so this asks whether any could come.
bool NodeLog::wants(LogLevel level) const {
  using enum LogCategory;
  switch (level) {
    case LogLevel::debug:
      return options_.categories.has_any({debug, subscribe, unsubscribe, websockets});
    case LogLevel::info:
      return options_.categories.has_any({notice, information})
             || (options_.style == LogStyle::mosquitto && options_.categories.has_any({error}));
    case LogLevel::warn:
    case LogLevel::error:
      return options_.categories.has_any({error, warning, notice, information});
  }
  return true;
}

void NodeLog::write(LogLevel level, std::string_view event,
                    std::initializer_list<LogField> fields) {
  const LogEventFacts facts = log_event_facts(level, event);
  if (facts.tells_of_connections && !options_.connection_messages) return;
  if (options_.style == LogStyle::mosquitto) {
    if (const auto lines = mosquitto_lines(event, fields)) {
      for (const LogLine& line : *lines)
        if (options_.categories.has(line.category)) put(line.category, line.text);
      return;
    }
  }
  if (options_.categories.has(facts.category)) put(facts.category, format_log_line(event, fields));
}

void NodeLog::put(LogCategory category, std::string_view text) {
  const bool mosquitto = options_.style == LogStyle::mosquitto;
  std::string message;  // without time
  if (!mosquitto) message.append(log_level_text(category)).append(" ");
  message.append(text);
  std::string stamped;
  if (options_.timestamp) stamped = time_text(clock_()).append(mosquitto ? ": " : " ");
  stamped.append(message);
  // Whoever keeps time and priority himself gets our sentence alone, unless Mosquitto adds its time.
  const std::string_view bare = mosquitto ? std::string_view(stamped) : text;

  if (options_.to_stderr) write_line(stderr_, stderr_is_journal_, category, stamped, bare);
  if (options_.to_stdout) write_line(stdout_, stdout_is_journal_, category, stamped, bare);
  if (file_) file_->write(stamped + "\n");
  if (options_.to_syslog)
    ::syslog(syslog_priority(category), "%.*s", static_cast<int>(bare.size()), bare.data());
  if (options_.to_topic && category != LogCategory::debug && topic_output_ && !in_topic_output_) {
    in_topic_output_ = true;
    topic_output_(log_topic(category), stamped);
    in_topic_output_ = false;
  }
}

std::string NodeLog::time_text(std::chrono::system_clock::time_point now) const {
  const auto since = now.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const auto whole = static_cast<std::time_t>(seconds.count());
  if (!options_.timestamp_format.empty())
    return format_time(options_.timestamp_format.c_str(), whole);
  if (options_.style == LogStyle::mosquitto) return std::to_string(whole);
  const auto thousandths = std::chrono::duration_cast<std::chrono::milliseconds>(since - seconds);
  return fmt::format("{}.{:03}{}", format_time("%Y-%m-%dT%H:%M:%S", whole), thousandths.count(),
                     format_time("%z", whole));
}

}  // namespace starling
