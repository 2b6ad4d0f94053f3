// qos1, qos2, order, filter, loops and isolation: each keeps a good story and catches its mutant.
#include <boost/test/unit_test.hpp>

#include "tests/unit/sim_checkers/story.hpp"

namespace starling::sim::test {
namespace {

BOOST_AUTO_TEST_SUITE(sim_checkers_delivery)

/// Client 0 publishes at node 0, client 1 reads at the same node, client 2 at another one.
Story with_readers(std::string_view filter = "home/#", int qos = 2, bool keeps = false) {
  Story story;
  story.links(0, 1);
  story.connects(0, 0);
  story.connects(1, 0, keeps);
  story.connects(2, 1, keeps);
  story.subscribes(1, filter, qos);
  story.subscribes(2, filter, qos);
  story.wait(40s);
  return story;
}

void deliver(Story& story, MessageNumber number) {
  story.gets(1, number);
  story.gets(2, number);
}

BOOST_AUTO_TEST_CASE(a_good_story_breaks_nothing_and_is_seen) {
  Story story = with_readers();
  for (const int qos : {0, 1, 2})
    for (int i = 0; i < 3; ++i) deliver(story, story.publishes(0, "home/lamp", qos));
  story.finish();
  BOOST_TEST(story.broken() == "", story.said());
  BOOST_TEST(story.seen("qos1") == 6U);
  BOOST_TEST(story.seen("qos2") == 6U);
  BOOST_TEST(story.seen("order") == 12U);
  BOOST_TEST(story.seen("filter") == 18U);
  BOOST_TEST(story.seen("loops") == 12U);
  BOOST_TEST(story.seen("isolation") == 9U);
}

// --- qos1

BOOST_AUTO_TEST_CASE(a_lost_message_is_caught) {
  Story story = with_readers();
  story.gets(2, story.publishes(0, "home/lamp"));
  story.finish();
  BOOST_TEST(story.broken() == "qos1");
  BOOST_TEST(
      story.said()
      == "qos1: message 1 ('home/lamp', QoS 1, of client 0 at node 0, published at 40.009 s), "
         "acknowledged at 40.010 s, never came to client 1 at node 0, which has held 'home/#' since "
         "0.006 s\n");
}

BOOST_AUTO_TEST_CASE(a_message_lost_between_nodes_is_caught) {
  Story story = with_readers();
  story.gets(1, story.publishes(0, "home/lamp"));
  story.finish();
  BOOST_TEST(story.broken() == "qos1");
  BOOST_TEST(story.says("message 1"));
  BOOST_TEST(story.says("never came to client 2 at node 1"));
}

BOOST_AUTO_TEST_CASE(what_was_not_acknowledged_is_not_owed) {
  Story story = with_readers();
  story.sends(0, "home/lamp");
  story.leaves(0, false);
  story.finish();
  BOOST_TEST(story.broken() == "");
}

BOOST_AUTO_TEST_CASE(qos_0_and_what_was_asked_for_with_qos_0_is_not_owed) {
  Story story = with_readers("home/#", 0);
  story.publishes(0, "home/lamp", 0);
  story.publishes(0, "home/lamp", 1);
  story.finish();
  BOOST_TEST(story.broken() == "");
}

BOOST_AUTO_TEST_CASE(at_its_node_a_subscription_counts_from_suback_elsewhere_when_it_has_settled) {
  Story story;
  story.links(0, 1);
  story.connects(0, 0);
  story.connects(1, 0);
  story.connects(2, 1);
  story.wait(40s);
  story.asks(1, "a/b");
  story.asks(2, "a/b");
  story.publishes(0, "a/b");  // before SUBACK
  story.subscribes(1, "a/b");
  story.subscribes(2, "a/b");
  const MessageNumber second = story.publishes(0, "a/b");
  story.finish();
  BOOST_TEST(story.broken() == "qos1");
  BOOST_TEST(story.says("message " + std::to_string(second)));
  BOOST_TEST(story.says("client 1"));
  BOOST_TEST(!story.says("client 2"));
}

BOOST_AUTO_TEST_CASE(whoever_gives_up_its_filter_or_session_is_owed_nothing) {
  Story story = with_readers();
  story.publishes(0, "home/lamp");
  story.unsubscribes(1, "home/#");
  story.leaves(2);
  story.connects(2, 1);
  story.subscribes(2, "home/#");
  story.finish();
  BOOST_TEST(story.broken() == "", story.said());
}

BOOST_AUTO_TEST_CASE(a_session_that_is_kept_is_owed_what_came_while_it_was_away) {
  for (const bool comes : {true, false}) {
    Story story = with_readers("home/#", 1, true);
    story.leaves(1, false);
    story.leaves(2, false);
    story.wait(100s);
    const MessageNumber number = story.publishes(0, "home/lamp");
    story.connects(1, 0, true, true);
    story.connects(2, 1, true, true);
    if (comes) deliver(story, number);
    story.finish();
    BOOST_TEST(story.broken() == (comes ? "" : "qos1"));
    BOOST_TEST(story.checkers().find("qos1")->violation_count() == (comes ? 0U : 2U));
    if (!comes) BOOST_TEST(story.says("in a session that is kept"));
  }
}

BOOST_AUTO_TEST_CASE(a_client_that_never_comes_back_is_owed_nothing) {
  Story story = with_readers("home/#", 1, true);
  story.leaves(1, false);
  story.leaves(2, false);
  story.publishes(0, "home/lamp");
  story.finish();
  BOOST_TEST(story.broken() == "");
}

BOOST_AUTO_TEST_CASE(a_lost_session_is_caught_unless_the_client_began_anew) {
  for (const bool clean_start : {false, true}) {
    Story story = with_readers("home/#", 1, true);
    story.leaves(1, false);
    story.ends(0);
    story.starts(0);
    story.connects(1, 0, true, false, clean_start);
    story.finish();
    BOOST_TEST(story.broken() == (clean_start ? "" : "qos1"));
    BOOST_TEST(story.says("client 1 came back to node 0") == !clean_start);
  }
}

BOOST_AUTO_TEST_CASE(what_a_node_acknowledged_outlives_it_in_sessions_of_its_own) {
  Story story = with_readers("home/#", 1, true);
  story.leaves(1, false);
  story.wait(1s);
  story.publishes(0, "home/lamp");
  story.ends(0);
  story.leaves(0, false);
  story.wait(5s);
  story.starts(0);
  story.connects(1, 0, true, true);
  story.finish();
  // The other node's reader is owed nothing: outboxes are not on disk.
  BOOST_TEST(story.broken() == "qos1");
  BOOST_TEST(story.checkers().find("qos1")->violation_count() == 1U);
  BOOST_TEST(story.says("never came to client 1"));
}

BOOST_AUTO_TEST_CASE(with_outboxes_on_disk_the_origins_end_excuses_nothing) {
  for (const bool on_disk : {false, true}) {
    CheckerSettings settings = one_mesh();
    settings.promises.outboxes_on_disk = on_disk;
    Story story(settings);
    story.links(0, 1);
    story.connects(0, 0);
    story.connects(2, 1);
    story.subscribes(2, "a");
    story.wait(40s);
    story.publishes(0, "a");
    story.ends(0);
    story.leaves(0, false);
    story.starts(0);
    story.finish();
    BOOST_TEST(story.broken() == (on_disk ? "qos1" : ""));
    BOOST_TEST(story.checkers().find("qos1")->not_promised().empty() == on_disk);
  }
}

BOOST_AUTO_TEST_CASE(a_durable_interest_outlives_its_node_and_a_live_one_does_not) {
  for (const bool keeps : {true, false}) {
    Story story = with_readers("home/#", 1, keeps);
    story.unlinks(0, 1);
    story.ends(1);
    story.leaves(2, false);
    story.wait(5min);
    story.gets(1, story.publishes(0, "home/lamp"));
    story.starts(1);
    story.links(0, 1);
    story.connects(2, 1, keeps, keeps);
    if (!keeps) story.subscribes(2, "home/#");
    story.finish();
    BOOST_TEST(story.broken() == (keeps ? "qos1" : ""), story.said());
  }
}

/// A partition: what a peer is known to want waits for it, what it wants may be forgotten after 15 s.
BOOST_AUTO_TEST_CASE(during_a_partition_messages_for_known_peers_are_owed) {
  Story story = with_readers("home/#", 1);
  story.fault("partition");
  const MessageNumber before = story.publishes(0, "home/lamp");
  story.gets(1, before);
  story.wait(15s);
  story.unlinks(0, 1);
  story.wait(5s);
  const MessageNumber known = story.publishes(0, "home/lamp");
  story.gets(1, known);
  story.wait(15s);
  const MessageNumber unknown = story.publishes(0, "home/lamp");
  story.gets(1, unknown);
  story.wait(60s);
  story.heal("partition");
  story.links(1, 0);
  story.finish();
  BOOST_TEST(story.broken() == "qos1");
  BOOST_TEST(story.checkers().find("qos1")->violation_count() == 2U);
  BOOST_TEST(story.says("message " + std::to_string(before)));
  BOOST_TEST(story.says("message " + std::to_string(known)));
}

BOOST_AUTO_TEST_CASE(after_ten_minutes_an_outbox_for_live_interests_may_be_given_up) {
  for (const auto length : {9min, 11min}) {
    Story story = with_readers("home/#", 1);
    story.fault("partition");
    story.unlinks(0, 1);
    story.gets(1, story.publishes(0, "home/lamp"));
    story.wait(length);
    story.heal("partition");
    story.links(0, 1);
    story.finish();
    BOOST_TEST(story.broken() == (length == 9min ? "qos1" : ""));
  }
}

BOOST_AUTO_TEST_CASE(nodes_without_a_link_must_find_each_other_while_no_fault_is_on) {
  for (const bool faulty : {false, true}) {
    Story story;
    story.connects(0, 0);
    story.connects(2, 1);
    story.subscribes(2, "a");
    story.wait(40s);
    if (faulty) story.fault("loss 20 %");
    story.publishes(0, "a");
    story.finish();
    BOOST_TEST(story.broken() == (faulty ? "" : "qos1"));
  }
}

BOOST_AUTO_TEST_CASE(what_does_not_cross_is_not_owed) {
  CheckerSettings settings;
  settings.nodes = {shares("home", {"home/#"}), shares("home", {"home/#"}), shares("office")};
  Story story(settings);
  story.connects(0, 0);
  story.connects(1, 1);
  story.connects(2, 2);
  story.subscribes(1, "#");
  story.subscribes(2, "#");
  story.wait(40s);
  story.publishes(0, "garden/pump");
  story.gets(1, story.publishes(0, "home/lamp"));
  story.finish();
  BOOST_TEST(story.broken() == "", story.said());
}

BOOST_AUTO_TEST_CASE(a_message_of_qos_2_rests_with_its_publisher_until_it_is_completed) {
  for (const bool completed : {false, true}) {
    Story story = with_readers("home/#", 2);
    const MessageNumber number = story.sends(0, "home/lamp", 2);
    if (completed) {
      story.acknowledges(number);
    } else {
      story.records(number);
    }
    story.leaves(0, false);
    story.finish();
    BOOST_TEST(story.broken() == (completed ? "qos2" : ""));
  }
}

// --- qos2

BOOST_AUTO_TEST_CASE(a_lost_message_of_qos_2_is_caught) {
  Story story = with_readers();
  story.gets(1, story.publishes(0, "home/lamp", 2));
  story.finish();
  BOOST_TEST(story.broken() == "qos2");
  BOOST_TEST(story.says("never came to client 2 at node 1"));
}

BOOST_AUTO_TEST_CASE(a_second_copy_of_qos_2_is_caught_and_a_repeated_packet_is_none) {
  Story story = with_readers();
  const MessageNumber number = story.publishes(0, "home/lamp", 2);
  deliver(story, number);
  story.gets(1, number, {.dup = true, .repeated = true});
  BOOST_TEST(story.broken() == "");
  story.gets(2, number);
  BOOST_TEST(story.broken() == "qos2");
  BOOST_TEST(
      story.says("message 1 ('home/lamp', QoS 2, of client 0 at node 0, published at 40.009 "
                 "s) came to client 2 at node 1 at 40.015 s for the second time"));
}

BOOST_AUTO_TEST_CASE(a_node_that_was_started_anew_may_be_sent_again_what_it_had) {
  for (const bool on_disk : {false, true}) {
    CheckerSettings settings = one_mesh();
    settings.promises.outboxes_on_disk = on_disk;
    Story story(settings);
    story.links(0, 1);
    story.connects(0, 0);
    story.connects(2, 1, true);
    story.subscribes(2, "a", 2);
    story.wait(40s);
    const MessageNumber number = story.publishes(0, "a", 2);
    story.gets(2, number);
    story.ends(1);
    story.leaves(2, false);
    story.starts(1);
    story.connects(2, 1, true, true);
    story.gets(2, number);
    story.finish();
    BOOST_TEST(story.broken() == (on_disk ? "qos2" : ""));
  }
}

// --- order

BOOST_AUTO_TEST_CASE(swapped_messages_are_caught) {
  for (const int qos : {0, 1, 2}) {
    Story story = with_readers();
    const MessageNumber first = story.publishes(0, "home/lamp", qos);
    const MessageNumber second = story.publishes(0, "home/lamp", qos);
    story.gets(1, first);
    story.gets(1, second);
    story.gets(2, second);
    story.gets(2, first);
    story.finish();
    BOOST_TEST(story.broken() == "order");
    BOOST_TEST(story.says("message 1"));
    BOOST_TEST(story.says("came to client 2 at node 1"));
    BOOST_TEST(story.says("behind a later one: message 2"));
  }
}

BOOST_AUTO_TEST_CASE(other_topics_qualities_and_publishers_have_no_common_order) {
  Story story = with_readers();
  story.connects(3, 0);
  const MessageNumber a = story.publishes(0, "home/lamp", 1);
  const MessageNumber b = story.publishes(0, "home/pump", 1);
  const MessageNumber c = story.publishes(0, "home/lamp", 2);
  const MessageNumber d = story.publishes(3, "home/lamp", 1);
  for (const MessageNumber number : {d, c, b, a}) deliver(story, number);
  story.finish();
  BOOST_TEST(story.broken() == "", story.said());
}

BOOST_AUTO_TEST_CASE(a_repetition_may_come_behind_what_followed) {
  Story story = with_readers("home/#", 1, true);
  const MessageNumber first = story.publishes(0, "home/lamp");
  const MessageNumber second = story.publishes(0, "home/lamp");
  deliver(story, first);
  deliver(story, second);
  story.leaves(1, false);
  story.connects(1, 0, true, true);
  story.gets(1, first, {.dup = true});
  story.gets(1, second, {.dup = true});
  story.finish();
  BOOST_TEST(story.broken() == "", story.said());
}

// --- filter

BOOST_AUTO_TEST_CASE(a_stray_delivery_is_caught) {
  Story story = with_readers("home/+");
  story.gets(1, story.publishes(0, "garden/pump", 0));
  BOOST_TEST(story.broken() == "filter");
  BOOST_TEST(story.says("message 1"));
  BOOST_TEST(story.says("came to client 1 at node 0 at 40.010 s, which holds no filter"));
}

BOOST_AUTO_TEST_CASE(a_delivery_may_come_before_suback) {
  Story story;
  story.connects(0, 0);
  story.asks(0, "a");
  story.gets(0, story.publishes(0, "a", 0));
  BOOST_TEST(story.broken() == "");
}

BOOST_AUTO_TEST_CASE(after_unsuback_only_comes_what_was_taken_before) {
  Story story = with_readers();
  const MessageNumber before = story.publishes(0, "home/lamp", 1);
  const MessageNumber best_effort = story.publishes(0, "home/lamp", 0);
  story.unsubscribes(1, "home/#");
  story.gets(1, before);
  BOOST_TEST(story.broken() == "");
  story.gets(1, best_effort);
  BOOST_TEST(story.broken() == "filter");
  BOOST_TEST(story.says("which has given up 'home/#' at 40.013 s"));
}

BOOST_AUTO_TEST_CASE(after_unsuback_nothing_new_comes) {
  Story story = with_readers();
  story.unsubscribes(1, "home/#");
  story.gets(1, story.publishes(0, "home/lamp", 1));
  BOOST_TEST(story.broken() == "filter");
}

BOOST_AUTO_TEST_CASE(a_message_under_another_name_is_caught) {
  Story story = with_readers();
  story.gets_as(1, story.publishes(0, "home/lamp", 0), "home/pump", {}, 0);
  BOOST_TEST(story.broken() == "filter");
  BOOST_TEST(story.says("as 'home/pump'"));
}

BOOST_AUTO_TEST_CASE(a_new_session_has_no_old_filters) {
  Story story = with_readers();
  story.leaves(1);
  story.connects(1, 0);
  story.gets(1, story.publishes(0, "home/lamp", 0));
  BOOST_TEST(story.broken() == "filter");
}

// --- loops

BOOST_AUTO_TEST_CASE(qos_0_twice_is_caught) {
  Story story = with_readers();
  const MessageNumber number = story.publishes(0, "home/lamp", 0);
  deliver(story, number);
  story.gets(2, number);
  BOOST_TEST(story.broken() == "loops");
  BOOST_TEST(story.says("message 1"));
  BOOST_TEST(
      story.says("came to client 2 at node 1 at 40.012 s with QoS 0: copy number 2, where 1"));
}

BOOST_AUTO_TEST_CASE(a_loop_of_qos_1_is_caught_and_a_lost_link_is_no_reason_for_it) {
  Story story = with_readers();
  const MessageNumber number = story.publishes(0, "home/lamp", 1);
  deliver(story, number);
  story.unlinks(0, 1);
  story.links(0, 1);
  story.gets(2, number);
  BOOST_TEST(story.broken() == "loops");
}

BOOST_AUTO_TEST_CASE(a_repetition_needs_a_reason_each) {
  Story story = with_readers("home/#", 1, true);
  const MessageNumber number = story.publishes(0, "home/lamp", 1);
  deliver(story, number);
  story.leaves(1, false);
  story.connects(1, 0, true, true);
  story.gets(1, number, {.dup = true});
  BOOST_TEST(story.broken() == "", story.said());
  story.gets(1, number, {.dup = true});
  BOOST_TEST(story.broken() == "loops");
  BOOST_TEST(story.says("copy number 3, where 2 can be accounted for"));
}

BOOST_AUTO_TEST_CASE(a_publisher_may_repeat_until_it_is_acknowledged) {
  for (const bool acknowledged : {false, true}) {
    Story story = with_readers("home/#", 1);
    const MessageNumber number = story.sends(0, "home/lamp", 1);
    if (acknowledged) story.acknowledges(number);
    deliver(story, number);
    story.leaves(0, false);
    story.connects(0, 0);
    deliver(story, number);
    BOOST_TEST(story.broken() == (acknowledged ? "loops" : ""));
  }
}

BOOST_AUTO_TEST_CASE(a_shared_group_beside_an_own_subscription_makes_two_copies) {
  Story story;
  story.connects(0, 0);
  story.subscribes(0, "a");
  story.subscribes(0, "$share/g/a");
  const MessageNumber number = story.publishes(0, "a", 0);
  story.gets(0, number);
  story.gets(0, number);
  BOOST_TEST(story.broken() == "");
  story.gets(0, number);
  BOOST_TEST(story.broken() == "loops");
}

// --- isolation

BOOST_AUTO_TEST_CASE(a_message_in_a_foreign_mesh_is_caught) {
  CheckerSettings settings;
  settings.nodes = {shares("home"), shares("office")};
  Story story(settings, 2);
  story.connects(0, 0);
  story.connects(1, 1);
  story.subscribes(1, "#", 0);
  story.gets(1, story.publishes(0, "home/lamp", 0));
  BOOST_TEST(story.broken() == "isolation");
  BOOST_TEST(story.says("message 1"));
  BOOST_TEST(story.says("came to client 1 at node 1"));
  BOOST_TEST(story.says("no mesh of nodes 0 and 1 lets it cross"));
}

BOOST_AUTO_TEST_CASE(rules_are_asked_at_both_ends_and_for_their_direction) {
  CheckerSettings settings;
  settings.nodes = {{MeshSharing{"m", {"out/#"}, {"in/#"}}}, {MeshSharing{"m", {"in/#"}, {"#"}}}};
  Story story(settings, 2);
  story.connects(0, 0);
  story.connects(1, 1);
  story.subscribes(0, "#", 0);
  story.subscribes(1, "#", 0);
  story.gets(1, story.publishes(0, "out/x", 0));
  story.gets(0, story.publishes(1, "in/x", 0));
  BOOST_TEST(story.broken() == "");
  story.gets(1, story.publishes(0, "in/x", 0));
  BOOST_TEST(story.broken() == "isolation");
}

BOOST_AUTO_TEST_CASE(dollar_topics_never_cross) {
  Story story;
  story.connects(0, 0);
  story.connects(1, 1);
  story.subscribes(1, "$x/#", 0);
  story.gets(1, story.publishes(0, "$x/y", 0));
  BOOST_TEST(story.broken() == "isolation");
}

// --- Hostile nodes and bounded memory

BOOST_AUTO_TEST_CASE(of_a_hostile_node_only_its_border_is_watched) {
  CheckerSettings settings = one_mesh();
  settings.nodes[2] = shares("office");
  for (const bool hostile : {false, true}) {
    Story story(settings);
    if (hostile) story.distrusts(0);
    story.links(0, 1);
    story.connects(0, 0);
    story.connects(1, 1);
    story.connects(2, 2);
    story.subscribes(1, "a");
    story.wait(40s);
    story.publishes(0, "a");                                 // lost
    const MessageNumber early = story.publishes(0, "a", 0);  // swapped and repeated
    const MessageNumber late = story.publishes(0, "a", 0);
    for (const MessageNumber number : {late, early, late}) story.gets(1, number);
    story.finish();
    BOOST_TEST(story.broken() == (hostile ? "" : "qos1 order loops"));
    story.subscribes(2, "a");
    story.gets(2, late);
    BOOST_TEST(story.broken() == (hostile ? "isolation" : "qos1 order loops isolation"));
  }
}

BOOST_AUTO_TEST_CASE(among_others_a_hostile_node_excuses_nothing) {
  Story story = with_readers();
  story.distrusts(2);
  story.gets(1, story.publishes(0, "home/lamp"));
  story.finish();
  BOOST_TEST(story.broken() == "qos1");
}

BOOST_AUTO_TEST_CASE(what_is_forgotten_is_not_judged) {
  CheckerSettings settings = one_mesh();
  settings.messages_remembered_max = 10;
  Story story(settings);
  story.connects(0, 0);
  story.subscribes(0, "a");
  const MessageNumber lost = story.publishes(0, "a");
  const MessageNumber twice = story.publishes(0, "a");
  story.gets(0, twice);
  for (int i = 0; i < 10; ++i) story.gets(0, story.publishes(0, "a"));
  story.gets(0, twice);
  story.finish();
  BOOST_TEST(story.broken() == "", story.said());
  (void)lost;
}

BOOST_AUTO_TEST_CASE(what_cannot_be_followed_is_said) {
  CheckerSettings settings = one_mesh();
  settings.owed_remembered_max = 3;
  Story story(settings);
  story.connects(0, 0);
  story.subscribes(0, "a");
  for (int i = 0; i < 5; ++i) story.publishes(0, "a");
  story.finish();
  BOOST_TEST(story.checkers().find("qos1")->violation_count() == 3U);
  BOOST_TEST(story.checkers().find("qos1")->not_promised().find("not all were watched")
             != std::string_view::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::sim::test
