// Drained: when the world has healed and calmed down, nothing waits anywhere: not in a node, but for
// nodes and clients that are not there, and not with a client that is.
#include "simulations/checkers/promise_checker.hpp"

namespace starling::sim {
namespace {

class DrainedChecker final : public PromiseChecker {
 public:
  using PromiseChecker::PromiseChecker;

  std::string_view name() const override { return "drained"; }
  std::string_view promise() const override {
    return "After healing nothing waits: outboxes and queues are empty, everything published is "
           "acknowledged.";
  }

  void finish(TimePoint at, const World& world) override {
    if (settings().look)
      for (const NodeLoad& load : settings().look(world)) check_node(at, load);
    for (const Message& message : ledger_.messages()) check_publisher(at, message);
  }

 private:
  void check_node(TimePoint at, const NodeLoad& load) {
    if (!ledger_.mesh().is_trusted(load.node)) return;
    count_seen();
    check_left(at, load.node, load.parked_messages, "parked messages");
    check_left(at, load.node, load.outbox_messages - load.outbox_messages_for_absent,
               "messages in outboxes for nodes that run");
    check_left(at, load.node, load.queued_messages - load.queued_messages_for_absent,
               "messages queued for clients that are there");
    check_left(at, load.node, load.inflight, "messages that clients have not acknowledged");
  }

  void check_left(TimePoint at, NodeNumber node, std::size_t left, std::string_view what) {
    if (left == 0) return;
    violated(at, "node " + std::to_string(node) + " still holds " + std::to_string(left) + " "
                     + std::string(what) + " at the end, " + ledger_.when(at));
  }

  void check_publisher(TimePoint at, const Message& message) {
    const Stream& stream = ledger_.stream_of(message);
    if (stream.qos == QoS::at_most_once || message.is_will) return;
    if (!ledger_.mesh().is_trusted(stream.node)) return;
    count_seen();
    const bool needs_completion = stream.qos == QoS::exactly_once && ledger_.is_ever_completed();
    const bool is_done =
        message.acknowledged != never && (!needs_completion || message.completed != never);
    if (is_done || at - message.at < settings().settle) return;
    if (!ledger_.publisher_is_there(message)) return;  // it takes that along, or will come back
    const Slot& slot = *ledger_.present_slot(stream.client);
    if (at - slot.connected_since < settings().settle) return;
    violated(at, ledger_.describe(message) + " is still not "
                     + (message.acknowledged == never ? "acknowledged" : "completed")
                     + " at the end, " + ledger_.when(at)
                     + ", though its publisher is connected since "
                     + ledger_.when(slot.connected_since));
  }
};

}  // namespace

MadeChecker make_drained(Ledger& ledger) {
  return std::make_unique<DrainedChecker>(ledger);
}

}  // namespace starling::sim
