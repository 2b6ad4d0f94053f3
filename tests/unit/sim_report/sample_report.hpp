// A report in which every field says something else than its default.
#pragma once

#include "simulations/report/report.hpp"

namespace starling::sim {

inline Report sample_report() {
  Report report;
  report.scenario = "villages";
  report.story = "Three villages, one cable.";
  report.replay = "starling sim run villages.toml --seed 18446744073709551615";
  report.seed = 18'446'744'073'709'551'615U;  // more than a double holds
  report.digest = "9f86d081884c7d65";
  report.nodes = 3;
  report.clients = 7;
  report.virtual_s = 900;
  report.fault_phase_ends_s = 600;
  report.wall_s = 4.5;
  report.peak_bytes = 187'000'000;
  report.totals = {{"messages published", 184'223}, {"links made", 12.5}};
  report.delivery = {100, 84.5, 212, 905, 4230, 11870};
  report.delivery_over_mesh = {90, 97, 240, 1020, 5012, 11870};
  report.first_delivery = {12, 612, 1180, 2310, 9800, 11871};
  report.lookup = {45, 312, 640, 1730, 4005, 5102};
  report.lookup_first_value = {44, 139.5, 366, 812, 1404, 2980};
  report.delivery_histogram = {{0, 50, 10}, {50, 100, 60}, {100, 200, 30}};
  report.hops = {{0, 10}, {1, 90}};
  report.step_s = 10;
  report.series = {{"published", "1/s", {1, 2, 3}, "messages"}, {"nodes up", "", {3, 2.5, 3}}};
  report.faults = {{120, 420, "partition: north | south"}, {450, 450, "node 1 unplugged"}};
  report.promises = {
      {"qos1", "All of it comes.", "after fires", PromiseOutcome::Kind::kept, 812, 0, {}},
      {"qos2", "It comes once.", "", PromiseOutcome::Kind::not_seen, 0, 0, {}}};
  report.claims = {{"delivery p90 <= 1500 ms", "212 ms", true}};
  report.graph_nodes = {{0, "north", true, 4}, {1, "north", false, 0}, {2, "south", true, 3}};
  report.graph_links = {{0, 1, 1000}, {2, 0, 2500}};
  return report;
}

inline PromiseOutcome broken_promise(std::string name) {
  return {std::move(name),
          "Nothing is lost.",
          "",
          PromiseOutcome::Kind::broken,
          50,
          2,
          {{421.125, "message 7 has not come to client 3"}}};
}

}  // namespace starling::sim
