#include <boost/test/unit_test.hpp>

#include "src/config/toml_file.hpp"

using namespace starling;
using namespace starling::config;

namespace {

struct Read {
  explicit Read(std::string_view text) { read_toml("x.toml", text, settings, trouble); }
  /// The n-th message as printed, or "" if there are fewer.
  [[nodiscard]] std::string message(std::size_t n) const {
    return n < trouble.size() ? trouble[n].to_text() : "";
  }
  Settings settings;
  std::vector<Diagnostic> trouble;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(toml_file)

BOOST_AUTO_TEST_CASE(an_empty_file_is_valid_and_means_local_only) {
  const Read read("");
  BOOST_TEST(read.trouble.empty());
  BOOST_TEST(read.settings.listeners.empty());
  BOOST_TEST(!read.settings.wants_dht());
}

BOOST_AUTO_TEST_CASE(every_key_reaches_its_place) {
  const Read read(R"(
[node]
name = "attic-pi"
[[listener]]
port = 1884
bind = "0.0.0.0"
[auth]
acl_file = "/etc/starling/acl"
[dht]
bootstrap = ["mesh.example.org", "[::1]:5"]
listen = "127.0.0.1:0"
[[mesh]]
name = "family"
secret_file = "/s"
[[mesh.share]]
filter = "home/#"
direction = "out"
local_prefix = "l/"
mesh_prefix = "m/"
[[mesh]]
name = "public"
[limits]
max_packet_size = 1000
max_inflight = 7
[limits.mesh]
max_peers = 3
[log]
level = "debug"
)");
  BOOST_TEST(read.message(0) == "");
  const Settings& s = read.settings;
  BOOST_TEST(s.node_name == "attic-pi");
  BOOST_REQUIRE(s.listeners.size() == 1U);
  BOOST_TEST(s.listeners[0].port == 1884);
  BOOST_TEST(s.listeners[0].bind == "0.0.0.0");
  BOOST_TEST(s.acl_file == "/etc/starling/acl");
  BOOST_TEST(s.dht.bootstrap.size() == 2U);
  BOOST_TEST(s.dht.listen == "127.0.0.1:0");
  BOOST_REQUIRE(s.meshes.size() == 2U);
  BOOST_TEST(s.meshes[0].secret_file == "/s");
  BOOST_REQUIRE(s.meshes[0].shares.size() == 1U);
  BOOST_TEST(s.meshes[0].shares[0].direction == "out");
  BOOST_TEST(s.meshes[0].shares[0].local_prefix == "l/");
  BOOST_TEST(s.meshes[0].shares[0].mesh_prefix == "m/");
  BOOST_TEST(s.meshes[0].shares[0].origin.text == "x.toml:15:1");
  BOOST_TEST(s.clients.packet_size_max == 1000U);
  BOOST_TEST(s.clients.inflight_max == 7);
  BOOST_TEST(s.peers.peers_max == 3U);
  BOOST_TEST((s.log_level == LogLevel::debug));
}

BOOST_AUTO_TEST_CASE(an_unknown_key_is_shown_with_the_word_that_was_meant) {
  const Read read("[node]\nnaem = \"x\"\n");
  BOOST_TEST(read.message(0)
             == "x.toml:2:1: unknown key \"naem\"\n"
                "   2 | naem = \"x\"\n"
                "     | ^^^^ did you mean \"name\"?");
  BOOST_TEST(Read("[[listenr]]\n").message(0).find("did you mean \"listener\"?")
             != std::string::npos);
  BOOST_TEST(Read("qqqqqqq = 1\n").message(0).find("did you mean") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(all_troubles_are_told_in_one_run) {
  const Read read(
      "[[listener]]\nport = 99999\nbind = 5\n[log]\nlevel = \"inof\"\n[dht]\nbootstrap = \"x\"\n");
  BOOST_REQUIRE(read.trouble.size() == 4U);
  std::string all;
  for (const auto& diagnostic : read.trouble) all += diagnostic.to_text() + "\n";
  for (const char* part : {"x.toml:2:8: listener.port = 99999 is out of range (0..65535)",
                           "x.toml:3:8: listener.bind must be a string, not a number",
                           "did you mean \"info\"?", "dht.bootstrap must be an array of strings"})
    BOOST_TEST((all.find(part) != std::string::npos), all << " lacks " << part);
}

BOOST_AUTO_TEST_CASE(a_syntax_error_has_its_place) {
  BOOST_TEST(Read("[node]\nname = \n").message(0).find("x.toml:2:") == 0U);
}

BOOST_AUTO_TEST_CASE(keys_of_later_versions_are_refused_by_name_not_ignored) {
  BOOST_TEST(Read("[auth]\npassword_file = \"/p\"\n")
                 .message(0)
                 .find("auth.password_file is not supported")
             != std::string::npos);
  BOOST_TEST(Read("[store]\ndurability = \"commit\"\n").trouble.size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_override_takes_toml_or_a_bare_word) {
  Settings settings;
  std::vector<Diagnostic> trouble;
  for (const char* assignment :
       {"node.name=attic", "dht.listen=127.0.0.1:0", "limits.max_inflight=3",
        "dht.bootstrap=[\"a:1\", \"b:2\"]", "log.level=\"warn\""})
    apply_override(assignment, settings, trouble);
  BOOST_TEST(trouble.empty());
  BOOST_TEST(settings.node_name == "attic");
  BOOST_TEST(settings.dht.listen == "127.0.0.1:0");
  BOOST_TEST(settings.clients.inflight_max == 3);
  BOOST_TEST(settings.dht.bootstrap.size() == 2U);
  BOOST_TEST((settings.log_level == LogLevel::warn));

  apply_override("node.nmae=x", settings, trouble);
  apply_override("nonsense", settings, trouble);
  BOOST_REQUIRE(trouble.size() == 2U);
  BOOST_TEST(trouble[0].to_text()
             == "--set node.nmae=x: unknown key \"nmae\" - did you mean \"name\"?");
  BOOST_TEST(trouble[1].to_text() == "--set nonsense: expected section.key=value");
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_is_said_so) {
  Settings settings;
  std::vector<Diagnostic> trouble;
  read_toml_file("/nonexistent/starling.toml", settings, trouble);
  BOOST_REQUIRE(trouble.size() == 1U);
  BOOST_TEST(trouble[0].to_text()
             == "/nonexistent/starling.toml: cannot be read: No such file or directory");
  read_toml_file("/tmp", settings, trouble);
  BOOST_TEST(trouble.size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
