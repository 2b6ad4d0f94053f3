// UvFileWatch: every way in which files are replaced, told once; and silence where nothing changed.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "src/uv/uv_file_watch.hpp"
#include "tests/unit/uv/loop_fixture.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr auto settle = 60ms;

struct Watched : LoopFixture {
  Watched() {
    std::string name = (fs::temp_directory_path() / "watch-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder = name;
  }
  ~Watched() { fs::remove_all(folder); }

  void write(const fs::path& name, const std::string& text) const {
    std::ofstream(folder / name, std::ios::trunc) << text;
  }
  void watch(const std::vector<fs::path>& names, Duration look = 1h) {
    watcher.emplace(
        loop,
        [this] {
          ++told;
          loop.stop();
        },
        UvFileWatch::Times{settle, look});
    std::vector<std::string> paths;
    for (const fs::path& name : names) paths.push_back((folder / name).string());
    watcher->set_paths(paths);
  }
  /// Lets `span` pass, or until something is told.
  void run_for(Duration span) {
    const WakeId end = loop.scheduler().wake_at(loop.now() + span, [this] { loop.stop(); });
    loop.run();
    loop.scheduler().cancel(end);
  }
  /// One change is told, and told once.
  void expect_told() {
    const int before = told;
    run();
    BOOST_TEST(told == before + 1);
    run_for(3 * settle);
    BOOST_TEST(told == before + 1);
  }

  fs::path folder;
  std::optional<UvFileWatch> watcher;
  int told = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(uv_file_watch, Watched)

BOOST_AUTO_TEST_CASE(a_file_written_in_place_is_told) {
  write("cert.pem", "one");
  watch({"cert.pem"});
  write("cert.pem", "two, longer");
  expect_told();
}

BOOST_AUTO_TEST_CASE(a_file_renamed_over_is_told_also_the_second_time) {
  write("cert.pem", "one");
  watch({"cert.pem"});
  for (const char* text : {"two", "three"}) {
    write("new", text);
    fs::rename(folder / "new", folder / "cert.pem");
    expect_told();
  }
}

BOOST_AUTO_TEST_CASE(changes_that_lie_close_together_are_told_once) {
  write("cert.pem", "one");
  write("key.pem", "one");
  watch({"cert.pem", "key.pem"});
  write("cert.pem", "two, longer");
  loop.scheduler().wake_at(loop.now() + settle / 2, [&] { write("key.pem", "two, longer"); });
  expect_told();
}

BOOST_AUTO_TEST_CASE(a_link_that_leads_elsewhere_is_told) {
  // As certbot does: live/cert.pem leads to ../archive/cert<n>.pem.
  fs::create_directories(folder / "live");
  fs::create_directories(folder / "archive");
  write("archive/cert1.pem", "one");
  fs::create_symlink("../archive/cert1.pem", folder / "live/cert.pem");
  watch({"live/cert.pem"});
  write("archive/cert2.pem", "two");
  run_for(3 * settle);
  BOOST_TEST(told == 0);  // nobody is shown it yet
  fs::create_symlink("../archive/cert2.pem", folder / "live/new");
  fs::rename(folder / "live/new", folder / "live/cert.pem");
  expect_told();
  write("archive/cert2.pem", "written behind the link");
  expect_told();
}

BOOST_AUTO_TEST_CASE(a_linked_directory_that_is_swapped_is_told) {
  // As secrets are mounted into containers: cert.pem -> data/cert.pem, data -> 1/.
  fs::create_directories(folder / "1");
  fs::create_directories(folder / "2");
  write("1/cert.pem", "one");
  write("2/cert.pem", "two");
  fs::create_directory_symlink("1", folder / "data");
  fs::create_symlink("data/cert.pem", folder / "cert.pem");
  watch({"cert.pem"});
  fs::create_directory_symlink("2", folder / "new");
  fs::rename(folder / "new", folder / "data");
  expect_told();
}

BOOST_AUTO_TEST_CASE(a_file_that_comes_and_goes_is_told) {
  watch({"crl.pem"});
  write("crl.pem", "one");
  expect_told();
  fs::remove(folder / "crl.pem");
  expect_told();
}

BOOST_AUTO_TEST_CASE(the_entries_of_a_directory_are_watched) {
  fs::create_directories(folder / "ca");
  watch({"ca"});
  write("ca/one.pem", "one");
  expect_told();
}

BOOST_AUTO_TEST_CASE(other_files_of_the_directory_are_not_told) {
  write("cert.pem", "one");
  watch({"cert.pem"});
  write("starling.log", "a line");
  run_for(4 * settle);
  BOOST_TEST(told == 0);
}

BOOST_AUTO_TEST_CASE(a_directory_that_appears_later_is_found_by_looking) {
  watch({"later/cert.pem"}, 30ms);
  fs::create_directories(folder / "later");
  write("later/cert.pem", "one");
  expect_told();
}

BOOST_AUTO_TEST_CASE(nothing_is_told_once_the_watcher_is_gone_or_watches_nothing) {
  write("cert.pem", "one");
  watch({"cert.pem"});
  watcher->set_paths({});
  write("cert.pem", "two, longer");
  run_for(3 * settle);
  BOOST_TEST(told == 0);
  watch({"cert.pem"});
  write("cert.pem", "three, longer still");
  watcher.reset();
  run_for(3 * settle);
  BOOST_TEST(told == 0);
}

BOOST_AUTO_TEST_SUITE_END()
