// Filter: nothing comes to a client that holds no filter for it, nor under another name than it was
// published under.
//
// From SUBSCRIBE on something may come. After UNSUBACK nothing does, but for what the session had
// already taken when it was told [MQTT-3.10.4-3]: QoS 1 and 2 published before, and soon, or when
// the client comes back.
#include <algorithm>

#include "simulations/checkers/promise_checker.hpp"

namespace starling::sim {
namespace {

class FilterChecker final : public PromiseChecker {
 public:
  using PromiseChecker::PromiseChecker;

  std::string_view name() const override { return "filter"; }
  std::string_view promise() const override {
    return "Nothing comes to a client without a filter of it that matches; after UNSUBACK nothing "
           "new comes.";
  }

  void on_reception(const Reception& reception) override {
    if (!ledger_.mesh().is_trusted(slot_of(reception).node)) return;
    count_seen();
    if (reception.is_trusted) check_name(reception);
    if (!reception.matches.empty()) return;
    const EndedSubscription* ended = latest_ended(reception);
    if (ended == nullptr) {
      violated(reception.at, tell(reception) + ", which holds no filter that matches");
    } else if (!was_taken_before(reception, ended->ended)) {
      violated(reception.at, tell(reception) + ", which has given up "
                                 + quoted(ledger_.topics().filter_text(ended->filter)) + " at "
                                 + ledger_.when(ended->ended));
    }
  }

 private:
  void check_name(const Reception& reception) {
    if (reception.message == nullptr) return;
    const TopicNumber published = ledger_.stream_of(*reception.message).topic;
    if (published == reception.topic) return;
    violated(reception.at, tell(reception) + " as " + quoted(reception.packet.topic));
  }

  [[nodiscard]] const EndedSubscription* latest_ended(const Reception& reception) const {
    const EndedSubscription* latest = nullptr;
    for (const EndedSubscription& each : slot_of(reception).ended) {
      if (!ledger_.topics().matches(each.filter, reception.topic)) continue;
      if (latest == nullptr || each.ended > latest->ended) latest = &each;
    }
    return latest;
  }

  [[nodiscard]] bool was_taken_before(const Reception& reception, TimePoint ended) const {
    if (reception.packet.qos == QoS::at_most_once) return false;
    if (reception.message != nullptr && reception.message->at > ended) return false;
    return reception.at - ended <= settings().settle || slot_of(reception).connected_since > ended;
  }
};

}  // namespace

MadeChecker make_filter(Ledger& ledger) {
  return std::make_unique<FilterChecker>(ledger);
}

}  // namespace starling::sim
