#include <boost/test/unit_test.hpp>

#include "src/app/arguments.hpp"
#include "src/app/plan.hpp"

using namespace starling;

namespace {

struct Made {
  explicit Made(const std::vector<std::string>& words) {
    Arguments arguments = parse_arguments(words, "/nonexistent.toml");
    plan = make_plan(arguments.settings, arguments.trouble);
    for (const auto& diagnostic : arguments.trouble) trouble += diagnostic.to_text() + "\n";
  }
  Plan plan;
  std::string trouble;
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plan)

BOOST_AUTO_TEST_CASE(without_settings_a_listener_on_loopback_and_nothing_else) {
  const Made made({});
  BOOST_TEST(made.trouble == "");
  BOOST_REQUIRE(made.plan.listeners.size() == 1U);
  BOOST_TEST(made.plan.listeners[0].at.to_text() == "127.0.0.1:1883");
  BOOST_TEST(made.plan.meshes.empty());
}

BOOST_AUTO_TEST_CASE(an_open_mesh_is_planned_with_its_rules) {
  const Made made(
      {"--mesh", "public", "--share", "both:chat/#", "--bootstrap", "mesh.example.org"});
  BOOST_TEST(made.trouble == "");
  BOOST_REQUIRE(made.plan.meshes.size() == 1U);
  BOOST_TEST(made.plan.meshes[0].open);
  BOOST_TEST(made.plan.meshes[0].rules.rules().size() == 1U);
  BOOST_REQUIRE(made.plan.bootstrap.size() == 1U);
  BOOST_TEST(made.plan.bootstrap[0].port == 21883);
}

BOOST_AUTO_TEST_CASE(a_share_in_an_open_mesh_needs_direction_and_a_literal_level) {
  BOOST_TEST(contains(Made({"--mesh", "public", "--share", "chat/#"}).trouble, "--share chat/#: "));
  BOOST_TEST(contains(Made({"--mesh", "public", "--share", "both:#"}).trouble, "wildcard"));
}

BOOST_AUTO_TEST_CASE(every_trouble_is_told) {
  const Made made({"--mesh", "family", "--mesh", "public", "--share", "x", "--mesh", "public",
                   "--set", "dht.listen=everywhere", "--bootstrap", "h:0"});
  for (const char* part :
       {"needs a secret file", "direction", "named twice", "everywhere", "\"h:0\""})
    BOOST_TEST(contains(made.trouble, part), made.trouble << " lacks " << part);
}

BOOST_AUTO_TEST_CASE(addresses_to_listen_on_may_be_of_either_family_and_any_free_port) {
  BOOST_TEST(Made({"--set", "dht.listen=[::1]:0", "--mesh", "public"}).plan.mesh_listen.to_text()
             == "[::1]:0");
  BOOST_TEST(Made({"-p", "0"}).plan.listeners[0].at.to_text() == "127.0.0.1:0");
  BOOST_TEST(contains(Made({"--set", "listener=[{bind=\"localhost\"}]"}).trouble, "localhost"));
}

BOOST_AUTO_TEST_SUITE_END()
