// TraceFile, TraceDigest and WatchedRendezvous: who looks on.
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <unistd.h>

#include "simulations/world/trace_digest.hpp"
#include "simulations/world/trace_file.hpp"
#include "simulations/world/watched_rendezvous.hpp"
#include "tests/unit/sim_world/world_parts.hpp"

namespace starling::sim {
namespace {

using namespace std::chrono_literals;

const TimePoint begins = Agenda::beginning;

void tell_a_story(Observer& to) {
  to.on_node_started(begins, 0);
  to.on_node_started(begins + 1s, 1);
  to.on_link_up(begins + 2s, 0, 1);
  to.on_link_bytes(begins + 2s, 0, 1, 100);
  to.on_datagram(begins + 2s, 0, no_node, as_bytes("datagram"));
  to.on_lookup(begins + 3s, 0, {.took = 200ms, .first_value = 100ms, .values = 3});
  to.on_client_connected(begins + 3s, {.client = 5, .node = 1});
  to.on_subscribing(begins + 3s, {.client = 5, .node = 1, .filter = "a/\"quoted\"\\#"});
  to.on_subscribed(begins + 3s, {.client = 5, .node = 1, .filter = "a/\"quoted\"\\#"});
  to.on_published(
      begins + 4s,
      {.number = 7, .client = 4, .node = 0, .topic = "a/\"\x01\n", .qos = QoS::exactly_once});
  to.on_acknowledged(begins + 4s + 1ms, 7);
  to.on_completed(begins + 4s + 2ms, 7);
  to.on_received(begins + 4s + 30ms, {.number = 7,
                                      .client = 5,
                                      .node = 1,
                                      .published_at_node = 0,
                                      .published_at = begins + 4s,
                                      .topic = "a/\"\x01\n"});
  to.on_fault_begins(begins + 5s, "partition: north | south");
  to.on_link_down(begins + 6s, 0, 1);
  to.on_fault_ends(begins + 7s, "partition: north | south");
  to.on_unsubscribing(begins + 8s, 5, "a/#");
  to.on_unsubscribed(begins + 8s, 5, "a/#");
  to.on_client_ended(begins + 8s, 5, true);
  to.on_node_ended(begins + 9s, 1, NodeEnd::unplugged);
}

BOOST_AUTO_TEST_SUITE(sim_watching)

BOOST_AUTO_TEST_CASE(a_trace_is_json_in_the_trace_event_format) {
  const auto path = std::filesystem::temp_directory_path()
                    / ("starling-trace-" + std::to_string(getpid()) + ".json");
  {
    TraceFile trace(path.string(), begins);
    tell_a_story(trace);
  }
  std::ifstream in(path);
  const auto document = nlohmann::json::parse(in);
  std::filesystem::remove(path);
  const auto& events = document.at("traceEvents");
  BOOST_TEST(events.size() > 12);
  bool has_message = false;
  for (const auto& event : events) {
    for (const char* key : {"ph", "name", "ts", "pid", "tid"}) BOOST_TEST(event.contains(key));
    if (event.at("ph") != "X" || event.at("name") != "message 7 to client 5") continue;
    has_message = true;
    BOOST_TEST(event.at("ts").get<double>() == 4e6);
    BOOST_TEST(event.at("dur").get<double>() == 3e4);
    BOOST_TEST(event.at("args").at("topic").get<std::string>() == "a/\"\x01\n");
  }
  BOOST_TEST(has_message);
}

BOOST_AUTO_TEST_CASE(a_trace_that_cannot_be_written_says_where) {
  BOOST_CHECK_EXCEPTION(
      TraceFile("/nowhere/at/all.json", begins), std::runtime_error, [](const auto& error) {
        return std::string(error.what()).find("/nowhere/at/all.json") != std::string::npos;
      });
}

BOOST_AUTO_TEST_CASE(a_digest_tells_any_two_stories_apart) {
  TraceDigest first;
  TraceDigest second;
  tell_a_story(first);
  tell_a_story(second);
  BOOST_TEST(first.value() == second.value());
  BOOST_TEST(first.events() == 20);
  BOOST_TEST(first.text().size() == 16);
  const auto differs = [&](auto tell) {
    TraceDigest other = second;
    tell(other);
    TraceDigest same = second;
    tell(same);
    BOOST_TEST(other.value() != second.value());
    BOOST_TEST(other.value() == same.value());
    return other.value();
  };
  const Published published{.number = 7, .client = 4, .node = 0, .topic = "a"};
  std::set<std::uint64_t> values = {
      differs([](Observer& to) { to.on_acknowledged(begins, 1); }),
      differs([](Observer& to) { to.on_acknowledged(begins + 1ns, 1); }),
      differs([](Observer& to) { to.on_completed(begins, 1); }),
      differs([](Observer& to) { to.on_datagram(begins, 0, 1, as_bytes("12345678a")); }),
      differs([](Observer& to) { to.on_datagram(begins, 0, 1, as_bytes("12345678b")); }),
      differs([](Observer& to) { to.on_datagram(begins, 1, 0, as_bytes("12345678b")); }),
      differs([&](Observer& to) { to.on_published(begins, published); }),
      differs([&](Observer& to) {
        Published retained = published;
        retained.retain = true;
        to.on_published(begins, retained);
      }),
      differs(
          [&](Observer& to) { to.on_received(begins, {.number = 7, .client = 1, .topic = "a"}); }),
      differs([&](Observer& to) {
        to.on_received(begins, {.number = 7, .client = 1, .topic = "a", .dup = true});
      }),
      differs(
          [&](Observer& to) { to.on_received(begins, {.number = 7, .client = 1, .topic = "b"}); }),
      differs([&](Observer& to) { to.on_lookup(begins, 1, {.took = 1ms}); })};
  BOOST_TEST(values.size() == 12);
}

// --- WatchedRendezvous

/// Answers when told.
class PlainRendezvous final : public Rendezvous {
 public:
  ~PlainRendezvous() override {
    if (on_done) on_done(false);  // as some do
  }
  Handle announce(const DhtKey&, std::uint64_t, Bytes value) override {
    return {value.empty() ? 0 : ++last};
  }
  void withdraw(Handle handle) override { withdrawn.push_back(handle.value); }
  void get(const DhtKey&, OnValue value, OnDone done) override {
    on_value = std::move(value);
    on_done = std::move(done);
  }
  Handle listen(const DhtKey&, OnValue) override { return {++last}; }
  void cancel_listen(Handle) override {}
  void add_node(const Endpoint& node) override { added = node; }
  [[nodiscard]] std::vector<Endpoint> known_nodes(std::size_t) const override { return {added}; }
  [[nodiscard]] Status status() const override { return {true, 4, 2}; }

