#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <set>

#include "src/config/mosquitto_conf.hpp"
#include "src/config/print_settings.hpp"
#include "tests/support/memory_config_files.hpp"

using namespace starling;
using namespace starling::config;

namespace {

struct Read {
  explicit Read(const std::string& text) {
    read_mosquitto_conf("m.conf", text, files, settings, trouble);
    for (const auto& diagnostic : trouble) messages += diagnostic.to_text() + "\n";
  }
  MemoryConfigFiles files;
  Settings settings;
  std::vector<Diagnostic> trouble;
  std::string messages;
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// What a value of the option may be. `listener`: the option needs a listener line before it.
struct OptionCase {
  const char* name;
  std::vector<const char*> accepted;
  std::vector<const char*> refused;
  bool needs_listener = false;
  bool needs_plugin = false;
  bool twice = true;  ///< may be written again; the last one counts
};

const std::vector<const char*> yes_or_no = {"true", "false", "1", "0", "true trailing words"};
const std::vector<const char*> not_yes_or_no = {"", "yes", "TRUE", "2", "falst"};
const std::vector<const char*> any_text = {"a", "  two words ", "\"quoted\"", "x # y"};
const std::vector<const char*> no_text = {"", "   ", "\xff", "a\x01z"};
const std::vector<const char*> any_int = {"0", "-1", "2147483647", "+7", "10 trailing"};
const std::vector<const char*> no_int = {"", "ten", "1s", "2147483648", "1.5", "-", "0x10"};
const std::vector<const char*> of_16_bits = {"0", "65535"};
const std::vector<const char*> not_16_bits = {"", "-1", "65536", "x"};

const std::vector<OptionCase> cases = {
    {"accept_protocol_versions", {"3", "4, 5", "3,4,5"}, {"", "6", "x", ","}, true},
    {"acl_file", any_text, no_text, false, false, false},
    {"allow_anonymous", yes_or_no, not_yes_or_no},
    {"allow_duplicate_messages", yes_or_no, not_yes_or_no},
    {"allow_zero_length_clientid", yes_or_no, not_yes_or_no},
    {"auth_plugin_deny_special_chars", yes_or_no, not_yes_or_no, false, true},
    {"auto_id_prefix", any_text, no_text, false, false, false},
    {"autosave_interval", any_int, no_int},
    {"autosave_on_changes", yes_or_no, not_yes_or_no},
    {"bind_address", {"127.0.0.1", "localhost", "::1"}, no_text, false, false, false},
    {"bind_interface", {"eth0"}, no_text, false, false, false},
    {"check_retain_source", yes_or_no, not_yes_or_no},
    {"ciphers", any_text, no_text, false, false, false},
    {"ciphers_tls1.3", any_text, no_text, false, false, false},
    {"clientid_prefixes", any_text, no_text, false, false, false},
    {"connection_messages", yes_or_no, not_yes_or_no},
    {"crlfile", any_text, no_text, false, false, false},
    {"dhparamfile", any_text, no_text},
    {"disable_client_cert_date_checks", {"false", "0"}, {"", "true", "1"}},
    {"enable_control_api", yes_or_no, not_yes_or_no},
    {"enable_proxy_protocol", {"1", "2"}, {"", "0", "3", "true"}, true},
    {"global_max_clients", any_int, no_int},
    {"global_max_connections", any_int, no_int},
    {"http_dir", any_text, no_text},
    {"listener_allow_anonymous", yes_or_no, not_yes_or_no, true},
    {"listener_auto_id_prefix",
     {"x", "0123456789012345678901234567890123456789012345678X"},
     {"", "0123456789012345678901234567890123456789012345678XY"},
     true,
     false,
     false},
    {"log_dest",
     {"none", "syslog", "stdout", "stderr", "topic", "dlt", "file /a b"},
     {"", "printer", "file", "file  "}},
    {"log_facility", {"0", "7"}, {"", "-1", "8", "local0"}},
    {"log_timestamp", yes_or_no, not_yes_or_no},
    {"log_timestamp_format", {"%Y-%m-%dT%H:%M:%S"}, no_text, false, false, false},
    {"log_type",
     {"none", "all", "error", "warning", "notice", "information", "debug", "subscribe",
      "unsubscribe", "websockets", "internal"},
     {"", "warn", "info"}},
    {"max_connections", any_int, no_int},
    {"max_inflight_bytes", any_int, no_int},
    {"max_inflight_messages", {"0", "1", "65535", "-1"}, {"", "65536", "x"}},
    {"max_keepalive", of_16_bits, not_16_bits},
    {"max_packet_size", {"20", "2147483647"}, {"", "19", "-1", "x"}},
    {"max_qos", {"0", "1", "2"}, {"", "-1", "3", "x"}},
    {"maximum_qos", {"0", "1", "2"}, {"", "-1", "3", "x"}},
    {"max_queued_bytes", any_int, no_int},
    {"max_queued_messages", any_int, no_int},
    {"max_topic_alias", of_16_bits, not_16_bits},
    {"max_topic_alias_broker", of_16_bits, not_16_bits},
    {"memory_limit", {"0", "9223372036854775807"}, {"", "-1", "x", "9223372036854775808"}},
    {"message_size_limit", {"0", "268435455"}, {"", "-1", "268435456", "556000000"}},
    {"mount_point", {"site/", "a/b"}, {"", "test/+/", "#"}, true, false, false},
    {"packet_buffer_size", of_16_bits, not_16_bits},
    {"password_file", any_text, no_text, false, false, false},
    {"per_listener_settings", yes_or_no, not_yes_or_no},
    {"persistence", yes_or_no, not_yes_or_no},
    {"persistence_file", any_text, no_text, false, false, false},
    {"persistence_location", any_text, no_text, false, false, false},
    {"persistent_client_expiration",
     {"1h", "2m", "14d", "3w", "1y", "90s", "9999y"},
     {"", "1", "d", "0d", "-1d", "1x", "x1d"}},
    {"pid_file", any_text, no_text, false, false, false},
    {"port", {"1", "65535"}, {"", "0", "65536", "-1", "x"}},
    {"protocol", {"mqtt", "websockets"}, {"", "http", "http_api", "mqttsn"}},
    {"proxy_protocol", {"true", "1", "2", "false", "0"}, {"", "3", "yes"}},
    {"proxy_protocol_v2_require_tls", {"false"}, {"", "true"}},
    {"psk_file", any_text, no_text, false, false, false},
    {"psk_hint", any_text, no_text, false, false, false},
    {"queue_qos0_messages", yes_or_no, not_yes_or_no},
    {"retain_available", yes_or_no, not_yes_or_no},
    {"retain_expiry_interval", {"1", "2147483647"}, {"", "0", "-1", "x"}},
    {"retained_persistence", yes_or_no, not_yes_or_no},
    {"retry_interval", {"20", "", "whatever"}, {}},
    {"set_tcp_nodelay", yes_or_no, not_yes_or_no},
    {"socket_domain", {"ipv4", "ipv6"}, {"", "ipv5", "any"}},
    {"sys_interval", of_16_bits, not_16_bits},
    {"tls_keyform", {"pem"}, {"", "engine", "der"}},
    {"tls_version", {"tlsv1.3", "tlsv1.2", "tlsv1.1"}, {"", "tlsv1", "tlsv1.4", "1.2"}},
    {"upgrade_outgoing_qos", yes_or_no, not_yes_or_no},
    {"use_identity_as_username", {"false", "0"}, not_yes_or_no},
    {"use_subject_as_username", {"false", "0"}, not_yes_or_no},
    {"use_username_as_clientid", yes_or_no, not_yes_or_no},
    {"user", any_text, no_text},
    {"websockets_headers_size", of_16_bits, not_16_bits},
    {"websockets_log_level", any_int, no_int},
    {"websockets_origin", any_text, no_text},
};

/// Options whose acceptance depends on others; each has its own test.
const std::set<std::string_view> elsewhere = {"auth_plugin",
                                              "cafile",
                                              "capath",
                                              "certfile",
                                              "connection",
                                              "global_plugin",
                                              "include_dir",
                                              "keyfile",
                                              "listener",
                                              "plugin",
                                              "plugin_load",
                                              "plugin_use",
                                              "require_certificate",
                                              "tls_engine",
                                              "tls_engine_kpass_sha1"};

const std::set<std::string_view> of_bridges = {"address",
                                               "addresses",
                                               "cleansession",
                                               "clientid",
                                               "idle_timeout",
                                               "keepalive_interval",
                                               "local_cleansession",
                                               "local_clientid",
                                               "local_password",
                                               "local_username",
                                               "notification_topic",
                                               "notifications",
                                               "notifications_local_only",
                                               "password",
                                               "remote_clientid",
                                               "remote_password",
                                               "remote_username",
                                               "restart_timeout",
                                               "round_robin",
                                               "start_type",
                                               "threshold",
                                               "topic",
                                               "try_private",
                                               "username"};

bool is_of_bridge(std::string_view name) {
  return name.substr(0, 7) == "bridge_" || of_bridges.count(name) == 1;
}

std::string before(const OptionCase& option) {
  std::string text;
  if (option.needs_listener) text += "listener 1883\n";
  if (option.needs_plugin) text += "plugin /usr/lib/mosquitto_password_file.so\n";
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mosquitto_options)

BOOST_AUTO_TEST_CASE(every_option_accepts_its_values_and_refuses_others_with_their_place) {
  for (const OptionCase& option : cases) {
    for (const char* value : option.accepted) {
      const Read read(before(option) + option.name + " " + value + "\n");
      BOOST_TEST(read.messages == "", option.name << " " << value);
    }
    for (const char* value : option.refused) {
      const std::string text = before(option) + option.name + " " + value + "\n";
      const Read read(text);
      BOOST_TEST(read.trouble.size() == 1U, option.name << " " << value);
      if (read.trouble.size() != 1U) continue;
      const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
      BOOST_TEST(read.trouble[0].line == lines);
      BOOST_TEST(read.trouble[0].column >= 1U);
      BOOST_TEST(contains(read.messages, "m.conf:" + std::to_string(lines) + ":"));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_may_stand_once_is_refused_the_second_time) {
  for (const OptionCase& option : cases) {
    const std::string line = std::string(option.name) + " " + option.accepted[0] + "\n";
    const Read read(before(option) + line + line);
    BOOST_TEST(read.trouble.size() == (option.twice ? 0U : 1U), option.name << read.messages);
  }
  // Another listener is another matter.
  BOOST_TEST(Read("listener 1\nmount_point a\nlistener 2\nmount_point b\n").messages == "");
}

BOOST_AUTO_TEST_CASE(options_that_need_a_listener_say_so) {
  for (const OptionCase& option : cases)
    if (option.needs_listener)
      BOOST_TEST(contains(Read(std::string(option.name) + " " + option.accepted[0] + "\n").messages,
                          "listener"),
                 option.name);
}

BOOST_AUTO_TEST_CASE(every_option_of_the_table_is_in_the_order_of_the_alphabet_and_tested) {
  const std::vector<std::string_view> names = mosquitto_option_names();
  BOOST_TEST(names.size() >= 140U);
  std::set<std::string_view> tested = elsewhere;
  for (const OptionCase& option : cases) tested.insert(option.name);
  for (const std::string_view name : names)
    BOOST_TEST((tested.count(name) == 1 || is_of_bridge(name)), std::string(name));
  for (const std::string_view name : tested)
    BOOST_TEST(std::count(names.begin(), names.end(), name) == 1, std::string(name));
  for (std::size_t i = 1; i < names.size(); ++i)
    BOOST_TEST((names[i - 1] < names[i]), std::string(names[i]));
}

BOOST_AUTO_TEST_CASE(every_origin_names_a_key_of_the_native_format) {
  const std::vector<std::string> known = all_key_paths();
  for (const OptionCase& option : cases) {
    const Read read("listener 1\ncertfile /c\nkeyfile /k\n" + before(option) + option.name + " "
                    + option.accepted[0] + "\n");
    for (const auto& entry : read.settings.origins) {
      std::string path = entry.first;
      if (const std::size_t open = path.find('['); open != std::string::npos)
        path.erase(open + 1, path.find(']') - open - 1);
      BOOST_TEST((std::find(known.begin(), known.end(), path) != known.end()),
                 option.name << " leads to " << path);
    }
  }
}

BOOST_AUTO_TEST_CASE(options_of_bridges_stand_after_a_connection) {
  for (const std::string_view name : mosquitto_option_names()) {
    if (!is_of_bridge(name)) continue;
    const std::string line = std::string(name) + " x\n";
    BOOST_TEST(contains(Read(line).messages, "belongs to a bridge"), line);
    BOOST_TEST(Read("connection c\n" + line).trouble.size() == 1U, line);
  }
}

BOOST_AUTO_TEST_CASE(a_bridge_is_refused_by_its_name_and_line) {
  const Read read(
      "listener 1883\n\nconnection cloud\naddress b.example.org:8883\ntopic # both 0\n"
      "remote_password secret\n");
  BOOST_TEST(read.trouble.size() == 1U);
  BOOST_TEST(contains(read.messages,
                      "m.conf:3:12: bridge 'cloud' (line 3) is not supported yet; if the far side "
                      "is another starling node, make both members of one mesh"));
  BOOST_TEST(!contains(read.messages, "secret"));
  BOOST_TEST(Read("connection a\nconnection b\n").trouble.size() == 2U);
  BOOST_TEST(contains(Read("connection\n").messages, "has no value"));
}

BOOST_AUTO_TEST_CASE(what_would_weaken_authentication_is_refused_with_the_reason) {
  for (const char* line :
       {"plugin /usr/lib/mosquitto_dynamic_security.so", "auth_plugin /usr/lib/auth.so",
        "global_plugin x.so", "plugin_load a /x.so", "plugin_use a", "tls_engine pkcs11",
        "tls_engine_kpass_sha1 00", "tls_keyform engine", "disable_client_cert_date_checks true"})
    BOOST_TEST(Read("listener 1\n" + std::string(line) + "\n").trouble.size() == 1U, line);
  // The options of a plugin that is refused already are no second trouble.
  BOOST_TEST(Read("plugin /x.so\nplugin_opt_config_file /y\n").trouble.size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_two_file_plugins_are_built_in) {
  const Read read(
      "plugin /usr/lib/mosquitto_password_file.so\nplugin_opt_password_file /p\n"
      "plugin /usr/lib/mosquitto_acl_file.so\nplugin_opt_acl_file /a\n");
  BOOST_TEST(read.messages == "");
  BOOST_TEST(read.settings.security.password_file == "/p");
  BOOST_TEST(read.settings.security.acl_file == "/a");
  for (const char* text : {"plugin_opt_inval string\n", "auth_opt_inval string\n",
                           "plugin /mosquitto_acl_file.so\nplugin_opt_ string\n",
                           "plugin /mosquitto_acl_file.so\nplugin_opt_test x\n",
                           "plugin /mosquitto_acl_file.so\nplugin_opt_acl_file\n", "plugin\n",
                           "auth_plugin_deny_special_chars true\n"})
    BOOST_TEST(Read(text).trouble.size() == 1U, text);
}

BOOST_AUTO_TEST_CASE(an_unknown_word_is_shown_with_the_word_that_was_meant) {
  BOOST_TEST(Read("listener 1883\nalow_anonymous true\n").messages
             == "m.conf:2:1: unknown configuration variable \"alow_anonymous\"\n"
                "   2 | alow_anonymous true\n"
                "     | ^^^^^^^^^^^^^^ did you mean \"allow_anonymous\"?\n");
  BOOST_TEST(contains(Read("max_qos 3\n").messages, "m.conf:1:9: \"max_qos\" = 3 is out of range"));
  BOOST_TEST(contains(Read("allow_anonymous ture\n").messages, "did you mean \"true\"?"));
  BOOST_TEST(contains(Read("listener\t1883\n").messages, "there is a tab"));
  BOOST_TEST(contains(Read(" # indented\n").messages, "first column"));
}

BOOST_AUTO_TEST_CASE(numbers_that_mean_no_bound_become_the_widest_one) {
  const Read read(
      "max_inflight_messages 0\nmax_queued_messages 0\nmax_queued_bytes 0\nmax_inflight_bytes -5\n"
      "max_keepalive 0\nmax_packet_size 2147483647\nretain_expiry_interval 2147483647\n"
      "persistent_client_expiration 9999y\nglobal_max_connections -1\n");
  BOOST_TEST(read.messages == "");
  const ClientLimits& clients = read.settings.clients;
  BOOST_TEST(clients.inflight_max == 65'535);
  BOOST_TEST(clients.receive_maximum == 65'535);
  BOOST_TEST(clients.queued_messages_max == 4'294'967'295U);
  BOOST_TEST(clients.queued_bytes_max == 4'294'967'295U);
  BOOST_TEST(clients.inflight_bytes_max == 0U);
  BOOST_TEST(clients.keep_alive_max_s == 65'535);
  BOOST_TEST(clients.packet_size_max == limits::packet_size_max);
  BOOST_TEST(clients.retain_expiry_s == 600'000'000U);
  BOOST_TEST(clients.session_expiry_max_s == 4'294'967'294U);
  BOOST_TEST(clients.connections_max == limits::connections_max);
}

BOOST_AUTO_TEST_SUITE_END()
