#include "dht/records/note_record.hpp"

#include <utility>

#include "dht/keys/prefix_key.hpp"
#include "dht/records/body_kind.hpp"

namespace starling {

// [kind, endpoints]
Result<Bytes> write_note_record(const crypto::SigningKey& author, const crypto::MeshKeys& mesh,
                                RecordStamp stamp, UnixSeconds expires_at, const NodeId& to,
                                const std::vector<Endpoint>& endpoints) {
  if (endpoints.empty()) return Error{Errc::malformed, "a note without an address"};
  if (std::optional<Error> error = check_reach(endpoints, {})) return *error;
  Packing packing;
  packing.array(2);
  packing.number(static_cast<std::uint64_t>(BodyKind::note));
  write_endpoints(packing, endpoints);
  const RecordHeader header{.key = inbox_key(mesh, to), .stamp = stamp, .expires_at = expires_at};
  return write_envelope(author, mesh, header, packing.take());
}

Result<PeerRecord> read_note_record(const VerifiedEnvelope& envelope, const crypto::MeshKeys& mesh,
                                    const NodeId& own) {
  if (envelope.key() != inbox_key(mesh, own))
    return Error{Errc::bad_identity, "a note in the inbox of another node"};
  const Result<Bytes> bytes = open_body(envelope, mesh);
  if (!bytes) return bytes.error();
  const std::optional<msgpack::object_handle> unpacked = unpack_array(*bytes);
  if (!unpacked) return Error{Errc::malformed, "a note's body that is no msgpack array"};
  ElementReader reader(unpacked->get());
  if (std::optional<Error> error = check_kind(reader, BodyKind::note)) return *error;
  bool too_many = false;
  std::vector<Endpoint> endpoints = read_endpoints(reader, limits::record_endpoints_max, too_many);
  if (too_many) return Error{Errc::too_large, "a note with too many endpoints"};
  if (!reader.ok() || endpoints.empty())
    return Error{Errc::malformed, "a note without a dialable address"};
  return peer_of(envelope, std::move(endpoints), {});
}

}  // namespace starling
