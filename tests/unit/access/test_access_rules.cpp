#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/access/access_rules.hpp"
#include "tests/support/naive_topic.hpp"

using namespace starling;
using namespace starling::test;

namespace {

using Why = AccessDecision::Why;

Principal user(std::string_view user_name, std::string_view client_id = "id") {
  return Principal{user_name, client_id};
}
Principal anonymous(std::string_view client_id = "id") {
  return Principal{std::nullopt, client_id};
}

bool may_read(const AccessRules& rules, const Principal& who, std::string_view topic) {
  // Both ways of asking must agree, wherever a test asks.
  const bool allowed = rules.allows(who, Action::receive, name(topic));
  BOOST_TEST(rules.for_client(who).may_receive(name(topic)) == allowed);
  return allowed;
}
bool may_write(const AccessRules& rules, const Principal& who, std::string_view topic) {
  const bool allowed = rules.allows(who, Action::publish, name(topic));
  BOOST_TEST(rules.for_client(who).may_publish(name(topic)) == allowed);
  return allowed;
}
TopicPattern pattern(std::string_view text) {
  return TopicPattern::parse(text).value();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(access_rules)

BOOST_AUTO_TEST_CASE(without_rules_everybody_may_do_everything) {
  const AccessRules rules;
  BOOST_TEST(may_read(rules, anonymous(), "$SYS/a"));
  BOOST_TEST(may_write(rules, user("u"), "a"));
  BOOST_TEST((rules.decide(anonymous(), Action::publish, name("a")).why == Why::no_rules));
  BOOST_TEST(ClientAccess().may_publish(name("a")));
}

BOOST_AUTO_TEST_CASE(an_empty_set_of_rules_refuses_everything) {
  AccessRules rules;
  rules.restrict();
  BOOST_TEST(!may_read(rules, anonymous(), "a"));
  BOOST_TEST(!may_write(rules, user("u"), "a"));
  BOOST_TEST((rules.decide(user("u"), Action::publish, name("a")).why == Why::nothing_grants));
}

BOOST_AUTO_TEST_CASE(a_rule_grants_what_it_says_and_to_whom_it_says) {
  AccessRules rules;
  rules.add_rule("alice", Access::read, filter("a/#"));
  rules.add_rule("alice", Access::write, filter("w/+"));
  rules.add_rule("bob", Access::read_write, filter("b"));
  BOOST_TEST(may_read(rules, user("alice"), "a/x"));
  BOOST_TEST(!may_write(rules, user("alice"), "a/x"));
  BOOST_TEST(may_write(rules, user("alice"), "w/1"));
  BOOST_TEST(!may_read(rules, user("alice"), "w/1"));
  BOOST_TEST(may_read(rules, user("bob"), "b"));
  BOOST_TEST(may_write(rules, user("bob"), "b"));
  BOOST_TEST(!may_read(rules, user("bob"), "a/x"));
  BOOST_TEST(!may_read(rules, user("carol"), "b"));
}

BOOST_AUTO_TEST_CASE(rules_before_any_user_are_for_anonymous_clients_only) {
  AccessRules rules;
  rules.add_rule(std::nullopt, Access::read_write, filter("open/#"));
  rules.add_rule("alice", Access::read_write, filter("a"));
  BOOST_TEST(may_write(rules, anonymous(), "open/x"));
  BOOST_TEST(!may_write(rules, user("alice"), "open/x"));
  BOOST_TEST(!may_write(rules, user("nobody"), "open/x"));
}

BOOST_AUTO_TEST_CASE(a_denial_wins_wherever_it_was_written) {
  AccessRules rules;
  rules.add_rule("u", Access::read_write, filter("a/#"), 1);
  rules.add_rule("u", Access::deny, filter("a/secret/#"), 2);
  BOOST_TEST(may_read(rules, user("u"), "a/x"));
  BOOST_TEST(!may_read(rules, user("u"), "a/secret"));
  BOOST_TEST(!may_write(rules, user("u"), "a/secret/x"));
  BOOST_TEST(rules.decide(user("u"), Action::publish, name("a/secret")).line == 2U);
  BOOST_TEST(rules.decide(user("u"), Action::publish, name("a/x")).line == 1U);
}

BOOST_AUTO_TEST_CASE(a_users_own_rules_come_before_patterns) {
  AccessRules rules;
  rules.add_pattern(Access::deny, pattern("a/#"), 1);
  rules.add_pattern(Access::read_write, pattern("p/#"), 2);
  rules.add_rule("u", Access::read, filter("a/x"), 3);
  rules.add_rule("u", Access::deny, filter("p/secret"), 4);
  BOOST_TEST(may_read(rules, user("u"), "a/x"));    // granted before the pattern could deny
  BOOST_TEST(!may_write(rules, user("u"), "a/x"));  // the rule says nothing about publishing
  BOOST_TEST(!may_read(rules, user("u"), "p/secret"));
  BOOST_TEST(may_read(rules, user("other"), "p/secret"));
  const auto decision = rules.decide(user("other"), Action::receive, name("a/x"));
  BOOST_TEST((decision.why == Why::pattern && !decision.allowed && decision.line == 1U));
}

BOOST_AUTO_TEST_CASE(among_patterns_a_denial_wins_too) {
  AccessRules rules;
  rules.add_pattern(Access::read_write, pattern("dev/%c/#"));
  rules.add_pattern(Access::deny, pattern("dev/%c/admin"));
  BOOST_TEST(may_write(rules, anonymous("x"), "dev/x/state"));
  BOOST_TEST(!may_write(rules, anonymous("x"), "dev/x/admin"));
}

BOOST_AUTO_TEST_CASE(patterns_put_the_clients_own_names_in) {
  AccessRules rules;
  rules.add_pattern(Access::read_write, pattern("dev/%c/#"));
  rules.add_pattern(Access::read, pattern("user/%u/+"));
  BOOST_TEST(may_write(rules, user("u", "x"), "dev/x/state"));
  BOOST_TEST(may_write(rules, user("u", "x"), "dev/x"));
  BOOST_TEST(!may_write(rules, user("u", "x"), "dev/y/state"));
  BOOST_TEST(may_read(rules, user("u", "x"), "user/u/a"));
  BOOST_TEST(!may_read(rules, user("u", "x"), "user/v/a"));
  BOOST_TEST(!may_read(rules, user("u", "x"), "user/u/a/b"));
}

BOOST_AUTO_TEST_CASE(a_pattern_with_a_user_name_is_not_for_anonymous_clients) {
  AccessRules rules;
  rules.add_pattern(Access::read, pattern("user/%u/#"));
  BOOST_TEST(!may_read(rules, anonymous(), "user/"));
  BOOST_TEST(!may_read(rules, anonymous(), "user/%u/a"));
}

BOOST_AUTO_TEST_CASE(names_with_wildcards_get_nothing_from_patterns) {
  AccessRules rules;
  rules.add_pattern(Access::read_write, pattern("dev/%c/#"));
  rules.add_pattern(Access::read_write, pattern("open"));
  rules.add_rule("+", Access::read, filter("granted"));
  BOOST_TEST(!may_read(rules, anonymous("+"), "dev/x/a"));
  BOOST_TEST(!may_read(rules, anonymous("a#"), "open"));
  BOOST_TEST(!may_read(rules, user("u+", "x"), "open"));
  BOOST_TEST(
      (rules.decide(user("u+", "x"), Action::receive, name("open")).why == Why::special_name));
  BOOST_TEST(may_read(rules, user("+", "x"), "granted"));  // decided before the patterns
  AccessRules without_patterns;
  without_patterns.add_rule(std::nullopt, Access::read, filter("a"));
  BOOST_TEST(may_read(without_patterns, anonymous("+"), "a"));
}

BOOST_AUTO_TEST_CASE(an_id_with_a_slash_spans_levels_as_with_mosquitto) {
  AccessRules rules;
  rules.add_pattern(Access::read_write, pattern("dev/%c/#"));
  BOOST_TEST(may_write(rules, anonymous("x/y"), "dev/x/y/z"));
  BOOST_TEST(may_write(rules, anonymous("x/y"), "dev/x/y"));
  BOOST_TEST(!may_write(rules, anonymous("x/y"), "dev/x"));
  BOOST_TEST(!may_write(rules, anonymous("x/y"), "dev/x/z"));
}

BOOST_AUTO_TEST_CASE(names_are_put_in_wherever_their_places_stand) {
  AccessRules rules;
  rules.add_pattern(Access::read_write, pattern("dev-%c"));
  rules.add_pattern(Access::read_write, pattern("%u%c-%u/%%u/+"));
  BOOST_TEST(may_read(rules, anonymous("x"), "dev-x"));
  BOOST_TEST(!may_read(rules, anonymous("x"), "dev-xx"));
  BOOST_TEST(!may_read(rules, anonymous("x"), "dev-"));
  BOOST_TEST(!may_read(rules, anonymous("x"), "dev-%c"));
  BOOST_TEST(may_read(rules, user("u", "x"), "ux-u/%u/1"));
  BOOST_TEST(!may_read(rules, user("u", "x"), "ux-u/%u/1/2"));
  BOOST_TEST(!may_read(rules, user("u", "x"), "ux-u/%u"));
}

BOOST_AUTO_TEST_CASE(dollar_topics_only_match_rules_that_begin_with_dollar) {
  AccessRules rules;
  rules.add_rule("u", Access::read, filter("#"));
  rules.add_rule("sys", Access::read, filter("$SYS/#"));
  rules.add_pattern(Access::read, pattern("%c/x"));
  rules.add_pattern(Access::read, pattern("+/y"));
  BOOST_TEST(!may_read(rules, user("u"), "$SYS/a"));
  BOOST_TEST(may_read(rules, user("u"), "a"));
  BOOST_TEST(may_read(rules, user("sys"), "$SYS/a"));
  BOOST_TEST(!may_read(rules, user("sys"), "a"));
  BOOST_TEST(may_read(rules, anonymous("$SYS"), "$SYS/x"));  // the pattern begins with '$' then
  BOOST_TEST(!may_read(rules, anonymous("$SYS"), "$SYS/y"));
  BOOST_TEST(!may_read(rules, anonymous("a"), "$SYS/x"));
}

BOOST_AUTO_TEST_CASE(a_pattern_is_a_topic_filter) {
  for (const char* wrong : {"a/#/b", "", "a+", "+%c", "%u#"})
    BOOST_TEST(!TopicPattern::parse(wrong).ok(), wrong);
  for (const char* right : {"%c", "%u/#", "a/%c", "100%", "a/%x/b", "+/%c/#", "x%c", "%c%u"})
    BOOST_TEST(TopicPattern::parse(right).ok(), right);
}

BOOST_AUTO_TEST_CASE(patterns_match_as_filters_with_the_names_written_in) {
  // Every pattern of up to four of these pieces that is one, against every name of up to five.
  const std::vector<std::string> pieces = {"%c", "%u", "/", "+", "#", "a", "$"};
  const std::vector<std::string> parts = {"a", "/", "b", "$"};
  const auto all = [](const std::vector<std::string>& of, std::size_t length) {
    std::vector<std::string> texts = {""};
    for (std::size_t begin = 0, i = 0; i < length; ++i) {
      const std::size_t end = texts.size();
      for (; begin < end; ++begin)
        for (const auto& piece : of) texts.push_back(texts[begin] + piece);
    }
    return texts;
  };
  const auto names = all(parts, 4);
  std::size_t held = 0;
  for (const std::string& text : all(pieces, 4)) {
    const auto parsed = TopicPattern::parse(text);
    if (!parsed) continue;
    for (const Principal& who : {user("b", "a/b"), user("a", "$"), anonymous("b")}) {
      std::string written;
      for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string_view two = std::string_view(text).substr(i, 2);
        if (two == "%c" || two == "%u") {
          written += two == "%c" ? who.client_id : who.user.value_or("");
          ++i;
        } else {
          written += text[i];
        }
      }
      const bool unnamed = !who.user && text.find("%u") != std::string::npos;
      for (const std::string& topic : names) {
        if (topic.empty()) continue;
        const bool expected =
            !unnamed && (written[0] == '$') == (topic[0] == '$') && filter(written).matches(topic);
        if (parsed->matches(name(topic), who) != expected)
          BOOST_ERROR(text << " for " << who.client_id << " against " << topic);
        ++held;
      }
    }
  }
  BOOST_TEST(held > 100'000U);
}

BOOST_AUTO_TEST_CASE(what_a_client_was_given_does_not_change_under_it) {
  AccessRules rules;
  rules.add_rule("u", Access::read, filter("a"));
  const AccessRules copy = rules;
  const ClientAccess before = rules.for_client(user("u"));
  rules.add_rule("u", Access::deny, filter("a"));
  BOOST_TEST(before.may_receive(name("a")));
  BOOST_TEST(copy.allows(user("u"), Action::receive, name("a")));
  BOOST_TEST(!rules.allows(user("u"), Action::receive, name("a")));
}

BOOST_AUTO_TEST_CASE(a_peer_of_the_mesh_is_a_user_like_others) {
  AccessRules rules;
  rules.add_rule("mesh:family", Access::write, filter("home/#"));
  rules.add_rule("mesh:family", Access::deny, filter("home/lock/#"));
  const Principal peer{"mesh:family", "K7QF3XD-2MVLPTA"};
  BOOST_TEST(may_write(rules, peer, "home/lamp"));
  BOOST_TEST(!may_write(rules, peer, "home/lock/set"));
  BOOST_TEST(!may_write(rules, Principal{"mesh:public", "x"}, "home/lamp"));
}

BOOST_AUTO_TEST_SUITE_END()
