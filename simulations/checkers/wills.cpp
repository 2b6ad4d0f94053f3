// Wills: never after an orderly DISCONNECT, and never twice for one connection.
//
// A DISCONNECT that its node did not live to read cannot void a will. Once a node sends its outbox
// again to one that has been started anew, a will of QoS 1 or 2 may repeat like any message.
#include <unordered_map>

#include "simulations/checkers/promise_checker.hpp"

namespace starling::sim {
namespace {

constexpr auto disconnect_is_read_within = std::chrono::seconds{5};

class WillsChecker final : public PromiseChecker {
 public:
  using PromiseChecker::PromiseChecker;

  std::string_view name() const override { return "wills"; }
  std::string_view promise() const override {
    return "A will never comes after an orderly DISCONNECT, and never twice for one connection.";
  }
  std::string_view not_promised() const override {
    if (promises().wills_of_dead_nodes) return {};
    return "A will whose node has died is published when the node runs again, not before.";
  }

  void on_published(TimePoint, const Published& what) override {
    if (what.is_will && what.number != 0) current_[what.client] = {what.number, what.node};
  }

  void on_client_ended(TimePoint at, ClientNumber client, bool in_order) override {
    const auto found = current_.find(client);
    if (found == current_.end()) return;
    const Current will = found->second;
    current_.erase(found);
    if (in_order && ledger_.mesh().runs(will.node)) voided_.emplace(will.number, at);
  }

  void on_reception(const Reception& reception) override {
    if (reception.message == nullptr || !reception.message->is_will) return;
    if (!reception.is_trusted) return;
    count_seen();
    const auto voided = voided_.find(reception.message->number);
    if (voided != voided_.end() && was_read(*reception.message, voided->second)) {
      violated(reception.at, tell(reception) + ", though its client said DISCONNECT at "
                                 + ledger_.when(voided->second));
      return;
    }
    if (!reception.is_copy) return;
    const std::size_t most = copies_due(reception) * (1 + repeats_allowed(reception));
    if (reception.copies <= most) return;
    violated(reception.at, tell(reception) + ": copy number " + std::to_string(reception.copies)
                               + " of one will");
  }

 private:
  struct Current {
    MessageNumber number = 0;
    NodeNumber node = 0;
  };

  [[nodiscard]] bool was_read(const Message& will, TimePoint said) const {
    const NodeNumber node = ledger_.stream_of(will).node;
    const MeshView& mesh = ledger_.mesh();
    return mesh.ends_since(node, said) == mesh.ends_since(node, said + disconnect_is_read_within);
  }

  [[nodiscard]] std::size_t repeats_allowed(const Reception& reception) const {
    if (ledger_.stream_of(*reception.message).qos == QoS::at_most_once) return 0;
    std::size_t repeats = node_ends(reception);
    if (reception.packet.qos == QoS::at_least_once)
      repeats += Ledger::connects_since(slot_of(reception), reception.message->at);
    return repeats;
  }

  std::unordered_map<ClientNumber, Current> current_;
  std::unordered_map<MessageNumber, TimePoint> voided_;
};

}  // namespace

MadeChecker make_wills(Ledger& ledger) {
  return std::make_unique<WillsChecker>(ledger);
}

}  // namespace starling::sim
