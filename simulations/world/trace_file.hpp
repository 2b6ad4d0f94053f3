// TraceFile: what happens in a world as a file that chrome://tracing and ui.perfetto.dev show: a track
// for each node, messages as spans from publishing to delivery, links, faults.
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <string>

#include "simulations/world/observer.hpp"

namespace starling::sim {

class TraceFile final : public Observer {
 public:
  /// Throws std::runtime_error with a sentence if `path` cannot be written.
  TraceFile(const std::string& path, TimePoint begins);
  ~TraceFile() override;
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  void on_node_started(TimePoint at, NodeNumber node) override;
  void on_node_ended(TimePoint at, NodeNumber node, NodeEnd how) override;
  void on_link_up(TimePoint at, NodeNumber node, NodeNumber peer) override;
  void on_link_down(TimePoint at, NodeNumber node, NodeNumber peer) override;
  void on_lookup(TimePoint at, NodeNumber node, const Lookup& lookup) override;
  void on_client_connected(TimePoint at, const ClientConnected& what) override;
  void on_subscribed(TimePoint at, const Subscribed& what) override;
  void on_published(TimePoint at, const Published& what) override;
  void on_acknowledged(TimePoint at, MessageNumber number) override;
  void on_received(TimePoint at, const Received& what) override;
  void on_fault_begins(TimePoint at, std::string_view what) override;
  void on_fault_ends(TimePoint at, std::string_view what) override;

 private:
  /// `phase`: of the Trace Event Format: "i" an instant, "X" a span, "b" and "e" its ends.
  void write(std::string_view phase, std::string_view name, TimePoint at, NodeNumber node,
             const std::string& more = {});
  [[nodiscard]] double us(TimePoint at) const;

  std::ofstream out_;
  TimePoint begins_;
  bool is_first_ = true;
  std::map<MessageNumber, NodeNumber> published_at_;  // QoS 1 and 2 without acknowledgement
};

}  // namespace starling::sim
