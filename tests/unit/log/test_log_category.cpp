#include <boost/test/unit_test.hpp>

#include "src/log/log_category.hpp"

using namespace starling;

namespace {

constexpr LogCategories usual{LogCategory::error, LogCategory::warning, LogCategory::notice,
                              LogCategory::information};

LogCategories chosen(const std::vector<std::string>& types, LogLevel level = LogLevel::info) {
  return chosen_log_categories(level, types);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(log_categories)

BOOST_AUTO_TEST_CASE(every_name_of_log_type_is_known_and_no_other) {
  for (const char* name : {"error", "warning", "notice", "information", "debug", "subscribe",
                           "unsubscribe", "websockets"})
    BOOST_TEST(log_category_named(name).has_value(), name);
  for (const char* name : {"all", "none", "Error", "info", ""})
    BOOST_TEST(!log_category_named(name).has_value(), name);
}

BOOST_AUTO_TEST_CASE(without_types_the_level_says_what_is_worth_a_line) {
  BOOST_TEST((chosen({}) == usual));
  BOOST_TEST(
      (chosen({}, LogLevel::warn) == LogCategories{LogCategory::error, LogCategory::warning}));
  BOOST_TEST((chosen({}, LogLevel::error) == LogCategories{LogCategory::error}));
  BOOST_TEST((chosen({}, LogLevel::debug) == LogCategories::all()));
}

BOOST_AUTO_TEST_CASE(types_stand_in_for_the_level_and_add_up) {
  BOOST_TEST((chosen({"error", "subscribe"})
              == LogCategories{LogCategory::error, LogCategory::subscribe}));
  BOOST_TEST((chosen({"all"}) == LogCategories::all()));
  BOOST_TEST((chosen({"none"}) == LogCategories{}));
  BOOST_TEST((chosen({"all", "none"}) == LogCategories{}));
  BOOST_TEST((chosen({"none", "notice"}) == LogCategories{LogCategory::notice}));
}

BOOST_AUTO_TEST_CASE(dash_v_overrides_the_types_of_the_file) {
  BOOST_TEST((chosen({"error"}, LogLevel::debug) == LogCategories::all()));
}

BOOST_AUTO_TEST_CASE(each_category_has_the_topic_and_the_priority_mosquitto_gives_it) {
  BOOST_TEST(log_topic(LogCategory::error) == "$SYS/broker/log/E");
  BOOST_TEST(log_topic(LogCategory::warning) == "$SYS/broker/log/W");
  BOOST_TEST(log_topic(LogCategory::notice) == "$SYS/broker/log/N");
  BOOST_TEST(log_topic(LogCategory::information) == "$SYS/broker/log/I");
  BOOST_TEST(log_topic(LogCategory::debug) == "$SYS/broker/log/D");
  BOOST_TEST(log_topic(LogCategory::subscribe) == "$SYS/broker/log/M/subscribe");
  BOOST_TEST(log_topic(LogCategory::unsubscribe) == "$SYS/broker/log/M/unsubscribe");
  BOOST_TEST(log_topic(LogCategory::websockets) == "$SYS/broker/log/WS");
  BOOST_TEST(syslog_priority(LogCategory::error) == 3);
  BOOST_TEST(syslog_priority(LogCategory::subscribe) == 5);
  BOOST_TEST(syslog_priority(LogCategory::debug) == 7);
}

BOOST_AUTO_TEST_SUITE_END()
