#include <boost/test/unit_test.hpp>

#include "src/config/complete.hpp"
#include "src/config/mosquitto_conf.hpp"
#include "tests/support/memory_config_files.hpp"

using namespace starling;
using namespace starling::config;

namespace {

/// A configuration as people have it, read with the files around it and completed.
struct Read {
  explicit Read(const std::string& text, std::map<std::string, std::string> others = {}) {
    files.files = std::move(others);
    read_mosquitto_conf("m.conf", text, files, settings, trouble);
    complete(settings, trouble);
    for (const auto& diagnostic : trouble) messages += diagnostic.to_text() + "\n";
    for (const auto& notice : settings.notices) notices += notice + "\n";
  }
  MemoryConfigFiles files;
  Settings settings;
  std::vector<Diagnostic> trouble;
  std::string messages, notices;
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

const char* const debian =
    "# Place your local configuration in /etc/mosquitto/conf.d/\n"
    "pid_file /run/mosquitto/mosquitto.pid\n\n"
    "persistence true\npersistence_location /var/lib/mosquitto/\n\n"
    "log_dest file /var/log/mosquitto/mosquitto.log\n\n"
    "include_dir /etc/mosquitto/conf.d\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(mosquitto_conf)

BOOST_AUTO_TEST_CASE(an_empty_file_means_local_only_with_mosquittos_defaults) {
  const Read read("");
  BOOST_TEST(read.messages == "");
  BOOST_TEST(read.settings.listeners.empty());
  BOOST_TEST(!read.settings.security.allow_anonymous.has_value());
  BOOST_TEST(read.settings.clients.inflight_max == 20);
  BOOST_TEST((read.settings.durability == Durability::commit));
  BOOST_TEST(read.settings.mosquitto_db == "");
  BOOST_TEST((read.settings.log.format == LogFormat::mosquitto));
  BOOST_TEST(read.settings.log.to_stderr);
  BOOST_TEST(read.settings.user == "mosquitto");
  BOOST_TEST(read.settings.origins.empty());
}

BOOST_AUTO_TEST_CASE(debians_file_with_a_local_one_beside_it) {
  const Read read(debian, {{"/etc/mosquitto/conf.d/README", "not configuration"},
                           {"/etc/mosquitto/conf.d/local.conf",
                            "listener 1883\nallow_anonymous false\n"
                            "password_file /etc/mosquitto/passwd\n"}});
  BOOST_TEST(read.messages == "");
  const Settings& s = read.settings;
  BOOST_TEST(s.pid_file == "/run/mosquitto/mosquitto.pid");
  BOOST_TEST(s.state_dir == "/var/lib/mosquitto/");
  BOOST_TEST(s.log.file == "/var/log/mosquitto/mosquitto.log");
  BOOST_TEST(!s.log.to_stderr);
  BOOST_TEST(s.security.password_file == "/etc/mosquitto/passwd");
  BOOST_TEST(!s.security.allow_anonymous.value());
  BOOST_REQUIRE(s.listeners.size() == 1U);
  BOOST_TEST(s.listeners[0].port == 1883);
  BOOST_TEST(s.listeners[0].bind == "");
  BOOST_TEST(!s.listeners[0].allow_anonymous.value());
  BOOST_TEST((s.durability == Durability::commit));
  BOOST_TEST(s.mosquitto_db == "/var/lib/mosquitto/mosquitto.db");
  BOOST_TEST(read.notices == "");
  BOOST_TEST(s.origins.at("listener[0].port").text == "/etc/mosquitto/conf.d/local.conf:1");
}

BOOST_AUTO_TEST_CASE(home_assistants_broker) {
  const Read read(
      "protocol mqtt\nuser root\nlog_dest stdout\nlog_type error\nlog_type warning\n"
      "persistence true\npersistence_location /data/\n\n"
      "listener 1883\nlistener 1884\nprotocol websockets\n"
      "listener 8883\ncafile /ssl/fullchain.pem\ncertfile /ssl/fullchain.pem\n"
      "keyfile /ssl/privkey.pem\nrequire_certificate false\n"
      "listener 8884\nprotocol websockets\ncafile /ssl/fullchain.pem\n"
      "certfile /ssl/fullchain.pem\nkeyfile /ssl/privkey.pem\n");
  BOOST_TEST(read.messages == "");
  const Settings& s = read.settings;
  BOOST_REQUIRE(s.listeners.size() == 4U);
  BOOST_TEST((s.listeners[1].protocol == ListenerProtocol::websockets));
  BOOST_REQUIRE(s.listeners[2].tls.has_value());
  BOOST_TEST(s.listeners[2].tls->certificates[0].key == "/ssl/privkey.pem");
  BOOST_TEST(!s.listeners[2].tls->require_client_cert);
  BOOST_TEST((s.listeners[3].protocol == ListenerProtocol::websockets));
  BOOST_TEST(s.listeners[3].tls.has_value());
  BOOST_TEST((s.log.types == std::vector<std::string>{"error", "warning"}));
  BOOST_TEST((s.log.level == LogLevel::warn));
  BOOST_TEST(s.user == "root");
}

BOOST_AUTO_TEST_CASE(the_docker_images_usual_file) {
  const Read read(
      "persistence true\r\npersistence_location /mosquitto/data/\r\n"
      "log_dest file /mosquitto/log/mosquitto.log\r\nlog_dest stdout\r\n"
      "listener 1883\r\nlistener 9001\r\nprotocol websockets\r\nallow_anonymous true\r\n");
  BOOST_TEST(read.messages == "");
  BOOST_REQUIRE(read.settings.listeners.size() == 2U);
  BOOST_TEST(read.settings.security.allow_anonymous.value());
  BOOST_TEST(read.settings.log.to_stdout);
  BOOST_TEST(read.settings.log.file == "/mosquitto/log/mosquitto.log");
  BOOST_TEST((read.settings.listeners[1].protocol == ListenerProtocol::websockets));
}

BOOST_AUTO_TEST_CASE(mutual_tls_with_names_from_certificates) {
  const Read read(
      "listener 8883 192.0.2.1\ncafile /ca.pem\ncapath /cas\ncertfile /c.pem\nkeyfile /k.pem\n"
      "crlfile /crl.pem\nrequire_certificate true\nuse_subject_as_username true\n"
      "use_identity_as_username true\ntls_version tlsv1.2\nciphers ECDHE-RSA-AES128-GCM-SHA256\n"
      "ciphers_tls1.3 TLS_AES_128_GCM_SHA256\n");
  BOOST_TEST(read.messages == "");
  BOOST_REQUIRE(read.settings.listeners.size() == 1U);
  const TlsSettings& tls = read.settings.listeners[0].tls.value();
  BOOST_TEST(read.settings.listeners[0].bind == "192.0.2.1");
  BOOST_TEST(tls.client_ca == "/ca.pem");
  BOOST_TEST(tls.client_ca_dir == "/cas");
  BOOST_TEST(tls.crl == "/crl.pem");
  BOOST_TEST(tls.require_client_cert);
  BOOST_TEST((tls.user_from == CertificateUser::common_name));
  BOOST_TEST(tls.versions == "");  // at least 1.2
  BOOST_TEST(tls.ciphers == "ECDHE-RSA-AES128-GCM-SHA256");
  BOOST_TEST(tls.ciphers_tls13 == "TLS_AES_128_GCM_SHA256");
  BOOST_TEST(Read("listener 1\ncertfile /c\nkeyfile /k\ntls_version tlsv1.3\n")
                 .settings.listeners[0]
                 .tls->versions
             == "tlsv1.3");
}

BOOST_AUTO_TEST_CASE(tls_that_would_be_off_is_refused_rather_than_served_in_clear) {
  for (const char* text : {"listener 1\ncafile /ca\n", "listener 1\ncapath /ca\n",
                           "listener 1\ncertfile /c\n", "listener 1\nkeyfile /k\n",
                           "listener 1\nrequire_certificate true\n", "listener 1\npsk_hint h\n"})
    BOOST_TEST(Read(text).trouble.size() == 1U, text << Read(text).messages);
  BOOST_TEST(contains(Read("listener 1\ncafile /ca\n").messages, "m.conf:2: cafile"));
  BOOST_TEST(Read("listener 1\nrequire_certificate false\n").messages == "");
}

BOOST_AUTO_TEST_CASE(keys_shared_before_are_offered_where_there_is_a_hint) {
  const Read read("psk_file /psk\nlistener 8884\npsk_hint home\nuse_identity_as_username true\n");
  BOOST_TEST(read.messages == "");
  BOOST_REQUIRE(read.settings.listeners.size() == 1U);
  BOOST_TEST(read.settings.listeners[0].tls->psk_file == "/psk");
  BOOST_TEST((read.settings.listeners[0].tls->user_from == CertificateUser::common_name));
  BOOST_TEST(Read("listener 1\npsk_hint h\ncafile /c\n").trouble.size() >= 1U);
}

BOOST_AUTO_TEST_CASE(per_listener_settings_give_each_listener_its_own_security) {
  const Read read(
      "per_listener_settings true\n\nlistener 1883 127.0.0.1\nallow_anonymous true\n"
      "auto_id_prefix in-\nlistener 8883\npassword_file /p\nacl_file /a\n"
      "allow_zero_length_clientid false\n");
  BOOST_TEST(read.messages == "");
  const Settings& s = read.settings;
  BOOST_TEST(s.per_listener_security);
  BOOST_REQUIRE(s.listeners.size() == 2U);
  BOOST_TEST(s.listeners[0].allow_anonymous.value());
  BOOST_TEST(s.listeners[0].auto_id_prefix.value() == "in-");
  BOOST_TEST(!s.listeners[0].password_file.has_value());
  BOOST_TEST(!s.listeners[1].allow_anonymous.value());
  BOOST_TEST(!s.security.allow_anonymous.has_value());
  BOOST_TEST(s.listeners[1].password_file.value() == "/p");
  BOOST_TEST(s.listeners[1].acl_file.value() == "/a");
  BOOST_TEST(!s.listeners[1].allow_zero_length_client_id.value());
  BOOST_TEST(s.security.password_file == "");
  BOOST_TEST(contains(Read("allow_anonymous true\nper_listener_settings true\n").messages,
                      "before all other security settings"));
  BOOST_TEST(Read("per_listener_settings true\nper_listener_settings false\n")
                 .settings.per_listener_security);
}

BOOST_AUTO_TEST_CASE(a_listener_may_have_its_own_word_on_anonymous_clients) {
  const Read read("allow_anonymous false\nlistener 1\nlistener_allow_anonymous true\nlistener 2\n");
  BOOST_TEST(read.messages == "");
  BOOST_TEST(!read.settings.security.allow_anonymous.value());
  BOOST_TEST(read.settings.listeners[0].allow_anonymous.value());
  BOOST_TEST(!read.settings.listeners[1].allow_anonymous.value());
}

BOOST_AUTO_TEST_CASE(a_configured_listener_takes_no_anonymous_clients_unless_told_to) {
  for (const char* text : {"listener 1883\n", "listener 1883 127.0.0.1\n", "port 1883\n"})
    BOOST_TEST(!Read(text).settings.security.allow_anonymous.value_or(true), text);
  BOOST_TEST(Read("listener 1\nallow_anonymous true\n").settings.security.allow_anonymous.value());
  BOOST_TEST(!Read("sys_interval 1\n").settings.security.allow_anonymous.has_value());
}

BOOST_AUTO_TEST_CASE(port_and_bind_address_make_the_default_listener) {
  const Read port("port 1885\n");
  BOOST_REQUIRE(port.settings.listeners.size() == 1U);
  BOOST_TEST(port.settings.listeners[0].port == 1885);
  BOOST_TEST(port.settings.listeners[0].bind == "");
  const Read bind("bind_address localhost\n");
  BOOST_REQUIRE(bind.settings.listeners.size() == 1U);
  BOOST_TEST(bind.settings.listeners[0].port == 1883);
  BOOST_TEST(bind.settings.listeners[0].bind == "localhost");
  const Read both("port 1885\nlistener 1886\nmax_qos 1\n");
  BOOST_REQUIRE(both.settings.listeners.size() == 2U);
  BOOST_TEST(both.settings.listeners[0].port == 1886);
  BOOST_TEST(both.settings.listeners[0].qos_max == 1);
  BOOST_TEST(both.settings.listeners[1].port == 1885);
  BOOST_TEST(both.settings.listeners[1].qos_max == 2);
  BOOST_TEST(both.settings.origins.at("listener[1].port").text == "m.conf:1");
  const Read twice("port 1885\nport 1886\n");
  BOOST_TEST(twice.messages == "");
  BOOST_TEST(twice.settings.listeners[0].port == 1886);
  BOOST_TEST(contains(twice.notices, "more than once"));
}

BOOST_AUTO_TEST_CASE(options_before_any_listener_open_a_listener_of_their_own_as_in_mosquitto) {
  const Read read("max_connections 10\nlistener 8883\n");
  BOOST_REQUIRE(read.settings.listeners.size() == 2U);
  BOOST_TEST(read.settings.listeners[1].port == 1883);
  BOOST_TEST(read.settings.listeners[1].connections_max == 10U);
  BOOST_TEST(contains(read.notices, "port 1883"));
  for (const char* line : {"max_connections -1", "max_qos 2", "protocol mqtt", "acl_file /a",
                           "allow_anonymous true", "max_topic_alias 3"})
    BOOST_TEST(Read(std::string(line) + "\n").settings.listeners.empty(), line);
  // A file that is included begins anew.
  const Read included("listener 1\ninclude_dir /d\n", {{"/d/a.conf", "max_qos 1\n"}});
  BOOST_REQUIRE(included.settings.listeners.size() == 2U);
  BOOST_TEST(included.settings.listeners[0].qos_max == 2);
  BOOST_TEST(included.settings.listeners[1].qos_max == 1);
}

BOOST_AUTO_TEST_CASE(a_listener_line_names_port_and_address_or_a_unix_socket) {
  const Read read(
      "listener 1883 ::1\nlistener 0 /run/s.sock\nlistener 1884 # any\nlistener  1885   h \n");
  BOOST_TEST(read.messages == "");
  BOOST_REQUIRE(read.settings.listeners.size() == 4U);
  BOOST_TEST(read.settings.listeners[0].bind == "::1");
  BOOST_TEST(read.settings.listeners[1].unix_socket == "/run/s.sock");
  BOOST_TEST(read.settings.listeners[1].port == 0);
  BOOST_TEST(read.settings.listeners[2].bind == "");
  BOOST_TEST(read.settings.listeners[3].bind == "h");
  for (const char* text : {"listener\n", "listener 0\n", "listener 100000\n", "listener -1\n",
                           "listener x\n", "listener 1\nlistener 1\n"})
    BOOST_TEST(Read(text).trouble.size() == 1U, text);
}

BOOST_AUTO_TEST_CASE(included_files_come_in_the_order_of_their_letters) {
  const std::map<std::string, std::string> files = {
      {"/d/b.conf", "user b\n"}, {"/d/A.conf", "user A\n"},     {"/d/a.conf", "user a\n"},
      {"/d/B.conf", "user B\n"}, {"/d/00.conf", "user zero\n"}, {"/d/c.conf.bak", "user bad\n"},
      {"/d/.conf", "user dot\n"}};
  BOOST_TEST(Read("include_dir /d\n", files).settings.user == "b");
  BOOST_TEST(Read("include_dir /d/\nuser last\n", files).settings.user == "last");
  BOOST_TEST(
      Read("include_dir /d\n",
           {{"/d/A.conf", "user A\n"}, {"/d/a.conf", "user a\n"}, {"/d/B.conf", "pid_file /B\n"}})
          .settings.user
      == "a");
  const Read nested("include_dir /d\n",
                    {{"/d/a.conf", "include_dir /e\n"}, {"/e/x.conf", "nonsense\n"}});
  BOOST_TEST(nested.messages == "");
  BOOST_TEST(contains(nested.notices, "only in the main file"));
  BOOST_TEST(contains(Read("\ninclude_dir /none\n").messages, "m.conf:2:13: /none cannot be read"));
  BOOST_TEST(contains(Read("include_dir\n").messages, "has no value"));
}

BOOST_AUTO_TEST_CASE(all_troubles_of_all_files_are_told_in_one_run) {
  const Read read("alow_anonymous true\ninclude_dir /d\nmax_qos 3\n",
                  {{"/d/a.conf", "listener\n"}, {"/d/b.conf", "\n\npersistance true\n"}});
  BOOST_TEST(read.trouble.size() == 4U);
  for (const char* part : {"m.conf:1:1: ", "/d/a.conf:1:1: ", "/d/b.conf:3:1: ", "m.conf:3:9: "})
    BOOST_TEST(contains(read.messages, part), read.messages << " lacks " << part);
}

BOOST_AUTO_TEST_CASE(what_has_no_effect_is_said_once) {
  const Read read(
      "autosave_interval 60\nautosave_interval 30\nretry_interval 20\nwebsockets_log_level 0\n"
      "http_dir /www\n");
  BOOST_TEST(read.messages == "");
  BOOST_TEST(read.notices
             == "without effect here: autosave_interval, http_dir, retry_interval, "
                "websockets_log_level\n");
}

BOOST_AUTO_TEST_CASE(log_destinations_and_types_add_up_and_none_ends_them) {
  const Read read(
      "log_dest syslog\nlog_dest topic\nlog_facility 2\nlog_type debug\nlog_type error\n"
      "log_timestamp false\nconnection_messages false\n");
  const LogSettings& log = read.settings.log;
  BOOST_TEST(log.to_syslog);
  BOOST_TEST(log.to_topic);
  BOOST_TEST(!log.to_stderr);
  BOOST_TEST(log.syslog_facility == 18);
  BOOST_TEST((log.types == std::vector<std::string>{"debug", "error"}));
  BOOST_TEST((log.level == LogLevel::debug));
  BOOST_TEST(!log.timestamp);
  BOOST_TEST(!log.connection_messages);
  const Read none("log_dest stdout\nlog_dest none\nlog_type all\nlog_type none\n");
  BOOST_TEST(!none.settings.log.to_stdout);
  BOOST_TEST(!none.settings.log.to_stderr);
  BOOST_TEST((none.settings.log.types == std::vector<std::string>{"none"}));
  BOOST_TEST((none.settings.log.level == LogLevel::error));
  BOOST_TEST(contains(Read("log_dest file /a\nlog_dest file /b\n").messages, "written twice"));
}

BOOST_AUTO_TEST_CASE(persistence_is_on_unless_it_is_turned_off) {
  struct Row {
    const char* text;
    Durability durability;
    const char* mosquitto_db;  // only what Mosquitto itself would read is read in
  };
  for (const Row& row : {
           Row{"", Durability::commit, ""},
           Row{"persistence_location /data\n", Durability::commit, ""},
           Row{"persistence false\npersistence_location /data\n", Durability::none, ""},
           Row{"retained_persistence false\n", Durability::none, ""},
           Row{"persistence true\n", Durability::commit, "mosquitto.db"},
           Row{"retained_persistence true\n", Durability::commit, "mosquitto.db"},
           Row{"persistence true\npersistence_location /data\n", Durability::commit,
               "/data/mosquitto.db"},
           Row{"persistence_location /data/\npersistence_file x.db\npersistence 1\n",
               Durability::commit, "/data/x.db"},
           Row{"persistence true\nretained_persistence false\n", Durability::none, ""},
       }) {
    const Read read(row.text);
    BOOST_TEST(read.messages == "", row.text);
    BOOST_TEST(read.notices == "", row.text);
    BOOST_TEST((read.settings.durability == row.durability), row.text);
    BOOST_TEST(read.settings.mosquitto_db == row.mosquitto_db, row.text);
  }
  const Read off("autosave_interval 5\npersistence false\n");
  BOOST_TEST(off.settings.origins.at("store.durability").text.ends_with(":2"));
  BOOST_TEST(contains(off.notices, "without effect here: autosave_interval"));
}

BOOST_AUTO_TEST_CASE(values_reach_their_places) {
  const Read read(
      "max_inflight_messages 7\nmax_inflight_bytes 8\nmax_queued_messages 9\nmax_queued_bytes 10\n"
      "max_packet_size 100\nmessage_size_limit 50\nmax_keepalive 60\nretain_available false\n"
      "global_max_connections 11\nglobal_max_clients 12\npersistent_client_expiration 2m\n"
      "queue_qos0_messages true\nupgrade_outgoing_qos true\nclientid_prefixes secure-\n"
      "check_retain_source false\nset_tcp_nodelay true\nsys_interval 0\nmemory_limit 1000000\n"
      "retain_expiry_interval 3\nallow_zero_length_clientid false\nauto_id_prefix x-\n"
      "listener 1\nmax_connections 5\nmax_topic_alias 4\nmax_topic_alias_broker 6\n"
      "mount_point site/\nuse_username_as_clientid true\nbind_interface lo\nsocket_domain ipv6\n"
      "enable_proxy_protocol 2\nwebsockets_origin https://a\nwebsockets_origin https://b\n");
  BOOST_TEST(read.messages == "");
  const ClientLimits& c = read.settings.clients;
  BOOST_TEST(c.inflight_max == 7);
  BOOST_TEST(c.receive_maximum == 7);  // it bounds both ways
  BOOST_TEST(c.inflight_bytes_max == 8U);
  BOOST_TEST(c.queued_messages_max == 9U);
  BOOST_TEST(c.queued_bytes_max == 10U);
  BOOST_TEST(c.packet_size_max == 100U);
  BOOST_TEST(c.payload_size_max == 50U);
  BOOST_TEST(c.keep_alive_max_s == 60);
  BOOST_TEST(!c.retain_available);
  BOOST_TEST(c.connections_max == 11U);
  BOOST_TEST(c.sessions_max == 12U);
  BOOST_TEST(c.session_expiry_max_s == 5'184'000U);
  BOOST_TEST(c.queue_qos0);
  BOOST_TEST(c.upgrade_outgoing_qos);
  BOOST_TEST(c.client_id_prefixes == "secure-");
  BOOST_TEST(!c.check_retain_source);
  BOOST_TEST(c.tcp_nodelay);
  BOOST_TEST(read.settings.sys_interval_s == 0U);
  BOOST_TEST(c.memory_max == 1'000'000U);
  BOOST_TEST(c.retain_expiry_s == 180U);
  BOOST_TEST(!read.settings.security.allow_zero_length_client_id);
  BOOST_TEST(read.settings.security.auto_id_prefix == "x-");
  BOOST_REQUIRE(read.settings.listeners.size() == 1U);
  const ListenerSettings& l = read.settings.listeners[0];
  BOOST_TEST(l.connections_max == 5U);
  BOOST_TEST(l.topic_alias_max.value() == 4);
  BOOST_TEST(l.topic_alias_max_broker.value() == 6);
  BOOST_TEST(l.mount_point == "site/");
  BOOST_TEST(l.use_user_name_as_client_id);
  BOOST_TEST(l.bind_interface == "lo");
  BOOST_TEST((l.domain == SocketDomain::ipv6));
  BOOST_TEST(l.proxy_protocol);
  BOOST_TEST(l.websocket_origins.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_is_said_so) {
  SystemConfigFiles files;
  Settings settings;
  std::vector<Diagnostic> trouble;
  read_mosquitto_conf_file("/nonexistent/m.conf", files, settings, trouble);
  BOOST_REQUIRE(trouble.size() == 1U);
  BOOST_TEST(trouble[0].to_text()
             == "/nonexistent/m.conf: cannot be read: No such file or directory");
}

BOOST_AUTO_TEST_SUITE_END()
