#include "dht/records/envelope.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <string>
#include <utility>

#include "starling/check.hpp"

#include "dht/records/bounded_msgpack.hpp"
#include "src/crypto/aead.hpp"
#include "src/crypto/hash.hpp"

namespace starling {
namespace {

// [version, public key, key, epoch, sequence, expiry, sealed body, signature]
constexpr std::size_t envelope_elements = 8;
constexpr std::size_t signature_size = std::tuple_size_v<crypto::Signature>;
constexpr std::size_t nonce_size = std::tuple_size_v<crypto::Nonce>;
constexpr std::size_t sealed_size_min = nonce_size + crypto::seal_overhead;
constexpr std::string_view signature_label = "starling record/1";

constexpr UnixSeconds seconds_of(std::chrono::seconds span) {
  return span.count();
}

/// Everything in front of the signature's 64 bytes, which are the last ones, behind a label: so
/// that no signature over something else can be taken for one over a record.
Bytes signed_text(ByteView record) {
  Bytes text;
  text.reserve(signature_label.size() + record.size());
  append(text, as_bytes(signature_label));
  append(text, record.first(record.size() - signature_size));
  return text;
}

/// What the seal of a body vouches for beside the body, in a form of fixed length.
Bytes associated_text(const crypto::PublicKey& author, const RecordHeader& header) {
  Bytes text;
  ByteWriter writer(text);
  writer.write_u8(record_version);
  writer.write_bytes(author.view());
  writer.write_bytes(header.key.view());
  writer.write_u64(header.stamp.epoch);
  writer.write_u64(header.stamp.sequence);
  writer.write_u64(static_cast<std::uint64_t>(header.expires_at));
  return text;
}

crypto::Key sealing_key(const crypto::MeshKeys& mesh) {
  return crypto::hmac_sha256(mesh.record, as_bytes("record seal/1"));
}

/// A nonce that only this body under this header has: nobody needs luck or a counter that survives.
crypto::Nonce nonce_for(const crypto::MeshKeys& mesh, Bytes associated, ByteView body) {
  const crypto::Key key = crypto::hmac_sha256(mesh.record, as_bytes("record nonce/1"));
  append(associated, body);
  const crypto::Digest digest = crypto::hmac_sha256(key, associated);
  crypto::Nonce nonce{};
  std::copy_n(digest.begin(), nonce.size(), nonce.begin());
  return nonce;
}

Error malformed(const char* what) {
  return Error{Errc::malformed, what};
}

}  // namespace

std::uint64_t record_value_id(const NodeId& node, const DhtKey& key, RecordStamp stamp) {
  Bytes text;
  ByteWriter writer(text);
  writer.write_bytes(node.view());
  writer.write_bytes(key.view());
  writer.write_u64(stamp.epoch);
  writer.write_u64(stamp.sequence);
  const crypto::Digest digest = crypto::sha256(text);
  const std::uint64_t id = ByteReader(digest).read_u64();
  return id == 0 ? 1 : id;  // the DHT would choose an id of its own for zero
}

bool SignatureCache::knows(const crypto::Digest& record) const {
  return younger_.count(record) > 0 || older_.count(record) > 0;
}

void SignatureCache::remember(const crypto::Digest& record) {
  if (younger_.size() >= half_max_) older_ = std::exchange(younger_, {});
  younger_.insert(record);
}

std::shared_ptr<SignatureCache> shared_or_own(std::shared_ptr<SignatureCache> shared) {
  return shared ? std::move(shared) : std::make_shared<SignatureCache>();
}

/// The only maker of a VerifiedEnvelope.
class EnvelopeReader {
 public:
  static Result<VerifiedEnvelope> read(ByteView record) {
    const std::optional<msgpack::object_handle> unpacked = unpack_array(record);
    if (!unpacked) return malformed("a record that is no msgpack array within bounds");
    ElementReader reader(unpacked->get());
    const std::uint64_t version = reader.read_uint();
    if (!reader.ok()) return malformed("a record without version");
    if (version != record_version) {
      return Error{Errc::unsupported, "a record of version " + std::to_string(version)};
    }
    VerifiedEnvelope envelope;
    if (reader.remaining() != envelope_elements - 1) return malformed("a record of another length");
    envelope.public_key_.bytes = reader.read_exactly<32>();
    envelope.header_.key.bytes = reader.read_exactly<20>();
    envelope.header_.stamp.epoch = reader.read_uint();
    envelope.header_.stamp.sequence = reader.read_uint();
    envelope.header_.expires_at = static_cast<UnixSeconds>(
        reader.read_uint(std::uint64_t{std::numeric_limits<UnixSeconds>::max()}));
    const ByteView sealed = reader.read_binary();
    const ByteView signature = reader.read_binary();
    if (!reader.ok()) return malformed("a record with a field of the wrong type or size");
    if (sealed.size() < sealed_size_min) return malformed("a record with a body too short");
    if (signature.size() != signature_size) return malformed("a record with a short signature");
    envelope.sealed_body_.assign(sealed.begin(), sealed.end());
    return envelope;
  }

