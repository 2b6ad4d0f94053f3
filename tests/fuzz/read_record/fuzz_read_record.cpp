// Records from strangers. The first byte of an input says what the rest is: an envelope, a plain
// body, a body to be sealed and signed properly, or changes to a good record. Properties: what is
// read, written and read again is equal; a body reads the same with and without its envelope; a
// record that was changed in any place is refused.
#include <cstdint>
#include <utility>

#include "starling/check.hpp"

#include "dht/records/interest_record.hpp"
#include "dht/records/member_record.hpp"
#include "dht/records/node_record.hpp"

using namespace starling;

namespace {

constexpr UnixSeconds now = 1'800'000'000;

const crypto::SigningKey& author() {
  static const crypto::SigningKey key = crypto::SigningKey::from_seed(crypto::Seed{});
  return key;
}
const crypto::MeshKeys& mesh() {
  static const crypto::MeshKeys keys = crypto::derive_mesh_keys(crypto::MeshSecret{});
  return keys;
}

void check_equal(const InterestBody& a, const InterestBody& b) {
  STARLING_CHECK(a.prefix == b.prefix);
  STARLING_CHECK(a.shard == b.shard);
  STARLING_CHECK(a.interests == b.interests);
  STARLING_CHECK(a.endpoints == b.endpoints);
}

void on_envelope(ByteView bytes) {
  SignatureCache cache;
  const DhtKey key = interest_key(mesh(), LiteralPrefix::first_levels("home/kitchen", 2));
  const Result<VerifiedEnvelope> first = verify_envelope(bytes, key, now, cache);
  const Result<VerifiedEnvelope> again = verify_envelope(bytes, key, now, cache);
  STARLING_CHECK(first.ok() == again.ok());
  if (!first) return;
  STARLING_CHECK(cache.size() == 1);
  STARLING_CHECK(first->node() == again->node() && first->stamp() == again->stamp());
  const Result<InterestRecord> record = read_interest_record(*first, mesh());
  if (record) STARLING_CHECK(record->peer.id == first->node());
}

void on_interest_body(ByteView bytes) {
  const Result<InterestBody> body = read_interest_body(bytes);
  if (!body) return;
  STARLING_CHECK(body->interests.size() <= limits::record_filters_max);
  STARLING_CHECK(body->endpoints.size() <= limits::record_endpoints_max);
  for (const Interest& interest : body->interests) {
    STARLING_CHECK(LiteralPrefix::of(interest.filter) == body->prefix);
    STARLING_CHECK(interest.filter.text().front() != '$');
  }
  const Result<InterestBody> again = read_interest_body(write_interest_body(*body));
  STARLING_CHECK(again.ok());
  check_equal(*body, *again);
}

void on_node_body(ByteView bytes) {
  const Result<NodeBody> body = read_node_body(bytes);
  if (!body) return;
  const Result<NodeBody> again = read_node_body(write_node_body(*body));
  STARLING_CHECK(again.ok() && *again == *body);
}

void on_member_body(ByteView bytes) {
  const Result<MemberBody> body = read_member_body(bytes);
  if (!body) return;
  const Result<MemberBody> again = read_member_body(write_member_body(*body));
  STARLING_CHECK(again.ok());
  STARLING_CHECK(again->shard == body->shard && again->endpoints == body->endpoints);
}

void on_sealed_body(ByteView bytes) {
  const Result<InterestBody> body = read_interest_body(bytes);
  const DhtKey key = body ? interest_key(mesh(), body->prefix, body->shard) : DhtKey{};
  const RecordHeader header{.key = key, .stamp = {1, 1}, .expires_at = now + 600};
  const Result<Bytes> record = write_envelope(author(), mesh(), header, bytes);
  if (!record) {
    STARLING_CHECK(bytes.size() + envelope_overhead_max > limits::record_bytes_max);
    return;
  }
  SignatureCache cache;
  const Result<VerifiedEnvelope> envelope = verify_envelope(*record, key, now, cache);
  STARLING_CHECK(envelope.ok());
  const Result<InterestRecord> read = read_interest_record(*envelope, mesh());
  STARLING_CHECK(read.ok() == body.ok());
  if (!read) return;
  check_equal(*body, InterestBody{.prefix = read->prefix,
                                  .shard = read->shard,
                                  .interests = read->interests,
                                  .endpoints = read->peer.endpoints});
}

/// Pairs of (u16 place, u8 value) to write into a good record.
void on_changes(ByteView bytes) {
  static const Bytes good =
      write_node_record(author(), mesh(), {7, 9}, now + 600, {{Endpoint::v4({192, 0, 2, 1}, 21883)}})
          .value();
  const DhtKey key = node_key(mesh(), author().node_id());
  Bytes changed = good;
  ByteReader reader(bytes);
  while (reader.remaining() >= 3) {
    const std::size_t place = reader.read_u16() % changed.size();
    changed[place] = reader.read_u8();
  }
  SignatureCache cache;
  STARLING_CHECK(verify_envelope(changed, key, now, cache).ok() == (changed == good));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView rest(data + 1, size - 1);
  switch (data[0] % 6) {
    case 0:
      on_envelope(rest);
      break;
    case 1:
      on_interest_body(rest);
      break;
    case 2:
      on_node_body(rest);
      break;
    case 3:
      on_member_body(rest);
      break;
    case 4:
      on_sealed_body(rest);
      break;
    default:
      on_changes(rest);
  }
  return 0;
}
