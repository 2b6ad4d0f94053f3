// A relay between two ends: order, credit, bounds, whose turn it is.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bridge/reach/relay_channels.hpp"
#include "bridge/reach/relay_service.hpp"
#include "tests/support/virtual_scheduler.hpp"

namespace starling::test {
namespace {

using namespace std::chrono_literals;

NodeId node(std::uint8_t number) {
  NodeId id;
  id.bytes[0] = number;
  return id;
}

/// Frames that wait to be taken over one link.
struct Wire final : ReachSender {
  std::deque<std::pair<LinkId, wire::ReachFrame>> frames;
  bool is_up = true;
  std::optional<LinkId> congested;
  [[nodiscard]] bool is_congested(LinkId link) const override { return link == congested; }
  bool send(LinkId over, const wire::ReachFrame& frame) override {
    if (is_up) frames.emplace_back(over, frame);
    return is_up;
  }
};

struct Listener final : ByteStream::Handler {
  std::string received;
  std::string closed = "no";
  unsigned writable = 0;
  void on_bytes(ByteView bytes) override { received += as_text(bytes); }
  void on_writable() override { ++writable; }
  void on_closed(const std::string& why) override { closed = why; }
};

/// a -- relay -- b; link 1 is a's with the relay, link 2 b's; both dialled the relay.
struct Fixture {
  VirtualScheduler scheduler;
  Wire from_a, from_b, from_relay;
  RelayBounds bounds;
  RelayLedger ledger;
  std::unique_ptr<RelayService> relay;
  RelayChannels a{node(1), from_a, scheduler};
  RelayChannels b{node(2), from_b, scheduler};
  std::unique_ptr<ByteStream> at_a;
  std::vector<std::unique_ptr<ByteStream>> accepted;
  ByteStream* at_b = nullptr;  // the last of them
  Listener heard_a, heard_b;
  const LinkId link_a{1}, link_b{2};
  const Endpoint relay_at = Endpoint::v4({9, 9, 9, 9}, 21883);
  bool all_fair = true;
  std::uint64_t carried_to_b = 0;

  Fixture() { make_relay(); }
  void make_relay() {
    relay = std::make_unique<RelayService>(bounds, from_relay, ledger);
    relay->set_open(true);
  }
  void open() {
    at_a = a.open(link_a, true, relay_at, node(2));
    BOOST_REQUIRE(at_a);
    at_a->set_handler(&heard_a);
    settle();
  }
  void say(ByteStream& stream, std::string_view text) {
    stream.output().append(as_bytes(text));
    stream.flush_soon();
  }

