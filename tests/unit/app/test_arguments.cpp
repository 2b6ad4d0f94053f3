#include <boost/test/unit_test.hpp>

#include "src/app/arguments.hpp"

using namespace starling;

namespace {
Arguments parse(std::vector<std::string> words) {
  return parse_arguments(words, "/nonexistent.toml");
}
}  // namespace

BOOST_AUTO_TEST_SUITE(arguments)

BOOST_AUTO_TEST_CASE(no_argument_means_local_only) {
  const Arguments result = parse({});
  BOOST_TEST((result.action == Arguments::Action::run));
  BOOST_TEST(result.trouble.empty());
  BOOST_TEST(!result.settings.wants_dht());
}

BOOST_AUTO_TEST_CASE(share_and_secret_belong_to_the_mesh_before_them) {
  const Arguments result = parse({"--mesh", "family", "--mesh-secret", "/f", "--share", "home/#",
                                  "--mesh", "public", "--share", "both:chat/#",
                                  "--share=out:news/+", "--bootstrap", "h:5", "--bootstrap", "i"});
  BOOST_TEST(result.trouble.empty());
  const auto& meshes = result.settings.meshes;
  BOOST_REQUIRE(meshes.size() == 2U);
  BOOST_TEST(meshes[0].secret_file == "/f");
  BOOST_REQUIRE(meshes[0].shares.size() == 1U);
  BOOST_TEST(meshes[0].shares[0].filter == "home/#");
  BOOST_TEST(meshes[0].shares[0].direction == "");
  BOOST_REQUIRE(meshes[1].shares.size() == 2U);
  BOOST_TEST(meshes[1].shares[0].direction == "both");
  BOOST_TEST(meshes[1].shares[0].filter == "chat/#");
  BOOST_TEST(meshes[1].shares[1].direction == "out");
  BOOST_TEST(result.settings.dht.bootstrap.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_share_before_any_mesh_is_refused) {
  const Arguments result = parse({"--share", "home/#"});
  BOOST_REQUIRE(result.trouble.size() == 1U);
  BOOST_TEST(result.trouble[0].to_text() == "--share: must follow the --mesh it belongs to");
}

BOOST_AUTO_TEST_CASE(ports_reach_their_places) {
  const Arguments result = parse({"-p", "1884", "--mesh-port", "0"});
  BOOST_REQUIRE(result.settings.listeners.size() == 1U);
  BOOST_TEST(result.settings.listeners[0].port == 1884);
  BOOST_TEST(result.settings.listeners[0].bind == "127.0.0.1");
  BOOST_TEST(result.settings.dht.listen == "[::]:0");
  // A flag that is written twice means the later one, as wrapper scripts expect.
  BOOST_TEST(parse({"-p", "1884", "-p", "1885"}).settings.listeners[0].port == 1885);
  BOOST_TEST(parse({"--set", "dht.listen=127.0.0.1:7", "--mesh-port", "9"}).settings.dht.listen
             == "127.0.0.1:9");
}

BOOST_AUTO_TEST_CASE(wrong_words_are_usage_errors_with_a_suggestion) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"--bootsrap", "x"}, {"-p", "70000"}, {"-p"}, {"stray"}, {"-p", "x"}}) {
    const Arguments result = parse(words);
    BOOST_TEST(result.text_is_error, words[0]);
  }
  BOOST_TEST(parse({"--bootsrap", "x"}).text.find("did you mean \"--bootstrap\"?")
             != std::string::npos);
}

BOOST_AUTO_TEST_CASE(help_and_version_are_printed) {
  BOOST_TEST(parse({"-h"}).text.find("--mesh-secret") != std::string::npos);
  BOOST_TEST(parse({"--version"}).text.find("starlingd 0.") == 0U);
  BOOST_TEST(!parse({"--version"}).text_is_error);
}

BOOST_AUTO_TEST_SUITE_END()
