// A mesh made small enough to be drawn: neighbouring nodes of one group become clusters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "simulations/report/report.hpp"

namespace starling::sim {

/// One node, or as many as have been put together.
struct DrawnNode {
  std::uint32_t number = 0;  ///< of the first of its nodes
  std::string group;
  std::uint32_t nodes = 1;
  std::uint32_t nodes_up = 1;
  std::uint64_t clients = 0;
};

/// `from` and `to` are places in CondensedGraph::nodes, and differ.
struct DrawnLink {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint64_t bytes = 0;
};

struct CondensedGraph {
  std::vector<DrawnNode> nodes;
  std::vector<DrawnLink> links;      ///< the heaviest first
  std::uint64_t links_left_out = 0;  ///< light ones, above links_max
};

/// At most about `nodes_max` (and one for each group); `links_max` links, the heaviest. Within a group
/// nodes are put together in the order of their numbers. Links to nodes that are not in the report,
/// and those within a cluster, are left out.
CondensedGraph condense(const std::vector<GraphNode>& nodes, const std::vector<GraphLink>& links,
                        std::size_t nodes_max, std::size_t links_max);

}  // namespace starling::sim
