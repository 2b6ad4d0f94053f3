#include "src/app/log_options.hpp"

namespace starling {

LogOptions log_options(const config::LogSettings& settings) {
  LogOptions options;
  options.style =
      settings.format == config::LogFormat::mosquitto ? LogStyle::mosquitto : LogStyle::logfmt;
  options.categories = chosen_log_categories(settings.level, settings.types);
  options.to_stderr = settings.to_stderr;
  options.to_stdout = settings.to_stdout;
  options.to_syslog = settings.to_syslog;
  options.to_topic = settings.to_topic;
  options.syslog_facility = settings.syslog_facility;
  options.file = settings.file;
  options.timestamp = settings.timestamp;
  options.timestamp_format = settings.timestamp_format;
  options.connection_messages = settings.connection_messages;
  return options;
}

}  // namespace starling
