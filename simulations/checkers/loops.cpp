// Loops: copies are bounded. A QoS 0 message never comes twice to a session. One of QoS 1 comes again
// only if something has made somebody repeat it: its publisher came back before it was acknowledged,
// its reader came back, a node ended. Lost links repeat nothing: nodes remember what they have had.
// (QoS 2: the promise of qos2. Wills: that of wills.)
#include "simulations/checkers/promise_checker.hpp"

namespace starling::sim {
namespace {

class LoopsChecker final : public PromiseChecker {
 public:
  using PromiseChecker::PromiseChecker;

  std::string_view name() const override { return "loops"; }
  std::string_view promise() const override {
    return "A QoS 0 message never comes twice to a session, one of QoS 1 not more often than "
           "connections and nodes ended that repeat it.";
  }

  void on_reception(const Reception& reception) override {
    if (!reception.is_copy || reception.message == nullptr || reception.message->is_will) return;
    if (!reception.is_trusted) return;
    const QoS published = ledger_.stream_of(*reception.message).qos;
    if (published == QoS::exactly_once && reception.packet.qos == QoS::exactly_once) return;
    count_seen();
    const std::uint32_t due = copies_due(reception);
    if (reception.copies <= due) return;
    const std::size_t repeats = published == QoS::at_most_once ? 0 : repeats_allowed(reception);
    const std::size_t most = due * (1 + repeats);
    if (reception.copies <= most) return;
    violated(reception.at, tell(reception) + " with QoS "
                               + std::to_string(static_cast<int>(reception.packet.qos))
                               + ": copy number " + std::to_string(reception.copies) + ", where "
                               + std::to_string(most) + " can be accounted for");
  }

 private:
  [[nodiscard]] std::size_t repeats_allowed(const Reception& reception) const {
    const Message& message = *reception.message;
    std::size_t repeats = node_ends(reception) + publisher_repeats(message);
    if (reception.packet.qos != QoS::at_most_once)
      repeats += Ledger::connects_since(slot_of(reception), message.at);
    return repeats;
  }
};

}  // namespace

MadeChecker make_loops(Ledger& ledger) {
  return std::make_unique<LoopsChecker>(ledger);
}

}  // namespace starling::sim
