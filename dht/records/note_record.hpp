// Note record: "please dial me", left by one member in the inbox key of another that nobody can dial.
// Signed by who asks, sealed with the mesh's secret: strangers can neither read nor write one.
#pragma once

#include <vector>

#include "starling/endpoint.hpp"
#include "starling/peer_record.hpp"

#include "dht/records/envelope.hpp"

namespace starling {

/// The record for inbox_key(mesh, to). Errors: too_large or malformed endpoints; malformed: none.
Result<Bytes> write_note_record(const crypto::SigningKey& author, const crypto::MeshKeys& mesh,
                                RecordStamp stamp, UnixSeconds expires_at, const NodeId& to,
                                const std::vector<Endpoint>& endpoints);

/// Who asks `own` to be dialled, and where. Errors: bad_identity (another mesh's, or in the inbox of
/// somebody else); malformed; too_large; unsupported (a record of another kind).
Result<PeerRecord> read_note_record(const VerifiedEnvelope& envelope, const crypto::MeshKeys& mesh,
                                    const NodeId& own);

}  // namespace starling
