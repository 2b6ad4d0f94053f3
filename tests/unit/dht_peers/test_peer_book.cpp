// The peer book: who is known, who is dialled next, and what it takes to be forgotten.
#include <boost/test/unit_test.hpp>

#include "starling/limits.hpp"

#include "dht/peers/peer_book.hpp"

using namespace starling;
using namespace std::chrono_literals;

namespace {

/// Always the same number, chosen by the test.
class FixedEntropy : public Entropy {
 public:
  void fill(std::span<std::uint8_t> out) override {
    for (auto& byte : out) byte = value;
  }
  std::uint8_t value = 0;
};

NodeId node(unsigned number) {
  NodeId id;
  id.bytes[0] = static_cast<std::uint8_t>(number >> 8U);
  id.bytes[1] = static_cast<std::uint8_t>(number);
  return id;
}

Endpoint endpoint(std::uint8_t host, std::uint16_t port = 21883) {
  return Endpoint::v4({198, 51, 100, host}, port);
}

PeerRecord record(unsigned number, std::vector<Endpoint> endpoints, std::uint64_t sequence = 1) {
  return {node(number), std::move(endpoints), 1, sequence, 1'000'000};
}

struct Fixture {
  FixedEntropy entropy;
  PeerBook book{node(0), entropy};
  TimePoint now{1h};
  UnixSeconds unix_now = 500'000;

