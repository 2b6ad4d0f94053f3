// Publications: batches, numbers, credit and acknowledgement, each lane for itself.
#include <boost/test/unit_test.hpp>

#include "bridge/link/topic_numbers.hpp"
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
    b.settings.lane_messages = b.settings.best_effort_messages = messages;
    b.settings.lane_bytes = b.settings.best_effort_bytes = bytes;
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
    BOOST_TEST((it.message.id == MessageId{node(1), 1, i + 1}));
    BOOST_TEST((it.message.qos == QoS::at_least_once));
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
  pair.a.link->send(TestMessage{sent, 3, 100s}, pair.a.out);
  pair.a.link->flush(pair.a.out);
  pair.now += 10s;
  pair.talk(1'000);
  const auto& it = pair.b.last<PublicationsArrived>().publications.at(0);
  BOOST_TEST(it.hops == 3);
  BOOST_TEST((it.message.topic == sent.topic));
  BOOST_TEST((it.message.payload == sent.payload));
  BOOST_TEST((it.message.qos == QoS::exactly_once));
  BOOST_TEST(it.message.retain);
  BOOST_TEST((it.message.id == sent.id));
  BOOST_TEST((*it.message.properties == properties));
  BOOST_TEST((it.message.expires_at == pair.now + 100s));  // counted from its arrival
}

