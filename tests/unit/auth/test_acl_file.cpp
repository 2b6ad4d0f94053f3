#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

#include "src/auth/acl_file.hpp"
#include "tests/support/naive_topic.hpp"

using namespace starling;
using namespace starling::test;

namespace {

AccessRules rules_of(std::string_view text) {
  AclFile file = parse_acl_file(text);
  for (const auto& problem : file.problems) BOOST_ERROR(problem.to_text("acl"));
  return file.rules;
}
/// The only problem of `text`, as it is printed.
std::string problem_of(std::string_view text) {
  const AclFile file = parse_acl_file(text);
  BOOST_REQUIRE_EQUAL(file.problems.size(), 1U);
  return file.problems[0].to_text("acl");
}
bool may(const AccessRules& rules, std::string_view user, Action action, std::string_view topic) {
  return rules.allows(Principal{user, "id"}, action, name(topic));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(acl_file)

BOOST_AUTO_TEST_CASE(the_example_of_mosquitto_means_what_it_says) {
  const AccessRules rules = rules_of(
      "# This affects access control for clients with no username.\n"
      "topic read $SYS/#\n"
      "\n"
      "# This only affects clients with username \"roger\".\n"
      "user roger\n"
      "topic foo/bar\n"
      "topic read status\n"
      "topic deny foo/bar/secret\n"
      "\n"
      "# This affects all clients.\n"
      "pattern write $SYS/broker/connection/%c/state\n"
      "pattern readwrite home/%u/#\n");
  const Principal nobody{std::nullopt, "id"};
  BOOST_TEST(rules.allows(nobody, Action::receive, name("$SYS/broker/uptime")));
  BOOST_TEST(!rules.allows(nobody, Action::publish, name("$SYS/broker/uptime")));
  BOOST_TEST(rules.allows(nobody, Action::publish, name("$SYS/broker/connection/id/state")));
  BOOST_TEST(may(rules, "roger", Action::publish, "foo/bar"));
  BOOST_TEST(may(rules, "roger", Action::receive, "foo/bar"));
  BOOST_TEST(!may(rules, "roger", Action::publish, "status"));
  BOOST_TEST(!may(rules, "roger", Action::receive, "$SYS/broker/uptime"));
  BOOST_TEST(may(rules, "roger", Action::publish, "home/roger/x"));
  BOOST_TEST(!may(rules, "roger", Action::publish, "home/mary/x"));
  BOOST_TEST(rules.decide(Principal{"roger", "id"}, Action::receive, name("status")).line == 7U);
}

BOOST_AUTO_TEST_CASE(an_empty_file_refuses_everything) {
  const AccessRules rules = rules_of("");
  BOOST_TEST(rules.restricted());
  BOOST_TEST(!may(rules, "u", Action::receive, "a"));
}

BOOST_AUTO_TEST_CASE(spaces_belong_to_a_filter_once_the_access_is_written) {
  const AccessRules rules = rules_of("user jo ann\r\n  topic  read   living room/ lamp  \r\n");
  BOOST_TEST(may(rules, "jo ann", Action::receive, "living room/ lamp"));
  BOOST_TEST(!may(rules, "jo ann", Action::publish, "living room/ lamp"));
}

BOOST_AUTO_TEST_CASE(a_lone_word_after_topic_is_a_filter_even_if_it_names_an_access) {
  const AccessRules rules = rules_of("user u\ntopic read\n");
  BOOST_TEST(may(rules, "u", Action::publish, "read"));
}

BOOST_AUTO_TEST_CASE(sections_of_one_user_add_up) {
  const AccessRules rules = rules_of("user a\ntopic x\nuser b\ntopic y\nuser a\ntopic z\n");
  BOOST_TEST(may(rules, "a", Action::publish, "x"));
  BOOST_TEST(may(rules, "a", Action::publish, "z"));
  BOOST_TEST(!may(rules, "a", Action::publish, "y"));
}

BOOST_AUTO_TEST_CASE(placeholders_in_a_topic_line_are_ordinary_text) {
  const AccessRules rules = rules_of("user u\ntopic a%c/%u\n");
  BOOST_TEST(may(rules, "u", Action::publish, "a%c/%u"));
  BOOST_TEST(!may(rules, "u", Action::publish, "aid/u"));
}

BOOST_AUTO_TEST_CASE(each_mistake_is_told_with_its_place) {
  BOOST_TEST(problem_of("user u\ntopic raed foo\n")
             == "acl:2:7: unknown access 'raed', did you mean 'read'?");
  BOOST_TEST(problem_of("\n\n topci foo\n")
             == "acl:3:2: unknown word 'topci', did you mean 'topic'?");
  BOOST_TEST(problem_of("xyzzy foo") == "acl:1:1: unknown word 'xyzzy'");
  BOOST_TEST(problem_of("topic living room\n")
             == "acl:1:7: unknown access 'living': a filter that holds a space needs the access "
                "before it, did you mean 'readwrite living room'?");
  BOOST_TEST(problem_of("topic\n") == "acl:1:6: a topic filter is missing");
  BOOST_TEST(problem_of("user   \n") == "acl:1:5: a user name is missing");
  BOOST_TEST(problem_of("  # note\n") == "acl:1:3: a comment begins in the first column");
  BOOST_TEST(problem_of("topic\tread\tfoo") == "acl:1:1: words are separated by spaces, not tabs");
  BOOST_TEST(problem_of("topic write a/#/b\n")
             == "acl:1:13: '#' before the last level of a filter [MQTT-4.7.1-2]");
}

BOOST_AUTO_TEST_CASE(what_mosquitto_takes_and_nobody_means_is_taken_and_told) {
  const AclFile file = parse_acl_file(
      "topic read\tfoo\n"
      "pattern write open/#\n"
      "topic write \xff\n"
      "pattern write dev-%c/#\n"
      "topic x\t\n");
  BOOST_TEST(file.problems.empty());
  BOOST_REQUIRE_EQUAL(file.warnings.size(), 3U);
  BOOST_TEST(file.warnings[0].to_text("acl")
             == "acl:1:7: the tab is taken for a part of the filter (words are separated by "
                "spaces)");
  BOOST_TEST(file.warnings[1].to_text("acl")
             == "acl:2:15: a pattern without '%c' or '%u' is for everybody");
  BOOST_TEST(file.warnings[2].to_text("acl")
             == "acl:3:13: a filter that is not UTF-8 matches nothing");
  const Principal nobody{std::nullopt, "id"};
  BOOST_TEST(!file.rules.allows(nobody, Action::receive, name("foo")));
  BOOST_TEST(file.rules.allows(nobody, Action::publish, name("read\tfoo")));
  BOOST_TEST(file.rules.allows(nobody, Action::publish, name("open/x")));
  BOOST_TEST(file.rules.allows(nobody, Action::publish, name("dev-id")));
  BOOST_TEST(file.rules.allows(nobody, Action::publish, name("x")));
}

BOOST_AUTO_TEST_CASE(all_mistakes_are_told_and_the_rest_is_read) {
  const AclFile file = parse_acl_file("usr a\ntopic ok\ntopic a#\nuser\n");
  BOOST_REQUIRE_EQUAL(file.problems.size(), 3U);
  BOOST_TEST(file.problems[0].line == 1U);
  BOOST_TEST(file.problems[1].line == 3U);
  BOOST_TEST(file.problems[2].line == 4U);
  BOOST_TEST(file.rules.allows(Principal{std::nullopt, "id"}, Action::publish, name("ok")));
}

BOOST_AUTO_TEST_CASE(a_hopeless_file_does_not_flood_its_reader) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "\x1b[31mnonsense\n";
  const AclFile file = parse_acl_file(text);
  BOOST_TEST(file.problems.size() == acl_problems_max);
  BOOST_TEST(file.problems[0].what.find('\x1b') == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
