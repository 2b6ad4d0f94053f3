#include "src/bench/traffic.hpp"

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <random>

namespace starling::bench {
namespace {

using std::chrono::seconds;

constexpr std::uint32_t ring_size = unstamped_window_max;  // send times kept per stream
constexpr std::uint64_t ring_entries_max = 1U << 24U;      // of all streams together
constexpr auto drain_patience = seconds(30);  // QoS 1 and 2: without a byte from anybody

/// QoS 0: what has not come although nothing else came for so long is lost. A second, and the time
/// that full windows of large payloads take.
Duration loss_time(const Options& options, const Layout& layout) {
  constexpr double slow = 50e6;  // bytes a second
  const double under_way = static_cast<double>(options.size) * options.window * layout.publishers
                           * std::max<std::uint32_t>(layout.copies, 1);
  return seconds(1)
         + std::chrono::duration_cast<Duration>(
             std::chrono::duration<double>(std::min(60.0, under_way / slow)));
}

std::uint16_t random_tag() {
  return static_cast<std::uint16_t>(std::random_device{}() & 0xFFFEU);
}

/// So that topics are visited in an order no cache can foresee, each once: a step near the golden
/// section of their number that has no factor in common with it.
std::uint32_t stride_for(std::uint32_t topics) {
  auto stride = static_cast<std::uint32_t>(topics * 0.6180339887);
  stride = std::max<std::uint32_t>(stride, 1);
  while (std::gcd(stride, topics) != 1) ++stride;
  return stride;
}

}  // namespace

Traffic::Traffic(Stage& stage)
    : stage_(stage),
      options_(stage.options()),
      layout_(make_layout(options_)),
      tag_(random_tag()),
      is_stamped_(options_.size >= stamp_size),
      has_subscribers_(layout_.copies > 0),
      window_owed_(std::int64_t{options_.window} * std::max<std::uint32_t>(layout_.copies, 1)),
      loss_after_(loss_time(options_, layout_)),
      stride_(stride_for(layout_.topics)) {
  if (is_stamped_) return;
  if (std::uint64_t{layout_.streams()} * ring_size > ring_entries_max)
    throw TroubleError(
        {ExitStatus::usage, "payloads below 16 bytes carry no stamp; that works with up to "
                                + std::to_string(ring_entries_max / ring_size)
                                + " topics in all (--clients times --topics)"});
  sent_times_.resize(std::size_t{layout_.streams()} * ring_size);
}

Traffic::~Traffic() = default;

void Traffic::run(Report& report) {
  make_clients();
  report.messages.emplace();
  report.measured.emplace();
  report.latency_of = has_subscribers_                    ? "publish to delivery"
                      : options_.qos == QoS::at_most_once ? ""
                                                          : "publish to acknowledgement";
  open(report);
  const std::uint64_t memory_before = stage_.meter().memory_now();
  const TimePoint subscribe_began = stage_.poller().refresh_now();
  if (!stage_.should_end()) subscribe();
  if (!stage_.should_end()) load_idle_filters();
  if (options_.load == Load::wildcard && !stage_.should_end()) {
    const std::uint64_t count = options_.filters + layout_.streams();
    report.filters = {count, std::chrono::duration<double>(stage_.now() - subscribe_began).count()};
    if (!stage_.meter().empty())
      report.memory = {"filter", count, memory_before, stage_.meter().memory_now()};
  }
  if (!stage_.should_end() && stage_.publish_at().name != stage_.subscribe_at().name)
    await_crossing();
  if (!stage_.should_end()) drive(report);
  report.latency = latency_;
  *report.messages = {counts_.sent,      counts_.acknowledged, counts_.sent * layout_.copies,
                      counts_.delivered, duplicated_,          reordered_,
                      foreign_};
  for (Source& source : sources_) source.publisher->leave();
  for (Sink& sink : sinks_) sink.receiver->leave();
  for (auto& idle : idle_) idle->leave();
}

// --- The flow

void Traffic::drive(Report& report) {
  const bool counts_messages = options_.messages > 0;
  const auto span = [](double s) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(s));
  };
  flow_began_ = stage_.poller().refresh_now();
  line_at_ = loss_look_ = last_settled_ = flow_began_;
  stage_.show([this] { return progress_line(); });
  for (Source& source : sources_) fill_later(source);
  flow_until(flow_began_ + span(*options_.warmup_s));
  begin_measuring();
  if (counts_messages) {
    flow_until(TimePoint::max());
    drain();
    end_measuring(report);
  } else {
    flow_until(measured_from_ + span(options_.seconds));
    end_measuring(report);
    drain();
  }
}

