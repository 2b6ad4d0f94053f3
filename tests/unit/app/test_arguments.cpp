#include <boost/test/unit_test.hpp>

#include "src/app/arguments.hpp"
#include "src/app/restart_needs.hpp"
#include "tests/support/memory_config_files.hpp"

using namespace starling;

namespace {

Arguments parse(std::vector<std::string> words) {
  return parse_arguments(words, "/nonexistent/starling.toml");
}

Arguments parse(std::vector<std::string> words, std::map<std::string, std::string> texts) {
  MemoryConfigFiles files;
  files.files = std::move(texts);
  return parse_arguments(words, "/etc/starling/starling.toml", files);
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
  BOOST_TEST(result.settings.listeners[0].bind == "localhost");
  BOOST_TEST(result.settings.dht.listen == "[::]:0");
  BOOST_TEST(parse({"--set", "dht.listen=127.0.0.1:7", "--mesh-port", "9"}).settings.dht.listen
             == "127.0.0.1:9");
}

BOOST_AUTO_TEST_CASE(each_port_without_other_listeners_is_one_on_loopback) {
  const Arguments result = parse({"-p", "1884", "--port", "1885"});
  BOOST_TEST(result.trouble.empty());
  BOOST_REQUIRE(result.settings.listeners.size() == 2U);
  BOOST_TEST(result.settings.listeners[1].port == 1885);
  BOOST_TEST(result.settings.listeners[1].bind == "localhost");
  BOOST_TEST(result.settings.origins.at("listener[1].port").text == "--port");
  BOOST_TEST(parse({"-p", "1884", "-p", "1884"}).trouble.size() == 1U);
}

BOOST_AUTO_TEST_CASE(ports_beside_configured_listeners_differ_between_the_dialects) {
  const std::map<std::string, std::string> files = {
      {"/m.conf", "listener 1 ::1\n"},
      {"/x.toml", "[[listener]]\nport = 1\nbind = \"::1\"\n"},
      {"/empty.conf", ""}};
  const Arguments ignored = parse({"-c", "/m.conf", "-p", "1884"}, files);
  BOOST_TEST(ignored.trouble.empty());
  BOOST_REQUIRE(ignored.settings.listeners.size() == 1U);
  BOOST_TEST(ignored.settings.listeners[0].port == 1);
  BOOST_REQUIRE(ignored.settings.notices.size() == 1U);
  BOOST_TEST(ignored.settings.notices[0] == "--port has no effect beside the listeners of /m.conf");
  const Arguments local = parse({"-c", "/empty.conf", "-p", "1884"}, files);
  BOOST_REQUIRE(local.settings.listeners.size() == 1U);
  BOOST_TEST(local.settings.listeners[0].bind == "localhost");
  const Arguments replaced = parse({"-c", "/x.toml", "-p", "1884", "-p", "1885"}, files);
  BOOST_REQUIRE(replaced.settings.listeners.size() == 2U);
  BOOST_TEST(replaced.settings.listeners[0].port == 1884);
  BOOST_TEST(replaced.settings.listeners[0].bind == "::1");
  BOOST_TEST(replaced.settings.listeners[1].bind == "localhost");
}

BOOST_AUTO_TEST_CASE(the_ending_of_a_file_says_its_dialect) {
  const std::map<std::string, std::string> files = {{"/a.toml", "[node]\nname = \"a\"\n"},
                                                    {"/a.conf", "sys_interval 3\n"},
                                                    {"/mosquitto", "sys_interval 4\n"}};
  BOOST_TEST(parse({"-c", "/a.toml"}, files).settings.node_name == "a");
  BOOST_TEST(parse({"--config-file", "/a.conf"}, files).settings.sys_interval_s == 3U);
  BOOST_TEST(parse({"--config", "/mosquitto"}, files).settings.sys_interval_s == 4U);
  BOOST_TEST((parse({"-c", "/a.conf"}, files).settings.log.format == config::LogFormat::mosquitto));
  BOOST_TEST(parse({"-c", "/none.conf"}, files).trouble.size() == 1U);
  BOOST_TEST(parse({"-c", "/none.toml"}, files).trouble.size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_default_file_is_read_if_it_is_there_and_conf_d_after_it) {
  BOOST_TEST(parse({}, {}).trouble.empty());
  BOOST_TEST(parse({}, {}).config_file == "");
  std::map<std::string, std::string> files = {
      {"/etc/starling/starling.toml", "[node]\nname = \"main\"\nuser = \"main\"\n"},
      {"/etc/starling/conf.d/10.toml", "[node]\nname = \"ten\"\n"},
      {"/etc/starling/conf.d/09.toml", "[node]\nname = \"nine\"\npid_file = \"/p\"\n"},
      {"/other.toml", ""}};
  for (const auto& words :
       std::vector<std::vector<std::string>>{{}, {"-c", "/etc/starling/starling.toml"}}) {
    const Arguments result = parse(words, files);
    BOOST_TEST(result.trouble.empty());
    BOOST_TEST(result.config_file == "/etc/starling/starling.toml");
    BOOST_TEST(result.settings.node_name == "ten");
    BOOST_TEST(result.settings.user == "main");
    BOOST_TEST(result.settings.pid_file == "/p");
  }
  BOOST_TEST(parse({"-c", "/other.toml"}, files).settings.node_name == "");
  files.erase("/etc/starling/starling.toml");
  BOOST_TEST(parse({}, files).settings.node_name == "ten");
}

BOOST_AUTO_TEST_CASE(flags_go_before_overrides_and_those_before_files) {
  const Arguments result =
      parse({"-c", "/m.conf", "--set", "log.level=warn", "--set", "store.path=/set", "-v", "-d",
             "--state-dir", "/flag"},
            {{"/m.conf", "persistence_location /file\nlog_type error\nlistener 1\n"}});
  BOOST_TEST(result.trouble.empty());
  BOOST_TEST(result.settings.state_dir == "/flag");
  BOOST_TEST((result.settings.log.level == LogLevel::debug));
  BOOST_TEST(result.settings.log.types.empty());
  BOOST_TEST(result.settings.daemonize);
  BOOST_TEST(result.settings.origins.at("store.path").text == "--state-dir");
  BOOST_TEST(result.settings.origins.at("log.level").text == "--verbose");
}

BOOST_AUTO_TEST_CASE(
    what_mosquitto_kept_is_looked_for_where_it_was_whatever_our_state_directory_is) {
  const Arguments result =
      parse({"-c", "/m.conf", "--state-dir", "/ours"},
            {{"/m.conf", "persistence true\npersistence_location /theirs/\n"}});
  BOOST_TEST(result.trouble.empty());
  BOOST_TEST(result.settings.state_dir == "/ours");
  BOOST_TEST(result.settings.mosquitto_db == "/theirs/mosquitto.db");
  const Arguments without =
      parse({"-c", "/m.conf", "--set", "store.import_mosquitto_db="},
            {{"/m.conf", "persistence true\npersistence_location /theirs/\n"}});
  BOOST_TEST(without.trouble.empty());
  BOOST_TEST(without.settings.mosquitto_db == "");
}

BOOST_AUTO_TEST_CASE(queues_are_bounded_for_the_durability_that_holds_in_the_end) {
  const Arguments memory = parse({"-c", "/m.conf", "--set", "store.durability=none"},
                                 {{"/m.conf", "persistence true\n"}});
  BOOST_TEST(memory.trouble.empty());
  BOOST_TEST(memory.settings.clients.queued_messages_max == limits::queued_messages_max);
  const Arguments disk = parse({});
  BOOST_TEST(disk.settings.clients.queued_messages_max == limits::stored_messages_max);
  BOOST_TEST(disk.settings.clients.queued_bytes_max == limits::stored_bytes_max);
}

BOOST_AUTO_TEST_CASE(a_store_is_set_aside_only_if_one_says_so) {
  BOOST_TEST(!parse({}).set_aside_store);
  BOOST_TEST(parse({"--set-aside-store"}).set_aside_store);
}

BOOST_AUTO_TEST_CASE(another_durability_needs_a_restart) {
  config::Settings running;
  config::Settings fresh;
  BOOST_TEST(needs_restart(running, fresh).empty());
  fresh.durability = config::Durability::relaxed;
  const std::vector<std::string> needs = needs_restart(running, fresh);
  BOOST_REQUIRE(needs.size() == 1U);
  BOOST_TEST(needs[0] == "store.durability");
}

BOOST_AUTO_TEST_CASE(the_configuration_is_printed_as_toml_unless_json_is_asked_for) {
  BOOST_TEST((parse({"--print-config"}).action == Arguments::Action::print_config));
  BOOST_TEST(!parse({"--print-config"}).print_as_json);
  BOOST_TEST(!parse({"--print-config=toml"}).print_as_json);
  BOOST_TEST(parse({"--print-config=json"}).print_as_json);
  BOOST_TEST(parse({"--print-config=xml"}).text_is_error);
  // The format is never taken from the next word.
  BOOST_TEST(parse({"--print-config", "json"}).text_is_error);
  BOOST_TEST((parse({"--print-config", "-p", "1"}).action == Arguments::Action::print_config));
  BOOST_TEST((parse({"--test-config"}).action == Arguments::Action::test_config));
}

BOOST_AUTO_TEST_CASE(wrong_words_are_usage_errors_with_a_suggestion) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"--bootsrap", "x"}, {"-p", "70000"}, {"-p"}, {"stray"}, {"-p", "x"}}) {
    const Arguments result = parse(words);
    BOOST_TEST(result.text_is_error, words[0]);
  }
  BOOST_TEST(parse({"--tst-config"}).text.find("did you mean \"--test-config\"?")
             != std::string::npos);
  BOOST_TEST(parse({"--bootsrap", "x"}).text.find("did you mean \"--bootstrap\"?")
             != std::string::npos);
}

BOOST_AUTO_TEST_CASE(help_and_version_are_printed) {
  BOOST_TEST(parse({"-h"}).text.find("--mesh-secret") != std::string::npos);
  BOOST_TEST(parse({"--version"}).text.find("starlingd 0.") == 0U);
  BOOST_TEST(!parse({"--version"}).text_is_error);
}

BOOST_AUTO_TEST_SUITE_END()
