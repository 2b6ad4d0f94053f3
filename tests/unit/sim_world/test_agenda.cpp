// Agenda: what happens next, on which host's clocks, and in which order.
#include <boost/test/unit_test.hpp>
#include <map>
#include <string>

#include "tests/unit/sim_world/world_parts.hpp"

namespace starling::sim {
namespace {

using namespace std::chrono_literals;

struct AgendaFixture : test::Parts {
  std::string story;
  HostNumber host = agenda.add_host({});

  [[nodiscard]] Agenda::Task say(std::string word) {
    return [this, word = std::move(word)] { story += word; };
  }
  [[nodiscard]] TimePoint in(Duration span) const { return agenda.now() + span; }
};

BOOST_FIXTURE_TEST_SUITE(sim_agenda, AgendaFixture)

BOOST_AUTO_TEST_CASE(tasks_run_by_time_and_then_as_they_were_asked_for) {
  agenda.add(in(3s), 0, say("d"));
  agenda.add(in(1s), 0, say("a"));
  agenda.add(in(2s), 0, say("b"));
  agenda.add(in(2s), 0, say("c"));
  run_for(10s);
  BOOST_TEST(story == "abcd");
  BOOST_TEST((passed() == 10s));
}

BOOST_AUTO_TEST_CASE(time_past_is_now) {
  run_for(5s);
  Duration at{};
  agenda.add(Agenda::beginning, 0, [&] { at = passed(); });
  run_for(1s);
  BOOST_TEST((at == 5s));
}

// Against a plain map: thousands of entries, a third cancelled, more asked for while it runs.
BOOST_AUTO_TEST_CASE(a_thousand_tasks_and_cancellations_agree_with_a_plain_map) {
  Random dice(7);
  std::multimap<TimePoint, int> expected;
  std::vector<int> seen;
  std::vector<std::pair<WakeId, std::multimap<TimePoint, int>::iterator>> open;
  for (int i = 0; i < 3'000; ++i) {
    const TimePoint when = in(std::chrono::milliseconds{dice.below(500)});
    open.emplace_back(agenda.add(when, 0, [&seen, i] { seen.push_back(i); }),
                      expected.emplace(when, i));
    if (dice.below(3) != 0) continue;
    const std::size_t victim = dice.below(open.size());
    agenda.cancel(open[victim].first);
    agenda.cancel(open[victim].first);  // again: nothing
    expected.erase(open[victim].second);
    open.erase(open.begin() + static_cast<std::ptrdiff_t>(victim));
  }
  run_for(1s);
  std::vector<int> wanted;
  for (const auto& [when, number] : expected) wanted.push_back(number);
  BOOST_TEST(seen == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_task_may_cancel_others_and_itself) {
  WakeId second{};
  WakeId first{};
  first = agenda.add(in(1s), 0, [&] {
    story += "1";
    agenda.cancel(first);
    agenda.cancel(second);
  });
  second = agenda.add(in(1s), 0, say("2"));
  agenda.add(in(1s), 0, say("3"));
  run_for(2s);
  BOOST_TEST(story == "13");
}

BOOST_AUTO_TEST_CASE(an_old_wake_id_cancels_nobody_else) {
  const WakeId old = agenda.add(in(1s), 0, say("old"));
  agenda.cancel(old);
  agenda.add(in(1s), 0, say("new"));  // in the same place
  agenda.cancel(old);
  run_for(2s);
  BOOST_TEST(story == "new");
}

BOOST_AUTO_TEST_CASE(the_end_of_a_process_drops_its_tasks_and_no_others) {
  const ProcessNumber mine = agenda.begin_process(host);
  const ProcessNumber other = agenda.begin_process(host);
  agenda.add(in(1s), mine, say("mine"));
  agenda.add(in(1s), other, say("other"));
  agenda.add(in(2s), 0, [&] {
    agenda.inside(mine, [&] {
      agenda.at_turn_end(mine, say("turn"));
      agenda.at_turn_commit(mine, say("commit"));
    });
    agenda.end_process(mine);
  });
  agenda.add(in(3s), mine, say("late"));
  run_for(500ms);
  BOOST_TEST(story == "");
  run_for(10s);
  BOOST_TEST(story == "mineother");
  BOOST_TEST(!agenda.is_alive(mine));
  BOOST_TEST(agenda.is_alive(other));
}

BOOST_AUTO_TEST_CASE(what_a_dying_task_owned_may_ask_for_more) {
  const ProcessNumber mine = agenda.begin_process(host);
  struct Owned {
    Agenda& agenda;
    std::string& story;
    ~Owned() {
      agenda.add(agenda.now() + 1s, 0, [&story = story] { story += "bye"; });
    }
  };
  agenda.add(in(1s), mine,
             [owned = std::make_shared<Owned>(agenda, story)] { owned->story += "never"; });
  agenda.pause(host);
  run_for(2s);
  agenda.end_process(mine);
  agenda.resume(host);
  run_for(5s);
  BOOST_TEST(story == "bye");
}

BOOST_AUTO_TEST_CASE(a_paused_host_does_everything_later_in_its_order) {
  const ProcessNumber mine = agenda.begin_process(host);
  agenda.add(in(3s), mine, say("c"));  // due when the host goes on, and asked for first
  agenda.add(in(1s), mine, say("a"));
  agenda.add(in(2s), mine, say("b"));
  const WakeId cancelled = agenda.add(in(2s), mine, say("x"));
  agenda.add(in(1500ms), 0, say("world "));
  agenda.add(in(4s), mine, say("d"));
  agenda.pause(host);
  agenda.add(in(2500ms), 0, [&] { agenda.cancel(cancelled); });
  agenda.add(in(2900ms), 0, say("on "));
  run_for(2999ms);
  BOOST_TEST(story == "world on ");
  agenda.add(in(1ms), 0, [&] { agenda.resume(host); });
  run_for(1s);
  BOOST_TEST(story == "world on abc");
  run_for(1s);
  BOOST_TEST(story == "world on abcd");
}

BOOST_AUTO_TEST_CASE(a_host_may_be_paused_again_before_it_has_caught_up) {
  const ProcessNumber mine = agenda.begin_process(host);
  agenda.add(in(1s), mine, [&] {
    story += "a";
    agenda.pause(host);
  });
  agenda.add(in(1s), mine, say("b"));
  run_for(2s);
  BOOST_TEST(story == "a");
  agenda.resume(host);
  agenda.pause(host);
  run_for(1s);
  BOOST_TEST(story == "a");
  agenda.resume(host);
  run_for(1ns);
  BOOST_TEST(story == "ab");
}

BOOST_AUTO_TEST_CASE(a_slow_host_takes_its_time_for_each_task_in_their_order) {
  const ProcessNumber mine = agenda.begin_process(host);
  std::vector<std::pair<char, Duration>> done;
  const auto note = [&](char name) {
    return [this, &done, name] { done.emplace_back(name, passed()); };
  };
  agenda.set_task_time(host, 10ms);
  agenda.add(in(20ms), mine, note('c'));  // due when the second could run, and asked for first
  agenda.add(in(10ms), mine, note('a'));
  agenda.add(in(11ms), mine, note('b'));
  agenda.add(in(12ms), 0, note('w'));  // the world is not slow
  agenda.add(in(21ms), mine, note('d'));
  run_for(1s);
  const std::vector<std::pair<char, Duration>> wanted = {
      {'a', 10ms}, {'w', 12ms}, {'b', 20ms}, {'c', 30ms}, {'d', 40ms}};
  BOOST_TEST((done == wanted));

  // It is fast again: what waits runs as soon as the present task is done.
  done.clear();
  agenda.add(in(1ms), mine, note('e'));
  agenda.add(in(1ms), mine, note('f'));
  agenda.add(in(1ms), mine, note('g'));
  agenda.add(in(5ms), 0, [&] { agenda.set_task_time(host, {}); });
  run_for(1s);
  const std::vector<std::pair<char, Duration>> then = {{'e', 1001ms}, {'f', 1011ms}, {'g', 1011ms}};
  BOOST_TEST((done == then));
}

BOOST_AUTO_TEST_CASE(the_end_of_the_turn_comes_before_the_commit_and_before_anything_else) {
  const ProcessNumber mine = agenda.begin_process(host);
  agenda.add(in(1s), mine, [&] {
    story += "task ";
    agenda.at_turn_commit(mine, [&] {
      story += "commit ";
      agenda.at_turn_end(mine, say("after "));
    });
    agenda.at_turn_end(mine, [&] {
      story += "end ";
      agenda.at_turn_end(mine, say("end2 "));
    });
  });
  agenda.add(in(1s), mine, say("next"));
  run_for(2s);
  BOOST_TEST(story == "task end end2 commit after next");
}

BOOST_AUTO_TEST_CASE(a_drifting_clock_never_wakes_early_and_never_a_nanosecond_more_than_needed) {
  for (const double drift : {100e-6, -100e-6, 0.01, -0.01, 3e-9, 0.0}) {
    const HostNumber odd = agenda.add_host({1234567h, {}, drift});
    for (const Duration span : {1ns, 7ns, 999'999'937ns, Duration{3600s}, Duration{240h + 1ns}}) {
      const TimePoint local = agenda.to_local(odd, Agenda::beginning) + span;
      const TimePoint world = agenda.to_world(odd, local);
      BOOST_TEST((agenda.to_local(odd, world) >= local));
      BOOST_TEST((agenda.to_local(odd, world - 2ns) < local));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_scheduler_shows_its_hosts_clocks_and_wakes_by_them) {
  const HostNumber odd = agenda.add_host({5h, -90s, 0.01});
  SimScheduler scheduler(agenda, odd);
  SimScheduler right(agenda, host);
  const TimePoint begun = scheduler.now();
  BOOST_TEST((begun == Agenda::beginning + 5h));
  BOOST_TEST(right.unix_now() - scheduler.unix_now() == 90);
  Duration woken{};
  std::chrono::steady_clock::time_point standard;
  scheduler.wake_at(begun + 101s, [&] {
    woken = passed();
    standard = std::chrono::steady_clock::now();
  });
  run_for(200s);
  BOOST_TEST((woken >= 100s && woken < 100s + 2ns));
  // Code that asks the standard clocks by itself sees the same.
  BOOST_TEST((standard.time_since_epoch() >= (begun + 101s).time_since_epoch()));
  BOOST_TEST((scheduler.now() == begun + 202s));
  BOOST_TEST(scheduler.unix_now() - right.unix_now() == 2 - 90);
  agenda.set_clock_error(odd, 1h);
  BOOST_TEST(scheduler.unix_now() - right.unix_now() == 3'602);
}

BOOST_AUTO_TEST_CASE(the_end_of_a_scheduler_is_the_end_of_its_tasks) {
  auto scheduler = std::make_unique<SimScheduler>(agenda, host);
  scheduler->wake_at(scheduler->now() + 1s, say("never"));
  scheduler.reset();
  run_for(2s);
  BOOST_TEST(story == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::sim