  /// After the signature has been found good.
  static void name_author(VerifiedEnvelope& envelope) {
    envelope.node_ = envelope.public_key_.node_id();
  }
};

Result<VerifiedEnvelope> verify_envelope(ByteView record, const DhtKey& expected, UnixSeconds now,
                                         SignatureCache& cache) {
  if (record.size() > limits::record_bytes_max) {
    return Error{Errc::too_large,
                 "a record above " + std::to_string(limits::record_bytes_max) + " bytes"};
  }
  Result<VerifiedEnvelope> envelope = EnvelopeReader::read(record);
  if (!envelope) return envelope;
  // The cheap checks first: a signature costs more than all the others together.
  if (envelope->key() != expected) {
    return Error{Errc::bad_identity, "a record that was signed for another key"};
  }
  if (envelope->expires_at() <= now) return Error{Errc::expired, "a record that has lapsed"};
  if (envelope->expires_at()
      > now + seconds_of(limits::record_lifetime) + seconds_of(limits::clock_skew_max)) {
    return Error{Errc::expired, "a record that would live too long, or from a clock far ahead"};
  }
  const crypto::Digest digest = crypto::sha256(record);
  if (!cache.knows(digest)) {
    crypto::Signature signature{};
    std::copy_n(record.last(signature_size).begin(), signature_size, signature.begin());
    if (!crypto::verify(envelope->public_key(), signed_text(record), signature)) {
      return Error{Errc::bad_identity, "a record with a signature that does not hold"};
    }
    cache.remember(digest);
  }
  EnvelopeReader::name_author(*envelope);
  return envelope;
}

Result<Bytes> write_envelope(const crypto::SigningKey& author, const crypto::MeshKeys& mesh,
                             const RecordHeader& header, ByteView body) {
  STARLING_CHECK(header.expires_at > 0);
  const Bytes associated = associated_text(author.public_key(), header);
  const crypto::Nonce nonce = nonce_for(mesh, associated, body);
  Bytes sealed(nonce.begin(), nonce.end());
  append(sealed, crypto::seal(sealing_key(mesh), nonce, associated, body));

  Packing packing;
  packing.array(envelope_elements);
  packing.number(record_version);
  packing.binary(author.public_key().view());
  packing.binary(header.key.view());
  packing.number(header.stamp.epoch);
  packing.number(header.stamp.sequence);
  packing.number(static_cast<std::uint64_t>(header.expires_at));
  packing.binary(sealed);
  packing.binary(crypto::Signature{});  // its place, filled below
  Bytes record = packing.take();
  if (record.size() > limits::record_bytes_max) {
    return Error{Errc::too_large, "a record of " + std::to_string(record.size()) + " bytes"};
  }
  const crypto::Signature signature = author.sign(signed_text(record));
  std::copy(signature.begin(), signature.end(), record.end() - signature_size);
  return record;
}

Result<Bytes> open_body(const VerifiedEnvelope& envelope, const crypto::MeshKeys& mesh) {
  crypto::Nonce nonce{};
  std::copy_n(envelope.sealed_body().begin(), nonce.size(), nonce.begin());
  return crypto::open_sealed(sealing_key(mesh), nonce,
                             associated_text(envelope.public_key(), envelope.header()),
                             envelope.sealed_body().subspan(nonce.size()));
}

}  // namespace starling
