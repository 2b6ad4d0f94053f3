// offline-drain: sessions that go away, are published to, and come back to their queues.
#include "src/bench/feeding.hpp"
#include "src/bench/kept_loads.hpp"
#include "src/bench/layout.hpp"
#include "src/bench/receiver.hpp"
#include "src/bench/sequence_checker.hpp"

namespace starling::bench {
namespace {

constexpr auto subscribe_patience = std::chrono::seconds(20);

/// As many streams as there are publishers or sessions, whichever are more: stream k is sent by
/// publisher k modulo their number and queued for session k modulo theirs.
class OfflineDrain final : Receiver::Listener {
 public:
  OfflineDrain(Stage& stage, Report& report)
      : stage_(stage),
        options_(stage.options()),
        report_(report),
        plan_(feeding_plan(options_)),
        streams_(std::max(options_.clients, options_.publishers)),
        checkers_(streams_) {
    Receiver::Listener& hears_messages = *this;
    for (std::uint32_t i = 0; i < options_.clients; ++i) {
      sessions_.push_back(std::make_unique<Receiver>(stage, stage.subscribe_at(),
                                                     "s" + std::to_string(i), i, hears_messages));
      all_.push_back(sessions_.back().get());
    }
  }

  void run() {
    report_.messages.emplace();
    report_.offline.emplace();
    report_.offline->sessions = options_.clients;
    reserve_descriptors(std::uint64_t{options_.clients} + options_.publishers);
    open({.clean_start = true, .ends_with_connection = false}, nullptr);
    if (!stage_.should_end()) subscribe();
    leave();
    if (!stage_.should_end()) fill();
    if (!stage_.should_end()) drain();
    *report_.messages = {sent_,       acknowledged_, sent_,   delivered_,
                         duplicated_, reordered_,    foreign_};
    leave();
    stage_.begin_clean_up();
    if (stage_.should_end()) return;
    open({.clean_start = true, .ends_with_connection = true}, nullptr);  // ends the sessions
    leave();
  }

 private:
  void open(Client::Session session, const std::function<void(Client&)>& on_ready) {
    for (auto& client : sessions_) client->set_session(session);
    open_all(stage_, all_, options_.connecting, 0, on_ready);
  }

  void leave() {
    for (auto& session : sessions_) session->leave();
  }

  [[nodiscard]] std::uint32_t streams_of(std::uint32_t session) const {
    return (streams_ - session + options_.clients - 1) / options_.clients;
  }

  void subscribe() {
    Layout layout;
    layout.prefix = plan_.prefix;
    std::uint64_t wanted = 0;
    for (auto& session : sessions_) {
      const std::uint32_t number = session->number();
      wanted += streams_of(number);
      session->subscribe(
          streams_of(number),
          [layout, number, step = options_.clients](std::uint64_t i) {
            return layout.topic_of(number + static_cast<std::uint32_t>(i) * step);
          },
          options_.qos);
    }
    const auto subscribed = [this] {
      std::uint64_t sum = 0;
      for (const auto& session : sessions_) sum += session->subscribed();
      return sum;
    };
    wait_for(
        stage_, [&] { return subscribed() == wanted; }, subscribed, subscribe_patience,
        stage_.subscribe_at().name + " does not answer SUBSCRIBE");
  }

  void fill() {
    std::vector<Feed> feeds;
    for (std::uint32_t i = 0; i < options_.publishers; ++i)
      feeds.emplace_back(stage_, "p" + std::to_string(i), plan_);
    for (std::uint32_t stream = 0; stream < streams_; ++stream) {
      const std::uint32_t session = stream % options_.clients;
      const std::uint32_t place = stream / options_.clients;
      const std::uint64_t share = options_.messages / streams_of(session)
                                  + (place < options_.messages % streams_of(session) ? 1 : 0);
      feeds[stream % options_.publishers].add(stream, share);
    }
    const std::uint64_t before = stage_.meter().memory_now();
    stage_.meter().begin();
    report_.offline->queue_s = feed_all(stage_, feeds, "filling the queues");
    stage_.meter().finish();
    report_.offline->queue_cpu_s = stage_.meter().cpu_s();
    for (Feed& feed : feeds) {
      sent_ += feed.publisher().sent();
      acknowledged_ += feed.publisher().acknowledged();
      feed.publisher().leave();
    }
    report_.offline->queued = sent_;
    if (!stage_.meter().empty())
      report_.memory = {"queued message", sent_, before, stage_.meter().memory_now()};
  }

  void drain() {
    stage_.meter().begin();
    const TimePoint began = stage_.poller().refresh_now();
    open({.clean_start = false, .ends_with_connection = false}, [this](Client& client) {
      if (!client.session_present())
        stage_.fail({ExitStatus::failed,
                     stage_.subscribe_at().name + " has forgotten a session that was away"});
    });
    stage_.show([this] { return "drained " + std::to_string(delivered_); });
    await_messages(
        stage_, all_, [this] { return delivered_ + duplicated_; },
        [this] { return delivered_ == sent_; });
    stage_.meter().finish();
    stage_.show(nullptr);
    report_.offline->drained = delivered_;
    if (delivered_ > 0)
      report_.offline->drain_s = std::chrono::duration<double>(last_at_ - began).count();
    report_.work = delivered_;
    report_.work_of = "messages drained";
  }

  void on_message(Receiver& receiver, const Receiver::Message& message) override {
    last_at_ = stage_.now();
    const std::uint32_t stream = stream_of_topic(plan_.prefix, message.topic);
    if (stream >= streams_ || stream % options_.clients != receiver.number()) {
      ++foreign_;
      return;
    }
    if (options_.size < stamp_size) {
      ++delivered_;
      return;
    }
    const Stamp stamp =
        message.payload.size() == options_.size ? Stamp::read(message.payload.data()) : Stamp{};
    if (stamp.tag != plan_.tag) {
      ++foreign_;
      return;
    }
    const auto outcome = checkers_[stream].on_message(stamp.number);
    if (outcome.verdict == SequenceChecker::Verdict::duplicate) {
      ++duplicated_;
      return;
    }
    ++delivered_;
    if (outcome.verdict == SequenceChecker::Verdict::late) ++reordered_;
  }

  Stage& stage_;
  const Options& options_;
  Report& report_;
  Publisher::Plan plan_;
  std::uint32_t streams_;
  std::vector<SequenceChecker> checkers_;
  std::vector<std::unique_ptr<Receiver>> sessions_;
  std::vector<Client*> all_;
  std::uint64_t sent_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t duplicated_ = 0;
  std::uint64_t reordered_ = 0;
  std::uint64_t foreign_ = 0;
  TimePoint last_at_;
};

}  // namespace

void run_offline_drain(Stage& stage, Report& report) {
  OfflineDrain(stage, report).run();
}

}  // namespace starling::bench
