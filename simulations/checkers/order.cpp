// Order (4.6): what one client publishes at one node under one topic with one QoS comes to each
// session in that order. What was sent may be repeated, but a message that comes for the first time
// never comes behind a later one.
//
// Nothing is said about retained messages that a new subscription brings, nor about members of shared
// groups: what one of them leaves behind goes to another, whenever that is.
#include <algorithm>

#include "simulations/checkers/promise_checker.hpp"

namespace starling::sim {
namespace {

class OrderChecker final : public PromiseChecker {
 public:
  using PromiseChecker::PromiseChecker;

  std::string_view name() const override { return "order"; }
  std::string_view promise() const override {
    return "Messages of one client, topic and QoS come to each session in the order in which they "
           "were published.";
  }

  void on_reception(const Reception& reception) override {
    if (!reception.is_copy || reception.message == nullptr || reception.message->is_will) return;
    if (reception.novelty != Novelty::first || !reception.is_trusted) return;
    const bool is_shared = std::ranges::any_of(
        reception.matches, [](const Subscription* match) { return match->group != no_group; });
    if (is_shared) return;
    if (reception.highest_before == 0) return;  // the first of all
    count_seen();
    if (reception.message->sequence > reception.highest_before) return;
    violated(reception.at, tell(reception) + " for the first time, behind a later one: "
                               + later_one(*reception.message, reception.highest_before));
  }

 private:
  [[nodiscard]] std::string later_one(const Message& message, std::uint32_t sequence) const {
    // Of the same stream, so its number is greater.
    for (auto number = message.number + 1; const Message* each = ledger_.find(number); ++number)
      if (each->stream == message.stream && each->sequence == sequence)
        return ledger_.describe(*each);
    return "number " + std::to_string(sequence) + " of these";
  }
};

}  // namespace

MadeChecker make_order(Ledger& ledger) {
  return std::make_unique<OrderChecker>(ledger);
}

}  // namespace starling::sim
