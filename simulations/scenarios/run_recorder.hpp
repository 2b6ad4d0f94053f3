// RunRecorder: an observer that gathers what a report tells: latencies, series over time, who was
// linked with whom.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "simulations/report/report.hpp"
#include "simulations/scenarios/latencies.hpp"
#include "simulations/world/observer.hpp"

namespace starling::sim {

class RunRecorder final : public Observer {
 public:
  /// `length` of the run.
  RunRecorder(TimePoint begins, Duration length);

  /// Fills everything but head, promises, claims and the nodes of the graph.
  void fill(Report& report, std::uint32_t nodes) const;
  [[nodiscard]] std::uint64_t published() const { return published_; }
  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }

  void on_node_started(TimePoint at, NodeNumber node) override;
  void on_node_ended(TimePoint at, NodeNumber node, NodeEnd how) override;
  void on_link_up(TimePoint at, NodeNumber node, NodeNumber peer) override;
  void on_link_down(TimePoint at, NodeNumber node, NodeNumber peer) override;
  void on_link_bytes(TimePoint at, NodeNumber from, NodeNumber to, std::size_t size) override;
  void on_datagram(TimePoint at, NodeNumber from, NodeNumber to, ByteView bytes) override;
  void on_lookup(TimePoint at, NodeNumber node, const Lookup& lookup) override;
  void on_published(TimePoint at, const Published& what) override;
  void on_acknowledged(TimePoint at, MessageNumber number) override;
  void on_received(TimePoint at, const Received& what) override;
  void on_fault_begins(TimePoint at, std::string_view what) override;
  void on_fault_ends(TimePoint at, std::string_view what) override;

 private:
  enum Line : std::size_t {
    messages_in,
    messages_out,
    link_bytes,
    dht_bytes,
    datagrams,
    lookups,
    line_count
  };
  struct Step {
    double values[line_count] = {};
    double nodes_up = -1;  // at the end of the step; below zero: as before
    double links_up = -1;
  };
  Step& step(TimePoint at);

  TimePoint begins_;
  Duration length_;
  Duration step_;
  std::vector<Step> steps_;
  std::int64_t nodes_up_ = 0;
  std::int64_t link_ends_up_ = 0;
  std::unordered_map<NodeNumber, std::uint32_t> links_of_;  // never walked
  std::uint64_t published_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t delivered_over_mesh_ = 0;
  std::uint64_t lookups_ = 0;
  std::uint64_t all_datagrams_ = 0;
  std::uint64_t all_dht_bytes_ = 0;
  std::uint64_t all_link_bytes_ = 0;
  Latencies delivery_;
  Latencies over_mesh_;
  Latencies first_;
  Latencies lookup_;
  Latencies first_value_;
  std::unordered_set<std::uint64_t> pairs_seen_;  // node, node and topic; never walked
  std::unordered_map<std::uint64_t, std::uint64_t> pair_bytes_;  // by both, the lower one first
  std::vector<FaultSpan> faults_;
};

}  // namespace starling::sim
