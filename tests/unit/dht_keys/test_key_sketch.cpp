// The sketch of a key's root: what it estimates, and who stands where.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "dht/keys/key_sketch.hpp"

using namespace starling;

namespace {

constexpr UnixSeconds day_length = 24 * 60 * 60;
constexpr UnixSeconds noon = 19'700 * day_length + day_length / 2;
constexpr UnixSeconds midnight = 19'701 * day_length;

struct Crowd {
  explicit Crowd(std::size_t count, unsigned seed = 1) {
    std::mt19937_64 random(seed);
    for (auto& byte : root.bytes) byte = static_cast<std::uint8_t>(random());
    nodes.resize(count);
    for (NodeId& node : nodes)
      for (auto& byte : node.bytes) byte = static_cast<std::uint8_t>(random());
  }
  KeySketch sketch() const {
    KeySketch sketch(root);
    for (const NodeId& node : root_nodes) sketch.add(node);
    return sketch;
  }
  /// Every node looks at the root and files or moves, one after the other. Returns how many moved.
  std::size_t all_look(UnixSeconds now) {
    std::size_t moved = 0;
    for (const NodeId& node : nodes) moved += looks(node, now) ? 1U : 0U;
    return moved;
  }
  bool looks(const NodeId& node, UnixSeconds now) {
    const auto at = places.find(node);
    const auto standing = at == places.end() ? std::nullopt : std::optional(at->second);
    const Shard place = sketch().place_for(node, standing, now);
    places[node] = place;
    if (place == Shard{})
      root_nodes.insert(node);
    else
      root_nodes.erase(node);
    return standing != place;
  }
  void goes(const NodeId& node) {
    places.erase(node);
    root_nodes.erase(node);
  }
  std::size_t at_root() const { return root_nodes.size(); }
  /// Those that a reader finds who reads what the root tells it to, and what it finds on the way.
  std::size_t found(UnixSeconds now, std::size_t shards_max = 160) const {
    std::map<Shard, std::size_t> filed;
    for (const auto& [node, place] : places) ++filed[place];
    const double all = sketch().estimate(now);
    std::set<std::uint8_t> used;
    for (;;) {
      std::set<std::uint8_t> levels;
      std::size_t found = filed[{}];
      for (const Shard shard : shards_to_read(all, used, shards_max)) {
        found += filed[shard];
        if (filed[shard] > 0) levels.insert(shard.level);
      }
      if (levels == used) return found;
      used = levels;
    }
  }

