#include <boost/test/unit_test.hpp>
#include <set>
#include <sstream>
#include <toml++/toml.h>

#include "src/config/complete.hpp"
#include "src/config/mosquitto_conf.hpp"
#include "src/config/print_settings.hpp"
#include "src/config/toml_file.hpp"
#include "tests/support/memory_config_files.hpp"

using namespace starling;
using namespace starling::config;

namespace {

Settings read_back(const std::string& text) {
  MemoryConfigFiles files;
  Settings settings;
  std::vector<Diagnostic> trouble;
  read_toml("printed.toml", text, files, settings, trouble);
  for (const auto& diagnostic : trouble) BOOST_ERROR(diagnostic.to_text());
  return settings;
}

/// What is printed, without the comments, which name origins.
std::string values_of(const Settings& settings) {
  std::istringstream lines(print_toml(settings));
  std::string bare;
  for (std::string line; std::getline(lines, line);)
    bare += line.substr(0, line.find(" # ")) + "\n";
  return bare;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// What stands behind "# " on the line that begins with `assignment`.
std::string comment_of(const std::string& text, const std::string& assignment) {
  const std::size_t begin = text.find("\n" + assignment + " ");
  if (begin == std::string::npos) return "no such line";
  const std::size_t comment = text.find("# ", begin) + 2;
  return text.substr(comment, text.find('\n', comment) - comment);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(print_settings)

BOOST_AUTO_TEST_CASE(defaults_are_printed_and_read_back) {
  const Settings settings;
  BOOST_TEST(values_of(read_back(print_toml(settings))) == values_of(settings));
  BOOST_TEST(contains(print_toml(settings), "max_inflight = 20 "));
  BOOST_TEST(contains(print_toml(settings), "# default\n"));
  BOOST_TEST(contains(print_toml(settings), "# allow_anonymous: not set\n"));
}

BOOST_AUTO_TEST_CASE(everything_that_can_be_set_survives_printing_and_reading) {
  MemoryConfigFiles files;
  files.files["/m.conf"] =
      "listener 8883\ncertfile /c\nkeyfile /k\nrequire_certificate true\n"
      "use_identity_as_username true\ntls_version tlsv1.3\nmax_qos 0\nmax_topic_alias 0\n"
      "listener 0 /run/s\nlistener 9001 ::1\nprotocol websockets\nwebsockets_origin https://a\n"
      "accept_protocol_versions 3\nallow_anonymous false\nlog_type all\nlog_dest syslog\n"
      "log_facility 5\nmax_queued_messages 0\nmax_queued_bytes 0\nmax_inflight_messages 0\n"
      "log_timestamp_format %H \"quoted\" \\n\n";
  Settings settings;
  std::vector<Diagnostic> trouble;
  read_toml(
      "x.toml",
      "[mosquitto]\nimport = \"/m.conf\"\n[node]\nname = \"a \\\"b\\\" \\u0007 \\\\\"\n[dht]\n"
      "bootstrap = [\"a\", \"b:1\"]\n[[mesh]]\nname = \"m\"\n[[mesh.share]]\nfilter = \"#\"\n"
      "direction = \"in\"\n[[mesh.share]]\nfilter = \"x\"\n[[mesh]]\nname = \"n\"\n",
      files, settings, trouble);
  BOOST_TEST(trouble.empty());
  const Settings again = read_back(print_toml(settings));
  BOOST_TEST(values_of(again) == values_of(settings));
  BOOST_TEST(again.node_name == "a \"b\" \a \\");
  BOOST_TEST(again.log.timestamp_format == "%H \"quoted\" \\n");
  BOOST_TEST(again.log.syslog_facility == 21);
  BOOST_REQUIRE(again.listeners.size() == 3U);
  BOOST_TEST(again.listeners[0].topic_alias_max.value() == 0);
  BOOST_TEST(again.listeners[1].unix_socket == "/run/s");
  BOOST_REQUIRE(again.meshes.size() == 2U);
  BOOST_TEST(again.meshes[0].shares.size() == 2U);
  BOOST_TEST(again.meshes[0].shares[1].direction == "");
}

BOOST_AUTO_TEST_CASE(each_value_has_its_origin_beside_it) {
  MemoryConfigFiles files;
  files.files["/m.conf"] = "# a comment\nlistener 1884\nmax_qos 1\nautosave_interval 5\n";
  Settings settings;
  std::vector<Diagnostic> trouble;
  read_mosquitto_conf_file("/m.conf", files, settings, trouble);
  apply_override("log.level=warn", files, settings, trouble);
  const std::string text = print_toml(settings);
  BOOST_TEST(comment_of(text, "port = 1884") == "/m.conf:2");
  BOOST_TEST(comment_of(text, "max_qos = 1") == "/m.conf:3");
  BOOST_TEST(comment_of(text, "level = \"warn\"") == "--set log.level=warn");
  BOOST_TEST(comment_of(text, "mount_point = \"\"") == "default");
  BOOST_TEST(contains(text, "# without effect here: autosave_interval\n"));
}

BOOST_AUTO_TEST_CASE(bounds_of_queues_are_printed_as_they_hold) {
  MemoryConfigFiles files;
  files.files["/m.conf"] = "persistence false\nmax_queued_bytes 9\n";
  Settings settings;
  std::vector<Diagnostic> trouble;
  read_mosquitto_conf_file("/m.conf", files, settings, trouble);
  complete(settings, trouble);
  const std::string text = print_toml(settings);
  BOOST_TEST(comment_of(text, "durability = \"none\"") == "/m.conf:1");
  BOOST_TEST(comment_of(text, "max_queued_messages = 100000") == "default");
  BOOST_TEST(comment_of(text, "max_queued_bytes = 9") == "/m.conf:2");
}

BOOST_AUTO_TEST_CASE(what_a_listener_has_only_inherited_is_not_printed_with_it) {
  MemoryConfigFiles files;
  Settings settings;
  std::vector<Diagnostic> trouble;
  read_toml("x.toml",
            "[auth]\npassword_file = \"/p\"\npsk_file = \"/psk\"\nallow_anonymous = false\n"
            "[[listener]]\nport = 1\ntls = { psk_hint = \"h\" }\n"
            "[[listener]]\nport = 2\npassword_file = \"/p\"\nallow_anonymous = false\n",
            files, settings, trouble);
  complete(settings, trouble);
  BOOST_TEST(trouble.empty());
  BOOST_TEST(settings.listeners[0].password_file.value() == "/p");
  BOOST_TEST(settings.listeners[0].tls->psk_file == "/psk");
  const Settings again = read_back(print_toml(settings));
  BOOST_TEST(!again.listeners[0].password_file.has_value());
  BOOST_TEST(!again.listeners[0].allow_anonymous.has_value());
  BOOST_TEST(again.listeners[0].tls->psk_file == "");
  BOOST_TEST(again.listeners[1].password_file.value() == "/p");
  BOOST_TEST(!again.listeners[1].allow_anonymous.value());
}

BOOST_AUTO_TEST_CASE(an_origin_cannot_break_out_of_its_comment) {
  Settings settings;
  settings.origins["node.name"] = {"x\nname = \"evil\""};
  settings.notices.emplace_back("y\n[admin]");
  BOOST_TEST(read_back(print_toml(settings)).node_name == "");
}

BOOST_AUTO_TEST_CASE(json_holds_settings_origins_and_notices) {
  MemoryConfigFiles files;
  Settings settings;
  std::vector<Diagnostic> trouble;
  apply_override("listener.0.port=1884", files, settings, trouble);
  settings.notices.emplace_back("a \"notice\"");
  const std::string json = print_json(settings);
  for (const char* part :
       {"\"schema\" : 1", "\"port\" : 1884", "\"max_inflight\" : 20",
        "\"listener[0].port\" : \"--set listener.0.port=1884\"", "\"a \\\"notice\\\"\""})
    BOOST_TEST(contains(json, part), json << " lacks " << part);
}

BOOST_AUTO_TEST_CASE(every_key_has_one_path_and_every_mosquitto_option_leads_to_one) {
  const std::vector<std::string> paths = all_key_paths();
  const std::set<std::string> unique(paths.begin(), paths.end());
  BOOST_TEST(unique.size() == paths.size());
  for (const char* path : {"listener[].port", "listener[].tls.cert", "mesh[].share[].filter",
                           "limits.mesh.max_peers", "auth.psk_file"})
    BOOST_TEST(unique.count(path) == 1U, path);
}

BOOST_AUTO_TEST_SUITE_END()