/// Until `end`, or until everybody has sent what it may.
void Traffic::flow_until(TimePoint end) {
  while (!stage_.should_end() && stage_.now() < end) {
    const TimePoint next_message = options_.rate > 0 ? take_due() : TimePoint::max();
    fill_sources();
    if (all_is_sent()) return;
    stage_.turn(to_fill_.empty() ? std::min(end, next_message) : stage_.now());
    look_at_congested();
    write_off_lost();
  }
}

/// Nothing more is sent; what is under way comes, or does not.
void Traffic::drain() {
  goes_on_ = false;
  if (!has_subscribers_ && options_.qos == QoS::at_most_once) return await_fences();
  const Duration patience =
      options_.qos == QoS::at_most_once ? loss_after_ : Duration{drain_patience};
  // Bytes, because a message may be so large that it takes its time.
  std::uint64_t heard = stage_.poller().bytes_read();
  TimePoint last_change = stage_.poller().refresh_now();
  while ((owed() > 0 || unacknowledged() > 0) && !stage_.trouble()
         && stage_.now() - last_change < patience) {
    stage_.turn(last_change + patience);
    if (stage_.interrupted() && stage_.now() - last_change > loss_after_) return;
    if (std::exchange(heard, stage_.poller().bytes_read()) != stage_.poller().bytes_read())
      last_change = stage_.now();
  }
}

/// Nobody answers QoS 0 without a subscriber; but packets are read in order, so when a PINGREQ behind
/// them is answered the broker has them.
void Traffic::await_fences() {
  if (stage_.trouble()) return;
  for (Source& source : sources_)
    if (source.publisher->is_ready()) source.publisher->send_fence();
  const auto are_back = [this] {
    return std::all_of(sources_.begin(), sources_.end(),
                       [](const Source& source) { return source.publisher->is_fence_back(); });
  };
  const auto pending = [this] {
    std::uint64_t bytes = 0;
    for (Source& source : sources_)
      if (source.publisher->is_ready()) bytes += source.publisher->connection()->pending();
    return bytes;
  };
  if (wait_for(stage_, are_back, pending, drain_patience,
               stage_.publish_at().name + " reads no more of what was published"))
    last_settled_ = stage_.now();
}

void Traffic::begin_measuring() {
  stage_.meter().begin();
  measured_from_ = stage_.poller().refresh_now();
  at_begin_ = counts_;
  is_measuring_ = true;
}

/// With a number of messages the time ends with the last one settled, not with the wait for those
/// that are lost.
void Traffic::end_measuring(Report& report) {
  is_measuring_ = false;
  const TimePoint end = options_.messages > 0 ? last_settled_ : stage_.poller().refresh_now();
  stage_.meter().finish();
  Report::Measured& measured = *report.measured;
  measured.seconds = std::chrono::duration<double>(end - measured_from_).count();
  measured.sent = counts_.sent - at_begin_.sent;
  measured.acknowledged = counts_.acknowledged - at_begin_.acknowledged;
  measured.delivered = counts_.delivered - at_begin_.delivered;
  report.work = has_subscribers_                    ? measured.delivered
                : options_.qos == QoS::at_most_once ? measured.sent
                                                    : measured.acknowledged;
  report.work_of = has_subscribers_ ? "deliveries" : "messages";
}

