// The machine that keeps a port mapped, with a router that answers as the test says.
#include <boost/test/unit_test.hpp>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/portmap/router_port_mapper.hpp"
#include "tests/support/null_log.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/virtual_scheduler.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;
using test::SeededRandom;
using Outcome = GatewayAnswer::Outcome;
using Verb = GatewayRequest::Verb;
using State = PortMapping::State;

constexpr std::uint16_t port = 21883;
const std::string router = "192.168.1.1";

/// Answers when the test lets it.
class FakeGateway final : public Gateway {
 public:
  void ask(const GatewayRequest& request, OnAnswer on_answer) override {
    asked.push_back(request);
    waiting_.push_back(std::move(on_answer));
  }
  void answer(GatewayAnswer answer) {
    BOOST_REQUIRE(!waiting_.empty());
    const OnAnswer next = std::move(waiting_.front());
    waiting_.pop_front();
    next(std::move(answer));
  }
  [[nodiscard]] bool is_asked() const { return !waiting_.empty(); }
  [[nodiscard]] const GatewayRequest& last() const { return asked.back(); }

  std::vector<GatewayRequest> asked;

 private:
  std::deque<OnAnswer> waiting_;
};

GatewayAnswer mapped(std::string_view external, std::chrono::seconds lease = 1h) {
  GatewayAnswer answer;
  answer.outcome = Outcome::mapped;
  answer.external = Endpoint::parse(external).value();
  answer.lease = lease;
  answer.gateway = "at " + router;
  answer.router = router;
  return answer;
}

GatewayAnswer other(Outcome outcome, std::string why = {}) {
  GatewayAnswer answer;
  answer.outcome = outcome;
  answer.why = std::move(why);
  if (outcome != Outcome::silent) {
    answer.gateway = "at " + router;
    answer.router = router;
  }
  return answer;
}

struct Fixture {
  explicit Fixture(std::vector<GatewayProtocol> protocols = {GatewayProtocol::nat_pmp,
                                                             GatewayProtocol::upnp})
      : mapper(std::move(protocols), gateway, scheduler, entropy, log) {}

  void keep() {
    mapper.keep(port, [this](const PortMapping& mapping) { told.push_back(mapping); });
  }
  void keep_mapped(std::string_view external = "5.5.5.5:21883", std::chrono::seconds lease = 1h) {
    keep();
    gateway.answer(mapped(external, lease));
  }
  void release() {
    mapper.release([this] { ++released; });
  }
  [[nodiscard]] State state() const { return mapper.mapping().state; }

