#include <algorithm>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "starling/limits.hpp"

#include "src/uv/socket_address.hpp"
#include "src/uv/uv_inbox.hpp"
#include "tests/unit/uv/loop_fixture.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;

BOOST_FIXTURE_TEST_SUITE(uv_stream, PairFixture)

BOOST_AUTO_TEST_CASE(bytes_cross_in_both_directions) {
  client->send("ping");
  server->when_bytes = [&] { server->send("pong"); };
  client->when_bytes = [&] { loop.stop(); };
  run();
  BOOST_TEST(server->received == "ping");
  BOOST_TEST(client->received == "pong");
}

BOOST_AUTO_TEST_CASE(both_ends_know_who_they_are) {
  BOOST_TEST((client->stream->peer_endpoint() == server->stream->local_endpoint()));
  BOOST_TEST((client->stream->local_endpoint() == server->stream->peer_endpoint()));
  BOOST_TEST(client->stream->local_endpoint().is_loopback());
}

BOOST_AUTO_TEST_CASE(all_that_was_appended_in_a_turn_arrives_together_and_in_order) {
  int reads = 0;
  std::string expected;
  server->when_bytes = [&] {
    ++reads;
    if (server->received.size() == expected.size()) loop.stop();
  };
  loop.scheduler().wake_at(loop.now(), [&] {
    for (int i = 0; i < 1'000; ++i) {
      const std::string part = std::to_string(i) + ",";
      expected += part;
      client->send(part);
    }
    const SharedBytes shared{as_bytes(std::string(OutputBuffer::share_from, 'S'))};
    client->stream->output().append(shared);
    client->stream->flush_soon();
    expected += as_text(shared.view());
  });
  run();
  BOOST_TEST((server->received == expected));
  BOOST_TEST(reads == 1);  // one write, hence (on loopback) one read
}

BOOST_AUTO_TEST_CASE(small_output_waits_for_the_end_of_the_turn_and_much_output_does_not) {
  client->send("small");
  BOOST_TEST(client->stream->output().size() == 5U);
  client->send(std::string(limits::early_flush_size, 'x'));
  BOOST_TEST(client->stream->output().empty());
}

BOOST_AUTO_TEST_CASE(many_megabytes_arrive_unharmed_through_a_slow_reader,
                     *boost::unit_test::label("MQTT-7.1.1-1")
                         * boost::unit_test::label("MQTT5-4.2-1")) {
  std::string expected;
  for (std::uint32_t i = 0; expected.size() < 24U << 20U; ++i) expected += std::to_string(i) + ' ';
  server->stream->pause_reading();
  // Mixed pieces: copied ones and shared ones.
  std::size_t at = 0;
  for (std::size_t size = 1; at < expected.size(); size = size * 7 % 100'003) {
    const std::size_t part = std::min(size, expected.size() - at);
    client->stream->output().append(SharedBytes{as_bytes(expected).subspan(at, part)});
    client->stream->flush_soon();
    at += part;
  }
  BOOST_TEST(client->stream->write_is_congested());
  client->when_writable = [&] { BOOST_TEST(!client->stream->write_is_congested()); };
  server->when_bytes = [&] {
    if (server->received.size() >= expected.size()) loop.stop();
  };
  loop.scheduler().wake_at(loop.now() + 5ms, [&] {
    BOOST_TEST(server->received.empty());
    BOOST_TEST(client->writable == 0);
    server->stream->resume_reading();
  });
  run();
  BOOST_TEST((server->received == expected));
  BOOST_TEST(client->writable == 1);
}

