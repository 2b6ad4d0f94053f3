// Checker: knows one promise and watches a world all the time whether it is kept.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "simulations/world/observer.hpp"

namespace starling::sim {

/// What the product promises today. A run says of everything else that it is not promised; whoever
/// builds a capability turns it on here, and the checkers become stricter.
struct Promises {
  bool outboxes_on_disk = false;         ///< acknowledged messages survive the end of either node
  bool retained_is_replicated = false;   ///< over nodes
  bool wills_of_dead_nodes = false;      ///< a will is published when the whole node has died
  bool groups_over_nodes = false;        ///< a shared group of several nodes gets one copy
};

struct Violation {
  TimePoint at;
  std::string what;  ///< a sentence with numbers of messages, clients and nodes
};

class Checker : public Observer {
 public:
  static constexpr std::size_t violations_kept_max = 20;

  /// Short, as it stands in a report: "qos1".
  [[nodiscard]] virtual std::string_view name() const = 0;
  /// The promise, as a sentence.
  [[nodiscard]] virtual std::string_view promise() const = 0;
  /// What of it is not promised today; empty: nothing.
  [[nodiscard]] virtual std::string_view not_promised() const { return {}; }
  /// How many times it could have been broken: a checker that has seen nothing has proved nothing.
  [[nodiscard]] virtual std::size_t seen() const = 0;
  /// The run is over: all phases, the healing one included. What should have come by now is
  /// missing.
  virtual void finish(TimePoint at, const World& world) = 0;

  [[nodiscard]] const std::vector<Violation>& violations() const { return violations_; }
  [[nodiscard]] std::size_t violation_count() const { return violation_count_; }
  [[nodiscard]] bool is_kept() const { return violation_count_ == 0; }

 protected:
  /// Only the first ones are kept, all are counted.
  void violated(TimePoint at, std::string what) {
    ++violation_count_;
    if (violations_.size() < violations_kept_max) violations_.push_back({at, std::move(what)});
  }

 private:
  std::vector<Violation> violations_;
  std::size_t violation_count_ = 0;
};

}  // namespace starling::sim
