#include "src/bench/feeding.hpp"

#include <algorithm>
#include <random>

#include "src/bench/layout.hpp"

namespace starling::bench {
namespace {

constexpr auto feed_patience = std::chrono::seconds(30);  // without one message taken
constexpr auto ask_after = std::chrono::seconds(1);
constexpr auto quiet_is_the_end = std::chrono::seconds(3);  // what has not come by then is lost
constexpr auto silence_is_the_end = std::chrono::seconds(60);

}  // namespace

void Feed::go_on(TimePoint now) {
  if (!publisher_->is_ready()) return;
  while (publisher_->sent() < total_ && publisher_->has_room()) {
    Share& share = shares_[next_];
    next_ = next_ + 1 == shares_.size() ? 0 : next_ + 1;
    if (share.left == 0) continue;
    --share.left;
    publisher_->publish(share.stream, share.next_number++, now);
  }
  publisher_->connection()->flush();
}

bool Feed::is_done() {
  if (publisher_->sent() < total_ || !publisher_->is_ready()) return false;
  if (publisher_->has_acknowledgements()) return publisher_->unacknowledged() == 0;
  // Nobody acknowledges QoS 0; but packets are read in order: when this one is answered all were.
  if (!std::exchange(has_fence_, true)) publisher_->send_fence();
  return publisher_->is_fence_back();
}

double feed_all(Stage& stage, std::vector<Feed>& feeds, const std::string& what) {
  std::vector<Client*> clients;
  std::uint64_t total = 0;
  for (Feed& feed : feeds) {
    clients.push_back(&feed.publisher());
    total += feed.total();
  }
  open_all(stage, clients, stage.options().connecting);
  const auto sent = [&feeds] {
    std::uint64_t sum = 0;
    for (Feed& feed : feeds) sum += feed.publisher().sent();
    return sum;
  };
  stage.show([sent, total, what] {
    return what + ": " + std::to_string(sent()) + " of " + std::to_string(total);
  });
  const TimePoint began = stage.poller().refresh_now();
  const auto all_done = [&] {
    bool done = true;
    for (Feed& feed : feeds) {
      feed.go_on(stage.now());
      done = feed.is_done() && done;
    }
    return done;
  };
  const auto progress = [&] {
    std::uint64_t sum = sent();
    for (Feed& feed : feeds) {
      sum += feed.publisher().acknowledged();
      if (const Connection* connection = feed.publisher().connection())
        sum -= connection->pending();
    }
    return sum;
  };
  wait_for(stage, all_done, progress, feed_patience,
           stage.publish_at().name + " takes no more messages");
  const double seconds = std::chrono::duration<double>(stage.now() - began).count();
  stage.show(nullptr);
  return seconds;
}

Publisher::Plan feeding_plan(const Options& options) {
  Publisher::Plan plan;
  plan.prefix = options.topic;
  plan.qos = options.qos;
  plan.size = options.size;
  plan.unacked_max = options.window;
  plan.tag = static_cast<std::uint16_t>(std::random_device{}());
  return plan;
}

std::uint32_t stream_of_topic(const std::string& prefix, std::string_view topic) {
  if (topic.size() != prefix.size() + 1 + topic_digits) return UINT32_MAX;
  std::uint32_t stream = 0;
  for (const char digit : topic.substr(prefix.size() + 1)) {
    if (digit < '0' || digit > '9') return UINT32_MAX;
    stream = stream * 10 + static_cast<std::uint32_t>(digit - '0');
  }
  return stream;
}

void await_messages(Stage& stage, const std::vector<Client*>& receivers,
                    const std::function<std::uint64_t()>& count,
                    const std::function<bool()>& is_complete) {
  std::uint64_t last_count = count();
  std::uint64_t last_heard = stage.poller().bytes_read();
  TimePoint last_message = stage.poller().refresh_now();
  TimePoint last_byte = last_message;
  bool has_asked = false;
  while (!is_complete() && !stage.should_end()) {
    stage.turn(stage.now() + ask_after);
    if (std::exchange(last_heard, stage.poller().bytes_read()) != stage.poller().bytes_read())
      last_byte = stage.now();
    if (std::exchange(last_count, count()) != count()) {
      last_message = stage.now();
      has_asked = false;
    }
    const Duration quiet = stage.now() - last_message;
    if (quiet >= ask_after && !std::exchange(has_asked, true)) {
      for (Client* receiver : receivers)
        if (receiver->is_ready()) receiver->send_fence();
    }
    const bool all_answered =
        has_asked && std::all_of(receivers.begin(), receivers.end(), [](const Client* receiver) {
          return receiver->is_fence_back();
        });
    if (quiet >= quiet_is_the_end && all_answered) return;
    if (stage.now() - last_byte >= silence_is_the_end) return;
  }
}

}  // namespace starling::bench
