// retained: messages that are kept for whoever comes later, and one who comes.
#include "src/bench/feeding.hpp"
#include "src/bench/kept_loads.hpp"
#include "src/bench/receiver.hpp"

namespace starling::bench {
namespace {

/// Takes retained messages, each topic once.
class RetainedCount final : public Receiver::Listener {
 public:
  RetainedCount(Stage& stage, std::uint64_t expected) : stage_(stage), has_come_(expected) {}

  void on_message(Receiver& /*receiver*/, const Receiver::Message& message) override {
    const std::uint32_t stream = stream_of_topic(stage_.options().topic, message.topic);
    if (stream >= has_come_.size() || !message.retain) {
      ++foreign;
      return;
    }
    if (topics == 0) first_at = stage_.now();
    last_at = stage_.now();
    if (has_come_[stream]) {
      ++duplicated;
      return;
    }
    has_come_[stream] = true;
    ++topics;
  }

  std::uint64_t topics = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t foreign = 0;
  TimePoint first_at;
  TimePoint last_at;

 private:
  Stage& stage_;
  std::vector<bool> has_come_;
};

std::vector<Feed> one_each(Stage& stage, const std::string& id, const Publisher::Plan& plan) {
  std::vector<Feed> feeds;
  feeds.emplace_back(stage, id, plan);
  for (std::uint64_t i = 0; i < stage.options().messages; ++i)
    feeds.front().add(static_cast<std::uint32_t>(i), 1);
  return feeds;
}

double seconds_between(TimePoint from, TimePoint to) {
  return std::chrono::duration<double>(to - from).count();
}

void receive(Stage& stage, Report& report, RetainedCount& got) {
  const Options& options = stage.options();
  Receiver subscriber(stage, stage.subscribe_at(), "s", 0, got);
  open_all(stage, {&subscriber}, 1);
  if (stage.should_end()) return;
  stage.show([&got] { return "received " + std::to_string(got.topics); });
  stage.meter().begin();
  const TimePoint began = stage.poller().refresh_now();
  subscriber.subscribe(
      1, [&options](std::uint64_t) { return options.topic + "/#"; }, options.qos);
  await_messages(
      stage, {&subscriber}, [&] { return got.topics + got.duplicated; },
      [&] { return got.topics == options.messages && subscriber.is_subscribed(); });
  stage.meter().finish();
  stage.show(nullptr);
  if (got.topics > 0) {
    report.retained->first_s = seconds_between(began, got.first_at);
    report.retained->last_s = seconds_between(began, got.last_at);
  }
  subscriber.leave();
}

}  // namespace

void run_retained(Stage& stage, Report& report) {
  const Options& options = stage.options();
  Publisher::Plan plan = feeding_plan(options);
  plan.retain = true;
  report.messages.emplace();
  report.retained.emplace();
  RetainedCount got(stage, options.messages);
  const std::uint64_t before = stage.meter().memory_now();
  {
    std::vector<Feed> feeds = one_each(stage, "p", plan);
    report.retained->publish_s = feed_all(stage, feeds, "publishing retained messages");
    Publisher& publisher = feeds.front().publisher();
    report.retained->published = publisher.sent();
    report.messages->sent = report.messages->expected = publisher.sent();
    report.messages->acknowledged = publisher.acknowledged();
    publisher.leave();
  }
  if (!stage.should_end()) {
    if (!stage.meter().empty())
      report.memory = {"retained message", options.messages, before, stage.meter().memory_now()};
    receive(stage, report, got);
  }
  report.retained->received = report.messages->delivered = got.topics;
  report.messages->duplicated = got.duplicated;
  report.messages->foreign = got.foreign;
  report.work = got.topics;
  report.work_of = "retained messages";
  stage.begin_clean_up();
  if (stage.should_end()) return;
  plan.size = 0;  // an empty one erases [MQTT-3.3.1-10]
  std::vector<Feed> erasers = one_each(stage, "e", plan);
  feed_all(stage, erasers, "erasing them");
  erasers.front().publisher().leave();
}

}  // namespace starling::bench
