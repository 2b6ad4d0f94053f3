// LogTopics: lines of the log as messages of $SYS/broker/log (log_dest topic). Lines arise in the
// middle of the broker's verbs, so they wait for the end of the turn.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "starling/port/scheduler.hpp"

#include "src/broker/broker.hpp"

namespace starling {

class LogTopics {
 public:
  /// Both outlive it.
  LogTopics(Scheduler& scheduler, Broker& broker) : scheduler_(scheduler), broker_(broker) {}
  ~LogTopics();
  LogTopics(const LogTopics&) = delete;
  LogTopics& operator=(const LogTopics&) = delete;

  /// Fit for NodeLog::set_topic_output(). Lines that publishing such lines causes are left out, and
  /// those of one turn beyond limits::log_topic_lines_max.
  void add(std::string_view topic, std::string_view line);

 private:
  void publish();

  Scheduler& scheduler_;
  Broker& broker_;
  std::vector<std::pair<std::string, std::string>> waiting_;
  bool publishing_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // the scheduler forgets no task
};

}  // namespace starling
