#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>

#include "dht/records/filing.hpp"
#include "dht/records/interest_record.hpp"
#include "tests/unit/dht_records/record_builders.hpp"

using namespace starling;
using namespace starling::record_builders;

namespace {

const FiledInterests* find(const Filing& filing, std::string_view filter_text) {
  for (const FiledInterests& filed : filing.records) {
    if (filed.prefix == prefix(filter_text)) return &filed;
  }
  return nullptr;
}

/// Is a record found, by a publisher on `topic`, that has a filter matching it?
bool would_be_found(const Filing& filing, std::string_view topic) {
  const TopicName name = TopicName::parse(topic).value();
  for (const LiteralPrefix& read : prefixes_of(name)) {
    for (const FiledInterests& filed : filing.records) {
      if (filed.prefix != read) continue;
      for (const Interest& one : filed.interests) {
        if (one.filter.matches(name)) return true;
      }
    }
  }
  return false;
}

/// The record as it would be put: it must fit with three IPv6 endpoints.
void check_fits(const FiledInterests& filed) {
  const std::vector<Endpoint> homes(3, endpoint("[2001:db8::1]:21883"));
  const InterestBody body{
      .prefix = filed.prefix, .shard = {}, .interests = filed.interests, .endpoints = homes};
  BOOST_TEST(
      write_interest_record(author(1), mesh(1), {UINT64_MAX, UINT64_MAX}, in_ten_minutes, body)
          .ok());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(filing)

BOOST_AUTO_TEST_CASE(filters_are_grouped_by_their_literal_prefix) {
  const Filing filing = file_interests({interest("a/b/c"), interest("a/b/#"), interest("a/+/c"),
                                        interest("#"), interest("+/x"), interest("a")});
  BOOST_REQUIRE(filing.records.size() == 3U);
  BOOST_TEST(find(filing, "#")->interests.size() == 2U);
  BOOST_TEST(find(filing, "a/#")->interests.size() == 2U);
  BOOST_TEST(find(filing, "a/b")->interests.size() == 2U);
  BOOST_TEST(filing.left_out == 0U);
  for (const FiledInterests& filed : filing.records) BOOST_TEST(!filed.coarse);
}

BOOST_AUTO_TEST_CASE(nothing_wanted_means_no_records) {
  BOOST_TEST(file_interests({}).records.empty());
}

BOOST_AUTO_TEST_CASE(entries_for_one_filter_and_group_become_one) {
  const Filing filing =
      file_interests({interest("a/b", QoS::at_least_once), interest("a/b", QoS::at_most_once, true),
                      interest("a/b", QoS::exactly_once, false, "pool")});
  BOOST_REQUIRE(filing.records.size() == 1U);
  const std::vector<Interest>& filed = filing.records[0].interests;
  BOOST_REQUIRE(filed.size() == 2U);
  BOOST_TEST((filed[0] == interest("a/b", QoS::at_least_once, true)));
  BOOST_TEST((filed[1] == interest("a/b", QoS::exactly_once, false, "pool")));
}

BOOST_AUTO_TEST_CASE(more_than_forty_filters_become_one_for_all) {
  std::vector<Interest> many;
  for (int i = 0; i < 40; ++i) many.push_back(interest("a/b/" + std::to_string(i)));
  BOOST_TEST(file_interests(many).records.at(0).interests.size() == 40U);
  many.push_back(interest("a/b/+/x", QoS::at_least_once, true, "pool"));
  const Filing filing = file_interests(many);
  BOOST_REQUIRE(filing.records.size() == 1U);
  BOOST_TEST(filing.records[0].coarse);
  BOOST_REQUIRE(filing.records[0].interests.size() == 1U);
  BOOST_TEST((filing.records[0].interests[0] == interest("a/b/#", QoS::at_least_once, true)));
}

BOOST_AUTO_TEST_CASE(too_many_filters_without_prefix_become_the_whole_tree) {
  std::vector<Interest> many;
  for (int i = 0; i < 41; ++i) many.push_back(interest("+/" + std::to_string(i)));
  const Filing filing = file_interests(many);
  BOOST_REQUIRE(filing.records.size() == 1U);
  BOOST_TEST((filing.records[0].interests == std::vector<Interest>{interest("#")}));
}

BOOST_AUTO_TEST_CASE(filters_too_long_for_a_record_become_one_for_all) {
  std::vector<Interest> few;
  for (int i = 0; i < 9; ++i)
    few.push_back(interest("a/b/" + std::to_string(i) + std::string(100, 'x')));
  const Filing filing = file_interests(few);
  BOOST_REQUIRE(filing.records.size() == 1U);
  BOOST_TEST(filing.records[0].coarse);
  few.erase(few.begin() + 6, few.end());
  BOOST_TEST(!file_interests(few).records.at(0).coarse);
}

BOOST_AUTO_TEST_CASE(a_prefix_too_long_for_a_record_goes_to_its_parent) {
  const std::string longest(65'000, 'x');
  const Filing second = file_interests({interest("a/" + longest + "/t", QoS::exactly_once)});
  BOOST_REQUIRE(second.records.size() == 1U);
  BOOST_TEST(
      (second.records[0].interests == std::vector<Interest>{interest("a/#", QoS::exactly_once)}));
  const Filing third = file_interests({interest("a/" + std::string(600, 'x') + "/t")});
  BOOST_REQUIRE(third.records.size()
                == 1U);  // its body would fit, under a prefix that is not its own
  BOOST_TEST((third.records[0].interests == std::vector<Interest>{interest("a/#")}));
  const Filing first = file_interests({interest(longest)});
  BOOST_REQUIRE(first.records.size() == 1U);
  BOOST_TEST((first.records[0].interests == std::vector<Interest>{interest("#")}));
  BOOST_TEST(file_interests({interest(longest)}, {.root_allowed = false}).left_out == 1U);
}

BOOST_AUTO_TEST_CASE(open_meshes_file_nothing_without_a_prefix) {
  const Filing filing =
      file_interests({interest("#"), interest("+/x"), interest("chat/#")}, {.root_allowed = false});
  BOOST_REQUIRE(filing.records.size() == 1U);
  BOOST_TEST(filing.records[0].prefix.text() == "chat");
  BOOST_TEST(filing.left_out == 2U);
}

BOOST_AUTO_TEST_CASE(dollar_filters_are_never_filed, *boost::unit_test::label("MQTT-4.7.2-1")) {
  const Filing filing =
      file_interests({interest("$SYS/#"), interest("$SYS/broker/load"), interest("a")});
  BOOST_TEST(filing.records.size() == 1U);
  BOOST_TEST(filing.left_out == 2U);
}

BOOST_AUTO_TEST_CASE(too_many_prefixes_are_joined_where_that_saves_most) {
  std::vector<Interest> many;
  for (int i = 0; i < 10; ++i)
    many.push_back(interest("many/" + std::to_string(i) + "/t", QoS::at_least_once));
  for (int i = 0; i < 3; ++i) many.push_back(interest("few/" + std::to_string(i)));
  many.push_back(interest("lone/one"));
  const Filing filing = file_interests(many, {.keys_max = 6});
  BOOST_TEST(filing.records.size() == 5U);
  BOOST_REQUIRE(find(filing, "many/#") != nullptr);
  BOOST_TEST((find(filing, "many/#")->interests
              == std::vector<Interest>{interest("many/#", QoS::at_least_once)}));
  BOOST_TEST(find(filing, "few/0") != nullptr);
  BOOST_TEST(file_interests(many, {.keys_max = 14}).records.size() == 14U);
}

BOOST_AUTO_TEST_CASE(too_many_first_levels_become_the_whole_tree_or_are_counted) {
  std::vector<Interest> many;
  for (int i = 0; i < 9; ++i) many.push_back(interest(std::to_string(i) + "/t", QoS::exactly_once));
  const Filing all = file_interests(many, {.keys_max = 8});
  BOOST_REQUIRE(all.records.size() == 1U);
  BOOST_TEST((all.records[0].interests == std::vector<Interest>{interest("#", QoS::exactly_once)}));
  const Filing open = file_interests(many, {.keys_max = 8, .root_allowed = false});
  BOOST_TEST(open.records.size() == 8U);
  BOOST_TEST(open.left_out == 1U);
  for (const FiledInterests& filed : open.records) BOOST_TEST(!filed.coarse);  // would save nothing
}

BOOST_AUTO_TEST_CASE(the_order_of_the_interests_does_not_matter) {
  std::mt19937 random(4711);
  std::vector<Interest> set;
  for (int i = 0; i < 100; ++i) {
    set.push_back(
        interest(std::to_string(random() % 5) + "/" + std::to_string(random() % 40) + "/t",
                 static_cast<QoS>(random() % 3), random() % 2 == 0));
  }
  const Filing expected = file_interests(set, {.keys_max = 50});
  for (int round = 0; round < 20; ++round) {
    std::shuffle(set.begin(), set.end(), random);
    BOOST_TEST((file_interests(set, {.keys_max = 50}).records == expected.records));
  }
}

// Coarser is allowed, deaf is not: whatever one of the interests matches, a publisher finds us.
BOOST_AUTO_TEST_CASE(whatever_is_wanted_is_found_and_every_record_fits) {
  std::mt19937 random(815);
  const auto level = [&](bool literal) {
    constexpr const char* levels[] = {"a", "b", "c", "", "living-room", "+"};
    return std::string(levels[random() % (literal ? 5 : 6)]);
  };
  for (int round = 0; round < 60; ++round) {
    std::vector<Interest> wanted;
    for (auto count = random() % 80; count > 0; --count) {
      std::string text = level(false) + "/" + level(false);
      for (auto more = random() % 3; more > 0; --more)
        text += "/" + level(false) + std::string(random() % 40, 'x');
      if (random() % 4 == 0) text += "/#";
      if (TopicFilter::parse(text).ok())
        wanted.push_back(interest(text, static_cast<QoS>(random() % 3)));
    }
    const Filing filing = file_interests(wanted, {.keys_max = 1 + random() % 20});
    BOOST_TEST(filing.left_out == 0U);
    for (const FiledInterests& filed : filing.records) check_fits(filed);
    for (int probe = 0; probe < 60; ++probe) {
      std::string topic = level(true);
      for (auto more = random() % 4; more > 0; --more) topic += "/" + level(true);
      if (topic.empty()) continue;
      const bool is_wanted = std::any_of(wanted.begin(), wanted.end(), [&](const Interest& one) {
        return one.filter.matches(topic);
      });
      if (is_wanted) BOOST_TEST(would_be_found(filing, topic));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_filters_are_filed_in_one_go) {
  std::vector<Interest> many;
  for (int i = 0; i < 100'000; ++i) {
    many.push_back(interest(std::to_string(i / 2) + "/" + std::to_string(i % 2)));
  }
  BOOST_TEST(file_interests(many).records.size() <= limits::announced_keys_max);
}

BOOST_AUTO_TEST_SUITE_END()
