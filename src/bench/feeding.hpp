// Feeding: publishers that bring a fixed number of messages into the broker, as fast as it takes them.
// For the loads about what brokers keep.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "src/bench/publisher.hpp"

namespace starling::bench {

/// One publisher, and what it is to send: its streams in turn.
class Feed {
 public:
  Feed(Stage& stage, const std::string& id, const Publisher::Plan& plan)
      : publisher_(std::make_unique<Publisher>(stage, stage.publish_at(), id, plan, nullptr)) {}

  void add(std::uint32_t stream, std::uint64_t messages) {
    if (messages == 0) return;
    shares_.push_back({stream, 0, messages});
    total_ += messages;
  }
  /// Puts out what there is room for, and sends it.
  void go_on(TimePoint now);
  /// All was taken: acknowledged, or, at QoS 0, read by the broker.
  [[nodiscard]] bool is_done();

  [[nodiscard]] Publisher& publisher() { return *publisher_; }
  [[nodiscard]] std::uint64_t total() const { return total_; }

 private:
  struct Share {
    std::uint32_t stream;
    std::uint32_t next_number;
    std::uint64_t left;
  };

  std::unique_ptr<Publisher> publisher_;
  std::vector<Share> shares_;
  std::size_t next_ = 0;  // of shares_
  std::uint64_t total_ = 0;
  bool has_fence_ = false;
};

/// Connects the publishers of `feeds`, has them send everything, and waits until it was taken. `what`
/// is for the progress line. Returns the seconds it took without connecting; a stage that should end
/// ends it early.
double feed_all(Stage& stage, std::vector<Feed>& feeds, const std::string& what);

/// The plan of a run's publishers: no suffix, a tag of its own.
Publisher::Plan feeding_plan(const Options& options);

/// The stream that a topic of feeding_plan() names; UINT32_MAX: none.
std::uint32_t stream_of_topic(const std::string& prefix, std::string_view topic);

/// Turns until `is_complete`, or until `receivers` will get nothing more: `count` (of messages that have
/// come) has stood still for a while, and whoever sends has answered a PINGREQ since. A broker that is
/// busy answers late, and is waited for, up to a minute without a byte.
void await_messages(Stage& stage, const std::vector<Client*>& receivers,
                    const std::function<std::uint64_t()>& count,
                    const std::function<bool()>& is_complete);

}  // namespace starling::bench
