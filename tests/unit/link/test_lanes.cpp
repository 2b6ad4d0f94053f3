// Publications: batches, numbers, credit and acknowledgement, each lane for itself.
#include <boost/test/unit_test.hpp>

#include "tests/unit/link/link_pair.hpp"

namespace starling {
namespace {

using namespace link_test;
using boost::unit_test::label;
using wire::Lane;

bool says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// Linked; b lets `messages` be under way on each lane.
struct LinkedPair : Pair {
  explicit LinkedPair(std::size_t messages = 8, std::size_t bytes = 1U << 20U) {
    b.settings.lane_messages = messages;
    b.settings.lane_bytes = bytes;
    link_up();
  }
  SendOutcome send(QoS qos, std::string_view payload = "x") {
    return a.link->send(message("t", payload, qos, ++sequence), a.out).outcome;
  }
  /// Sends until there is no credit; returns how many went.
  std::size_t exhaust(QoS qos, std::string_view payload = "x") {
    std::size_t count = 0;
    while (send(qos, payload) == SendOutcome::sent) ++count;
    a.link->flush(a.out);
    talk();
    return count;
  }
  [[nodiscard]] std::size_t arrived() const {
    std::size_t count = 0;
    for (const auto& batch : b.told<PublicationsArrived>()) count += batch.publications.size();
    return count;
  }
  std::uint64_t sequence = 0;
};

BOOST_AUTO_TEST_CASE(a_turn_of_publications_leaves_as_one_frame) {
  LinkedPair pair;
  pair.a.link->set_floor(MessageId{node(1), 1, 1});
  for (int i = 0; i < 5; ++i) BOOST_TEST((pair.send(QoS::at_least_once) == SendOutcome::sent));
  BOOST_TEST(pair.a.out.empty());
  pair.a.link->flush(pair.a.out);
  pair.talk();
  const auto batches = pair.b.told<PublicationsArrived>();
  BOOST_TEST_REQUIRE(batches.size() == 1U);
  BOOST_TEST((batches[0].floor == MessageId{node(1), 1, 1}));
  BOOST_TEST_REQUIRE(batches[0].publications.size() == 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    const ArrivedPublication& it = batches[0].publications[i];
    BOOST_TEST(it.number == i + 1);
    BOOST_TEST((it.message->id == MessageId{node(1), 1, i + 1}));
    BOOST_TEST((it.message->qos == QoS::at_least_once));
  }
  pair.a.link->flush(pair.a.out);
  BOOST_TEST(pair.a.out.empty());
}

BOOST_AUTO_TEST_CASE(a_publication_arrives_as_it_was_and_its_life_is_counted_down) {
  LinkedPair pair;
  MessageProperties properties;
  properties.response_topic = "r";
  const Publication sent{.topic = TopicName::parse("a/b").value(),
                         .payload = SharedBytes(Bytes(300'000, 7)),
                         .qos = QoS::exactly_once,
                         .retain = true,
                         .expires_at = pair.now + 100s,
                         .properties = std::make_shared<const MessageProperties>(properties),
                         .id = {node(1), 4, 5}};
  OutgoingPublication out{.mesh = 0,
                          .qos = QoS::exactly_once,
                          .hops = 3,
                          .expires_in = 100s,
                          .body = wire::encode_publication(sent, node(1))};
  pair.a.link->send(out, pair.a.out);
  pair.a.link->flush(pair.a.out);
  pair.now += 10s;
  pair.talk(1'000);
  const auto& it = pair.b.last<PublicationsArrived>().publications.at(0);
  BOOST_TEST(it.hops == 3);
  BOOST_TEST((it.message->topic == sent.topic));
  BOOST_TEST((it.message->payload == sent.payload));
  BOOST_TEST((it.message->qos == QoS::exactly_once));
  BOOST_TEST(it.message->retain);
  BOOST_TEST((it.message->id == sent.id));
  BOOST_TEST((*it.message->properties == properties));
  BOOST_TEST((it.message->expires_at == pair.now + 100s));  // counted from its arrival
}

BOOST_AUTO_TEST_CASE(a_large_batch_leaves_before_the_turn_ends) {
  LinkedPair pair(1'000, 64U << 20U);
  const std::string payload(100'000, 'p');
  for (int i = 0; i < 3; ++i) pair.send(QoS::at_most_once, payload);
  BOOST_TEST(pair.a.out.size() > 2 * payload.size());
  BOOST_TEST(pair.a.out.size() < 3 * payload.size());
  pair.a.link->flush(pair.a.out);
  pair.talk();
  BOOST_TEST(pair.arrived() == 3U);
}

BOOST_AUTO_TEST_CASE(many_small_messages_are_cut_into_frames) {
  LinkedPair pair(5'000, 64U << 20U);
  BOOST_TEST(pair.exhaust(QoS::at_least_once) == 5'000U);
  BOOST_TEST(pair.arrived() == 5'000U);
  for (const auto& batch : pair.b.told<PublicationsArrived>())
    BOOST_TEST(batch.publications.size() <= limits::frame_publications_max);
}

BOOST_AUTO_TEST_CASE(without_credit_qos0_is_dropped_and_counted, *label("MESH-5.2-1")) {
  LinkedPair pair;
  for (int i = 0; i < 8; ++i) BOOST_TEST((pair.send(QoS::at_most_once) == SendOutcome::sent));
  BOOST_TEST(!pair.a.link->can_send(Lane::best_effort));
  BOOST_TEST((pair.send(QoS::at_most_once) == SendOutcome::no_credit));
  BOOST_TEST((pair.send(QoS::at_most_once) == SendOutcome::no_credit));
  BOOST_TEST(pair.a.link->counters().dropped_qos0 == 2U);
  BOOST_TEST(pair.a.link->can_send(Lane::guaranteed));  // the other lane does not notice
}

BOOST_AUTO_TEST_CASE(qos0_gets_new_credit_as_it_arrives, *label("MESH-5.2-5")) {
  LinkedPair pair;
  for (int round = 0; round < 10; ++round) BOOST_TEST(pair.exhaust(QoS::at_most_once) == 8U);
  BOOST_TEST(pair.arrived() == 80U);
  BOOST_TEST(pair.a.told<CreditGranted>().size() == 10U);
  BOOST_TEST((pair.a.last<CreditGranted>().lane == Lane::best_effort));
}

BOOST_AUTO_TEST_CASE(a_held_lane_pauses_and_goes_on_where_it_was) {
  LinkedPair pair;
  pair.b.link->hold_credit(Lane::best_effort, true, pair.b.out);
  BOOST_TEST(pair.exhaust(QoS::at_most_once) == 8U);
  BOOST_TEST(pair.exhaust(QoS::at_most_once) == 0U);
  pair.b.link->hold_credit(Lane::best_effort, false, pair.b.out);
  pair.talk();
  BOOST_TEST((pair.a.last<CreditGranted>().lane == Lane::best_effort));
  BOOST_TEST(pair.exhaust(QoS::at_most_once) == 8U);
}

BOOST_AUTO_TEST_CASE(holding_credit_does_not_hold_acknowledgements) {
  LinkedPair pair;
  pair.b.link->hold_credit(Lane::guaranteed, true, pair.b.out);
  pair.exhaust(QoS::exactly_once);
  pair.b.link->acknowledge(8, pair.b.out);
  pair.talk();
  BOOST_TEST(pair.a.last<Acknowledged>().up_to == 8U);
  BOOST_TEST(!pair.a.link->can_send(Lane::guaranteed));
  pair.b.link->hold_credit(Lane::guaranteed, false, pair.b.out);
  pair.talk();
  BOOST_TEST(pair.a.link->can_send(Lane::guaranteed));
}

BOOST_AUTO_TEST_CASE(acknowledgements_are_cumulative_and_bring_credit, *label("MESH-5.3-2")) {
  LinkedPair pair;
  BOOST_TEST(pair.exhaust(QoS::at_least_once) == 8U);
  BOOST_TEST(pair.a.link->under_way() == 8U);
  pair.b.link->acknowledge(3, pair.b.out);  // less than half a window: no credit yet
  pair.talk();
  BOOST_TEST(pair.a.last<Acknowledged>().up_to == 3U);
  BOOST_TEST(pair.a.link->under_way() == 5U);
  BOOST_TEST(!pair.a.link->can_send(Lane::guaranteed));
  pair.b.link->acknowledge(8, pair.b.out);
  pair.talk();
  BOOST_TEST((pair.a.last<CreditGranted>().lane == Lane::guaranteed));
  BOOST_TEST(pair.a.told<Acknowledged>().back().up_to == 8U);
  BOOST_TEST(pair.exhaust(QoS::at_least_once) == 8U);
}

BOOST_AUTO_TEST_CASE(an_acknowledgement_that_tells_nothing_new_is_not_sent) {
  LinkedPair pair;
  pair.exhaust(QoS::at_least_once);
  pair.b.link->acknowledge(5, pair.b.out);
  pair.talk();
  pair.b.link->acknowledge(5, pair.b.out);
  pair.b.link->acknowledge(2, pair.b.out);
  BOOST_TEST(pair.b.out.empty());
}

BOOST_AUTO_TEST_CASE(bytes_are_credit_too_and_one_message_may_exceed_them, *label("MESH-5.2-1")) {
  LinkedPair pair(1'000, 1'000);
  BOOST_TEST((pair.send(QoS::at_least_once, std::string(400, 'x')) == SendOutcome::sent));
  BOOST_TEST((pair.send(QoS::at_least_once, std::string(50'000, 'x')) == SendOutcome::sent));
  BOOST_TEST((pair.send(QoS::at_least_once) == SendOutcome::no_credit));
  pair.a.link->flush(pair.a.out);
  pair.talk();
  BOOST_TEST(!pair.b.has_failed());
  pair.b.link->acknowledge(1, pair.b.out);
  pair.talk();
  BOOST_TEST(!pair.a.link->can_send(Lane::guaranteed));  // the large one is still there
  pair.b.link->acknowledge(2, pair.b.out);
  pair.talk();
  BOOST_TEST(pair.a.link->can_send(Lane::guaranteed));
}

BOOST_AUTO_TEST_CASE(a_peer_that_exceeds_its_credit_is_put_out, *label("MESH-5.2-2")) {
  LinkedPair pair;
  wire::Publications batch{Lane::guaranteed, 1, {}, {}};
  for (int i = 0; i < 9; ++i) {
    batch.entries.push_back({.mesh = 0,
                             .hops = 0,
                             .expires_in = {},
                             .publication = {.topic = TopicName::parse("t").value(),
                                             .payload = {},
                                             .qos = QoS::at_least_once,
                                             .retain = false,
                                             .expires_at = {},
                                             .properties = nullptr,
                                             .id = {NodeId{}, 1, 1}},
                             .cost = 0});
  }
  pair.inject(batch);
  BOOST_TEST((pair.b.last<LinkFailed>().reason == wire::CloseReason::quota_exceeded));
  BOOST_TEST(pair.arrived() == 0U);
}

/// What b answers to one publication of a hostile a.
std::string answer_to(Lane lane, std::uint64_t number, QoS qos, NodeId origin, std::uint32_t mesh) {
  LinkedPair pair;
  pair.inject(wire::Publications{lane,
                                 number,
                                 {},
                                 {{.mesh = mesh,
                                   .hops = 0,
                                   .expires_in = {},
                                   .publication = {.topic = TopicName::parse("t").value(),
                                                   .payload = {},
                                                   .qos = qos,
                                                   .retain = false,
                                                   .expires_at = {},
                                                   .properties = nullptr,
                                                   .id = {origin, 1, 1}},
                                   .cost = 0}}});
  return pair.b.why();
}

BOOST_AUTO_TEST_CASE(numbers_lanes_origins_and_meshes_must_be_right) {
  BOOST_TEST(answer_to(Lane::guaranteed, 1, QoS::at_least_once, NodeId{}, 0) == "");
  BOOST_TEST(answer_to(Lane::guaranteed, 1, QoS::exactly_once, node(1), 0) == "");
  BOOST_TEST(says(answer_to(Lane::guaranteed, 2, QoS::at_least_once, NodeId{}, 0), "2 after 0"));
  BOOST_TEST(says(answer_to(Lane::guaranteed, 0, QoS::at_least_once, NodeId{}, 0), "0 after 0"));
  BOOST_TEST(says(answer_to(Lane::guaranteed, 1, QoS::at_most_once, NodeId{}, 0), "another QoS"));
  BOOST_TEST(says(answer_to(Lane::best_effort, 1, QoS::at_least_once, NodeId{}, 0), "another QoS"));
  BOOST_TEST(
      says(answer_to(Lane::guaranteed, 1, QoS::at_least_once, node(3), 0), "another origin"));
  BOOST_TEST(says(answer_to(Lane::guaranteed, 1, QoS::at_least_once, NodeId{}, 1), "not shared"));
}

BOOST_AUTO_TEST_CASE(acknowledgements_and_credit_must_make_sense, *label("MESH-5.3-3")) {
  const auto answer = [](const wire::Frame& frame) {
    LinkedPair pair;
    for (int i = 0; i < 4; ++i)
      pair.b.link->send(message("t", "x", QoS::at_least_once), pair.b.out);
    pair.b.link->flush(pair.b.out);
    pair.inject(wire::Acknowledgement{Lane::guaranteed, 2});
    pair.inject(frame);
    return pair.b.why();
  };
  BOOST_TEST(answer(wire::Acknowledgement{Lane::guaranteed, 4}) == "");
  BOOST_TEST(says(answer(wire::Acknowledgement{Lane::guaranteed, 5}), "acknowledgement of 5"));
  BOOST_TEST(says(answer(wire::Acknowledgement{Lane::guaranteed, 1}), "acknowledgement of 1"));
  BOOST_TEST(says(answer(wire::Acknowledgement{Lane::best_effort, 1}), "QoS 0"));
  BOOST_TEST(says(answer(wire::Credit{Lane::guaranteed, 1, 1U << 30U}), "taken back"));
  BOOST_TEST(says(answer(wire::Credit{Lane::guaranteed, 1U << 30U, 1}), "taken back"));
}

BOOST_AUTO_TEST_CASE(what_has_not_left_yet_cannot_be_acknowledged) {
  LinkedPair pair;
  pair.b.link->send(message("t", "x", QoS::at_least_once), pair.b.out);
  pair.inject(wire::Acknowledgement{Lane::guaranteed, 1});
  BOOST_TEST(says(pair.b.why(), "with 0 sent"));
}

BOOST_AUTO_TEST_CASE(a_message_that_the_peer_will_never_take_is_told_from_one_that_waits) {
  Pair pair;
  pair.b.settings.frame_max = limits::link_frame_max;
  pair.link_up();
  const std::string payload(limits::link_frame_max, 'x');
  BOOST_TEST(
      (pair.a.link->send(message("t", payload), pair.a.out).outcome == SendOutcome::too_large));
  pair.b.link->send(message("t", payload), pair.b.out);  // a takes more
  pair.b.link->flush(pair.b.out);
  pair.talk(100'000);
  BOOST_TEST(pair.a.told<PublicationsArrived>().size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_has_expired_is_not_sent, *label("MESH-5.4-6")) {
  LinkedPair pair;
  OutgoingPublication late = message("t", "x");
  late.expires_in = Duration::zero();
  BOOST_TEST((pair.a.link->send(late, pair.a.out).outcome == SendOutcome::expired));
  late.expires_in = 1ns;  // rounded up to a millisecond
  BOOST_TEST((pair.a.link->send(late, pair.a.out).outcome == SendOutcome::sent));
  pair.a.link->flush(pair.a.out);
  pair.talk();
  const auto& arrived = pair.b.last<PublicationsArrived>().publications.at(0);
  BOOST_TEST((arrived.message->expires_at == pair.now + 1ms));
}

BOOST_AUTO_TEST_CASE(nothing_is_sent_before_the_link_is_ready) {
  Pair pair;
  pair.open();
  drain(pair.a.out);
  BOOST_TEST((pair.a.link->send(message("t", "x"), pair.a.out).outcome == SendOutcome::not_linked));
  pair.a.link->send_interests(0, {}, pair.a.out);
  pair.a.link->send_peers(0, {}, pair.a.out);
  pair.a.link->acknowledge(0, pair.a.out);
  pair.a.link->flush(pair.a.out);
  BOOST_TEST(pair.a.out.empty());
}

}  // namespace
}  // namespace starling
