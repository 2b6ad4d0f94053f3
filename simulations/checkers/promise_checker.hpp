// PromiseChecker: a checker that reads the ledger. One for each promise; each is a class of its own
// .cpp file, and known elsewhere only by the function that makes it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "simulations/checkers/checker.hpp"
#include "simulations/checkers/ledger.hpp"

namespace starling::sim {

class PromiseChecker : public Checker {
 public:
  /// The ledger outlives it, and hears of each event first.
  explicit PromiseChecker(Ledger& ledger) : ledger_(ledger) {}

  /// Instead of on_received.
  virtual void on_reception(const Reception&) {}

  [[nodiscard]] std::size_t seen() const override { return seen_; }
  void finish(TimePoint, const World&) override {}

 protected:
  void count_seen() { ++seen_; }
  [[nodiscard]] const CheckerSettings& settings() const { return ledger_.settings(); }
  [[nodiscard]] const Promises& promises() const { return settings().promises; }
  [[nodiscard]] const Slot& slot_of(const Reception& reception) const {
    return ledger_.slot(reception.slot);
  }

  /// How many copies of one message may be due to one session: one, and one more for each shared
  /// group that it is in as well, or was when it was published.
  [[nodiscard]] std::uint32_t copies_due(const Reception& reception) const;
  /// Ends of the nodes between which it went, since it was published: what forgets, repeats.
  [[nodiscard]] std::size_t node_ends(const Reception& reception) const;
  /// How often its publisher may have given it to its node again: QoS 1 with each connection until
  /// it was acknowledged, QoS 2 likewise if the session that would have known it was lost.
  [[nodiscard]] std::size_t publisher_repeats(const Message& message) const;
  /// "message 7 (...) came to client 3 at node 1 at 12.345 s"
  [[nodiscard]] std::string tell(const Reception& reception) const;
  /// "message 7 (...), acknowledged at ..., never came to client 3 at node 1, which ..."
  [[nodiscard]] std::string tell_missing(const Message& message, const Awaited& awaited) const;

  Ledger& ledger_;

 private:
  std::size_t seen_ = 0;
};

using MadeChecker = std::unique_ptr<PromiseChecker>;
MadeChecker make_qos1(Ledger& ledger);
MadeChecker make_qos2(Ledger& ledger);
MadeChecker make_order(Ledger& ledger);
MadeChecker make_filter(Ledger& ledger);
MadeChecker make_retained(Ledger& ledger);
MadeChecker make_loops(Ledger& ledger);
MadeChecker make_bounds(Ledger& ledger);
MadeChecker make_isolation(Ledger& ledger);
MadeChecker make_secrecy(Ledger& ledger);
MadeChecker make_wills(Ledger& ledger);
MadeChecker make_groups(Ledger& ledger);
MadeChecker make_drained(Ledger& ledger);

}  // namespace starling::sim