  bool see(const PeerRecord& peer, PeerSource source = PeerSource::record) {
    return book.on_seen(peer, source, "family", now, unix_now);
  }
  void want(unsigned number) { book.set_wanted(node(number), true); }
  /// Fails every dial of the current round; returns how many there were.
  std::size_t fail_round() {
    std::size_t dials = 0;
    while (const auto order = book.next_dial(now)) {
      book.on_dial_failed(*order, now);
      ++dials;
    }
    return dials;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(peer_book, Fixture)

BOOST_AUTO_TEST_CASE(only_wanted_peers_are_dialled) {
  BOOST_TEST(see(record(1, {endpoint(1)})));
  BOOST_TEST(!book.next_dial(now).has_value());
  BOOST_TEST(!book.next_deadline().has_value());
  want(1);
  BOOST_TEST((book.next_deadline() == now));
  const auto order = book.next_dial(now);
  BOOST_REQUIRE(order.has_value());
  BOOST_TEST((order->peer == node(1)));
  BOOST_TEST((order->endpoint == endpoint(1)));
  BOOST_TEST(!book.next_dial(now).has_value());  // one at a time
}

BOOST_AUTO_TEST_CASE(the_node_itself_is_never_entered) {
  BOOST_TEST(!see(record(0, {endpoint(1)})));
  BOOST_TEST(book.size() == 0U);
}

BOOST_AUTO_TEST_CASE(endpoints_are_tried_in_turn_and_then_the_peer_pauses) {
  see(record(1, {endpoint(1), endpoint(2)}));
  want(1);
  auto order = book.next_dial(now);
  BOOST_TEST((order->endpoint == endpoint(1)));
  book.on_dial_failed(*order, now);
  order = book.next_dial(now);
  BOOST_REQUIRE(order.has_value());
  BOOST_TEST((order->endpoint == endpoint(2)));
  book.on_dial_failed(*order, now);
  BOOST_TEST(!book.next_dial(now).has_value());
  BOOST_TEST((book.next_deadline() == now + limits::redial_delay_min));
}

BOOST_AUTO_TEST_CASE(where_a_neighbour_is_heard_it_is_dialled_first) {
  const Endpoint near = Endpoint::v4({192, 168, 1, 7}, 21883);
  BOOST_TEST(book.on_neighbour(node(1), near, "family", now));
  BOOST_TEST(book.members_of("family").size() == 1U);
  BOOST_TEST(!book.on_neighbour(node(0), near, "family", now));  // ourselves
  BOOST_TEST(book.size() == 1U);

  see(record(2, {endpoint(1), endpoint(2)}));
  want(2);
  fail_round();
  BOOST_TEST(!book.next_dial(now).has_value());
  BOOST_TEST(book.on_neighbour(node(2), near, "family", now));
  auto order = book.next_dial(now);  // the pause is over
  BOOST_REQUIRE(order.has_value());
  BOOST_TEST((order->endpoint == near));
  book.on_dial_failed(*order, now);
  order = book.next_dial(now);
  BOOST_REQUIRE(order.has_value());
  BOOST_TEST((order->endpoint == endpoint(1)));
  book.on_dial_failed(*order, now);
  BOOST_TEST(!book.on_neighbour(node(2), endpoint(2), "family", now));  // known to be there
  BOOST_TEST((book.next_dial(now)->endpoint == endpoint(2)));
  BOOST_TEST(book.find(node(2))->endpoints.size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_neighbour_pushes_out_the_last_address_of_many) {
  std::vector<Endpoint> many;
  for (std::uint8_t i = 1; i <= limits::peer_endpoints_max; ++i) many.push_back(endpoint(i));
  see(record(1, many));
  const Endpoint near = Endpoint::v4({192, 168, 1, 7}, 21883);
  BOOST_TEST(book.on_neighbour(node(1), near, "family", now));
  const KnownPeer& known = *book.find(node(1));
  BOOST_TEST(known.endpoints.size() == limits::peer_endpoints_max);
  BOOST_TEST((known.endpoints.front() == near));
  BOOST_TEST((known.endpoints[1] == endpoint(1)));
}

BOOST_AUTO_TEST_CASE(pauses_double_up_to_a_minute) {
  see(record(1, {endpoint(1)}));
  book.on_linked(node(1), endpoint(1), now, unix_now);  // proved: the quota does not interfere
  now += 11s;
  book.on_link_lost(node(1), now, unix_now);
  want(1);
  Duration last{};
  for (int round = 0; round < 12; ++round) {
    now = std::max(now, *book.next_deadline());
    BOOST_TEST(fail_round() == 1U);
    last = *book.next_deadline() - now;
    const Duration expected =
        std::min<Duration>(limits::redial_delay_min * (1 << round), limits::redial_delay_max);
    BOOST_TEST((last == expected));
  }
  BOOST_TEST((last == limits::redial_delay_max));
}

BOOST_AUTO_TEST_CASE(the_random_part_takes_at_most_half_of_a_pause) {
  see(record(1, {endpoint(1)}));
  want(1);
  for (unsigned value = 0; value < 256; value += 5) {
    entropy.value = static_cast<std::uint8_t>(value);
    PeerBook fresh(node(0), entropy);
    fresh.on_seen(record(1, {endpoint(1)}), PeerSource::record, "family", now, unix_now);
    fresh.set_wanted(node(1), true);
    fresh.on_dial_failed(*fresh.next_dial(now), now);
    const Duration pause = *fresh.next_deadline() - now;
    BOOST_TEST((pause >= limits::redial_delay_min / 2));
    BOOST_TEST((pause <= limits::redial_delay_min));
  }
}

BOOST_AUTO_TEST_CASE(a_new_address_ends_the_pause) {
  see(record(1, {endpoint(1)}));
  want(1);
  fail_round();
  BOOST_TEST(!book.next_dial(now).has_value());
  BOOST_TEST(see(record(1, {endpoint(9)}, 2)));
  const auto order = book.next_dial(now);
  BOOST_REQUIRE(order.has_value());
  BOOST_TEST((order->endpoint == endpoint(9)));
}

BOOST_AUTO_TEST_CASE(an_older_record_changes_nothing) {
  see(record(1, {endpoint(2)}, 5));
  BOOST_TEST(!see(record(1, {endpoint(1)}, 4)));
  BOOST_TEST(!see(record(1, {endpoint(1)}, 5)));
  BOOST_TEST((book.find(node(1))->endpoints == std::vector<Endpoint>{endpoint(2)}));
  PeerRecord newer_epoch = record(1, {endpoint(3)}, 1);
  newer_epoch.epoch = 2;
  BOOST_TEST(see(newer_epoch));
  BOOST_TEST((book.find(node(1))->endpoints == std::vector<Endpoint>{endpoint(3)}));
}

BOOST_AUTO_TEST_CASE(what_a_peer_says_itself_counts_as_the_newest) {
  see(record(1, {endpoint(2)}, 5));
  see(record(1, {endpoint(7)}, 0), PeerSource::hello);
  BOOST_TEST((book.find(node(1))->endpoints == std::vector<Endpoint>{endpoint(7)}));
  BOOST_TEST(!see(record(1, {endpoint(2)}, 5)));  // the old record again
  PeerRecord earlier_epoch = record(1, {endpoint(8)}, 0);
  earlier_epoch.epoch = 0;
  see(earlier_epoch, PeerSource::hello);
  BOOST_TEST((book.find(node(1))->endpoints == std::vector<Endpoint>{endpoint(7)}));
}

BOOST_AUTO_TEST_CASE(what_others_tell_is_added_and_never_replaces) {
  see(record(1, {endpoint(1)}));
  BOOST_TEST(see(record(1, {endpoint(2)}, 99), PeerSource::told));
  BOOST_TEST((book.find(node(1))->endpoints == std::vector<Endpoint>{endpoint(1), endpoint(2)}));
  BOOST_TEST(!see(record(1, {endpoint(2)}, 100), PeerSource::told));
  BOOST_TEST(book.find(node(1))->sequence == 1U);
}

BOOST_AUTO_TEST_CASE(a_peer_has_at_most_eight_endpoints) {
  for (std::uint8_t i = 1; i <= 30; ++i) see(record(1, {endpoint(i)}), PeerSource::told);
  BOOST_TEST(book.find(node(1))->endpoints.size() == limits::peer_endpoints_max);
}

BOOST_AUTO_TEST_CASE(a_proved_address_is_tried_first_and_survives_a_record_without_it) {
  see(record(1, {endpoint(1), endpoint(2)}));
  book.on_linked(node(1), endpoint(2), now, unix_now);
  BOOST_TEST((book.find(node(1))->endpoints == std::vector<Endpoint>{endpoint(2), endpoint(1)}));
  see(record(1, {endpoint(3)}, 2));
  BOOST_TEST((book.find(node(1))->endpoints == std::vector<Endpoint>{endpoint(3), endpoint(2)}));
  BOOST_TEST((book.find(node(1))->proved == std::set<Endpoint>{endpoint(2)}));
}

BOOST_AUTO_TEST_CASE(nobody_can_be_dialled_at_port_zero) {
  see(record(1, {Endpoint::v4({198, 51, 100, 1}, 0), Endpoint::v4({0, 0, 0, 0}, 1)}));
  BOOST_TEST(book.find(node(1))->endpoints.empty());
}

BOOST_AUTO_TEST_CASE(a_linked_peer_is_not_dialled_and_comes_back_soon_after_a_loss) {
  see(record(1, {endpoint(1)}));
  want(1);
  book.next_dial(now);
  book.on_linked(node(1), endpoint(1), now, unix_now);
  BOOST_TEST(!book.next_deadline().has_value());
  now += 1min;
  entropy.value = 77;
  book.on_link_lost(node(1), now, unix_now);
  BOOST_REQUIRE(book.next_deadline().has_value());
  BOOST_TEST((*book.next_deadline() <= now + limits::redial_delay_min));
}

BOOST_AUTO_TEST_CASE(a_peer_that_accepts_and_hangs_up_is_not_hammered) {
  see(record(1, {endpoint(1)}));
  want(1);
  for (int i = 0; i < 8; ++i) {
    now = std::max(now, *book.next_deadline());
    BOOST_REQUIRE(book.next_dial(now).has_value());
    book.on_linked(node(1), endpoint(1), now, unix_now);
    now += 1s;
    book.on_link_lost(node(1), now, unix_now);
  }
  BOOST_TEST((*book.next_deadline() - now == limits::redial_delay_max));
}

BOOST_AUTO_TEST_CASE(a_late_failure_does_not_disturb_a_link_that_stands) {
  see(record(1, {endpoint(1)}));
  want(1);
  const auto order = book.next_dial(now);
  book.on_linked(node(1), std::nullopt, now, unix_now);  // it dialled us meanwhile
  book.on_dial_failed(*order, now);
  BOOST_TEST(!book.next_deadline().has_value());
}

BOOST_AUTO_TEST_CASE(the_longest_waiting_peer_goes_first) {
  see(record(2, {endpoint(2)}));
  now += 1s;
  see(record(1, {endpoint(1)}));
  want(1);
  want(2);
  BOOST_TEST((book.next_dial(now)->peer == node(2)));
  BOOST_TEST((book.next_dial(now)->peer == node(1)));
}

BOOST_AUTO_TEST_CASE(an_unproven_address_is_dialled_a_bounded_number_of_times_an_hour) {
  // Many invented nodes, all of them "living" at the victim's address.
  const std::size_t liars = 500;
  for (unsigned i = 1; i <= liars; ++i) {
    see(record(i, {endpoint(66)}));
    want(i);
  }
  std::size_t dials = 0;
  for (int second = 0; second < 3'000; ++second, now += 1s) dials += fail_round();
  BOOST_TEST(dials == DialQuota::per_global_address);
  now += 1h;
  BOOST_TEST(fail_round() > 0U);
}

BOOST_AUTO_TEST_CASE(many_ports_of_one_host_do_not_help_a_liar) {
  for (unsigned i = 1; i <= 500; ++i) {
    see(record(i, {endpoint(66, static_cast<std::uint16_t>(1000 + i))}));
    want(i);
  }
  std::size_t dials = 0;
  for (int second = 0; second < 3'000; ++second, now += 1s) dials += fail_round();
  BOOST_TEST(dials == DialQuota::per_global_address);
}

BOOST_AUTO_TEST_CASE(a_proved_address_has_no_quota) {
  see(record(1, {endpoint(1)}));
  book.on_linked(node(1), endpoint(1), now, unix_now);
  book.on_link_lost(node(1), now, unix_now);
  want(1);
  std::size_t dials = 0;
  for (int second = 0; second < 3'000; ++second, now += 1s) dials += fail_round();
  BOOST_TEST(dials > limits::unproven_dials_per_hour);
}

BOOST_AUTO_TEST_CASE(a_full_book_forgets_strangers_before_friends) {
  see(record(1, {endpoint(1)}));
  book.on_linked(node(1), endpoint(1), now, unix_now);
  book.on_link_lost(node(1), now, unix_now);
  for (unsigned i = 2; i < 2 + 2 * limits::peers_known_max; ++i) {
    ++unix_now;
    see(record(i, {endpoint(2)}));
  }
  BOOST_TEST(book.size() == limits::peers_known_max);
  BOOST_TEST(book.find(node(1)) != nullptr);
  BOOST_TEST(book.find(node(2)) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_book_full_of_wanted_peers_takes_no_newcomer) {
  for (unsigned i = 1; i <= limits::peers_known_max; ++i) {
    see(record(i, {endpoint(2)}));
    want(i);
  }
  BOOST_TEST(!see(record(60'000, {endpoint(1)})));
  BOOST_TEST(book.find(node(60'000)) == nullptr);
}

BOOST_AUTO_TEST_CASE(connectivity_coming_back_ends_all_pauses) {
  see(record(1, {endpoint(1)}));
  want(1);
  for (int i = 0; i < 6; ++i) {
    now = std::max(now, *book.next_deadline());
    fail_round();
  }
  BOOST_TEST((*book.next_deadline() > now + 5s));
  entropy.value = 200;
  book.retry_all(now);
  BOOST_TEST((*book.next_deadline() <= now + 1s));
}

BOOST_AUTO_TEST_CASE(members_are_listed_by_mesh) {
  book.on_seen(record(2, {endpoint(1)}), PeerSource::record, "family", now, unix_now);
  book.on_seen(record(1, {endpoint(2)}), PeerSource::record, "family", now, unix_now);
  book.on_seen(record(3, {endpoint(3)}), PeerSource::record, "public", now, unix_now);
  const auto members = book.members_of("family");
  BOOST_REQUIRE(members.size() == 2U);
  BOOST_TEST((members[0]->id == node(1)));
  book.on_left(node(1), "family");
  BOOST_TEST(book.members_of("family").size() == 1U);
  BOOST_TEST(book.members_of("elsewhere").empty());
}

BOOST_AUTO_TEST_SUITE_END()
