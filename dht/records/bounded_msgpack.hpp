// Reading and writing the msgpack of records: bounds before memory, one pass, no exceptions
// outwards. Shared by the .cpp files of this room; msgpack-cxx is seen nowhere else.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <msgpack.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/endpoint.hpp"

namespace starling {

/// The whole of `bytes` as one msgpack array, or nullopt: damaged, deeper than 4, an array of more
/// than 64 elements, a map or extension with anything in it, bytes left over, above
/// limits::record_bytes_max. Memory: at most 24 bytes for each byte of
/// input. Strings and binaries point into `bytes`.
std::optional<msgpack::object_handle> unpack_array(ByteView bytes);

/// Walks the elements of a msgpack array. An element of another type than asked for, or beyond the
/// end, marks the reader as failed for good, so a whole structure may be read before asking once.
/// Elements that nobody asks for are ignored: later versions may append.
class ElementReader {
 public:
  /// An object that is no array is read as an empty one, failed.
  explicit ElementReader(const msgpack::object& array);

  std::uint64_t read_uint(std::uint64_t max = std::numeric_limits<std::uint64_t>::max());
  std::string_view read_text();
  ByteView read_binary();
  /// Exactly `size` bytes; zeros after a failure.
  template <std::size_t size>
  std::array<std::uint8_t, size> read_exactly() {
    std::array<std::uint8_t, size> value{};
    const ByteView bytes = read_binary();
    if (bytes.size() != size) {
      fail();
      return value;
    }
    std::copy(bytes.begin(), bytes.end(), value.begin());
    return value;
  }
  ElementReader read_array();

  [[nodiscard]] std::size_t remaining() const { return ok_ ? count_ - next_ : 0; }
  [[nodiscard]] bool ok() const { return ok_; }
  void fail() { ok_ = false; }

 private:
  const msgpack::object* next(msgpack::type::object_type type);

  const msgpack::object* elements_ = nullptr;
  std::size_t count_ = 0;
  std::size_t next_ = 0;
  bool ok_ = true;
};

/// A buffer with a packer on it.
class Packing {
 public:
  void array(std::size_t count) { packer_.pack_array(static_cast<std::uint32_t>(count)); }
  void number(std::uint64_t value) { packer_.pack_uint64(value); }
  void text(std::string_view value);
  void binary(ByteView value);
  [[nodiscard]] Bytes take() const;

 private:
  msgpack::sbuffer buffer_;
  msgpack::packer<msgpack::sbuffer> packer_{buffer_};
};

/// An array of binaries: 4 bytes of IPv4 or 16 of IPv6, then the port, big endian.
void write_endpoints(Packing& packing, const std::vector<Endpoint>& endpoints);
/// Fails the reader for an endpoint of another length, with port 0 or the unspecified address. More
/// than `count_max` are not read: sets `too_many`.
std::vector<Endpoint> read_endpoints(ElementReader& from, std::size_t count_max, bool& too_many);
/// Would read_endpoints take each of them?
bool are_dialable(const std::vector<Endpoint>& endpoints);

}  // namespace starling
