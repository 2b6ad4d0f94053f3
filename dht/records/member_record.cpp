#include "dht/records/member_record.hpp"

#include "dht/records/body_kind.hpp"

namespace starling {

// [kind, shard level, shard index, endpoints, vias?]
Bytes write_member_body(const MemberBody& body) {
  Packing packing;
  packing.array(body.vias.empty() ? 4 : 5);
  packing.number(static_cast<std::uint64_t>(BodyKind::member));
  write_shard(packing, body.shard);
  write_endpoints(packing, body.endpoints);
  write_vias(packing, body.vias);
  return packing.take();
}

Result<MemberBody> read_member_body(ByteView bytes) {
  const std::optional<msgpack::object_handle> unpacked = unpack_array(bytes);
  if (!unpacked) return Error{Errc::malformed, "a member record's body that is no msgpack array"};
  ElementReader reader(unpacked->get());
  if (std::optional<Error> error = check_kind(reader, BodyKind::member)) return *error;
  MemberBody body;
  body.shard = read_shard(reader);
  bool too_many = false;
  body.endpoints = read_endpoints(reader, limits::record_endpoints_max, too_many);
  body.vias = read_vias(reader, too_many);
  if (too_many) return Error{Errc::too_large, "a member record with too many endpoints"};
  if (!reader.ok()) return Error{Errc::malformed, "a member record with a malformed field"};
  return body;
}

Result<Bytes> write_member_record(const crypto::SigningKey& author, const crypto::MeshKeys& mesh,
                                  RecordStamp stamp, UnixSeconds expires_at,
                                  const MemberBody& body) {
  if (std::optional<Error> error = check_reach(body.endpoints, body.vias)) return *error;
  const RecordHeader header{
      .key = member_key(mesh, body.shard), .stamp = stamp, .expires_at = expires_at};
  return write_envelope(author, mesh, header, write_member_body(body));
}

Result<PeerRecord> read_member_record(const VerifiedEnvelope& envelope,
                                      const crypto::MeshKeys& mesh) {
  const Result<Bytes> bytes = open_body(envelope, mesh);
  if (!bytes) return bytes.error();
  Result<MemberBody> body = read_member_body(*bytes);
  if (!body) return body.error();
  if (envelope.key() != member_key(mesh, body->shard)) {
    return Error{Errc::bad_identity, "a member record under another key than the members'"};
  }
  return peer_of(envelope, std::move(body->endpoints), std::move(body->vias));
}

}  // namespace starling
