#include "src/node/log_topics.hpp"

#include "starling/limits.hpp"

namespace starling {

LogTopics::~LogTopics() {
  *alive_ = false;
}

void LogTopics::add(std::string_view topic, std::string_view line) {
  if (publishing_ || waiting_.size() >= limits::log_topic_lines_max) return;
  if (waiting_.empty())
    scheduler_.at_turn_end([this, alive = alive_] {
      if (*alive) publish();
    });
  waiting_.emplace_back(topic, line);
}

void LogTopics::publish() {
  publishing_ = true;
  for (const auto& [topic, line] : waiting_)
    if (const auto name = TopicName::parse(topic); name.ok())
      broker_.publish_system(*name, line, false);
  publishing_ = false;
  waiting_.clear();
}

}  // namespace starling