  std::uint64_t last = 0;
  std::vector<std::uint64_t> withdrawn;
  Endpoint added;
  OnValue on_value;
  OnDone on_done;
};

struct WatchedFixture : test::Parts {
  SimScheduler scheduler{agenda, agenda.add_host({})};
  std::vector<Lookup> told;
  PlainRendezvous* plain = nullptr;
  std::unique_ptr<WatchedRendezvous> watched;
  WatchedFixture() {
    auto made = std::make_unique<PlainRendezvous>();
    plain = made.get();
    watched = std::make_unique<WatchedRendezvous>(
        std::move(made), scheduler, [this](const Lookup& lookup) { told.push_back(lookup); });
  }
};

BOOST_FIXTURE_TEST_CASE(records_and_listens_are_counted, WatchedFixture) {
  const auto first = watched->announce({}, 1, Bytes{1});
  watched->announce({}, 2, Bytes{1});
  watched->announce({}, 3, {});  // refused
  BOOST_TEST(watched->announcements() == 2);
  watched->withdraw(first);
  watched->withdraw({});
  BOOST_TEST(watched->announcements() == 1);
  BOOST_TEST(plain->withdrawn.front() == first.value);
  const auto listening = watched->listen({}, {});
  BOOST_TEST(watched->listens() == 1);
  watched->cancel_listen(listening);
  BOOST_TEST(watched->listens() == 0);
  watched->add_node(Endpoint::v4({1, 2, 3, 4}, 5));
  BOOST_TEST((watched->known_nodes(1).front() == Endpoint::v4({1, 2, 3, 4}, 5)));
  BOOST_TEST(watched->status().good_nodes == 4);
}

BOOST_FIXTURE_TEST_CASE(a_lookup_is_timed_and_told_once, WatchedFixture) {
  int values = 0;
  std::optional<bool> ended;
  watched->get(
      {}, [&](ByteView, bool) { return ++values < 9; }, [&](bool ok) { ended = ok; });
  run_for(100ms);
  BOOST_TEST(plain->on_value({}, false));
  run_for(50ms);
  BOOST_TEST(plain->on_value({}, false));
  run_for(50ms);
  BOOST_TEST(told.empty());
  plain->on_done(true);
  plain->on_done = nullptr;
  BOOST_TEST((ended == true));
  BOOST_TEST(values == 2);
  BOOST_REQUIRE(told.size() == 1);
  BOOST_TEST(told[0].values == 2);
  BOOST_TEST((told[0].took == 200ms));
  BOOST_TEST((told[0].first_value == 100ms));
  BOOST_TEST(told[0].ok);
}

BOOST_FIXTURE_TEST_CASE(a_lookup_that_is_left_early_ends_then, WatchedFixture) {
  watched->get({}, [](ByteView, bool) { return false; }, {});
  run_for(100ms);
  BOOST_TEST(!plain->on_value({}, false));
  BOOST_TEST(told.size() == 1);
  run_for(100ms);
  plain->on_done(true);
  BOOST_REQUIRE(told.size() == 1);
  BOOST_TEST((told[0].took == 100ms));
}

BOOST_FIXTURE_TEST_CASE(a_lookup_may_end_with_the_rendezvous_itself, WatchedFixture) {
  watched->get({}, [](ByteView, bool) { return true; }, {});
  watched.reset();
  BOOST_REQUIRE(told.size() == 1);
  BOOST_TEST(!told[0].ok);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::sim
