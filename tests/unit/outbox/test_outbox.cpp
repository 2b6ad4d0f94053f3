// The outbox of one peer: order, bounds, acknowledgement, and beginning again on a new link.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "bridge/outbox/outbox.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;

TimePoint at(Duration since_start) {
  return TimePoint{} + 1h + since_start;
}

SharedPublication message(std::uint64_t sequence, std::string_view payload = "x",
                          std::optional<TimePoint> expires_at = std::nullopt) {
  auto publication = std::make_shared<Publication>(Publication{
      TopicName::parse("a/b").value(), SharedBytes{as_bytes(payload)}, QoS::at_least_once, false,
      expires_at, nullptr, MessageId{NodeId{}, 1, sequence}});
  return publication;
}

OutboxEntry entry(std::uint64_t sequence, TimePoint queued_at = at(0s)) {
  return OutboxEntry{.message = message(sequence), .queued_at = queued_at};
}

/// Sends everything unsent, numbering from `lane`; returns the sequences.
std::vector<std::uint64_t> send_all(Outbox& outbox, std::uint64_t lane, TimePoint now = at(0s)) {
  std::vector<std::uint64_t> sent;
  while (const OutboxEntry* next = outbox.peek_unsent(now)) {
    sent.push_back(next->message->id.sequence);
    outbox.mark_sent(lane++);
  }
  return sent;
}

using Sequences = std::vector<std::uint64_t>;

BOOST_AUTO_TEST_CASE(messages_leave_in_the_order_in_which_they_came) {
  Outbox outbox;
  for (std::uint64_t i = 1; i <= 3; ++i) BOOST_TEST(outbox.add(entry(i)));
  BOOST_TEST(send_all(outbox, 1) == (Sequences{1, 2, 3}), boost::test_tools::per_element());
  BOOST_TEST(outbox.size() == 3U);
  BOOST_TEST(outbox.under_way() == 3U);
}

