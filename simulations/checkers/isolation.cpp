// Isolation: nothing crosses from one node to another but in a mesh of both, and as rules of both
// say.
#include "simulations/checkers/promise_checker.hpp"

namespace starling::sim {
namespace {

class IsolationChecker final : public PromiseChecker {
 public:
  using PromiseChecker::PromiseChecker;

  std::string_view name() const override { return "isolation"; }
  std::string_view promise() const override {
    return "A message never reaches a node that is in no common mesh, nor under a topic that no "
           "share rule names.";
  }

  void on_reception(const Reception& reception) override {
    if (reception.message == nullptr) return;
    const Stream& stream = ledger_.stream_of(*reception.message);
    const NodeNumber to = slot_of(reception).node;
    if (stream.node == to) return;
    count_seen();
    const std::string& topic = ledger_.topics().topic_text(stream.topic);
    if (ledger_.mesh().crosses(stream.node, to, stream.topic, topic)) return;
    violated(reception.at, tell(reception) + ", though no mesh of nodes "
                               + std::to_string(stream.node) + " and " + std::to_string(to)
                               + " lets it cross");
  }
};

}  // namespace

MadeChecker make_isolation(Ledger& ledger) {
  return std::make_unique<IsolationChecker>(ledger);
}

}  // namespace starling::sim
