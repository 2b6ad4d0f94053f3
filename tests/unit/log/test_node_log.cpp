#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <sys/stat.h>

#include "src/log/node_log.hpp"

using namespace starling;
using namespace std::chrono_literals;

namespace {

/// A folder of its own, local time UTC, and a clock that stands still.
struct Fixture {
  Fixture() {
    std::string pattern = (std::filesystem::temp_directory_path() / "starling-log-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder = pattern;
    ::setenv("TZ", "UTC0", 1);
    ::tzset();
  }
  ~Fixture() {
    std::filesystem::remove_all(folder);
    ::unsetenv("TZ");
    ::tzset();
  }

  [[nodiscard]] std::string path(const char* name = "node.log") const { return folder / name; }
  [[nodiscard]] LogOptions options(LogStyle style) const {
    LogOptions options;
    options.style = style;
    options.to_stderr = false;
    options.file = path();
    return options;
  }
  [[nodiscard]] std::vector<std::string> lines(const char* name = "node.log") const {
    std::ifstream file(path(name));
    std::vector<std::string> all;
    for (std::string line; std::getline(file, line);) all.push_back(line);
    return all;
  }

  std::filesystem::path folder;
  NodeLog::WallClock clock = [] {
    return std::chrono::system_clock::time_point(1'795'206'987s + 7ms);
  };
};

void let_a_client_come(NodeLog& log) {
  log.info("client_connected", {{"client", "tst"},
                                {"addr", "127.0.0.1:5"},
                                {"user", ""},
                                {"proto", "mqtt311"},
                                {"clean", true},
                                {"keep_alive_s", 60}});
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(node_log, Fixture)

BOOST_AUTO_TEST_CASE(logfmt_lines_open_with_time_and_level) {
  NodeLog log(options(LogStyle::logfmt), clock);
  log.info("mesh_peer_linked", {{"peer", "x"}});
  log.warn("disk_low");
  BOOST_TEST(
      lines()
          == (std::vector<std::string>{"2026-11-20T20:36:27.007+0000 info mesh peer linked peer=x",
                                       "2026-11-20T20:36:27.007+0000 warning disk low"}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(lines_of_mosquitto_open_with_seconds) {
  NodeLog log(options(LogStyle::mosquitto), clock);
  let_a_client_come(log);
  log.info("mesh_peer_linked", {{"peer", "x"}});
  BOOST_TEST(lines()
                 == (std::vector<std::string>{
                     "1795206987: New client connected from 127.0.0.1:5 as tst (p2, c1, k60).",
                     "1795206987: mesh peer linked peer=x"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_time_is_written_as_the_operator_wants_it_or_not_at_all) {
  LogOptions wanted = options(LogStyle::mosquitto);
  wanted.timestamp_format = "%Y-%m-%dT%H:%M:%S";
  NodeLog log(wanted, clock);
  log.info("ready");
  wanted.timestamp = false;
  log.configure(wanted);
  log.info("ready");
  wanted.style = LogStyle::logfmt;
  log.configure(wanted);
  log.info("ready");
  wanted.timestamp = true;
  log.configure(wanted);
  log.info("ready");
  const auto all = lines();
  BOOST_REQUIRE_EQUAL(all.size(), 4U);
  BOOST_TEST(all[0].starts_with("2026-11-20T20:36:27: starling version "));
  BOOST_TEST(all[1].starts_with("starling version "));
  BOOST_TEST(all[2] == "info ready");
  BOOST_TEST(all[3] == "2026-11-20T20:36:27 info ready");
}

BOOST_AUTO_TEST_CASE(a_time_format_that_yields_nothing_or_too_much_is_no_danger) {
  LogOptions wanted = options(LogStyle::mosquitto);
  for (int i = 0; i < 300; ++i) wanted.timestamp_format.append("%c");
  NodeLog log(wanted, clock);
  log.info("config_default");
  BOOST_TEST(lines().front() == "Time error: Using default config.");
}

BOOST_AUTO_TEST_CASE(only_chosen_categories_are_written) {
  LogOptions wanted = options(LogStyle::mosquitto);
  wanted.categories = {LogCategory::subscribe, LogCategory::error};
  NodeLog log(wanted, clock);
  BOOST_TEST(log.wants(LogLevel::debug));
  let_a_client_come(log);
  log.debug("client_subscribed", {{"client", "tst"}, {"filter", "a/#"}, {"qos", 1}});
  log.info("client_disconnected", {{"client", "tst"}, {"kind", "taken_over"}});
  log.warn("disk_low");
  BOOST_TEST(lines()
                 == (std::vector<std::string>{
                     "1795206987: tst 1 a/#",
                     "1795206987: Client tst already connected, closing old connection."}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_no_category_could_want_is_not_even_worded) {
  LogOptions wanted = options(LogStyle::logfmt);
  NodeLog log(wanted, clock);
  BOOST_TEST(!log.wants(LogLevel::debug));
  BOOST_TEST(log.wants(LogLevel::info));
  wanted.categories = {LogCategory::error, LogCategory::warning};
  log.configure(wanted);
  BOOST_TEST(!log.wants(LogLevel::info));
  BOOST_TEST(log.wants(LogLevel::warn));
  wanted.categories = {};
  log.configure(wanted);
  BOOST_TEST(!log.wants(LogLevel::error));
  log.error("nobody_hears");
  BOOST_TEST(lines().empty());
}

BOOST_AUTO_TEST_CASE(sockets_that_open_are_told_in_debug_logfmt_only) {
  LogOptions wanted = options(LogStyle::logfmt);
  NodeLog log(wanted, clock);
  log.info("connection_opened", {{"addr", "127.0.0.1:5"}, {"listener", "1883"}});
  BOOST_TEST(lines().empty());
  wanted.categories = LogCategories::all();
  log.configure(wanted);
  log.info("connection_opened", {{"addr", "127.0.0.1:5"}, {"listener", "1883"}});
  BOOST_TEST(lines().size() == 1U);
}

BOOST_AUTO_TEST_CASE(connection_messages_can_be_silenced_in_both_formats) {
  for (const LogStyle style : {LogStyle::logfmt, LogStyle::mosquitto}) {
    LogOptions wanted = options(style);
    wanted.connection_messages = false;
    NodeLog log(wanted, clock);
    let_a_client_come(log);
    log.info("client_disconnected", {{"client", "tst"}, {"kind", "disconnected"}});
    log.info("client_refused", {{"addr", "127.0.0.1:5"}, {"code", "not authorized"}});
    log.info("connection_opened", {{"addr", "127.0.0.1:5"}});
    BOOST_TEST(lines().empty());
  }
}

BOOST_AUTO_TEST_CASE(a_log_file_is_for_its_owner_only_and_is_appended_to) {
  { std::ofstream(path()) << "from before\n"; }
  ::chmod(path().c_str(), 0640);
  {
    NodeLog log(options(LogStyle::logfmt), clock);
    log.info("ready");
  }
  BOOST_TEST(lines().size() == 2U);
  struct stat facts {};
  BOOST_REQUIRE(::stat(path().c_str(), &facts) == 0);
  BOOST_TEST((facts.st_mode & 0777U) == 0640U);  // its owner has chosen so

  std::filesystem::remove(path());
  NodeLog log(options(LogStyle::logfmt), clock);
  BOOST_REQUIRE(::stat(path().c_str(), &facts) == 0);
  BOOST_TEST((facts.st_mode & 0777U) == 0600U);
}

BOOST_AUTO_TEST_CASE(a_rotated_log_goes_on_in_a_new_file) {
  NodeLog log(options(LogStyle::logfmt), clock);
  log.info("one");
  std::filesystem::rename(path(), path("node.log.1"));
  log.info("two");
  log.reopen();
  log.info("three");
  BOOST_TEST(lines("node.log.1").size() == 2U);
  BOOST_REQUIRE(lines().size() == 1U);
  BOOST_TEST(lines().front().ends_with("three"));
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_opened_again_stays_in_use_and_is_complained_about) {
  NodeLog log(options(LogStyle::logfmt), clock);
  std::filesystem::rename(path(), path("node.log.1"));
  std::filesystem::create_directory(path());
  log.reopen();
  log.info("later");
  const auto all = lines("node.log.1");
  BOOST_REQUIRE_EQUAL(all.size(), 2U);
  BOOST_TEST(all[0].find("error log file not reopened") != std::string::npos);
  BOOST_TEST(all[1].ends_with("later"));
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_missing_is_said_in_a_sentence) {
  LogOptions wanted = options(LogStyle::logfmt);
  wanted.file = path("missing/node.log");
  const auto names_the_file = [&](const std::runtime_error& error) {
    const std::string_view text = error.what();
    return text.find(wanted.file) != std::string_view::npos
           && text.find("No such file or directory") != std::string_view::npos;
  };
  BOOST_CHECK_EXCEPTION(NodeLog(wanted, clock), std::runtime_error, names_the_file);

  NodeLog log(options(LogStyle::logfmt), clock);
  BOOST_CHECK_EXCEPTION(log.configure(wanted), std::runtime_error, names_the_file);
  log.info("still_here");
  BOOST_TEST(lines().size() == 1U);
}

BOOST_AUTO_TEST_CASE(lines_go_to_topics_as_mosquitto_names_them_but_debug_lines_do_not) {
  LogOptions wanted = options(LogStyle::mosquitto);
  wanted.to_topic = true;
  wanted.categories = LogCategories::all();
  NodeLog log(wanted, clock);
  std::vector<std::string> told;
  log.set_topic_output([&](std::string_view topic, std::string_view line) {
    told.push_back(std::string(topic).append(" ").append(line));
  });
  log.debug("client_subscribed", {{"client", "x3"}, {"filter", "q/#"}, {"qos", 0}});
  log.info("config_default");
  log.error("disk_gone");
  BOOST_TEST(told
                 == (std::vector<std::string>{"$SYS/broker/log/M/subscribe 1795206987: x3 0 q/#",
                                              "$SYS/broker/log/I 1795206987: Using default config.",
                                              "$SYS/broker/log/E 1795206987: disk gone"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_log_does_not_speak_about_its_own_topics) {
  LogOptions wanted = options(LogStyle::logfmt);
  wanted.to_topic = true;
  NodeLog log(wanted, clock);
  int told = 0;
  log.set_topic_output([&](std::string_view, std::string_view) {
    ++told;
    log.warn("publishing_was_hard");
  });
  log.info("ready");
  BOOST_TEST(told == 1);
  BOOST_TEST(lines().size() == 2U);  // the file has both
}

BOOST_AUTO_TEST_CASE(topics_that_are_not_wanted_are_told_nothing) {
  NodeLog log(options(LogStyle::logfmt), clock);
  log.set_topic_output([](std::string_view, std::string_view) { BOOST_ERROR("told"); });
  log.info("ready");
  BOOST_TEST(lines().size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
