#include "simulations/scenarios/run_recorder.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "simulations/world/random.hpp"

namespace starling::sim {
namespace {

constexpr std::size_t steps_wanted = 300;
constexpr std::size_t pairs_max = 2'000'000;
constexpr std::size_t graph_links_max = 200'000;

double seconds(Duration span) {
  return std::chrono::duration<double>(span).count();
}

}  // namespace

RunRecorder::RunRecorder(TimePoint begins, Duration length)
    : begins_(begins),
      length_(length),
      step_(std::max<Duration>(std::chrono::seconds{1}, length / steps_wanted)) {
  steps_.reserve(steps_wanted + 1);
}

RunRecorder::Step& RunRecorder::step(TimePoint at) {
  const auto number = static_cast<std::size_t>((at - begins_) / step_);
  if (number >= steps_.size()) steps_.resize(number + 1);
  return steps_[number];
}

void RunRecorder::on_node_started(TimePoint at, NodeNumber) {
  step(at).nodes_up = static_cast<double>(++nodes_up_);
}
void RunRecorder::on_node_ended(TimePoint at, NodeNumber node, NodeEnd) {
  step(at).nodes_up = static_cast<double>(--nodes_up_);
  link_ends_up_ -= std::exchange(links_of_[node], 0);  // it tells of none of them
  step(at).links_up = static_cast<double>(link_ends_up_) / 2;
}
void RunRecorder::on_link_up(TimePoint at, NodeNumber node, NodeNumber) {
  ++links_of_[node];
  step(at).links_up = static_cast<double>(++link_ends_up_) / 2;
}
void RunRecorder::on_link_down(TimePoint at, NodeNumber node, NodeNumber) {
  --links_of_[node];
  step(at).links_up = static_cast<double>(--link_ends_up_) / 2;
}
void RunRecorder::on_link_bytes(TimePoint at, NodeNumber from, NodeNumber to, std::size_t size) {
  step(at).values[link_bytes] += static_cast<double>(size);
  all_link_bytes_ += size;
  if (from == no_node || to == no_node) return;
  const std::uint64_t pair = std::uint64_t{std::min(from, to)} << 32U | std::max(from, to);
  if (pair_bytes_.size() < graph_links_max || pair_bytes_.contains(pair)) pair_bytes_[pair] += size;
}
void RunRecorder::on_datagram(TimePoint at, NodeNumber, NodeNumber, ByteView bytes) {
  Step& now = step(at);
  now.values[datagrams] += 1;
  now.values[dht_bytes] += static_cast<double>(bytes.size());
  ++all_datagrams_;
  all_dht_bytes_ += bytes.size();
}
void RunRecorder::on_lookup(TimePoint at, NodeNumber, const Lookup& lookup) {
  step(at).values[lookups] += 1;
  ++lookups_;
  lookup_.add(lookup.took);
  if (lookup.first_value) first_value_.add(*lookup.first_value);
}
void RunRecorder::on_published(TimePoint at, const Published& what) {
  if (what.is_will) return;
  step(at).values[messages_in] += 1;
  ++published_;
}
void RunRecorder::on_acknowledged(TimePoint, MessageNumber) {
  ++acknowledged_;
}

void RunRecorder::on_received(TimePoint at, const Received& what) {
  if (what.number == 0 || what.retain || what.is_repeated_packet) return;
  step(at).values[messages_out] += 1;
  ++delivered_;
  const Duration latency = at - what.published_at;
  delivery_.add(latency);
  if (what.published_at_node == what.node) return;
  ++delivered_over_mesh_;
  over_mesh_.add(latency);
  if (pairs_seen_.size() >= pairs_max) return;
  const std::uint64_t topic = std::hash<std::string_view>{}(what.topic);
  if (pairs_seen_.insert(mix(mix(what.published_at_node, what.node), topic)).second)
    first_.add(latency);
}

void RunRecorder::on_fault_begins(TimePoint at, std::string_view what) {
  faults_.push_back({seconds(at - begins_), -1, std::string(what)});
}
void RunRecorder::on_fault_ends(TimePoint at, std::string_view what) {
  for (auto fault = faults_.rbegin(); fault != faults_.rend(); ++fault) {
    if (fault->to_s >= 0 || fault->what != what) continue;
    fault->to_s = seconds(at - begins_);
    return;
  }
}

void RunRecorder::fill(Report& report, std::uint32_t nodes) const {
  const double all = seconds(length_);
  const double node_seconds = std::max(1.0, all * nodes);
  const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
  report.virtual_s = all;
  report.totals = {{"messages published", number(published_)},
                   {"messages acknowledged", number(acknowledged_)},
                   {"messages delivered", number(delivered_)},
                   {"messages delivered over the mesh", number(delivered_over_mesh_)},
                   {"links per node", nodes == 0 ? 0 : static_cast<double>(link_ends_up_) / nodes},
                   {"lookups", number(lookups_)},
                   {"datagrams per node and second", number(all_datagrams_) / node_seconds},
                   {"DHT bytes per node and second", number(all_dht_bytes_) / node_seconds},
                   {"link bytes per node and second", number(all_link_bytes_) / node_seconds}};
  report.delivery = delivery_.quantiles();
  report.delivery_over_mesh = over_mesh_.quantiles();
  report.first_delivery = first_.quantiles();
  report.lookup = lookup_.quantiles();
  report.lookup_first_value = first_value_.quantiles();
  report.delivery_histogram = delivery_.bars();
  if (delivered_ > 0)
    report.hops = {{0, delivered_ - delivered_over_mesh_}, {1, delivered_over_mesh_}};

  report.step_s = seconds(step_);
  struct Title {
    std::string_view name, unit, plot;
  };
  static constexpr Title names[] = {{"messages published", "1/s", "Messages"},
                                    {"messages delivered", "1/s", "Messages"},
                                    {"bytes on links", "B/s", "Traffic"},
                                    {"bytes of the DHT", "B/s", "Traffic"},
                                    {"datagrams", "1/s", "DHT"},
                                    {"DHT lookups", "1/s", "Lookups"}};
  for (std::size_t line = 0; line < line_count; ++line) {
    Series series{std::string(names[line].name),
                  std::string(names[line].unit),
                  {},
                  std::string(names[line].plot)};
    for (const Step& each : steps_) series.values.push_back(each.values[line] / report.step_s);
    report.series.push_back(std::move(series));
  }
  const auto level = [&](std::string name, double Step::*value) {
    Series series{std::move(name), "", {}};
    double last = 0;
    for (const Step& each : steps_) {
      if (each.*value >= 0) last = each.*value;
      series.values.push_back(last);
    }
    report.series.push_back(std::move(series));
  };
  level("nodes up", &Step::nodes_up);
  level("links", &Step::links_up);

  report.faults = faults_;
  for (FaultSpan& fault : report.faults)
    if (fault.to_s < 0) fault.to_s = all;
  for (const auto& [pair, bytes] : pair_bytes_)
    report.graph_links.push_back(
        {static_cast<NodeNumber>(pair >> 32U), static_cast<NodeNumber>(pair), bytes});
  std::ranges::sort(report.graph_links, {},
                    [](const GraphLink& link) { return std::pair(link.from, link.to); });
}

}  // namespace starling::sim
