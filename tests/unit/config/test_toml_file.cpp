#include <boost/test/unit_test.hpp>

#include "src/config/toml_file.hpp"
#include "tests/support/memory_config_files.hpp"

using namespace starling;
using namespace starling::config;

namespace {

struct Read {
  explicit Read(std::string_view text) { read_toml("x.toml", text, files, settings, trouble); }
  /// The n-th message as printed, or "" if there are fewer.
  [[nodiscard]] std::string message(std::size_t n) const {
    return n < trouble.size() ? trouble[n].to_text() : "";
  }
  MemoryConfigFiles files;
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
  BOOST_TEST(s.security.acl_file == "/etc/starling/acl");
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
  BOOST_TEST((s.log.level == LogLevel::debug));
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

BOOST_AUTO_TEST_CASE(how_the_router_is_asked_can_be_chosen) {
  BOOST_TEST((Settings{}.dht.nat == NatChoice::automatic));
  for (const auto& [word, nat] :
       {std::pair{"auto", NatChoice::automatic}, std::pair{"off", NatChoice::off},
        std::pair{"upnp", NatChoice::upnp}, std::pair{"natpmp", NatChoice::nat_pmp}}) {
    const Read read("[dht]\nnat = \"" + std::string(word) + "\"\n");
    BOOST_TEST(read.trouble.empty());
    BOOST_TEST((read.settings.dht.nat == nat));
  }
}

BOOST_AUTO_TEST_CASE(members_in_the_local_network_are_looked_for_unless_told_otherwise) {
  BOOST_TEST(Read("[dht]\nnat = \"off\"\n").settings.dht.lan);
  const Read read("[dht]\nlan = false\n");
  BOOST_TEST(read.trouble.empty());
  BOOST_TEST(!read.settings.dht.lan);
  BOOST_TEST(Read("[dht]\nlan = \"yes\"\n").trouble.size() == 1U);
}

BOOST_AUTO_TEST_CASE(keys_of_later_versions_are_refused_by_name_not_ignored) {
  for (const char* text :
       {"[admin]\nlisten = \"127.0.0.1:8830\"\n", "[limits.mesh]\nbandwidth_out = \"4 MiB/s\"\n"})
    BOOST_TEST(Read(text).message(0).find("is not supported in this version") != std::string::npos,
               text);
  for (const char* text :
       {"[store]\ndurability = \"some\"\n", "[dht]\nnat = \"yes\"\n",
        "[dht]\nrelay = \"sometimes\"\n"})
    BOOST_TEST(Read(text).trouble.size() == 1U, text);
  BOOST_TEST(Read("[dht]\nrelay = \"off\"\n").trouble.empty());
}

BOOST_AUTO_TEST_CASE(the_store_is_durable_as_it_is_told) {
  const auto durability = [](const std::string& word) {
    const Read read("[store]\ndurability = \"" + word + "\"\nimport_mosquitto_db = \"/m.db\"\n");
    BOOST_TEST(read.trouble.empty(), word);
    BOOST_TEST(read.settings.mosquitto_db == "/m.db");
    return read.settings.durability;
  };
  BOOST_TEST((Read("").settings.durability == Durability::commit));
  BOOST_TEST((durability("commit") == Durability::commit));
  BOOST_TEST((durability("relaxed") == Durability::relaxed));
  BOOST_TEST((durability("none") == Durability::none));
  BOOST_TEST(Read("[store]\ndurability = \"nome\"\n").message(0).find("did you mean \"none\"?")
             != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_listener_takes_everything_that_mosquitto_listeners_have) {
  const Read read(R"(
[[listener]]
port = 8883
bind = ""
bind_interface = "eth0"
domain = "ipv6"
protocol = "websockets"
also_mqtt = true
websocket_origins = ["https://a"]
proxy_protocol = true
allow_anonymous = true
password_file = "/p"
acl_file = "/a"
allow_zero_length_client_id = false
auto_id_prefix = "x-"
protocol_versions = [5, 4, 5]
max_connections = 9
max_qos = 1
max_topic_alias = 0
max_topic_alias_broker = 7
mount_point = "site/"
use_user_name_as_client_id = true
tls = { cert = ["/r", "/e"], key = ["/rk", "/ek"], client_ca = "/ca", client_ca_dir = "/cas", crl = "/crl", require_client_cert = true, user_from = "subject", version = "tlsv1.3", ciphers = "A", ciphers_tls13 = "B", psk_file = "/psk", psk_hint = "h" }
[[listener]]
unix_socket = "/run/s"
mode = "0600"
)");
  BOOST_TEST(read.message(0) == "");
  BOOST_REQUIRE(read.settings.listeners.size() == 2U);
  const ListenerSettings& l = read.settings.listeners[0];
  BOOST_TEST(l.port == 8883);
  BOOST_TEST(l.bind == "");
  BOOST_TEST(l.bind_interface == "eth0");
  BOOST_TEST((l.domain == SocketDomain::ipv6));
  BOOST_TEST((l.protocol == ListenerProtocol::websockets));
  BOOST_TEST(l.also_mqtt);
  BOOST_TEST(l.websocket_origins.size() == 1U);
  BOOST_TEST(l.proxy_protocol);
  BOOST_TEST(l.allow_anonymous.value());
  BOOST_TEST(l.password_file.value() == "/p");
  BOOST_TEST(l.acl_file.value() == "/a");
  BOOST_TEST(!l.allow_zero_length_client_id.value());
  BOOST_TEST(l.auto_id_prefix.value() == "x-");
  BOOST_TEST((l.protocol_versions == std::vector<std::uint8_t>{5, 4}));
  BOOST_TEST(l.connections_max == 9U);
  BOOST_TEST(l.qos_max == 1);
  BOOST_TEST(l.topic_alias_max.value() == 0);
  BOOST_TEST(l.topic_alias_max_broker.value() == 7);
  BOOST_TEST(l.mount_point == "site/");
  BOOST_TEST(l.use_user_name_as_client_id);
  BOOST_REQUIRE(l.tls.has_value());
  BOOST_REQUIRE(l.tls->certificates.size() == 2U);
  BOOST_TEST(l.tls->certificates[1].cert == "/e");
  BOOST_TEST(l.tls->certificates[1].key == "/ek");
  BOOST_TEST(l.tls->client_ca == "/ca");
  BOOST_TEST(l.tls->client_ca_dir == "/cas");
  BOOST_TEST(l.tls->crl == "/crl");
  BOOST_TEST(l.tls->require_client_cert);
  BOOST_TEST((l.tls->user_from == CertificateUser::subject));
  BOOST_TEST(l.tls->versions == "tlsv1.3");
  BOOST_TEST(l.tls->ciphers == "A");
  BOOST_TEST(l.tls->ciphers_tls13 == "B");
  BOOST_TEST(l.tls->psk_file == "/psk");
  BOOST_TEST(l.tls->psk_hint == "h");
  BOOST_TEST(read.settings.listeners[1].unix_socket == "/run/s");
  BOOST_TEST(read.settings.listeners[1].unix_socket_mode == 0600U);
  BOOST_TEST(!read.settings.listeners[1].tls.has_value());
}

BOOST_AUTO_TEST_CASE(one_certificate_needs_no_brackets) {
  const Read read("[[listener]]\ntls = { cert = \"/c\", key = \"/k\" }\n");
  BOOST_TEST(read.message(0) == "");
  BOOST_REQUIRE(read.settings.listeners[0].tls->certificates.size() == 1U);
  BOOST_TEST(read.settings.listeners[0].tls->certificates[0].key == "/k");
}

BOOST_AUTO_TEST_CASE(numbers_may_have_units) {
  const Read read(
      "[node]\nsys_interval = \"1 min\"\n[limits]\nmax_packet_size = \"4 MiB\"\n"
      "bytes_per_s = \"1 MiB/s\"\nconnect_timeout = \"5s\"\n");
  BOOST_TEST(read.message(0) == "");
  BOOST_TEST(read.settings.sys_interval_s == 60U);
  BOOST_TEST(read.settings.clients.packet_size_max == 4'194'304U);
  BOOST_TEST(read.settings.clients.bytes_per_s == 1'048'576U);
  BOOST_TEST(read.settings.clients.connect_timeout_s == 5);
  BOOST_TEST(Read("[limits]\nmax_packet_size = \"4 miles\"\n").message(0).find("4 MiB")
             != std::string::npos);
  BOOST_TEST(Read("[limits]\nmax_packet_size = \"4 GiB\"\n").message(0).find("out of range")
             != std::string::npos);
  BOOST_TEST(Read("[limits]\nmax_inflight = \"3s\"\n").trouble.size() == 1U);
}

BOOST_AUTO_TEST_CASE(values_of_the_wrong_kind_or_range_are_refused_with_their_place) {
  for (const char* text :
       {"[[listener]]\nmode = 660\n", "[[listener]]\nmode = \"rw\"\n",
        "[[listener]]\nmode = \"1777\"\n", "[[listener]]\nprotocol_versions = [2]\n",
        "[[listener]]\nprotocol_versions = 5\n", "[[listener]]\nmax_qos = 3\n",
        "[[listener]]\ntls = true\n", "[[listener]]\ntls = { cert = 1 }\n",
        "[[listener]]\nprotocol = \"http\"\n", "[auth]\nallow_anonymous = \"yes\"\n",
        "[log]\nsyslog_facility = \"local8\"\n", "[limits]\nmax_keepalive = 0\n",
        "[listener]\nport = 1\n", "[mosquitto]\nimport = 1\n", "mosquitto = 1\n"}) {
    const Read read(text);
    BOOST_TEST(read.trouble.size() == 1U, text << " gives " << read.message(0));
    BOOST_TEST(read.message(0).find("x.toml:") == 0U, text);
  }
  BOOST_TEST(Read("[mosquitto]\nimprot = \"x\"\n").message(0).find("did you mean \"import\"?")
             != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_imported_mosquitto_conf_is_the_base_on_which_the_document_builds) {
  MemoryConfigFiles files;
  files.files["/m.conf"] = "listener 1884\nmax_keepalive 77\nsys_interval 3\n";
  Settings settings;
  std::vector<Diagnostic> trouble;
  read_toml("x.toml",
            "[node]\nsys_interval = 9\n[[listener]]\nport = 1885\n[mosquitto]\nimport = "
            "\"/m.conf\"\n",
            files, settings, trouble);
  BOOST_TEST(trouble.empty());
  BOOST_REQUIRE(settings.listeners.size() == 2U);
  BOOST_TEST(settings.listeners[0].port == 1884);
  BOOST_TEST(settings.listeners[1].port == 1885);
  BOOST_TEST(settings.clients.keep_alive_max_s == 77);
  BOOST_TEST(settings.sys_interval_s == 9U);
  BOOST_TEST(settings.origins["limits.max_keepalive"].text == "/m.conf:2");
  BOOST_TEST(settings.origins["node.sys_interval"].text == "x.toml:2:16");
  BOOST_TEST(settings.origins["listener[1].port"].text == "x.toml:4:8");
  read_toml("y.toml", "[mosquitto]\nimport = \"/none\"\n", files, settings, trouble);
  BOOST_TEST(trouble.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_folder_is_read_in_the_order_of_names_and_may_be_missing) {
  MemoryConfigFiles files;
  files.files["/d/b.toml"] = "[node]\nname = \"b\"\n";
  files.files["/d/B.toml"] = "[node]\nname = \"B\"\nuser = \"u\"\n";
  files.files["/d/c.toml~"] = "[node]\nname = \"backup\"\n";
  Settings settings;
  std::vector<Diagnostic> trouble;
  read_toml_folder("/d", files, settings, trouble);
  read_toml_folder("/e", files, settings, trouble);
  BOOST_TEST(trouble.empty());
  BOOST_TEST(settings.node_name == "b");
  BOOST_TEST(settings.user == "u");
}

BOOST_AUTO_TEST_CASE(an_override_names_elements_of_tables_by_their_number) {
  MemoryConfigFiles files;
  Settings settings;
  std::vector<Diagnostic> trouble;
  for (const char* assignment :
       {"listener.0.port=1", "listener.0.tls.cert=/c", "listener.1.port=2", "listener.0.max_qos=1"})
    apply_override(assignment, files, settings, trouble);
  BOOST_TEST(trouble.empty());
  BOOST_REQUIRE(settings.listeners.size() == 2U);
  BOOST_TEST(settings.listeners[0].port == 1);
  BOOST_TEST(settings.listeners[0].qos_max == 1);
  BOOST_TEST(settings.listeners[0].tls->certificates[0].cert == "/c");
  BOOST_TEST(settings.listeners[1].port == 2);
  for (const char* assignment : {"listener.3.port=1", "listener.x.port=1", "listener.0=1"})
    apply_override(assignment, files, settings, trouble);
  BOOST_TEST(trouble.size() == 3U);
  // A file names its elements by their order only.
  BOOST_TEST(Read("[listener.0]\nport = 1\n").trouble.size() == 1U);
}

BOOST_AUTO_TEST_CASE(of_many_troubles_a_hundred_are_told) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "x" + std::to_string(i) + " = 1\n";
  const Read read(text);
  BOOST_TEST(read.trouble.size() == limits::config_troubles_max + 1);
  BOOST_TEST(read.trouble.back().message == "there is more that is wrong; these first");
}

BOOST_AUTO_TEST_CASE(an_override_takes_toml_or_a_bare_word) {
  MemoryConfigFiles files;
  Settings settings;
  std::vector<Diagnostic> trouble;
  for (const char* assignment :
       {"node.name=attic", "dht.listen=127.0.0.1:0", "limits.max_inflight=3",
        "dht.bootstrap=[\"a:1\", \"b:2\"]", "log.level=\"warn\""})
    apply_override(assignment, files, settings, trouble);
  BOOST_TEST(trouble.empty());
  BOOST_TEST(settings.node_name == "attic");
  BOOST_TEST(settings.dht.listen == "127.0.0.1:0");
  BOOST_TEST(settings.clients.inflight_max == 3);
  BOOST_TEST(settings.dht.bootstrap.size() == 2U);
  BOOST_TEST((settings.log.level == LogLevel::warn));

  apply_override("node.nmae=x", files, settings, trouble);
  apply_override("nonsense", files, settings, trouble);
  BOOST_REQUIRE(trouble.size() == 2U);
  BOOST_TEST(trouble[0].to_text()
             == "--set node.nmae=x: unknown key \"nmae\" - did you mean \"name\"?");
  BOOST_TEST(trouble[1].to_text() == "--set nonsense: expected section.key=value");
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_is_said_so) {
  SystemConfigFiles files;
  Settings settings;
  std::vector<Diagnostic> trouble;
  read_toml_file("/nonexistent/starling.toml", files, settings, trouble);
  BOOST_REQUIRE(trouble.size() == 1U);
  BOOST_TEST(trouble[0].to_text()
             == "/nonexistent/starling.toml: cannot be read: No such file or directory");
  read_toml_file("/tmp", files, settings, trouble);
  BOOST_TEST(trouble.size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