  void to_relay(LinkId link, wire::ReachFrame& frame) {
    const TimePoint now = scheduler.now();
    RelayService::Outcome outcome{true, true};
    if (auto* it = std::get_if<wire::RelayOpen>(&frame))
      relay->on_open({it->from, link, false}, {it->to, LinkId{3 - link.value}, false}, *it, now);
    if (auto* it = std::get_if<wire::RelayOpened>(&frame))
      outcome = relay->on_opened(link, *it, now);
    if (auto* it = std::get_if<wire::RelayData>(&frame))
      outcome = relay->on_data(link, std::move(*it), now);
    if (auto* it = std::get_if<wire::RelayCredit>(&frame))
      outcome = relay->on_credit(link, *it, now);
    if (auto* it = std::get_if<wire::RelayClose>(&frame)) outcome = relay->on_close(link, *it);
    all_fair = all_fair && outcome.fair;
  }
  void to_end(LinkId link, wire::ReachFrame& frame) {
    RelayChannels& end = link == link_a ? a : b;
    RelayChannels::Outcome outcome{true, true};
    if (auto* it = std::get_if<wire::RelayOpen>(&frame)) {
      accepted.push_back(end.accept(link, true, relay_at, *it));
      at_b = accepted.back().get();
      if (at_b) at_b->set_handler(&heard_b);
    }
    if (auto* it = std::get_if<wire::RelayOpened>(&frame)) outcome = end.on_opened(link, *it);
    if (auto* it = std::get_if<wire::RelayData>(&frame)) {
      if (link == link_b) carried_to_b += it->data.size();
      outcome = end.on_data(link, std::move(*it));
    }
    if (auto* it = std::get_if<wire::RelayCredit>(&frame)) outcome = end.on_credit(link, *it);
    if (auto* it = std::get_if<wire::RelayClose>(&frame)) outcome = end.on_close(link, *it);
    all_fair = all_fair && outcome.fair;
  }
  void settle() {
    for (;;) {
      scheduler.end_turn();
      bool moved = false;
      for (Wire* wire : {&from_a, &from_b, &from_relay}) {
        while (!wire->frames.empty()) {
          auto [link, frame] = std::move(wire->frames.front());
          wire->frames.pop_front();
          wire == &from_relay ? to_end(link, frame) : to_relay(link, frame);
          moved = true;
        }
      }
      if (!moved) return;
    }
  }
  /// For so long, in ticks of the relay.
  void pass(Duration time) {
    for (const TimePoint end = scheduler.now() + time; scheduler.now() < end;) {
      scheduler.run_for(RelayService::tick);
      if (relay->is_waiting()) relay->on_tick(scheduler.now());
      settle();
    }
  }
};

BOOST_FIXTURE_TEST_SUITE(relays, Fixture)

BOOST_AUTO_TEST_CASE(bytes_pass_both_ways_in_order) {
  at_a = a.open(link_a, true, relay_at, node(2));
  at_a->set_handler(&heard_a);
  say(*at_a, "hello ");  // before the other end has answered
  settle();
  say(*at_a, "b");
  say(*at_b, "hello a");
  settle();
  BOOST_TEST(heard_b.received == "hello b");
  BOOST_TEST(heard_a.received == "hello a");
  BOOST_TEST(relay->bytes_carried() == 14U);
  BOOST_TEST((at_b->peer_endpoint() == relay_at));
}

BOOST_AUTO_TEST_CASE(a_large_amount_flows_within_the_credit) {
  open();
  const std::string much(8U << 20U, 'x');
  say(*at_a, much);
  settle();
  BOOST_TEST(at_a->write_is_congested());
  pass(30s);
  BOOST_TEST(heard_b.received.size() == much.size());
  BOOST_TEST(heard_a.writable > 0U);
  BOOST_TEST(all_fair);
}

BOOST_AUTO_TEST_CASE(a_reader_that_pauses_stops_the_sender_not_the_relay) {
  open();
  at_b->pause_reading();
  say(*at_a, std::string(4U << 20U, 'x'));
  settle();
  pass(5s);
  BOOST_TEST(heard_b.received.empty());
  BOOST_TEST(carried_to_b <= RelayedStream::window);
  at_b->resume_reading();
  settle();
  pass(30s);
  BOOST_TEST(heard_b.received.size() == 4U << 20U);
}

BOOST_AUTO_TEST_CASE(one_peer_gets_no_more_than_its_rate) {
  bounds.peer_bytes_per_s = 100'000;
  make_relay();
  open();
  say(*at_a, std::string(2U << 20U, 'x'));
  settle();
  pass(10s);
  BOOST_TEST(carried_to_b >= 900'000U);
  BOOST_TEST(carried_to_b <= 1'250'000U);  // ten seconds, what was saved up, what is under way
}

BOOST_AUTO_TEST_CASE(an_hour_has_its_bound) {
  bounds.peer_bytes_per_hour = 500'000;
  make_relay();
  open();
  say(*at_a, std::string(2U << 20U, 'x'));
  settle();
  pass(60s);
  BOOST_TEST(carried_to_b <= 550'000U);
}

BOOST_AUTO_TEST_CASE(who_sends_beyond_its_credit_is_found_out) {
  open();
  bool fair = true;
  for (int i = 0; i < 40 && fair; ++i)
    fair = relay->on_data(link_a, {0, Bytes(wire::relay_data_max, 'x')}, scheduler.now()).fair;
  BOOST_TEST(!fair);
  BOOST_TEST(relay->circuits() == 0U);
}

BOOST_AUTO_TEST_CASE(a_relay_that_floods_is_found_out) {
  open();
  const std::uint32_t channel = 0x80000001U;
  bool fair = true;
  at_b->pause_reading();
  for (int i = 0; i < 40 && fair; ++i)
    fair = b.on_data(link_b, {channel, Bytes(wire::relay_data_max, 'x')}).fair;
  BOOST_TEST(!fair);
}

BOOST_AUTO_TEST_CASE(who_gives_credit_and_does_not_read_makes_the_relay_keep_nothing) {
  open();
  const std::uint64_t carried = relay->bytes_carried();
  from_relay.congested = link_b;
  BOOST_TEST(relay->on_credit(link_b, {0x80000001U, 1ULL << 60U}, scheduler.now()).fair);
  say(*at_a, std::string(8U << 20U, 'x'));
  settle();
  pass(60s);
  BOOST_TEST(relay->bytes_carried() - carried <= RelayedStream::window);
  from_relay.congested.reset();
  pass(5s);
  BOOST_TEST(relay->bytes_carried() - carried > RelayedStream::window);
}

BOOST_AUTO_TEST_CASE(a_channel_has_a_number_of_whoever_opens_it) {
  BOOST_TEST(!b.accept(link_b, true, relay_at, {2, node(2), node(1), 65'536}));
  BOOST_TEST(b.accept(link_b, true, relay_at, {3, node(2), node(1), 65'536}) != nullptr);
}

BOOST_AUTO_TEST_CASE(closing_delivers_what_was_said_before) {
  open();
  say(*at_a, "last words");
  at_a->close();
  settle();
  BOOST_TEST(heard_b.received == "last words");
  BOOST_TEST(heard_b.closed == "");
  BOOST_TEST(heard_a.closed == "");
  BOOST_TEST(relay->circuits() == 0U);
  at_a.reset();
  accepted.clear();
  settle();
  BOOST_TEST(a.size() + b.size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_stream_that_is_dropped_ends_the_channel) {
  open();
  at_a.reset();
  settle();
  BOOST_TEST(heard_b.closed == "");
  BOOST_TEST(relay->circuits() == 0U);
}

BOOST_AUTO_TEST_CASE(the_end_of_a_carrying_link_ends_its_channels) {
  open();
  relay->on_link_lost(link_b);
  b.on_carrier_lost(link_b);
  settle();
  BOOST_TEST(heard_a.closed == "the relay says: the link of the other end has ended");
  BOOST_TEST(heard_b.closed == "the link to the relay has ended");
}

BOOST_AUTO_TEST_CASE(nothing_is_carried_that_was_not_offered) {
  relay->set_open(false);
  open();
  BOOST_TEST(heard_a.closed == "the relay says: this node does not relay");
  BOOST_TEST(!relay->reserve(node(2), true).granted);
  relay->set_open(true);
  BOOST_TEST(relay->reserve(node(2), true).granted);
  BOOST_TEST(relay->reservations() == 1U);
  static_cast<void>(relay->reserve(node(2), false));
  BOOST_TEST(relay->reservations() == 0U);
}

BOOST_AUTO_TEST_CASE(one_peer_has_a_bounded_number_of_circuits) {
  bounds.peer_circuits_max = 3;
  make_relay();
  std::vector<std::unique_ptr<ByteStream>> streams;
  for (int i = 0; i < 5; ++i) {
    streams.push_back(a.open(link_a, true, relay_at, node(2)));
    settle();
  }
  BOOST_TEST(relay->circuits() == 3U);
}

BOOST_AUTO_TEST_CASE(half_of_the_room_is_for_those_with_a_place) {
  bounds.circuits_max = 2;
  make_relay();
  auto first = a.open(link_a, true, relay_at, node(2));
  settle();
  auto second = a.open(link_a, true, relay_at, node(2));
  settle();
  BOOST_TEST(relay->circuits() == 1U);
  BOOST_TEST(relay->reserve(node(2), true).granted);
  auto third = a.open(link_a, true, relay_at, node(2));
  settle();
  BOOST_TEST(relay->circuits() == 2U);
}

BOOST_AUTO_TEST_CASE(over_an_idle_circuit_nothing_is_carried_for_ever) {
  open();
  scheduler.run_for(59s);
  relay->end_idle(scheduler.now());
  BOOST_TEST(relay->circuits() == 1U);
  scheduler.run_for(2s);
  relay->end_idle(scheduler.now());
  BOOST_TEST(relay->circuits() == 0U);
}

BOOST_AUTO_TEST_CASE(who_relays_for_us_is_served_first) {
  ledger.on_relayed_by(node(1), 100U << 20U, scheduler.now());
  ledger.on_relayed_for(node(7), 100U << 20U, scheduler.now());
  BOOST_TEST((ledger.rank(node(1)) == RelayRank::gives));
  BOOST_TEST((ledger.rank(node(7)) == RelayRank::takes));
  BOOST_TEST((ledger.rank(node(8)) == RelayRank::newcomer));
  // Accounts fade: after ten days what was taken is nearly forgotten.
  ledger.on_relayed_for(node(7), 1, scheduler.now() + 240h);
  BOOST_TEST((ledger.rank(node(7)) == RelayRank::newcomer));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::test
