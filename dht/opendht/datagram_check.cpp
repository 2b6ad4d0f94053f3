#include "dht/opendht/datagram_check.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace starling {
namespace {

constexpr unsigned depth_max = 16;  // the deepest message of OpenDHT 2.4 nests seven deep

enum class Kind : std::uint8_t { scalar, text, binary, array, map };

/// The head of one msgpack object [msgpack spec, "Formats"].
struct Head {
  Kind kind = Kind::scalar;
  std::uint64_t size = 0;  // bytes of content, elements of an array, pairs of a map
};

std::uint64_t read_sized(ByteReader& reader, unsigned bytes) {
  if (bytes == 1) return reader.read_u8();
  return bytes == 2 ? reader.read_u16() : reader.read_u32();
}

/// nullopt: the bytes have ended, or the tag is the one that is never used.
std::optional<Head> read_head(ByteReader& reader) {
  const std::uint8_t tag = reader.read_u8();
  Head head;
  if (tag <= 0x7F || tag >= 0xE0)
    head = {Kind::scalar, 0};
  else if (tag <= 0x8F)
    head = {Kind::map, tag & 0x0FU};
  else if (tag <= 0x9F)
    head = {Kind::array, tag & 0x0FU};
  else if (tag <= 0xBF)
    head = {Kind::text, tag & 0x1FU};
  else if (tag == 0xC1)
    return std::nullopt;
  else if (tag <= 0xC3)
    head = {Kind::scalar, 0};  // nil, booleans
  else if (tag <= 0xC6)
    head = {Kind::binary, read_sized(reader, 1U << (tag - 0xC4U))};
  else if (tag <= 0xC9)
    head = {Kind::binary, read_sized(reader, 1U << (tag - 0xC7U)) + 1};  // ext
  else if (tag <= 0xCB)
    head = {Kind::scalar, tag == 0xCA ? 4U : 8U};  // floats
  else if (tag <= 0xD3)
    head = {Kind::scalar, std::uint64_t{1} << ((tag - 0xCCU) % 4)};  // integers
  else if (tag <= 0xD8)
    head = {Kind::binary, (std::uint64_t{1} << (tag - 0xD4U)) + 1};  // fixext
  else if (tag <= 0xDB)
    head = {Kind::text, read_sized(reader, 1U << (tag - 0xD9U))};
  else if (tag <= 0xDD)
    head = {Kind::array, read_sized(reader, 2U << (tag - 0xDCU))};
  else
    head = {Kind::map, read_sized(reader, 2U << (tag - 0xDEU))};
  if (!reader.ok()) return std::nullopt;
  return head;
}

bool skip_object(ByteReader& reader, unsigned depth);

bool skip_objects(ByteReader& reader, std::uint64_t count, unsigned depth) {
  // Each object takes a byte at least: a count beyond the rest is a lie.
  if (depth > depth_max || count > reader.remaining()) return false;
  for (; count > 0; --count)
    if (!skip_object(reader, depth)) return false;
  return true;
}

/// Moves behind the content of an object whose head has been read.
bool skip_content(ByteReader& reader, const Head& head, unsigned depth) {
  if (head.kind == Kind::array) return skip_objects(reader, head.size, depth + 1);
  if (head.kind == Kind::map) return skip_objects(reader, head.size * 2, depth + 1);
  if (head.size > reader.remaining()) return false;
  reader.read_bytes(static_cast<std::size_t>(head.size));
  return reader.ok();
}

bool skip_object(ByteReader& reader, unsigned depth) {
  const auto head = read_head(reader);
  return head && skip_content(reader, *head, depth);
}

/// The bytes of the next object; nullopt: not sound.
std::optional<ByteView> read_object(ByteReader& reader, unsigned depth) {
  ByteReader start = reader;
  if (!skip_object(reader, depth)) return std::nullopt;
  return start.read_bytes(start.remaining() - reader.remaining());
}

/// Calls visit(key, value) for each pair of the map in `object` until it returns false. False also
/// for what is no map. `object` is sound.
template <class Visit>
bool for_each_pair(ByteView object, Visit visit) {
  ByteReader reader(object);
  const auto head = read_head(reader);
  if (!head || head->kind != Kind::map) return false;
  for (std::uint64_t i = 0; i < head->size; ++i) {
    const auto key = read_object(reader, 0);
    const auto value = read_object(reader, 0);
    if (!key || !value || !visit(*key, *value)) return false;
  }
  return true;
}

/// Is `object` this short text?
bool is_text(ByteView object, std::string_view text) {
  ByteReader reader(object);
  const auto head = read_head(reader);
  return head && head->kind == Kind::text && as_text(reader.read_rest()) == text;
}

bool is_zero(ByteView object) {
  return object.size() == 1 && object[0] == 0;
}

/// Is `object` a binary that holds one sound object?
bool holds_one_object(ByteView object) {
  ByteReader reader(object);
  const auto head = read_head(reader);
  if (!head || head->kind != Kind::binary) return false;
  const ByteView content = reader.read_rest();
  ByteReader inner(content);
  return skip_object(inner, 0) && inner.remaining() == 0;
}

/// {"o": offset, "d": bytes}
bool is_whole_part(ByteView part) {
  return for_each_pair(part, [](ByteView key, ByteView value) {
    if (is_text(key, "o")) return is_zero(value);
    return !is_text(key, "d") || holds_one_object(value);
  });
}

}  // namespace

bool is_safe_for_opendht(ByteView datagram) {
  ByteReader reader(datagram);
  if (!skip_object(reader, 0) || reader.remaining() > 0) return false;
  return for_each_pair(datagram, [](ByteView key, ByteView value) {
    // "p": {number of the value: part}
    if (!is_text(key, "p")) return true;
    return for_each_pair(value, [](ByteView, ByteView part) { return is_whole_part(part); });
  });
}

bool as_client(ByteView datagram, Bytes& marked) {
  // A map of up to 15 pairs has its count in its first byte.
  constexpr std::uint8_t small_map = 0x80;
  constexpr std::array<std::uint8_t, 3> mark = {0xA1, 's', 0xC3};
  if (datagram.empty() || (datagram[0] & 0xF0U) != small_map || (datagram[0] & 0x0FU) == 0x0F)
    return false;
  marked.assign(datagram.begin(), datagram.end());
  ++marked[0];
  append(marked, mark);
  return true;
}

bool is_query(ByteView datagram) {
  bool found = false;
  for_each_pair(datagram, [&](ByteView key, ByteView value) {
    found = is_text(key, "y") && is_text(value, "q");
    return !found;
  });
  return found;
}

}  // namespace starling
