#include <boost/test/unit_test.hpp>

#include "starling/topic.hpp"

using namespace starling;
using boost::unit_test::label;

namespace {
bool matches(std::string_view filter, std::string_view name) {
  return TopicFilter::parse(filter).value().matches(TopicName::parse(name).value());
}
}  // namespace

BOOST_AUTO_TEST_SUITE(topic_text)

BOOST_AUTO_TEST_CASE(hash_matches_the_parent_and_all_below, *label("MQTT-4.7.1-2")) {
  BOOST_TEST(matches("sport/#", "sport"));
  BOOST_TEST(matches("sport/#", "sport/tennis/player1"));
  BOOST_TEST(!matches("sport/#", "sports"));
  BOOST_TEST(matches("#", "/"));
  BOOST_TEST(matches("+/#", "a"));
}

BOOST_AUTO_TEST_CASE(plus_matches_exactly_one_level, *label("MQTT-4.7.1-3")) {
  BOOST_TEST(matches("sport/+", "sport/"));
  BOOST_TEST(!matches("sport/+", "sport"));
  BOOST_TEST(!matches("sport/+", "sport/a/b"));
  BOOST_TEST(matches("+/+", "/finance"));
  BOOST_TEST(!matches("+", "/finance"));
  BOOST_TEST(matches("a//b", "a//b"));
  BOOST_TEST(!matches("a/b", "a/b/c"));
}

BOOST_AUTO_TEST_CASE(leading_wildcard_does_not_see_dollar_topics, *label("MQTT-4.7.2-1")) {
  BOOST_TEST(!matches("#", "$SYS/uptime"));
  BOOST_TEST(!matches("+/uptime", "$SYS/uptime"));
  BOOST_TEST(matches("$SYS/#", "$SYS/uptime"));
}

BOOST_AUTO_TEST_CASE(misplaced_wildcards_are_refused) {
  for (const char* wrong : {"", "sport/tennis#", "sport/#/ranking", "sport+", "a/+b", "##"})
    BOOST_TEST(!TopicFilter::parse(wrong).ok(), wrong);
  for (const char* wrong : {"", "a/+", "#", "a#b"})
    BOOST_TEST(!TopicName::parse(wrong).ok(), wrong);
}

BOOST_AUTO_TEST_CASE(text_must_be_utf8_without_null,
                     *label("MQTT-1.5.3-1") * label("MQTT5-4.7.3-3")) {
  using namespace std::string_view_literals;
  for (const auto wrong :
       {"a\0b"sv, "\xC0\x80"sv, "\xED\xA0\x80"sv, "\xF4\x90\x80\x80"sv, "\xE2\x82"sv, "\xFF"sv})
    BOOST_TEST(!TopicName::parse(wrong).ok());
  for (const auto right : {"\xEF\xBB\xBFx"sv, "\xF0\x9F\x90\xA6"sv, "\xED\x9F\xBF"sv})
    BOOST_TEST(TopicName::parse(right).ok());
  BOOST_TEST(!TopicName::parse(std::string(65'536, 'x')).ok());
  BOOST_TEST(TopicName::parse(std::string(65'535, 'x')).ok());
}

BOOST_AUTO_TEST_CASE(bad_text_is_found_wherever_it_stands, *label("MQTT-1.5.3-2")) {
  for (std::size_t size = 1; size <= 40; ++size)
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, 'x');
      BOOST_TEST(is_mqtt_text(text));
      for (const char wrong : {'\0', '\x80', '\xFF'}) {
        text[at] = wrong;
        BOOST_TEST(!is_mqtt_text(text), "byte " << at << " of " << size);
      }
      text[at] = '\x01';
      BOOST_TEST(is_mqtt_text(text));
    }
  BOOST_TEST(
      is_mqtt_text("seven..\xF0\x9F\x90\xA6"
                   "12345678\xC3\xA4"));
}

BOOST_AUTO_TEST_CASE(share_names_are_taken_apart, *label("MQTT5-4.8.2-1")) {
  const auto name = SubscriptionName::parse("$share/group/a/+");
  BOOST_REQUIRE(name.ok());
  BOOST_TEST(name->share_group == "group");
  BOOST_TEST(name->filter.text() == "a/+");
  for (const char* wrong : {"$share/", "$share/g", "$share//a", "$share/g+/a", "$share/g/"})
    BOOST_TEST(!SubscriptionName::parse(wrong).ok(), wrong);
  BOOST_TEST(SubscriptionName::parse("$shared/g")->share_group.empty());
}

BOOST_AUTO_TEST_SUITE_END()
