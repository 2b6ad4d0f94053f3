// QoS 1: what was acknowledged comes at least once. What exactly is owed over nodes today stands at
// the top of mesh_view.hpp; on one node everything is, from SUBACK on, and a session that is kept
// outlives its node.
#include "simulations/checkers/promise_checker.hpp"

namespace starling::sim {
namespace {

class Qos1Checker final : public PromiseChecker {
 public:
  using PromiseChecker::PromiseChecker;

  std::string_view name() const override { return "qos1"; }
  std::string_view promise() const override {
    return "An acknowledged QoS 1 message comes at least once to every session that was subscribed "
           "in time; a session that is to be kept is kept.";
  }
  std::string_view not_promised() const override {
    if (ledger_.not_followed() > 0)
      return "More messages waited for their readers than can be followed: not all were watched.";
    if (promises().outboxes_on_disk) return {};
    return "What waits for other nodes is lost when its origin ends; for a session that is not "
           "kept "
           "also when the nodes were parted for 15 s before it was published, or for 10 min since.";
  }

  void on_client_connected(TimePoint at, const ClientConnected& what) override {
    if (!what.clean_start && what.session_present) count_seen();
    if (!ledger_.session_was_lost()) return;
    violated(at, "client " + std::to_string(what.client) + " came back to node "
                     + std::to_string(what.node) + " at " + ledger_.when(at)
                     + ", and its session, which was to be kept, was not there: what waited in it "
                       "is lost");
  }

  void on_reception(const Reception& reception) override {
    const auto& fulfilled = reception.fulfilled;
    if (fulfilled && !fulfilled->is_group && fulfilled->qos == QoS::at_least_once) count_seen();
  }

  void finish(TimePoint at, const World&) override {
    ledger_.for_each_missing(at, [&](const Message& message, const Awaited& awaited) {
      if (awaited.is_group || awaited.qos != QoS::at_least_once) return;
      count_seen();
      violated(at, tell_missing(message, awaited));
    });
  }
};

}  // namespace

MadeChecker make_qos1(Ledger& ledger) {
  return std::make_unique<Qos1Checker>(ledger);
}

}  // namespace starling::sim
