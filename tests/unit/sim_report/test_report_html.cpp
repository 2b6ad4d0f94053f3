#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>

#include "simulations/report/report.hpp"
#include "tests/unit/sim_report/sample_report.hpp"

using namespace starling::sim;
using Json = nlohmann::json;

namespace {

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

/// What the page's script parses.
Json data_of(const std::string& html) {
  const std::string begin = R"(<script type="application/json" id="data">)";
  const std::size_t from = html.find(begin) + begin.size();
  return Json::parse(html.substr(from, html.find("</script>", from) - from));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report_html)

BOOST_AUTO_TEST_CASE(it_is_one_file_that_asks_nobody) {
  const std::string html = write_html(sample_report());

  for (const char* reference : {"http://", "https://", "src=", "@import", "url(",
                                "<link rel=\"stylesheet\"", "fetch(", "XMLHttpRequest", "import("})
    BOOST_TEST(count(html, reference) == 0U, reference);
  // And if one were overlooked, the browser would not follow it.
  BOOST_TEST(count(html, "default-src 'none'") == 1U);
  BOOST_TEST(html.starts_with("<!DOCTYPE html>"));
  BOOST_TEST(html.ends_with("</html>\n"));
  BOOST_TEST(count(html, "@TITLE@") + count(html, "@DATA@") + count(html, "@SCRIPT@")
                 + count(html, "@STYLE@") + count(html, "@TEXT@")
             == 0U);
}

BOOST_AUTO_TEST_CASE(text_of_the_report_is_never_html) {
  const std::string usual = write_html(sample_report());
  const std::string evil = "</script><b onload=x>&\"'<!--@SCRIPT@";
  Report report = sample_report();
  report.scenario = report.story = report.replay = report.digest = evil;
  report.totals[0].first = report.series[0].name = report.series[0].unit = report.series[0].plot =
      evil;
  report.faults[0].what = report.graph_nodes[0].group = evil;
  report.promises = {broken_promise(evil)};
  report.promises[0].promise = report.promises[0].not_promised =
      report.promises[0].examples[0].second = evil;
  report.claims[0].claim = report.claims[0].measured = evil;

  const std::string html = write_html(report);

  BOOST_TEST(count(html, "</script>") == count(usual, "</script>"));
  BOOST_TEST(count(html, "<b onload") == 0U);
  BOOST_TEST(count(html, "<!--") == 0U);
  BOOST_TEST(count(html, "buildPage(JSON.parse") == 1U);  // @SCRIPT@ in a name is a name
  const Json data = data_of(html);
  BOOST_TEST(data["scenario"] == evil);
  BOOST_TEST(data["graph"]["nodes"][0]["group"] == evil);
  BOOST_TEST(data["promises"][0]["examples"][0]["what"] == evil);
}

BOOST_AUTO_TEST_CASE(the_script_never_makes_html_of_text) {
  const std::string html = write_html(sample_report());
  for (const char* door :
       {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("})
    BOOST_TEST(count(html, door) == 0U, door);
}

BOOST_AUTO_TEST_CASE(the_page_has_what_the_json_report_has) {
  const Report report = sample_report();
  const Json page = data_of(write_html(report));
  Json full = Json::parse(write_json(report));
  full.erase("graph_nodes");
  full.erase("graph_links");
  for (const auto& [name, value] : full.items())
    BOOST_TEST(page.at(name) == value, name << " differs");
  BOOST_TEST(page["verdict"] == "The promise is kept, the claim holds (1 promise not seen)");
  BOOST_TEST(page["graph"]["nodes"].size() == 3U);
  BOOST_TEST(page["graph"]["links"] == Json::parse("[[0,2,2500],[0,1,1000]]"));
}

BOOST_AUTO_TEST_CASE(a_huge_mesh_and_endless_faults_make_a_page_of_bounded_size) {
  Report report = sample_report();
  report.graph_nodes.clear();
  report.graph_links.clear();
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    report.graph_nodes.push_back({i, i % 3 == 0 ? "north" : "south", i % 2 == 0, 1});
    report.graph_links.push_back({i, i * 7919 % 20'000, i});
  }
  for (int i = 0; i < 20'000; ++i) report.faults.push_back({1.0 * i, 1.0 * i + 5, "node killed"});

  const Json page = data_of(write_html(report));

  BOOST_TEST(page["graph"]["nodes"].size() <= 402U);
  BOOST_TEST(page["graph"]["links"].size() <= 2'500U);
  BOOST_TEST(page["faults"].size() == 5'000U);
  BOOST_TEST(page["fault_count"] == 20'002U);
  std::uint64_t nodes = 0;
  for (const Json& node : page["graph"]["nodes"]) nodes += node["nodes"].get<std::uint64_t>();
  BOOST_TEST(nodes == 20'000U);
}

BOOST_AUTO_TEST_CASE(without_scripts_it_reads_as_in_a_terminal) {
  const std::string html = write_html(sample_report());
  const std::size_t from = html.find("<noscript><pre>");
  const std::string text = html.substr(from, html.find("</pre>", from) - from);
  BOOST_TEST(count(text, "PUBLISH to delivery") == 1U);
  BOOST_TEST(count(text, "delivery p90 &lt;= 1500 ms") == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