BOOST_AUTO_TEST_CASE(large_messages_leave_at_once_and_in_order_with_small_ones) {
  LinkedPair pair(1'000, 64U << 20U);
  const std::string payload(100'000, 'p');
  pair.send(QoS::at_most_once, "small");
  BOOST_TEST(pair.a.out.empty());
  pair.send(QoS::at_most_once, payload);
  BOOST_TEST(pair.a.out.size() > payload.size());
  pair.send(QoS::at_most_once, "small");
  pair.a.link->flush(pair.a.out);
  pair.talk();
  std::vector<std::size_t> sizes;
  for (const auto& batch : pair.b.told<PublicationsArrived>())
    for (const auto& it : batch.publications) sizes.push_back(it.message.payload.size());
  BOOST_TEST(sizes == (std::vector<std::size_t>{5, 100'000, 5}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_batch_that_is_large_enough_leaves_before_the_turn_ends) {
  LinkedPair pair(1'000, 64U << 20U);
  const std::string payload(4'000, 'p');
  for (int i = 0; i < 10; ++i) pair.send(QoS::at_most_once, payload);
  BOOST_TEST(pair.a.out.size() > 6 * payload.size());
  BOOST_TEST(pair.a.out.size() < 10 * payload.size());
  pair.a.link->flush(pair.a.out);
  pair.talk();
  BOOST_TEST(pair.arrived() == 10U);
}

BOOST_AUTO_TEST_CASE(many_small_messages_are_cut_into_frames) {
  LinkedPair pair(5'000, 64U << 20U);
  BOOST_TEST(pair.exhaust(QoS::at_least_once) == 5'000U);
  BOOST_TEST(pair.arrived() == 5'000U);
  for (const auto& batch : pair.b.told<PublicationsArrived>())
    BOOST_TEST(batch.publications.size() <= limits::frame_publications_max);
}

BOOST_AUTO_TEST_CASE(without_credit_nothing_is_sent, *label("MESH-5.2-1")) {
  LinkedPair pair;
  for (int i = 0; i < 8; ++i) BOOST_TEST((pair.send(QoS::at_most_once) == SendOutcome::sent));
  BOOST_TEST(!pair.a.link->can_send(Lane::best_effort));
  BOOST_TEST((pair.send(QoS::at_most_once) == SendOutcome::no_credit));
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
  wire::Publications batch{{Lane::guaranteed, 1, {}, {NodeId{}, 1, 1}}, {}};
  batch.entries.resize(9);
  for (wire::PublicationEntry& entry : batch.entries) {
    entry.topic.text = "t";
    entry.qos = QoS::at_least_once;
  }
  pair.inject(batch);
  BOOST_TEST((pair.b.last<LinkFailed>().reason == wire::CloseReason::quota_exceeded));
  BOOST_TEST(pair.arrived() == 0U);
}

/// What b answers to one publication of a hostile a.
std::string answer_to(Lane lane, std::uint64_t number, QoS qos, NodeId origin, std::uint32_t mesh) {
  LinkedPair pair;
  wire::PublicationEntry entry;
  entry.topic = {std::nullopt, "t", mesh};
  entry.qos = qos;
  pair.inject(wire::Publications{{lane, number, {}, {origin, 1, 1}}, {entry}});
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

/// What b has made of `topics` of a hostile a, one message each on `lane`: their names, or why not.
std::string heard(const std::vector<wire::TopicMention>& topics, Lane lane = Lane::best_effort) {
  LinkedPair pair;
  pair.b.settings.topic_numbers = 4;
  pair.link_up();
  wire::Publications batch{{lane, 1, {}, {NodeId{}, 1, 1}}, {}};
  for (const wire::TopicMention& topic : topics) {
    wire::PublicationEntry entry;
    entry.topic = topic;
    entry.qos = lane == Lane::best_effort ? QoS::at_most_once : QoS::at_least_once;
    entry.step = 1;
    batch.entries.push_back(entry);
  }
  pair.inject(batch);
  if (pair.b.has_failed()) return pair.b.why();
  std::string names;
  for (const auto& it : pair.b.last<PublicationsArrived>().publications)
    names += it.message.topic.text();
  return names;
}

BOOST_AUTO_TEST_CASE(a_number_stands_for_the_topic_it_was_given_last, *label("MESH-5.1-5")) {
  BOOST_TEST(heard({{1, "a", 0}, {1, "", 0}, {2, "b", 0}, {1, "", 0}, {2, "", 0}}) == "aabab");
  BOOST_TEST(heard({{1, "a", 0}, {1, "b", 0}, {1, "", 0}}) == "abb");
  BOOST_TEST(heard({{std::nullopt, "a", 0}, {0, "b", 0}, {std::nullopt, "a", 0}}) == "aba");
}

BOOST_AUTO_TEST_CASE(a_number_that_was_not_given_ends_the_link, *label("MESH-5.1-5")) {
  BOOST_TEST(says(heard({{1, "", 0}}), "number 1"));
  BOOST_TEST(says(heard({{1, "a", 0}, {0, "", 0}}), "number 0"));
  BOOST_TEST(says(heard({{3, "a", 0}, {4'000'000'000U, "", 0}}), "number 4000000000"));
}

BOOST_AUTO_TEST_CASE(numbers_stay_below_the_bound_that_was_told, *label("MESH-5.1-6")) {
  BOOST_TEST(heard({{3, "a", 0}, {3, "", 0}}) == "aa");
  BOOST_TEST(says(heard({{4, "a", 0}}), "beyond the bound"));
}

BOOST_AUTO_TEST_CASE(each_lane_has_numbers_of_its_own, *label("MESH-5.1-5")) {
  LinkedPair pair;
  wire::PublicationEntry entry;
  entry.topic = {2, "t", 0};
  pair.inject(wire::Publications{{Lane::best_effort, 1, {}, {NodeId{}, 1, 1}}, {entry}});
  BOOST_TEST(!pair.b.has_failed());
  entry.topic.text.clear();
  entry.qos = QoS::at_least_once;
  pair.inject(wire::Publications{{Lane::guaranteed, 1, {}, {NodeId{}, 1, 2}}, {entry}});
  BOOST_TEST(says(pair.b.why(), "number 2"));
}

BOOST_AUTO_TEST_CASE(a_new_link_begins_without_numbers, *label("MESH-5.1-5")) {
  LinkedPair pair;
  for (int round = 0; round < 2; ++round) {
    pair.send(QoS::at_most_once);
    pair.a.link->flush(pair.a.out);
    const auto frames = frames_of(drain(pair.a.out));
    const auto& batch = std::get<wire::Publications>(frames.at(0));
    BOOST_TEST(batch.entries.at(0).topic.text == "t");
    pair.link_up();
  }
}

BOOST_AUTO_TEST_CASE(a_topic_is_spelt_out_once) {
  LinkedPair pair(1'000);
  for (int i = 0; i < 3; ++i) {
    pair.send(QoS::at_most_once);
    pair.a.link->flush(pair.a.out);
    const auto frames = frames_of(drain(pair.a.out));
    const auto& batch = std::get<wire::Publications>(frames.at(0));
    BOOST_TEST(batch.entries.at(0).topic.text == (i == 0 ? "t" : ""));
    BOOST_TEST(batch.entries.at(0).topic.number.has_value());
  }
}

// More topics than numbers, in any order: whatever is spelt out and whatever is not, each message
// arrives under its own name.
BOOST_AUTO_TEST_CASE(topics_that_compete_for_numbers_are_never_mixed_up) {
  for (const std::uint32_t numbers : {0U, 1U, 2U, 8U, 64U}) {
    LinkedPair pair(10'000, 64U << 20U);
    pair.b.settings.topic_numbers = numbers;
    pair.link_up();
    std::string sent;
    std::uint32_t state = 7;
    for (std::uint64_t i = 1; i <= 3'000; ++i) {
      state = state * 1'103'515'245U + 12'345U;
      const std::string topic = "t" + std::to_string((state >> 16U) % 50) + "/";
      sent += topic;
      const QoS qos = (state >> 8U) % 2 == 0 ? QoS::at_most_once : QoS::at_least_once;
      BOOST_REQUIRE((pair.a.link->send(message(topic, topic, qos, i), pair.a.out).outcome
                     == SendOutcome::sent));
      if (i % 100 == 0) {
        pair.a.link->flush(pair.a.out);
        pair.talk(333);
      }
    }
    BOOST_TEST(!pair.b.has_failed());
    std::vector<std::string> heard_names(3'001);
    for (const auto& batch : pair.b.told<PublicationsArrived>()) {
      for (const auto& it : batch.publications) {
        BOOST_REQUIRE(it.message.topic.text() == as_text(it.message.payload.view()));
        heard_names[it.message.id.sequence] = it.message.topic.text();
      }
    }
    std::string heard_all;
    for (const std::string& name : heard_names) heard_all += name;
    BOOST_TEST((heard_all == sent));
  }
}

BOOST_AUTO_TEST_CASE(ids_that_do_not_follow_each_other_begin_a_new_frame) {
  LinkedPair pair(100);
  const auto add = [&](std::uint64_t epoch, std::uint64_t sequence) {
    TestMessage it = message("t", "x", QoS::at_least_once, sequence);
    it.publication.id.epoch = epoch;
    pair.a.link->send(it, pair.a.out);
  };
  add(1, 5);
  add(1, 5);
  add(1, UINT64_MAX);
  add(1, 4);  // back
  add(2, 6);  // another boot
  pair.a.link->flush(pair.a.out);
  pair.talk();
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ids;
  for (const auto& batch : pair.b.told<PublicationsArrived>())
    for (const auto& it : batch.publications)
      ids.emplace_back(it.message.id.epoch, it.message.id.sequence);
  const std::vector<std::pair<std::uint64_t, std::uint64_t>> expected{
      {1, 5}, {1, 5}, {1, UINT64_MAX}, {1, 4}, {2, 6}};
  BOOST_TEST((ids == expected));
  BOOST_TEST(pair.b.told<PublicationsArrived>().size() == 3U);
}

BOOST_AUTO_TEST_CASE(an_id_beyond_all_numbers_ends_the_link, *label("MESH-5.4-1")) {
  LinkedPair pair;
  wire::PublicationEntry entry;
  entry.topic.text = "t";
  entry.step = 2;
  pair.inject(
      wire::Publications{{Lane::best_effort, 1, {}, {NodeId{}, 1, UINT64_MAX - 1}}, {entry}});
  BOOST_TEST((pair.b.last<LinkFailed>().reason == wire::CloseReason::malformed));
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
  TestMessage from_b = message("t", payload);
  from_b.publication.id.origin = node(2);
  pair.b.link->send(from_b, pair.b.out);  // a takes more
  pair.b.link->flush(pair.b.out);
  pair.talk(100'000);
  BOOST_TEST(pair.a.told<PublicationsArrived>().size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_has_expired_is_not_sent, *label("MESH-5.4-6")) {
  LinkedPair pair;
  TestMessage late = message("t", "x");
  late.expires_in = Duration::zero();
  BOOST_TEST((pair.a.link->send(late, pair.a.out).outcome == SendOutcome::expired));
  late.expires_in = 1ns;  // rounded up to a millisecond
  BOOST_TEST((pair.a.link->send(late, pair.a.out).outcome == SendOutcome::sent));
  pair.a.link->flush(pair.a.out);
  pair.talk();
  const auto& arrived = pair.b.last<PublicationsArrived>().publications.at(0);
  BOOST_TEST((arrived.message.expires_at == pair.now + 1ms));
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

// The sender's table begins small and grows with the topics it meets.
BOOST_AUTO_TEST_CASE(many_topics_get_numbers_that_mean_them) {
  constexpr std::size_t count = 4'096;
  GivenTopicNumbers given;
  KeptTopicNumbers kept(count);
  given.open(count);
  std::size_t spelt_out = 0;
  for (int round = 0; round < 20; ++round) {
    spelt_out = 0;
    for (int i = 0; i < 300; ++i) {
      const auto topic = TopicName::parse("t/" + std::to_string(i));
      const auto said = given.give(*topic, 0);
      BOOST_REQUIRE(said.number.has_value());
      spelt_out += said.is_new ? 1 : 0;
      if (said.is_new) BOOST_REQUIRE(kept.keep(*said.number, *topic, 0) != nullptr);
      const auto* meant = kept.find(*said.number);
      BOOST_REQUIRE(meant != nullptr);
      BOOST_TEST(meant->name->text() == topic->text());
    }
  }
  BOOST_TEST(spelt_out < 60U);  // with room for 32 topics only it would be nearly all
}

}  // namespace
}  // namespace starling
