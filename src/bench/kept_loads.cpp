#include "src/bench/kept_loads.hpp"

#include <memory>
#include <random>

#include "src/bench/layout.hpp"
#include "src/bench/publisher.hpp"
#include "src/bench/receiver.hpp"
#include "src/bench/sequence_checker.hpp"

namespace starling::bench {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr auto patience = std::chrono::seconds(20);         // for acknowledgements
constexpr auto quiet_is_the_end = std::chrono::seconds(3);  // nothing came for so long: it is lost

double seconds_between(TimePoint from, TimePoint to) {
  return Seconds(to - from).count();
}

/// Puts out messages `count` of which the n-th goes to stream n % streams, and waits until the broker
/// has taken them all. False: the stage ends.
bool publish_all(Stage& stage, Publisher& publisher, std::uint64_t count, std::uint32_t streams,
                 const std::string& what) {
  const bool is_acknowledged = stage.options().qos != QoS::at_most_once;
  stage.show([&publisher, count, what] {
    return what + ": " + std::to_string(publisher.sent()) + " of " + std::to_string(count);
  });
  bool has_fence = false;
  const auto go_on = [&] {
    if (!publisher.is_ready()) return false;
    while (publisher.sent() < count && publisher.has_room())
      publisher.publish(static_cast<std::uint32_t>(publisher.sent() % streams),
                        static_cast<std::uint32_t>(publisher.sent() / streams), stage.now());
    publisher.connection()->flush();
    if (publisher.sent() < count) return false;
    if (is_acknowledged) return publisher.acknowledged() == count;
    // Nobody acknowledges QoS 0; but packets are taken in order, so when this one is answered all are.
    if (!std::exchange(has_fence, true)) publisher.send_fence();
    return publisher.is_fence_back();
  };
  const auto progress = [&] {
    return publisher.sent() + publisher.acknowledged() - publisher.connection()->pending();
  };
  return wait_for(stage, go_on, progress, patience,
                  stage.publish_at().name + " takes no more messages");
}

Publisher::Plan plan_of(const Options& options) {
  Publisher::Plan plan;
  plan.prefix = options.topic;
  plan.qos = options.qos;
  plan.size = options.size;
  plan.unacked_max = options.window;
  plan.tag = static_cast<std::uint16_t>(std::random_device{}());
  return plan;
}

/// The stream that a topic of plan_of() names; UINT32_MAX: none.
std::uint32_t stream_of(const std::string& prefix, std::string_view topic) {
  if (topic.size() != prefix.size() + 1 + topic_digits) return UINT32_MAX;
  std::uint32_t stream = 0;
  for (const char digit : topic.substr(prefix.size() + 1))
    stream = stream * 10 + static_cast<std::uint32_t>(digit - '0');
  return stream;
}

/// Takes retained messages, each topic once.
class RetainedCount final : public Receiver::Listener {
 public:
  RetainedCount(Stage& stage, std::uint64_t expected) : stage_(stage), has_come_(expected) {}

  void on_message(Receiver& /*receiver*/, const Receiver::Message& message) override {
    const std::uint32_t stream = stream_of(stage_.options().topic, message.topic);
    if (stream >= has_come_.size() || !message.retain) {
      ++foreign;
      return;
    }
    if (count++ == 0) first_at = stage_.now();
    last_at = stage_.now();
    if (has_come_[stream]) {
      ++duplicated;
      return;
    }
    has_come_[stream] = true;
    ++topics;
  }

  std::uint64_t count = 0;  // of all that came
  std::uint64_t topics = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t foreign = 0;
  TimePoint first_at;
  TimePoint last_at;

 private:
  Stage& stage_;
  std::vector<bool> has_come_;
};

/// Until `is_complete`, or until nothing has come for a while.
void await_messages(Stage& stage, const std::function<bool()>& is_complete,
                    const std::function<std::uint64_t()>& count) {
  std::uint64_t last = count();
  TimePoint last_change = stage.poller().refresh_now();
  while (!is_complete() && !stage.should_end() && stage.now() - last_change < quiet_is_the_end) {
    stage.turn(last_change + quiet_is_the_end);
    if (std::exchange(last, count()) != last) last_change = stage.now();
  }
}

/// What came out of the sessions that were away.
class Drained final : public Receiver::Listener {
 public:
  Drained(Stage& stage, std::uint32_t sessions, std::uint16_t tag)
      : stage_(stage), tag_(tag), checkers_(sessions) {}

  void on_message(Receiver& receiver, const Receiver::Message& message) override {
    last_at = stage_.now();
    const bool is_stamped = stage_.options().size >= stamp_size;
    if (!is_stamped) {
      ++delivered;
      return;
    }
    const Stamp stamp = message.payload.size() == stage_.options().size
                            ? Stamp::read(message.payload.data())
                            : Stamp{};
    if (stamp.tag != tag_ || stamp.stream != receiver.number()) {
      ++foreign;
      return;
    }
    const auto outcome = checkers_[receiver.number()].on_message(stamp.number);
    if (outcome.verdict == SequenceChecker::Verdict::duplicate) {
      ++duplicated;
      return;
    }
    ++delivered;
    if (outcome.verdict == SequenceChecker::Verdict::late) ++reordered;
  }

  std::uint64_t delivered = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;
  std::uint64_t foreign = 0;
  TimePoint last_at;

 private:
  Stage& stage_;
  std::uint16_t tag_;
  std::vector<SequenceChecker> checkers_;
};

}  // namespace

