#include <boost/test/unit_test.hpp>

#include "dht/records/newest_records.hpp"
#include "tests/unit/dht_records/record_builders.hpp"

using namespace starling;
using namespace starling::record_builders;

namespace {

const DhtKey key = place(7);

VerifiedEnvelope envelope(std::uint8_t by, RecordStamp stamp,
                          UnixSeconds expires_at = in_ten_minutes, const DhtKey& at = key) {
  return verified(record(author(by), at, stamp, expires_at), at);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(newest_records)

BOOST_AUTO_TEST_CASE(later_stamps_replace_earlier_ones_and_never_the_other_way) {
  NewestRecords newest;
  BOOST_TEST((newest.note(envelope(1, {1, 5}), now) == Freshness::newer));
  BOOST_TEST((newest.note(envelope(1, {1, 5}), now) == Freshness::same));
  BOOST_TEST((newest.note(envelope(1, {1, 4}), now) == Freshness::older));
  BOOST_TEST((newest.note(envelope(1, {2, 1}), now) == Freshness::newer));  // after a restart
  BOOST_TEST((newest.note(envelope(1, {1, 9}), now) == Freshness::older));
  BOOST_TEST((newest.note(envelope(1, {2, 1}), now) == Freshness::same));
  BOOST_TEST(newest.size() == 1U);
}

BOOST_AUTO_TEST_CASE(nodes_and_keys_are_judged_apart) {
  NewestRecords newest;
  BOOST_TEST((newest.note(envelope(1, {9, 9}), now) == Freshness::newer));
  BOOST_TEST((newest.note(envelope(2, {1, 1}), now) == Freshness::newer));
  BOOST_TEST((newest.note(envelope(1, {1, 1}, in_ten_minutes, place(8)), now) == Freshness::newer));
  BOOST_TEST(newest.size() == 3U);
}

BOOST_AUTO_TEST_CASE(judging_does_not_remember) {
  NewestRecords newest;
  BOOST_TEST((newest.judge(envelope(1, {1, 5})) == Freshness::newer));
  BOOST_TEST(newest.size() == 0U);
  newest.note(envelope(1, {1, 5}), now);
  BOOST_TEST((newest.judge(envelope(1, {1, 6})) == Freshness::newer));
  BOOST_TEST((newest.judge(envelope(1, {1, 5})) == Freshness::same));
  BOOST_TEST((newest.judge(envelope(1, {1, 4})) == Freshness::older));
}

// The newest record may lapse before an older one does, which then must not come back to life.
BOOST_AUTO_TEST_CASE(a_place_is_remembered_until_its_last_record_has_lapsed) {
  NewestRecords newest;
  newest.note(envelope(1, {1, 5}, now + 500), now);
  newest.note(envelope(1, {1, 6}, now + 100), now);
  BOOST_TEST((newest.note(envelope(1, {1, 5}, now + 500), now + 300) == Freshness::older));
  newest.note(envelope(2, {1, 1}, now + 1100), now + 500);
  BOOST_TEST(newest.size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_older_record_with_a_later_end_prolongs_the_memory) {
  NewestRecords newest;
  newest.note(envelope(1, {1, 6}, now + 100), now);
  newest.note(envelope(1, {1, 5}, now + 500), now);
  BOOST_TEST((newest.note(envelope(1, {1, 5}, now + 500), now + 300) == Freshness::older));
}

BOOST_AUTO_TEST_CASE(a_full_table_forgets_what_lapses_first) {
  NewestRecords newest(3);
  newest.note(envelope(1, {1, 5}, now + 100), now);
  newest.note(envelope(2, {1, 5}, now + 50), now);
  newest.note(envelope(3, {1, 5}, now + 200), now);
  newest.note(envelope(4, {1, 5}, now + 300), now);
  BOOST_TEST(newest.size() == 3U);
  BOOST_TEST((newest.judge(envelope(2, {1, 4})) == Freshness::newer));  // forgotten
  for (const int by : {1, 3, 4}) {
    BOOST_TEST((newest.judge(envelope(static_cast<std::uint8_t>(by), {1, 4})) == Freshness::older));
  }
}

BOOST_AUTO_TEST_SUITE_END()
