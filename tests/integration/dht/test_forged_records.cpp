// What strangers put into the DHT: a forged, replayed or oversized record is stored by nobody and
// told to nobody.
#include <boost/test/unit_test.hpp>

#include "starling/limits.hpp"

#include "tests/integration/dht/dht_fixture.hpp"

using namespace starling;
using namespace starling::testing;

namespace {

/// An attacker among ten honest nodes; afterwards it leaves, and an unpolicied node looks what is
/// stored.
struct Attack {
  World world;
  std::unique_ptr<BareNode> attacker;
  Collected heard;

  Attack() {
    world.populate(10);
    attacker = std::make_unique<BareNode>(world, virtual_endpoint(200));
    world.run_for(5s);
  }

  void put(const DhtKey& key, std::shared_ptr<::dht::Value> value) {
    listen(world.engine(5), key, heard);
    world.run_for(2s);
    attacker->put(key, std::move(value));
    world.run_for(5s);
  }

  std::uint64_t refused() {
    std::uint64_t refused = 0;
    for (const auto& node : world.nodes) refused += node->engine.counters().records_refused;
    return refused;
  }

  /// How many values under `key` the honest nodes hold.
  std::size_t stored(const DhtKey& key) {
    attacker.reset();
    world.run_for(5s);
    BareNode observer(world, virtual_endpoint(201));
    world.run_for(5s);
    std::vector<std::shared_ptr<::dht::Value>> values;
    observer.get(key, values);
    world.run_for(20s);
    return values.size();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(forged_records, Attack)

BOOST_AUTO_TEST_CASE(a_valid_record_of_a_stranger_is_stored_as_proof_that_these_tests_can_fail) {
  const Record record = member_record(Author(1), world.unix_now());
  put(record.key, make_record_value(record.value_id, record.bytes));
  BOOST_TEST(heard.values.size() == 1U);
  BOOST_TEST(refused() == 0U);
  BOOST_TEST(stored(record.key) == 1U);
}

BOOST_AUTO_TEST_CASE(a_record_with_a_bit_changed_is_refused) {
  Record record = member_record(Author(1), world.unix_now());
  record.bytes[record.bytes.size() / 2] ^= 1U;
  put(record.key, make_record_value(record.value_id, record.bytes));
  BOOST_TEST(heard.values.empty());
  BOOST_TEST(refused() > 0U);
  BOOST_TEST(stored(record.key) == 0U);
}

BOOST_AUTO_TEST_CASE(a_record_signed_for_another_key_is_refused) {
  const Record record = member_record(Author(1), world.unix_now());
  DhtKey elsewhere = record.key;
  elsewhere.bytes[19] ^= 1U;
  put(elsewhere, make_record_value(record.value_id, record.bytes));
  BOOST_TEST(heard.values.empty());
  BOOST_TEST(refused() > 0U);
  BOOST_TEST(stored(elsewhere) == 0U);
}

BOOST_AUTO_TEST_CASE(a_copy_under_another_value_id_is_refused) {
  const Record record = member_record(Author(1), world.unix_now());
  put(record.key, make_record_value(record.value_id + 1, record.bytes));
  BOOST_TEST(heard.values.empty());
  BOOST_TEST(refused() > 0U);
  BOOST_TEST(stored(record.key) == 0U);
}

BOOST_AUTO_TEST_CASE(a_record_that_its_author_has_overtaken_is_refused) {
  const Author author(1);
  const Record older = member_record(author, world.unix_now(), 1);
  const Record newer = member_record(author, world.unix_now(), 2);
  put(newer.key, make_record_value(newer.value_id, newer.bytes));
  BOOST_TEST(refused() == 0U);
  put(older.key, make_record_value(older.value_id, older.bytes));
  BOOST_TEST(refused() > 0U);
  BOOST_TEST(stored(newer.key) == 1U);
}

BOOST_AUTO_TEST_CASE(a_record_replayed_after_its_time_is_refused) {
  const Record record = member_record(Author(1), world.unix_now());
  world.run_for(11min);
  put(record.key, make_record_value(record.value_id, record.bytes));
  BOOST_TEST(heard.values.empty());
  BOOST_TEST(refused() > 0U);
  BOOST_TEST(stored(record.key) == 0U);
}

BOOST_AUTO_TEST_CASE(a_record_that_would_live_for_days_is_refused) {
  const Record record = member_record(Author(1), world.unix_now() + 86'400);
  put(record.key, make_record_value(record.value_id, record.bytes));
  BOOST_TEST(heard.values.empty());
  BOOST_TEST(stored(record.key) == 0U);
}

BOOST_AUTO_TEST_CASE(an_oversized_value_is_refused) {
  const DhtKey key = member_key(mesh);
  put(key, make_record_value(77, Bytes(limits::record_bytes_max + 1, 0x55)));
  BOOST_TEST(heard.values.empty());
  BOOST_TEST(refused() > 0U);
  BOOST_TEST(stored(key) == 0U);
}

BOOST_AUTO_TEST_CASE(anything_hung_onto_a_good_record_is_refused) {
  const Record record = member_record(Author(1), world.unix_now());
  auto value = make_record_value(record.value_id, record.bytes);
  value->user_type = std::string(50, 'x');
  put(record.key, std::move(value));
  BOOST_TEST(heard.values.empty());
  BOOST_TEST(refused() > 0U);
  BOOST_TEST(stored(record.key) == 0U);
}

BOOST_AUTO_TEST_CASE(a_stored_record_cannot_be_changed_under_its_id) {
  const Record record = member_record(Author(1), world.unix_now());
  world.engine(2).announce(record.key, record.value_id, record.bytes);
  world.run_for(3s);
  Record forged = record;
  forged.bytes.back() ^= 1U;
  put(record.key, make_record_value(forged.value_id, forged.bytes));
  BOOST_REQUIRE(heard.values.size() == 1U);
  BOOST_TEST((heard.values[0] == record.bytes));
  BOOST_TEST(stored(record.key) == 1U);
}

BOOST_AUTO_TEST_CASE(the_edit_policy_refuses_everything) {
  RecordCheck check(world.nodes[0]->scheduler);
  const ::dht::ValueType type = make_record_type(check);
  const Record record = member_record(Author(1), world.unix_now());
  auto value = make_record_value(record.value_id, record.bytes);
  BOOST_TEST(type.storePolicy(to_infohash(record.key), value, {}, {}));
  BOOST_TEST(!type.editPolicy(to_infohash(record.key), value, value, {}, {}));
  BOOST_TEST(check.stored == 1U);
  BOOST_TEST(check.refused == 1U);
}

BOOST_AUTO_TEST_CASE(values_of_other_types_are_not_told) {
  const DhtKey key = member_key(mesh);
  put(key, std::make_shared<::dht::Value>(::dht::ValueType::USER_DATA.id, ::dht::Blob(10, 1), 5));
  BOOST_TEST(heard.values.empty());
}

BOOST_AUTO_TEST_CASE(a_flood_of_valid_records_is_cut_at_the_bound) {
  Collected got;
  const std::size_t flood = limits::values_per_key_max + 40;
  for (std::size_t i = 0; i < flood; ++i) {
    const Record record = member_record(Author(1), world.unix_now(), i + 1);
    attacker->put(record.key, make_record_value(record.value_id, record.bytes));
  }
  world.run_for(30s);
  get(world.engine(4), member_key(mesh), got);
  listen(world.engine(4), member_key(mesh), heard);
  world.run_for(60s);
  BOOST_TEST(got.values.size() == limits::values_per_key_max);
  BOOST_TEST(got.done.has_value());
  BOOST_TEST(heard.values.size() == limits::values_per_key_max);
}

BOOST_AUTO_TEST_CASE(noise_on_the_socket_does_no_harm) {
  VirtualDatagram noise(world, virtual_endpoint(210));
  std::mt19937_64 random(3);
  std::vector<Bytes> captured;
  world.on_datagram = [&](const Endpoint&, const Endpoint&, ByteView bytes) {
    if (captured.size() < 200) captured.emplace_back(bytes.begin(), bytes.end());
  };
  const Record record = member_record(Author(1), world.unix_now());
  world.engine(2).announce(record.key, record.value_id, record.bytes);
  world.run_for(5s);
  world.on_datagram = {};
  for (int i = 0; i < 4'000; ++i) {
    Bytes bytes = captured[random() % captured.size()];
    for (int flips = 0; flips < 3; ++flips)
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    if (i % 4 == 0) bytes.resize(random() % bytes.size());
    noise.send(virtual_endpoint(static_cast<unsigned>(1 + random() % 10)), bytes);
    if (i % 50 == 0) world.run_for(100ms);
  }
  world.run_for(1min);
  for (const auto& node : world.nodes) BOOST_TEST(node->engine.counters().datagrams_refused > 0U);
  Collected got;
  get(world.engine(9), record.key, got);
  world.run_for(10s);
  BOOST_TEST(got.values.size() == 1U);
}

BOOST_AUTO_TEST_CASE(lengths_that_promise_gigabytes_never_reach_opendht) {
  VirtualDatagram noise(world, virtual_endpoint(210));
  // {"y": array of 2^32 - 1}, {"p": {0: {"o": 0, "d": bin with such an array}}}, and the second
  // half of one.
  for (const char* bomb : {"81a179ddffffffff", "81a170810082a16f00a164c405ddffffffff",
                           "81a170810082a16f05a164c405ddffffffff"}) {
    const auto before = world.engine(0).counters().datagrams_refused;
    noise.send(virtual_endpoint(1), *from_hex(bomb));
    world.run_for(1s);
    BOOST_TEST(world.engine(0).counters().datagrams_refused == before + 1);
  }
}

BOOST_AUTO_TEST_SUITE_END()