BOOST_AUTO_TEST_CASE(a_writer_that_obeys_the_marks_is_called_back_each_time) {
  const std::string block(300'000, 'b');
  const std::size_t total = 60'000'000;
  std::size_t sent = 0;
  const auto fill = [&] {
    while (sent < total && !client->stream->write_is_congested()) {
      client->send(block);
      sent += block.size();
    }
  };
  client->when_writable = fill;
  std::size_t got = 0;
  server->when_bytes = [&] {
    got += server->received.size();
    server->received.clear();
    if (got >= total) loop.stop();
  };
  fill();
  run();
  BOOST_TEST(got == total);
}

BOOST_AUTO_TEST_CASE(who_sends_without_end_gets_his_part_of_a_turn) {
  // The kernel keeps megabytes for a TCP reader that is used to many.
  std::unique_ptr<Recorder> reader;
  UvListener listener(loop, loopback_v4, [&](std::unique_ptr<ByteStream> stream) {
    reader = std::make_unique<Recorder>(std::move(stream));
    loop.stop();
  });
  const UniqueFd theirs{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(listener.local_endpoint().port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  BOOST_REQUIRE(::connect(theirs.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address)
                == 0);
  run();
  const std::string block(1U << 20U, 'x');
  constexpr std::size_t blocks = 64;
  std::thread writer([&] {
    for (std::size_t i = 0; i < blocks; ++i)
      for (std::size_t sent = 0; sent < block.size();) {
        const ssize_t part = ::write(theirs.get(), block.data() + sent, block.size() - sent);
        if (part <= 0) return;
        sent += static_cast<std::size_t>(part);
      }
  });
  std::size_t total = 0;
  std::size_t in_turn = 0;
  std::size_t most = 0;
  reader->when_bytes = [&] {
    if (in_turn == 0)
      loop.at_turn_end([&] {
        most = std::max(most, in_turn);
        in_turn = 0;
      });
    in_turn += reader->received.size();
    total += reader->received.size();
    reader->received.clear();
    if (total == blocks * block.size()) loop.stop();
  };
  run();
  writer.join();
  BOOST_TEST(most <= 4 * limits::read_scratch_size);
}

BOOST_AUTO_TEST_CASE(close_sends_what_is_left_before_it_closes) {
  const std::string text(20U << 20U, 'x');
  client->send(text);
  client->stream->close();
  int ends = 0;
  client->when_closed = server->when_closed = [&] {
    if (++ends == 2) loop.stop();
  };
  run();
  BOOST_TEST((server->received == text));
  BOOST_TEST(server->why.empty());
  BOOST_TEST(client->why == "closed here");
}

BOOST_AUTO_TEST_CASE(a_stream_destroyed_right_after_close_still_sends_everything) {
  const std::string text(20U << 20U, 'x');
  client->send(text);
  client->stream->close();
  client->stream.reset();
  server->when_closed = [&] { loop.stop(); };
  run();
  BOOST_TEST((server->received == text));
  BOOST_TEST(server->why.empty());
  BOOST_TEST(client->closed == 0);
}

BOOST_AUTO_TEST_CASE(what_is_sent_before_close_arrives_although_input_is_left_unread) {
  // Without waiting for the peer's end the kernel would answer unread input with a reset.
  client->stream->pause_reading();
  server->send(std::string(100'000, 'u'));
  server->when_closed = [&] { loop.stop(); };
  loop.scheduler().wake_at(loop.now() + 3ms, [&] {
    client->send("last words");
    client->stream->close();
    client->when_closed = [&] { client->stream.reset(); };
  });
  run();
  BOOST_TEST(server->received == "last words");
  BOOST_TEST(server->why.empty());
}

BOOST_AUTO_TEST_CASE(close_gives_up_on_a_peer_that_takes_nothing) {
  loop.set_close_flush_max(30ms);
  server->stream->pause_reading();
  client->send(std::string(64U << 20U, 'x'));
  client->stream->close();
  const TimePoint start = loop.now();
  client->when_closed = [&] { loop.stop(); };
  run();
  BOOST_TEST((loop.now() - start >= 30ms));
  BOOST_TEST(client->why.find("bytes unsent") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(closing_twice_tells_once) {
  client->stream->close();
  client->stream->close();
  server->when_closed = [&] { loop.stop(); };
  run();
  loop.scheduler().wake_at(loop.now() + 3ms, [&] { loop.stop(); });
  run();
  BOOST_TEST(client->closed == 1);
  BOOST_TEST(server->closed == 1);
}

BOOST_AUTO_TEST_CASE(a_stream_may_be_destroyed_inside_each_of_its_callbacks) {
  server->when_bytes = [&] { server->stream.reset(); };
  client->when_closed = [&] {
    client->stream.reset();
    loop.stop();
  };
  client->send("one");
  run();
  BOOST_TEST(server->received == "one");
  BOOST_TEST(server->closed == 0);
}

BOOST_AUTO_TEST_CASE(a_stream_may_be_destroyed_from_on_writable_and_with_a_write_under_way) {
  server->stream->pause_reading();
  client->send(std::string(limits::connection_output_max * 4, 'x'));
  BOOST_TEST(client->stream->write_is_congested());
  client->when_writable = [&] {
    client->stream.reset();
    loop.stop();
  };
  server->stream->resume_reading();
  run();
}

BOOST_AUTO_TEST_CASE(dropping_a_stream_with_unsent_output_resets_the_connection) {
  server->stream->pause_reading();
  client->send(std::string(64U << 20U, 'x'));
  loop.scheduler().wake_at(loop.now() + 2ms, [&] {
    client->stream.reset();
    server->stream->resume_reading();
  });
  server->when_closed = [&] { loop.stop(); };
  run();
  BOOST_TEST(server->why == "connection reset by peer");
  BOOST_TEST(client->closed == 0);
}

BOOST_AUTO_TEST_CASE(a_peer_that_shuts_its_side_still_gets_the_answer_under_way) {
  // As `printf ... | nc` does: a question, then the end, and only then it reads.
  const std::string answer(12U << 20U, 'a');
  const UniqueFd peer{::socket(AF_INET, SOCK_STREAM, 0)};
  std::unique_ptr<Recorder> accepted;
  bool peer_is_done = false;
  UvListener listener(loop, loopback_v4, [&](std::unique_ptr<ByteStream> stream) {
    accepted = std::make_unique<Recorder>(std::move(stream));
    accepted->when_bytes = [&] { accepted->send(answer); };
    accepted->when_closed = [&] { accepted->stream.reset(); };
  });
  const SocketAddress to{listener.local_endpoint()};
  BOOST_REQUIRE(::connect(peer.get(), to.get(), to.size()) == 0);
  BOOST_REQUIRE(::write(peer.get(), "question", 8) == 8);
  ::shutdown(peer.get(), SHUT_WR);
  run_until([&] { return accepted && accepted->closed == 1; });
  BOOST_TEST(accepted->why.empty());
  std::size_t got = 0;
  const UvInbox inbox(loop);
  std::thread reader([&, done = inbox.poster()] {
    std::vector<char> buffer(1U << 20U);
    for (;;) {
      const ssize_t count = ::read(peer.get(), buffer.data(), buffer.size());
      if (count <= 0) break;
      got += static_cast<std::size_t>(count);
    }
    done.post([&] { peer_is_done = true; });
  });
  run_until([&] { return peer_is_done; });
  reader.join();
  BOOST_TEST(got == answer.size());
}

BOOST_AUTO_TEST_CASE(writing_to_a_peer_that_is_gone_ends_with_one_reason) {
  // The peer resets while we write: whatever the kernel calls it, on_closed comes once.
  server->stream.reset();
  std::function<void()> write = [&] {
    if (client->closed > 0) return;
    client->send("more");
    loop.scheduler().wake_at(loop.now() + 1ms, write);
  };
  client->when_closed = [&] { loop.stop(); };
  write();
  run();
  BOOST_TEST(client->closed == 1);
}

BOOST_AUTO_TEST_CASE(a_broken_connection_is_noticed_by_writing_while_reading_is_paused) {
  client->stream->pause_reading();
  server->stream.reset();
  std::function<void()> write = [&] {
    if (client->closed > 0) return;
    client->send("more");
    loop.scheduler().wake_at(loop.now() + 1ms, write);
  };
  client->when_closed = [&] { loop.stop(); };
  write();
  run();
  BOOST_TEST(!client->why.empty());
}

BOOST_AUTO_TEST_CASE(what_is_appended_after_the_end_is_dropped) {
  server->stream->close();
  client->when_closed = [&] { loop.stop(); };
  run();
  client->send(std::string(1U << 20U, 'x'));
  BOOST_TEST(client->stream->output().empty());
  BOOST_TEST(!client->stream->write_is_congested());
}

BOOST_AUTO_TEST_CASE(paused_reading_holds_bytes_back_until_resumed) {
  client->stream->pause_reading();
  server->send("held");
  loop.scheduler().wake_at(loop.now() + 3ms, [&] {
    BOOST_TEST(client->received.empty());
    client->stream->resume_reading();
  });
  client->when_bytes = [&] { loop.stop(); };
  run();
  BOOST_TEST(client->received == "held");
}

BOOST_AUTO_TEST_CASE(pausing_inside_on_bytes_stops_at_once) {
  std::size_t at_pause = 0;
  client->when_bytes = [&] {
    client->stream->pause_reading();
    BOOST_TEST(at_pause == 0U);
    at_pause = client->received.size();
  };
  server->send(std::string(8U << 20U, 'x'));
  loop.scheduler().wake_at(loop.now() + 5ms, [&] { loop.stop(); });
  run();
  BOOST_TEST(client->received.size() == at_pause);
}

BOOST_AUTO_TEST_CASE(a_stream_that_still_closes_does_not_outlive_its_loop) {
  server->stream->pause_reading();
  client->send(std::string(1U << 20U, 'x'));
  client->stream->close();
  client->when_closed = [&] {
    client->stream.reset();
    loop.stop();
  };
  server->stream->resume_reading();
  run();  // the client's socket now waits for the server's end, which never comes
}

BOOST_AUTO_TEST_SUITE_END()
