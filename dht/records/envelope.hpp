// The envelope of every record in the DHT: who says it, under which key, until when, signed; and
// inside a sealed body. A storing node needs no mesh secret to check an envelope; a reader opens
// the body too.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>

#include "starling/bytes.hpp"
#include "starling/ids.hpp"
#include "starling/limits.hpp"
#include "starling/result.hpp"
#include "starling/time.hpp"

#include "src/crypto/ed25519.hpp"
#include "src/crypto/mesh_keys.hpp"

namespace starling {

inline constexpr std::uint8_t record_version = 1;
/// The most that an envelope adds to the plain body it holds, in bytes.
inline constexpr std::size_t envelope_overhead_max = 182;
inline constexpr std::size_t record_body_max = limits::record_bytes_max - envelope_overhead_max;

/// Which of a node's records under one key is the later one: epoch before sequence.
struct RecordStamp {
  std::uint64_t epoch = 0;     ///< the node's boot counter
  std::uint64_t sequence = 0;  ///< counts up within the epoch; a changed record needs a new one
  auto operator<=>(const RecordStamp&) const = default;
};

/// What its author says about a record, and everybody can read.
struct RecordHeader {
  DhtKey key;  ///< the place where the record lies; it holds nowhere else
  RecordStamp stamp;
  UnixSeconds expires_at = 0;
};

/// First 64 bits of SHA-256(NodeId ‖ key ‖ epoch ‖ sequence), integers as u64 big endian; never
/// zero. The id of the value in the DHT: a changed record needs a new id, or listeners are not
/// told.
std::uint64_t record_value_id(const NodeId& node, const DhtKey& key, RecordStamp stamp);

/// Only `verify_envelope` makes one, so holding it is the proof that this node signed exactly this
/// for exactly this key.
class VerifiedEnvelope {
 public:
  [[nodiscard]] const crypto::PublicKey& public_key() const { return public_key_; }
  [[nodiscard]] const NodeId& node() const { return node_; }
  [[nodiscard]] const DhtKey& key() const { return header_.key; }
  [[nodiscard]] RecordStamp stamp() const { return header_.stamp; }
  [[nodiscard]] UnixSeconds expires_at() const { return header_.expires_at; }
  [[nodiscard]] const RecordHeader& header() const { return header_; }
  /// Nonce, ciphertext and tag: see open_body.
  [[nodiscard]] ByteView sealed_body() const { return sealed_body_; }
  /// The id under which this record must lie in the DHT.
  [[nodiscard]] std::uint64_t value_id() const {
    return record_value_id(node_, header_.key, header_.stamp);
  }

 private:
  friend class EnvelopeReader;
  VerifiedEnvelope() = default;

  crypto::PublicKey public_key_;
  NodeId node_;
  RecordHeader header_;
  Bytes sealed_body_;
};

/// Remembers which records had a valid signature, since a check costs 75 us and the DHT shows the
/// same record again and again. The newest `count_max / 2` are certain to be remembered; never more
/// than `count_max`. Bad signatures are not remembered: a forger has as many as he likes.
class SignatureCache {
 public:
  explicit SignatureCache(std::size_t count_max = limits::signatures_cached_max)
      : half_max_(count_max < 2 ? 1 : count_max / 2) {}

  /// `record`: SHA-256 of all bytes of a record, its signature included.
  [[nodiscard]] bool knows(const crypto::Digest& record) const;
  void remember(const crypto::Digest& record);
  [[nodiscard]] std::size_t size() const { return younger_.size() + older_.size(); }

 private:
  // Ordered, not hashed: strangers choose what comes in. Two halves: when the younger one is full
  // it becomes the older one, and what was older is forgotten.
  std::set<crypto::Digest> younger_;
  std::set<crypto::Digest> older_;
  std::size_t half_max_;
};

/// `shared`, or for null a cache of one's own. What is remembered is true for everybody, so whoever
/// lives in one process may share: the rooms of a node, or all nodes of a simulated world.
std::shared_ptr<SignatureCache> shared_or_own(std::shared_ptr<SignatureCache> shared);

/// What a storing node and a reader check alike. `expected`: the key at which `record` was found or
/// is to be stored; `now`: this node's idea of the date. Errors: too_large (above
/// limits::record_bytes_max); malformed (form); unsupported (version); bad_identity (signature, or
/// signed for another key); expired (past, or further ahead than limits::record_lifetime +
/// limits::clock_skew_max).
Result<VerifiedEnvelope> verify_envelope(ByteView record, const DhtKey& expected, UnixSeconds now,
                                         SignatureCache& cache);

/// Seals `body` for the mesh and signs the whole. Equal arguments give equal bytes: the nonce is
/// derived from all that is sealed, so no two different bodies ever share one. Errors: too_large,
/// when the record would be above limits::record_bytes_max.
Result<Bytes> write_envelope(const crypto::SigningKey& author, const crypto::MeshKeys& mesh,
                             const RecordHeader& header, ByteView body);

/// The plain body. Errors: bad_identity (sealed with the key of another mesh, or never sealed).
Result<Bytes> open_body(const VerifiedEnvelope& envelope, const crypto::MeshKeys& mesh);

}  // namespace starling
