// What all bodies have in common: the kind in front, and the checks of endpoints. For the .cpp
// files of this room.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/limits.hpp"
#include "starling/peer_record.hpp"
#include "starling/result.hpp"

#include "dht/keys/prefix_key.hpp"
#include "dht/records/bounded_msgpack.hpp"
#include "dht/records/envelope.hpp"

namespace starling {

/// The first element of every body. Values are those in the DHT.
enum class BodyKind : std::uint8_t { interest = 1, node = 2, member = 3, note = 4 };

/// Reads the kind; an Error when it is another one or none.
inline std::optional<Error> check_kind(ElementReader& reader, BodyKind expected) {
  const std::uint64_t kind = reader.read_uint();
  if (!reader.ok()) return Error{Errc::malformed, "a record's body without a kind"};
  if (kind == static_cast<std::uint64_t>(expected)) return std::nullopt;
  return Error{Errc::unsupported, "a record's body of another kind"};
}

/// Members named in a record of a node that cannot be dialled.
inline constexpr std::size_t record_vias_max = 2;

/// Checks what an author is about to write.
inline std::optional<Error> check_reach(const std::vector<Endpoint>& endpoints,
                                        const std::vector<Via>& vias) {
  if (endpoints.size() > limits::record_endpoints_max || vias.size() > record_vias_max) {
    return Error{Errc::too_large, "more endpoints than a record holds"};
  }
  if (!are_dialable(endpoints)) {
    return Error{Errc::malformed, "an endpoint without address or port"};
  }
  for (const Via& via : vias) {
    if (!are_dialable({via.endpoint}))
      return Error{Errc::malformed, "an endpoint without address or port"};
  }
  return std::nullopt;
}

/// The last element of a body, left out when there is none.
inline void write_vias(Packing& packing, const std::vector<Via>& vias) {
  if (vias.empty()) return;
  packing.array(vias.size());
  for (const Via& via : vias) {
    packing.array(3);
    packing.binary(via.node.view());
    write_endpoints(packing, {via.endpoint});
    packing.number(via.relays ? 1 : 0);
  }
}
inline std::vector<Via> read_vias(ElementReader& reader, bool& too_many) {
  std::vector<Via> vias;
  if (reader.remaining() == 0) return vias;
  ElementReader list = reader.read_array();
  too_many = too_many || list.remaining() > record_vias_max;
  while (list.remaining() > 0 && vias.size() < record_vias_max) {
    ElementReader element = list.read_array();
    Via via;
    via.node = NodeId{element.read_exactly<32>()};
    bool several = false;
    const std::vector<Endpoint> at = read_endpoints(element, 1, several);
    via.relays = (element.read_uint() & 1U) != 0;
    if (!element.ok() || at.size() != 1) {
      reader.fail();
      break;
    }
    via.endpoint = at.front();
    vias.push_back(via);
  }
  if (!list.ok()) reader.fail();
  return vias;
}

inline void write_shard(Packing& packing, Shard shard) {
  packing.number(shard.level);
  packing.number(shard.index);
}
inline Shard read_shard(ElementReader& reader) {
  Shard shard;
  shard.level = static_cast<std::uint8_t>(reader.read_uint(32));
  shard.index = static_cast<std::uint32_t>(reader.read_uint(0xffff'ffffU));
  if (!shard.is_valid()) reader.fail();
  return shard;
}

/// What the envelope proves, with the endpoints that the body tells.
inline PeerRecord peer_of(const VerifiedEnvelope& envelope, std::vector<Endpoint> endpoints,
                          std::vector<Via> vias) {
  return PeerRecord{.id = envelope.node(),
                    .endpoints = std::move(endpoints),
                    .epoch = envelope.stamp().epoch,
                    .sequence = envelope.stamp().sequence,
                    .expires_at = envelope.expires_at(),
                    .vias = std::move(vias)};
}

}  // namespace starling
