#include "simulations/report/report_json.hpp"

namespace starling::sim {

namespace {

std::string_view name_of(PromiseOutcome::Kind kind) {
  switch (kind) {
    case PromiseOutcome::Kind::kept:
      return "kept";
    case PromiseOutcome::Kind::broken:
      return "broken";
    case PromiseOutcome::Kind::not_seen:
      return "not_seen";
  }
  return "not_seen";
}

Json json_of(const Quantiles& quantiles) {
  return {{"count", quantiles.count},     {"p50_ms", quantiles.p50_ms},
          {"p90_ms", quantiles.p90_ms},   {"p99_ms", quantiles.p99_ms},
          {"p999_ms", quantiles.p999_ms}, {"max_ms", quantiles.max_ms}};
}

Json json_of(const HistogramBar& bar) {
  return {{"from_ms", bar.from_ms}, {"to_ms", bar.to_ms}, {"count", bar.count}};
}

Json json_of(const Series& series) {
  return {{"name", series.name},
          {"unit", series.unit},
          {"plot", series.plot},
          {"values", series.values}};
}

Json json_of(const FaultSpan& fault) {
  return {{"from_s", fault.from_s}, {"to_s", fault.to_s}, {"what", fault.what}};
}

Json json_of(const PromiseOutcome& promise) {
  Json examples = Json::array();
  for (const auto& [at_s, what] : promise.examples)
    examples.push_back(Json{{"at_s", at_s}, {"what", what}});
  return {{"name", promise.name},
          {"promise", promise.promise},
          {"not_promised", promise.not_promised},
          {"kind", name_of(promise.kind)},
          {"seen", promise.seen},
          {"broken", promise.broken},
          {"examples", std::move(examples)}};
}

Json json_of(const ClaimOutcome& claim) {
  return {{"claim", claim.claim}, {"measured", claim.measured}, {"holds", claim.holds}};
}

template <typename Item>
Json json_of_all(const std::vector<Item>& items) {
  Json array = Json::array();
  for (const Item& item : items) array.push_back(json_of(item));
  return array;
}

}  // namespace

Json json_of_nodes(const std::vector<GraphNode>& nodes) {
  Json array = Json::array();
  for (const GraphNode& node : nodes)
    array.push_back(Json{{"number", node.number},
                         {"group", node.group},
                         {"is_up", node.is_up},
                         {"clients", node.clients}});
  return array;
}

Json json_of_links(const std::vector<GraphLink>& links) {
  Json array = Json::array();
  for (const GraphLink& link : links)
    array.push_back(Json{{"from", link.from}, {"to", link.to}, {"bytes", link.bytes}});
  return array;
}

Json json_without_graph(const Report& report) {
  Json totals = Json::array();  // in the order they were written: not an object
  for (const auto& [name, value] : report.totals)
    totals.push_back(Json{{"name", name}, {"value", value}});
  Json hops = Json::array();
  for (const auto& [links, count] : report.hops)
    hops.push_back(Json{{"links", links}, {"count", count}});

  return {{"scenario", report.scenario},
          {"story", report.story},
          {"replay", report.replay},
          {"seed", std::to_string(report.seed)},
          {"digest", report.digest},
          {"is_good", report.is_good()},
          {"nodes", report.nodes},
          {"clients", report.clients},
          {"virtual_s", report.virtual_s},
          {"fault_phase_ends_s", report.fault_phase_ends_s},
          {"run", {{"wall_s", report.wall_s}, {"peak_bytes", report.peak_bytes}}},
          {"totals", std::move(totals)},
          {"delivery", json_of(report.delivery)},
          {"delivery_over_mesh", json_of(report.delivery_over_mesh)},
          {"first_delivery", json_of(report.first_delivery)},
          {"lookup", json_of(report.lookup)},
          {"lookup_first_value", json_of(report.lookup_first_value)},
          {"delivery_histogram", json_of_all(report.delivery_histogram)},
          {"hops", std::move(hops)},
          {"step_s", report.step_s},
          {"series", json_of_all(report.series)},
          {"faults", json_of_all(report.faults)},
          {"promises", json_of_all(report.promises)},
          {"claims", json_of_all(report.claims)}};
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string write_json(const Report& report) {
  Json json = json_without_graph(report);
  json["graph_nodes"] = json_of_nodes(report.graph_nodes);
  json["graph_links"] = json_of_links(report.graph_links);

  // One line per field: two runs can be compared with diff.
  std::string text = "{";
  const char* separator = "\n";
  for (const auto& [name, value] : json.items()) {
    text += separator + dump(name) + ": " + dump(value);
    separator = ",\n";
  }
  return text + "\n}\n";
}

}  // namespace starling::sim
