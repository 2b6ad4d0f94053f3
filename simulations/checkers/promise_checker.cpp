#include "simulations/checkers/promise_checker.hpp"

#include <algorithm>
#include <vector>

namespace starling::sim {

std::uint32_t PromiseChecker::copies_due(const Reception& reception) const {
  bool is_held_alone = false;
  std::uint32_t groups = 0;
  for (const Subscription* match : reception.matches) {
    if (match->group == no_group) {
      is_held_alone = true;
    } else {
      ++groups;
    }
  }
  std::uint32_t given_up = 0;  // after it was published: it may have been taken for them as well
  for (const EndedSubscription& each : slot_of(reception).ended) {
    const bool was_held = reception.message != nullptr && each.ended >= reception.message->at;
    if (was_held && ledger_.topics().matches(each.filter, reception.topic)) ++given_up;
  }
  return std::max(1U, groups + given_up + (is_held_alone ? 1U : 0U));
}

std::size_t PromiseChecker::node_ends(const Reception& reception) const {
  const Message& message = *reception.message;
  const NodeNumber from = ledger_.stream_of(message).node;
  const NodeNumber to = slot_of(reception).node;
  const std::size_t there = ledger_.mesh().ends_since(to, message.at);
  return from == to ? there : there + ledger_.mesh().ends_since(from, message.at);
}

std::size_t PromiseChecker::publisher_repeats(const Message& message) const {
  const Stream& stream = ledger_.stream_of(message);
  const bool is_known_again =
      stream.qos == QoS::exactly_once && !ledger_.publisher_is_gone(message);
  if (stream.qos == QoS::at_most_once || is_known_again) return 0;
  const TimePoint done = stream.qos == QoS::exactly_once ? message.completed : message.acknowledged;
  const std::size_t connects = ledger_.connects_since(stream.client, message.at);
  return done == never ? connects : connects - ledger_.connects_since(stream.client, done);
}

std::string PromiseChecker::tell(const Reception& reception) const {
  const std::string what =
      reception.message != nullptr
          ? ledger_.describe(*reception.message)
          : "a message without a number (" + quoted(reception.packet.topic) + ")";
  return what + " came to " + ledger_.describe(slot_of(reception)) + " at "
         + ledger_.when(reception.at);
}

std::string PromiseChecker::tell_missing(const Message& message, const Awaited& awaited) const {
  std::string text =
      ledger_.describe(message) + ", acknowledged at " + ledger_.when(message.acknowledged);
  const Slot& slot = ledger_.slot(awaited.who);
  text += ", never came to " + ledger_.describe(slot);
  const Subscription* owing = ledger_.owing_subscription(message, awaited);
  text += ", which has held " + quoted(ledger_.topics().filter_text(owing->filter)) + " since "
          + ledger_.when(owing->granted);
  return text + (slot.keeps ? " in a session that is kept" : "");
}

}  // namespace starling::sim
