#include <boost/test/unit_test.hpp>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "bridge/routing/interest_table.hpp"
#include "tests/support/random_topics.hpp"
#include "tests/unit/routing/routing_support.hpp"

using namespace starling;
using namespace starling::test;
using boost::unit_test::label;

namespace {

std::vector<int> wanting(const InterestTable& table, MeshIndex mesh, std::string_view topic) {
  std::multiset<int> found;
  table.match(mesh, name(topic),
              [&](const InterestTable::Match& match) { found.insert(match.peer.bytes[0]); });
  return {found.begin(), found.end()};
}
InterestChange comes(const Interest& what) {
  return InterestChange{what, true};
}
InterestChange goes(const Interest& what) {
  return InterestChange{what, false};
}
using Peers = std::vector<int>;

}  // namespace

BOOST_AUTO_TEST_SUITE(interest_table)

BOOST_AUTO_TEST_CASE(a_name_finds_the_peers_that_want_it) {
  InterestTable interests(2, HashSeed{1, 2});
  BOOST_TEST(interests.change(peer(1), 0, comes(interest("home/#"))).ok());
  BOOST_TEST(interests.change(peer(2), 0, comes(interest("home/+"))).ok());
  BOOST_TEST(interests.change(peer(2), 0, comes(interest("home/a"))).ok());
  BOOST_TEST(wanting(interests, 0, "home/a") == (Peers{1, 2, 2}));
  BOOST_TEST(wanting(interests, 0, "home/a/b") == (Peers{1}));
  BOOST_TEST(wanting(interests, 0, "x").empty());
  BOOST_TEST(interests.is_wanted(0, name("home")));
  BOOST_TEST(!interests.is_wanted(0, name("x")));
  BOOST_TEST(interests.count_of(peer(2)) == 2U);
}

BOOST_AUTO_TEST_CASE(meshes_do_not_see_each_other) {
  InterestTable interests(2, HashSeed{1, 2});
  BOOST_TEST(interests.change(peer(1), 0, comes(interest("a"))).ok());
  BOOST_TEST(wanting(interests, 1, "a").empty());
  BOOST_TEST(interests.change(peer(1), 1, comes(interest("a"))).ok());
  interests.drop(peer(1), 0);
  BOOST_TEST(wanting(interests, 0, "a").empty());
  BOOST_TEST(wanting(interests, 1, "a") == (Peers{1}));
  BOOST_TEST(interests.peer_count() == 1U);
}

BOOST_AUTO_TEST_CASE(a_change_replaces_what_was_told_before) {
  InterestTable interests(2, HashSeed{1, 2});
  const auto told = [&] { return interests.interests_of(peer(1), 0); };
  BOOST_TEST(interests.change(peer(1), 0, comes(interest("a"))).ok());
  const auto generation = interests.generation();
  BOOST_TEST(interests.change(peer(1), 0, comes(interest("a"))).ok());
  BOOST_TEST(interests.generation() == generation);  // nothing new
  BOOST_TEST(interests.change(peer(1), 0, comes(interest("a", QoS::exactly_once, true))).ok());
  BOOST_TEST(interests.generation() > generation);
  BOOST_TEST((told() == std::vector<Interest>{interest("a", QoS::exactly_once, true)}));
  BOOST_TEST(interests.has_durable(peer(1)));
  bool seen = false;
  interests.match(0, name("a"), [&](const InterestTable::Match& match) {
    seen = match.durable && match.qos_max == QoS::exactly_once;
  });
  BOOST_TEST(seen);
  BOOST_TEST(interests.change(peer(1), 0, comes(interest("a"))).ok());
  BOOST_TEST(!interests.has_durable(peer(1)));
}

BOOST_AUTO_TEST_CASE(what_goes_is_gone_and_taking_twice_is_no_error) {
  InterestTable interests(2, HashSeed{1, 2});
  BOOST_TEST(interests.change(peer(1), 0, goes(interest("a"))).ok());
  BOOST_TEST(interests.change(peer(1), 0, comes(interest("a"))).ok());
  BOOST_TEST(interests.change(peer(1), 0, goes(interest("b"))).ok());
  BOOST_TEST(interests.change(peer(1), 0, goes(interest("a"))).ok());
  BOOST_TEST(interests.change(peer(1), 0, goes(interest("a"))).ok());
  BOOST_TEST(interests.peer_count() == 0U);
  BOOST_TEST(wanting(interests, 0, "a").empty());
}

