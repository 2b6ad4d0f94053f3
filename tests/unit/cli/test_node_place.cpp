#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "src/cli/node_place.hpp"
#include "src/config/state_dir.hpp"

using namespace starling;
using starling::cli::find_node;
using starling::cli::NodePlace;

namespace {

struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "starling-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path / name) << text;
    return (path / name).string();
  }
  std::filesystem::path path;
};

const std::string no_file = "/nonexistent/starling.toml";

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_node_place)

BOOST_AUTO_TEST_CASE(without_a_word_ones_own_daemon_is_meant_and_then_the_systems) {
  const NodePlace place = find_node({}, no_file);
  BOOST_TEST(place.state_dir == config::default_state_dir());
  BOOST_TEST(place.sockets.front() == config::default_state_dir() + "/control.sock");
  BOOST_TEST(place.sockets.back() == "/var/lib/starling/control.sock");
  BOOST_TEST(place.config_file == "");
}

BOOST_AUTO_TEST_CASE(a_directory_that_was_named_is_the_only_one) {
  const NodePlace place = find_node({"", "/srv/second", ""}, no_file);
  BOOST_TEST(place.state_dir == "/srv/second");
  BOOST_TEST(place.sockets == std::vector<std::string>{"/srv/second/control.sock"});
}

BOOST_AUTO_TEST_CASE(a_socket_that_was_named_is_the_only_one) {
  const NodePlace place = find_node({"/run/x.sock", "/srv/second", ""}, no_file);
  BOOST_TEST(place.sockets == std::vector<std::string>{"/run/x.sock"});
  BOOST_TEST(place.state_dir == "/srv/second");
}

BOOST_AUTO_TEST_CASE(the_configuration_says_where_the_state_is_and_a_word_goes_before_it) {
  const Folder folder;
  const std::string toml = folder.write("x.toml", "[store]\npath = \"/srv/toml\"\n");
  const std::string conf = folder.write("x.conf", "persistence_location /srv/conf\n");
  BOOST_TEST(find_node({"", "", toml}, no_file).state_dir == "/srv/toml");
  BOOST_TEST(find_node({}, toml).sockets == std::vector<std::string>{"/srv/toml/control.sock"});
  BOOST_TEST(find_node({"", "", conf}, toml).state_dir == "/srv/conf");
  BOOST_TEST(find_node({"", "/srv/word", conf}, no_file).state_dir == "/srv/word");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_the_configuration_is_kept) {
  const Folder folder;
  const std::string toml = folder.write("x.toml", "[node]\nnaem = \"attic\"\n");
  const NodePlace place = find_node({"", "", toml}, no_file);
  BOOST_REQUIRE(place.trouble.size() == 1U);
  BOOST_TEST(place.trouble.front().line == 2U);
  BOOST_TEST(place.state_dir == config::default_state_dir());
  BOOST_TEST(find_node({"", "", no_file}, no_file).trouble.size() == 1U);  // named, and not there
}

BOOST_AUTO_TEST_SUITE_END()
