// Checkers: the ledger and one checker for each promise, as one observer of a world.
//
//   Checkers checkers{{.nodes = sharings, .payload_marker = "..."}};
//   world.add_observer(checkers);
//   ... run ...
//   checkers.finish(world.now(), world);
//   for (const Checker* each : checkers.all()) ...
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "simulations/checkers/promise_checker.hpp"
#include "simulations/checkers/settings.hpp"

namespace starling::sim {

class Checkers final : public Observer {
 public:
  explicit Checkers(CheckerSettings settings);
  Checkers(const Checkers&) = delete;
  Checkers& operator=(const Checkers&) = delete;

  /// Before the node starts. It may be told again, with other rules, for what is published then.
  void add_node(NodeNumber node, const NodeSharing& sharing) { ledger_.add_node(node, sharing); }
  /// A hostile node: nothing is promised to its clients, nor about what they publish, but that it
  /// stays within its meshes.
  void distrust(NodeNumber node) { ledger_.mesh().distrust(node); }
  /// The run is over, healed and calm. Once.
  void finish(TimePoint at, const World& world);

  /// In the order in which a report tells them.
  [[nodiscard]] std::vector<const Checker*> all() const;
  /// Null: there is none of that name.
  [[nodiscard]] const Checker* find(std::string_view name) const;
  [[nodiscard]] bool are_kept() const;
  /// One line for each violation that is remembered: "qos1: message 7 ...".
  [[nodiscard]] std::string violations_text() const;

  void on_node_started(TimePoint at, NodeNumber node) override;
  void on_node_ended(TimePoint at, NodeNumber node, NodeEnd how) override;
  void on_link_up(TimePoint at, NodeNumber from, NodeNumber to) override;
  void on_link_down(TimePoint at, NodeNumber from, NodeNumber to) override;
  void on_datagram(TimePoint at, NodeNumber from, NodeNumber to, ByteView bytes) override;
  void on_client_connected(TimePoint at, const ClientConnected& what) override;
  void on_client_ended(TimePoint at, ClientNumber client, bool in_order) override;
  void on_subscribing(TimePoint at, const Subscribed& what) override;
  void on_subscribed(TimePoint at, const Subscribed& what) override;
  void on_unsubscribing(TimePoint at, ClientNumber client, std::string_view filter) override;
  void on_unsubscribed(TimePoint at, ClientNumber client, std::string_view filter) override;
  void on_published(TimePoint at, const Published& what) override;
  void on_acknowledged(TimePoint at, MessageNumber number) override;
  void on_completed(TimePoint at, MessageNumber number) override;
  void on_received(TimePoint at, const Received& what) override;
  void on_fault_begins(TimePoint at, std::string_view what) override;
  void on_fault_ends(TimePoint at, std::string_view what) override;
  void on_second(TimePoint at, const World& world) override;

 private:
  /// The ledger hears of it first.
  template <class Tell>
  void tell_all(Tell tell);

  CheckerSettings settings_;
  Ledger ledger_;
  std::vector<MadeChecker> checkers_;
  PromiseChecker* secrecy_ = nullptr;  // the only one that looks at datagrams
};

}  // namespace starling::sim
