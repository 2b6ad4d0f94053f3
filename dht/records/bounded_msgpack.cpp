#include "dht/records/bounded_msgpack.hpp"

#include <algorithm>

#include "starling/limits.hpp"

namespace starling {
namespace {

constexpr std::size_t depth_max = 4;      // a record nests three deep
constexpr std::size_t elements_max = 64;  // the longest array of ours: limits::record_filters_max
static_assert(elements_max >= limits::record_filters_max);

// All strings and binaries stay where they are: the caller's bytes outlive the handle.
bool refer(msgpack::type::object_type, std::size_t, void*) {
  return true;
}

bool is_dialable(const Endpoint& endpoint) {
  return endpoint.port != 0 && !endpoint.is_unspecified();
}

std::optional<Endpoint> endpoint_from(ByteView bytes) {
  ByteReader reader(bytes);
  Endpoint endpoint;
  if (bytes.size() == 6) {
    std::array<std::uint8_t, 4> v4{};
    const ByteView address = reader.read_bytes(v4.size());
    std::copy(address.begin(), address.end(), v4.begin());
    endpoint = Endpoint::v4(v4, reader.read_u16());
  } else if (bytes.size() == 18) {
    const ByteView address = reader.read_bytes(endpoint.address.size());
    std::copy(address.begin(), address.end(), endpoint.address.begin());
    endpoint.port = reader.read_u16();
  } else {
    return std::nullopt;
  }
  if (!is_dialable(endpoint)) return std::nullopt;
  return endpoint;
}

}  // namespace

std::optional<msgpack::object_handle> unpack_array(ByteView bytes) {
  if (bytes.empty() || bytes.size() > limits::record_bytes_max) return std::nullopt;
  // Arguments: elements of an array, of a map; bytes of a string, binary, extension; depth.
  const msgpack::unpack_limit limit(elements_max, 0, bytes.size(), bytes.size(), 0, depth_max);
  try {
    std::size_t offset = 0;
    msgpack::object_handle handle = msgpack::unpack(reinterpret_cast<const char*>(bytes.data()),
                                                    bytes.size(), offset, refer, nullptr, limit);
    if (offset != bytes.size() || handle->type != msgpack::type::ARRAY) return std::nullopt;
    return handle;
  } catch (const msgpack::unpack_error&) {
    return std::nullopt;
  }
}

ElementReader::ElementReader(const msgpack::object& array) {
  if (array.type != msgpack::type::ARRAY) {
    fail();
    return;
  }
  elements_ = array.via.array.ptr;
  count_ = array.via.array.size;
}

const msgpack::object* ElementReader::next(msgpack::type::object_type type) {
  if (remaining() == 0 || elements_[next_].type != type) {
    fail();
    return nullptr;
  }
  return &elements_[next_++];
}

std::uint64_t ElementReader::read_uint(std::uint64_t max) {
  const msgpack::object* element = next(msgpack::type::POSITIVE_INTEGER);
  if (element != nullptr && element->via.u64 <= max) return element->via.u64;
  fail();
  return 0;
}

std::string_view ElementReader::read_text() {
  const msgpack::object* element = next(msgpack::type::STR);
  if (element == nullptr) return {};
  return {element->via.str.ptr, element->via.str.size};
}

ByteView ElementReader::read_binary() {
  const msgpack::object* element = next(msgpack::type::BIN);
  if (element == nullptr) return {};
  return as_bytes({element->via.bin.ptr, element->via.bin.size});
}

ElementReader ElementReader::read_array() {
  const msgpack::object* element = next(msgpack::type::ARRAY);
  return ElementReader(element == nullptr ? msgpack::object() : *element);
}

void Packing::text(std::string_view value) {
  const auto size = static_cast<std::uint32_t>(value.size());
  packer_.pack_str(size).pack_str_body(value.data(), size);
}

void Packing::binary(ByteView value) {
  const auto size = static_cast<std::uint32_t>(value.size());
  packer_.pack_bin(size).pack_bin_body(reinterpret_cast<const char*>(value.data()), size);
}

Bytes Packing::take() const {
  const ByteView written = as_bytes({buffer_.data(), buffer_.size()});
  return {written.begin(), written.end()};
}

void write_endpoints(Packing& packing, const std::vector<Endpoint>& endpoints) {
  packing.array(endpoints.size());
  for (const Endpoint& endpoint : endpoints) {
    Bytes bytes;
    ByteWriter writer(bytes);
    const ByteView address = endpoint.address;
    writer.write_bytes(endpoint.is_v4() ? address.last(4) : address);
    writer.write_u16(endpoint.port);
    packing.binary(bytes);
  }
}

std::vector<Endpoint> read_endpoints(ElementReader& from, std::size_t count_max, bool& too_many) {
  ElementReader array = from.read_array();
  too_many = array.remaining() > count_max;
  std::vector<Endpoint> endpoints;
  if (too_many) return endpoints;
  while (array.remaining() > 0) {
    const std::optional<Endpoint> endpoint = endpoint_from(array.read_binary());
    if (!endpoint) {
      from.fail();
      break;
    }
    endpoints.push_back(*endpoint);
  }
  if (!array.ok()) from.fail();
  return endpoints;
}

bool are_dialable(const std::vector<Endpoint>& endpoints) {
  return std::all_of(endpoints.begin(), endpoints.end(), is_dialable);
}

}  // namespace starling
