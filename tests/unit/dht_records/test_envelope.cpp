#include <boost/test/unit_test.hpp>
#include <msgpack.hpp>
#include <random>
#include <set>

#include "dht/records/envelope.hpp"
#include "tests/unit/dht_records/record_builders.hpp"

using namespace starling;
using namespace starling::record_builders;

namespace {

const DhtKey key = place(7);

Errc refusal(ByteView bytes, const DhtKey& expected = key, UnixSeconds at = now) {
  SignatureCache cache;
  const Result<VerifiedEnvelope> envelope = verify_envelope(bytes, expected, at, cache);
  BOOST_REQUIRE(!envelope.ok());
  return envelope.error().code;
}

/// An envelope with everything right except what `change` does to the fields, signed by its author.
struct Fields {
  std::uint64_t version = record_version;
  Bytes public_key;
  Bytes key_bytes = Bytes(20, 7);
  std::uint64_t expires_at = in_ten_minutes;
  Bytes sealed = Bytes(28, 0);
  std::size_t elements = 8;
};
Bytes pack_and_sign(const Fields& fields) {
  msgpack::sbuffer buffer;
  msgpack::packer<msgpack::sbuffer> packer(buffer);
  const auto bin = [&](const Bytes& bytes) {
    packer.pack_bin(static_cast<std::uint32_t>(bytes.size()));
    packer.pack_bin_body(reinterpret_cast<const char*>(bytes.data()),
                         static_cast<std::uint32_t>(bytes.size()));
  };
  packer.pack_array(static_cast<std::uint32_t>(fields.elements));
  packer.pack_uint64(fields.version);
  bin(fields.public_key);
  bin(fields.key_bytes);
  packer.pack_uint64(1);
  packer.pack_uint64(1);
  packer.pack_uint64(fields.expires_at);
  bin(fields.sealed);
  for (std::size_t extra = 8; extra < fields.elements; ++extra)
    bin(Bytes(64, 0));  // signature-like
  packer.pack_bin(64);
  const ByteView front = as_bytes({buffer.data(), buffer.size()});
  Bytes text;
  append(text, as_bytes("starling record/1"));
  append(text, front);
  Bytes whole(front.begin(), front.end());
  append(whole, author(1).sign(text));
  return whole;
}
Fields good_fields() {
  const crypto::PublicKey key_bytes = author(1).public_key();
  Fields fields;
  fields.public_key.assign(key_bytes.bytes.begin(), key_bytes.bytes.end());
  return fields;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(envelope)

BOOST_AUTO_TEST_CASE(an_envelope_proves_author_key_stamp_and_expiry) {
  const Bytes bytes = record(author(1), key, {.epoch = 3, .sequence = 9});
  SignatureCache cache;
  const Result<VerifiedEnvelope> read = verify_envelope(bytes, key, now, cache);
  BOOST_REQUIRE(read.ok());
  BOOST_TEST((read->node() == author(1).node_id()));
  BOOST_TEST((read->public_key() == author(1).public_key()));
  BOOST_TEST((read->key() == key));
  BOOST_TEST((read->stamp() == RecordStamp{.epoch = 3, .sequence = 9}));
  BOOST_TEST(read->expires_at() == in_ten_minutes);
  BOOST_TEST(read->value_id() == record_value_id(author(1).node_id(), key, read->stamp()));
}

BOOST_AUTO_TEST_CASE(the_body_opens_in_its_own_mesh_only) {
  const VerifiedEnvelope read =
      verified(record(author(1), key, {1, 1}, in_ten_minutes, "kitchen"), key);
  const Result<Bytes> body = open_body(read, mesh(1));
  BOOST_REQUIRE(body.ok());
  BOOST_TEST(as_text(*body) == "kitchen");
  const Result<Bytes> foreign = open_body(read, mesh(2));
  BOOST_REQUIRE(!foreign.ok());
  BOOST_TEST((foreign.error().code == Errc::bad_identity));
}

BOOST_AUTO_TEST_CASE(no_byte_can_be_changed_added_or_cut_off) {
  const Bytes bytes = record(author(1), key, {1, 1});
  SignatureCache cache;
  BOOST_REQUIRE(verify_envelope(bytes, key, now, cache).ok());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes changed = bytes;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1U << bit % 8);
    BOOST_TEST(!verify_envelope(changed, key, now, cache).ok());
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    BOOST_TEST(!verify_envelope(ByteView(bytes).first(size), key, now, cache).ok());
  }
  Bytes longer = bytes;
  longer.push_back(0);
  BOOST_TEST((refusal(longer) == Errc::malformed));
  BOOST_TEST(cache.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_record_holds_under_its_own_key_only) {
  BOOST_TEST((refusal(record(author(1), key, {1, 1}), place(8)) == Errc::bad_identity));
}

BOOST_AUTO_TEST_CASE(a_forger_needs_the_authors_key) {
  Fields fields = good_fields();
  BOOST_TEST(verified(pack_and_sign(fields), key).expires_at() == in_ten_minutes);
  const crypto::PublicKey other = author(2).public_key();
  fields.public_key.assign(other.bytes.begin(),
                           other.bytes.end());  // signed by author 1 all the same
  BOOST_TEST((refusal(pack_and_sign(fields)) == Errc::bad_identity));
}

// A member that copies the sealed body of another into an envelope of his own gains nothing.
BOOST_AUTO_TEST_CASE(a_sealed_body_does_not_open_in_another_envelope) {
  const VerifiedEnvelope original = verified(record(author(2), key, {1, 1}), key);
  Fields fields = good_fields();
  fields.sealed.assign(original.sealed_body().begin(), original.sealed_body().end());
  const VerifiedEnvelope copy = verified(pack_and_sign(fields), key);
  BOOST_TEST(open_body(original, mesh(1)).ok());
  BOOST_TEST(!open_body(copy, mesh(1)).ok());
}

BOOST_AUTO_TEST_CASE(a_record_lives_from_now_to_its_expiry) {
  const Bytes bytes = record(author(1), key, {1, 1}, now + 600);
  BOOST_TEST((refusal(bytes, key, now + 600) == Errc::expired));
  BOOST_TEST((refusal(bytes, key, now + 100'000) == Errc::expired));
  SignatureCache cache;
  BOOST_TEST(verify_envelope(bytes, key, now + 599, cache).ok());
  // Known already, and expired all the same.
  BOOST_TEST(!verify_envelope(bytes, key, now + 600, cache).ok());
}

BOOST_AUTO_TEST_CASE(a_record_cannot_be_made_for_eternity) {
  const UnixSeconds latest = now + 600 + 600;  // record_lifetime + clock_skew_max
  BOOST_TEST((verified(record(author(1), key, {1, 1}, latest), key).expires_at() == latest));
  BOOST_TEST((refusal(record(author(1), key, {1, 1}, latest + 1)) == Errc::expired));
  BOOST_TEST((refusal(record(author(1), key, {1, 1}, INT64_MAX)) == Errc::expired));
}

BOOST_AUTO_TEST_CASE(envelopes_of_another_form_are_refused) {
  Fields fields = good_fields();
  fields.version = 2;
  BOOST_TEST((refusal(pack_and_sign(fields)) == Errc::unsupported));

  fields = good_fields();
  fields.elements = 9;
  BOOST_TEST((refusal(pack_and_sign(fields)) == Errc::malformed));

  fields = good_fields();
  fields.public_key.pop_back();
  BOOST_TEST((refusal(pack_and_sign(fields)) == Errc::malformed));

  fields = good_fields();
  fields.key_bytes.push_back(7);
  BOOST_TEST((refusal(pack_and_sign(fields)) == Errc::malformed));

  fields = good_fields();
  fields.sealed.resize(27);
  BOOST_TEST((refusal(pack_and_sign(fields)) == Errc::malformed));

  fields = good_fields();
  fields.expires_at = std::uint64_t{1} << 63;
  BOOST_TEST((refusal(pack_and_sign(fields)) == Errc::malformed));

  BOOST_TEST((refusal({}) == Errc::malformed));
  BOOST_TEST((refusal(as_bytes("\x90")) == Errc::malformed));
  BOOST_TEST((refusal(as_bytes("\x80")) == Errc::malformed));
}

BOOST_AUTO_TEST_CASE(nesting_and_promised_sizes_cost_nothing) {
  BOOST_TEST((refusal(Bytes(1000, 0x91)) == Errc::malformed));                 // 1000 deep
  BOOST_TEST((refusal(from_hex("ddffffffff").value()) == Errc::malformed));    // 4 billion elements
  BOOST_TEST((refusal(from_hex("98c6ffffffff").value()) == Errc::malformed));  // 4 GB of binary
  BOOST_TEST((refusal(from_hex("98dfffffffff").value()) == Errc::malformed));  // 4 billion pairs
}

BOOST_AUTO_TEST_CASE(a_record_is_at_most_a_kilobyte) {
  BOOST_TEST((refusal(Bytes(limits::record_bytes_max + 1, 0)) == Errc::too_large));
  const RecordHeader widest{
      .key = key, .stamp = {.epoch = UINT64_MAX, .sequence = UINT64_MAX}, .expires_at = INT64_MAX};
  const Result<Bytes> largest =
      write_envelope(author(1), mesh(1), widest, Bytes(record_body_max, 1));
  BOOST_REQUIRE(largest.ok());
  BOOST_TEST(largest->size() == limits::record_bytes_max);
  const Result<Bytes> larger =
      write_envelope(author(1), mesh(1), widest, Bytes(record_body_max + 1, 1));
  BOOST_REQUIRE(!larger.ok());
  BOOST_TEST((larger.error().code == Errc::too_large));
}

BOOST_AUTO_TEST_CASE(equal_statements_are_equal_bytes_and_different_ones_share_no_nonce) {
  BOOST_TEST((record(author(1), key, {1, 1}) == record(author(1), key, {1, 1})));
  std::set<Bytes> nonces;
  const auto note_nonce = [&](const Bytes& bytes, const DhtKey& at) {
    const VerifiedEnvelope envelope = verified(bytes, at);
    nonces.emplace(envelope.sealed_body().begin(), envelope.sealed_body().begin() + 12);
  };
  note_nonce(record(author(1), key, {1, 1}), key);
  note_nonce(record(author(1), key, {1, 1}, in_ten_minutes, "other"), key);  // stamp used twice
  note_nonce(record(author(1), key, {1, 2}), key);
  note_nonce(record(author(1), key, {2, 1}), key);
  note_nonce(record(author(2), key, {1, 1}), key);
  note_nonce(record(author(1), place(8), {1, 1}), place(8));
  note_nonce(record(author(1), key, {1, 1}, in_ten_minutes + 1), key);
  BOOST_TEST(nonces.size() == 7U);
}

BOOST_AUTO_TEST_CASE(a_changed_record_has_another_value_id) {
  const NodeId node = author(1).node_id();
  std::set<std::uint64_t> ids = {
      record_value_id(node, key, {1, 1}), record_value_id(node, key, {1, 2}),
      record_value_id(node, key, {2, 1}), record_value_id(node, place(8), {1, 1}),
      record_value_id(author(2).node_id(), key, {1, 1})};
  BOOST_TEST(ids.size() == 5U);
  BOOST_TEST(ids.count(0) == 0U);
}

BOOST_AUTO_TEST_CASE(the_cache_answers_for_good_signatures_and_stays_bounded) {
  SignatureCache cache(8);
  for (std::uint64_t sequence = 1; sequence <= 40; ++sequence) {
    const Bytes bytes = record(author(1), key, {1, sequence});
    const crypto::Digest digest = crypto::sha256(bytes);
    BOOST_TEST(!cache.knows(digest));
    BOOST_TEST(verify_envelope(bytes, key, now, cache).ok());
    BOOST_TEST(cache.knows(digest));
    BOOST_TEST(verify_envelope(bytes, key, now, cache).ok());
    BOOST_TEST(cache.size() <= 8U);
  }
  for (std::uint64_t sequence = 37; sequence <= 40; ++sequence) {
    BOOST_TEST(cache.knows(crypto::sha256(record(author(1), key, {1, sequence}))));
  }
  BOOST_TEST(!cache.knows(crypto::sha256(record(author(1), key, {1, 1}))));
}

BOOST_AUTO_TEST_CASE(noise_is_never_taken_for_a_record) {
  std::mt19937 random(4711);
  SignatureCache cache;
  const Bytes good = record(author(1), key, {1, 1});
  for (int round = 0; round < 5000; ++round) {
    Bytes noise = good;
    for (auto changes = 1 + random() % 20; changes > 0; --changes) {
      noise[random() % noise.size()] = static_cast<std::uint8_t>(random());
    }
    noise.resize(random() % 2 == 0 ? noise.size() : random() % noise.size());
    if (noise != good) BOOST_TEST(!verify_envelope(noise, key, now, cache).ok());
  }
}

BOOST_AUTO_TEST_SUITE_END()