BOOST_AUTO_TEST_CASE(a_full_set_replaces_everything_of_that_mesh) {
  InterestTable interests(2, HashSeed{1, 2});
  BOOST_TEST(interests.replace(peer(1), 0, {interest("a"), interest("b")}).ok());
  BOOST_TEST(interests.replace(peer(1), 1, {interest("c")}).ok());
  BOOST_TEST(interests.replace(peer(2), 0, {interest("a")}).ok());
  BOOST_TEST(
      interests.replace(peer(1), 0, {interest("b", QoS::at_least_once), interest("d")}).ok());
  BOOST_TEST(wanting(interests, 0, "a") == (Peers{2}));
  BOOST_TEST(wanting(interests, 0, "b") == (Peers{1}));
  BOOST_TEST(wanting(interests, 0, "d") == (Peers{1}));
  BOOST_TEST(wanting(interests, 1, "c") == (Peers{1}));
  BOOST_TEST(interests.replace(peer(1), 0, {}).ok());
  BOOST_TEST(interests.count_of(peer(1)) == 1U);
}

BOOST_AUTO_TEST_CASE(live_interests_end_with_the_link_and_durable_ones_stay) {
  InterestTable interests(2, HashSeed{1, 2});
  BOOST_TEST(
      interests.replace(peer(1), 0, {interest("a"), interest("b", QoS::at_least_once, true)}).ok());
  BOOST_TEST(interests.replace(peer(1), 1, {interest("c")}).ok());
  BOOST_TEST(interests.drop_live(peer(1)) == 1U);
  BOOST_TEST(!interests.is_wanted(0, name("a")));
  BOOST_TEST(interests.is_wanted(0, name("b")));
  BOOST_TEST(!interests.is_wanted(1, name("c")));
  interests.drop(peer(1));
  BOOST_TEST(interests.peer_count() == 0U);
  BOOST_TEST(interests.drop_live(peer(1)) == 0U);
}

BOOST_AUTO_TEST_CASE(dollar_topics_and_bottomless_filters_are_refused, *label("MQTT-4.7.2-1")) {
  InterestTable interests(2, HashSeed{1, 2});
  BOOST_TEST((interests.change(peer(1), 0, comes(interest("$SYS/#"))).error().code
              == Errc::not_authorized));
  std::string deep = "a";
  for (std::size_t i = 1; i < limits::topic_levels_max; ++i) deep += "/+";
  BOOST_TEST(interests.change(peer(1), 0, comes(interest(deep))).ok());
  BOOST_TEST(
      (interests.change(peer(1), 0, comes(interest(deep + "/+"))).error().code == Errc::too_large));
}

BOOST_AUTO_TEST_CASE(a_peer_may_ask_for_so_much_and_no_more) {
  InterestTableBounds bounds;
  bounds.filters_per_peer_max = 2;
  InterestTable interests(2, HashSeed{1, 2}, bounds);
  BOOST_TEST(interests.change(peer(1), 0, comes(interest("a"))).ok());
  BOOST_TEST(interests.change(peer(1), 1, comes(interest("a"))).ok());  // all meshes count
  BOOST_TEST(
      (interests.change(peer(1), 0, comes(interest("b"))).error().code == Errc::quota_exceeded));
  BOOST_TEST(interests.change(peer(1), 0, comes(interest("a", QoS::at_least_once))).ok());
  BOOST_TEST(interests.change(peer(2), 0, comes(interest("b"))).ok());
  BOOST_TEST(interests.change(peer(1), 1, goes(interest("a"))).ok());
  BOOST_TEST(interests.change(peer(1), 0, comes(interest("b"))).ok());
  // A full set of others finds the room that the old ones leave.
  BOOST_TEST(interests.replace(peer(1), 0, {interest("x"), interest("y")}).ok());
  const auto over =
      interests.replace(peer(1), 0, {interest("p"), interest("$q"), interest("x"), interest("z")});
  BOOST_TEST((over.error().code == Errc::not_authorized));  // the first refusal
  BOOST_TEST(interests.count_of(peer(1)) == 2U);
}

