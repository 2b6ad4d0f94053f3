#include <boost/test/unit_test.hpp>

#include "src/control/control_limits.hpp"
#include "src/control/control_server.hpp"
#include "tests/support/fake_stream.hpp"
#include "tests/support/virtual_scheduler.hpp"

using namespace starling;
using namespace starling::control;
using starling::test::FakeStream;
using starling::test::StreamView;

namespace {

using namespace std::chrono_literals;

/// A server whose answers are given by the test, or at once: "done 1", "done 2", ...
struct Desk {
  VirtualScheduler scheduler;
  bool at_once = true;
  std::vector<ControlRequest> asked;
  std::vector<ControlServer::Reply> replies;
  ControlServer server{scheduler,
                       [this](const ControlRequest& request, ControlServer::Reply reply) {
                         asked.push_back(request);
                         if (at_once) return reply("done " + std::to_string(asked.size()));
                         replies.push_back(std::move(reply));
                       }};

  std::shared_ptr<StreamView> connect() {
    auto view = std::make_shared<StreamView>();
    server.add(std::make_unique<FakeStream>(view));
    return view;
  }
};

void say(const std::shared_ptr<StreamView>& view, std::string_view text) {
  view->handler->on_bytes(as_bytes(text));
}
std::string heard(const std::shared_ptr<StreamView>& view) {
  const Bytes bytes = view->sent();
  return std::string(as_text(bytes));
}

const std::string ask_status = "{\"request\":\"status\"}\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(control_server)

BOOST_FIXTURE_TEST_CASE(a_line_is_answered_with_a_line_and_the_next_one_too, Desk) {
  const auto view = connect();
  say(view, ask_status);
  BOOST_TEST(heard(view) == "done 1\n");
  say(view, "{\"request\":\"doctor\",\"checks\":[\"dht\"]}\n");
  BOOST_TEST(heard(view) == "done 2\n");
  BOOST_TEST((asked.at(1) == ControlRequest{RequestKind::doctor, {"dht"}}));
  BOOST_TEST(!view->closing);
}

BOOST_FIXTURE_TEST_CASE(a_request_may_come_in_pieces, Desk) {
  const auto view = connect();
  for (const char c : ask_status) {
    BOOST_TEST(asked.empty());
    say(view, std::string_view(&c, 1));
  }
  BOOST_TEST(heard(view) == "done 1\n");
}

BOOST_FIXTURE_TEST_CASE(several_requests_at_once_are_answered_one_after_the_other, Desk) {
  at_once = false;
  const auto view = connect();
  say(view, ask_status + ask_status + "{\"request\":");
  BOOST_TEST(asked.size() == 1U);
  replies.at(0)("first");
  BOOST_TEST(heard(view) == "first\n");
  BOOST_TEST(asked.size() == 2U);
  replies.at(1)("second");
  BOOST_TEST(heard(view) == "second\n");
  say(view, "\"status\"}\n");
  BOOST_TEST(asked.size() == 3U);
}

BOOST_FIXTURE_TEST_CASE(nonsense_is_answered_and_the_connection_goes_on, Desk) {
  const auto view = connect();
  say(view, "hello\n");
  BOOST_TEST(heard(view)
             == "{\"schema\":1,\"error\":\"a request is one JSON object on one line\"}\n");
  say(view, ask_status);
  BOOST_TEST(heard(view) == "done 1\n");
}

BOOST_FIXTURE_TEST_CASE(a_line_without_end_is_refused_before_it_fills_memory, Desk) {
  const auto view = connect();
  say(view, std::string(request_bytes_max, ' '));
  BOOST_TEST(!view->closing);
  say(view, " ");
  BOOST_TEST(heard(view) == "{\"schema\":1,\"error\":\"a request has at most 4096 bytes\"}\n");
  BOOST_TEST(view->closing);
  say(view, "\n" + ask_status);
  BOOST_TEST(asked.empty());
}

BOOST_FIXTURE_TEST_CASE(a_line_that_is_too_long_is_refused_with_its_end_too, Desk) {
  const auto view = connect();
  say(view, std::string(request_bytes_max + 1, ' ') + "\n");
  BOOST_TEST(view->closing);
  BOOST_TEST(asked.empty());
}

BOOST_FIXTURE_TEST_CASE(who_reads_nothing_gets_no_further_answers, Desk) {
  const auto view = connect();
  say(view, ask_status);
  view->congested = true;
  say(view, ask_status + ask_status);
  BOOST_TEST(asked.size() == 1U);
  view->congested = false;
  view->handler->on_writable();
  BOOST_TEST(asked.size() == 3U);
  BOOST_TEST(heard(view) == "done 1\ndone 2\ndone 3\n");
}

BOOST_FIXTURE_TEST_CASE(who_asks_nothing_is_let_go_and_who_waits_for_us_is_not, Desk) {
  const auto silent = connect();
  const auto waiting = connect();
  at_once = false;
  say(waiting, ask_status);
  scheduler.run_for(idle_max - 1s);
  BOOST_TEST(!silent->closing);
  scheduler.run_for(2s);
  BOOST_TEST(silent->closing);
  silent->handler->on_closed("closed here");
  BOOST_TEST(silent->destroyed);
  scheduler.run_for(10min);
  BOOST_TEST(!waiting->closing);
  replies.at(0)("at last");
  BOOST_TEST(heard(waiting) == "at last\n");
  scheduler.run_for(idle_max);
  BOOST_TEST(waiting->closing);
}

BOOST_FIXTURE_TEST_CASE(half_a_request_does_not_keep_a_connection_alive, Desk) {
  const auto view = connect();
  for (int i = 0; i < 31; ++i) {
    say(view, " ");
    scheduler.run_for(1s);
  }
  BOOST_TEST(view->closing);
}

BOOST_FIXTURE_TEST_CASE(there_are_only_so_many_connections, Desk) {
  std::vector<std::shared_ptr<StreamView>> views;
  for (std::size_t i = 0; i < connections_max; ++i) views.push_back(connect());
  const auto refused = connect();
  BOOST_TEST(heard(refused) == "{\"schema\":1,\"error\":\"too many ask at once: at most 32\"}\n");
  BOOST_TEST(refused->closing);
  BOOST_TEST(server.connections() == connections_max);
  views.front()->handler->on_closed("");
  BOOST_TEST(views.front()->destroyed);
  const auto next = connect();
  say(next, ask_status);
  BOOST_TEST(heard(next) == "done 1\n");
}

BOOST_FIXTURE_TEST_CASE(an_answer_for_who_has_gone_is_dropped, Desk) {
  at_once = false;
  const auto view = connect();
  say(view, ask_status);
  view->handler->on_closed("");
  BOOST_TEST(server.connections() == 0U);
  replies.at(0)("nobody hears it");
  BOOST_TEST(scheduler.waiting() == 0U);
}

BOOST_AUTO_TEST_CASE(an_answer_may_come_when_the_server_has_gone) {
  ControlServer::Reply reply;
  const auto view = std::make_shared<StreamView>();
  VirtualScheduler scheduler;
  {
    ControlServer server(scheduler, [&](const ControlRequest&, ControlServer::Reply later) {
      reply = std::move(later);
    });
    server.add(std::make_unique<FakeStream>(view));
    say(view, ask_status);
  }
  BOOST_TEST(view->destroyed);
  reply("nobody hears it");
  BOOST_TEST(scheduler.waiting() == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_second_answer_to_one_request_is_dropped, Desk) {
  at_once = false;
  const auto view = connect();
  say(view, ask_status);
  replies.at(0)("once");
  replies.at(0)("twice");
  BOOST_TEST(heard(view) == "once\n");
}

BOOST_AUTO_TEST_SUITE_END()
