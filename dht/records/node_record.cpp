#include "dht/records/node_record.hpp"

#include "dht/keys/prefix_key.hpp"
#include "dht/records/body_kind.hpp"

namespace starling {

// [kind, endpoints]
Bytes write_node_body(const std::vector<Endpoint>& endpoints) {
  Packing packing;
  packing.array(2);
  packing.number(static_cast<std::uint64_t>(BodyKind::node));
  write_endpoints(packing, endpoints);
  return packing.take();
}

Result<std::vector<Endpoint>> read_node_body(ByteView bytes) {
  const std::optional<msgpack::object_handle> unpacked = unpack_array(bytes);
  if (!unpacked) return Error{Errc::malformed, "a node record's body that is no msgpack array"};
  ElementReader reader(unpacked->get());
  if (std::optional<Error> error = check_kind(reader, BodyKind::node)) return *error;
  bool too_many = false;
  std::vector<Endpoint> endpoints = read_endpoints(reader, limits::record_endpoints_max, too_many);
  if (too_many) return Error{Errc::too_large, "a node record with too many endpoints"};
  if (!reader.ok()) return Error{Errc::malformed, "a node record with a malformed endpoint"};
  return endpoints;
}

Result<Bytes> write_node_record(const crypto::SigningKey& author, const crypto::MeshKeys& mesh,
                                RecordStamp stamp, UnixSeconds expires_at,
                                const std::vector<Endpoint>& endpoints) {
  if (std::optional<Error> error = check_endpoints(endpoints)) return *error;
  const RecordHeader header{
      .key = node_key(mesh, author.node_id()), .stamp = stamp, .expires_at = expires_at};
  return write_envelope(author, mesh, header, write_node_body(endpoints));
}

Result<PeerRecord> read_node_record(const VerifiedEnvelope& envelope,
                                    const crypto::MeshKeys& mesh) {
  const Result<Bytes> body = open_body(envelope, mesh);
  if (!body) return body.error();
  Result<std::vector<Endpoint>> endpoints = read_node_body(*body);
  if (!endpoints) return endpoints.error();
  if (envelope.key() != node_key(mesh, envelope.node())) {
    return Error{Errc::bad_identity, "a node record under the key of another node"};
  }
  return peer_of(envelope, *std::move(endpoints));
}

}  // namespace starling
