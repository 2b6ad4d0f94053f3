// Node record: a node's signed statement "you reach me so", one per node, under the key of its
// NodeId.
#pragma once

#include <vector>

#include "starling/endpoint.hpp"
#include "starling/peer_record.hpp"

#include "dht/records/envelope.hpp"

namespace starling {

struct NodeBody {
  std::vector<Endpoint> endpoints;  ///< at most limits::record_endpoints_max, best first
  std::vector<Via> vias = {};       ///< at most record_vias_max
  friend bool operator==(const NodeBody&, const NodeBody&) = default;
};

/// The record for node_key(mesh, author's NodeId). No endpoint: the node says that it cannot be
/// dialled. Errors: too_large (more than limits::record_endpoints_max endpoints).
Result<Bytes> write_node_record(const crypto::SigningKey& author, const crypto::MeshKeys& mesh,
                                RecordStamp stamp, UnixSeconds expires_at, const NodeBody& body);

/// Errors: bad_identity (another mesh's, or not under the key of its author); malformed; too_large;
/// unsupported (a record of another kind).
Result<PeerRecord> read_node_record(const VerifiedEnvelope& envelope, const crypto::MeshKeys& mesh);

// The plain bodies by themselves, for tests.
Bytes write_node_body(const NodeBody& body);
Result<NodeBody> read_node_body(ByteView bytes);

}  // namespace starling
