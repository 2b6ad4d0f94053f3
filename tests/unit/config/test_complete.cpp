#include <boost/test/unit_test.hpp>

#include "src/config/complete.hpp"
#include "src/config/toml_file.hpp"
#include "tests/support/memory_config_files.hpp"

using namespace starling;
using namespace starling::config;

namespace {

struct Completed {
  explicit Completed(std::string_view text) {
    MemoryConfigFiles files;
    std::vector<Diagnostic> trouble;
    read_toml("x.toml", text, files, settings, trouble);
    complete(settings, trouble);
    for (const auto& diagnostic : trouble) message += diagnostic.to_text() + "\n";
  }
  Settings settings;
  std::string message;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(completion)

BOOST_AUTO_TEST_CASE(queues_that_nobody_bounded_are_as_long_as_their_place_allows) {
  const auto bounds = [](const char* text) {
    const ClientLimits clients = Completed(text).settings.clients;
    return std::pair<std::size_t, std::size_t>(clients.queued_messages_max,
                                               clients.queued_bytes_max);
  };
  const std::pair<std::size_t, std::size_t> on_disk{limits::stored_messages_max,
                                                    limits::stored_bytes_max};
  const std::pair<std::size_t, std::size_t> in_memory{limits::queued_messages_max,
                                                      limits::queued_bytes_max};
  BOOST_TEST((bounds("") == on_disk));
  BOOST_TEST((bounds("[store]\ndurability = \"relaxed\"\n") == on_disk));
  BOOST_TEST((bounds("[store]\ndurability = \"none\"\n") == in_memory));
  BOOST_TEST((bounds("[store]\ndurability = \"none\"\n[limits]\nmax_queued_messages = 7\n")
              == std::pair{std::size_t{7}, limits::queued_bytes_max}));
  const std::size_t unbounded = std::numeric_limits<std::uint32_t>::max();
  BOOST_TEST((bounds("[store]\ndurability = \"none\"\n[limits]\nmax_queued_messages = 4294967295\n")
              == std::pair{unbounded, unbounded}));  // as "max_queued_messages 0" of Mosquitto
  BOOST_TEST((bounds("[limits]\nmax_queued_bytes = 7\n")
              == std::pair{limits::stored_messages_max, std::size_t{7}}));
}

BOOST_AUTO_TEST_CASE(completing_again_follows_a_durability_that_has_changed) {
  Completed completed("[limits]\nmax_queued_bytes = 7\n");
  std::vector<Diagnostic> trouble;
  completed.settings.durability = Durability::none;
  complete(completed.settings, trouble);
  BOOST_TEST(completed.settings.clients.queued_messages_max == limits::queued_messages_max);
  BOOST_TEST(completed.settings.clients.queued_bytes_max == 7U);
}

BOOST_AUTO_TEST_CASE(one_address_cannot_be_listened_on_twice) {
  BOOST_TEST(Completed("[[listener]]\nport = 1\n[[listener]]\nport = 1\n").message
             == "x.toml:3:1: there is a listener for localhost port 1 already, at x.toml:1:1\n");
  BOOST_TEST(Completed("[[listener]]\nunix_socket = \"/s\"\n[[listener]]\nunix_socket = \"/s\"\n")
                 .message.find("/s already")
             != std::string::npos);
  for (const char* text :
       {"[[listener]]\nport = 0\n[[listener]]\nport = 0\n",
        "[[listener]]\nport = 1\n[[listener]]\nport = 1\nbind = \"::1\"\n",
        "[[listener]]\nport = 1\n[[listener]]\nport = 2\n",
        "[[listener]]\nbind = \"\"\ndomain = \"ipv4\"\n[[listener]]\nbind = \"\"\ndomain = "
        "\"ipv6\"\n"})
    BOOST_TEST(Completed(text).message == "", text);
}

BOOST_AUTO_TEST_CASE(tls_needs_certificate_and_key_or_keys_shared_before) {
  for (const char* tls : {"{ cert = \"/c\" }", "{ key = \"/k\" }", "{ client_ca = \"/ca\" }",
                          "{ cert = [\"/a\", \"/b\"], key = \"/k\" }", "{}",
                          "{ psk_file = \"/p\", require_client_cert = true }"})
    BOOST_TEST(Completed(std::string("[[listener]]\ntls = ") + tls + "\n").message != "", tls);
  for (const char* tls : {"{ cert = \"/c\", key = \"/k\" }", "{ psk_file = \"/p\" }",
                          "{ cert = [\"/a\", \"/b\"], key = [\"/c\", \"/d\"] }"})
    BOOST_TEST(Completed(std::string("[[listener]]\ntls = ") + tls + "\n").message == "", tls);
}

BOOST_AUTO_TEST_CASE(listeners_with_a_psk_hint_inherit_the_file_of_keys) {
  const Completed completed(
      "[auth]\npsk_file = \"/all\"\n[[listener]]\nport = 1\ntls = { psk_hint = \"h\" }\n"
      "[[listener]]\nport = 2\ntls = { psk_hint = \"h\", psk_file = \"/own\" }\n"
      "[[listener]]\nport = 3\ntls = { cert = \"/c\", key = \"/k\" }\n");
  BOOST_TEST(completed.message == "");
  BOOST_TEST(completed.settings.listeners[0].tls->psk_file == "/all");
  BOOST_TEST(completed.settings.listeners[1].tls->psk_file == "/own");
  BOOST_TEST(completed.settings.listeners[2].tls->psk_file == "");
}

BOOST_AUTO_TEST_CASE(listeners_inherit_who_may_come_in_unless_they_say_otherwise) {
  const std::string listeners =
      "[[listener]]\nport = 1\n[[listener]]\nport = 2\nallow_anonymous = true\n"
      "password_file = \"\"\nacl_file = \"/own\"\nallow_zero_length_client_id = true\n"
      "auto_id_prefix = \"own-\"\n";
  const std::string auth =
      "[auth]\nallow_anonymous = false\npassword_file = \"/p\"\nacl_file = \"/a\"\n"
      "allow_zero_length_client_id = false\nauto_id_prefix = \"x-\"\n";
  const Settings shared = Completed(auth + listeners).settings;
  BOOST_TEST(!shared.listeners[0].allow_anonymous.value());
  BOOST_TEST(shared.listeners[0].password_file.value() == "/p");
  BOOST_TEST(shared.listeners[0].acl_file.value() == "/a");
  BOOST_TEST(!shared.listeners[0].allow_zero_length_client_id.value());
  BOOST_TEST(shared.listeners[0].auto_id_prefix.value() == "x-");
  BOOST_TEST(shared.listeners[1].allow_anonymous.value());
  BOOST_TEST(shared.listeners[1].password_file.value() == "");
  BOOST_TEST(shared.listeners[1].acl_file.value() == "/own");
  BOOST_TEST(shared.listeners[1].allow_zero_length_client_id.value());
  BOOST_TEST(shared.listeners[1].auto_id_prefix.value() == "own-");
  const Settings apart = Completed(auth + "per_listener = true\n" + listeners).settings;
  BOOST_TEST(!apart.listeners[0].allow_anonymous.has_value());
  BOOST_TEST(!apart.listeners[0].password_file.has_value());
  BOOST_TEST(!apart.listeners[0].acl_file.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
