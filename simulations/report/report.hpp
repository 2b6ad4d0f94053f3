// Report: everything a run has shown, as plain numbers. write_json() and write_html() tell it to
// programs and to people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace starling::sim {

/// Milliseconds at shares of 0.5, 0.9, 0.99, 0.999 and 1, and how many there were.
struct Quantiles {
  std::uint64_t count = 0;
  double p50_ms = 0, p90_ms = 0, p99_ms = 0, p999_ms = 0, max_ms = 0;
};

/// How often a value fell into [from, to) milliseconds; buckets grow by a constant factor.
struct HistogramBar {
  double from_ms = 0;
  double to_ms = 0;
  std::uint64_t count = 0;
};

/// One number over virtual time, in equal steps.
struct Series {
  std::string name;  ///< "messages published", "bytes on links"
  std::string unit;  ///< "1/s", "B/s", ""
  std::vector<double> values;
  std::string plot = {};  ///< "messages": series of one plot and unit share an axis; empty: alone
};

struct FaultSpan {
  double from_s = 0;
  double to_s = 0;  ///< the run's end if nothing ended it; `from_s`: it happened at once
  std::string what;
};

struct PromiseOutcome {
  enum class Kind : std::uint8_t { kept, broken, not_seen };
  std::string name;
  std::string promise;       ///< a sentence
  std::string not_promised;  ///< what of it nobody promises today; empty: nothing
  Kind kind = Kind::not_seen;
  std::uint64_t seen = 0;
  std::uint64_t broken = 0;
  std::vector<std::pair<double, std::string>> examples;  ///< virtual seconds and a sentence
};

struct ClaimOutcome {
  std::string claim;     ///< as the scenario says it: "delivery p90 <= 1500 ms"
  std::string measured;  ///< "812 ms"
  bool holds = false;
};

struct GraphNode {
  std::uint32_t number = 0;
  std::string group;  ///< as the scenario calls it; villages, NAT kinds
  bool is_up = true;  ///< at the run's end
  std::uint32_t clients = 0;
};
struct GraphLink {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint64_t bytes = 0;  ///< both ways, whole run
};

struct Report {
  std::string scenario;  ///< its name
  std::string story;     ///< what it is about, a few sentences
  std::string replay;    ///< the command line that repeats this run
  std::uint64_t seed = 0;
  std::string digest;  ///< of the trace, hexadecimal
  std::uint32_t nodes = 0;
  std::uint32_t clients = 0;
  double virtual_s = 0;
  double fault_phase_ends_s = 0;  ///< then the world heals until the end
  /// The only numbers that differ from run to run of one seed.
  double wall_s = 0;
  std::uint64_t peak_bytes = 0;  ///< the process's largest resident size

  std::vector<std::pair<std::string, double>> totals;  ///< "messages published": 1234
  Quantiles delivery;                                  ///< PUBLISH to delivery, all nodes
  Quantiles delivery_over_mesh;                        ///< only from node to node
  Quantiles first_delivery;      ///< the first of each pair of nodes and topic
  Quantiles lookup;              ///< a DHT get, to its end
  Quantiles lookup_first_value;  ///< to the first value
  std::vector<HistogramBar> delivery_histogram;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> hops;  ///< links a message crossed: count
  double step_s = 1;                                          ///< of all series
  std::vector<Series> series;
  std::vector<FaultSpan> faults;
  std::vector<PromiseOutcome> promises;
  std::vector<ClaimOutcome> claims;
  std::vector<GraphNode> graph_nodes;
  std::vector<GraphLink> graph_links;

  /// No promise is broken and all claims hold. A promise that was never put to the test does not
  /// count against a run; the report says so.
  [[nodiscard]] bool is_good() const;
};

/// Everything, each field by its name, one line per field of Report. The seed is a string, as readers
/// with floating point would round it; what differs from run to run stands in "run". Numbers that are
/// not finite are null; bytes that are not UTF-8 become U+FFFD.
std::string write_json(const Report& report);

/// For people: one file that needs nothing else, no script, style or font from anywhere. Text of the
/// report is never taken for HTML. A mesh of more than 1 500 nodes is drawn in clusters.
std::string write_html(const Report& report);

/// For a terminal: at most 50 lines of 80 columns and no control characters. What does not fit is
/// shortened, but for the line that replays the run: that is folded so that a shell takes it.
std::string write_text(const Report& report);

}  // namespace starling::sim
