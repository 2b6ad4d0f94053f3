// Interests, members, dial-me, heartbeat and the end of a link.
#include <boost/test/unit_test.hpp>

#include "tests/unit/link/link_pair.hpp"

namespace starling {
namespace {

using namespace link_test;
using boost::unit_test::label;

bool says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

BOOST_AUTO_TEST_CASE(a_full_set_of_interests_arrives_whole, *label("MESH-6.1-3")) {
  Pair pair;
  pair.link_up();
  std::vector<Interest> wanted;
  for (int i = 0; i < 10'000; ++i) wanted.push_back(interest("f/" + std::to_string(i)));
  wanted[7].durable = true;
  wanted[7].share_group = "g";
  pair.a.link->send_interests(0, wanted, pair.a.out);
  pair.talk(5'000);
  BOOST_TEST_REQUIRE(pair.b.events.size() == 1U);  // one event for all frames
  BOOST_TEST((pair.b.last<InterestsReplaced>().interests == wanted));
  BOOST_TEST(pair.b.last<InterestsReplaced>().left_out == 0U);
}

BOOST_AUTO_TEST_CASE(long_filters_make_more_frames_not_larger_ones) {
  Pair pair;
  pair.link_up();
  const std::vector<Interest> wanted(20, interest(std::string(60'000, 'x')));
  pair.a.link->send_interests(0, wanted, pair.a.out);
  const auto frames = frames_of(drain(pair.a.out));
  BOOST_TEST(frames.size() == 5U);
  BOOST_TEST((std::get<wire::Interests>(frames.front()).part == wire::InterestsPart::set_more));
  BOOST_TEST((std::get<wire::Interests>(frames.back()).part == wire::InterestsPart::set_last));
}

BOOST_AUTO_TEST_CASE(an_empty_set_is_told_too) {
  Pair pair;
  pair.link_up();
  pair.a.link->send_interests(0, {}, pair.a.out);
  pair.talk();
  BOOST_TEST(pair.b.last<InterestsReplaced>().interests.empty());
}

BOOST_AUTO_TEST_CASE(changes_follow_the_set_in_order, *label("MESH-6.1-4")) {
  Pair pair;
  pair.link_up();
  pair.a.link->send_interests(0, {}, pair.a.out);
  const std::vector<InterestChange> changes{{interest("a"), true}, {interest("b"), false}};
  pair.a.link->send_interest_changes(0, changes, pair.a.out);
  pair.a.link->send_interest_changes(0, {}, pair.a.out);  // nothing: no frame
  pair.talk();
  const auto told = pair.b.told<InterestsChanged>();
  BOOST_TEST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].changes.size() == 2U);
  BOOST_TEST((told[0].changes[0].interest == interest("a")));
  BOOST_TEST(told[0].changes[0].wanted);
  BOOST_TEST(!told[0].changes[1].wanted);
}

BOOST_AUTO_TEST_CASE(interests_out_of_order_end_the_link, *label("MESH-6.1-2")) {
  using wire::InterestsPart;
  const auto answer = [](std::vector<wire::Interests> frames) {
    Pair pair;
    pair.a.settings.meshes = pair.b.settings.meshes = {key(1), key(2)};
    pair.link_up();
    for (const auto& frame : frames) pair.inject(frame);
    return pair.b.why();
  };
  BOOST_TEST(answer({{0, 1, InterestsPart::set_last, {}}, {0, 2, InterestsPart::change, {}}})
             == "");
  BOOST_TEST(answer({{0, 1, InterestsPart::set_last, {}}, {1, 1, InterestsPart::set_last, {}}})
             == "");
  BOOST_TEST(says(answer({{0, 2, InterestsPart::set_last, {}}}), "2 after 0"));
  BOOST_TEST(says(answer({{0, 1, InterestsPart::set_last, {}}, {0, 1, InterestsPart::change, {}}}),
                  "1 after 1"));
  BOOST_TEST(says(answer({{0, 1, InterestsPart::change, {}}}), "not there"));
  BOOST_TEST(says(answer({{0, 1, InterestsPart::set_last, {}},
                          {0, 2, InterestsPart::set_more, {}},
                          {0, 3, InterestsPart::change, {}}}),
                  "not there"));
  BOOST_TEST(
      says(answer({{0, 1, InterestsPart::set_more, {}}, {1, 1, InterestsPart::set_last, {}}}),
           "another mesh"));
  BOOST_TEST(says(answer({{2, 1, InterestsPart::set_last, {}}}), "not shared"));
}

BOOST_AUTO_TEST_CASE(interests_beyond_the_bounds_are_counted_not_kept) {
  const auto set = [](std::uint64_t sequence, std::string_view filter, std::size_t count) {
    return wire::Interests{0, sequence, wire::InterestsPart::set_last,
                           std::vector<InterestChange>(count, {interest(filter), true})};
  };
  InterestIntake by_count(3, 1'000);
  auto event = by_count.take(0, set(1, "x", 5));
  BOOST_TEST(std::get<InterestsReplaced>(**event).interests.size() == 3U);
  BOOST_TEST(std::get<InterestsReplaced>(**event).left_out == 2U);
  InterestIntake by_bytes(100, 10);
  event = by_bytes.take(0, set(1, "1234", 5));
  BOOST_TEST(std::get<InterestsReplaced>(**event).interests.size() == 2U);
  event = by_bytes.take(0, set(2, "1234", 2));  // each set anew
  BOOST_TEST(std::get<InterestsReplaced>(**event).left_out == 0U);
}

BOOST_AUTO_TEST_CASE(members_and_dial_me_are_told, *label("MESH-6.2-1")) {
  Pair pair;
  pair.link_up();
  const Endpoint there = Endpoint::v4({10, 0, 0, 9}, 21883);
  std::vector<wire::Peers::Entry> peers(300, {node(5), {there, Endpoint{}}, true});
  pair.a.link->send_peers(0, peers, pair.a.out);
  pair.a.link->send_dial_me(0, node(6), node(1), std::vector{there}, pair.a.out);
  pair.talk();
  const auto told = pair.b.told<PeersTold>();
  BOOST_TEST_REQUIRE(told.size() == 2U);
  BOOST_TEST(told[0].peers.size() + told[1].peers.size() == 300U);
  BOOST_TEST((told[0].peers[0].endpoints == std::vector{there}));
  BOOST_TEST(told[0].peers[0].linked);
  const auto& dial_me = pair.b.last<DialMeArrived>();
  BOOST_TEST((dial_me.asked == node(6) && dial_me.asker == node(1)));
  BOOST_TEST((dial_me.endpoints == std::vector{there}));
}

BOOST_AUTO_TEST_CASE(the_heartbeat_keeps_an_idle_link, *label("MESH-7.1-1")) {
  Pair pair;
  pair.link_up();
  for (int beat = 0; beat < 20; ++beat) {
    pair.now += limits::heartbeat_interval;
    for (End* end : {&pair.a, &pair.b}) {
      BOOST_TEST((end->link->next_deadline() == pair.now));
      end->link->on_timer(pair.now, end->events, end->out);
    }
    pair.talk();
  }
  BOOST_TEST(pair.a.events.empty());
  BOOST_TEST(pair.b.events.empty());
}

BOOST_AUTO_TEST_CASE(the_round_trip_is_measured) {
  Pair pair;
  pair.link_up();
  pair.now += limits::heartbeat_interval;
  pair.a.link->on_timer(pair.now, pair.a.events, pair.a.out);
  pair.carry(pair.a, pair.b);
  pair.now += 30ms;
  pair.carry(pair.b, pair.a);
  BOOST_TEST((pair.a.link->round_trip() == Duration{30ms}));
  pair.now += 30ms;
  pair.a.link->on_bytes(written(wire::Pong{0}), pair.now, pair.a.events, pair.a.out);  // of no ping
  BOOST_TEST((pair.a.link->round_trip() == Duration{30ms}));
}

BOOST_AUTO_TEST_CASE(a_peer_that_falls_silent_is_lost_after_fifteen_seconds, *label("MESH-7.1-2")) {
  Pair pair;
  pair.link_up();
  const TimePoint last_heard = pair.now;
  while (!pair.a.has_failed()) {
    pair.now = *pair.a.link->next_deadline();
    BOOST_TEST_REQUIRE((pair.now <= last_heard + limits::heartbeat_lost_after));
    pair.a.link->on_timer(pair.now, pair.a.events, pair.a.out);
  }
  BOOST_TEST((pair.now == last_heard + limits::heartbeat_lost_after));
  BOOST_TEST((pair.a.last<LinkFailed>().error.code == Errc::unreachable));
  BOOST_TEST(says(pair.a.why(), "15 s"));
}

BOOST_AUTO_TEST_CASE(any_byte_is_a_sign_of_life, *label("MESH-7.1-2")) {
  Pair pair;
  pair.link_up();
  pair.now += 14s;
  pair.inject(Bytes{0});  // of a frame that is long under way
  pair.now += 14s;
  pair.b.link->on_timer(pair.now, pair.b.events, pair.b.out);
  BOOST_TEST(!pair.b.has_failed());
}

BOOST_AUTO_TEST_CASE(a_flood_of_pings_is_not_answered_with_a_flood, *label("MESH-7.1-3")) {
  Pair pair;
  pair.link_up();
  pair.now += 2s;
  for (int i = 0; i < 1'000; ++i) pair.inject(wire::Ping{9});
  BOOST_TEST(frames_of(drain(pair.b.out)).size() == 1U);
  pair.now += limits::pong_interval_min;
  pair.inject(wire::Ping{10});
  const auto frames = frames_of(drain(pair.b.out));
  BOOST_TEST_REQUIRE(frames.size() == 1U);
  BOOST_TEST((frames[0] == wire::Frame{wire::Pong{10}}));
}

BOOST_AUTO_TEST_CASE(a_bye_ends_the_link_at_both_ends, *label("MESH-8.1-2")) {
  Pair pair;
  pair.link_up();
  pair.a.link->send(message("t", "last words"), pair.a.out);
  pair.a.link->close(wire::CloseReason::shutting_down, "the node stops", pair.a.out);
  BOOST_TEST(pair.a.link->has_ended());
  pair.carry(pair.a, pair.b);
  BOOST_TEST_REQUIRE(pair.b.events.size() == 2U);  // what was in the batch comes first
  BOOST_TEST(std::holds_alternative<PublicationsArrived>(pair.b.events[0]));
  BOOST_TEST((pair.b.last<LinkClosed>().reason == wire::CloseReason::shutting_down));
  BOOST_TEST(pair.b.last<LinkClosed>().text == "the node stops");
  BOOST_TEST(pair.b.out.empty());
  BOOST_TEST(pair.a.events.empty());
}

BOOST_AUTO_TEST_CASE(after_the_end_nothing_is_read_or_written, *label("MESH-8.1-2")) {
  Pair pair;
  pair.link_up();
  const Interest wanted = interest("x");
  pair.b.link->send_interests(0, {&wanted, 1}, pair.b.out);
  pair.talk();
  pair.inject(Bytes{0, 0, 0, 0});
  BOOST_TEST(pair.b.has_failed());
  drain(pair.b.out);
  const std::size_t told = pair.b.events.size();
  const InterestChange change{wanted, false};
  PeerLink& link = *pair.b.link;
  pair.inject(wire::Ping{1});
  link.send(message("t", "x"), pair.b.out);
  link.flush(pair.b.out);
  link.acknowledge(0, pair.b.out);
  link.hold_credit(wire::Lane::guaranteed, false, pair.b.out);
  link.send_interests(0, {&wanted, 1}, pair.b.out);
  link.send_interest_changes(0, {&change, 1}, pair.b.out);
  link.send_dial_me(0, node(1), node(2), {}, pair.b.out);
  link.send_peers(0, std::vector<wire::Peers::Entry>(1), pair.b.out);
  link.on_timer(pair.now + 1h, pair.b.events, pair.b.out);
  link.close(wire::CloseReason::other, "", pair.b.out);
  BOOST_TEST(pair.b.out.empty());
  BOOST_TEST(pair.b.events.size() == told);
}

BOOST_AUTO_TEST_CASE(what_follows_a_bye_is_ignored) {
  Pair pair;
  pair.link_up();
  Bytes bytes = written(wire::Bye{wire::CloseReason::not_needed, ""});
  append(bytes, written(wire::Peers{0, {}}));
  append(bytes, Bytes{0, 0, 0, 0});
  pair.inject(bytes);
  BOOST_TEST(pair.b.events.size() == 1U);
  BOOST_TEST(pair.b.out.empty());
}

BOOST_AUTO_TEST_CASE(a_long_reason_is_cut_between_characters) {
  Pair pair;
  pair.link_up();
  std::string text(255, 'x');
  text += "\xC3\xA4";  // its first byte is the 256th
  pair.a.link->close(wire::CloseReason::other, text, pair.a.out);
  pair.carry(pair.a, pair.b);
  BOOST_TEST(pair.b.last<LinkClosed>().text == std::string(255, 'x'));
}

}  // namespace
}  // namespace starling
