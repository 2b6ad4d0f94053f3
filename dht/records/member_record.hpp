// Member record: a node's signed statement "I belong to this mesh, and you reach me so", one per
// node and mesh, all of them under the mesh's member key.
#pragma once

#include <vector>

#include "starling/endpoint.hpp"
#include "starling/peer_record.hpp"

#include "dht/keys/prefix_key.hpp"
#include "dht/records/envelope.hpp"

namespace starling {

struct MemberBody {
  Shard shard;
  std::vector<Endpoint>
      endpoints;               ///< at most limits::record_endpoints_max; none: cannot be dialled
  std::vector<Via> vias = {};  ///< at most record_vias_max
};

/// The record for member_key(mesh, body.shard). Errors: too_large (too many endpoints).
Result<Bytes> write_member_record(const crypto::SigningKey& author, const crypto::MeshKeys& mesh,
                                  RecordStamp stamp, UnixSeconds expires_at,
                                  const MemberBody& body);

/// Errors: bad_identity (another mesh's, or the shard does not lead to the envelope's key);
/// malformed; too_large; unsupported (a record of another kind).
Result<PeerRecord> read_member_record(const VerifiedEnvelope& envelope,
                                      const crypto::MeshKeys& mesh);

// The plain bodies by themselves, for tests.
Bytes write_member_body(const MemberBody& body);
Result<MemberBody> read_member_body(ByteView bytes);

}  // namespace starling
