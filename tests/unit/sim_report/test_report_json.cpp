#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <limits>
#include <nlohmann/json.hpp>

#include "simulations/report/report.hpp"
#include "tests/unit/sim_report/sample_report.hpp"

using namespace starling::sim;
using Json = nlohmann::json;

namespace {

Json quantiles(const Quantiles& from) {
  return {{"count", from.count},   {"p50_ms", from.p50_ms},   {"p90_ms", from.p90_ms},
          {"p99_ms", from.p99_ms}, {"p999_ms", from.p999_ms}, {"max_ms", from.max_ms}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report_json)

BOOST_AUTO_TEST_CASE(every_field_can_be_read_back) {
  const Report report = sample_report();
  const Json json = Json::parse(write_json(report));

  const Json expected = {
      {"scenario", "villages"},
      {"story", "Three villages, one cable."},
      {"replay", "starling sim run villages.toml --seed 18446744073709551615"},
      {"seed", "18446744073709551615"},
      {"digest", "9f86d081884c7d65"},
      {"is_good", true},
      {"nodes", 3},
      {"clients", 7},
      {"virtual_s", 900.0},
      {"fault_phase_ends_s", 600.0},
      {"run", {{"wall_s", 4.5}, {"peak_bytes", 187'000'000}}},
      {"totals", Json::array({{{"name", "messages published"}, {"value", 184'223.0}},
                              {{"name", "links made"}, {"value", 12.5}}})},
      {"delivery", quantiles(report.delivery)},
      {"delivery_over_mesh", quantiles(report.delivery_over_mesh)},
      {"first_delivery", quantiles(report.first_delivery)},
      {"lookup", quantiles(report.lookup)},
      {"lookup_first_value", quantiles(report.lookup_first_value)},
      {"delivery_histogram", Json::array({{{"from_ms", 0.0}, {"to_ms", 50.0}, {"count", 10}},
                                          {{"from_ms", 50.0}, {"to_ms", 100.0}, {"count", 60}},
                                          {{"from_ms", 100.0}, {"to_ms", 200.0}, {"count", 30}}})},
      {"hops", Json::array({{{"links", 0}, {"count", 10}}, {{"links", 1}, {"count", 90}}})},
      {"step_s", 10.0},
      {"series",
       Json::array(
           {{{"name", "published"},
             {"unit", "1/s"},
             {"plot", "messages"},
             {"values", {1.0, 2.0, 3.0}}},
            {{"name", "nodes up"}, {"unit", ""}, {"plot", ""}, {"values", {3.0, 2.5, 3.0}}}})},
      {"faults",
       Json::array({{{"from_s", 120.0}, {"to_s", 420.0}, {"what", "partition: north | south"}},
                    {{"from_s", 450.0}, {"to_s", 450.0}, {"what", "node 1 unplugged"}}})},
      {"promises", Json::array({{{"name", "qos1"},
                                 {"promise", "All of it comes."},
                                 {"not_promised", "after fires"},
                                 {"kind", "kept"},
                                 {"seen", 812},
                                 {"broken", 0},
                                 {"examples", Json::array()}},
                                {{"name", "qos2"},
                                 {"promise", "It comes once."},
                                 {"not_promised", ""},
                                 {"kind", "not_seen"},
                                 {"seen", 0},
                                 {"broken", 0},
                                 {"examples", Json::array()}}})},
      {"claims",
       Json::array(
           {{{"claim", "delivery p90 <= 1500 ms"}, {"measured", "212 ms"}, {"holds", true}}})},
      {"graph_nodes",
       Json::array({{{"number", 0}, {"group", "north"}, {"is_up", true}, {"clients", 4}},
                    {{"number", 1}, {"group", "north"}, {"is_up", false}, {"clients", 0}},
                    {{"number", 2}, {"group", "south"}, {"is_up", true}, {"clients", 3}}})},
      {"graph_links", Json::array({{{"from", 0}, {"to", 1}, {"bytes", 1000}},
                                   {{"from", 2}, {"to", 0}, {"bytes", 2500}}})}};
  for (const auto& [name, value] : expected.items())
    BOOST_TEST(json.at(name) == value, name << ": " << json.at(name) << " is not " << value);
  BOOST_TEST(json.size() == expected.size());
}

BOOST_AUTO_TEST_CASE(examples_of_a_broken_promise_are_told_with_their_instants) {
  Report report = sample_report();
  report.promises = {broken_promise("qos1")};

  const Json json = Json::parse(write_json(report));

  const Json example = {{"at_s", 421.125}, {"what", "message 7 has not come to client 3"}};
  BOOST_TEST(json["promises"][0]["kind"] == "broken");
  BOOST_TEST(json["promises"][0]["examples"] == Json::array({example}));
  BOOST_TEST(json["is_good"] == false);
}

BOOST_AUTO_TEST_CASE(two_runs_of_a_seed_differ_in_one_line) {
  Report report = sample_report();
  const std::string once = write_json(report);
  report.wall_s = 9;
  report.peak_bytes = 1;
  const std::string again = write_json(report);

  const auto lines = [](const std::string& text) {
    std::vector<std::string> result(1);
    for (const char c : text) c == '\n' ? result.emplace_back() : result.back() += c;
    return result;
  };
  const auto first = lines(once);
  const auto second = lines(again);
  BOOST_REQUIRE(first.size() == second.size());
  int differences = 0;
  for (std::size_t i = 0; i < first.size(); ++i) differences += first[i] != second[i] ? 1 : 0;
  BOOST_TEST(differences == 1);
}

BOOST_AUTO_TEST_CASE(an_empty_report_has_all_fields_too) {
  const Json full = Json::parse(write_json(sample_report()));
  const Json empty = Json::parse(write_json(Report{}));
  for (const auto& [name, value] : full.items()) BOOST_TEST(empty.contains(name), name);
}

BOOST_AUTO_TEST_CASE(numbers_that_are_none_and_text_that_is_not_utf8_do_not_spoil_the_file) {
  Report report = sample_report();
  report.series[0].values = {1, std::numeric_limits<double>::quiet_NaN(), 3};
  report.scenario = "caf\xE9";

  const Json json = Json::parse(write_json(report));

  BOOST_TEST(json["series"][0]["values"][1].is_null());
  BOOST_TEST(json["scenario"] == "caf\xEF\xBF\xBD");
}

BOOST_AUTO_TEST_CASE(a_run_is_good_if_nothing_is_broken_and_all_claims_hold) {
  BOOST_TEST(sample_report().is_good());  // what was not seen does not count against it

  Report broken = sample_report();
  broken.promises.push_back(broken_promise("order"));
  BOOST_TEST(!broken.is_good());

  Report counted = sample_report();
  counted.promises[0].broken = 1;  // whatever its kind says
  BOOST_TEST(!counted.is_good());

  Report failed = sample_report();
  failed.claims.push_back({"no loss", "3 lost", false});
  BOOST_TEST(!failed.is_good());
}

BOOST_AUTO_TEST_SUITE_END()
