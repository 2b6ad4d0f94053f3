#include "simulations/report/condensed_graph.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace starling::sim {

namespace {

/// Nodes of one group that stand together.
struct Cluster {
  std::uint32_t place = 0;
  std::size_t room_left = 0;
};

}  // namespace

CondensedGraph condense(const std::vector<GraphNode>& nodes, const std::vector<GraphLink>& links,
                        std::size_t nodes_max, std::size_t links_max) {
  CondensedGraph graph;
  const std::size_t cluster_size = std::max<std::size_t>(
      1, (nodes.size() + nodes_max - 1) / std::max<std::size_t>(nodes_max, 1));

  std::map<std::string, Cluster> open;  // of each group, the cluster that is being filled
  std::unordered_map<std::uint32_t, std::uint32_t> place_of;
  for (const GraphNode& node : nodes) {
    Cluster& cluster = open[node.group];
    if (cluster.room_left == 0) {
      cluster = {static_cast<std::uint32_t>(graph.nodes.size()), cluster_size};
      graph.nodes.push_back({node.number, node.group, 0, 0, 0});
    }
    --cluster.room_left;
    DrawnNode& drawn = graph.nodes[cluster.place];
    drawn.nodes += 1;
    drawn.nodes_up += node.is_up ? 1 : 0;
    drawn.clients += node.clients;
    place_of.emplace(node.number, cluster.place);
  }

  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> bytes_between;
  for (const GraphLink& link : links) {
    const auto from = place_of.find(link.from);
    const auto to = place_of.find(link.to);
    if (from == place_of.end() || to == place_of.end() || from->second == to->second) continue;
    bytes_between[std::minmax(from->second, to->second)] += link.bytes;
  }
  for (const auto& [ends, bytes] : bytes_between)
    graph.links.push_back({ends.first, ends.second, bytes});
  std::ranges::stable_sort(graph.links, std::ranges::greater{}, &DrawnLink::bytes);
  if (graph.links.size() > links_max) {
    graph.links_left_out = graph.links.size() - links_max;
    graph.links.resize(links_max);
  }
  return graph;
}

}  // namespace starling::sim
