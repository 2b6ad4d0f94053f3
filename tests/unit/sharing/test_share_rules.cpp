#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/sharing/announced_interests.hpp"
#include "bridge/sharing/share_rules.hpp"
#include "tests/support/naive_topic.hpp"
#include "tests/support/random_topics.hpp"

using namespace starling;
using namespace starling::test;

namespace {

ShareRule rule(std::string_view flag, std::string local_prefix = "", std::string mesh_prefix = "") {
  ShareRuleText text = ShareRuleText::parse(flag).value();
  text.local_prefix = std::move(local_prefix);
  text.mesh_prefix = std::move(mesh_prefix);
  return ShareRule::make(text, false).value();
}
std::string text_of(const std::optional<TopicName>& maybe) {
  return maybe ? std::string(maybe->text()) : std::string();
}
Interest interest(std::string_view text, QoS qos = QoS::at_most_once, bool durable = false,
                  std::string group = "") {
  return Interest{filter(text), std::move(group), qos, durable};
}
std::vector<std::string> announced(const ShareRules& rules, std::string_view local) {
  std::vector<std::string> texts;
  for (const auto& each : rules.announced(interest(local))) texts.emplace_back(each.filter.text());
  return texts;
}
using Texts = std::vector<std::string>;

/// "+filter:qos:durable" or "-filter", joined by spaces.
std::string told(const std::vector<InterestChange>& changes) {
  std::string text;
  for (const auto& change : changes) {
    if (!text.empty()) text += ' ';
    text += (change.wanted ? "+" : "-") + std::string(change.interest.filter.text());
    if (!change.interest.share_group.empty()) text += "@" + change.interest.share_group;
    if (change.wanted)
      text += ":" + std::to_string(static_cast<int>(change.interest.qos_max))
              + (change.interest.durable ? ":d" : "");
  }
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(share_rules)

BOOST_AUTO_TEST_CASE(nothing_crosses_without_a_rule) {
  const ShareRules none;
  BOOST_TEST(!none.leaving(name("a")));
  BOOST_TEST(!none.entering(name("a")));
  BOOST_TEST(none.announced(interest("#")).empty());
  BOOST_TEST(!none.may_leave(filter("#")));
}

BOOST_AUTO_TEST_CASE(each_direction_has_its_own_rules) {
  const ShareRules rules({rule("in:cmd/#"), rule("out:state/#")});
  BOOST_TEST(text_of(rules.leaving(name("state/a"))) == "state/a");
  BOOST_TEST(!rules.leaving(name("cmd/a")));
  BOOST_TEST(text_of(rules.entering(name("cmd/a"))) == "cmd/a");
  BOOST_TEST(!rules.entering(name("state/a")));
  BOOST_TEST(announced(rules, "#") == (Texts{"cmd/#"}));
  BOOST_TEST(announced(rules, "state/#").empty());
  BOOST_TEST(rules.may_leave(filter("+/a")));
  BOOST_TEST(!rules.may_leave(filter("cmd/a")));
}

BOOST_AUTO_TEST_CASE(the_first_rule_that_fits_decides_the_name) {
  const ShareRules rules({rule("a/#", "", "one/"), rule("#", "", "two/")});
  BOOST_TEST(text_of(rules.leaving(name("a/x"))) == "one/a/x");
  BOOST_TEST(text_of(rules.leaving(name("b/x"))) == "two/b/x");
  BOOST_TEST(text_of(rules.entering(name("one/a/x"))) == "a/x");
}

BOOST_AUTO_TEST_CASE(announced_is_the_intersection_with_the_in_rules) {
  const ShareRules rules({rule("home/#"), rule("in:chat/+"), rule("home/a/b")});
  BOOST_TEST(announced(rules, "#") == (Texts{"home/#", "chat/+"}));
  BOOST_TEST(announced(rules, "+/t") == (Texts{"home/t", "chat/t"}));
  BOOST_TEST(announced(rules, "home/a/b") == (Texts{"home/a/b"}));
  BOOST_TEST(announced(rules, "other/#").empty());
}

BOOST_AUTO_TEST_CASE(shared_subscriptions_cross_as_what_they_share) {
  const ShareRules rules({rule("home/#")});
  const auto crossed = rules.announced(interest("+/job", QoS::exactly_once, true, "workers"));
  BOOST_REQUIRE_EQUAL(crossed.size(), 1U);
  BOOST_TEST((crossed[0] == interest("home/job", QoS::exactly_once, true, "workers")));
}

BOOST_AUTO_TEST_CASE(the_mesh_hears_of_each_filter_once) {
  AnnouncedInterests announced(ShareRules({rule("home/#")}));
  BOOST_TEST(told(announced.on_local_change({interest("#"), true})) == "+home/#:0");
  BOOST_TEST(told(announced.on_local_change({interest("home/#"), true})) == "");
  BOOST_TEST(told(announced.on_local_change({interest("#"), true})) == "");  // nothing new
  BOOST_TEST(told(announced.on_local_change({interest("#"), false})) == "");
  BOOST_TEST(told(announced.on_local_change({interest("home/#"), false})) == "-home/#");
  BOOST_TEST(told(announced.on_local_change({interest("home/#"), false})) == "");
  BOOST_TEST(announced.size() == 0U);
}

BOOST_AUTO_TEST_CASE(greatest_qos_and_durability_follow_the_askers) {
  AnnouncedInterests announced(ShareRules({rule("home/#")}));
  announced.on_local_change({interest("#"), true});
  BOOST_TEST(told(announced.on_local_change({interest("home/#", QoS::at_least_once), true}))
             == "+home/#:1");
  BOOST_TEST(told(announced.on_local_change({interest("#", QoS::exactly_once, true), true}))
             == "+home/#:2:d");
  BOOST_TEST(told(announced.on_local_change({interest("#", QoS::at_most_once, true), true}))
             == "+home/#:1:d");
  BOOST_TEST(told(announced.on_local_change({interest("#", QoS::at_most_once, true), false}))
             == "+home/#:1");
  BOOST_TEST((announced.all() == std::vector<Interest>{interest("home/#", QoS::at_least_once)}));
}

BOOST_AUTO_TEST_CASE(share_groups_are_told_apart_from_plain_interest) {
  AnnouncedInterests announced(ShareRules({rule("home/#")}));
  BOOST_TEST(told(announced.on_local_change({interest("home/#"), true})) == "+home/#:0");
  BOOST_TEST(
      told(announced.on_local_change({interest("home/#", QoS::at_most_once, false, "g"), true}))
      == "+home/#@g:0");
  BOOST_TEST(told(announced.on_local_change({interest("home/#"), false})) == "-home/#");
  BOOST_TEST(announced.size() == 1U);
}

BOOST_AUTO_TEST_CASE(changes_add_up_to_what_all_says) {
  SeededRandom random(17);
  const ShareRules rules({rule("in:a/#"), rule("+/b", "", "m/"), rule("in:#", "c/", "a/")});
  AnnouncedInterests announced(rules);
  std::map<std::string, Interest> local;
  std::map<std::string, Interest> mesh;
  for (int step = 0; step < 4'000; ++step) {
    const std::string text = random_filter(random, 3);
    const bool wanted = random.one_in(2);
    const Interest one = interest(text, static_cast<QoS>(random.upto(3)), random.one_in(2));
    if (wanted)
      local.insert_or_assign(text, one);
    else
      local.erase(text);
    for (const auto& change : announced.on_local_change({one, wanted})) {
      const std::string key(change.interest.filter.text());
      if (change.wanted)
        mesh.insert_or_assign(key, change.interest);
      else
        BOOST_REQUIRE(mesh.erase(key) == 1U);
    }
    if (step % 50 != 0) continue;
    std::map<std::string, Interest> expected;
    for (const auto& [key, each] : local)
      for (const auto& crossing : rules.announced(each)) {
        const auto at = expected.emplace(crossing.filter.text(), crossing).first;
        at->second.qos_max = std::max(at->second.qos_max, crossing.qos_max);
        at->second.durable = at->second.durable || crossing.durable;
      }
    BOOST_REQUIRE((mesh == expected));
    BOOST_REQUIRE(announced.all().size() == expected.size());
  }
}

// Whatever a local client asked for and the rules let in is announced: no message is lost for want
// of an announcement, and none is announced that would be refused on arrival.
BOOST_AUTO_TEST_CASE(announcements_agree_with_what_may_enter) {
  SeededRandom random(23);
  for (int round = 0; round < 300; ++round) {
    const std::string flag = (random.one_in(2) ? "in:" : "both:") + random_filter(random, 3);
    const auto text = ShareRuleText::parse(flag).value();
    ShareRuleText moved = text;
    if (random.one_in(2)) moved.local_prefix = "a/";
    if (random.one_in(2)) moved.mesh_prefix = "b/";
    const auto made = ShareRule::make(moved, false);
    if (!made) continue;  // begins with '$'
    const ShareRules rules({*made});
    const Interest local = interest(random_filter(random, 3));
    const auto crossing = rules.announced(local);
    for (int i = 0; i < 60; ++i) {
      const TopicName arriving = name(random_name(random, 4));
      const auto entered = rules.entering(arriving);
      const bool wanted = entered && local.filter.matches(*entered);
      const bool asked = std::ranges::any_of(
          crossing, [&](const auto& each) { return each.filter.matches(arriving); });
      BOOST_REQUIRE_MESSAGE(!wanted || asked, flag << " " << arriving.text());
      if (entered && asked) BOOST_REQUIRE_MESSAGE(wanted, flag << " " << arriving.text());
      if (!entered) continue;
      if (!made->admits_out()) continue;
      // There and back again is the same name.
      BOOST_REQUIRE(rules.leaving(*entered) == arriving);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
