#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include "src/store/state_directory.hpp"
#include "tests/support/null_log.hpp"

using namespace starling;

namespace {

struct Fixture {
  Fixture() {
    std::string pattern = (std::filesystem::temp_directory_path() / "starling-XXXXXX").string();
    root = ::mkdtemp(pattern.data());
  }
  ~Fixture() { std::filesystem::remove_all(root); }
  std::filesystem::path root;
  NullLog log;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(state_directory, Fixture)

BOOST_AUTO_TEST_CASE(what_is_saved_is_loaded_after_a_restart) {
  {
    StateDirectory directory(root / "state", log);
    BOOST_TEST(!directory.load("epoch"));
    BOOST_TEST(directory.save("epoch", as_bytes("41")).ok());
    BOOST_TEST(directory.save("epoch", as_bytes("42")).ok());
  }
  StateDirectory again(root / "state", log);
  BOOST_TEST(as_text(*again.load("epoch")) == "42");
}

BOOST_AUTO_TEST_CASE(documents_and_directory_belong_to_their_owner_only) {
  StateDirectory directory(root / "state", log);
  BOOST_REQUIRE(directory.save("identity.key", as_bytes("secret")).ok());
  struct stat facts {};
  BOOST_REQUIRE(::stat((root / "state/identity.key").c_str(), &facts) == 0);
  BOOST_TEST((facts.st_mode & 0777U) == 0600U);
  BOOST_REQUIRE(::stat((root / "state").c_str(), &facts) == 0);
  BOOST_TEST((facts.st_mode & 0777U) == 0700U);
}

BOOST_AUTO_TEST_CASE(a_second_daemon_is_refused_and_told_who_holds_it) {
  const StateDirectory first(root, log);
  BOOST_CHECK_EXCEPTION(StateDirectory(root, log), std::runtime_error, [](const std::exception& e) {
    return std::string(e.what()).find("in use by another starlingd (pid "
                                      + std::to_string(::getpid()) + ")")
           != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(a_file_in_the_way_is_named) {
  std::ofstream(root / "file") << "x";
  BOOST_CHECK_EXCEPTION(StateDirectory(root / "file", log), std::runtime_error,
                        [](const std::exception& e) {
                          return std::string(e.what()).find("--state-dir") != std::string::npos;
                        });
}

BOOST_AUTO_TEST_CASE(a_save_that_fails_leaves_the_old_document) {
  StateDirectory directory(root, log);
  BOOST_REQUIRE(directory.save("peers", as_bytes("old")).ok());
  std::filesystem::create_directory(root / "peers.new");  // open() for writing must fail
  BOOST_TEST(!directory.save("peers", as_bytes("new")).ok());
  BOOST_TEST(as_text(*directory.load("peers")) == "old");
}

BOOST_AUTO_TEST_CASE(a_directory_that_was_handed_over_is_used_without_the_rights_that_led_to_it) {
  if (::geteuid() != 0) return;  // there is nothing to hand over
  StateDirectory directory(root / "state", log);
  BOOST_REQUIRE(directory.save("identity.key", as_bytes("secret")).ok());
  const uid_t nobody = 65'534;
  directory.hand_over_to(nobody, nobody);
  struct stat found = {};
  BOOST_REQUIRE(::stat((root / "state" / "identity.key").c_str(), &found) == 0);
  BOOST_TEST(found.st_uid == nobody);
  // The folder above belongs to root alone.
  BOOST_REQUIRE(::seteuid(nobody) == 0);
  const bool saved = directory.save("epoch", as_bytes("7")).ok();
  const auto loaded = directory.load("identity.key");
  BOOST_REQUIRE(::seteuid(0) == 0);
  BOOST_TEST(saved);
  BOOST_TEST((loaded && as_text(*loaded) == "secret"));
}

BOOST_AUTO_TEST_SUITE_END()
