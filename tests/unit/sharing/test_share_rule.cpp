#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

#include "bridge/sharing/share_rule.hpp"
#include "tests/support/naive_topic.hpp"

using namespace starling;
using namespace starling::test;
using boost::unit_test::label;

namespace {

ShareRuleText text(std::string_view filter_text, std::optional<ShareDirection> direction = {},
                   std::string local_prefix = "", std::string mesh_prefix = "") {
  return ShareRuleText{std::string(filter_text), direction, std::move(local_prefix),
                       std::move(mesh_prefix)};
}
ShareRule rule(std::string_view filter_text, std::string local_prefix = "",
               std::string mesh_prefix = "") {
  return ShareRule::make(text(filter_text, {}, std::move(local_prefix), std::move(mesh_prefix)),
                         false)
      .value();
}
/// "" for: does not cross.
std::string out(const ShareRule& rule, std::string_view local) {
  const auto made = rule.to_mesh(name(local));
  return made ? std::string(made->text()) : std::string();
}
std::string in(const ShareRule& rule, std::string_view mesh_side) {
  const auto made = rule.to_local(name(mesh_side));
  return made ? std::string(made->text()) : std::string();
}
std::string announce(const ShareRule& rule, std::string_view local) {
  const auto made = rule.to_mesh(filter(local));
  return made ? std::string(made->text()) : std::string();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(share_rule)

BOOST_AUTO_TEST_CASE(a_flag_is_taken_apart) {
  BOOST_TEST((ShareRuleText::parse("in:a/#")->direction == ShareDirection::in));
  BOOST_TEST((ShareRuleText::parse("out:a/#")->direction == ShareDirection::out));
  BOOST_TEST((ShareRuleText::parse("both:a/#")->direction == ShareDirection::both));
  BOOST_TEST(ShareRuleText::parse("both:a/#")->filter == "a/#");
  BOOST_TEST(!ShareRuleText::parse("a/#")->direction);
  BOOST_TEST(ShareRuleText::parse("both:in:x")->filter == "in:x");
  BOOST_TEST(ShareRuleText::parse("urn:x/#")->filter == "urn:x/#");
}

BOOST_AUTO_TEST_CASE(slips_in_a_flag_are_told) {
  BOOST_TEST(!ShareRuleText::parse("").ok());
  BOOST_TEST(!ShareRuleText::parse("in:").ok());
  BOOST_TEST(ShareRuleText::parse("Both:a").error().what
             == "unknown direction 'Both', did you mean 'both'?");
  BOOST_TEST(ShareRuleText::parse("inout:a").error().what
             == "unknown direction 'inout', did you mean 'both'?");
}

BOOST_AUTO_TEST_CASE(a_private_mesh_shares_both_ways_unless_told_otherwise) {
  const auto both = ShareRule::make(text("#"), false).value();
  BOOST_TEST(both.admits_in());
  BOOST_TEST(both.admits_out());
  const auto only_in = ShareRule::make(text("a/#", ShareDirection::in), false).value();
  BOOST_TEST(only_in.admits_in());
  BOOST_TEST(!only_in.admits_out());
  const auto only_out = ShareRule::make(text("a/#", ShareDirection::out), false).value();
  BOOST_TEST(!only_out.admits_in());
  BOOST_TEST(only_out.admits_out());
}

BOOST_AUTO_TEST_CASE(an_open_mesh_wants_the_direction_written) {
  const auto refused = ShareRule::make(text("chat/#"), true);
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST((refused.error().code == Errc::not_authorized));
  BOOST_TEST(refused.error().what.find("'both:chat/#'") != std::string::npos);
  BOOST_TEST(ShareRule::make(text("chat/#", ShareDirection::both), true).ok());
}

BOOST_AUTO_TEST_CASE(an_open_mesh_refuses_filters_that_begin_with_a_wildcard) {
  for (const char* wild : {"#", "+/a", "+"})
    for (const auto direction : {ShareDirection::in, ShareDirection::out, ShareDirection::both}) {
      const auto refused = ShareRule::make(text(wild, direction), true);
      BOOST_REQUIRE(!refused.ok());
      BOOST_TEST(refused.error().what.find("begins with a literal level") != std::string::npos);
    }
  // What arrives may be put anywhere, but not everything at home may be let out.
  BOOST_TEST(ShareRule::make(text("#", ShareDirection::in, "", "chat/"), true).ok());
  BOOST_TEST(!ShareRule::make(text("#", ShareDirection::out, "", "chat/"), true).ok());
  BOOST_TEST(!ShareRule::make(text("#", ShareDirection::in, "chat/", ""), true).ok());
  BOOST_TEST(ShareRule::make(text("#", ShareDirection::both, "home/", "chat/"), true).ok());
}

BOOST_AUTO_TEST_CASE(dollar_topics_are_never_shared, *label("MQTT-4.7.2-1")) {
  BOOST_TEST((ShareRule::make(text("$SYS/#"), false).error().code == Errc::not_authorized));
  BOOST_TEST(!ShareRule::make(text("a/#", {}, "$SYS/", ""), false).ok());
  BOOST_TEST(!ShareRule::make(text("a/#", {}, "", "$x/"), false).ok());
  const auto everything = rule("#");
  BOOST_TEST(out(everything, "$SYS/a") == "");
  BOOST_TEST(in(everything, "$SYS/a") == "");
  BOOST_TEST(announce(everything, "$SYS/#") == "");
  const auto moved = rule("#", "home/", "");
  BOOST_TEST(out(moved, "home/$SYS/a") == "");
  BOOST_TEST(in(moved, "$SYS/a") == "");
  BOOST_TEST(announce(moved, "home/$SYS/a") == "");
  const auto moved_in = rule("#", "", "m/");
  BOOST_TEST(in(moved_in, "m/$SYS/a") == "");
}

BOOST_AUTO_TEST_CASE(what_makes_no_filter_is_refused_with_its_place) {
  BOOST_TEST(!ShareRule::make(text("a/#/b"), false).ok());
  BOOST_TEST(!ShareRule::make(text(""), false).ok());
  const auto joined = ShareRule::make(text("#", {}, "home", ""), false);
  BOOST_REQUIRE(!joined.ok());
  BOOST_TEST(joined.error().what.find("'home#'") != std::string::npos);
  BOOST_TEST(joined.error().what.find("'home/'") != std::string::npos);
  BOOST_TEST(!ShareRule::make(text("a", {}, "x/+/", ""), false).ok());
  BOOST_TEST(!ShareRule::make(text("a", {}, "", "#/"), false).ok());
  std::string deep = "a";
  for (int i = 0; i < 300; ++i) deep += "/a";
  BOOST_TEST(!ShareRule::make(text(deep), false).ok());
}

BOOST_AUTO_TEST_CASE(names_cross_under_their_other_name) {
  const auto moved = rule("+/temp", "sensors/", "attic/");
  BOOST_TEST(out(moved, "sensors/1/temp") == "attic/1/temp");
  BOOST_TEST(in(moved, "attic/1/temp") == "sensors/1/temp");
  BOOST_TEST(out(moved, "attic/1/temp") == "");
  BOOST_TEST(out(moved, "sensors/1/hum") == "");
  BOOST_TEST(in(moved, "sensors/1/temp") == "");
  BOOST_TEST(announce(moved, "sensors/#") == "attic/+/temp");
  BOOST_TEST(announce(moved, "#") == "attic/+/temp");
  BOOST_TEST(announce(moved, "+/2/+") == "attic/2/temp");
  BOOST_TEST(announce(moved, "attic/#") == "");
}

BOOST_AUTO_TEST_CASE(the_parent_of_a_prefix_has_no_counterpart) {
  const auto moved = rule("#", "home/", "m/");
  BOOST_TEST(out(moved, "home") == "");
  BOOST_TEST(in(moved, "m") == "");
  BOOST_TEST(announce(moved, "home") == "");
  BOOST_TEST(announce(moved, "+") == "");
  BOOST_TEST(out(moved, "home/") == "m/");
  BOOST_TEST(announce(moved, "home/#") == "m/#");
  const auto to_the_root = rule("#", "home/", "");
  BOOST_TEST(out(to_the_root, "home/") == "");  // would be the empty name
  BOOST_TEST(out(to_the_root, "home/a") == "a");
  BOOST_TEST(in(to_the_root, "a") == "home/a");
}

BOOST_AUTO_TEST_CASE(a_prefix_may_end_within_a_level) {
  const auto moved = rule("me/#", "ho", "ga");
  BOOST_TEST(out(moved, "home/a") == "game/a");
  BOOST_TEST(out(moved, "home") == "game");
  BOOST_TEST(announce(moved, "+") == "game");
  BOOST_TEST(in(moved, "game/x") == "home/x");
}

BOOST_AUTO_TEST_CASE(a_name_that_would_grow_too_long_stays, *label("MQTT-4.7.3-3")) {
  const auto moved = rule("#", "", std::string(100, 'm') + "/");
  BOOST_TEST(out(moved, std::string(65'500, 'x')) == "");
  BOOST_TEST(out(moved, std::string(65'000, 'x')) != "");
}

BOOST_AUTO_TEST_SUITE_END()
