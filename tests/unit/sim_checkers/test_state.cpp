// retained, wills, groups, bounds, drained and secrecy: each keeps a good story and catches its
// mutant.
#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/unit/sim_checkers/story.hpp"

namespace starling::sim::test {
namespace {

constexpr Packet kept{.retain = true};

// --- retained

BOOST_AUTO_TEST_SUITE(sim_checkers_retained)

Story with_publisher() {
  Story story;
  story.connects(0, 0);
  story.connects(1, 0);
  return story;
}

BOOST_AUTO_TEST_CASE(the_last_value_comes_to_a_new_subscriber) {
  Story story = with_publisher();
  story.publishes(0, "a/x", 1, true);
  const MessageNumber last = story.publishes(0, "a/x", 1, true);
  const MessageNumber other = story.publishes(0, "a/y", 2, true);
  story.subscribes(1, "a/#");
  story.gets(1, last, kept);
  story.gets(1, other, kept, 1);
  story.finish();
  BOOST_TEST(story.broken() == "", story.said());
  BOOST_TEST(story.seen("retained") >= 2U);
}

BOOST_AUTO_TEST_CASE(a_replaced_value_is_caught) {
  Story story = with_publisher();
  const MessageNumber old = story.publishes(0, "a/x", 1, true);
  story.publishes(0, "a/x", 1, true);
  story.subscribes(1, "a/#");
  story.gets(1, old, kept);
  BOOST_TEST(story.broken() == "retained");
  BOOST_TEST(story.says("message 1"));
  BOOST_TEST(
      story.says("came to client 1 at node 0 at 0.009 s as a retained one, though it was "
                 "replaced before the subscription of 0.007 s"));
}

BOOST_AUTO_TEST_CASE(a_missing_value_is_caught) {
  Story story = with_publisher();
  story.publishes(0, "a/x", 1, true);
  story.subscribes(1, "a/#");
  story.finish();
  BOOST_TEST(story.broken() == "retained");
  BOOST_TEST(
      story.says("client 1 at node 0 subscribed to 'a/#' at 0.005 s and had not got the "
                 "retained message of 'a/x' by 30.005 s"));
}

BOOST_AUTO_TEST_CASE(a_value_brought_back_to_life_is_caught) {
  for (const auto pause : {Duration{1s}, Duration{10min}}) {
    Story story = with_publisher();
    const MessageNumber value = story.publishes(0, "a/x", 1, true);
    story.deletes(0, "a/x");
    story.wait(pause);
    story.subscribes(1, "a/x");
    story.gets(1, value, kept);
    BOOST_TEST(story.broken() == "retained");
    BOOST_TEST(story.says("though it was deleted before"));
  }
}

BOOST_AUTO_TEST_CASE(what_was_deleted_need_not_come_and_nothing_is_said_of_what_is_under_way) {
  Story story = with_publisher();
  story.publishes(0, "a/x", 1, true);
  story.deletes(0, "a/x");
  const MessageNumber value = story.publishes(0, "a/y", 1, true);
  const MessageNumber coming = story.sends(0, "a/y", 1, true);
  story.subscribes(1, "a/+");
  story.gets(1, value, kept);
  story.acknowledges(coming);
  story.gets(1, coming);
  story.finish();
  BOOST_TEST(story.broken() == "", story.said());
}

BOOST_AUTO_TEST_CASE(of_two_that_were_under_way_together_either_may_be_the_last) {
  for (const bool first_wins : {true, false}) {
    Story story = with_publisher();
    story.connects(2, 0);
    const MessageNumber a = story.sends(0, "a", 1, true);
    const MessageNumber b = story.sends(2, "a", 1, true);
    story.acknowledges(b);
    story.acknowledges(a);
    story.subscribes(1, "a");
    story.gets(1, first_wins ? a : b, kept);
    story.finish();
    BOOST_TEST(story.broken() == "");
  }
}

BOOST_AUTO_TEST_CASE(qos_0_counts_when_it_must_have_arrived) {
  Story story = with_publisher();
  const MessageNumber old = story.publishes(0, "a", 0, true);
  story.wait(10s);
  story.publishes(0, "a", 0, true);
  story.subscribes(1, "a");
  story.gets(1, old, kept);
  BOOST_TEST(story.broken() == "");  // the second may still be on its way
  story.wait(10s);
  story.unsubscribes(1, "a");
  story.subscribes(1, "a");
  story.wait(1s);
  story.gets(1, old, kept);
  BOOST_TEST(story.broken() == "");  // the replay of the first subscription may still be on its way
  story.wait(40s);
  story.subscribes(1, "a");
  story.gets(1, old, kept);
  BOOST_TEST(story.broken() == "retained");
}

BOOST_AUTO_TEST_CASE(what_was_not_published_to_be_retained_is_caught) {
  Story story = with_publisher();
  const MessageNumber plain = story.publishes(0, "a", 1);
  story.subscribes(1, "a");
  story.gets(1, plain, kept);
  BOOST_TEST(story.broken() == "retained");
  BOOST_TEST(story.says("was not published to be retained"));
}

BOOST_AUTO_TEST_CASE(a_shared_subscription_gets_nothing_retained) {
  Story story = with_publisher();
  story.publishes(0, "a", 1, true);
  story.subscribes(1, "$share/g/a");
  story.finish();
  BOOST_TEST(story.broken() == "");
}

/// Another node's clients may have deleted it, or set it anew.
BOOST_AUTO_TEST_CASE(today_another_nodes_values_excuse_nearly_everything) {
  Story story = with_publisher();
  story.connects(2, 1);
  const MessageNumber here = story.publishes(0, "a", 1, true);
  const MessageNumber there = story.publishes(2, "a", 1, true);
  story.wait(60s);
  story.subscribes(1, "a");
  story.gets(1, there, kept);
  story.unsubscribes(1, "a");
  story.deletes(2, "a");
  story.wait(60s);
  story.subscribes(1, "a");
  story.finish();
  BOOST_TEST(story.broken() == "", story.said());
  (void)here;
}

BOOST_AUTO_TEST_CASE(with_replication_all_nodes_have_the_last_value_of_all) {
  for (const int mutant : {0, 1, 2}) {
    CheckerSettings settings = one_mesh();
    settings.promises.retained_is_replicated = true;
    Story story(settings);
    story.connects(0, 0);
    story.connects(1, 1);
    story.connects(2, 2);
    const MessageNumber old = story.publishes(0, "a", 1, true);
    story.wait(60s);
    const MessageNumber latest = story.publishes(1, "a", 1, true);
    story.wait(60s);
    story.subscribes(2, "a");
    if (mutant < 2) story.gets(2, mutant == 0 ? latest : old, kept);
    story.finish();
    BOOST_TEST(story.broken() == (mutant == 0 ? "" : "retained"), story.said());
  }
}

BOOST_AUTO_TEST_SUITE_END()

// --- wills

BOOST_AUTO_TEST_SUITE(sim_checkers_wills)

struct WillStory : Story {
  MessageNumber will = 0;
  explicit WillStory(int qos = 0) {
    connects(1, 0);
    subscribes(1, "will", 2);
    connects(0, 0);
    will = sends(0, "will", qos, false, false, true);
    wait(10s);
  }
};

BOOST_AUTO_TEST_CASE(a_will_comes_once_when_its_client_is_cut_off) {
  WillStory story;
  story.leaves(0, false);
  story.gets(1, story.will);
  story.finish();
  BOOST_TEST(story.broken() == "", story.said());
  BOOST_TEST(story.seen("wills") == 1U);
}

BOOST_AUTO_TEST_CASE(a_second_will_is_caught) {
  for (const int qos : {0, 1, 2}) {
    WillStory story(qos);
    story.leaves(0, false);
    story.gets(1, story.will);
    story.gets(1, story.will);
    BOOST_TEST(story.broken() == "wills");
    BOOST_TEST(story.says("will 1"));
    BOOST_TEST(story.says("came to client 1 at node 0 at 10.008 s: copy number 2 of one will"));
  }
}

BOOST_AUTO_TEST_CASE(a_will_after_an_orderly_disconnect_is_caught) {
  WillStory story;
  story.leaves(0, true);
  story.wait(1s);
  story.gets(1, story.will);
  BOOST_TEST(story.broken() == "wills");
  BOOST_TEST(story.says("though its client said DISCONNECT at 10.006 s"));
}

BOOST_AUTO_TEST_CASE(a_disconnect_that_its_node_did_not_live_to_read_voids_nothing) {
  WillStory story;
  story.leaves(0, true);
  story.ends(0);
  story.leaves(1, false);
  story.starts(0);
  story.connects(1, 0);
  story.subscribes(1, "will", 2);
  story.gets(1, story.will);
  BOOST_TEST(story.broken() == "");
}

BOOST_AUTO_TEST_CASE(each_connection_has_a_will_of_its_own) {
  WillStory story;
  story.leaves(0, true);
  story.connects(0, 0);
  const MessageNumber second = story.sends(0, "will", 0, false, false, true);
  story.leaves(0, false);
  story.gets(1, second);
  BOOST_TEST(story.broken() == "");
}

BOOST_AUTO_TEST_SUITE_END()

// --- groups

BOOST_AUTO_TEST_SUITE(sim_checkers_groups)

/// Client 0 publishes; 1 and 2 are members at its node, 3 at another one.
Story with_group(CheckerSettings settings = one_mesh()) {
  Story story(std::move(settings));
  story.links(0, 1);
  story.connects(0, 0);
  story.connects(1, 0);
  story.connects(2, 0);
  story.connects(3, 1);
  for (const ClientNumber member : {1U, 2U, 3U}) story.subscribes(member, "$share/g/a/#", 1);
  story.wait(40s);
  return story;
}

BOOST_AUTO_TEST_CASE(one_member_of_each_node_is_served) {
  Story story = with_group();
  for (const ClientNumber member : {1U, 2U, 2U, 1U}) {
    const MessageNumber number = story.publishes(0, "a/x", 1);
    story.gets(member, number);
    story.gets(3, number);
  }
  story.finish();
  BOOST_TEST(story.broken() == "", story.said());
  BOOST_TEST(story.seen("groups") == 8U);
}

BOOST_AUTO_TEST_CASE(two_members_served_is_caught) {
  for (const int qos : {0, 1}) {
    Story story = with_group();
    const MessageNumber number = story.publishes(0, "a/x", qos);
    story.gets(1, number);
    story.gets(3, number);
    story.gets(2, number);
    BOOST_TEST(story.broken() == "groups");
    BOOST_TEST(story.says("message 1"));
    BOOST_TEST(story.says("came to client 2 at node 0"));
    BOOST_TEST(
        story.says("as to a member of '$share/g/a/#', which had got it by client 1 already"));
  }
}

BOOST_AUTO_TEST_CASE(over_nodes_it_is_one_member_when_that_is_promised) {
  CheckerSettings settings = one_mesh();
  settings.promises.groups_over_nodes = true;
  Story story = with_group(settings);
  const MessageNumber number = story.publishes(0, "a/x", 1);
  story.gets(1, number);
  story.finish();
  BOOST_TEST(story.broken() == "", story.said());
  story.gets(3, number);
  BOOST_TEST(story.broken() == "groups");
}

BOOST_AUTO_TEST_CASE(no_member_served_is_caught) {
  Story story = with_group();
  story.gets(3, story.publishes(0, "a/x", 1));
  story.finish();
  BOOST_TEST(story.broken() == "groups");
  BOOST_TEST(story.says("message 1"));
  BOOST_TEST(story.says("never came to a member of '$share/g/a/#' at node 0"));
}

BOOST_AUTO_TEST_CASE(what_a_member_leaves_behind_goes_to_another) {
  Story story = with_group();
  const MessageNumber number = story.publishes(0, "a/x", 1);
  story.gets(3, number);
  story.gets(1, number);
  story.leaves(1, false);
  story.gets(2, number);
  story.finish();
  BOOST_TEST(story.broken() == "", story.said());
}

BOOST_AUTO_TEST_CASE(during_a_fault_nothing_is_promised) {
  Story story = with_group();
  story.fault("partition");
  const MessageNumber number = story.publishes(0, "a/x", 1);
  story.gets(1, number);
  story.gets(2, number);
  story.heal("partition");
  story.publishes(0, "a/x", 0);
  story.finish();
  BOOST_TEST(story.broken() == "", story.said());
}

BOOST_AUTO_TEST_CASE(an_identifier_tells_the_group_from_an_own_subscription) {
  Story story;
  for (const ClientNumber client : {0U, 1U}) {
    story.connects(client, 0);
    story.subscribes(client, "a", 0, 1);
    story.subscribes(client, "$share/g/a", 0, 2);
  }
  const MessageNumber number = story.publishes(0, "a", 0);
  story.gets(0, number, {.subscriptions = {2}});
  story.gets(0, number, {.subscriptions = {1}});
  story.gets(1, number, {.subscriptions = {1}});
  BOOST_TEST(story.broken() == "");
  const MessageNumber second = story.publishes(0, "a", 0);
  story.gets(0, second, {.subscriptions = {2}});
  story.gets(1, second, {.subscriptions = {2}});
  BOOST_TEST(story.broken() == "groups");
}

BOOST_AUTO_TEST_SUITE_END()

// --- bounds and drained

BOOST_AUTO_TEST_SUITE(sim_checkers_loads)

CheckerSettings with_load(const NodeLoad& load) {
  CheckerSettings settings = one_mesh();
  settings.look = [&load](const World&) { return std::vector<NodeLoad>{load}; };
  return settings;
}

BOOST_AUTO_TEST_CASE(a_node_within_its_bounds_is_left_alone) {
  NodeLoad load{.node = 1, .links = 3, .parked_messages = 5, .outbox_messages = 7};
  Story story(with_load(load));
  story.wait(60s);
  load = {.node = 1, .links = 3};
  story.finish();
  BOOST_TEST(story.broken() == "", story.said());
  BOOST_TEST(story.seen("bounds") > 10U);
  BOOST_TEST(story.seen("drained") == 1U);
}

BOOST_AUTO_TEST_CASE(an_overflow_is_caught_once_each_time) {
  NodeLoad load{.node = 1};
  Story story(with_load(load));
  load.outbox_bytes = limits::outbox_bytes_max + 1;
  story.wait(60s);
  load.outbox_bytes = 0;
  story.wait(60s);
  BOOST_TEST(story.broken() == "bounds");
  BOOST_TEST(story.checkers().find("bounds")->violation_count() == 1U);
  BOOST_TEST(story.says("node 1 holds 67108865 bytes in outboxes at 1.000 s, and 67108864 are"));
  load.outbox_bytes = limits::outbox_bytes_max + 1;
  story.wait(60s);
  BOOST_TEST(story.checkers().find("bounds")->violation_count() == 2U);
}

BOOST_AUTO_TEST_CASE(each_bound_is_watched) {
  const std::vector<std::pair<std::size_t NodeLoad::*, std::size_t LoadLimits::*>> each = {
      {&NodeLoad::links, &LoadLimits::links},
      {&NodeLoad::parked_messages, &LoadLimits::parked_messages},
      {&NodeLoad::outbox_messages, &LoadLimits::outbox_messages},
      {&NodeLoad::outbox_bytes, &LoadLimits::outbox_bytes},
      {&NodeLoad::queued_messages, &LoadLimits::queued_messages},
      {&NodeLoad::queued_bytes, &LoadLimits::queued_bytes},
      {&NodeLoad::inflight, &LoadLimits::inflight}};
  for (const auto& [held, most] : each) {
    NodeLoad load{.node = 2};
    load.*held = 11;
    CheckerSettings settings = with_load(load);
    settings.load_limits.*most = 11;
    Story within(settings);
    within.wait(10s);
    BOOST_TEST(within.broken() == "");
    settings.load_limits.*most = 10;
    Story beyond(settings);
    beyond.wait(10s);
    BOOST_TEST(beyond.broken() == "bounds");
  }
}

BOOST_AUTO_TEST_CASE(something_left_over_is_caught) {
  for (const auto held : {&NodeLoad::parked_messages, &NodeLoad::outbox_messages,
                          &NodeLoad::queued_messages, &NodeLoad::inflight}) {
    NodeLoad load{.node = 2};
    load.*held = 3;
    Story story(with_load(load));
    story.finish();
    BOOST_TEST(story.broken() == "drained");
    BOOST_TEST(story.says("node 2 still holds 3 "));
    BOOST_TEST(story.says("at the end, 60.000 s"));
  }
}

BOOST_AUTO_TEST_CASE(what_waits_for_those_who_are_not_there_may_wait) {
  NodeLoad load{.node = 2,
                .outbox_messages = 3,
                .outbox_messages_for_absent = 3,
                .queued_messages = 4,
                .queued_messages_for_absent = 4};
  Story story(with_load(load));
  story.finish();
  BOOST_TEST(story.broken() == "");
}

BOOST_AUTO_TEST_CASE(a_publisher_left_without_an_answer_is_caught) {
  for (const int qos : {1, 2}) {
    Story story;
    story.connects(0, 0);
    story.publishes(0, "a", qos);
    story.sends(0, "a", qos);
    story.finish();
    BOOST_TEST(story.broken() == "drained");
    BOOST_TEST(story.says("message 2 ('a', QoS"));
    BOOST_TEST(story.says("of client 0 at node 0"));
    BOOST_TEST(story.says("is still not acknowledged at the end"));
  }
}

BOOST_AUTO_TEST_CASE(a_release_left_without_an_answer_is_caught) {
  Story story;
  story.connects(0, 0);
  story.publishes(0, "a", 2);
  story.records(story.sends(0, "a", 2));
  story.finish();
  BOOST_TEST(story.broken() == "drained");
  BOOST_TEST(story.says("is still not completed"));
}

BOOST_AUTO_TEST_SUITE_END()

// --- secrecy

BOOST_AUTO_TEST_SUITE(sim_checkers_secrecy)

Story with_topics() {
  Story story;
  story.connects(0, 0);
  story.subscribes(0, "$share/g/garden/pump/#");
  story.sends(0, "home/lamp", 0);
  story.sends(0, "kitch", 0);
  return story;
}

BOOST_AUTO_TEST_CASE(ciphertext_is_left_alone) {
  Story story = with_topics();
  std::string bytes;
  for (unsigned i = 0; i < 1'000; ++i) bytes.push_back(static_cast<char>(i * 167U + (i >> 3U)));
  for (std::size_t length = 0; length < bytes.size(); ++length)
    story.datagram(0, 1, std::string_view(bytes).substr(0, length));
  BOOST_TEST(story.broken() == "");
  BOOST_TEST(story.seen("secrecy") == 1'000U);
}

/// Wherever it stands, to the last byte.
BOOST_AUTO_TEST_CASE(a_topic_in_clear_is_caught_at_every_place) {
  for (const std::string pattern : {"home/lamp", "garden/pump", "SIMPAYLOAD"}) {
    for (std::size_t before = 0; before < 12; ++before) {
      for (std::size_t behind = 0; behind < 6; ++behind) {
        Story story = with_topics();
        story.datagram(2, 1, std::string(before, '.') + pattern + std::string(behind, '.'));
        BOOST_TEST(story.broken() == "secrecy", before << " before, " << behind << " behind");
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_sentence_names_who_sent_what_to_whom) {
  Story story = with_topics();
  story.wait(5s);
  story.datagram(2, no_node, "...home/lamp...");
  BOOST_TEST(story.says("secrecy: node 2 sent the topic 'home/lamp' in clear to a stranger in a "
                        "datagram of 15 bytes at 5.006 s"),
             story.said());
  Story other = with_topics();
  other.datagram(0, 1, "SIMPAYLOAD");
  BOOST_TEST(other.says("node 0 sent a payload in clear to node 1"));
}

BOOST_AUTO_TEST_CASE(part_of_a_topic_and_short_ones_are_no_leak) {
  Story story = with_topics();
  story.datagram(0, 1, "..home/lam..kitch..arden/pump..SIMPAYLOA");
  BOOST_TEST(story.broken() == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::sim::test
