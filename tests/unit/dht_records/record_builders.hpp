// What the tests of records are made from: keys from a fill byte, interests from text.
#pragma once

#include <string_view>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/interest.hpp"

#include "dht/keys/prefix_key.hpp"
#include "dht/records/envelope.hpp"
#include "src/crypto/ed25519.hpp"
#include "src/crypto/mesh_keys.hpp"

namespace starling::record_builders {

inline constexpr UnixSeconds now = 1'800'000'000;
inline constexpr UnixSeconds in_ten_minutes = now + 600;

inline crypto::SigningKey author(std::uint8_t fill) {
  crypto::Seed seed{};
  seed.fill(fill);
  return crypto::SigningKey::from_seed(seed);
}
inline crypto::MeshKeys mesh(std::uint8_t fill) {
  crypto::MeshSecret secret{};
  secret.fill(fill);
  return crypto::derive_mesh_keys(secret);
}
inline DhtKey place(std::uint8_t fill) {
  DhtKey key;
  key.bytes.fill(fill);
  return key;
}
inline TopicFilter filter(std::string_view text) {
  return TopicFilter::parse(text).value();
}
inline Interest interest(std::string_view text, QoS qos = QoS::at_most_once, bool durable = false,
                         std::string_view group = {}) {
  return Interest{.filter = filter(text),
                  .share_group = std::string(group),
                  .qos_max = qos,
                  .durable = durable};
}
inline LiteralPrefix prefix(std::string_view text) {
  return LiteralPrefix::of(filter(text));
}
inline Endpoint endpoint(std::string_view text) {
  return Endpoint::parse(text).value();
}

inline Bytes record(const crypto::SigningKey& by, const DhtKey& key, RecordStamp stamp,
                    UnixSeconds expires_at = in_ten_minutes, std::string_view body = "body") {
  return write_envelope(by, mesh(1),
                        RecordHeader{.key = key, .stamp = stamp, .expires_at = expires_at},
                        as_bytes(body))
      .value();
}
inline VerifiedEnvelope verified(const Bytes& bytes, const DhtKey& key, UnixSeconds at = now) {
  SignatureCache cache;
  return verify_envelope(bytes, key, at, cache).value();
}

}  // namespace starling::record_builders