BOOST_AUTO_TEST_CASE(bytes_and_peers_are_bounded) {
  InterestTableBounds bounds;
  bounds.bytes_per_peer_max = 10;
  bounds.peers_max = 1;
  InterestTable interests(2, HashSeed{1, 2}, bounds);
  BOOST_TEST(!interests.change(peer(1), 0, comes(interest("elevenbytes"))).ok());
  BOOST_TEST(interests.peer_count() == 0U);  // a refusal leaves nothing behind
  BOOST_TEST(interests.change(peer(1), 0, comes(shared("five5", "five5"))).ok());
  BOOST_TEST(!interests.change(peer(1), 0, comes(interest("a"))).ok());
  BOOST_TEST(
      (interests.change(peer(2), 0, comes(interest("a"))).error().code == Errc::quota_exceeded));
  interests.drop(peer(1));
  BOOST_TEST(interests.change(peer(2), 0, comes(interest("a"))).ok());
}

BOOST_AUTO_TEST_CASE(groups_are_told_apart_by_name_and_filter) {
  InterestTable interests(2, HashSeed{1, 2});
  BOOST_TEST(
      interests.replace(peer(1), 0, {shared("a/#", "g"), shared("a/+", "g"), interest("a/#")})
          .ok());
  BOOST_TEST(interests.replace(peer(2), 0, {shared("a/#", "g"), shared("a/#", "h")}).ok());
  std::set<std::tuple<std::string, std::string>> groups;
  std::map<std::uint32_t, int> members;
  interests.match(0, name("a/x"), [&](const InterestTable::Match& match) {
    ++members[match.group];
    if (match.group == 0) return;
    groups.emplace(interests.group_name(match.group), interests.group_filter(match.group).text());
  });
  BOOST_TEST(groups.size() == 3U);
  BOOST_TEST(members.size() == 4U);
  BOOST_TEST(members[0] == 1);
  BOOST_TEST(interests.change(peer(1), 0, goes(shared("a/#", "g"))).ok());
  BOOST_TEST(wanting(interests, 0, "a/x") == (Peers{1, 1, 2, 2}));
  interests.drop(peer(2));
  BOOST_TEST(wanting(interests, 0, "a/x") == (Peers{1, 1}));
}

BOOST_AUTO_TEST_CASE(a_random_history_agrees_with_a_simple_model) {
  SeededRandom random(31);
  InterestTableBounds bounds;
  bounds.filters_per_peer_max = 25;
  InterestTable interests(2, HashSeed{1, 2}, bounds);
  using Key = std::tuple<int, MeshIndex, std::string, std::string>;
  std::map<Key, Interest> model;
  const auto count_of = [&](int who) {
    return static_cast<std::size_t>(std::ranges::count_if(
        model, [&](const auto& each) { return std::get<0>(each.first) == who; }));
  };
  for (int step = 0; step < 8'000; ++step) {
    const int who = 1 + static_cast<int>(random.upto(4));
    const NodeId id = peer(static_cast<std::uint8_t>(who));
    const auto mesh = static_cast<MeshIndex>(random.upto(2));
    const std::string text = random_filter(random, 3);
    const std::string group = random.one_in(4) ? "g" : "";
    const Interest one = interest(text, static_cast<QoS>(random.upto(3)), random.one_in(2), group);
    const Key key{who, mesh, text, group};
    if (random.one_in(300)) {
      interests.drop_live(id);
      std::erase_if(model, [&](const auto& each) {
        return std::get<0>(each.first) == who && !each.second.durable;
      });
    } else if (random.one_in(3)) {
      BOOST_REQUIRE(interests.change(id, mesh, goes(one)).ok());
      model.erase(key);
    } else {
      const bool fits = model.contains(key) || count_of(who) < bounds.filters_per_peer_max;
      const bool expected = text[0] != '$' && fits;
      BOOST_REQUIRE(interests.change(id, mesh, comes(one)).ok() == expected);
      if (expected) model.insert_or_assign(key, one);
    }
    BOOST_REQUIRE(interests.count_of(id) == count_of(who));
    if (step % 20 != 0) continue;
    const std::string topic = random_name(random);
    std::multiset<std::tuple<int, int, bool>> expected, found;
    for (const auto& [each, what] : model)
      if (std::get<1>(each) == mesh && naive_matches(std::get<2>(each), topic))
        expected.emplace(std::get<0>(each), static_cast<int>(what.qos_max), what.durable);
    interests.match(mesh, name(topic), [&](const InterestTable::Match& match) {
      found.emplace(match.peer.bytes[0], static_cast<int>(match.qos_max), match.durable);
    });
    BOOST_REQUIRE((found == expected));
  }
}

BOOST_AUTO_TEST_SUITE_END()
