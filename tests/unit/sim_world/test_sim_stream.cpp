// SimStream: connections as TCP makes them: in order, with back-pressure, ends and resets.
#include <boost/test/unit_test.hpp>

#include "starling/limits.hpp"

#include "tests/unit/sim_world/world_parts.hpp"

namespace starling::sim {
namespace {

using namespace std::chrono_literals;
using test::Connected;
using test::End;

/// Numbers, so that a gap or a swap shows.
std::string numbers(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) text += std::to_string(i) + ' ';
  return text;
}

struct StreamFixture : test::Parts {
  StreamFixture() { network.set_default_path(path); }
  PathQuality path = [] {
    PathQuality made;
    made.latency_min = made.latency_max = 20ms;
    return made;
  }();
  HostNumber a = add_host();
  HostNumber b = add_host();
};

BOOST_FIXTURE_TEST_SUITE(sim_stream, StreamFixture)

// --- How they begin

BOOST_AUTO_TEST_CASE(a_dial_takes_a_round_trip_and_both_ends_know_who_they_are) {
  Connected pair(*this, a, b);
  pair.dial();
  BOOST_TEST(pair.dials_done == 0);  // never from inside
  run_for(1s);
  BOOST_REQUIRE(pair.client);
  BOOST_REQUIRE(pair.server);
  BOOST_TEST((pair.dialled_at >= 40ms && pair.dialled_at <= 44ms));
  BOOST_TEST((pair.client->stream->local_endpoint() == pair.server->stream->peer_endpoint()));
  BOOST_TEST((pair.client->stream->peer_endpoint() == pair.server->stream->local_endpoint()));
  BOOST_TEST((pair.client->stream->local_endpoint().address == network.address(a).address));
}

BOOST_AUTO_TEST_CASE(a_port_without_listener_refuses) {
  Connected pair(*this, a, b);
  streams.stop_listening(b, Connected::port);
  pair.dial();
  run_for(1s);
  BOOST_TEST(pair.error == "connection refused");
  BOOST_TEST((pair.dialled_at >= 40ms && pair.dialled_at <= 44ms));
}

BOOST_AUTO_TEST_CASE(nobody_there_a_cut_and_a_closed_router_time_out_once) {
  const SiteNumber home = network.add_site(internet, {});
  const HostNumber inner = add_host(home);
  network.cut({b}, {a});  // the answer does not come back
  Connected pair(*this, a, b);
  for (const Endpoint& to : {network.address(b), Endpoint::v4({111, 255, 7, 250}, 0),
                             network.address(inner), network.router(home).outside()}) {
    pair.dials_done = 0;
    pair.error.clear();
    const Duration begun = passed();
    pair.dial_at(to);
    run_for(60s);
    BOOST_TEST(pair.dials_done == 1);
    BOOST_TEST(pair.error == "connection timed out");
    BOOST_TEST((pair.dialled_at - begun == limits::dial_timeout));
  }
}

BOOST_AUTO_TEST_CASE(a_dial_gets_through_when_a_short_cut_is_mended) {
  Connected pair(*this, a, b);
  const CutId cut = network.cut({a}, {b});
  pair.dial();
  run_for(500ms);
  network.mend(cut);
  run_for(2s);
  BOOST_TEST(pair.client != nullptr);
  BOOST_TEST((pair.dialled_at >= 1040ms));  // the second try, a second later
}

BOOST_AUTO_TEST_CASE(a_device_at_home_needs_no_network_but_power) {
  Connected pair(*this, a, a);
  network.cut({a}, {a, b});
  streams.dial_at_home(pair.client_side->process(), a, Connected::port, pair.on_done());
  run_for(10ms);
  BOOST_REQUIRE(pair.client);
  pair.client->write("hello");
  run_for(1ms);
  BOOST_TEST(pair.server->text == "hello");
  pair.client.reset();
  network.set_power(a, false);
  streams.dial_at_home(pair.client_side->process(), a, Connected::port, pair.on_done());
  run_for(60s);
  BOOST_TEST(pair.error == "connection timed out");
}

BOOST_AUTO_TEST_CASE(a_home_dials_out_through_its_router_and_is_dialled_at_a_mapped_port) {
  const SiteNumber home = network.add_site(internet, {});
  const HostNumber inner = add_host(home);
  Connected out(*this, inner, b);
  out.up();
  BOOST_REQUIRE(out.server);
  BOOST_TEST(
      (out.server->stream->peer_endpoint().address == network.router(home).outside().address));
  out.server->write("welcome");
  run_for(1s);
  BOOST_TEST(out.client->text == "welcome");

  Connected in(*this, a, inner);
  Endpoint door = network.address(inner);
  door.port = Connected::port;
  BOOST_TEST(network.router(home).map_port(Transport::tcp, Connected::port, door));
  in.dial_at(network.router(home).outside());
  run_for(1s);
  BOOST_TEST(in.client != nullptr);
}

BOOST_AUTO_TEST_CASE(a_dialler_that_dies_meanwhile_is_known_to_be_gone) {
  Connected pair(*this, a, b);
  pair.dial();
  run_for(30ms);  // the listener has it
  BOOST_REQUIRE(pair.server);
  pair.client_side.reset();
  run_for(1s);
  BOOST_TEST(pair.server->closed.size() == 1);
}

// --- What they carry

BOOST_AUTO_TEST_CASE(bytes_come_in_order_and_all_of_them) {
  path.jitter = 10ms;
  network.set_default_path(path);
  Connected pair(*this, a, b);
  pair.up();
  for (int i = 0; i < 300; ++i) {
    pair.client->write(numbers(i * 10, i * 10 + 10));
    pair.server->write(numbers(i, i + 1));
    run_for(1ms);
  }
  run_for(1s);
  BOOST_TEST(pair.server->text == numbers(0, 3'000));
  BOOST_TEST(pair.client->text == numbers(0, 300));
}

BOOST_AUTO_TEST_CASE(a_turns_bytes_leave_as_one) {
  Connected pair(*this, a, b);
  pair.up();
  std::size_t sent = 0;
  streams.set_on_sent([&](HostNumber from, HostNumber to, std::size_t size) {
    BOOST_TEST((from == a && to == b));
    BOOST_TEST(size == 6);
    ++sent;
  });
  pair.client->write("one");
  pair.client->write("two");
  run_for(1s);
  BOOST_TEST(sent == 1);
  BOOST_TEST(pair.server->text == "onetwo");
}

BOOST_AUTO_TEST_CASE(loss_delays_and_loses_nothing) {
  const auto time_for = [&](double loss) {
    path.loss = loss;
    network.set_default_path(path);
    Connected pair(*this, a, b);
    pair.up();
    BOOST_REQUIRE(pair.client);
    Duration last{};
    pair.server->on_heard = [&] { last = passed(); };
    const Duration begun = passed();
    for (int i = 0; i < 200; ++i) {
      pair.client->write(numbers(i, i + 1));
      run_for(1ms);
    }
    run_for(120s);
    BOOST_TEST(pair.server->text == numbers(0, 200));
    return last - begun;
  };
  const Duration without = time_for(0);
  const Duration with = time_for(0.2);
  BOOST_TEST((with > without + 150ms));
}

BOOST_AUTO_TEST_CASE(a_reader_that_pauses_holds_the_writer_up_until_it_goes_on) {
  Connected pair(*this, a, b);
  pair.up();
  pair.server->stream->pause_reading();
  const std::string block(64 * 1'024, 'x');
  std::size_t written = 0;
  while (!pair.client->stream->write_is_congested() && written < (64U << 20U)) {
    pair.client->write(block);
    written += block.size();
    run_for(10ms);
  }
  BOOST_TEST((written >= limits::connection_output_max && written < (16U << 20U)));
  run_for(10s);
  BOOST_TEST(pair.server->text.empty());
  BOOST_TEST(pair.client->writable == 0);
  pair.server->stream->resume_reading();
  run_for(30s);
  BOOST_TEST(pair.server->text.size() == written);
  BOOST_TEST(pair.client->writable == 1);
  BOOST_TEST(!pair.client->stream->write_is_congested());
}

BOOST_AUTO_TEST_CASE(a_line_bounds_what_a_stream_carries) {
  network.set_line(a, {.up_bytes_per_s = 100'000, .down_bytes_per_s = 0, .queue_max = 300ms});
  Connected pair(*this, a, b);
  pair.up();
  const Duration begun = passed();
  Duration last{};
  pair.server->on_heard = [&] { last = passed(); };
  for (int i = 0; i < 50; ++i) {
    pair.client->write(std::string(10'000, 'x'));
    run_for(100ms);
  }
  run_for(60s);
  BOOST_TEST(pair.server->text.size() == 500'000);
  BOOST_TEST((last - begun >= 4900ms));
}

// --- How they end

BOOST_AUTO_TEST_CASE(close_delivers_the_rest_and_both_ends_hear_of_an_orderly_end) {
  Connected pair(*this, a, b);
  pair.up();
  pair.client->write(numbers(0, 1'000));
  pair.client->stream->close();
  pair.server->write("too late for a reader who has left");
  run_for(10s);
  BOOST_TEST(pair.server->text == numbers(0, 1'000));
  BOOST_TEST(pair.client->text == "");
  BOOST_TEST(pair.server->closed == std::vector<std::string>{""}, boost::test_tools::per_element());
  BOOST_TEST(pair.client->closed == std::vector<std::string>{""}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_was_written_before_close_leaves_though_its_stream_is_gone) {
  Connected pair(*this, a, b);
  pair.up();
  pair.client->write("last words");
  pair.client->stream->close();
  pair.client.reset();
  run_for(1s);
  BOOST_TEST(pair.server->text == "last words");
  BOOST_TEST(pair.server->closed == std::vector<std::string>{""}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_destroyed_stream_is_a_reset_at_its_peer) {
  Connected pair(*this, a, b);
  pair.up();
  pair.client.reset();
  run_for(1s);
  BOOST_TEST(pair.server->closed == std::vector<std::string>{"connection reset by peer"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_killed_process_is_a_reset_and_its_tasks_are_gone) {
  Connected pair(*this, a, b);
  pair.up();
  pair.server->write("on its way to nobody");
  pair.client.reset();  // as its memory goes, and then the process
  pair.client_side.reset();
  run_for(1s);
  BOOST_TEST(pair.server->closed == std::vector<std::string>{"connection reset by peer"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_unplugged_host_is_silence_until_it_is_back_and_knows_nothing) {
  Connected pair(*this, a, b);
  pair.up();
  network.set_power(a, false);
  pair.client.reset();
  pair.client_side.reset();
  pair.server->write("are you there?");
  run_for(60s);
  BOOST_TEST(pair.server->closed.empty());
  network.set_power(a, true);
  run_for(61s);  // the next repetition comes within a minute
  BOOST_TEST(pair.server->closed == std::vector<std::string>{"connection reset by peer"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(
    whoever_hears_nothing_for_a_quarter_of_an_hour_gives_up_and_the_other_end_learns_it) {
  Connected pair(*this, a, b);
  pair.up();
  const CutId cut = network.cut({a}, {b});
  pair.client->write("hello?");
  run_for(14min);
  BOOST_TEST(pair.client->closed.empty());
  run_for(4min);
  BOOST_TEST(pair.client->closed == std::vector<std::string>{"connection timed out"},
             boost::test_tools::per_element());
  network.mend(cut);
  pair.server->write("hello!");
  run_for(1s);
  BOOST_TEST(pair.server->closed == std::vector<std::string>{"connection reset by peer"},
             boost::test_tools::per_element());
}

// --- Cuts

BOOST_AUTO_TEST_CASE(a_cut_delays_and_nothing_is_lost_or_overtaken) {
  for (const bool both_ways : {true, false}) {
    Connected pair(*this, a, b);
    pair.up();
    int written = 0;
    const auto write_for = [&](Duration span) {
      const Duration until = passed() + span;
      while (passed() < until) {
        pair.client->write(numbers(written, written + 1));
        ++written;
        run_for(3ms);
      }
    };
    write_for(100ms);
    // So short that some arrive in it, and some behind it, of what was under way.
    CutId cut = network.cut({a}, {b});
    write_for(10ms);
    network.mend(cut);
    write_for(100ms);
    cut = network.cut({a}, {b});
    const CutId back = both_ways ? network.cut({b}, {a}) : CutId{};
    write_for(500ms);
    const std::size_t before = pair.server->text.size();
    write_for(2s);
    BOOST_TEST(pair.server->text.size() == before);
    network.mend(cut);
    network.mend(back);
    run_for(10s);
    BOOST_TEST(pair.server->text == numbers(0, written));
    BOOST_TEST(pair.client->closed.empty());
  }
}

BOOST_AUTO_TEST_CASE(an_end_that_is_lost_in_a_cut_comes_after_it_and_after_everything_else) {
  Connected pair(*this, a, b);
  pair.up();
  pair.client->write("last words");
  pair.client->stream->close();
  run_for(1ms);
  const CutId cut = network.cut({a}, {b});
  run_for(3s);
  BOOST_TEST(pair.server->closed.empty());
  network.mend(cut);
  run_for(10s);
  BOOST_TEST(pair.server->text == "last words");
  BOOST_TEST(pair.server->closed == std::vector<std::string>{""}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_slow_and_a_paused_reader_still_hear_everything_in_order) {
  Connected pair(*this, a, b);
  pair.up();
  agenda.set_task_time(b, 7ms);
  int written = 0;
  const auto write = [&](int count) {
    for (int i = 0; i < count; ++i, ++written) {
      pair.client->write(numbers(written, written + 1));
      run_for(1ms);
    }
  };
  write(100);
  agenda.pause(b);
  write(100);
  agenda.resume(b);
  write(100);
  agenda.set_task_time(b, {});
  run_for(10s);
  BOOST_TEST(pair.server->text == numbers(0, written));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::sim
