// The HTML report: the parts of page/ put together, with the report as one JSON document inside. The
// script builds everything from that document with textContent; what is written into the HTML here is
// escaped. Whoever has scripts switched off reads what a terminal would show.
#include <string>
#include <string_view>

#include "simulations/report/condensed_graph.hpp"
#include "simulations/report/page.hpp"
#include "simulations/report/report.hpp"
#include "simulations/report/report_json.hpp"
#include "simulations/report/wording.hpp"

namespace starling::sim {

namespace {

// What a browser lays out and draws fluently; a run of 100 000 nodes would be a file of 100 MB.
constexpr std::size_t drawn_nodes_max = 1'500;
constexpr std::size_t drawn_links_max = 8'000;
// Clusters are larger dots: of more than these nothing could be made out.
constexpr std::size_t clusters_max = 400;
constexpr std::size_t links_between_clusters_max = 2'500;
constexpr std::size_t listed_faults_max = 5'000;

std::string escaped_for_html(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

/// JSON inside <script>: "</script>" and "<!--" would end it or hide its end. '<' occurs only in
/// strings, where this says the same.
std::string escaped_for_script(const std::string& json) {
  std::string result;
  result.reserve(json.size());
  for (const char c : json) {
    if (c == '<')
      result += "\\u003c";
    else
      result += c;
  }
  return result;
}

Json json_of(const CondensedGraph& graph) {
  Json nodes = Json::array();
  for (const DrawnNode& node : graph.nodes)
    nodes.push_back(Json{{"number", node.number},
                         {"group", node.group},
                         {"nodes", node.nodes},
                         {"nodes_up", node.nodes_up},
                         {"clients", node.clients}});
  Json links = Json::array();  // triples: there are many
  for (const DrawnLink& link : graph.links)
    links.push_back(Json::array({link.from, link.to, link.bytes}));
  return {{"nodes", std::move(nodes)},
          {"links", std::move(links)},
          {"links_left_out", graph.links_left_out}};
}

/// The page's document: the report, with the mesh as it is drawn, and with the sentence that judges.
std::string page_data(const Report& report) {
  Json json = json_without_graph(report);
  json["verdict"] = verdict(report);
  json["fault_count"] = report.faults.size();
  Json& faults = json["faults"];
  if (faults.size() > listed_faults_max)
    faults.erase(faults.begin() + listed_faults_max, faults.end());
  const bool fits = report.graph_nodes.size() <= drawn_nodes_max;
  json["graph"] = json_of(condense(report.graph_nodes, report.graph_links,
                                   fits ? drawn_nodes_max : clusters_max,
                                   fits ? drawn_links_max : links_between_clusters_max));
  return escaped_for_script(dump(json));
}

/// The template with each @NAME@ replaced; what has been put in is not looked at again.
std::string filled(std::string_view page, const Report& report) {
  std::string result;
  while (true) {
    const std::size_t begin = page.find('@');
    if (begin == std::string_view::npos) break;
    const std::size_t end = page.find('@', begin + 1);
    if (end == std::string_view::npos) break;
    const std::string_view name = page.substr(begin + 1, end - begin - 1);
    result += page.substr(0, begin);
    if (name == "TITLE")
      result += escaped_for_html(shortened(report.scenario, 200));
    else if (name == "TEXT")
      result += escaped_for_html(write_text(report));
    else if (name == "STYLE")
      result += page_style;
    else if (name == "SCRIPT")
      result += page_script;
    else if (name == "DATA")
      result += page_data(report);
    page.remove_prefix(end + 1);
  }
  return result.append(page);
}

}  // namespace

std::string write_html(const Report& report) {
  return filled(page_html, report);
}

}  // namespace starling::sim
