// What several nodes promise each other about messages: to whom, how often, in which order.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "mesh_world.hpp"

namespace starling::test {
namespace {

using Payloads = std::vector<std::string>;

/// `count` nodes of one private mesh, all linked.
void link_all(MeshWorld& world, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) world.add_node();
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 30s));
}

BOOST_AUTO_TEST_CASE(a_message_reaches_a_subscriber_of_another_node_with_each_qos) {
  MeshWorld world;
  link_all(world, 2);
  WorldNode& a = *world.nodes[0];
  WorldNode& b = *world.nodes[1];
  b.subscribe("home/+/temp", QoS::exactly_once);
  world.run_for(100ms);
  a.publish("home/attic/temp", "0", QoS::at_most_once);
  a.publish("home/attic/temp", "1", QoS::at_least_once);
  a.publish("home/attic/temp", "2", QoS::exactly_once);
  a.publish("home/attic/humidity", "no", QoS::exactly_once);
  world.run_for(100ms);
  Payloads got = b.payloads();
  std::sort(got.begin(), got.end());
  BOOST_TEST(got == (Payloads{"0", "1", "2"}), boost::test_tools::per_element());
  for (const Arrival& arrival : b.arrivals) {
    BOOST_TEST((arrival.from == a.id));
    BOOST_TEST(arrival.mesh == "home");
    BOOST_TEST((arrival.message->id.origin == a.id));
  }
  BOOST_TEST(a.arrivals.empty());
}

BOOST_AUTO_TEST_CASE(a_warm_message_takes_one_trip) {
  MeshWorld world;
  link_all(world, 2);
  world.nodes[1]->subscribe("#", QoS::exactly_once);
  world.run_for(100ms);
  const TimePoint before = world.scheduler.now();
  world.nodes[0]->publish("x", "1", QoS::exactly_once);
  world.run_for(100ms);
  BOOST_REQUIRE(world.nodes[1]->arrivals.size() == 1U);
  BOOST_TEST((world.nodes[1]->arrivals[0].at - before == world.latency));
}

BOOST_AUTO_TEST_CASE(the_qos_is_lowered_to_what_the_peer_asked_for) {
  MeshWorld world;
  link_all(world, 2);
  world.nodes[1]->subscribe("x", QoS::at_least_once);
  world.run_for(100ms);
  world.nodes[0]->publish("x", "1", QoS::exactly_once);
  world.run_for(100ms);
  BOOST_REQUIRE(world.nodes[1]->arrivals.size() == 1U);
  BOOST_TEST((world.nodes[1]->arrivals[0].message->qos == QoS::at_least_once));
}

