// The model of the DHT against the real one: the same sentences must be true in a world of OpenDHT
// nodes and in a world of SimRendezvous, and take about as long in both.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <memory>

#include "starling/limits.hpp"

#include "dht/keys/prefix_key.hpp"
#include "dht/records/envelope.hpp"
#include "dht/records/interest_record.hpp"
#include "simulations/world/world.hpp"

namespace starling::sim {
namespace {

using namespace std::chrono_literals;

// Lifetimes take many virtual minutes, with fewer nodes; latencies are compared among fifty.
constexpr std::size_t few = 16;
constexpr std::size_t many = 50;

/// A mesh without traffic, in which nodes put and find records of their own.
class Meeting {
 public:
  Meeting(bool models_dht, std::size_t node_count)
      : world({.seed = 11, .models_dht = models_dht, .path = path()}) {
    homes = world.add_homes(node_count, 10s);
    world.run_for(60s);
  }

  struct Record {
    DhtKey key;
    std::uint64_t id = 0;
    Bytes bytes;
  };
  /// Of a new author, under the key of "meet/<topic>".
  Record make_record(int topic) {
    const auto author = crypto::SigningKey::generate(world.dice());
    const auto prefix = LiteralPrefix::first_levels("meet/" + std::to_string(topic), 2);
    const RecordStamp stamp{1, 1};
    const UnixSeconds expires = unix_now() + std::chrono::seconds{limits::record_validity}.count();
    auto bytes =
        write_interest_record(author, mesh_.keys, stamp, expires,
                              {prefix,
                               {},
                               {Interest{.filter = prefix.everything_below(), .share_group = {}}},
                               {Endpoint::v4({198, 18, 0, 1}, 9)}});
    BOOST_REQUIRE(bytes.ok());
    const DhtKey key = interest_key(mesh_.keys, prefix);
    return {key, record_value_id(author.node_id(), key, stamp), std::move(bytes).value()};
  }
  DhtKey key_of(int topic) {
    return interest_key(mesh_.keys,
                        LiteralPrefix::first_levels("meet/" + std::to_string(topic), 2));
  }

  Rendezvous::Handle announce(NodeNumber node, const Record& record) {
    Rendezvous::Handle handle;
    inside(node,
           [&](Rendezvous& dht) { handle = dht.announce(record.key, record.id, record.bytes); });
    return handle;
  }
  void withdraw(NodeNumber node, Rendezvous::Handle handle) {
    inside(node, [&](Rendezvous& dht) { dht.withdraw(handle); });
  }

  struct Hearing {
    std::vector<Bytes> values;
    std::vector<Bytes> expired;
    std::optional<Duration> first;  // after the beginning
    bool is_done = false;
    bool ok = false;
    Duration took{};
    TimePoint begun;
  };
  std::shared_ptr<Hearing> get(NodeNumber node, const DhtKey& key) {
    auto hearing = begin();
    inside(node, [&](Rendezvous& dht) {
      dht.get(key, on_value(hearing), [this, hearing](bool ok) {
        hearing->is_done = true;
        hearing->ok = ok;
        hearing->took = world.now() - hearing->begun;
      });
    });
    return hearing;
  }
  std::shared_ptr<Hearing> listen(NodeNumber node, const DhtKey& key) {
    auto hearing = begin();
    inside(node, [&](Rendezvous& dht) { dht.listen(key, on_value(hearing)); });
    return hearing;
  }
  /// A get that has ended.
  std::shared_ptr<Hearing> look_up(NodeNumber node, const DhtKey& key) {
    auto hearing = get(node, key);
    BOOST_TEST(world.run_until([&] { return hearing->is_done; }, 30s));
    return hearing;
  }
  bool wait_for(const std::shared_ptr<Hearing>& hearing, const Bytes& value,
                Duration patience = 30s) {
    return world.run_until([&] { return has(hearing->values, value); }, patience);
  }
  static bool has(const std::vector<Bytes>& values, const Bytes& value) {
    return std::find(values.begin(), values.end(), value) != values.end();
  }

  World world;
  std::vector<NodeNumber> homes;