void run_retained(Stage& stage, Report& report) {
  const Options& options = stage.options();
  const std::uint64_t count = options.messages;
  const auto topics = static_cast<std::uint32_t>(count);
  Publisher::Plan plan = plan_of(options);
  plan.retain = true;
  Publisher publisher(stage, stage.publish_at(), "p", plan, nullptr);
  RetainedCount got(stage, count);
  Receiver subscriber(stage, stage.subscribe_at(), "s", 0, got);
  report.messages.emplace();
  report.retained.emplace();
  open_all(stage, {&publisher, &subscriber}, options.connecting);
  const std::uint64_t before = stage.meter().memory_now();
  TimePoint began = stage.poller().refresh_now();
  if (!stage.should_end() && publish_all(stage, publisher, count, topics, "publishing retained")) {
    report.retained->publish_s = seconds_between(began, stage.now());
    if (!stage.meter().empty())
      report.memory = {"retained message", count, before, stage.meter().memory_now()};
    stage.show([&got] { return "received " + std::to_string(got.topics); });
    stage.meter().begin();
    began = stage.poller().refresh_now();
    subscriber.subscribe(
        1, [&options](std::uint64_t) { return options.topic + "/#"; }, options.qos);
    await_messages(
        stage, [&] { return got.topics == count && subscriber.is_subscribed(); },
        [&] { return got.count; });
    stage.meter().finish();
  }
  report.retained->published = publisher.sent();
  report.retained->received = got.topics;
  if (got.count > 0) {
    report.retained->first_s = seconds_between(began, got.first_at);
    report.retained->last_s = seconds_between(began, got.last_at);
  }
  *report.messages = {publisher.sent(), publisher.acknowledged(), publisher.sent(),
                      got.topics,       got.duplicated,           0,
                      got.foreign};
  report.work = got.topics;
  report.work_of = "retained messages";
  subscriber.leave();
  publisher.leave();
  if (stage.should_end()) return;
  plan.size = 0;  // an empty one erases [MQTT-3.3.1-10]
  Publisher eraser(stage, stage.publish_at(), "e", plan, nullptr);
  open_all(stage, {&eraser}, 1);
  if (!stage.should_end()) publish_all(stage, eraser, count, topics, "erasing");
  stage.show(nullptr);
  eraser.leave();
}

void run_offline_drain(Stage& stage, Report& report) {
  const Options& options = stage.options();
  const std::uint64_t count = options.messages * options.clients;
  const Publisher::Plan plan = plan_of(options);
  reserve_descriptors(options.clients + 1);
  Publisher publisher(stage, stage.publish_at(), "p", plan, nullptr);
  Drained got(stage, options.clients, plan.tag);
  std::vector<std::unique_ptr<Receiver>> sessions;
  std::vector<Client*> all;
  for (std::uint32_t i = 0; i < options.clients; ++i) {
    sessions.push_back(
        std::make_unique<Receiver>(stage, stage.subscribe_at(), "s" + std::to_string(i), i, got));
    sessions.back()->set_session({.clean_start = true, .ends_with_connection = false});
    all.push_back(sessions.back().get());
  }
  report.messages.emplace();
  report.offline.emplace();
  report.offline->sessions = options.clients;
  open_all(stage, all, options.connecting);
  open_all(stage, {&publisher}, 1);
  if (stage.should_end()) return;
  for (auto& session : sessions)
    session->subscribe(
        1,
        [&plan, number = session->number()](std::uint64_t) {
          Layout layout;
          layout.prefix = plan.prefix;
          return layout.topic_of(number);
        },
        options.qos);
  const auto subscribed = [&] {
    std::uint64_t sum = 0;
    for (const auto& session : sessions) sum += session->subscribed();
    return sum;
  };
  if (!wait_for(
          stage, [&] { return subscribed() == sessions.size(); }, subscribed, patience,
          stage.subscribe_at().name + " does not answer SUBSCRIBE"))
    return;
  for (auto& session : sessions) session->leave();

  const std::uint64_t before = stage.meter().memory_now();
  TimePoint began = stage.poller().refresh_now();
  if (!publish_all(stage, publisher, count, options.clients, "queueing")) return;
  report.offline->queued = publisher.sent();
  report.offline->queue_s = seconds_between(began, stage.now());
  if (!stage.meter().empty())
    report.memory = {"queued message", count, before, stage.meter().memory_now()};

  for (auto& session : sessions)
    session->set_session({.clean_start = false, .ends_with_connection = false});
  stage.show([&got] { return "drained " + std::to_string(got.delivered); });
  stage.meter().begin();
  began = stage.poller().refresh_now();
  open_all(stage, all, options.connecting, 0, [&](Client& client) {
    if (!client.session_present())
      stage.fail({ExitStatus::failed,
                  stage.subscribe_at().name + " has forgotten a session that was away"});
  });
  await_messages(
      stage, [&] { return got.delivered == count; },
      [&] { return got.delivered + got.duplicated; });
  stage.meter().finish();
  report.offline->drained = got.delivered;
  if (got.delivered > 0) report.offline->drain_s = seconds_between(began, got.last_at);
  *report.messages = {publisher.sent(), publisher.acknowledged(), publisher.sent(),
                      got.delivered,    got.duplicated,           got.reordered,
                      got.foreign};
  report.work = got.delivered;
  report.work_of = "messages";
  publisher.leave();
  for (auto& session : sessions) {
    session->leave();
    session->set_session({.clean_start = true, .ends_with_connection = true});
  }
  stage.show([] { return "ending the sessions"; });
  if (!stage.should_end()) open_all(stage, all, options.connecting);
  stage.show(nullptr);
  for (auto& session : sessions) session->leave();
}

}  // namespace starling::bench
