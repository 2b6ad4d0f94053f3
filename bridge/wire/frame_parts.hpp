// What several frames are made of, as it is read. For the readers of this room only.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/limits.hpp"

#include "bridge/wire/frame.hpp"
#include "bridge/wire/msgpack_reader.hpp"

namespace starling::wire {

inline constexpr std::size_t elements_max =
    64;  // of an array that is a structure: later versions may append
inline constexpr std::size_t endpoint_size_min = 8;  // bytes: bin header, IPv4, port

inline NodeId read_node(MsgpackReader& in) {
  return NodeId{in.read_array_of_bytes<32>()};
}

/// Goes into an array of which every element is one structure, and calls read_one for each.
template <class Read>
void read_each(MsgpackReader& in, std::size_t count_max, std::size_t size_min, Read read_one) {
  for (std::size_t left = in.enter_array(count_max, size_min); left > 0 && in.ok(); --left)
    read_one();
  in.leave_array();
}

inline Endpoint read_endpoint(MsgpackReader& in) {
  const ByteView bytes = in.read_binary(18);
  Endpoint endpoint;
  if (bytes.size() == 6) {
    std::array<std::uint8_t, 4> address{};
    std::copy_n(bytes.begin(), address.size(), address.begin());
    endpoint = Endpoint::v4(address, 0);
  } else if (bytes.size() == 18) {
    std::copy_n(bytes.begin(), endpoint.address.size(), endpoint.address.begin());
  } else {
    in.fail(Errc::malformed, "an endpoint of neither 6 nor 18 bytes");
    return endpoint;
  }
  endpoint.port = ByteReader(bytes.last(2)).read_u16();
  if (endpoint.port == 0 || endpoint.is_unspecified())
    in.fail(Errc::malformed, "an endpoint without address or port");
  return endpoint;
}

inline std::vector<Endpoint> read_endpoints(MsgpackReader& in) {
  std::vector<Endpoint> endpoints;
  read_each(in, limits::told_endpoints_max, endpoint_size_min,
            [&] { endpoints.push_back(read_endpoint(in)); });
  return endpoints;
}

/// The fields of a frame of reach_frames.hpp; nullopt: of another type.
std::optional<Frame> read_reach_fields(MsgpackReader& in, std::uint64_t type);

}  // namespace starling::wire
