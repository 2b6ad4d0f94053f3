// QoS 2: what was acknowledged comes exactly once to each session. What is owed: as in qos1.
//
// A node's memory of what it has had from others ends with it today (bridge/routing/seen_window),
// so what an outbox sends again after that may come twice; on one node it may not. A client that
// had to begin a new session may publish again what was not completed.
#include "simulations/checkers/promise_checker.hpp"

namespace starling::sim {
namespace {

class Qos2Checker final : public PromiseChecker {
 public:
  using PromiseChecker::PromiseChecker;

  std::string_view name() const override { return "qos2"; }
  std::string_view promise() const override {
    return "An acknowledged QoS 2 message comes exactly once to every session that was subscribed "
           "in time.";
  }
  std::string_view not_promised() const override {
    if (promises().outboxes_on_disk) return {};
    return "As QoS 1; and what comes from another node may come twice when its reader's node has "
           "been started anew.";
  }

  void on_reception(const Reception& reception) override {
    if (reception.fulfilled && !reception.fulfilled->is_group
        && reception.fulfilled->qos == QoS::exactly_once)
      count_seen();
    if (!reception.is_copy || reception.message == nullptr || reception.message->is_will) return;
    if (!reception.is_trusted) return;
    const Message& message = *reception.message;
    if (ledger_.stream_of(message).qos != QoS::exactly_once
        || reception.packet.qos != QoS::exactly_once)
      return;
    if (reception.copies <= copies_due(reception) || is_excused(reception)) return;
    violated(reception.at, tell(reception) + " for the "
                               + (reception.copies == 2 ? std::string("second")
                                                        : std::to_string(reception.copies) + "th")
                               + " time");
  }

  void finish(TimePoint at, const World&) override {
    ledger_.for_each_missing(at, [&](const Message& message, const Awaited& awaited) {
      if (awaited.is_group || awaited.qos != QoS::exactly_once) return;
      count_seen();
      violated(at, tell_missing(message, awaited));
    });
  }

 private:
  [[nodiscard]] bool is_excused(const Reception& reception) const {
    const Message& message = *reception.message;
    const Stream& stream = ledger_.stream_of(message);
    const bool is_over_nodes = stream.node != slot_of(reception).node;
    if (is_over_nodes && !promises().outboxes_on_disk && node_ends(reception) > 0) return true;
    return publisher_repeats(message) > 0;
  }
};

}  // namespace

MadeChecker make_qos2(Ledger& ledger) {
  return std::make_unique<Qos2Checker>(ledger);
}

}  // namespace starling::sim
