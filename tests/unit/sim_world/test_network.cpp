// Network: what happens to datagrams between hosts: time, loss, limits, routers, cuts.
#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/unit/sim_world/world_parts.hpp"

namespace starling::sim {
namespace {

using namespace std::chrono_literals;
using test::Program;

/// Latency without jitter and loss, so that each test turns on what it is about.
PathQuality plain(Duration latency = 20ms) {
  PathQuality path;
  path.latency_min = path.latency_max = latency;
  path.jitter = {};
  return path;
}

Endpoint at_port(Endpoint address, std::uint16_t port) {
  address.port = port;
  return address;
}

struct NetworkFixture : test::Parts {
  NetworkFixture() { network.set_default_path(plain()); }

  /// How many of `count` datagrams of `size` bytes, one each `pause`, come from `a` to `b`.
  std::size_t sent_and_come(Program& a, Program& b, int count, std::size_t size = 100,
                            Duration pause = 1ms) {
    const std::size_t before = b.heard.size();
    const std::string text(size, 'x');
    for (int i = 0; i < count; ++i) {
      a.send(b.endpoint(), text);
      run_for(pause);
    }
    run_for(10s);
    return b.heard.size() - before;
  }
};

BOOST_FIXTURE_TEST_SUITE(sim_network, NetworkFixture)

// --- Time

BOOST_AUTO_TEST_CASE(latency_is_within_bounds_differs_by_pair_and_is_the_same_both_ways) {
  PathQuality path;
  path.latency_min = 10ms;
  path.latency_max = 40ms;
  path.jitter = 2ms;
  network.set_default_path(path);
  std::vector<Duration> seen;
  for (int i = 0; i < 40; ++i) {
    Program a(*this, add_host());
    Program b(*this, add_host());
    b.answers = true;
    const Duration begun = passed();
    a.send(b.endpoint());
    run_for(1s);
    BOOST_REQUIRE(a.heard.size() == 1);
    const Duration there = b.heard[0].at - begun;
    const Duration back = a.heard[0].at - b.heard[0].at;
    const Duration latency = network.latency(a.host(), b.host());
    BOOST_TEST((latency == network.latency(b.host(), a.host())));
    BOOST_TEST((latency >= 10ms && latency <= 40ms));
    for (const Duration way : {there, back}) BOOST_TEST((way >= latency && way <= latency + 2ms));
    seen.push_back(latency);
  }
  std::sort(seen.begin(), seen.end());
  BOOST_TEST((seen.front() < 17ms && seen.back() > 33ms));  // spread over the range
  BOOST_TEST((std::unique(seen.begin(), seen.end()) == seen.end()));
}

BOOST_AUTO_TEST_CASE(regions_have_paths_of_their_own_both_ways) {
  network.set_path(network.region("moon"), network.region("world"), plain(1300ms));
  network.set_path(network.region("moon"), network.region("moon"), plain(1ms));
  const HostNumber earth = add_host();
  const HostNumber moon = add_host(internet, "moon");
  const HostNumber moon2 = add_host(internet, "moon");
  BOOST_TEST((network.latency(earth, moon) == 1300ms));
  BOOST_TEST((network.latency(moon, earth) == 1300ms));
  BOOST_TEST((network.latency(moon, moon2) == 1ms));
  BOOST_TEST((network.latency(earth, add_host()) == 20ms));
}

// --- Loss and what else happens on the way

BOOST_AUTO_TEST_CASE(the_share_that_is_lost_is_lost) {
  PathQuality path = plain();
  path.loss = 0.2;
  network.set_default_path(path);
  Program a(*this, add_host());
  Program b(*this, add_host());
  // Five standard deviations of 5 000 draws: 0.8 +- 0.028.
  const double come = static_cast<double>(sent_and_come(a, b, 5'000)) / 5'000;
  BOOST_TEST(come == 0.8, boost::test_tools::tolerance(0.035));
  // A host's and everybody's own loss beside it.
  network.set_loss(b.host(), 0.5);
  BOOST_TEST(static_cast<double>(sent_and_come(a, b, 5'000)) / 5'000 == 0.4,
             boost::test_tools::tolerance(0.09));
  network.set_loss_everywhere(0.5);
  BOOST_TEST(static_cast<double>(sent_and_come(a, b, 5'000)) / 5'000 == 0.2,
             boost::test_tools::tolerance(0.15));
  network.set_loss(b.host(), 1);
  BOOST_TEST(sent_and_come(a, b, 100) == 0);
}

BOOST_AUTO_TEST_CASE(what_is_larger_than_the_mtu_travels_in_parts_and_is_lost_with_any_of_them) {
  PathQuality path = plain();
  path.loss = 0.2;
  network.set_default_path(path);
  Program a(*this, add_host());
  Program b(*this, add_host());
  const auto share = [&](std::size_t size) {
    return static_cast<double>(sent_and_come(a, b, 4'000, size)) / 4'000;
  };
  BOOST_TEST(share(1'500 - 28) == 0.8,
             boost::test_tools::tolerance(0.04));  // with its header: one part
  BOOST_TEST(share(1'500 - 27) == 0.64, boost::test_tools::tolerance(0.06));
  BOOST_TEST(share(4 * 1'500) == 0.8 * 0.8 * 0.8 * 0.8 * 0.8, boost::test_tools::tolerance(0.12));
}

BOOST_AUTO_TEST_CASE(some_come_twice_and_some_late) {
  PathQuality path = plain();
  path.duplicated = 0.25;
  network.set_default_path(path);
  Program a(*this, add_host());
  Program b(*this, add_host());
  BOOST_TEST(static_cast<double>(sent_and_come(a, b, 4'000)) / 4'000 == 1.25,
             boost::test_tools::tolerance(0.03));

  path.duplicated = 0;
  path.reordered = 0.25;
  network.set_default_path(path);
  b.heard.clear();
  for (int i = 0; i < 4'000; ++i) {
    a.send(b.endpoint(), std::to_string(i));
    run_for(5ms);
  }
  run_for(1s);
  BOOST_TEST(b.heard.size() == 4'000);
  int overtaken = 0;
  for (std::size_t i = 1; i < b.heard.size(); ++i)
    if (std::stoi(b.heard[i].text) < std::stoi(b.heard[i - 1].text)) ++overtaken;
  BOOST_TEST((overtaken > 400 && overtaken < 1'300));  // a late one may be followed by a late one
}

BOOST_AUTO_TEST_CASE(a_line_takes_its_time_and_drops_what_would_wait_too_long) {
  Line line;
  line.up_bytes_per_s = 100'000;
  line.queue_max = 300ms;
  Program slow(*this, add_host(internet, "world", line));
  Program fast(*this, add_host());
  // 972 bytes and 28 of header: 10 ms each.
  for (int i = 0; i < 100; ++i) slow.send(fast.endpoint(), std::string(972, 'x'));
  run_for(5s);
  BOOST_TEST((fast.heard.size() >= 30 && fast.heard.size() <= 32));
  for (std::size_t i = 0; i < fast.heard.size(); ++i)
    BOOST_TEST((fast.heard[i].at == 20ms + 10ms * static_cast<int>(i + 1)));
  // The other direction has no bound, and the queue is empty again.
  for (int i = 0; i < 100; ++i) fast.send(slow.endpoint(), std::string(972, 'x'));
  run_for(1s);
  BOOST_TEST(slow.heard.size() == 100);
  // A slow downlink does the same to what comes.
  line.down_bytes_per_s = 50'000;
  network.set_line(slow.host(), line);
  slow.heard.clear();
  for (int i = 0; i < 100; ++i) fast.send(slow.endpoint(), std::string(972, 'x'));
  run_for(5s);
  BOOST_TEST((slow.heard.size() >= 15 && slow.heard.size() <= 17));
}

// --- Cuts and power

BOOST_AUTO_TEST_CASE(a_cut_works_in_its_direction_until_it_is_mended) {
  Program a(*this, add_host());
  Program b(*this, add_host());
  Program c(*this, add_host());
  const CutId one_way = network.cut({a.host()}, {b.host(), c.host()});
  BOOST_TEST(sent_and_come(a, b, 1) == 0);
  BOOST_TEST(sent_and_come(a, c, 1) == 0);
  BOOST_TEST(sent_and_come(b, a, 1) == 1);
  BOOST_TEST(sent_and_come(b, c, 1) == 1);
  const CutId back = network.cut({b.host()}, {a.host()});
  BOOST_TEST(sent_and_come(b, a, 1) == 0);
  network.mend(one_way);
  BOOST_TEST(sent_and_come(a, b, 1) == 1);
  BOOST_TEST(sent_and_come(b, a, 1) == 0);
  network.mend(back);
  BOOST_TEST(sent_and_come(b, a, 1) == 1);
}

BOOST_AUTO_TEST_CASE(two_cuts_of_one_path_are_two) {
  Program a(*this, add_host());
  Program b(*this, add_host());
  const CutId first = network.cut({a.host()}, {b.host()});
  const CutId second = network.cut({a.host()}, {b.host()});
  network.mend(first);
  BOOST_TEST(sent_and_come(a, b, 1) == 0);
  network.mend(second);
  BOOST_TEST(sent_and_come(a, b, 1) == 1);
}

BOOST_AUTO_TEST_CASE(without_power_nothing_leaves_and_nothing_comes) {
  Program a(*this, add_host());
  Program b(*this, add_host());
  a.send(b.endpoint());
  network.set_power(b.host(), false);  // it is under way
  run_for(1s);
  BOOST_TEST(b.heard.empty());
  BOOST_TEST(sent_and_come(a, b, 1) == 0);
  BOOST_TEST(sent_and_come(b, a, 1) == 0);
  network.set_power(b.host(), true);
  BOOST_TEST(sent_and_come(a, b, 1) == 1);
}

BOOST_AUTO_TEST_CASE(a_closed_socket_and_an_address_of_nobody_hear_nothing) {
  Program a(*this, add_host());
  {
    Program b(*this, add_host());
    a.send(b.endpoint());
  }
  a.send(Endpoint::v4({111, 255, 7, 250}, 1));
  run_for(1s);
  BOOST_TEST(network.datagrams_sent() == 2);
  BOOST_TEST(network.datagrams_arrived() == 0);
  Endpoint v6;
  v6.address[0] = 0x20;
  BOOST_TEST(network.send(a.host(), 1, v6, {}) != 0);
}

// --- Routers

struct Home {
  Home(test::Parts& parts, const NatSettings& nat, SiteNumber outer = internet)
      : site(parts.network.add_site(outer, nat)), program(parts, parts.add_host(site)) {}
  SiteNumber site;
  Program program;
};

NatSettings nat_of(NatKind kind, bool hairpin = false) {
  NatSettings settings;
  settings.kind = kind;
  settings.hairpin = hairpin;
  return settings;
}

BOOST_AUTO_TEST_CASE(a_home_is_seen_by_its_routers_address_and_answered_through_it) {
  Home home(*this, nat_of(NatKind::port_restricted));
  Program server(*this, add_host());
  server.answers = true;
  BOOST_TEST(home.program.endpoint().is_private());
  home.program.send(server.endpoint());
  run_for(1s);
  BOOST_REQUIRE(server.heard.size() == 1);
  BOOST_TEST((server.heard[0].from.address == network.router(home.site).outside().address));
  BOOST_TEST(server.heard[0].from.is_global());
  BOOST_REQUIRE(home.program.heard.size() == 1);
  BOOST_TEST((home.program.heard[0].from == server.endpoint()));
  // Nobody else comes in there.
  Program stranger(*this, add_host());
  stranger.send(server.heard[0].from);
  stranger.send(home.program.endpoint());  // a private address means nothing outside
  run_for(1s);
  BOOST_TEST(home.program.heard.size() == 1);
}

BOOST_AUTO_TEST_CASE(two_homes_meet_when_both_send_unless_both_are_too_strict) {
  const auto meet = [&](NatKind one, NatKind other) {
    Home a(*this, nat_of(one));
    Home b(*this, nat_of(other));
    Program server(*this, add_host());
    a.program.send(server.endpoint());
    b.program.send(server.endpoint());
    run_for(1s);
    const Endpoint at_a = server.heard[0].from;
    const Endpoint at_b = server.heard[1].from;
    for (int i = 0; i < 2; ++i) {
      a.program.send(at_b);
      b.program.send(at_a);
      run_for(1s);
    }
    return !a.program.heard.empty() && !b.program.heard.empty();
  };
  BOOST_TEST(meet(NatKind::full_cone, NatKind::full_cone));
  BOOST_TEST(meet(NatKind::port_restricted, NatKind::port_restricted));
  BOOST_TEST(!meet(NatKind::symmetric, NatKind::symmetric));
  BOOST_TEST(!meet(NatKind::symmetric, NatKind::port_restricted));
}

BOOST_AUTO_TEST_CASE(behind_a_providers_router_there_are_two_translations) {
  const SiteNumber carrier = network.add_site(internet, nat_of(NatKind::full_cone));
  Home a(*this, nat_of(NatKind::full_cone), carrier);
  Home b(*this, nat_of(NatKind::full_cone), carrier);
  Program server(*this, add_host());
  server.answers = true;
  for (Home* home : {&a, &b}) {
    home->program.send(server.endpoint());
    run_for(1s);
    BOOST_TEST(home->program.heard.size() == 1);
    const Endpoint between = network.router(home->site).outside();
    BOOST_TEST((between.address[12] == 100 && between.address[13] == 64));  // RFC 6598
    BOOST_TEST((home->program.endpoint().address[12] == 192));
  }
  BOOST_REQUIRE(server.heard.size() == 2);
  for (const auto& heard : server.heard)
    BOOST_TEST((heard.from.address == network.router(carrier).outside().address));
  BOOST_TEST(server.heard[0].from.port != server.heard[1].from.port);
  // Within the provider's network they meet without leaving it.
  a.program.send(at_port(network.router(b.site).outside(), Program::port));
  run_for(1s);
  BOOST_REQUIRE(b.program.heard.size() == 2);
  BOOST_TEST((b.program.heard[1].from.address == network.router(a.site).outside().address));
}

BOOST_AUTO_TEST_CASE(a_router_lets_its_own_house_in_by_the_outside_address_only_with_hairpin) {
  for (const bool hairpin : {false, true}) {
    Home home(*this, nat_of(NatKind::full_cone, hairpin));
    Program second(*this, add_host(home.site));
    Program server(*this, add_host());
    second.send(server.endpoint());
    run_for(1s);
    BOOST_REQUIRE(server.heard.size() == 1);
    home.program.send(server.heard[0].from);
    run_for(1s);
    BOOST_TEST(second.heard.size() == (hairpin ? 1U : 0U));
    if (hairpin)
      BOOST_TEST((second.heard[0].from.address == network.router(home.site).outside().address));
    // The way through the house itself is always there, and short.
    const Duration begun = passed();
    home.program.send(second.endpoint());
    run_for(1s);
    BOOST_REQUIRE(!second.heard.empty());
    BOOST_TEST((second.heard.back().at - begun < 1ms));
    BOOST_TEST((second.heard.back().from == home.program.endpoint()));
  }
}

BOOST_AUTO_TEST_CASE(a_mapped_port_is_found_from_outside_and_a_moved_router_is_not) {
  Home home(*this, nat_of(NatKind::symmetric));
  Program stranger(*this, add_host());
  BOOST_TEST(network.router(home.site).map_port(Transport::udp, 21'883, home.program.endpoint()));
  const Endpoint before = network.router(home.site).outside();
  stranger.send(at_port(before, 21'883));
  run_for(1s);
  BOOST_TEST(home.program.heard.size() == 1);
  network.renumber(home.site);
  const Endpoint after = network.router(home.site).outside();
  BOOST_TEST((after.address != before.address));
  stranger.send(at_port(before, 21'883));
  stranger.send(at_port(after, 21'883));  // its mappings are void
  run_for(1s);
  BOOST_TEST(home.program.heard.size() == 1);
  BOOST_TEST(network.router(home.site).map_port(Transport::udp, 21'883, home.program.endpoint()));
  stranger.send(at_port(after, 21'883));
  run_for(1s);
  BOOST_TEST(home.program.heard.size() == 2);
}

BOOST_AUTO_TEST_CASE(a_renumbered_host_is_found_at_its_new_address_only) {
  Program a(*this, add_host());
  Program b(*this, add_host());
  const Endpoint before = b.endpoint();
  network.renumber_host(b.host());
  a.send(before);
  a.send(b.endpoint());
  run_for(1s);
  BOOST_TEST(b.heard.size() == 1);
}

BOOST_AUTO_TEST_CASE(every_datagram_is_told_whether_or_not_it_arrives) {
  Program a(*this, add_host());
  Program b(*this, add_host());
  std::vector<std::pair<HostNumber, std::optional<HostNumber>>> told;
  network.set_on_sent([&](HostNumber from, std::optional<HostNumber> to, ByteView) {
    told.emplace_back(from, to);
  });
  network.cut({a.host()}, {b.host()});
  a.send(b.endpoint());
  a.send(Endpoint::v4({111, 255, 7, 250}, 1));
  BOOST_REQUIRE(told.size() == 2);
  BOOST_TEST((told[0].first == a.host() && told[0].second == b.host()));
  BOOST_TEST(!told[1].second.has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::sim