 private:
  static PathQuality path() {
    PathQuality made;
    made.latency_min = 20ms;
    made.latency_max = 80ms;
    return made;
  }
  UnixSeconds unix_now() { return world.agenda().local_unix(world.node(homes[0]).host()); }
  void inside(NodeNumber node, const std::function<void(Rendezvous&)>& act) {
    SimNode& home = world.node(node);
    home.inside([&] { act(*home.rendezvous()); });
    world.agenda().end_turn();
  }
  std::shared_ptr<Hearing> begin() {
    auto hearing = std::make_shared<Hearing>();
    hearing->begun = world.now();
    return hearing;
  }
  Rendezvous::OnValue on_value(const std::shared_ptr<Hearing>& hearing) {
    return [this, hearing](ByteView value, bool expired) {
      (expired ? hearing->expired : hearing->values).emplace_back(value.begin(), value.end());
      if (!hearing->first && !expired) hearing->first = world.now() - hearing->begun;
      return true;
    };
  }
  MeshConfig mesh_ = private_mesh();
};

struct Latencies {
  Duration get_first{};
  Duration get_end{};
  Duration listen_first{};  // of what is there
  Duration listen_told{};   // of what comes: from announce()
};

Duration median(std::vector<Duration> values) {
  BOOST_REQUIRE(!values.empty());
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

void check_promises(bool models_dht) {
  Meeting at(models_dht, few);

  // What was announced is found by whoever looks, and by the author himself.
  const Meeting::Record record = at.make_record(1);
  const auto announced = at.announce(at.homes[0], record);
  const Meeting::Record kept = at.make_record(2);
  const TimePoint kept_since = at.world.now();
  at.announce(at.homes[3], kept);
  BOOST_TEST(static_cast<bool>(announced));
  at.world.run_for(10s);
  for (const std::size_t reader : {std::size_t{0}, std::size_t{7}, few - 1}) {
    const auto found = at.look_up(at.homes[reader], record.key);
    BOOST_TEST(found->ok);
    BOOST_TEST(Meeting::has(found->values, record.bytes));
    BOOST_TEST(found->values.size() == 1);
  }

  // A listener hears of what is there, and of what comes.
  const auto listening = at.listen(at.homes[9], record.key);
  BOOST_TEST(at.wait_for(listening, record.bytes));
  const Meeting::Record second = at.make_record(1);
  at.announce(at.homes[12], second);
  BOOST_TEST(at.wait_for(listening, second.bytes));
  BOOST_TEST(at.look_up(at.homes[14], record.key)->values.size() == 2);

  // Of nothing a get ends well, and one that is left early calls no more.
  const auto nothing = at.look_up(at.homes[5], at.key_of(99));
  BOOST_TEST(nothing->ok);
  BOOST_TEST(nothing->values.empty());

  // What is withdrawn, and what its author cannot keep alive any more, runs out.
  at.withdraw(at.homes[0], announced);
  at.world.end(at.homes[12], NodeEnd::killed);
  BOOST_TEST(at.world.run_until(
      [&] {
        return Meeting::has(listening->expired, record.bytes)
               && Meeting::has(listening->expired, second.bytes);
      },
      10min + 30s));
  at.world.run_for(30s);
  BOOST_TEST(at.look_up(at.homes[14], record.key)->values.empty());

  // What is kept alive is there after its lifetime in the DHT (and before its signature lapses).
  at.world.run_for(std::max<Duration>(kept_since + 11min - at.world.now(), 1s));
  BOOST_TEST(Meeting::has(at.look_up(at.homes[10], kept.key)->values, kept.bytes));
}

Latencies measure(bool models_dht) {
  Meeting at(models_dht, many);
  std::vector<Duration> get_first;
  std::vector<Duration> get_end;
  std::vector<Duration> listen_first;
  std::vector<Duration> listen_told;
  for (int i = 0; i < 13; ++i) {
    const auto node = [&](int offset) {
      return at.homes[static_cast<std::size_t>(i * 7 + offset) % many];
    };
    const Meeting::Record record = at.make_record(100 + i);
    const auto early = at.listen(node(3), record.key);
    at.world.run_for(3s);
    const TimePoint announced = at.world.now();
    at.announce(node(0), record);
    BOOST_REQUIRE(at.wait_for(early, record.bytes));
    listen_told.push_back(at.world.now() - announced);
    at.world.run_for(5s);
    const auto found = at.look_up(node(11), record.key);
    BOOST_REQUIRE(found->first.has_value());
    get_first.push_back(*found->first);
    get_end.push_back(found->took);
    const auto late = at.listen(node(17), record.key);
    BOOST_REQUIRE(at.wait_for(late, record.bytes));
    listen_first.push_back(*late->first);
  }
  return {median(get_first), median(get_end), median(listen_first), median(listen_told)};
}

BOOST_AUTO_TEST_SUITE(rendezvous_contract)

BOOST_AUTO_TEST_CASE(the_real_dht_keeps_the_promises) {
  check_promises(false);
}

BOOST_AUTO_TEST_CASE(the_model_keeps_the_same_promises) {
  check_promises(true);
}

BOOST_AUTO_TEST_CASE(the_model_takes_about_as_long_as_the_real_dht) {
  const Latencies real = measure(false);
  const Latencies model = measure(true);
  const auto compare = [](const char* what, Duration r, Duration m) {
    const auto ms = [](Duration span) {
      return std::chrono::duration<double, std::milli>(span).count();
    };
    BOOST_TEST_MESSAGE(what << ": real " << ms(r) << " ms, model " << ms(m) << " ms");
    BOOST_TEST((m <= 2 * r && r <= 2 * m),
               what << ": real " << ms(r) << " ms, model " << ms(m) << " ms");
  };
  compare("first value of a get", real.get_first, model.get_first);
  compare("end of a get", real.get_end, model.get_end);
  compare("first value of a listen", real.listen_first, model.listen_first);
  compare("a listener is told", real.listen_told, model.listen_told);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::sim
