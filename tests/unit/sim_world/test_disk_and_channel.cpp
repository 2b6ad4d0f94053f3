// SimStore and SimChannel: a disk that takes its time and may be torn, and a handshake in the right
// number of flights and bytes.
#include <boost/test/unit_test.hpp>
#include <set>

#include "simulations/world/sim_channel.hpp"
#include "simulations/world/sim_store.hpp"
#include "tests/unit/sim_world/world_parts.hpp"

namespace starling::sim {
namespace {

using namespace std::chrono_literals;

SharedPublication message_of(const std::string& topic, std::uint64_t number) {
  Publication message{.topic = TopicName::parse(topic).value(),
                      .payload = {},
                      .expires_at = {},
                      .properties = {},
                      .id = {}};
  message.number = number;
  return std::make_shared<const Publication>(std::move(message));
}

struct StoreFixture : test::Parts {
  HostNumber host = agenda.add_host({});
  SimScheduler scheduler{agenda, host};
  SimDisk disk;
  SimStore store{disk, scheduler, 2ms};
  BatchNumber safe = 0;
  Random dice{3};

  StoreFixture() {
    store.set_handlers({[this](BatchNumber last) { safe = last; }});
  }

  BatchNumber retain(const std::string& topic) {
    StoreBatch batch;
    batch.changes.emplace_back(RetainedSet{message_of(topic, ++numbers_)});
    return store.commit(std::move(batch));
  }
  /// "abc": of the topics a to z those that stand on the disk.
  [[nodiscard]] std::string kept() const {
    std::string topics;
    for (const auto& [topic, message] : disk.tables.retained) topics += topic.text();
    return topics;
  }