  VirtualScheduler scheduler;
  SeededRandom entropy{1};
  RecordingLog log;
  FakeGateway gateway;
  RouterPortMapper mapper;
  std::vector<PortMapping> told;
  int released = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(router_port_mapper)

BOOST_FIXTURE_TEST_CASE(what_the_router_gives_is_told, Fixture) {
  keep();
  BOOST_TEST((state() == State::asking));
  BOOST_TEST((gateway.last().protocol == GatewayProtocol::nat_pmp));
  BOOST_TEST(gateway.last().internal_port == port);
  BOOST_TEST(gateway.last().external_port == port);
  BOOST_TEST(gateway.last().lease.count() == 3600);
  BOOST_TEST(gateway.last().gateway == "");
  gateway.answer(mapped("5.5.5.5:21883"));
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST((told[0].state == State::mapped));
  BOOST_TEST(told[0].external.to_text() == "5.5.5.5:21883");
  BOOST_TEST(told[0].by == "NAT-PMP on 192.168.1.1");
  BOOST_TEST(told[0].why == "");
  BOOST_TEST(log.count("port_mapped external=5.5.5.5:21883 port=21883 by=NAT-PMP on") == 1U);
}

BOOST_FIXTURE_TEST_CASE(it_is_renewed_at_half_the_lease_and_nothing_is_told, Fixture) {
  keep_mapped();
  scheduler.run_for(29min);
  BOOST_TEST(!gateway.is_asked());
  scheduler.run_for(1min);
  BOOST_REQUIRE(gateway.is_asked());
  BOOST_TEST(gateway.last().gateway == "at " + router);
  BOOST_TEST(gateway.last().external_port == port);
  gateway.answer(mapped("5.5.5.5:21883", 20min));
  BOOST_TEST(told.size() == 1U);
  scheduler.run_for(10min - 1s);
  BOOST_TEST(!gateway.is_asked());
  scheduler.run_for(1s);
  BOOST_TEST(gateway.is_asked());
}

BOOST_FIXTURE_TEST_CASE(a_mapping_for_ever_is_asked_for_again_all_the_same, Fixture) {
  keep_mapped("5.5.5.5:21883", 0s);
  scheduler.run_for(30min);
  BOOST_TEST(gateway.is_asked());
}

BOOST_FIXTURE_TEST_CASE(a_short_lease_does_not_make_a_storm, Fixture) {
  keep_mapped("5.5.5.5:21883", 1s);
  scheduler.run_for(29s);
  BOOST_TEST(!gateway.is_asked());
  scheduler.run_for(1s);
  BOOST_TEST(gateway.is_asked());
}

BOOST_FIXTURE_TEST_CASE(a_lease_above_what_was_wished_is_not_relied_upon, Fixture) {
  keep_mapped("5.5.5.5:21883", std::chrono::hours{100'000});
  scheduler.run_for(30min);
  BOOST_TEST(gateway.is_asked());
}

BOOST_FIXTURE_TEST_CASE(another_public_address_is_told, Fixture) {
  keep_mapped();
  scheduler.run_for(30min);
  gateway.answer(mapped("6.6.6.6:21883"));
  BOOST_REQUIRE(told.size() == 2U);
  BOOST_TEST(told[1].external.to_text() == "6.6.6.6:21883");
}

BOOST_FIXTURE_TEST_CASE(who_is_silent_is_followed_by_the_next_protocol, Fixture) {
  keep();
  gateway.answer(other(Outcome::silent));
  BOOST_TEST((gateway.last().protocol == GatewayProtocol::upnp));
  BOOST_TEST(told.empty());
  gateway.answer(mapped("5.5.5.5:21883"));
  BOOST_TEST(told.back().by == "UPnP on 192.168.1.1");
  scheduler.run_for(30min);
  BOOST_TEST((gateway.last().protocol == GatewayProtocol::upnp));
}

BOOST_FIXTURE_TEST_CASE(without_any_router_it_says_what_to_do_and_asks_less_and_less, Fixture) {
  keep();
  gateway.answer(other(Outcome::silent));
  gateway.answer(other(Outcome::silent));
  BOOST_TEST((state() == State::no_router));
  BOOST_TEST(told.back().why.find("no router answers to NAT-PMP or UPnP") == 0U);
  BOOST_TEST(told.back().why.find("port 21883 (TCP and UDP)") != std::string::npos);
  std::vector<int> minutes;
  for (int minute = 1; minute <= 300; ++minute) {
    scheduler.run_for(1min);
    if (!gateway.is_asked()) continue;
    minutes.push_back(minute);
    gateway.answer(other(Outcome::silent));
    gateway.answer(other(Outcome::silent));
  }
  BOOST_TEST(minutes == (std::vector<int>{1, 3, 7, 15, 31, 63, 123, 183, 243}),
             boost::test_tools::per_element());
  BOOST_TEST(told.size() == 1U);
  BOOST_TEST(log.lines.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_taken_port_is_followed_by_its_neighbour_and_explained, Fixture) {
  keep();
  gateway.answer(other(Outcome::conflict, "it is forwarded to 192.168.1.9:21883"));
  BOOST_TEST(gateway.last().external_port == port + 1);
  BOOST_TEST(gateway.last().internal_port == port);
  BOOST_TEST(gateway.last().gateway == "at " + router);
  gateway.answer(mapped("5.5.5.5:21884"));
  BOOST_TEST((state() == State::mapped));
  BOOST_TEST(told.back().external.port == port + 1);
  BOOST_TEST(told.back().why == "port 21883 is taken: it is forwarded to 192.168.1.9:21883");
  scheduler.run_for(30min);
  BOOST_TEST(gateway.last().external_port == port + 1);
  gateway.answer(mapped("5.5.5.5:21884"));
  BOOST_TEST(told.size() == 1U);  // with the same reason
}

BOOST_FIXTURE_TEST_CASE(a_router_that_takes_another_port_by_itself_is_believed, Fixture) {
  keep_mapped("5.5.5.5:40000");
  BOOST_TEST(told.back().external.port == 40'000);
  scheduler.run_for(30min);
  BOOST_TEST(gateway.last().external_port == 40'000);
}

BOOST_FIXTURE_TEST_CASE(after_five_taken_ports_the_next_protocol_is_asked, Fixture) {
  keep();
  for (int i = 0; i < 5; ++i) {
    BOOST_TEST((gateway.last().protocol == GatewayProtocol::nat_pmp));
    gateway.answer(other(Outcome::conflict, "number " + std::to_string(i)));
  }
  BOOST_TEST((gateway.last().protocol == GatewayProtocol::upnp));
  BOOST_TEST(gateway.last().external_port == port);
  BOOST_TEST(gateway.last().gateway == "");
  gateway.answer(other(Outcome::silent));
  BOOST_TEST((state() == State::refused));
  BOOST_TEST(told.back().why.find("NAT-PMP on 192.168.1.1 says: number 0.") == 0U);
}

BOOST_FIXTURE_TEST_CASE(who_refuses_is_quoted, Fixture) {
  keep();
  gateway.answer(other(Outcome::refused, "mapping ports is switched off"));
  gateway.answer(other(Outcome::failed, "Action Failed (501)"));
  BOOST_TEST((state() == State::refused));
  BOOST_TEST(told.back().why.find("NAT-PMP on 192.168.1.1 says: mapping ports is switched off; "
                                  "UPnP on 192.168.1.1 says: Action Failed (501).")
             == 0U);
  BOOST_TEST(log.count("port_not_mapped port=21883 text=NAT-PMP on") == 1U);
}

BOOST_FIXTURE_TEST_CASE(an_address_of_the_providers_network_is_no_public_one, Fixture) {
  for (const char* inner : {"100.64.0.2:21883", "192.168.0.2:21883", "0.0.0.0:21883"}) {
    Fixture one;
    one.keep_mapped(inner);
    BOOST_TEST((one.state() == State::not_public));
    BOOST_TEST(one.told.back().why.find("cannot be dialled from the Internet")
               != std::string::npos);
    one.scheduler.run_for(30min);
    BOOST_TEST(one.gateway.is_asked());  // kept all the same
  }
}

BOOST_FIXTURE_TEST_CASE(a_router_that_started_again_is_looked_for_at_once, Fixture) {
  keep_mapped();
  scheduler.run_for(30min);
  gateway.answer(other(Outcome::silent));
  BOOST_REQUIRE(gateway.is_asked());
  BOOST_TEST(gateway.last().gateway == "");
  BOOST_TEST((gateway.last().protocol == GatewayProtocol::nat_pmp));
  gateway.answer(mapped("5.5.5.5:21883"));
  BOOST_TEST(told.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_mapping_is_lost_only_when_its_lease_has_ended, Fixture) {
  keep_mapped();
  scheduler.run_for(30min);
  gateway.answer(other(Outcome::silent));
  for (int minute = 0; minute < 30; ++minute) {
    BOOST_TEST((state() == State::mapped));
    BOOST_REQUIRE(gateway.is_asked());
    gateway.answer(other(Outcome::failed, "Action Failed (501)"));
    scheduler.run_for(1min);
  }
  BOOST_REQUIRE(gateway.is_asked());
  gateway.answer(other(Outcome::failed, "Action Failed (501)"));
  BOOST_TEST((state() == State::asking));
  BOOST_TEST(told.back().why == "the router does not renew it: Action Failed (501)");
  BOOST_TEST(gateway.is_asked());  // a new round
  gateway.answer(mapped("5.5.5.5:21883"));
  BOOST_TEST((state() == State::mapped));
}

BOOST_FIXTURE_TEST_CASE(a_port_that_became_someone_elses_is_lost_at_once, Fixture) {
  keep_mapped();
  scheduler.run_for(30min);
  gateway.answer(other(Outcome::conflict, "it is forwarded to 192.168.1.9"));
  BOOST_TEST((told.back().state == State::asking));
  gateway.answer(other(Outcome::conflict, "it is forwarded to 192.168.1.9"));
  gateway.answer(mapped("5.5.5.5:21884"));
  BOOST_TEST(told.back().external.port == port + 1);
}

BOOST_FIXTURE_TEST_CASE(another_network_is_asked_at_once_and_the_old_mapping_doubted, Fixture) {
  keep_mapped();
  scheduler.run_for(10min);
  mapper.refresh();
  scheduler.run_for(0s);
  BOOST_REQUIRE(gateway.is_asked());
  BOOST_TEST(gateway.last().gateway == "");
  gateway.answer(other(Outcome::silent));
  BOOST_TEST((state() == State::asking));
  gateway.answer(other(Outcome::silent));
  gateway.answer(other(Outcome::silent));
  BOOST_TEST((state() == State::no_router));
}

BOOST_FIXTURE_TEST_CASE(many_changes_of_the_network_are_one_round_in_five_seconds, Fixture) {
  keep_mapped();
  scheduler.run_for(1min);
  for (int i = 0; i < 99; ++i) {
    mapper.refresh();
    scheduler.run_for(100ms);
    if (gateway.is_asked()) gateway.answer(mapped("5.5.5.5:21883"));
  }
  BOOST_TEST(gateway.asked.size() == 3U);  // the first, at once, after five seconds
}

BOOST_FIXTURE_TEST_CASE(a_change_while_the_router_is_asked_makes_it_ask_again, Fixture) {
  keep();
  mapper.refresh();
  scheduler.run_for(0s);
  BOOST_TEST(gateway.asked.size() == 1U);
  gateway.answer(other(Outcome::silent));
  BOOST_TEST(gateway.asked.size() == 2U);
  BOOST_TEST((gateway.last().protocol == GatewayProtocol::nat_pmp));
}

BOOST_FIXTURE_TEST_CASE(a_mapping_is_given_back, Fixture) {
  keep_mapped("5.5.5.5:21884");
  release();
  BOOST_REQUIRE((gateway.last().verb == Verb::remove));
  BOOST_TEST(gateway.last().external_port == 21'884);
  BOOST_TEST(gateway.last().internal_port == port);
  BOOST_TEST(released == 0);
  gateway.answer(other(Outcome::removed));
  BOOST_TEST(released == 1);
  BOOST_TEST((state() == State::off));
  BOOST_TEST(log.count("port_unmapped external=5.5.5.5:21884") == 1U);
  scheduler.run_for(2h);
  BOOST_TEST(released == 1);
  BOOST_TEST(!gateway.is_asked());
  BOOST_TEST(scheduler.waiting() == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_dead_router_holds_nobody_for_more_than_five_seconds, Fixture) {
  keep_mapped();
  release();
  scheduler.run_for(4999ms);
  BOOST_TEST(released == 0);
  scheduler.run_for(1ms);
  BOOST_TEST(released == 1);
  BOOST_TEST(log.count("port_mapping_left") == 1U);
  gateway.answer(other(Outcome::removed));  // too late to matter
  BOOST_TEST(released == 1);
}

BOOST_FIXTURE_TEST_CASE(with_nothing_to_give_back_the_end_is_immediate_but_not_from_inside,
                        Fixture) {
  release();
  BOOST_TEST(released == 0);
  scheduler.run_for(0s);
  BOOST_TEST(released == 1);
}

BOOST_FIXTURE_TEST_CASE(what_is_mapped_while_the_end_comes_is_given_back_too, Fixture) {
  keep();
  release();
  gateway.answer(mapped("5.5.5.5:21883"));
  BOOST_REQUIRE((gateway.last().verb == Verb::remove));
  gateway.answer(other(Outcome::removed));
  BOOST_TEST(released == 1);
  BOOST_TEST(told.empty());
}

BOOST_FIXTURE_TEST_CASE(after_a_release_it_can_be_kept_again, Fixture) {
  keep_mapped();
  release();
  gateway.answer(other(Outcome::removed));
  keep_mapped("5.5.5.5:21883");
  BOOST_TEST((state() == State::mapped));
  BOOST_TEST(told.size() == 2U);
}

BOOST_AUTO_TEST_CASE(an_answer_after_its_end_touches_nothing) {
  VirtualScheduler scheduler;
  SeededRandom entropy{1};
  NullLog log;
  FakeGateway gateway;
  {
    RouterPortMapper mapper({GatewayProtocol::upnp}, gateway, scheduler, entropy, log);
    mapper.keep(port, nullptr);
  }
  gateway.answer(mapped("5.5.5.5:21883"));
  BOOST_TEST(scheduler.waiting() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace starling
