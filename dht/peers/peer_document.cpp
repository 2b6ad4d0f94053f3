// The peer book on disk. A header, then one msgpack bin per peer, so that a damaged or truncated
// document still gives what stands before the damage, and a damaged entry costs that entry alone:
//   [1] bin([NodeId, endpoints: [bin18 address‖port], proved: [index], meshes: [str], epoch,
//   sequence,
//            last_seen, ever_linked]) ...
#include <algorithm>
#include <msgpack.hpp>
#include <optional>
#include <tuple>

#include "starling/limits.hpp"

#include "dht/peers/peer_book.hpp"

namespace starling {
namespace {

constexpr unsigned document_version = 1;
constexpr std::size_t endpoint_size = 18;
constexpr std::size_t mesh_name_max = 256;  // bytes
constexpr std::size_t meshes_max = 64;      // per peer

// What one entry may cost while it is read, whatever its lengths claim.
const msgpack::unpack_limit entry_limit{/*array*/ 128,  /*map*/ 0, /*str*/ mesh_name_max,
                                        /*bin*/ 16'384, /*ext*/ 0, /*depth*/ 4};

using Packer = msgpack::packer<msgpack::sbuffer>;

void pack_bytes(Packer& packer, ByteView bytes) {
  packer.pack_bin(static_cast<std::uint32_t>(bytes.size()));
  packer.pack_bin_body(reinterpret_cast<const char*>(bytes.data()),
                       static_cast<std::uint32_t>(bytes.size()));
}

void pack_endpoint(Packer& packer, const Endpoint& endpoint) {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.write_bytes(endpoint.address);
  writer.write_u16(endpoint.port);
  pack_bytes(packer, bytes);
}

void pack_peer(Packer& packer, const KnownPeer& peer) {
  packer.pack_array(8);
  pack_bytes(packer, peer.id.view());
  packer.pack_array(static_cast<std::uint32_t>(peer.endpoints.size()));
  for (const Endpoint& endpoint : peer.endpoints) pack_endpoint(packer, endpoint);
  packer.pack_array(static_cast<std::uint32_t>(peer.proved.size()));
  for (std::size_t i = 0; i < peer.endpoints.size(); ++i)
    if (peer.proved.count(peer.endpoints[i]) > 0) packer.pack(static_cast<std::uint64_t>(i));
  packer.pack_array(static_cast<std::uint32_t>(std::min(peer.meshes.size(), meshes_max)));
  std::size_t meshes_left = meshes_max;
  for (const std::string& mesh : peer.meshes)
    if (meshes_left-- > 0)
      packer.pack(mesh);
    else
      break;
  packer.pack(peer.epoch);
  packer.pack(peer.sequence);
  packer.pack(peer.last_seen);
  packer.pack(peer.ever_linked);
}

const msgpack::object_array* as_array(const msgpack::object& object) {
  return object.type == msgpack::type::ARRAY ? &object.via.array : nullptr;
}

std::optional<ByteView> as_bin(const msgpack::object& object) {
  if (object.type != msgpack::type::BIN) return std::nullopt;
  return ByteView{reinterpret_cast<const std::uint8_t*>(object.via.bin.ptr), object.via.bin.size};
}

/// nullopt: not an endpoint as pack_endpoint writes one.
std::optional<Endpoint> read_endpoint(const msgpack::object& object) {
  const auto bytes = as_bin(object);
  if (!bytes || bytes->size() != endpoint_size) return std::nullopt;
  ByteReader reader(*bytes);
  Endpoint endpoint;
  const ByteView address = reader.read_bytes(endpoint.address.size());
  std::copy(address.begin(), address.end(), endpoint.address.begin());
  endpoint.port = reader.read_u16();
  if (endpoint.port == 0) return std::nullopt;
  return endpoint;
}

bool read_endpoints(const msgpack::object& list, const msgpack::object& proved, KnownPeer& peer) {
  const auto* endpoints = as_array(list);
  const auto* indices = as_array(proved);
  if (!endpoints || !indices || endpoints->size > limits::peer_endpoints_max) return false;
  for (std::uint32_t i = 0; i < endpoints->size; ++i) {
    const auto endpoint = read_endpoint(endpoints->ptr[i]);
    if (!endpoint) return false;
    peer.endpoints.push_back(*endpoint);
  }
  for (std::uint32_t i = 0; i < indices->size; ++i) {
    const msgpack::object& index = indices->ptr[i];
    if (index.type != msgpack::type::POSITIVE_INTEGER || index.via.u64 >= peer.endpoints.size())
      return false;
    peer.proved.insert(peer.endpoints[index.via.u64]);
  }
  return true;
}

bool read_meshes(const msgpack::object& list, KnownPeer& peer) {
  const auto* meshes = as_array(list);
  if (!meshes || meshes->size > meshes_max) return false;
  for (std::uint32_t i = 0; i < meshes->size; ++i) {
    const msgpack::object& mesh = meshes->ptr[i];
    if (mesh.type != msgpack::type::STR) return false;
    peer.meshes.emplace(mesh.via.str.ptr, mesh.via.str.size);
  }
  return true;
}

/// nullopt: not an entry of this version.
std::optional<KnownPeer> read_peer(const msgpack::object& object) {
  const auto* fields = as_array(object);
  if (!fields || fields->size < 8) return std::nullopt;  // more: a later version's additions
  const msgpack::object* field = fields->ptr;
  KnownPeer peer;
  const auto id = as_bin(field[0]);
  if (!id || id->size() != peer.id.bytes.size()) return std::nullopt;
  std::copy(id->begin(), id->end(), peer.id.bytes.begin());
  if (!read_endpoints(field[1], field[2], peer) || !read_meshes(field[3], peer))
    return std::nullopt;
  try {
    peer.epoch = field[4].as<std::uint64_t>();
    peer.sequence = field[5].as<std::uint64_t>();
    peer.last_seen = field[6].as<UnixSeconds>();
    peer.ever_linked = field[7].as<bool>();
  } catch (const msgpack::type_error&) {
    return std::nullopt;
  }
  peer.source = PeerSource::disk;
  return peer;
}

/// Unpacks the object at `offset` and moves behind it; nullopt at the end, and where no object
/// begins.
std::optional<msgpack::object_handle> next_object(ByteView document, std::size_t& offset) {
  if (offset >= document.size()) return std::nullopt;
  try {
    return msgpack::unpack(reinterpret_cast<const char*>(document.data()), document.size(), offset,
                           nullptr, nullptr, entry_limit);
  } catch (const std::exception&) {  // msgpack::unpack_error, std::bad_alloc of a limit
    return std::nullopt;
  }
}

std::optional<KnownPeer> read_entry(const msgpack::object& object) {
  const auto bytes = as_bin(object);
  if (!bytes) return std::nullopt;
  std::size_t offset = 0;
  const auto inner = next_object(*bytes, offset);
  if (!inner) return std::nullopt;
  return read_peer(inner->get());
}

}  // namespace

Bytes PeerBook::save() const {
  std::vector<const KnownPeer*> worth_keeping;
  for (const auto& [id, entry] : peers_)
    if (entry.known.ever_linked || entry.known.source != PeerSource::told)
      worth_keeping.push_back(&entry.known);
  std::stable_sort(worth_keeping.begin(), worth_keeping.end(), [](const auto* a, const auto* b) {
    return std::tuple(a->ever_linked, a->last_seen) > std::tuple(b->ever_linked, b->last_seen);
  });
  if (worth_keeping.size() > limits::peers_saved_max) worth_keeping.resize(limits::peers_saved_max);

  msgpack::sbuffer document;
  Packer packer(document);
  packer.pack_array(1);
  packer.pack(document_version);
  for (const KnownPeer* peer : worth_keeping) {
    msgpack::sbuffer entry;
    Packer entry_packer(entry);
    pack_peer(entry_packer, *peer);
    pack_bytes(packer, {reinterpret_cast<const std::uint8_t*>(entry.data()), entry.size()});
  }
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(document.data());
  return {bytes, bytes + document.size()};
}

Result<std::size_t> PeerBook::load(ByteView document, TimePoint now) {
  if (document.size() > limits::peer_book_bytes_max)
    return Error{Errc::too_large, "the peer book is larger than this program ever writes it"};
  std::size_t offset = 0;
  const auto header = next_object(document, offset);
  const auto* fields = header ? as_array(header->get()) : nullptr;
  if (!fields || fields->size < 1 || fields->ptr[0].type != msgpack::type::POSITIVE_INTEGER)
    return Error{Errc::malformed, "the peer book does not begin with its version"};
  if (fields->ptr[0].via.u64 != document_version)
    return Error{Errc::unsupported,
                 "the peer book has version " + std::to_string(fields->ptr[0].via.u64)};

  std::size_t entered = 0;
  while (const auto object = next_object(document, offset)) {
    auto peer = read_entry(object->get());
    if (!peer || find_entry(peer->id)) continue;
    Entry* entry = enter(peer->id, now);
    if (!entry) continue;
    entry->known = std::move(*peer);
    ++entered;
  }
  return entered;
}

}  // namespace starling
