#include <boost/test/unit_test.hpp>

#include "src/node/bootstrap.hpp"
#include "tests/support/memory_files.hpp"
#include "tests/support/null_log.hpp"
#include "tests/support/virtual_scheduler.hpp"

using namespace starling;
using namespace std::chrono_literals;

namespace {

class FakeRendezvous final : public Rendezvous {
 public:
  Handle announce(const DhtKey&, std::uint64_t, Bytes) override { return {}; }
  void withdraw(Handle) override {}
  void get(const DhtKey&, OnValue, OnDone) override {}
  Handle listen(const DhtKey&, OnValue) override { return {}; }
  void cancel_listen(Handle) override {}
  void add_node(const Endpoint& node) override { added.push_back(node.to_text()); }
  [[nodiscard]] std::vector<Endpoint> known_nodes(std::size_t) const override { return good; }
  [[nodiscard]] Status status() const override { return {!good.empty(), good.size(), 0}; }

  std::vector<std::string> added;
  std::vector<Endpoint> good;
};

class FakeResolver final : public Resolver {
 public:
  void resolve(const HostPort& host, OnResolved done) override {
    asked.push_back(host.host);
    if (host.host == "nowhere")
      done(Error{Errc::not_found, "no such host"});
    else
      done(std::vector{*Endpoint::parse("192.0.2.7:" + std::to_string(host.port))});
  }
  std::vector<std::string> asked;
};

struct Fixture {
  Bootstrap& make(std::vector<HostPort> hosts) {
    bootstrap.emplace(std::move(hosts), rendezvous, resolver, files, scheduler, log,
                      [this](const std::vector<Endpoint>& addresses) { told = addresses; });
    bootstrap->start();
    return *bootstrap;
  }
  FakeRendezvous rendezvous;
  FakeResolver resolver;
  MemoryFiles files;
  VirtualScheduler scheduler;
  RecordingLog log;
  std::vector<Endpoint> told;
  std::optional<Bootstrap> bootstrap;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(bootstrap, Fixture)

BOOST_AUTO_TEST_CASE(hosts_are_resolved_again_with_growing_pauses_until_somebody_answers) {
  make({{"mesh.example.org", 5}, {"nowhere", 6}});
  scheduler.run_for(1s);
  BOOST_TEST(resolver.asked.size() == 2U);
  BOOST_TEST(log.count("bootstrap_unresolved host=nowhere") == 1U);
  BOOST_TEST(rendezvous.added.front() == "192.0.2.7:5");
  scheduler.run_for(10min);
  const std::size_t asked = resolver.asked.size();
  BOOST_TEST(asked > 10U);
  BOOST_TEST(asked < 60U);  // not every second
  rendezvous.good = {*Endpoint::parse("192.0.2.7:5")};
  scheduler.run_for(10min);
  BOOST_TEST(resolver.asked.size() == asked);
  rendezvous.good.clear();  // alone again: ask at once
  scheduler.run_for(2s);
  BOOST_TEST(resolver.asked.size() > asked);
}

BOOST_AUTO_TEST_CASE(good_nodes_are_tried_at_the_next_start) {
  rendezvous.good = {*Endpoint::parse("192.0.2.9:1"), *Endpoint::parse("[2001:db8::1]:2")};
  make({});
  scheduler.run_for(2s);
  rendezvous.good.clear();
  scheduler.run_for(2min);  // losing everybody is no reason to forget them
  bootstrap.reset();
  rendezvous.added.clear();
  make({});
  BOOST_TEST(rendezvous.added == (std::vector<std::string>{"192.0.2.9:1", "[2001:db8::1]:2"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_damaged_list_of_nodes_gives_what_it_can) {
  files.files["dht_nodes"] = {'x', '\n', '1', '.', '2',  '.', '3',
                              '.', '4',  ':', '5', '\n', 0,   0xFF};
  make({});
  BOOST_TEST(rendezvous.added == std::vector<std::string>{"1.2.3.4:5"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(without_hosts_those_who_came_show_what_network_this_is) {
  make({});
  scheduler.run_for(5s);
  BOOST_TEST(told.empty());
  rendezvous.good = {*Endpoint::parse("127.0.0.1:9")};
  scheduler.run_for(2s);
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told.front().is_loopback());
}

BOOST_AUTO_TEST_SUITE_END()
