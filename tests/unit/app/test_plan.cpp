#include <boost/test/unit_test.hpp>

#include "src/app/arguments.hpp"
#include "src/app/client_listeners.hpp"
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
  BOOST_TEST(made.plan.listeners[0].place() == "localhost:1883");
  BOOST_TEST(made.plan.local_only);
  BOOST_TEST(made.plan.listeners[0].policy.allow_anonymous);
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
  BOOST_TEST(Made({"-p", "0"}).plan.listeners[0].place() == "localhost:0");
  BOOST_TEST(Made({"--set", "listener=[{bind=\"::1\"}]"}).plan.listeners[0].place()
             == "[::1]:1883");
}

BOOST_AUTO_TEST_CASE(anonymous_clients_come_in_only_where_nobody_else_can_reach_the_listener) {
  const auto takes_anonymous = [](const std::string& listener) {
    return Made({"--set", "listener=[{" + listener + "}]"})
        .plan.listeners[0]
        .policy.allow_anonymous;
  };
  BOOST_TEST(takes_anonymous("port=1"));
  BOOST_TEST(takes_anonymous("bind=\"127.0.0.5\""));
  BOOST_TEST(takes_anonymous("unix_socket=\"/tmp/s\""));
  BOOST_TEST(!takes_anonymous("bind=\"\""));
  BOOST_TEST(!takes_anonymous("bind=\"0.0.0.0\""));
  BOOST_TEST(!takes_anonymous("bind=\"192.0.2.7\""));
  BOOST_TEST(takes_anonymous("bind=\"0.0.0.0\",allow_anonymous=true"));
  BOOST_TEST(!takes_anonymous("port=1,allow_anonymous=false"));
  BOOST_TEST(!takes_anonymous("port=1,password_file=\"/dev/null\""));
}

BOOST_AUTO_TEST_CASE(
    files_of_secrets_that_cannot_be_read_are_named_with_the_place_that_names_them) {
  for (const char* key : {"acl_file", "password_file"}) {
    const Made made({"--set", std::string("auth.") + key + "=/nonexistent/" + key});
    BOOST_TEST(contains(made.trouble, std::string("--set auth.") + key), made.trouble);
    BOOST_TEST(contains(made.trouble, std::string("/nonexistent/") + key), made.trouble);
  }
}

BOOST_AUTO_TEST_CASE(certificates_are_opened_in_a_step_of_their_own) {
  Made made({"--set", "listener=[{tls={cert=\"/nonexistent/c\",key=\"/nonexistent/k\"}}]"});
  BOOST_TEST(made.trouble == "");
  std::vector<config::Diagnostic> trouble;
  open_channels(made.plan, trouble);
  BOOST_REQUIRE(trouble.size() == 1U);
  BOOST_TEST(contains(trouble[0].to_text(), "/nonexistent/c"));
}

BOOST_AUTO_TEST_CASE(a_reload_keeps_the_numbers_of_the_listeners_that_stay) {
  const auto plans = [](const std::string& listeners) {
    return Made({"--set", "listener=[" + listeners + "]"}).plan.listeners;
  };
  const auto places = [](const std::vector<NumberedListener>& numbered) {
    std::string all;
    for (const NumberedListener& listener : numbered)
      all += (listener.is_wanted ? "" : "-") + listener.plan.place() + " ";
    return all;
  };
  const auto before = number_listeners({}, plans("{port=1},{port=2},{port=0},{port=0}"));
  BOOST_TEST(places(before) == "localhost:1 localhost:2 localhost:0 localhost:0 ");
  const auto after = number_listeners(before, plans("{port=3},{port=0},{port=2,max_qos=1}"));
  BOOST_TEST(places(after) == "-localhost:1 localhost:2 localhost:0 -localhost:0 localhost:3 ");
  BOOST_TEST(after[1].plan.policy.qos_max == 1);
  BOOST_TEST(places(number_listeners(after, plans("{port=1}")))
             == "localhost:1 -localhost:2 -localhost:0 -localhost:0 -localhost:3 ");
}

BOOST_AUTO_TEST_SUITE_END()
