// Bounds: no node ever holds more than CheckerSettings::load_limits.
#include <array>
#include <set>
#include <utility>

#include "simulations/checkers/promise_checker.hpp"

namespace starling::sim {
namespace {

struct Bound {
  std::string_view what;
  std::size_t NodeLoad::*held;
  std::size_t LoadLimits::*most;
};

constexpr std::array bounds{
    Bound{"links", &NodeLoad::links, &LoadLimits::links},
    Bound{"parked messages", &NodeLoad::parked_messages, &LoadLimits::parked_messages},
    Bound{"messages in outboxes", &NodeLoad::outbox_messages, &LoadLimits::outbox_messages},
    Bound{"bytes in outboxes", &NodeLoad::outbox_bytes, &LoadLimits::outbox_bytes},
    Bound{"messages in queues", &NodeLoad::queued_messages, &LoadLimits::queued_messages},
    Bound{"bytes in queues", &NodeLoad::queued_bytes, &LoadLimits::queued_bytes},
    Bound{"messages under way to clients", &NodeLoad::inflight, &LoadLimits::inflight},
};

class BoundsChecker final : public PromiseChecker {
 public:
  using PromiseChecker::PromiseChecker;

  std::string_view name() const override { return "bounds"; }
  std::string_view promise() const override {
    return "Links, parked messages, outboxes and queues of a node stay within their bounds.";
  }

  void on_second(TimePoint at, const World& world) override {
    if (!settings().look || (seen() > 0 && at - looked_ < settings().look_interval)) return;
    looked_ = at;
    look(at, world);
  }
  void finish(TimePoint at, const World& world) override {
    if (settings().look) look(at, world);
  }

 private:
  void look(TimePoint at, const World& world) {
    for (const NodeLoad& load : settings().look(world)) {
      if (!ledger_.mesh().is_trusted(load.node)) continue;
      count_seen();
      for (std::size_t i = 0; i < bounds.size(); ++i) compare(at, load, i);
    }
  }

  /// Told once, until it is within its bound again.
  void compare(TimePoint at, const NodeLoad& load, std::size_t number) {
    const Bound& bound = bounds[number];
    const std::size_t held = load.*bound.held;
    const std::size_t most = settings().load_limits.*bound.most;
    if (held <= most) {
      beyond_.erase({load.node, number});
    } else if (beyond_.insert({load.node, number}).second) {
      violated(at, "node " + std::to_string(load.node) + " holds " + std::to_string(held) + " "
                       + std::string(bound.what) + " at " + ledger_.when(at) + ", and "
                       + std::to_string(most) + " are the most it may");
    }
  }

  TimePoint looked_;
  std::set<std::pair<NodeNumber, std::size_t>> beyond_;
};

}  // namespace

MadeChecker make_bounds(Ledger& ledger) {
  return std::make_unique<BoundsChecker>(ledger);
}

}  // namespace starling::sim