BOOST_AUTO_TEST_CASE(an_acknowledgement_covers_everything_before_it_and_nothing_after) {
  Outbox outbox;
  for (std::uint64_t i = 1; i <= 4; ++i) BOOST_TEST(outbox.add(entry(i)));
  send_all(outbox, 10);
  const auto last = outbox.acknowledge(12);
  BOOST_REQUIRE(last.has_value());
  BOOST_TEST(last->sequence == 3U);
  BOOST_TEST(outbox.size() == 1U);
  BOOST_TEST(outbox.floor()->sequence == 4U);
  BOOST_TEST(!outbox.acknowledge(12).has_value());
  BOOST_TEST(!outbox.acknowledge(3).has_value());
  BOOST_TEST(outbox.size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_acknowledgement_does_not_reach_what_was_not_sent) {
  Outbox outbox;
  BOOST_TEST(outbox.add(entry(1)));
  BOOST_TEST(!outbox.acknowledge(1'000'000).has_value());
  BOOST_TEST(outbox.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_new_link_begins_again_with_the_oldest_and_the_same_ids) {
  Outbox outbox;
  for (std::uint64_t i = 1; i <= 5; ++i) BOOST_TEST(outbox.add(entry(i)));
  send_all(outbox, 1);
  outbox.acknowledge(2);
  outbox.rewind();
  BOOST_TEST(outbox.under_way() == 0U);
  BOOST_TEST(!outbox.acknowledge(5).has_value());  // a number of the old link
  BOOST_TEST(send_all(outbox, 1) == (Sequences{3, 4, 5}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_floor_is_the_oldest_that_is_not_acknowledged) {
  Outbox outbox;
  BOOST_TEST(!outbox.floor().has_value());
  BOOST_TEST(outbox.add(entry(7)));
  BOOST_TEST(outbox.add(entry(9)));
  BOOST_TEST(outbox.floor()->sequence == 7U);
  send_all(outbox, 1);
  BOOST_TEST(outbox.floor()->sequence == 7U);
  outbox.acknowledge(1);
  BOOST_TEST(outbox.floor()->sequence == 9U);
}

BOOST_AUTO_TEST_CASE(a_full_outbox_drops_the_newcomer_and_counts_it) {
  Outbox outbox{OutboxBounds{.messages_max = 2}};
  BOOST_TEST(outbox.add(entry(1)));
  BOOST_TEST(outbox.add(entry(2)));
  BOOST_TEST(!outbox.add(entry(3)));
  BOOST_TEST(outbox.dropped() == 1U);
  BOOST_TEST(send_all(outbox, 1) == (Sequences{1, 2}), boost::test_tools::per_element());
  outbox.acknowledge(1);
  BOOST_TEST(outbox.add(entry(4)));
}

BOOST_AUTO_TEST_CASE(bytes_are_bounded_and_given_back) {
  const SharedPublication large = message(1, std::string(10'000, 'p'));
  Outbox outbox{OutboxBounds{.bytes_max = 2 * outbox_cost(*large) + 10}};
  BOOST_TEST(outbox.add(OutboxEntry{.message = large, .queued_at = at(0s)}));
  BOOST_TEST(outbox.add(OutboxEntry{.message = large, .queued_at = at(0s)}));
  BOOST_TEST(!outbox.add(OutboxEntry{.message = large, .queued_at = at(0s)}));
  send_all(outbox, 1);
  outbox.acknowledge(2);
  BOOST_TEST(outbox.bytes() == 0U);
  BOOST_TEST(outbox.empty());
}

BOOST_AUTO_TEST_CASE(properties_count_as_bytes) {
  auto with = std::make_shared<Publication>(*message(1));
  MessageProperties properties;
  properties.user_properties.emplace_back(std::string(500, 'n'), std::string(500, 'v'));
  properties.correlation_data = Bytes(100);
  with->properties = std::make_shared<const MessageProperties>(properties);
  BOOST_TEST(outbox_cost(*with) == outbox_cost(*message(1)) + 1'100);
}

BOOST_AUTO_TEST_CASE(an_expired_message_is_passed_over_and_never_sent) {
  Outbox outbox;
  BOOST_TEST(outbox.add(OutboxEntry{.message = message(1, "x", at(5s)), .queued_at = at(0s)}));
  BOOST_TEST(outbox.add(entry(2)));
  BOOST_TEST(send_all(outbox, 1, at(6s)) == (Sequences{2}), boost::test_tools::per_element());
  BOOST_TEST(outbox.dropped() == 1U);
  BOOST_TEST(outbox.floor()->sequence == 2U);
}

BOOST_AUTO_TEST_CASE(what_is_under_way_does_not_expire_but_what_waits_does) {
  Outbox outbox{OutboxBounds{.age_max = 1h}};
  BOOST_TEST(outbox.add(entry(1)));
  send_all(outbox, 1);
  BOOST_TEST(outbox.add(entry(2)));
  BOOST_TEST(outbox.add(entry(3, at(30min))));
  BOOST_TEST(outbox.expire(at(61min)) == 1U);
  BOOST_TEST(outbox.size() == 2U);
  outbox.rewind();
  BOOST_TEST(outbox.expire(at(61min)) == 1U);
  BOOST_TEST(outbox.floor()->sequence == 3U);
}

BOOST_AUTO_TEST_CASE(forgetting_takes_only_what_is_unwanted_and_not_under_way) {
  Outbox outbox;
  for (std::uint64_t i = 1; i <= 2; ++i) BOOST_TEST(outbox.add(entry(i)));
  send_all(outbox, 1);
  for (std::uint64_t i = 3; i <= 6; ++i) BOOST_TEST(outbox.add(entry(i)));
  const auto is_even = [](const OutboxEntry& e) { return e.message->id.sequence % 2 == 0; };
  BOOST_TEST(outbox.forget_if(is_even) == 2U);
  BOOST_TEST(outbox.dropped() == 0U);
  BOOST_TEST(send_all(outbox, 3) == (Sequences{3, 5}), boost::test_tools::per_element());
  BOOST_TEST(outbox.acknowledge(4)->sequence == 5U);
  BOOST_TEST(outbox.empty());
}

BOOST_AUTO_TEST_CASE(gaps_left_by_forgotten_messages_do_not_confuse_acknowledgement) {
  Outbox outbox;
  for (std::uint64_t i = 1; i <= 3; ++i) BOOST_TEST(outbox.add(entry(i)));
  BOOST_TEST(outbox.peek_unsent(at(0s)) != nullptr);
  outbox.mark_sent(1);
  outbox.forget_if([](const OutboxEntry& e) { return e.message->id.sequence == 2; });
  BOOST_TEST(send_all(outbox, 2) == (Sequences{3}), boost::test_tools::per_element());
  outbox.rewind();
  BOOST_TEST(send_all(outbox, 1) == (Sequences{1, 3}), boost::test_tools::per_element());
  BOOST_TEST(outbox.acknowledge(1)->sequence == 1U);
  BOOST_TEST(outbox.acknowledge(2)->sequence == 3U);
  BOOST_TEST(outbox.bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_sent_at_all_makes_room_for_the_next) {
  Outbox outbox;
  for (std::uint64_t i = 1; i <= 3; ++i) BOOST_TEST(outbox.add(entry(i)));
  BOOST_TEST(outbox.peek_unsent(at(0s)) != nullptr);
  outbox.mark_sent(1);
  BOOST_TEST(outbox.peek_unsent(at(0s))->message->id.sequence == 2U);
  outbox.give_up_unsent();
  BOOST_TEST(send_all(outbox, 2) == (Sequences{3}), boost::test_tools::per_element());
  BOOST_TEST(outbox.dropped() == 1U);
  BOOST_TEST(outbox.acknowledge(2)->sequence == 3U);
  BOOST_TEST(outbox.empty());
}

BOOST_AUTO_TEST_CASE(clearing_gives_everything_up_and_counts_it) {
  Outbox outbox;
  for (std::uint64_t i = 1; i <= 3; ++i) BOOST_TEST(outbox.add(entry(i)));
  BOOST_TEST(outbox.peek_unsent(at(0s)) != nullptr);
  outbox.mark_sent(1);
  BOOST_TEST(outbox.clear() == 3U);
  BOOST_TEST(outbox.dropped() == 3U);
  BOOST_TEST(outbox.bytes() == 0U);
  BOOST_TEST(!outbox.acknowledge(1).has_value());
  BOOST_TEST(outbox.add(entry(4)));
  BOOST_TEST(send_all(outbox, 1) == (Sequences{4}), boost::test_tools::per_element());
}

}  // namespace
}  // namespace starling
