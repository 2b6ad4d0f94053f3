// NodeLog: the LogSink of a daemon. Chooses what is worth a line, words it in one of two formats,
// and writes it to every destination that is switched on.
//
//   logfmt      2026-11-20T10:00:00.123+0000 info client connected client=tst addr=127.0.0.1:5
//   mosquitto   1795206987: New client connected from 127.0.0.1:5 as tst (p2, c1, k60).
//
// Under journald (JOURNAL_STREAM names our standard error) lines there open with their priority, and
// logfmt has no time, for journald brings its own. One thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>

#include "starling/port/log.hpp"

#include "src/log/log_category.hpp"
#include "src/log/log_file.hpp"

namespace starling {

enum class LogStyle : std::uint8_t { logfmt, mosquitto };

/// Without any destination nothing is logged.
struct LogOptions {
  LogStyle style = LogStyle::logfmt;
  LogCategories categories = chosen_log_categories(LogLevel::info, {});
  bool to_stderr = true;
  bool to_stdout = false;
  bool to_syslog = false;
  bool to_topic = false;            ///< through set_topic_output(); debug lines never, as Mosquitto
  int syslog_facility = 3;          ///< RFC 5424's number: 3 daemon, 16 to 23 local0 to local7
  std::string file;                 ///< empty: none
  bool timestamp = true;            ///< in logfmt the lines for journald and syslog never have one
  std::string timestamp_format;     ///< strftime(3), local time; empty: the format's own
  bool connection_messages = true;  ///< sockets and clients that come and go are worth a line
};

class NodeLog : public LogSink {
 public:
  using WallClock = std::function<std::chrono::system_clock::time_point()>;
  /// `topic`: where Mosquitto publishes such lines; `line`: without line feed.
  using TopicOutput = std::function<void(std::string_view topic, std::string_view line)>;

  /// Throws std::runtime_error with a sentence for the operator if the file cannot be opened.
  explicit NodeLog(LogOptions options, WallClock clock = std::chrono::system_clock::now);
  ~NodeLog() override;
  NodeLog(const NodeLog&) = delete;
  NodeLog& operator=(const NodeLog&) = delete;

  [[nodiscard]] bool wants(LogLevel level) const override;
  void write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) override;

  /// The settings were read again. Throws as the constructor does; everything stays as it was then.
  void configure(LogOptions options);
  /// Goes on in a new file where rotation has moved the old one away; says so if it cannot.
  void reopen();
  /// Before root's rights are given up: see LogFile::hand_over_to().
  void hand_over_to(uid_t user, gid_t group);
  /// Takes the lines for $SYS/broker/log. It may be called from inside any verb that logs, so it must
  /// not publish before that verb has returned (LogTopics in src/node does it at the turn's end).
  /// Records that arise while it runs are not told to it: a log does not speak about itself.
  void set_topic_output(TopicOutput output) { topic_output_ = std::move(output); }

 private:
  void put(LogCategory category, std::string_view text);
  [[nodiscard]] std::string time_text(std::chrono::system_clock::time_point now) const;

  LogOptions options_;
  WallClock clock_;
  bool stderr_is_journal_;
  bool stdout_is_journal_;
  LogStream stderr_;
  LogStream stdout_;
  std::unique_ptr<LogFile> file_;
  TopicOutput topic_output_;
  bool in_topic_output_ = false;
};

}  // namespace starling
