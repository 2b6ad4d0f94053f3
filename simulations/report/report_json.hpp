// The Report as a JSON document: what write_json() writes and what write_html() puts into its page.
#pragma once

#include <nlohmann/json.hpp>

#include "simulations/report/report.hpp"

namespace starling::sim {

using Json = nlohmann::ordered_json;

/// All fields but the graph's, in the order of Report.
Json json_without_graph(const Report& report);
Json json_of_nodes(const std::vector<GraphNode>& nodes);
Json json_of_links(const std::vector<GraphLink>& links);

/// Text that is not UTF-8 is mended, never refused: names come from users' files.
std::string dump(const Json& json);

}  // namespace starling::sim