TimePoint Traffic::due_time(std::uint64_t number) const {
  const double ns = static_cast<double>(number) / options_.rate * 1e9;
  return flow_began_ + Duration(static_cast<std::int64_t>(ns));
}

TimePoint Traffic::take_due() {
  const TimePoint now = stage_.poller().refresh_now();
  for (;; ++next_due_) {
    const TimePoint due = due_time(next_due_);
    if (due > now) return due;
    Source& source = sources_[next_due_ % sources_.size()];
    ++source.due;
    fill_later(source);
  }
}

void Traffic::fill_later(Source& source) {
  if (source.is_to_be_filled) return;
  source.is_to_be_filled = true;
  to_fill_.push_back(&source);
}

void Traffic::fill_sources() {
  if (!goes_on_) return;
  std::swap(filling_, to_fill_);
  for (Source* source : filling_) {
    source->is_to_be_filled = false;
    if (!source->publisher->is_ready()) continue;  // lost: the stage knows
    const bool had_more = fill(*source);
    source->publisher->connection()->flush();
    if (!source->publisher->is_ready()) continue;
    if (source->publisher->is_congested())
      congested_.push_back(source);
    else if (had_more)
      fill_later(*source);
  }
  filling_.clear();
}

/// The kernel wakes the loop when it has taken some.
void Traffic::look_at_congested() {
  const auto flows_again = [this](Source* source) {
    if (source->publisher->is_ready() && source->publisher->is_congested()) return false;
    fill_later(*source);
    return true;
  };
  congested_.erase(std::remove_if(congested_.begin(), congested_.end(), flows_again),
                   congested_.end());
}

/// True: the source would send more if what was put out so far were sent.
bool Traffic::fill(Source& source) {
  Publisher& publisher = *source.publisher;
  const TimePoint now = stage_.poller().refresh_now();
  const bool is_open_loop = options_.rate > 0;
  const std::int64_t each = std::max<std::int64_t>(layout_.copies, 1);
  const bool has_window = has_subscribers_ || options_.qos != QoS::at_most_once;
  while (publisher.sent() < source.quota && publisher.has_room()) {
    if (is_open_loop) {
      if (publisher.sent() >= source.due) return false;
      send_next(source, due_time(publisher.sent() * sources_.size() + source.number));
    } else {
      if (has_window && source.owed + each > window_owed_) return false;
      send_next(source, now);
    }
  }
  return publisher.sent() < source.quota && publisher.is_congested();
}

void Traffic::send_next(Source& source, TimePoint time) {
  const std::uint32_t topic = source.next_topic;
  source.next_topic = (topic + stride_) % layout_.topics;
  const std::uint32_t stream = source.number * layout_.topics + topic;
  const std::uint32_t number = source.next_number[topic]++;
  if (!is_stamped_)
    sent_times_[std::size_t{stream} * ring_size + number % ring_size] = stage_.since_start(time);
  source.publisher->publish(stream, number, time);
  if (has_subscribers_)
    source.owed += layout_.copies;
  else if (options_.qos != QoS::at_most_once)
    ++source.owed;
  ++counts_.sent;
}

bool Traffic::all_is_sent() const {
  return options_.messages > 0 && counts_.sent >= options_.messages;
}

std::int64_t Traffic::owed() const {
  std::int64_t total = 0;
  for (const Source& source : sources_) total += source.owed;
  return total;
}

std::uint64_t Traffic::unacknowledged() const {
  std::uint64_t total = 0;
  for (const Source& source : sources_) total += source.publisher->unacknowledged();
  return total;
}

// --- What comes back

void Traffic::settle(Source& source, std::int64_t count) {
  source.owed = std::max<std::int64_t>(0, source.owed - count);
  source.owed_has_changed = true;
  last_settled_ = stage_.now();
  fill_later(source);
}

