// msgpack as frames use it, for the writers of this room and of the beacons in bridge/reach.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <msgpack/pack.hpp>
#include <string_view>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/check.hpp"
#include "starling/endpoint.hpp"
#include "starling/limits.hpp"

#include "bridge/wire/frame.hpp"

namespace starling::wire {

/// What msgpack writes to: the end of a Bytes.
class Sink {
 public:
  explicit Sink(Bytes& bytes) : bytes_(bytes) {}
  void write(const char* data, std::size_t size) { append(bytes_, as_bytes({data, size})); }

 private:
  Bytes& bytes_;
};

/// msgpack-cxx's packer, with the few types that frames are made of.
class Packer {
 public:
  explicit Packer(Bytes& out) : sink_(out), packer_(sink_) {}

  Packer& array(std::size_t count) {
    packer_.pack_array(static_cast<std::uint32_t>(count));
    return *this;
  }
  Packer& number(std::uint64_t value) {
    packer_.pack_uint64(value);
    return *this;
  }
  Packer& boolean(bool value) {
    value ? packer_.pack_true() : packer_.pack_false();
    return *this;
  }
  Packer& nil() {
    packer_.pack_nil();
    return *this;
  }
  Packer& text(std::string_view value) {
    const auto size = static_cast<std::uint32_t>(value.size());
    packer_.pack_str(size).pack_str_body(value.data(), size);
    return *this;
  }
  Packer& binary_head(std::size_t size) {
    packer_.pack_bin(static_cast<std::uint32_t>(size));
    return *this;
  }
  Packer& binary(ByteView value) {
    binary_head(value.size());
    sink_.write(as_text(value).data(), value.size());
    return *this;
  }
  template <class Enum>
  Packer& enumerator(Enum value) {
    return number(static_cast<std::uint64_t>(value));
  }
  Packer& type(FrameType type, std::size_t fields) { return array(1 + fields).enumerator(type); }

 private:
  Sink sink_;
  msgpack::packer<Sink> packer_;
};

inline void pack_endpoint(Packer& packer, const Endpoint& endpoint) {
  STARLING_CHECK(endpoint.port != 0 && !endpoint.is_unspecified());
  std::array<std::uint8_t, 18> bytes{};
  std::copy(endpoint.address.begin(), endpoint.address.end(), bytes.begin());
  bytes[16] = static_cast<std::uint8_t>(endpoint.port >> 8U);
  bytes[17] = static_cast<std::uint8_t>(endpoint.port);
  packer.binary(ByteView(bytes).last(endpoint.is_v4() ? 6 : 18));
}

inline void pack_endpoints(Packer& packer, const std::vector<Endpoint>& endpoints) {
  STARLING_CHECK(endpoints.size() <= limits::told_endpoints_max);
  packer.array(endpoints.size());
  for (const Endpoint& endpoint : endpoints) pack_endpoint(packer, endpoint);
}

// The frames of reach_frames.hpp.
void pack(Packer& packer, const DialBack& frame);
void pack(Packer& packer, const DialBackFailed& frame);
void pack(Packer& packer, const Meet& frame);
void pack(Packer& packer, const RelayReserve& frame);
void pack(Packer& packer, const RelayReserved& frame);
void pack(Packer& packer, const RelayOpen& frame);
void pack(Packer& packer, const RelayOpened& frame);
void pack(Packer& packer, const RelayData& frame);
void pack(Packer& packer, const RelayCredit& frame);
void pack(Packer& packer, const RelayClose& frame);

}  // namespace starling::wire