  DhtKey root;
  std::vector<NodeId> nodes;
  std::map<NodeId, Shard> places;
  std::set<NodeId> root_nodes;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(key_sketch)

BOOST_AUTO_TEST_CASE(the_estimate_tells_how_many_there_are) {
  struct Row {
    std::size_t count;
    double least;  // of ten crowds
    double most;
  };
  for (const Row row : {Row{1, 1, 1}, Row{23, 23, 23}, Row{31, 31, 42}, Row{33, 33, 46},
                        Row{100, 65, 155}, Row{1'000, 650, 1'550}, Row{10'000, 6'500, 15'500}}) {
    double sum = 0;
    for (unsigned seed = 1; seed <= 10; ++seed) {
      Crowd crowd(row.count, seed);
      const auto rank = [&](const NodeId& node) {
        return root_rank(crowd.root, node, static_cast<std::uint64_t>(noon / day_length));
      };
      std::map<std::uint64_t, NodeId> ranked;
      for (const NodeId& node : crowd.nodes) ranked[rank(node)] = node;
      KeySketch sketch(crowd.root);
      for (const auto& [at, node] : ranked)
        if (sketch.size() < root_keep + 4) sketch.add(node);
      const double estimate = sketch.estimate(noon);
      BOOST_TEST(estimate >= row.least);
      BOOST_TEST(estimate <= row.most);
      sum += estimate;
    }
    BOOST_TEST(sum / 10 >= 0.9 * static_cast<double>(row.count));
    BOOST_TEST(sum / 10 <= 1.25 * static_cast<double>(row.count));
  }
}

BOOST_AUTO_TEST_CASE(a_root_that_has_lost_some_of_its_nodes_still_tells_the_number) {
  Crowd crowd(1'000);
  crowd.all_look(noon);
  KeySketch sketch(crowd.root);
  std::size_t kept = 0;
  for (const NodeId& node : crowd.nodes)
    if (crowd.places[node] == Shard{} && kept++ % 4 != 0) sketch.add(node);
  BOOST_TEST(sketch.estimate(noon) > 400);
  BOOST_TEST(sketch.estimate(noon) < 1'500);
}

BOOST_AUTO_TEST_CASE(a_node_counts_once_and_a_flood_is_bounded) {
  const Crowd crowd(5'000);
  KeySketch sketch(crowd.root);
  for (int i = 0; i < 100; ++i) sketch.add(crowd.nodes[0]);
  BOOST_TEST(sketch.size() == 1U);
  for (const NodeId& node : crowd.nodes) sketch.add(node);
  BOOST_TEST(sketch.size() == sketch_nodes_max);
}

BOOST_AUTO_TEST_CASE(levels_and_shards) {
  struct Row {
    double estimate;
    int level;
  };
  for (const Row row : {Row{0, 1}, Row{33, 2}, Row{64, 2}, Row{65, 3}, Row{500, 5}, Row{513, 6},
                        Row{1'024, 6}, Row{2'000, 7}, Row{1e12, 16}})
    BOOST_TEST(static_cast<int>(shard_level(row.estimate)) == row.level);
  const Crowd crowd(4'096);
  std::map<Shard, std::size_t> filed;
  for (const NodeId& node : crowd.nodes) {
    const Shard shard = shard_of(crowd.root, node, 6);
    BOOST_TEST(shard.is_valid());
    // A deeper shard lies within the shallower one.
    BOOST_TEST((shard_of(crowd.root, node, 7).index >> 1U) == shard.index);
    ++filed[shard];
  }
  BOOST_TEST(filed.size() == 64U);
  for (const auto& [shard, count] : filed) BOOST_TEST(count < 110U);
}

BOOST_AUTO_TEST_CASE(few_nodes_all_stand_at_the_root) {
  for (const std::size_t count : {1U, 2U, 31U, 32U}) {
    Crowd crowd(count);
    crowd.all_look(noon);
    BOOST_TEST(crowd.at_root() == count);
  }
}

BOOST_AUTO_TEST_CASE(many_nodes_leave_some_forty_at_the_root_and_small_shards) {
  for (const std::size_t count : {100U, 500U, 1'000U}) {
    Crowd crowd(count);
    for (int round = 0; round < 3; ++round) crowd.all_look(noon);
    BOOST_TEST(crowd.at_root() >= root_keep);
    BOOST_TEST(crowd.at_root() <= root_leave);
    std::map<Shard, std::size_t> filed;
    for (const auto& [node, place] : crowd.places) ++filed[place];
    for (const auto& [shard, records] : filed) BOOST_TEST(records <= 40U);
    BOOST_TEST(crowd.found(noon) == count);
  }
}

BOOST_AUTO_TEST_CASE(who_files_while_a_crowd_comes_is_found_all_the_same) {
  Crowd crowd(500);
  crowd.all_look(noon);  // each looked once, at a root that was still filling: all levels are used
  BOOST_TEST(crowd.found(noon) == 500U);
}

BOOST_AUTO_TEST_CASE(nobody_goes_back_and_forth) {
  for (const std::size_t count : {33U, 40U, 45U, 100U, 300U}) {
    Crowd crowd(count);
    for (int round = 0; round < 3; ++round) crowd.all_look(noon);
    std::size_t moved = 0;
    for (int round = 0; round < 5; ++round) moved += crowd.all_look(noon);
    BOOST_TEST(moved == 0U);
  }
}

BOOST_AUTO_TEST_CASE(nodes_that_come_and_go_move_few_others) {
  Crowd crowd(500);
  for (int round = 0; round < 3; ++round) crowd.all_look(noon);
  const Crowd fresh(500, 7);
  std::size_t moved = 0;
  for (std::size_t i = 0; i < 100; ++i) {  // a fifth is replaced
    crowd.goes(crowd.nodes[i]);
    crowd.nodes[i] = fresh.nodes[i];
    crowd.looks(crowd.nodes[i], noon);
    if (i % 10 == 9) moved += crowd.all_look(noon);
    BOOST_TEST(crowd.at_root() >= 24U);
  }
  BOOST_TEST(moved < 60U);
  BOOST_TEST(crowd.found(noon) == 500U);
}

BOOST_AUTO_TEST_CASE(a_mesh_that_shrinks_comes_back_to_the_root) {
  Crowd crowd(500);
  for (int round = 0; round < 3; ++round) crowd.all_look(noon);
  while (crowd.nodes.size() > 30) {
    crowd.goes(crowd.nodes.back());
    crowd.nodes.pop_back();
    if (crowd.nodes.size() % 20 == 0) crowd.all_look(noon);
  }
  crowd.all_look(noon);
  crowd.all_look(noon);
  BOOST_TEST(crowd.at_root() == 30U);
}

BOOST_AUTO_TEST_CASE(midnight_changes_who_stands_at_the_root_and_breaks_nothing) {
  Crowd crowd(300);
  const UnixSeconds evening = midnight - 90 * 60;
  for (int round = 0; round < 3; ++round) crowd.all_look(evening);
  const auto before = crowd.places;
  std::mt19937_64 random(3);
  std::size_t moved = 0;
  // Each node looks every six minutes, at a moment of its own and by a clock up to ten minutes off.
  constexpr UnixSeconds step = 60;
  for (UnixSeconds now = evening; now < midnight + 90 * 60; now += step) {
    for (std::size_t i = 0; i < crowd.nodes.size(); ++i) {
      if ((now / step) % 6 != static_cast<UnixSeconds>(i % 6)) continue;
      const auto off = static_cast<UnixSeconds>(i * 7 % 1'200) - 600;
      moved += crowd.looks(crowd.nodes[i], now + off) ? 1U : 0U;
    }
    BOOST_TEST(crowd.at_root() <= 100U);
    for (const UnixSeconds off : {-600, 0, 600}) {
      const double estimate = crowd.sketch().estimate(now + off);
      BOOST_TEST(estimate > 180);
      BOOST_TEST(estimate < 500);
    }
  }
  BOOST_TEST(moved < 200U);  // some forty come and some forty go
  std::size_t stayed = 0;
  for (const auto& [node, place] : crowd.places)
    if (place == Shard{} && before.at(node) == Shard{}) ++stayed;
  BOOST_TEST(stayed < 15U);
  BOOST_TEST(crowd.at_root() >= root_keep);
}

BOOST_AUTO_TEST_CASE(what_is_read_is_bounded_whatever_a_stranger_files) {
  for (const double estimate : {0.0, 33.0, 500.0, 1e18})
    for (const std::size_t most : {0U, 4U, 160U}) {
      const auto shards = shards_to_read(estimate, {1, 5, 9, 16}, most);
      BOOST_TEST(shards.size() <= most);
      BOOST_TEST((std::set<Shard>(shards.begin(), shards.end()).size() == shards.size()));
    }
  BOOST_TEST(shards_to_read(32, {}, 160).empty());
  BOOST_TEST(shards_to_read(500, {}, 160).size() == 32U + 4 + 4);
}

BOOST_AUTO_TEST_SUITE_END()
