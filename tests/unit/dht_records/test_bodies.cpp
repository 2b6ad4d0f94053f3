#include <boost/test/unit_test.hpp>
#include <functional>
#include <msgpack.hpp>

#include "dht/records/interest_record.hpp"
#include "dht/records/member_record.hpp"
#include "dht/records/node_record.hpp"
#include "tests/unit/dht_records/record_builders.hpp"

using namespace starling;
using namespace starling::record_builders;

namespace {

const std::vector<Endpoint> two_homes = {endpoint("192.0.2.7:21883"),
                                         endpoint("[2001:db8::1]:21883")};

InterestBody kitchen() {
  return InterestBody{.prefix = prefix("home/kitchen"),
                      .shard = {},
                      .interests = {interest("home/kitchen/+/state", QoS::exactly_once, true),
                                    interest("home/kitchen"),
                                    interest("home/kitchen/#", QoS::at_least_once, false, "pool")},
                      .endpoints = two_homes};
}

Bytes packed(const std::function<void(msgpack::packer<msgpack::sbuffer>&)>& fill) {
  msgpack::sbuffer buffer;
  msgpack::packer<msgpack::sbuffer> packer(buffer);
  fill(packer);
  const ByteView view = as_bytes({buffer.data(), buffer.size()});
  return {view.begin(), view.end()};
}

/// An interest body with one interest and one endpoint.
Bytes body_with(int levels, std::string_view prefix_text, std::string_view rest, int flags = 0,
                std::string_view group = {}, int kind = 1, std::size_t endpoint_size = 6) {
  return packed([&](msgpack::packer<msgpack::sbuffer>& packer) {
    packer.pack_array(7);
    packer.pack(kind);
    packer.pack(0);
    packer.pack(0);
    packer.pack(levels);
    packer.pack(std::string(prefix_text));
    packer.pack_array(1);
    packer.pack_array(group.empty() ? 2 : 3);
    packer.pack(std::string(rest));
    packer.pack(flags);
    if (!group.empty()) packer.pack(std::string(group));
    packer.pack_array(1);
    packer.pack(std::vector<char>(endpoint_size, 0x21));
  });
}

Errc refusal(const Bytes& body) {
  const Result<InterestBody> read = read_interest_body(body);
  BOOST_REQUIRE(!read.ok());
  return read.error().code;
}

template <class Record>
Errc code_of(const Result<Record>& result) {
  BOOST_REQUIRE(!result.ok());
  return result.error().code;
}

bool contains(ByteView haystack, std::string_view needle) {
  return as_text(haystack).find(needle) != std::string_view::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(record_bodies)

BOOST_AUTO_TEST_CASE(an_interest_record_reads_back) {
  const DhtKey key = interest_key(mesh(1), prefix("home/kitchen"));
  const Bytes bytes =
      write_interest_record(author(1), mesh(1), {2, 5}, in_ten_minutes, kitchen()).value();
  const Result<InterestRecord> record = read_interest_record(verified(bytes, key), mesh(1));
  BOOST_REQUIRE(record.ok());
  BOOST_TEST((record->interests == kitchen().interests));
  BOOST_TEST((record->prefix == prefix("home/kitchen")));
  BOOST_TEST((record->peer.endpoints == two_homes));
  BOOST_TEST((record->peer.id == author(1).node_id()));
  BOOST_TEST(record->peer.epoch == 2U);
  BOOST_TEST(record->peer.sequence == 5U);
  BOOST_TEST(record->peer.expires_at == in_ten_minutes);
}

BOOST_AUTO_TEST_CASE(filters_read_back_under_prefixes_of_every_depth) {
  for (const char* text : {"#", "+", "+/x", "a", "a/#", "a/+/b", "a/b", "a/b/#", "a/b/c", "/", "/+",
                           "/#", "//", "a//#", "/x/y"}) {
    BOOST_TEST_CONTEXT(text) {
      const InterestBody body{
          .prefix = prefix(text), .shard = {}, .interests = {interest(text)}, .endpoints = {}};
      const Result<InterestBody> read = read_interest_body(write_interest_body(body));
      BOOST_REQUIRE(read.ok());
      BOOST_TEST((read->interests == body.interests));
      BOOST_TEST((read->prefix == body.prefix));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_sharded_record_lies_under_the_key_of_its_shard) {
  InterestBody body = kitchen();
  body.shard = Shard{.level = 2, .index = 3};
  const Bytes bytes =
      write_interest_record(author(1), mesh(1), {1, 1}, in_ten_minutes, body).value();
  const DhtKey key = interest_key(mesh(1), body.prefix, body.shard);
  const Result<InterestRecord> record = read_interest_record(verified(bytes, key), mesh(1));
  BOOST_REQUIRE(record.ok());
  BOOST_TEST((record->shard == body.shard));
}

BOOST_AUTO_TEST_CASE(node_and_member_records_read_back) {
  const Bytes node =
      write_node_record(author(1), mesh(1), {1, 2}, in_ten_minutes, {two_homes}).value();
  const Result<PeerRecord> peer =
      read_node_record(verified(node, node_key(mesh(1), author(1).node_id())), mesh(1));
  BOOST_REQUIRE(peer.ok());
  BOOST_TEST((peer->endpoints == two_homes));
  BOOST_TEST((peer->id == author(1).node_id()));

  const MemberBody member_body{.shard = {.level = 1, .index = 1}, .endpoints = {}};
  const Bytes member =
      write_member_record(author(2), mesh(1), {1, 1}, in_ten_minutes, member_body).value();
  const Result<PeerRecord> second =
      read_member_record(verified(member, member_key(mesh(1), member_body.shard)), mesh(1));
  BOOST_REQUIRE(second.ok());
  BOOST_TEST(second->endpoints.empty());
  BOOST_TEST((second->id == author(2).node_id()));
}

BOOST_AUTO_TEST_CASE(a_record_of_another_mesh_does_not_open) {
  const Bytes bytes =
      write_interest_record(author(1), mesh(1), {1, 1}, in_ten_minutes, kitchen()).value();
  const VerifiedEnvelope envelope = verified(bytes, interest_key(mesh(1), prefix("home/kitchen")));
  BOOST_TEST((code_of(read_interest_record(envelope, mesh(2))) == Errc::bad_identity));
}

BOOST_AUTO_TEST_CASE(a_record_of_another_kind_is_not_mistaken) {
  const DhtKey key = member_key(mesh(1));
  const VerifiedEnvelope member =
      verified(write_member_record(author(1), mesh(1), {1, 1}, in_ten_minutes, {}).value(), key);
  BOOST_TEST((code_of(read_interest_record(member, mesh(1))) == Errc::unsupported));
  BOOST_TEST((code_of(read_node_record(member, mesh(1))) == Errc::unsupported));
}

// A member may sign what he likes for any key; readers notice when the body does not belong there.
BOOST_AUTO_TEST_CASE(a_body_that_belongs_to_another_key_is_refused) {
  const DhtKey elsewhere = interest_key(mesh(1), prefix("garden/#"));
  const RecordHeader header{.key = elsewhere, .stamp = {1, 1}, .expires_at = in_ten_minutes};
  const auto file_there = [&](const Bytes& body) {
    return verified(write_envelope(author(1), mesh(1), header, body).value(), elsewhere);
  };
  BOOST_TEST((code_of(read_interest_record(file_there(write_interest_body(kitchen())), mesh(1)))
              == Errc::bad_identity));
  BOOST_TEST(
      (code_of(read_node_record(file_there(write_node_body({})), mesh(1))) == Errc::bad_identity));
  BOOST_TEST((code_of(read_member_record(file_there(write_member_body({})), mesh(1)))
              == Errc::bad_identity));
}

BOOST_AUTO_TEST_CASE(filters_that_are_none_or_stand_elsewhere_are_refused) {
  BOOST_REQUIRE(read_interest_body(body_with(2, "a/b", "/+")).ok());
  BOOST_TEST((refusal(body_with(2, "a/b", "c")) == Errc::malformed));  // "a/bc"
  BOOST_TEST((refusal(body_with(1, "a", "/b")) == Errc::malformed));   // belongs under "a/b"
  BOOST_TEST((refusal(body_with(0, "", "a/b")) == Errc::malformed));
  BOOST_TEST((refusal(body_with(0, "", "")) == Errc::malformed));          // no filter
  BOOST_TEST((refusal(body_with(2, "a/b", "/#/c")) == Errc::malformed));   // misplaced wildcard
  BOOST_TEST((refusal(body_with(2, "a/b", "/\xff")) == Errc::malformed));  // not UTF-8
  BOOST_TEST((refusal(body_with(2, "a", "/b/c")) == Errc::malformed));     // levels do not count up
  BOOST_TEST((refusal(body_with(2, "a", "")) == Errc::malformed));
  BOOST_TEST((refusal(body_with(2, "a/b/c", "/x")) == Errc::malformed));
  BOOST_TEST((refusal(body_with(1, "+", "/c")) == Errc::malformed));  // a wildcard as prefix
  BOOST_TEST((refusal(body_with(0, "a", "/c")) == Errc::malformed));
  BOOST_TEST((refusal(body_with(3, "a/b/c", "")) == Errc::malformed));
  BOOST_TEST((refusal(body_with(2, std::string(600, 'a') + "/b", "")) == Errc::malformed));
}

BOOST_AUTO_TEST_CASE(dollar_topics_never_come_in_by_a_record) {
  BOOST_TEST((refusal(body_with(1, "$SYS", "/#")) == Errc::malformed));
  BOOST_TEST((refusal(body_with(2, "$share/g", "/x")) == Errc::malformed));
}

BOOST_AUTO_TEST_CASE(a_share_group_is_a_single_level_without_wildcards) {
  const Result<InterestBody> read = read_interest_body(body_with(1, "a", "", 0, "pool"));
  BOOST_REQUIRE(read.ok());
  BOOST_TEST(read->interests.at(0).share_group == "pool");
  for (const char* group : {"a/b", "+", "x#", "\xff"}) {
    BOOST_TEST((refusal(body_with(1, "a", "", 0, group)) == Errc::malformed));
  }
}

BOOST_AUTO_TEST_CASE(flags_of_later_versions_are_ignored_and_qos_3_is_refused) {
  const Result<InterestBody> read = read_interest_body(body_with(1, "a", "", 0xf6));
  BOOST_REQUIRE(read.ok());
  BOOST_TEST((read->interests.at(0).qos_max == QoS::exactly_once));
  BOOST_TEST(read->interests.at(0).durable);
  BOOST_TEST((refusal(body_with(1, "a", "", 3)) == Errc::malformed));
  BOOST_TEST((refusal(body_with(1, "a", "", -1)) == Errc::malformed));
}

BOOST_AUTO_TEST_CASE(those_who_hand_requests_on_are_named) {
  const Via relay{author(2).node_id(), two_homes[0], true};
  const Via helper{author(3).node_id(), two_homes[1], false};
  const Bytes record =
      write_node_record(author(1), mesh(1), {1, 2}, in_ten_minutes, {{}, {relay, helper}}).value();
  const Result<PeerRecord> peer =
      read_node_record(verified(record, node_key(mesh(1), author(1).node_id())), mesh(1));
  BOOST_REQUIRE(peer.ok());
  BOOST_TEST((peer->vias == std::vector<Via>{relay, helper}));
  const std::vector<Via> three(3, relay);
  BOOST_TEST((code_of(write_node_record(author(1), mesh(1), {1, 2}, in_ten_minutes, {{}, three}))
              == Errc::too_large));
  BOOST_TEST((code_of(read_node_body(write_node_body({{}, three}))) == Errc::too_large));
}

BOOST_AUTO_TEST_CASE(elements_that_later_versions_append_are_ignored) {
  Bytes body = write_node_body({two_homes});
  body[0] = 0x94;
  body.push_back(0x90);  // no vias
  body.push_back(0xc3);
  const Result<NodeBody> read = read_node_body(body);
  BOOST_REQUIRE(read.ok());
  BOOST_TEST((read->endpoints == two_homes));
}

BOOST_AUTO_TEST_CASE(endpoints_have_an_address_and_a_port) {
  BOOST_REQUIRE(read_interest_body(body_with(1, "a", "", 0, {}, 1, 18)).ok());
  for (const std::size_t size : {0U, 5U, 7U, 17U, 19U}) {
    BOOST_TEST((refusal(body_with(1, "a", "", 0, {}, 1, size)) == Errc::malformed));
  }
  for (const char* digits :
       {"920291c406c00002070000", "920291c406000000000050"}) {  // no port; 0.0.0.0
    BOOST_TEST((code_of(read_node_body(from_hex(digits).value())) == Errc::malformed));
  }
  BOOST_TEST(read_node_body(from_hex("920291c406c00002070050").value()).ok());
  const auto nowhere =
      write_node_record(author(1), mesh(1), {1, 1}, in_ten_minutes, {{Endpoint{}}});
  BOOST_TEST((code_of(nowhere) == Errc::malformed));
}

BOOST_AUTO_TEST_CASE(counts_above_the_limits_are_refused_when_written_and_when_read) {
  const std::vector<Endpoint> four(limits::record_endpoints_max + 1, two_homes[0]);
  BOOST_TEST((code_of(write_node_record(author(1), mesh(1), {1, 1}, in_ten_minutes, {four}))
              == Errc::too_large));
  BOOST_TEST((code_of(read_node_body(write_node_body({four}))) == Errc::too_large));
  BOOST_TEST((code_of(write_member_record(author(1), mesh(1), {1, 1}, in_ten_minutes, {{}, four}))
              == Errc::too_large));
  BOOST_TEST((code_of(read_member_body(write_member_body({{}, four}))) == Errc::too_large));

  InterestBody crowded{.prefix = prefix("a/#"), .shard = {}, .interests = {}, .endpoints = {}};
  for (std::size_t i = 0; i <= limits::record_filters_max; ++i) {
    crowded.interests.push_back(interest("a/+/" + std::to_string(i)));
  }
  BOOST_TEST((code_of(write_interest_record(author(1), mesh(1), {1, 1}, in_ten_minutes, crowded))
              == Errc::too_large));
  BOOST_TEST((refusal(write_interest_body(crowded)) == Errc::too_large));
}

BOOST_AUTO_TEST_CASE(shards_out_of_range_are_refused) {
  for (const char* digits : {"9403000190", "9403210090", "940301cf000000010000000090"}) {
    BOOST_TEST((code_of(read_member_body(from_hex(digits).value())) == Errc::malformed));
  }
  BOOST_TEST(read_member_body(from_hex("9403010190").value()).ok());
}

BOOST_AUTO_TEST_CASE(a_damaged_body_never_crashes_the_reader) {
  const Bytes good = write_interest_body(kitchen());
  for (std::size_t size = 0; size < good.size(); ++size) {
    BOOST_TEST(
        !read_interest_body(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)))
             .ok());
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      Bytes changed = good;
      changed[at] = static_cast<std::uint8_t>(value);
      const Result<InterestBody> read = read_interest_body(changed);
      if (!read) continue;
      for (const Interest& one : read->interests)
        BOOST_TEST((LiteralPrefix::of(one.filter) == read->prefix));
    }
  }
}

// What lies in the DHT is seen by strangers: no level, no share group, no address may show.
BOOST_AUTO_TEST_CASE(neither_topics_nor_addresses_show_in_records_of_private_and_open_meshes) {
  const crypto::MeshKeys open =
      crypto::derive_mesh_keys(crypto::open_mesh_secret("public").value());
  for (const crypto::MeshKeys& keys : {mesh(1), open}) {
    InterestBody body = kitchen();
    body.interests.push_back(interest("home/kitchen/secretlamp"));
    const Bytes plain = write_interest_body(body);
    const Bytes interests =
        write_interest_record(author(1), keys, {1, 1}, in_ten_minutes, body).value();
    const Bytes node =
        write_node_record(author(1), keys, {1, 1}, in_ten_minutes, {two_homes}).value();
    const Bytes member =
        write_member_record(author(1), keys, {1, 1}, in_ten_minutes, {{}, two_homes}).value();
    for (const std::string_view word : {"home", "kitchen", "secretlamp", "state", "pool"}) {
      BOOST_TEST(contains(plain, word));  // the search would find it
      BOOST_TEST(!contains(interests, word));
    }
    for (const Endpoint& home : two_homes) {
      const std::string_view address = as_text(ByteView(home.address).last(4));
      BOOST_TEST(contains(write_node_body({two_homes}), address));
      for (const Bytes& bytes : {interests, node, member}) BOOST_TEST(!contains(bytes, address));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