BOOST_AUTO_TEST_CASE(everything_a_message_says_arrives) {
  MeshWorld world;
  link_all(world, 2);
  world.nodes[1]->subscribe("#", QoS::exactly_once);
  world.run_for(100ms);
  MessageProperties properties;
  properties.content_type = "text/plain";
  properties.response_topic = "answer/here";
  properties.correlation_data = Bytes{1, 2, 3};
  properties.payload_format_indicator = 1;
  properties.user_properties = {{"a", "1"}, {"a", "2"}};
  const std::string payload(300'000, 'p');
  world.nodes[0]->publish(
      Publication{TopicName::parse("x/y").value(), SharedBytes{as_bytes(payload)},
                  QoS::exactly_once, true, world.scheduler.now() + 60s,
                  std::make_shared<const MessageProperties>(properties), MessageId{}});
  world.run_for(500ms);
  BOOST_REQUIRE(world.nodes[1]->arrivals.size() == 1U);
  const Publication& got = *world.nodes[1]->arrivals[0].message;
  BOOST_TEST(got.topic.text() == "x/y");
  BOOST_TEST(got.payload.size() == payload.size());
  BOOST_TEST((got.qos == QoS::exactly_once));
  BOOST_TEST(got.retain);
  BOOST_REQUIRE(got.properties);
  BOOST_TEST((*got.properties == properties));
  BOOST_REQUIRE(got.expires_at.has_value());
  BOOST_TEST((*got.expires_at <= world.scheduler.now() + 60s));
  BOOST_TEST((*got.expires_at >= world.scheduler.now() + 58s));
}

BOOST_AUTO_TEST_CASE(unsubscribing_stops_the_traffic_within_a_second) {
  MeshWorld world;
  link_all(world, 2);
  WorldNode& b = *world.nodes[1];
  b.subscribe("#");
  world.run_for(100ms);
  world.nodes[0]->publish("x", "1");
  world.run_for(100ms);
  b.unsubscribe("#");
  world.run_for(1s);
  world.nodes[0]->publish("x", "2");
  world.nodes[0]->publish("x", "3", QoS::exactly_once);
  world.run_for(5s);
  BOOST_TEST(b.payloads() == (Payloads{"1"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(dollar_topics_stay_at_home) {
  MeshWorld world;
  link_all(world, 2);
  world.nodes[1]->subscribe("#", QoS::exactly_once);
  world.nodes[1]->subscribe("$SYS/#", QoS::exactly_once);
  world.run_for(100ms);
  world.nodes[0]->publish("$SYS/uptime", "1", QoS::exactly_once);
  world.nodes[0]->publish("x", "2", QoS::exactly_once);
  world.run_for(1s);
  BOOST_TEST(world.nodes[1]->payloads() == (Payloads{"2"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_expired_message_is_not_sent_when_the_link_comes_back) {
  MeshWorld world;
  link_all(world, 2);
  WorldNode& a = *world.nodes[0];
  WorldNode& b = *world.nodes[1];
  b.subscribe("#", QoS::at_least_once, true);
  world.run_for(100ms);
  world.partition(a, b, true);
  world.cut_all_between(a, b);
  Publication brief{TopicName::parse("x").value(),
                    SharedBytes{as_bytes("brief")},
                    QoS::at_least_once,
                    false,
                    world.scheduler.now() + 2s,
                    nullptr,
                    MessageId{}};
  a.publish(brief);
  a.publish("x", "lasting", QoS::at_least_once);
  world.run_for(5s);
  world.partition(a, b, false);
  BOOST_REQUIRE(world.run_until([&] { return !b.arrivals.empty(); }, 90s));
  world.run_for(1s);
  BOOST_TEST(b.payloads() == (Payloads{"lasting"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(nothing_is_acknowledged_before_it_is_safe) {
  MeshWorld world;
  link_all(world, 2);
  WorldNode& a = *world.nodes[0];
  WorldNode& b = *world.nodes[1];
  b.commit_delay = 500ms;
  b.subscribe("#", QoS::exactly_once);
  world.run_for(100ms);
  a.publish("x", "1", QoS::exactly_once);
  world.run_for(400ms);
  BOOST_TEST(b.arrivals.size() == 1U);
  BOOST_TEST(a.peer(b)->outbox_messages == 1U);
  a.publish("x", "2", QoS::exactly_once);
  world.run_for(200ms);  // the batch of the first is safe now, that of the second is not
  BOOST_TEST(b.arrivals.size() == 2U);
  BOOST_TEST(a.peer(b)->outbox_messages == 1U);
  world.run_for(1s);
  BOOST_TEST(a.peer(b)->outbox_messages == 0U);
}

BOOST_AUTO_TEST_CASE(a_durable_interest_holds_the_outbox_open_while_the_peer_is_away) {
  MeshWorld world;
  link_all(world, 2);
  WorldNode& a = *world.nodes[0];
  WorldNode& b = *world.nodes[1];
  b.subscribe("kept", QoS::at_least_once, true);
  b.subscribe("live", QoS::at_least_once, false);
  world.run_for(100ms);
  world.partition(a, b, true);
  world.cut_all_between(a, b);
  world.run_for(1min);
  for (int i = 0; i < 10; ++i) {
    a.publish("kept", std::to_string(i), QoS::at_least_once);
    a.publish("live", std::to_string(i), QoS::at_least_once);
  }
  world.run_for(10min);
  BOOST_TEST(a.peer(b)->outbox_messages == 10U);
  world.partition(a, b, false);
  BOOST_REQUIRE(world.run_until([&] { return b.payloads("kept").size() == 10; }, 90s));
  world.run_for(5s);
  BOOST_TEST(b.payloads("live").empty());
  const Payloads kept = b.payloads("kept");
  for (std::size_t i = 0; i < kept.size(); ++i) BOOST_TEST(kept[i] == std::to_string(i));
  BOOST_TEST(a.peer(b)->outbox_messages == 0U);
}

BOOST_AUTO_TEST_CASE(what_was_unsubscribed_while_away_is_not_sent_afterwards) {
  MeshWorld world;
  link_all(world, 2);
  WorldNode& a = *world.nodes[0];
  WorldNode& b = *world.nodes[1];
  b.subscribe("gone", QoS::at_least_once, true);
  b.subscribe("kept", QoS::at_least_once, true);
  world.run_for(100ms);
  world.partition(a, b, true);
  world.cut_all_between(a, b);
  a.publish("gone", "1", QoS::at_least_once);
  a.publish("kept", "2", QoS::at_least_once);
  b.unsubscribe("gone");
  world.run_for(5s);
  world.partition(a, b, false);
  BOOST_REQUIRE(world.run_until([&] { return !b.arrivals.empty(); }, 90s));
  world.run_for(5s);
  BOOST_TEST(b.payloads() == (Payloads{"2"}), boost::test_tools::per_element());
  BOOST_TEST(a.peer(b)->outbox_messages == 0U);
}

BOOST_AUTO_TEST_CASE(
    a_message_published_right_after_the_start_reaches_members_linked_a_moment_later) {
  MeshWorld world;
  WorldNode& b = world.add_node();
  b.subscribe("#", QoS::at_least_once);
  world.run_for(20s);
  WorldNode& a = world.add_node();
  a.publish("x", "0", QoS::at_most_once);
  a.publish("x", "1", QoS::at_least_once);
  BOOST_REQUIRE(world.run_until([&] { return b.arrivals.size() == 2; }, 5s));
  world.run_for(20s);
  BOOST_TEST(b.arrivals.size() == 2U);
  BOOST_TEST(a.mesh().status().parked_messages == 0U);
}

BOOST_AUTO_TEST_CASE(a_message_waits_for_a_member_that_is_just_being_linked) {
  MeshWorld world;
  link_all(world, 2);
  WorldNode& a = *world.nodes[0];
  world.run_for(1min);
  WorldNode& c = world.add_node();
  c.subscribe("#", QoS::at_least_once);
  BOOST_REQUIRE(world.run_until(
      [&] {
        const auto status = a.peer(c);
        return status && status->state != PeerState::away && status->state != PeerState::linked;
      },
      10s));
  a.publish("x", "0", QoS::at_most_once);
  a.publish("x", "1", QoS::at_least_once);
  world.run_for(2s);
  BOOST_TEST(c.arrivals.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_second_link_of_a_peer_takes_over_with_what_was_not_acknowledged) {
  MeshWorld world;
  WorldNode& node = world.add_node();
  const std::vector<MeshConfig> meshes{MeshWorld::private_mesh()};
  const std::vector<Interest> all{{TopicFilter::parse("#").value(), "", QoS::exactly_once, false}};
  RawPeer first{world, node, 200, meshes, 1};
  first.want(0, all);
  node.publish("x", "1", QoS::exactly_once);
  world.run_for(10ms);
  BOOST_TEST(first.payloads() == (Payloads{"1"}), boost::test_tools::per_element());
  RawPeer second{world, node, 200, meshes, 2};
  BOOST_TEST(first.is_closed);
  BOOST_TEST(!second.is_closed);
  second.want(0, all);
  node.publish("x", "2", QoS::exactly_once);
  world.run_for(10ms);
  BOOST_TEST(second.payloads() == (Payloads{"1", "2"}), boost::test_tools::per_element());
  BOOST_TEST(node.log.count("mesh_peer_lost") == 0U);
  BOOST_TEST(node.links() == 1U);
}

BOOST_AUTO_TEST_CASE(order_holds_for_a_peer_that_is_still_telling_its_interests) {
  MeshWorld world;
  WorldNode::Options options;
  options.meshes = {MeshWorld::private_mesh("home", 7), MeshWorld::private_mesh("work", 8)};
  WorldNode& node = world.add_node(options);
  node.boot();
  RawPeer peer{world, node, 200, options.meshes};
  node.publish("x", "1", QoS::exactly_once);
  peer.want(0, {{TopicFilter::parse("#").value(), "", QoS::exactly_once, false}});
  node.publish("x", "2", QoS::exactly_once);
  world.run_for(10ms);
  BOOST_TEST(peer.payloads().empty());  // one of its meshes has not spoken yet
  peer.want(1, {{TopicFilter::parse("#").value(), "", QoS::exactly_once, false}});
  node.publish("x", "3", QoS::exactly_once);
  world.run_for(10ms);
  BOOST_TEST(peer.payloads() == (Payloads{"1", "2", "3"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_live_interest_survives_a_short_cut) {
  MeshWorld world;
  link_all(world, 2);
  WorldNode& a = *world.nodes[0];
  WorldNode& b = *world.nodes[1];
  b.subscribe("#", QoS::at_least_once);
  world.run_for(100ms);
  world.cut_all_between(a, b);
  a.publish("x", "1", QoS::at_least_once);
  BOOST_REQUIRE(world.run_until([&] { return b.arrivals.size() == 1; }, 10s));
}

BOOST_AUTO_TEST_CASE(a_full_outbox_drops_what_comes_last_and_counts_it) {
  MeshWorld world;
  WorldNode::Options options;
  options.meshes = {MeshWorld::private_mesh()};
  options.outbox = OutboxBounds{.messages_max = 5};
  world.add_node(options).boot();
  world.add_node();
  BOOST_REQUIRE(world.run_until([&] { return world.all_linked(); }, 30s));
  WorldNode& a = *world.nodes[0];
  WorldNode& b = *world.nodes[1];
  b.subscribe("#", QoS::at_least_once, true);
  world.run_for(100ms);
  world.partition(a, b, true);
  world.cut_all_between(a, b);
  for (int i = 0; i < 8; ++i) a.publish("x", std::to_string(i), QoS::at_least_once);
  BOOST_TEST(a.peer(b)->outbox_messages == 5U);
  BOOST_TEST(a.peer(b)->dropped_outbox == 3U);
}

BOOST_AUTO_TEST_CASE(a_congested_link_waits_with_qos_1_and_a_moment_with_qos_0) {
  MeshWorld world;
  link_all(world, 2);
  WorldNode& a = *world.nodes[0];
  WorldNode& b = *world.nodes[1];
  b.subscribe("#", QoS::at_least_once);
  world.run_for(100ms);
  a.congested = true;
  a.publish("x", "0", QoS::at_most_once);
  a.publish("x", "1", QoS::at_least_once);
  world.run_for(1s);
  BOOST_TEST(b.arrivals.empty());
  BOOST_TEST(a.peer(b)->dropped_qos0 == 0U);
  a.congested = false;
  a.writable();
  world.run_for(1s);
  Payloads got = b.payloads();
  std::sort(got.begin(), got.end());  // lanes have no order between them
  BOOST_TEST(got == (Payloads{"0", "1"}), boost::test_tools::per_element());
  a.congested = true;
  a.publish("x", "2", QoS::at_most_once);
  a.publish("x", "3", QoS::at_least_once);
  world.run_for(limits::best_effort_waiting_age + 2s);
  BOOST_TEST(a.peer(b)->dropped_qos0 == 1U);
  a.congested = false;
  a.writable();
  world.run_for(1s);
  BOOST_TEST(b.payloads().back() == "3");
  BOOST_TEST(b.arrivals.size() == 3U);
}

BOOST_AUTO_TEST_CASE(qos_0_waits_within_its_bounds_and_not_for_another_link) {
  MeshWorld world;
  link_all(world, 2);
  WorldNode& a = *world.nodes[0];
  WorldNode& b = *world.nodes[1];
  b.subscribe("#");
  world.run_for(100ms);
  a.congested = true;
  for (std::size_t i = 0; i < limits::best_effort_waiting_messages + 70; ++i) a.publish("x", "y");
  // At most as many as are sent between two looks at the socket got past it.
  BOOST_TEST(a.peer(b)->dropped_qos0 >= 6U);
  BOOST_TEST(a.peer(b)->dropped_qos0 <= 70U);
  world.cut_one(0);
  BOOST_TEST(a.peer(b)->dropped_qos0 >= limits::best_effort_waiting_messages);
}

BOOST_AUTO_TEST_CASE(a_burst_of_qos_0_longer_than_the_credit_arrives_whole_and_in_order) {
  MeshWorld world;
  link_all(world, 2);
  WorldNode& b = *world.nodes[1];
  b.subscribe("#");
  world.run_for(limits::unresolved_for + 1s);  // nobody is waited for any more
  const std::size_t count =
      limits::best_effort_credit_messages + limits::best_effort_waiting_messages / 2;
  for (std::size_t i = 0; i < count; ++i) {
    Publication message{TopicName::parse("x").value(),
                        SharedBytes{as_bytes(std::to_string(i))},
                        QoS::at_most_once,
                        false,
                        std::nullopt,
                        nullptr,
                        MessageId{world.nodes[0]->id, 1, i + 1}};
    world.nodes[0]->mesh().publish(std::make_shared<const Publication>(std::move(message)));
  }
  world.scheduler.end_turn();
  BOOST_REQUIRE(world.run_until([&] { return b.arrivals.size() >= count; }, 2s));
  const Payloads got = b.payloads();
  for (std::size_t i = 0; i < got.size(); ++i) BOOST_REQUIRE(got[i] == std::to_string(i));
  BOOST_TEST(world.nodes[0]->peer(b)->dropped_qos0 == 0U);
}

BOOST_AUTO_TEST_CASE(who_gets_a_topic_follows_every_change) {
  MeshWorld world;
  link_all(world, 3);
  WorldNode& a = *world.nodes[0];
  WorldNode& b = *world.nodes[1];
  WorldNode& c = *world.nodes[2];
  const auto publish = [&](const std::string& payload) {
    for (const QoS qos : {QoS::at_most_once, QoS::at_least_once}) {
      a.publish("x", payload, qos);
      world.run_for(50ms);
    }
  };
  world.run_for(limits::unresolved_for + 1s);
  publish("1");  // nobody
  b.subscribe("x", QoS::at_most_once);
  world.run_for(50ms);
  publish("2");
  c.subscribe("+", QoS::at_least_once);
  b.subscribe("x", QoS::at_least_once);  // the same filter, more quality
  world.run_for(50ms);
  publish("3");
  BOOST_TEST((b.arrivals.back().message->qos == QoS::at_least_once));
  b.unsubscribe("x");
  world.run_for(50ms);
  publish("4");
  c.kill();
  publish("5");
  BOOST_TEST(b.payloads() == (Payloads{"2", "2", "3", "3"}), boost::test_tools::per_element());
  BOOST_TEST(c.payloads() == (Payloads{"3", "3", "4", "4"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(more_messages_than_the_credit_of_a_link_all_arrive_in_order) {
  MeshWorld world;
  link_all(world, 2);
  WorldNode& b = *world.nodes[1];
  b.commit_delay = 50ms;
  b.subscribe("#", QoS::exactly_once);
  world.run_for(100ms);
  const std::size_t count = 3 * limits::lane_credit_messages;
  for (std::size_t i = 0; i < count; ++i) {
    world.nodes[0]->publish("x", std::to_string(i), QoS::exactly_once);
  }
  BOOST_REQUIRE(world.run_until([&] { return b.arrivals.size() >= count; }, 30s));
  world.run_for(1s);
  BOOST_TEST(b.arrivals.size() == count);
  const Payloads got = b.payloads();
  for (std::size_t i = 0; i < got.size(); ++i) BOOST_REQUIRE(got[i] == std::to_string(i));
  BOOST_TEST(world.nodes[0]->peer(b)->outbox_messages == 0U);
}

BOOST_AUTO_TEST_CASE(a_shared_subscription_gives_each_node_with_members_one_copy) {
  MeshWorld world;
  link_all(world, 3);
  world.nodes[1]->subscribe("jobs", QoS::at_least_once, false, "workers");
  world.nodes[1]->subscribe("jobs", QoS::at_least_once);
  world.nodes[2]->subscribe("jobs", QoS::at_least_once, false, "workers");
  world.run_for(100ms);
  world.nodes[0]->publish("jobs", "1", QoS::at_least_once);
  world.run_for(1s);
  BOOST_TEST(world.nodes[1]->arrivals.size() == 1U);
  BOOST_TEST(world.nodes[2]->arrivals.size() == 1U);
}

/// Five nodes, each linked to each; every one of them publishes to all with QoS 2 while links are
/// cut at random. In the end everybody has everything of the others once and in order, and nothing
/// of its own.
void five_nodes_under_cuts(std::uint64_t seed) {
  MeshWorld world{seed};
  link_all(world, 5);
  for (auto& node : world.nodes) {
    node->commit_delay = 2ms;
    node->subscribe("news/#", QoS::exactly_once);
    node->subscribe("news/+/all", QoS::at_least_once);
  }
  world.run_for(200ms);
  constexpr std::size_t rounds = 60;
  for (std::size_t round = 0; round < rounds; ++round) {
    for (auto& node : world.nodes) {
      const std::string topic = "news/" + std::to_string(round % 3) + "/all";
      node->publish(topic, std::to_string(round), QoS::exactly_once);
    }
    if (round % 3 == 0) world.cut_one(world.entropy.next_u64());
    world.run_for(std::chrono::milliseconds{world.entropy.below(40)});
    if (round % 7 == 0) world.cut_one(world.entropy.next_u64());
  }
  const auto complete = [&] {
    return std::all_of(world.nodes.begin(), world.nodes.end(),
                       [&](const auto& node) { return node->arrivals.size() >= 4 * rounds; });
  };
  BOOST_TEST(world.run_until(complete, 120s), "not everything arrived, seed " << seed);
  world.run_for(20s);
  for (auto& node : world.nodes) {
    std::map<NodeId, std::map<std::string, int>> last;
    std::set<MessageId> ids;
    for (const Arrival& arrival : node->arrivals) {
      BOOST_TEST((arrival.message->id.origin != node->id), "back at its origin, seed " << seed);
      BOOST_TEST(ids.insert(arrival.message->id).second, "twice, seed " << seed);
      const int number = std::stoi(std::string{as_text(arrival.message->payload.view())});
      int& before = last[arrival.from]
                        .try_emplace(std::string{arrival.message->topic.text()}, -1)
                        .first->second;
      BOOST_TEST(before < number, "out of order, seed " << seed);
      before = number;
    }
    BOOST_TEST(node->arrivals.size() == 4 * rounds);
    for (auto& other : world.nodes) {
      if (other != node) BOOST_TEST(node->peer(*other)->outbox_messages == 0U);
    }
  }
}

BOOST_AUTO_TEST_CASE(exactly_once_and_in_order_while_links_are_cut_at_random,
                     *boost::unit_test::label("P5") * boost::unit_test::label("P6")) {
  if (const char* seed = std::getenv("SIM_SEED")) {
    five_nodes_under_cuts(std::strtoull(seed, nullptr, 10));
    return;
  }
  for (std::uint64_t seed = 1; seed <= 5; ++seed) five_nodes_under_cuts(seed);
}

}  // namespace
}  // namespace starling::test
