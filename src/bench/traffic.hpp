// Traffic: the loads that send messages from publishers to subscribers: pairs, fan-out, fan-in,
// wildcard, and publish, where nobody of ours subscribes.
//
// Closed loop: a publisher has `window` messages under way, and puts out the next one when one is
// settled: received by all its subscribers, or known to be lost, or, without subscribers, acknowledged.
// Open loop (--rate): messages fall due at fixed times, whatever became of those before; their latency
// counts from there, also when they had to wait to be sent.
#pragma once

#include <memory>
#include <vector>

#include "src/bench/layout.hpp"
#include "src/bench/publisher.hpp"
#include "src/bench/receiver.hpp"
#include "src/bench/report.hpp"
#include "src/bench/sequence_checker.hpp"

namespace starling::bench {

class Traffic final : Publisher::Listener, Receiver::Listener {
 public:
  explicit Traffic(Stage& stage);
  ~Traffic();

  /// Connects, subscribes, warms up, measures, awaits what is under way. Fills in what it found out,
  /// also when the stage ends before time.
  void run(Report& report);

 private:
  /// A publisher with what is under way of its messages.
  struct Source {
    std::unique_ptr<Publisher> publisher;
    std::uint32_t number = 0;
    std::uint64_t quota = UINT64_MAX;  // messages it may send at all
    std::uint64_t due = 0;             // open loop: messages that should have been sent by now
    std::int64_t owed = 0;             // deliveries (without subscribers: acknowledgements) to come
    bool owed_has_changed = false;     // since the last look for losses
    bool is_to_be_filled = false;
    std::vector<std::uint32_t> next_number;  // of each of its streams
    std::uint32_t next_topic = 0;
  };
  struct Sink {
    std::unique_ptr<Receiver> receiver;
    Layout::Range streams;
    std::vector<SequenceChecker> checkers;  // of its streams
    std::vector<std::uint32_t> by_order;    // payloads without a stamp: how many of each have come
  };
  struct Counts {
    std::uint64_t sent = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t delivered = 0;
  };

  void make_clients();
  void open(Report& report);
  void subscribe();
  void load_idle_filters();
  void await_crossing();
  void note_crossing(std::uint32_t publisher, std::uint32_t subscriber);

  void drive(Report& report);
  void flow_until(TimePoint end);
  void drain();
  void await_fences();
  void begin_measuring();
  void end_measuring(Report& report);

  /// Open loop: counts what has fallen due; returns when the next message does.
  TimePoint take_due();
  [[nodiscard]] TimePoint due_time(std::uint64_t number) const;
  void fill_sources();
  bool fill(Source& source);
  void look_at_congested();
  void send_next(Source& source, TimePoint time);
  void fill_later(Source& source);
  void write_off_lost();
  [[nodiscard]] bool all_is_sent() const;
  [[nodiscard]] std::int64_t owed() const;
  [[nodiscard]] std::uint64_t unacknowledged() const;
  [[nodiscard]] std::string progress_line();

  void on_acknowledged(Publisher& publisher, TimePoint sent_at) override;
  void on_message(Receiver& receiver, const Receiver::Message& message) override;
  /// What a payload without a stamp must have been.
  [[nodiscard]] Stamp stamp_by_order(Sink& sink, std::string_view topic) const;
  void settle(Source& source, std::int64_t count);

  Stage& stage_;
  const Options& options_;
  Layout layout_;
  std::uint16_t tag_;
  bool is_stamped_;
  bool has_subscribers_;
  std::int64_t window_owed_;  // what a full window owes
  std::vector<Source> sources_;
  std::vector<Sink> sinks_;
  std::vector<std::unique_ptr<Receiver>> idle_;  // with filters that match nothing
  std::vector<Source*> to_fill_;
  std::vector<Source*> filling_;
  std::vector<Source*> congested_;        // to be filled when the kernel has taken some
  std::vector<std::int64_t> sent_times_;  // payloads without a stamp: rings, one for each stream
  Duration loss_after_;
  std::uint32_t stride_ = 1;  // from one topic of a publisher to the next

  std::vector<bool> crossed_;  // by publisher or subscriber, of which there are more
  std::uint64_t crossings_ = 0;
  TimePoint flow_began_;
  std::uint64_t next_due_ = 0;  // open loop: of all messages
  bool goes_on_ = true;         // sources may send
  Counts counts_;
  std::uint64_t duplicated_ = 0;
  std::uint64_t reordered_ = 0;
  std::uint64_t foreign_ = 0;
  TimePoint last_settled_;

  bool is_measuring_ = false;
  TimePoint measured_from_;
  TimePoint loss_look_;
  Counts at_begin_;
  Histogram latency_;
  Counts at_line_;  // of the last progress line
  TimePoint line_at_;
};

}  // namespace starling::bench