void Traffic::on_acknowledged(Publisher& publisher, TimePoint sent_at) {
  ++counts_.acknowledged;
  Source& source = sources_[publisher.number()];
  if (has_subscribers_) return fill_later(source);  // it may have waited for a packet id
  if (is_measuring_) latency_.record((stage_.now() - sent_at).count());
  settle(source, 1);
}

Stamp Traffic::stamp_by_order(Sink& sink, std::string_view topic) const {
  Stamp stamp;
  const std::size_t at = layout_.prefix.size() + 1;
  if (topic.size() < at + topic_digits) return stamp;
  for (const char digit : topic.substr(at, topic_digits))
    stamp.stream = stamp.stream * 10 + static_cast<std::uint32_t>(digit - '0');
  if (stamp.stream - sink.streams.first >= sink.streams.count) return stamp;
  stamp.tag = tag_;
  stamp.number = sink.by_order[stamp.stream - sink.streams.first]++;
  stamp.time_ns = sent_times_[std::size_t{stamp.stream} * ring_size + stamp.number % ring_size];
  return stamp;
}

void Traffic::on_message(Receiver& receiver, const Receiver::Message& message) {
  if (receiver.number() >= sinks_.size()) {
    ++foreign_;
    return;
  }
  Sink& sink = sinks_[receiver.number()];
  Stamp stamp;
  if (!is_stamped_)
    stamp = stamp_by_order(sink, message.topic);
  else if (message.payload.size() == options_.size)
    stamp = Stamp::read(message.payload.data());
  const std::uint32_t place = stamp.stream - sink.streams.first;
  if (place >= sink.streams.count) {
    ++foreign_;
    return;
  }
  Source& source = sources_[stamp.stream / layout_.topics];
  if (stamp.tag != tag_) {
    if (stamp.tag == tag_ + 1) {
      note_crossing(source.number, receiver.number());
    } else {
      ++foreign_;
    }
    return;
  }
  const auto outcome = sink.checkers[place].on_message(stamp.number);
  if (outcome.verdict == SequenceChecker::Verdict::duplicate) {
    ++duplicated_;
    return;
  }
  ++counts_.delivered;
  if (is_measuring_) latency_.record(stage_.since_start(stage_.now()) - stamp.time_ns);
  if (outcome.verdict == SequenceChecker::Verdict::late) {
    ++reordered_;
    return;
  }
  settle(source, 1 + std::int64_t{outcome.skipped});
}

/// QoS 0 may lose the whole window, and then nobody would ever come back to open it: what has not come
/// when a publisher has heard nothing for a second is lost.
void Traffic::write_off_lost() {
  if (options_.qos != QoS::at_most_once || stage_.now() - loss_look_ < loss_after_) return;
  loss_look_ = stage_.now();
  for (Source& source : sources_) {
    if (std::exchange(source.owed_has_changed, false) || source.owed == 0) continue;
    source.owed = 0;
    fill_later(source);
  }
}

std::string Traffic::progress_line() {
  const TimePoint now = stage_.now();
  const double passed = std::chrono::duration<double>(now - line_at_).count();
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(),
                "%s %.0f s: sent %.0f/s, delivered %.0f/s, lost so far %llu",
                is_measuring_ ? "measuring"
                : goes_on_    ? "warming up"
                              : "draining",
                std::chrono::duration<double>(now - flow_began_).count(),
                static_cast<double>(counts_.sent - at_line_.sent) / passed,
                static_cast<double>(counts_.delivered - at_line_.delivered) / passed,
                static_cast<unsigned long long>(std::max<std::int64_t>(
                    0, static_cast<std::int64_t>(counts_.sent * layout_.copies)
                           - static_cast<std::int64_t>(counts_.delivered) - owed())));
  at_line_ = counts_;
  line_at_ = now;
  return text.data();
}

}  // namespace starling::bench
