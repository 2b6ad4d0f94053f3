#include "dht/records/node_record.hpp"

#include "dht/keys/prefix_key.hpp"
#include "dht/records/body_kind.hpp"

namespace starling {

// [kind, endpoints, vias?]
Bytes write_node_body(const NodeBody& body) {
  Packing packing;
  packing.array(body.vias.empty() ? 2 : 3);
  packing.number(static_cast<std::uint64_t>(BodyKind::node));
  write_endpoints(packing, body.endpoints);
  write_vias(packing, body.vias);
  return packing.take();
}

Result<NodeBody> read_node_body(ByteView bytes) {
  const std::optional<msgpack::object_handle> unpacked = unpack_array(bytes);
  if (!unpacked) return Error{Errc::malformed, "a node record's body that is no msgpack array"};
  ElementReader reader(unpacked->get());
  if (std::optional<Error> error = check_kind(reader, BodyKind::node)) return *error;
  bool too_many = false;
  NodeBody body;
  body.endpoints = read_endpoints(reader, limits::record_endpoints_max, too_many);
  body.vias = read_vias(reader, too_many);
  if (too_many) return Error{Errc::too_large, "a node record with too many endpoints"};
  if (!reader.ok()) return Error{Errc::malformed, "a node record with a malformed endpoint"};
  return body;
}

Result<Bytes> write_node_record(const crypto::SigningKey& author, const crypto::MeshKeys& mesh,
                                RecordStamp stamp, UnixSeconds expires_at, const NodeBody& body) {
  if (std::optional<Error> error = check_reach(body.endpoints, body.vias)) return *error;
  const RecordHeader header{
      .key = node_key(mesh, author.node_id()), .stamp = stamp, .expires_at = expires_at};
  return write_envelope(author, mesh, header, write_node_body(body));
}

Result<PeerRecord> read_node_record(const VerifiedEnvelope& envelope,
                                    const crypto::MeshKeys& mesh) {
  const Result<Bytes> bytes = open_body(envelope, mesh);
  if (!bytes) return bytes.error();
  Result<NodeBody> body = read_node_body(*bytes);
  if (!body) return body.error();
  if (envelope.key() != node_key(mesh, envelope.node())) {
    return Error{Errc::bad_identity, "a node record under the key of another node"};
  }
  return peer_of(envelope, std::move(body->endpoints), std::move(body->vias));
}

}  // namespace starling