 private:
  std::uint64_t numbers_ = 0;
};

BOOST_FIXTURE_TEST_SUITE(sim_store, StoreFixture)

BOOST_AUTO_TEST_CASE(a_commit_is_safe_after_its_time_and_those_meanwhile_follow_together) {
  BOOST_TEST(retain("a") == 1);
  run_for(1ms);
  BOOST_TEST(retain("b") == 2);
  BOOST_TEST(retain("c") == 3);
  BOOST_TEST(safe == 0);
  run_for(1ms);
  BOOST_TEST(safe == 1);
  BOOST_TEST(kept() == "a");
  run_for(2ms);
  BOOST_TEST(safe == 3);
  BOOST_TEST(kept() == "abc");
  BOOST_TEST(store.commit({}) == 3);  // of nothing: the number before it
}

BOOST_AUTO_TEST_CASE(without_commit_time_everything_is_safe_at_once) {
  SimStore fast(disk, scheduler, {});
  BatchNumber last = 0;
  fast.set_handlers({[&](BatchNumber number) { last = number; }});
  StoreBatch batch;
  batch.changes.emplace_back(RetainedErased{*TopicName::parse("a")});
  BOOST_TEST(fast.commit(std::move(batch)) == 1);
  BOOST_TEST(last == 1);
}

BOOST_AUTO_TEST_CASE(a_torn_disk_holds_the_first_so_many_batches) {
  std::set<std::string> seen;
  for (int i = 0; i < 60; ++i) {
    SimDisk own;
    SimStore torn(own, scheduler, 2ms);
    for (const char name : {'a', 'b', 'c'}) {
      StoreBatch batch;
      batch.changes.emplace_back(RetainedSet{message_of(std::string(1, name), 1)});
      torn.commit(std::move(batch));
    }
    torn.tear(dice);
    std::string topics;
    for (const auto& [topic, message] : own.tables.retained) topics += topic.text();
    seen.insert(topics);
  }
  BOOST_TEST(seen == (std::set<std::string>{"", "a", "ab", "abc"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_end_in_order_keeps_everything) {
  retain("a");
  retain("b");
  store.finish();
  BOOST_TEST(kept() == "ab");
}

BOOST_AUTO_TEST_CASE(a_read_sees_what_was_committed_before_it) {
  StoreBatch batch;
  auto session = std::make_shared<StoredSession>();
  session->number = 1;
  session->expiry_s = 100;
  batch.changes.emplace_back(SessionSaved{session});
  StoredDelivery delivery;
  delivery.position = 1;
  delivery.message = message_of("a", 1);
  store.commit(std::move(batch));
  StoreBatch second;
  second.changes.emplace_back(MessageQueued{1, delivery});
  store.commit(std::move(second));
  std::optional<std::size_t> found;
  store.read_queue({1, 0, 10, 1'000},
                   [&](std::vector<StoredDelivery> read) { found = read.size(); });
  BOOST_TEST(!found.has_value());  // later
  run_for(20ms);
  BOOST_REQUIRE(found.has_value());
  BOOST_TEST(*found == 1);
}

BOOST_AUTO_TEST_CASE(files_outlive_the_process) {
  BOOST_TEST(!SimFiles(disk).load("epoch").has_value());
  BOOST_TEST(SimFiles(disk).save("epoch", as_bytes("7")).ok());
  BOOST_TEST(as_text(*SimFiles(disk).load("epoch")) == "7");
}

BOOST_AUTO_TEST_SUITE_END()

// --- Channels

NodeId id_of(std::uint8_t number) {
  NodeId id{};
  id.bytes.fill(number);
  return id;
}

/// Two channels that hand each other all their bytes, `piece` at a time.
struct Handshake {
  Handshake(ByteView ticket, std::size_t piece) {
    SimLinkChannels ours(id_of(1), random);
    SimLinkChannels theirs(id_of(2), random);
    client = ours.make_client(ticket);
    server = theirs.make_server();
    BOOST_TEST(client->start(to_server).ok());
    BOOST_TEST(server->start(to_client).ok());
    while (!to_server.empty() || !to_client.empty()) {
      if (!to_server.empty()) ++flights;
      from_client += move(to_server, *server, at_server, to_client, piece);
      if (!to_client.empty()) ++flights;
      from_server += move(to_client, *client, at_client, to_server, piece);
    }
  }
  static std::size_t move(OutputBuffer& from, SecureChannel& to, Bytes& plain, OutputBuffer& answer,
                          std::size_t piece) {
    Bytes all;
    ByteView views[16];
    while (!from.empty()) {
      const std::size_t count = from.gather(views);
      std::size_t size = 0;
      for (std::size_t i = 0; i < count; ++i) {
        append(all, views[i]);
        size += views[i].size();
      }
      from.consume(size);
    }
    for (ByteView rest(all); !rest.empty();) {
      const ByteView part = rest.first(std::min(piece, rest.size()));
      BOOST_TEST(to.on_wire_bytes(part, plain, answer).ok());
      rest = rest.subspan(part.size());
    }
    return all.size();
  }

  Random random{5};
  std::unique_ptr<SecureChannel> client;
  std::unique_ptr<SecureChannel> server;
  OutputBuffer to_server;
  OutputBuffer to_client;
  Bytes at_client;
  Bytes at_server;
  std::size_t from_client = 0;
  std::size_t from_server = 0;
  int flights = 0;
};

BOOST_AUTO_TEST_SUITE(sim_channel)

BOOST_AUTO_TEST_CASE(both_ends_know_each_other_after_three_flights) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{100}, std::size_t{100'000}}) {
    Handshake done({}, piece);
    BOOST_TEST((done.client->established() && done.server->established()));
    BOOST_TEST(done.flights == 3);
    BOOST_TEST((done.client->peer() == id_of(2)));
    BOOST_TEST((done.server->peer() == id_of(1)));
    BOOST_TEST((!done.client->resumed() && !done.server->resumed()));
    BOOST_TEST((done.at_client.empty() && done.at_server.empty()));
  }
}

BOOST_AUTO_TEST_CASE(keying_material_is_the_same_at_both_ends_and_nowhere_else) {
  Handshake first({}, 1'000);
  const auto material = [](const SecureChannel& channel, std::string_view label,
                           std::string_view context) {
    return channel.export_keying_material(label, as_bytes(context), 48).value();
  };
  const Bytes ours = material(*first.client, "label", "context");
  BOOST_TEST(ours.size() == 48);
  BOOST_TEST((ours == material(*first.server, "label", "context")));
  BOOST_TEST((ours != material(*first.server, "label2", "context")));
  BOOST_TEST((ours != material(*first.server, "label", "context2")));
  Handshake second({}, 1'000);
  BOOST_TEST((material(*second.client, "label", "context")
              == material(*second.server, "label", "context")));
  // Other dice, other material.
  SimLinkChannels others(id_of(1), first.random);
  auto client = others.make_client({});
  OutputBuffer out;
  BOOST_TEST(client->start(out).ok());
  BOOST_TEST((material(*client, "label", "context") != ours));
}

BOOST_AUTO_TEST_CASE(with_a_ticket_it_is_resumed_and_smaller) {
  Handshake full({}, 1'000);
  const Bytes ticket = full.client->session_ticket();
  BOOST_TEST(!ticket.empty());
  BOOST_TEST(full.server->session_ticket().empty());
  Handshake resumed(ticket, 1'000);
  BOOST_TEST((resumed.client->established() && resumed.server->established()));
  BOOST_TEST((resumed.client->resumed() && resumed.server->resumed()));
  BOOST_TEST((resumed.client->peer() == id_of(2)));
  BOOST_TEST(resumed.from_client + resumed.from_server < (full.from_client + full.from_server) / 2);
}

BOOST_AUTO_TEST_CASE(what_is_written_comes_out_also_with_the_last_flight) {
  Handshake done({}, 1'000);
  OutputBuffer plain;
  plain.append(as_bytes("hello"));
  OutputBuffer wire;
  BOOST_TEST(done.client->write_plain(plain, wire).ok());
  BOOST_TEST(Handshake::move(wire, *done.server, done.at_server, done.to_client, 2) == 5);
  BOOST_TEST(as_text(done.at_server) == "hello");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::sim
