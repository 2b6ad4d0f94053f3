// Who gets what: judged with the real matching of topics and filters.
#include <boost/test/unit_test.hpp>

#include "starling/topic.hpp"

#include "src/bench/layout.hpp"
#include "src/bench/stamp.hpp"

using namespace starling;
using namespace starling::bench;

namespace {

Layout layout_of(Load load, std::uint32_t clients, std::uint32_t topics) {
  Options options;
  options.load = load;
  options.clients = clients;
  options.topics = topics;
  options.topic = "bench/abc";
  return make_layout(options);
}

/// Subscribers with a filter that matches `topic`, and true if each of them counts on its stream.
std::uint32_t receivers_of(const Layout& layout, std::uint32_t stream, bool& expected) {
  const std::string topic = layout.topic_of(stream);
  std::uint32_t count = 0;
  for (std::uint32_t subscriber = 0; subscriber < layout.subscribers; ++subscriber) {
    std::uint32_t matches = 0;
    for (std::uint64_t i = 0; i < layout.filter_count(subscriber); ++i)
      matches +=
          TopicFilter::parse(layout.filter_of(subscriber, i)).value().matches(topic) ? 1U : 0U;
    const Layout::Range range = layout.streams_of(subscriber);
    const bool is_own = stream - range.first < range.count;
    expected = expected && matches == (is_own ? 1U : 0U);
    count += matches;
  }
  return count;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bench_layout)

BOOST_AUTO_TEST_CASE(every_message_is_matched_as_often_as_it_is_expected) {
  for (const Load load : {Load::pairs, Load::fan_out, Load::fan_in, Load::wildcard}) {
    for (const std::uint32_t topics : {1U, 3U}) {
      const Layout layout = layout_of(load, 5, topics);
      for (std::uint32_t stream = 0; stream < layout.streams(); ++stream) {
        bool expected = true;
        BOOST_TEST(receivers_of(layout, stream, expected) == layout.copies);
        BOOST_TEST(expected, to_text(load) << " stream " << stream);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(nobody_subscribes_to_publish) {
  const Layout layout = layout_of(Load::publish, 5, 2);
  BOOST_TEST(layout.subscribers == 0U);
  BOOST_TEST(layout.copies == 0U);
  BOOST_TEST(layout.streams() == 10U);
}

BOOST_AUTO_TEST_CASE(wildcard_asks_with_both_wildcards) {
  const Layout layout = layout_of(Load::wildcard, 2, 1);
  BOOST_TEST(layout.filter_of(0, 0) == "bench/abc/0000000/+");
  BOOST_TEST(layout.filter_of(1, 0) == "bench/abc/0000001/#");
}

BOOST_AUTO_TEST_CASE(idle_filters_match_no_topic_and_are_all_different) {
  const Layout layout = layout_of(Load::wildcard, 3, 2);
  for (std::uint64_t i = 0; i < 500; ++i) {
    const auto filter = TopicFilter::parse(idle_filter("bench/abc", i)).value();
    for (std::uint32_t stream = 0; stream < layout.streams(); ++stream)
      BOOST_TEST_REQUIRE(!filter.matches(layout.topic_of(stream)));
    BOOST_TEST_REQUIRE(idle_filter("bench/abc", i) != idle_filter("bench/abc", i + 1));
  }
  BOOST_TEST(idle_filter("p", 4711) == "p/room047/sensor0004711/+");
}

BOOST_AUTO_TEST_CASE(digits_are_those_of_the_topic) {
  std::string digits(topic_digits, ' ');
  write_digits(3'999'999, reinterpret_cast<std::uint8_t*>(digits.data()));
  BOOST_TEST(digits == "3999999");
  write_digits(42, reinterpret_cast<std::uint8_t*>(digits.data()));
  BOOST_TEST(layout_of(Load::pairs, 50, 1).topic_of(42) == "bench/abc/" + digits);
}

BOOST_AUTO_TEST_CASE(a_stamp_is_read_as_it_was_written) {
  const Stamp stamp{259'200'000'000'000, 0xBEEF, 3'999'999, 0xFFFF'FFFE};
  std::array<std::uint8_t, stamp_size> bytes{};
  stamp.write(bytes.data());
  const Stamp read = Stamp::read(bytes.data());
  BOOST_TEST(read.time_ns == stamp.time_ns);
  BOOST_TEST(read.tag == stamp.tag);
  BOOST_TEST(read.stream == stamp.stream);
  BOOST_TEST(read.number == stamp.number);
}

BOOST_AUTO_TEST_SUITE_END()
