#include <boost/test/unit_test.hpp>

#include "simulations/report/condensed_graph.hpp"

using namespace starling::sim;

BOOST_AUTO_TEST_SUITE(condensed_graph)

BOOST_AUTO_TEST_CASE(a_small_mesh_stays_as_it_is) {
  const std::vector<GraphNode> nodes{{5, "a", true, 2}, {9, "b", false, 0}};
  const CondensedGraph graph = condense(nodes, {{9, 5, 100}, {5, 9, 11}}, 10, 10);

  BOOST_REQUIRE(graph.nodes.size() == 2U);
  BOOST_TEST(graph.nodes[0].number == 5U);
  BOOST_TEST(graph.nodes[0].nodes_up == 1U);
  BOOST_TEST(graph.nodes[1].nodes_up == 0U);
  BOOST_REQUIRE(graph.links.size() == 1U);  // both ways are one line
  BOOST_TEST(graph.links[0].bytes == 111U);
  BOOST_TEST(graph.links_left_out == 0U);
}

BOOST_AUTO_TEST_CASE(neighbours_of_a_group_become_one_and_groups_never_mix) {
  std::vector<GraphNode> nodes;
  for (std::uint32_t i = 0; i < 12; ++i)
    nodes.push_back({i, i % 2 == 0 ? "even" : "odd", i != 4, i});
  const CondensedGraph graph =
      condense(nodes, {{0, 2, 50}, {0, 1, 7}, {2, 3, 5}, {10, 11, 1}}, 4, 10);

  BOOST_REQUIRE(graph.nodes.size() == 4U);
  BOOST_TEST(graph.nodes[0].group == "even");
  BOOST_TEST(graph.nodes[0].nodes == 3U);
  BOOST_TEST(graph.nodes[0].nodes_up == 2U);
  BOOST_TEST(graph.nodes[0].clients == 0U + 2U + 4U);
  BOOST_TEST(graph.nodes[1].group == "odd");
  // 0-2 lies inside; 0-1 and 2-3 are one; 10-11 is another.
  BOOST_REQUIRE(graph.links.size() == 2U);
  BOOST_TEST(graph.links[0].bytes == 12U);
  BOOST_TEST(graph.links[1].bytes == 1U);
}

BOOST_AUTO_TEST_CASE(light_links_are_left_out_and_counted) {
  const std::vector<GraphNode> nodes{{0, "", true, 0}, {1, "", true, 0}, {2, "", true, 0}};
  const CondensedGraph graph = condense(nodes, {{0, 1, 5}, {1, 2, 50}, {0, 2, 7}}, 10, 2);

  BOOST_REQUIRE(graph.links.size() == 2U);
  BOOST_TEST(graph.links[0].bytes == 50U);
  BOOST_TEST(graph.links[1].bytes == 7U);
  BOOST_TEST(graph.links_left_out == 1U);
}

BOOST_AUTO_TEST_CASE(links_to_nobody_are_not_drawn) {
  const CondensedGraph graph = condense({{0, "", true, 0}}, {{0, 77, 5}, {0, 0, 5}}, 10, 10);
  BOOST_TEST(graph.links.empty());
  BOOST_TEST(condense({}, {{0, 1, 5}}, 0, 0).nodes.empty());
}

BOOST_AUTO_TEST_SUITE_END()
