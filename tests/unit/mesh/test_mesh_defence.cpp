// What a member that does not keep to the rules can and cannot do to a node.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "dht/peers/dial_quota.hpp"
#include "mesh_world.hpp"

namespace starling::test {
namespace {

using Payloads = std::vector<std::string>;

struct Fixture {
  explicit Fixture(WorldNode::Options options = {}, MeshConfig mesh = MeshWorld::private_mesh())
      : config(std::move(mesh)), node(start(std::move(options))) {}

  WorldNode& start(WorldNode::Options options) {
    options.meshes = {config};
    WorldNode& made = world.add_node(std::move(options));
    made.boot();
    world.run_for(100ms);
    return made;
  }

  static Publication message(const NodeId& origin, std::uint64_t sequence, QoS qos,
                             const std::string& topic = "x", bool retain = false) {
    return Publication{TopicName::parse(topic).value(),
                       SharedBytes{as_bytes(std::to_string(sequence))},
                       qos,
                       retain,
                       std::nullopt,
                       nullptr,
                       MessageId{origin, 1, sequence}};
  }

  MeshWorld world;
  MeshConfig config;
  WorldNode& node;
};

BOOST_FIXTURE_TEST_CASE(a_member_that_keeps_to_the_rules_is_heard, Fixture) {
  RawPeer peer{world, node, 200, {config}};
  BOOST_REQUIRE(peer.is_ready());
  BOOST_TEST((peer.send(message(peer.id, 1, QoS::exactly_once)) == SendOutcome::sent));
  peer.flush();
  world.run_for(10ms);
  BOOST_TEST(node.payloads() == (Payloads{"1"}), boost::test_tools::per_element());
  BOOST_TEST(peer.acknowledged() == 1U);
}

BOOST_FIXTURE_TEST_CASE(an_id_that_comes_twice_is_delivered_once_and_acknowledged_twice, Fixture) {
  RawPeer peer{world, node, 200, {config}};
  peer.send(message(peer.id, 1, QoS::at_least_once));
  peer.send(message(peer.id, 1, QoS::at_least_once));
  peer.send(message(peer.id, 2, QoS::at_most_once));
  peer.send(message(peer.id, 2, QoS::at_most_once));
  peer.flush();
  world.run_for(10ms);
  Payloads got = node.payloads();
  std::sort(got.begin(), got.end());
  BOOST_TEST(got == (Payloads{"1", "2"}), boost::test_tools::per_element());
  BOOST_TEST(peer.acknowledged() == 2U);
}

BOOST_FIXTURE_TEST_CASE(what_is_only_a_repeat_or_refused_is_acknowledged_as_well, Fixture) {
  RawPeer peer{world, node, 200, {config}};
  peer.send(message(peer.id, 1, QoS::at_least_once));
  peer.flush();
  world.run_for(10ms);
  peer.send(message(peer.id, 1, QoS::at_least_once));
  peer.flush();
  world.run_for(10ms);
  BOOST_TEST(peer.acknowledged() == 2U);
  peer.send(message(peer.id, 3, QoS::at_least_once), limits::hops_max);
  peer.flush();
  world.run_for(10ms);
  BOOST_TEST(peer.acknowledged() == 3U);
  BOOST_TEST(node.arrivals.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(nobody_speaks_for_another_node, Fixture) {
  NodeId other;
  other.bytes[0] = 42;
  for (const NodeId& origin : {other, node.id}) {
    for (const QoS qos : {QoS::at_most_once, QoS::exactly_once}) {
      RawPeer peer{world, node, 200, {config}};
      peer.send(message(origin, 1, qos));
      peer.flush();
      world.run_for(10ms);
      BOOST_TEST(peer.is_closed);
    }
  }
  BOOST_TEST(node.arrivals.empty());
  RawPeer peer{world, node, 200, {config}};  // what was tried has used up none of its own ids
  peer.send(message(peer.id, 1, QoS::exactly_once));
  peer.flush();
  world.run_for(10ms);
  BOOST_TEST(node.arrivals.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(what_has_travelled_too_far_ends_here, Fixture) {
  RawPeer peer{world, node, 200, {config}};
  peer.send(message(peer.id, 1, QoS::at_least_once), limits::hops_max);
  peer.send(message(peer.id, 2, QoS::at_least_once), limits::hops_max - 1);
  peer.flush();
  world.run_for(10ms);
  BOOST_TEST(node.payloads() == (Payloads{"2"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(topics_that_no_rule_names_and_dollar_topics_do_not_enter) {
  Fixture f{{}, MeshWorld::private_mesh("home", 7, {"in:home/#", "out:away/#"})};
  RawPeer peer{f.world, f.node, 200, {f.config}};
  peer.send(Fixture::message(peer.id, 1, QoS::at_least_once, "home/a"));
  peer.send(Fixture::message(peer.id, 2, QoS::at_least_once, "away/a"));
  peer.send(Fixture::message(peer.id, 3, QoS::at_least_once, "$SYS/a"));
  peer.send(Fixture::message(peer.id, 4, QoS::at_most_once, "other"));
  peer.flush();
  f.world.run_for(10ms);
  BOOST_TEST(f.node.payloads() == (Payloads{"1"}), boost::test_tools::per_element());
  BOOST_TEST(f.node.log.count("mesh_message_refused") == 2U);  // the first and the second of three
}

BOOST_AUTO_TEST_CASE(a_flood_of_qos_0_is_cut_to_the_rate) {
  WorldNode::Options options;
  options.messages_per_s = 100;
  Fixture f{options};
  RawPeer peer{f.world, f.node, 200, {f.config}};
  for (std::uint64_t i = 1; i <= 2'000; ++i) {
    peer.send(Fixture::message(peer.id, i, QoS::at_most_once));
    if (i % 100 == 0) {
      peer.flush();
      f.world.run_for(50ms);
    }
  }
  // 100 at once, and 100 a second for one second.
  BOOST_TEST(f.node.arrivals.size() >= 150U);
  BOOST_TEST(f.node.arrivals.size() <= 210U);
}

BOOST_AUTO_TEST_CASE(in_a_private_mesh_no_rate_is_too_fast_unless_one_is_configured) {
  Fixture f;
  RawPeer peer{f.world, f.node, 200, {f.config}};
  const auto count = static_cast<std::uint64_t>(3 * limits::open_messages_per_s);
  std::uint64_t refused = 0;
  for (std::uint64_t i = 1; i <= count; ++i) {
    if (peer.send(Fixture::message(peer.id, i, QoS::at_most_once)) != SendOutcome::sent) ++refused;
    if (i % 1'000 == 0) peer.flush();
  }
  f.world.run_for(10ms);
  BOOST_TEST(refused == 0U);
  BOOST_TEST(f.node.arrivals.size() == count);
}

BOOST_AUTO_TEST_CASE(an_open_mesh_has_a_rate_by_default) {
  WorldNode::Options options;
  options.open_messages_per_s = 100;
  Fixture f{options, MeshWorld::open_mesh("public", {"both:x/#"})};
  RawPeer peer{f.world, f.node, 200, {f.config}};
  for (std::uint64_t i = 1; i <= 500; ++i)
    peer.send(Fixture::message(peer.id, i, QoS::at_most_once, "x/y"));
  peer.flush();
  f.world.run_for(10ms);
  BOOST_TEST(f.node.arrivals.size() == 100U);
  BOOST_TEST(WorldNode::Options{}.open_messages_per_s == limits::open_messages_per_s);
}

BOOST_FIXTURE_TEST_CASE(access_is_asked_once_for_a_topic_and_again_when_it_has_changed, Fixture) {
  RawPeer peer{world, node, 200, {config}};
  std::uint64_t next = 1;
  const auto send = [&](QoS qos, const std::string& topic) {
    peer.send(message(peer.id, next++, qos, topic));
    peer.flush();
    world.run_for(10ms);
  };
  node.forbidden_topic = "secret";
  for (int i = 0; i < 3; ++i) {
    send(QoS::at_least_once, "x");
    send(QoS::at_least_once, "secret");
  }
  BOOST_TEST(node.payloads() == (Payloads{"1", "3", "5"}), boost::test_tools::per_element());
  BOOST_TEST(peer.acknowledged() == 6U);  // what is denied is acknowledged all the same
  BOOST_TEST(node.access_questions == 2U);
  node.forbidden_topic = "x";
  node.mesh().on_access_changed();
  send(QoS::at_least_once, "x");
  send(QoS::at_least_once, "secret");
  BOOST_TEST(node.payloads() == (Payloads{"1", "3", "5", "8"}), boost::test_tools::per_element());
  BOOST_TEST(node.access_questions == 4U);
}

BOOST_AUTO_TEST_CASE(a_flood_of_qos_1_is_slowed_and_loses_nothing) {
  WorldNode::Options options;
  options.messages_per_s = 1'000;
  Fixture f{options};
  RawPeer peer{f.world, f.node, 200, {f.config}};
  std::uint64_t next = 1;
  std::size_t after_ten_seconds = 0;
  for (int slice = 0; slice < 2'000; ++slice) {
    peer.machine().set_floor(MessageId{peer.id, 1, peer.acknowledged() + 1});
    while (peer.send(Fixture::message(peer.id, next, QoS::at_least_once)) == SendOutcome::sent) {
      ++next;
    }
    peer.flush();
    f.world.run_for(10ms);
    if (slice == 1'000) after_ten_seconds = f.node.arrivals.size();
  }
  BOOST_TEST(!peer.is_closed);
  BOOST_TEST(f.node.arrivals.size() == next - 1);
  const std::size_t in_ten_seconds = f.node.arrivals.size() - after_ten_seconds;
  BOOST_TEST(in_ten_seconds >= 5'000U);
  BOOST_TEST(in_ten_seconds <= 10'000U + limits::lane_credit_messages);
}

BOOST_AUTO_TEST_CASE(a_peer_may_create_only_so_many_retained_topics) {
  WorldNode::Options options;
  options.retained_max = 3;
  Fixture f{options};
  RawPeer peer{f.world, f.node, 200, {f.config}};
  for (std::uint64_t i = 1; i <= 5; ++i) {
    peer.send(Fixture::message(peer.id, i, QoS::at_least_once, "t/" + std::to_string(i), true));
  }
  peer.flush();
  f.world.run_for(10ms);
  BOOST_REQUIRE(f.node.arrivals.size() == 5U);
  const auto retained = std::count_if(f.node.arrivals.begin(), f.node.arrivals.end(),
                                      [](const Arrival& a) { return a.message->retain; });
  BOOST_TEST(retained == 3);
}

BOOST_FIXTURE_TEST_CASE(more_ids_than_can_be_remembered_end_the_link_instead_of_a_promise,
                        Fixture) {
  RawPeer peer{world, node, 200, {config}};
  peer.machine().set_floor(MessageId{peer.id, 1, 1});
  for (std::uint64_t i = 1; i <= 3 * limits::seen_ids_max && !peer.is_closed; ++i) {
    peer.send(message(peer.id, i, QoS::at_least_once));
    if (i % 64 == 0) {
      peer.flush();
      world.run_for(1ms);
    }
  }
  peer.flush();
  world.run_for(10ms);
  BOOST_TEST(peer.is_closed);
  BOOST_TEST(node.arrivals.size() == limits::seen_ids_max);
}

BOOST_FIXTURE_TEST_CASE(only_the_asker_itself_is_passed_on, Fixture) {
  RawPeer asker{world, node, 200, {config}};
  RawPeer asked{world, node, 201, {config}};
  for (RawPeer* peer : {&asker, &asked}) {
    peer->machine().send_interests(0, {}, peer->out());
    peer->flush();
  }
  world.run_for(10ms);
  const auto requests = [&] {
    return std::count_if(asked.events.begin(), asked.events.end(), [](const LinkEvent& event) {
      return std::holds_alternative<DialMeArrived>(event);
    });
  };
  NodeId victim;
  victim.bytes[0] = 9;
  const std::vector<Endpoint> endpoints{Endpoint::v4({127, 0, 0, 1}, 7)};
  asker.machine().send_dial_me(0, asked.id, victim, endpoints, asker.out());
  asker.flush();
  world.run_for(10ms);
  BOOST_TEST(requests() == 0);
  asker.machine().send_dial_me(0, asked.id, asker.id, endpoints, asker.out());
  asker.machine().send_dial_me(0, asked.id, asker.id, endpoints, asker.out());
  asker.flush();
  world.run_for(10ms);
  BOOST_TEST(requests() == 1);
}

BOOST_FIXTURE_TEST_CASE(a_dial_me_request_is_followed_a_few_times_and_no_more, Fixture) {
  RawPeer peer{world, node, 200, {config}};
  for (std::uint8_t i = 1; i <= 200; ++i) {
    NodeId asker;
    asker.bytes.fill(i);
    peer.machine().send_dial_me(0, node.id, asker,
                                std::vector<Endpoint>{Endpoint::v4({127, 0, 0, 1}, 7)}, peer.out());
  }
  peer.flush();
  world.run_for(30s);
  BOOST_TEST(node.dials > 0U);
  BOOST_TEST(node.dials <= limits::dial_me_per_minute);
}

BOOST_FIXTURE_TEST_CASE(a_flood_of_told_members_stays_bounded, Fixture) {
  RawPeer peer{world, node, 200, {config}};
  for (std::uint32_t frame = 0; frame < 100; ++frame) {
    std::vector<wire::Peers::Entry> entries;
    for (std::uint32_t i = 0; i < 200; ++i) {
      wire::Peers::Entry entry;
      const std::uint32_t number = frame * 200 + i;
      entry.node.bytes[0] = static_cast<std::uint8_t>(number >> 8U);
      entry.node.bytes[1] = static_cast<std::uint8_t>(number);
      entry.node.bytes[2] = 1;
      entry.endpoints = {
          Endpoint::v4({8, 8, 8, 8}, static_cast<std::uint16_t>(1 + number % 60'000))};
      entry.linked = true;
      entries.push_back(entry);
    }
    peer.machine().send_peers(0, entries, peer.out());
    peer.flush();
  }
  world.run_for(1min);
  BOOST_TEST(node.mesh().status().members_known <= limits::peers_known_max);
  // One host takes only so many dials from us in an hour, whatever strangers say lives there.
  BOOST_TEST(node.dials <= DialQuota::per_global_address);
  BOOST_TEST(peer.is_ready());
}

BOOST_FIXTURE_TEST_CASE(interests_in_dollar_topics_are_refused_and_the_others_kept, Fixture) {
  RawPeer peer{world, node, 200, {config}};
  const std::vector<Interest> interests{
      {TopicFilter::parse("$SYS/#").value(), "", QoS::at_least_once, false},
      {TopicFilter::parse("x").value(), "", QoS::at_least_once, false}};
  peer.machine().send_interests(0, interests, peer.out());
  peer.flush();
  world.run_for(10ms);
  BOOST_TEST(node.log.count("mesh_interests_refused") == 1U);
  node.publish("x", "1", QoS::at_least_once);
  world.run_for(10ms);
  const auto came = std::count_if(
      peer.events.begin(), peer.events.end(),
      [](const LinkEvent& event) { return std::holds_alternative<PublicationsArrived>(event); });
  BOOST_TEST(came == 1);
}

BOOST_FIXTURE_TEST_CASE(connections_that_prove_nothing_are_few, Fixture) {
  const MeshConfig foreign = MeshWorld::private_mesh("home", 99);
  std::vector<std::unique_ptr<RawPeer>> strangers;
  for (std::uint8_t i = 0; i < 3; ++i) {
    strangers.push_back(std::make_unique<RawPeer>(world, node, static_cast<std::uint8_t>(210 + i),
                                                  std::vector<MeshConfig>{foreign}));
    BOOST_TEST(!strangers.back()->is_ready());
    BOOST_TEST(strangers.back()->is_closed);
  }
  BOOST_TEST(node.log.count("mesh_link_refused") == 3U);
  BOOST_TEST(node.links() == 0U);
}

BOOST_FIXTURE_TEST_CASE(strangers_do_not_fill_the_log, Fixture) {
  const std::vector<MeshConfig> foreign{MeshWorld::private_mesh("home", 99)};
  for (int i = 0; i < 200; ++i) RawPeer{world, node, 210, foreign};
  BOOST_TEST(node.log.count("mesh_link_refused") == limits::link_refusals_logged);
  world.run_for(20s);
  RawPeer{world, node, 210, foreign};
  BOOST_TEST(node.log.count("mesh_link_refused") == limits::link_refusals_logged + 1);
  BOOST_TEST(node.log.lines.back().fields.find("not_logged_before=180") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(no_log_line_above_debug_names_a_topic) {
  MeshWorld world;
  for (int i = 0; i < 3; ++i) world.add_node();
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 10s));
  for (auto& node : world.nodes) node->subscribe("secret-topic/#", QoS::exactly_once, true);
  world.run_for(100ms);
  for (auto& node : world.nodes)
    node->publish("secret-topic/x", "secret-payload", QoS::exactly_once);
  world.cut_one(0);
  world.run_for(30s);
  for (auto& node : world.nodes) {
    BOOST_TEST(node->arrivals.size() == 2U);
    for (const CollectingLog::Line& line : node->log.lines) {
      if (line.level == LogLevel::debug) continue;
      BOOST_TEST(line.fields.find("secret") == std::string::npos, line.event << " " << line.fields);
    }
  }
}

}  // namespace
}  // namespace starling::test
