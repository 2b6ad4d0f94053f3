// Nat: each kind against the definitions of RFC 3489, and what routers forget.
#include <boost/test/unit_test.hpp>
#include <set>

#include "simulations/world/nat.hpp"

namespace starling::sim {
namespace {

using namespace std::chrono_literals;

const Endpoint outside = Endpoint::v4({20, 1, 7, 1}, 0);
const Endpoint inside = Endpoint::v4({192, 168, 1, 2}, 4'000);
const Endpoint inside2 = Endpoint::v4({192, 168, 1, 3}, 4'000);
const Endpoint server = Endpoint::v4({30, 1, 7, 1}, 80);
const Endpoint server_other_port = Endpoint::v4({30, 1, 7, 1}, 81);
const Endpoint stranger = Endpoint::v4({40, 1, 7, 1}, 80);
const TimePoint begins{1h};

Nat nat_of(NatKind kind) {
  NatSettings settings;
  settings.kind = kind;
  return {settings, outside};
}

constexpr NatKind all_kinds[] = {NatKind::full_cone, NatKind::restricted, NatKind::port_restricted,
                                 NatKind::symmetric};

BOOST_AUTO_TEST_SUITE(sim_nat)

BOOST_AUTO_TEST_CASE(who_may_answer_is_what_makes_the_kinds) {
  struct Row {
    NatKind kind;
    bool other_port;
    bool other_host;
  };
  for (const Row& row :
       {Row{NatKind::full_cone, true, true}, Row{NatKind::restricted, true, false},
        Row{NatKind::port_restricted, false, false}, Row{NatKind::symmetric, false, false}}) {
    Nat nat = nat_of(row.kind);
    // Before anything has left, nobody comes in.
    BOOST_TEST(!nat.inward(Transport::udp, inside.port, server, begins).has_value());
    const Endpoint seen = nat.outward(Transport::udp, inside, server, begins);
    BOOST_TEST((seen.address == outside.address));
    BOOST_TEST((nat.inward(Transport::udp, seen.port, server, begins) == inside));
    BOOST_TEST(nat.inward(Transport::udp, seen.port, server_other_port, begins).has_value()
               == row.other_port);
    BOOST_TEST(nat.inward(Transport::udp, seen.port, stranger, begins).has_value()
               == row.other_host);
    // The other protocol has ports of its own.
    BOOST_TEST(!nat.inward(Transport::tcp, seen.port, server, begins).has_value());
  }
}

BOOST_AUTO_TEST_CASE(only_a_symmetric_one_has_a_port_for_each_destination) {
  for (const NatKind kind : all_kinds) {
    Nat nat = nat_of(kind);
    std::set<std::uint16_t> ports;
    for (const Endpoint& to : {server, server_other_port, stranger})
      ports.insert(nat.outward(Transport::udp, inside, to, begins).port);
    BOOST_TEST(ports.size() == (kind == NatKind::symmetric ? 3U : 1U));
    // The same again: nothing new.
    ports.insert(nat.outward(Transport::udp, inside, server, begins + 1s).port);
    BOOST_TEST(ports.size() == (kind == NatKind::symmetric ? 3U : 1U));
  }
}

BOOST_AUTO_TEST_CASE(two_inside_never_share_a_port) {
  for (const NatKind kind : all_kinds) {
    Nat nat = nat_of(kind);
    const Endpoint a = nat.outward(Transport::udp, inside, server, begins);
    const Endpoint b = nat.outward(Transport::udp, inside2, server, begins);
    BOOST_TEST(a.port != b.port);
    BOOST_TEST((nat.inward(Transport::udp, a.port, server, begins) == inside));
    BOOST_TEST((nat.inward(Transport::udp, b.port, server, begins) == inside2));
    if (kind != NatKind::symmetric) BOOST_TEST(a.port == inside.port);
  }
}

BOOST_AUTO_TEST_CASE(what_the_inside_does_not_use_is_forgotten) {
  for (const NatKind kind : all_kinds) {
    Nat nat = nat_of(kind);
    const std::uint16_t port = nat.outward(Transport::udp, inside, server, begins).port;
    const std::uint16_t tcp = nat.outward(Transport::tcp, inside, server, begins).port;
    BOOST_TEST(nat.inward(Transport::udp, port, server, begins + 120s).has_value());
    // What comes in keeps nothing alive.
    BOOST_TEST(!nat.inward(Transport::udp, port, server, begins + 121s).has_value());
    BOOST_TEST(nat.inward(Transport::tcp, tcp, server, begins + 2h).has_value());
    BOOST_TEST(!nat.inward(Transport::tcp, tcp, server, begins + 2h + 1s).has_value());

    const std::uint16_t again = nat.outward(Transport::udp, inside, server, begins + 200s).port;
    BOOST_TEST(nat.inward(Transport::udp, again, server, begins + 300s).has_value());
    nat.outward(Transport::udp, inside, server, begins + 310s);
    BOOST_TEST(nat.inward(Transport::udp, again, server, begins + 420s).has_value());
  }
}

BOOST_AUTO_TEST_CASE(the_permission_of_one_remote_ends_though_the_mapping_lives_on) {
  Nat nat = nat_of(NatKind::restricted);
  const std::uint16_t port = nat.outward(Transport::udp, inside, server, begins).port;
  nat.outward(Transport::udp, inside, stranger, begins + 100s);
  BOOST_TEST(!nat.inward(Transport::udp, port, server, begins + 130s).has_value());
  BOOST_TEST(nat.inward(Transport::udp, port, stranger, begins + 130s).has_value());
}

BOOST_AUTO_TEST_CASE(a_mapped_port_is_open_to_everybody_until_it_is_taken_back) {
  for (const NatKind kind : all_kinds) {
    Nat nat = nat_of(kind);
    BOOST_TEST(nat.map_port(Transport::udp, 21'883, inside));
    BOOST_TEST((nat.inward(Transport::udp, 21'883, stranger, begins + 24h) == inside));
    BOOST_TEST(!nat.map_port(Transport::udp, 21'883, inside2));
    BOOST_TEST(nat.map_port(Transport::udp, 21'883, inside));  // once more: as before
    if (kind != NatKind::symmetric)
      BOOST_TEST(nat.outward(Transport::udp, inside, server, begins).port == 21'883);
    nat.unmap_port(Transport::udp, 21'883);
    BOOST_TEST(!nat.inward(Transport::udp, 21'883, stranger, begins).has_value());
    BOOST_TEST((nat.outward(Transport::udp, inside, server, begins).address == outside.address));
  }
}

BOOST_AUTO_TEST_CASE(a_port_in_use_may_be_mapped_and_unmapped_by_its_own_host) {
  for (const NatKind kind : all_kinds) {
    Nat nat = nat_of(kind);
    const std::uint16_t port = nat.outward(Transport::udp, inside, server, begins).port;
    BOOST_TEST(nat.map_port(Transport::udp, port, inside));
    nat.unmap_port(Transport::udp, port);
    const std::uint16_t then = nat.outward(Transport::udp, inside, server, begins).port;
    BOOST_TEST((nat.inward(Transport::udp, then, server, begins) == inside));
  }
}

BOOST_AUTO_TEST_CASE(another_address_voids_all_mappings) {
  Nat nat = nat_of(NatKind::full_cone);
  const std::uint16_t port = nat.outward(Transport::udp, inside, server, begins).port;
  const Endpoint moved = Endpoint::v4({21, 1, 7, 1}, 0);
  nat.set_outside(moved);
  BOOST_TEST(!nat.inward(Transport::udp, port, server, begins).has_value());
  BOOST_TEST((nat.outward(Transport::udp, inside, server, begins).address == moved.address));
}

BOOST_AUTO_TEST_CASE(of_too_many_mappings_the_longest_unused_goes_and_a_permanent_one_never) {
  NatSettings settings;
  settings.kind = NatKind::full_cone;
  settings.mappings_max = 4;
  Nat nat(settings, outside);
  BOOST_TEST(nat.map_port(Transport::udp, 9'999, inside2));
  const auto from = [](std::uint16_t port) { return Endpoint::v4({192, 168, 1, 9}, port); };
  for (std::uint16_t i = 0; i < 3; ++i)
    nat.outward(Transport::udp, from(static_cast<std::uint16_t>(100 + i)), server,
                begins + std::chrono::seconds{i});
  nat.outward(Transport::udp, from(100), server, begins + 10s);  // 101 is the oldest now
  nat.outward(Transport::udp, from(103), server, begins + 11s);
  BOOST_TEST(!nat.inward(Transport::udp, 101, server, begins + 11s).has_value());
  for (const std::uint16_t port : std::initializer_list<std::uint16_t>{100, 102, 103, 9'999})
    BOOST_TEST(nat.inward(Transport::udp, port, server, begins + 11s).has_value());
}

BOOST_AUTO_TEST_CASE(kinds_have_names) {
  BOOST_TEST((nat_kind_of("full-cone") == NatKind::full_cone));
  BOOST_TEST((nat_kind_of("restricted") == NatKind::restricted));
  BOOST_TEST((nat_kind_of("port-restricted") == NatKind::port_restricted));
  BOOST_TEST((nat_kind_of("symmetric") == NatKind::symmetric));
  BOOST_TEST(!nat_kind_of("Symmetric").has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::sim
