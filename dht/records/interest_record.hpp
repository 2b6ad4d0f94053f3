// Interest record: a node's signed statement "I want these filters", one per node and key, holding
// all of its filters under the key's prefix and where the node can be dialled.
#pragma once

#include <cstdint>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/interest.hpp"
#include "starling/peer_record.hpp"

#include "dht/keys/prefix_key.hpp"
#include "dht/records/envelope.hpp"

namespace starling {

/// The body, as its author fills it.
struct InterestBody {
  LiteralPrefix prefix;
  Shard shard;
  std::vector<Interest> interests;  ///< at most limits::record_filters_max, all under `prefix`
  std::vector<Endpoint> endpoints;  ///< at most limits::record_endpoints_max, best first
  std::vector<Via> vias = {};       ///< at most record_vias_max
};

/// The body and, with it, what the envelope proves.
struct InterestRecord {
  PeerRecord peer;
  LiteralPrefix prefix;
  Shard shard;
  std::vector<Interest> interests;
};

/// The record for interest_key(mesh, body.prefix, body.shard). `stamp`, `expires_at`: see
/// RecordHeader. Errors: too_large, when bytes, filters or endpoints exceed limits.hpp
/// (file_interests cuts so that this does not happen).
Result<Bytes> write_interest_record(const crypto::SigningKey& author, const crypto::MeshKeys& mesh,
                                    RecordStamp stamp, UnixSeconds expires_at,
                                    const InterestBody& body);

/// Errors: bad_identity (another mesh's, or prefix and shard do not lead to the envelope's key);
/// malformed (form, a filter that is none or does not belong under the prefix); too_large (counts);
/// unsupported (a record of another kind).
Result<InterestRecord> read_interest_record(const VerifiedEnvelope& envelope,
                                            const crypto::MeshKeys& mesh);

// The plain bodies by themselves, for tests and for cutting to size.
Bytes write_interest_body(const InterestBody& body);
Result<InterestBody> read_interest_body(ByteView bytes);

}  // namespace starling
