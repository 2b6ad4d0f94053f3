// Members in one local network: what a beacon is, who understands it, and what a flood of them does.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "bridge/reach/lan_beacon.hpp"
#include "bridge/reach/lan_neighbours.hpp"
#include "tests/support/seeded_random.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;
using Verdict = LanNeighbours::Verdict;

constexpr UnixSeconds some_day = 1'764'158'400;  // a full hour
const TimePoint start = TimePoint{} + 1h;

crypto::MeshKeys mesh(std::uint8_t first) {
  crypto::MeshSecret secret{};
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<std::uint8_t>(first + i);
  return crypto::derive_mesh_keys(secret);
}

NodeId node(std::uint8_t number) {
  NodeId id;
  id.bytes.fill(number);
  return id;
}

Endpoint at(std::uint8_t host, std::uint16_t port = 40'000) {
  return Endpoint::v4({192, 168, 1, host}, port);
}

LanBeacon example() {
  LanBeacon beacon{node(0x11), 21'883, {}, 0x0102030405060708};
  LanTag other;
  other.fill(0xEE);
  beacon.tags = {lan_tag(mesh(0).member, beacon, lan_hour(some_day)), other};
  return beacon;
}

/// A node that hears, and one that is heard, on one clock.
struct House {
  test::SeededRandom random{7};
  LanNeighbours here{node(1), 21'883, {mesh(0), mesh(40)}, random};
  TimePoint now = start;
  UnixSeconds unix_now = some_day + 1800;

  Bytes beacon_of(std::uint8_t number, std::vector<crypto::MeshKeys> meshes = {mesh(0)}) {
    LanNeighbours there(node(number), 21'883, std::move(meshes), random);
    there.on_appearance(now);
    return there.take_beacon(now, unix_now).value();
  }
  LanNeighbours::Heard hear(const Bytes& bytes, const Endpoint& from) {
    return here.on_datagram(from, bytes, now, unix_now);
  }
};

BOOST_AUTO_TEST_SUITE(lan)

BOOST_AUTO_TEST_CASE(a_beacon_is_these_octets, *boost::unit_test::label("MESH-10.2-1")) {
  // Computed apart from this program, from the secret 00 01 02 ... 1f.
  const std::string golden =
      "9501c4201111111111111111111111111111111111111111111111111111111111111111cd557b92c410642420c4"
      "fd3e9f509fcd01a2a624f57bc410eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeecf0102030405060708";
  BOOST_TEST(to_hex(write_lan_beacon(example())) == golden);
  const auto read = read_lan_beacon(*from_hex(golden));
  BOOST_REQUIRE(read.ok());
  BOOST_TEST((*read == example()));
}

BOOST_AUTO_TEST_CASE(what_is_no_beacon_is_refused, *boost::unit_test::label("MESH-10.2-3")) {
  const Bytes good = write_lan_beacon(example());
  for (std::size_t size = 0; size < good.size(); ++size)
    BOOST_TEST(!read_lan_beacon(ByteView(good).first(size)).ok(), size);
  Bytes longer = good;
  longer.push_back(0xC0);
  BOOST_TEST(!read_lan_beacon(longer).ok());
  BOOST_TEST(
      (read_lan_beacon(Bytes(lan_beacon_bytes_max + 1, 0x90)).error().code == Errc::too_large));
  BOOST_TEST((read_lan_beacon(*from_hex("920200")).error().code == Errc::unsupported));

  const std::string head = "9501c420" + to_hex(node(0x11).view());
  BOOST_TEST(read_lan_beacon(*from_hex(head + "179005")).ok());
  BOOST_TEST(!read_lan_beacon(*from_hex(head + "009005")).ok());          // port 0
  BOOST_TEST(!read_lan_beacon(*from_hex(head + "ce000100009005")).ok());  // port 65536
  BOOST_TEST(!read_lan_beacon(*from_hex(head + "1791c40f" + std::string(30, '0') + "05")).ok());
  std::string tags;
  for (int i = 0; i < 17; ++i) tags += "c410" + std::string(32, '0');
  BOOST_TEST((read_lan_beacon(*from_hex(head + "17dc0011" + tags + "05")).error().code
              == Errc::too_large));
  // Later versions may append fields.
  const std::string more = "9701c420" + to_hex(node(0x11).view()) + "17900591c0a178";
  BOOST_TEST(read_lan_beacon(*from_hex(more)).ok());
}

BOOST_AUTO_TEST_CASE(a_tag_depends_on_all_that_it_vouches_for,
                     *boost::unit_test::label("MESH-10.2-2")) {
  const LanBeacon beacon = example();
  const std::uint64_t hour = lan_hour(some_day);
  const LanTag tag = lan_tag(mesh(0).member, beacon, hour);
  LanBeacon other = beacon;
  other.port = 80;
  BOOST_TEST((lan_tag(mesh(0).member, other, hour) != tag));
  other = beacon;
  other.instance = 1;
  BOOST_TEST((lan_tag(mesh(0).member, other, hour) != tag));
  other = beacon;
  other.node = node(0x12);
  BOOST_TEST((lan_tag(mesh(0).member, other, hour) != tag));
  BOOST_TEST((lan_tag(mesh(1).member, beacon, hour) != tag));
  BOOST_TEST((lan_tag(mesh(0).member, beacon, hour + 1) != tag));
  other = beacon;
  other.tags.clear();
  BOOST_TEST((lan_tag(mesh(0).member, other, hour) == tag));
}

BOOST_AUTO_TEST_CASE(beacons_keep_to_networks_of_a_house, *boost::unit_test::label("MESH-10.1-3")) {
  for (const char* text :
       {"192.168.1.7:1", "10.0.0.1:1", "172.31.0.1:1", "169.254.3.4:1", "[fd00::1]:1"})
    BOOST_TEST(is_lan_address(*Endpoint::parse(text)), text);
  for (const char* text : {"9.1.0.2:1", "127.0.0.1:1", "100.64.0.7:1", "[2001:db8::1]:1",
                           "[fe80::1]:1", "[::1]:1", "172.32.0.1:1"})
    BOOST_TEST(!is_lan_address(*Endpoint::parse(text)), text);
}

BOOST_FIXTURE_TEST_CASE(a_member_of_our_mesh_is_heard, House) {
  const auto heard = hear(beacon_of(2, {mesh(90), mesh(40)}), at(9));
  BOOST_TEST((heard.verdict == Verdict::neighbour));
  BOOST_TEST((heard.node == node(2)));
  BOOST_TEST((heard.endpoint == at(9, 21'883)));
  BOOST_TEST(heard.meshes == std::vector<std::size_t>{1}, boost::test_tools::per_element());
  BOOST_TEST(heard.is_new);
  BOOST_TEST(here.size(now) == 1U);
}

BOOST_FIXTURE_TEST_CASE(members_of_other_meshes_are_strangers, House) {
  BOOST_TEST((hear(beacon_of(2, {mesh(90), mesh(91)}), at(9)).verdict == Verdict::stranger));
  BOOST_TEST((hear(beacon_of(3, {}), at(9)).verdict == Verdict::stranger));
  BOOST_TEST(here.size(now) == 0U);
}

BOOST_FIXTURE_TEST_CASE(strangers_see_neither_which_meshes_nor_how_many, House) {
  const auto one = read_lan_beacon(beacon_of(2, {mesh(0)}));
  const auto three = read_lan_beacon(beacon_of(2, {mesh(0), mesh(1), mesh(2)}));
  BOOST_TEST(one->tags.size() == lan_tags_max);
  BOOST_TEST(three->tags.size() == lan_tags_max);
  // Nor does the tag of one node tell anything about another's.
  const auto other = read_lan_beacon(beacon_of(3, {mesh(0)}));
  for (const LanTag& tag : one->tags)
    BOOST_TEST((std::find(other->tags.begin(), other->tags.end(), tag) == other->tags.end()));
}

BOOST_FIXTURE_TEST_CASE(decoys_stay_the_same_for_an_hour, House) {
  here.on_appearance(now);
  const Bytes first = here.take_beacon(now, some_day).value();
  BOOST_TEST((here.take_beacon(now + 1s, some_day + 3599).value() == first));
  BOOST_TEST((here.take_beacon(now + 3s, some_day + 3600).value() != first));
}

BOOST_FIXTURE_TEST_CASE(clocks_may_be_an_hour_apart_and_no_more, House) {
  const Bytes beacon = beacon_of(2);
  const UnixSeconds sent = unix_now;
  for (const UnixSeconds late : {3600, -3600}) {
    unix_now = sent + late;
    now += 1s;
    BOOST_TEST((hear(beacon, at(9)).verdict != Verdict::stranger));
  }
  for (const UnixSeconds late : {7200, -7200}) {
    unix_now = sent + late;
    now += 1s;
    BOOST_TEST((hear(beacon, at(9)).verdict == Verdict::stranger));
  }
}

BOOST_FIXTURE_TEST_CASE(our_own_beacon_says_nothing, House) {
  here.on_appearance(now);
  const auto own = here.take_beacon(now, unix_now);
  BOOST_TEST((hear(*own, at(10)).verdict == Verdict::ours));
}

BOOST_FIXTURE_TEST_CASE(from_outside_a_house_nothing_is_believed, House) {
  const Bytes beacon = beacon_of(2);
  BOOST_TEST((hear(beacon, *Endpoint::parse("9.1.0.2:21884")).verdict == Verdict::malformed));
  BOOST_TEST((hear(beacon, *Endpoint::parse("[fe80::1]:21884")).verdict == Verdict::malformed));
  BOOST_TEST((hear({1, 2, 3}, at(9)).verdict == Verdict::malformed));
  BOOST_TEST(here.count_of(Verdict::malformed) == 3U);
}

BOOST_FIXTURE_TEST_CASE(who_is_heard_often_is_told_about_now_and_then, House) {
  const Bytes beacon = beacon_of(2);
  BOOST_TEST(hear(beacon, at(9)).is_new);
  now += 5s;
  BOOST_TEST((hear(beacon, at(9)).verdict == Verdict::again));
  now += 25s;
  const auto later = hear(beacon, at(9));
  BOOST_TEST((later.verdict == Verdict::neighbour));
  BOOST_TEST(!later.is_new);
  now += 1s;
  BOOST_TEST(hear(beacon_of(2), at(9)).is_new);  // started anew
  now += 1s;
  BOOST_TEST(hear(beacon, at(8)).is_new);  // at another address
  now += LanNeighbours::forgotten_after + 1s;
  BOOST_TEST(here.size(now) == 0U);
  BOOST_TEST(hear(beacon_of(2), at(9)).is_new);
}

BOOST_FIXTURE_TEST_CASE(beacons_follow_their_plan_and_answer_newcomers, House) {
  BOOST_TEST(!here.next_deadline().has_value());
  here.on_appearance(now);
  for (const Duration wait :
       {Duration(0s), Duration(1s), Duration(3s), Duration(33s), Duration(63s)}) {
    BOOST_REQUIRE((here.next_deadline() == start + wait));
    BOOST_TEST(!here.take_beacon(start + wait - 1ms, unix_now).has_value());
    BOOST_TEST(here.take_beacon(start + wait, unix_now).has_value());
  }
  now = start + 70s;
  const Bytes newcomer = beacon_of(2);
  hear(newcomer, at(9));
  const TimePoint answer = *here.next_deadline();
  BOOST_TEST((answer >= now && answer <= now + LanNeighbours::answer_delay_max));
  BOOST_TEST(here.take_beacon(answer, unix_now).has_value());
  BOOST_TEST((here.next_deadline() == start + 93s));  // as if nothing had been
  now = answer + 1ms;
  hear(newcomer, at(9));
  BOOST_TEST((here.next_deadline() == start + 93s));  // known by now
  // However many addresses somebody says it again from, answers keep their distance.
  for (std::uint8_t host = 20; host < 60; ++host) hear(newcomer, at(host));
  BOOST_TEST((*here.next_deadline() >= answer + LanNeighbours::answer_interval));
}

BOOST_FIXTURE_TEST_CASE(one_source_that_floods_does_not_drown_the_others, House) {
  const Bytes beacon = beacon_of(2);
  for (int i = 0; i < 1000; ++i) hear({0x90}, at(66));
  BOOST_TEST(here.count_of(Verdict::malformed) == LanNeighbours::beacons_per_source);
  BOOST_TEST((hear(beacon, at(9)).verdict == Verdict::neighbour));
}

BOOST_FIXTURE_TEST_CASE(many_sources_that_flood_cost_no_more_than_the_bound, House) {
  std::size_t looked_at = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto heard = hear({0x90}, Endpoint::v4({10, 0, static_cast<std::uint8_t>(i / 250),
                                                  static_cast<std::uint8_t>(i % 250)},
                                                 1));
    looked_at += heard.verdict == Verdict::malformed ? 1 : 0;
  }
  BOOST_TEST(looked_at == LanNeighbours::beacons_per_second);
  BOOST_TEST(here.count_of(Verdict::too_many) == 1000 - looked_at);
  now += 1s;
  BOOST_TEST((hear(beacon_of(2), at(9)).verdict == Verdict::neighbour));
}

BOOST_FIXTURE_TEST_CASE(a_full_table_forgets_who_was_heard_longest_ago, House) {
  const Bytes beacon = beacon_of(2);
  for (std::size_t i = 0; i <= LanNeighbours::neighbours_max; ++i) {
    const auto address = Endpoint::v4(
        {10, 0, static_cast<std::uint8_t>(i / 250), static_cast<std::uint8_t>(i % 250)}, 1);
    BOOST_REQUIRE((hear(beacon, address).verdict == Verdict::neighbour));
    now += 200ms;
  }
  BOOST_TEST(here.size(now) == LanNeighbours::neighbours_max);
  BOOST_TEST(hear(beacon, Endpoint::v4({10, 0, 0, 0}, 1)).is_new);
  BOOST_TEST(!hear(beacon, Endpoint::v4({10, 0, 1, 6}, 1)).is_new);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling
