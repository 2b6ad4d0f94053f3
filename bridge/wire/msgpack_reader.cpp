#include "bridge/wire/msgpack_reader.hpp"

#include <optional>

#include "starling/topic.hpp"

namespace starling::wire {
namespace {

constexpr const char* cut_short = "a value that ends beyond its frame";

/// Bytes behind a marker that alone says how many there are; nullopt for all others.
std::optional<std::size_t> size_behind(std::uint8_t marker) {
  const auto power = [&](std::uint8_t first) { return std::size_t{1} << (marker - first); };
  if (marker < 0x80 || marker >= 0xE0) return 0;                        // small numbers
  if (marker == 0xC0 || marker == 0xC2 || marker == 0xC3) return 0;     // nil, false, true
  if (marker >= 0xA0 && marker <= 0xBF) return marker & 0x1FU;          // str
  if (marker == 0xCA || marker == 0xCB) return marker == 0xCA ? 4 : 8;  // float
  if (marker >= 0xCC && marker <= 0xCF) return power(0xCC);             // uint
  if (marker >= 0xD0 && marker <= 0xD3) return power(0xD0);             // int
  if (marker >= 0xD4 && marker <= 0xD8) return power(0xD4) + 1;         // fixext: one byte of type
  return std::nullopt;
}

/// A marker followed by a length of so many bytes, then that many bytes and some more.
struct Sized {
  std::size_t length_bytes;
  std::size_t extra_bytes;
};
std::optional<Sized> sized_by(std::uint8_t marker) {
  const auto power = [&](std::uint8_t first) { return std::size_t{1} << (marker - first); };
  if (marker >= 0xC4 && marker <= 0xC6) return Sized{power(0xC4), 0};  // bin
  if (marker >= 0xC7 && marker <= 0xC9) return Sized{power(0xC7), 1};  // ext: one byte of type
  if (marker >= 0xD9 && marker <= 0xDB) return Sized{power(0xD9), 0};  // str
  return std::nullopt;
}

}  // namespace

void MsgpackReader::fail(Errc code, const char* why) {
  if (!ok()) return;
  code_ = code;
  why_ = why;
}

Error MsgpackReader::error() const {
  STARLING_CHECK(!ok());
  return Error{code_, why_};
}

bool MsgpackReader::begin_element() {
  if (!ok()) return false;
  if (depth_ > 0) {
    if (left_[depth_ - 1] == 0) {
      fail(Errc::malformed, "too few fields");
      return false;
    }
    --left_[depth_ - 1];
  }
  return true;
}

std::uint8_t MsgpackReader::take_byte() {
  if (!ok()) return 0;
  if (remaining() == 0) {
    fail(Errc::malformed, cut_short);
    return 0;
  }
  return bytes_[at_++];
}

std::uint64_t MsgpackReader::take_big_endian(std::size_t count) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : take(count)) value = value << 8U | byte;
  return value;
}

ByteView MsgpackReader::take(std::size_t count) {
  if (!ok()) return {};
  if (remaining() < count) {
    fail(Errc::malformed, cut_short);
    return {};
  }
  const ByteView taken = bytes_.subspan(at_, count);
  at_ += count;
  return taken;
}

std::size_t MsgpackReader::enter_array(std::size_t count_max, std::size_t element_size_min) {
  if (!begin_element()) return 0;
  if (depth_ == limits::frame_depth_max) {
    fail(Errc::malformed, "nested too deeply");
    return 0;
  }
  const std::uint8_t marker = take_byte();
  std::uint64_t count = 0;
  if ((marker & 0xF0U) == 0x90)
    count = marker & 0x0FU;
  else if (marker == 0xDC)
    count = take_big_endian(2);
  else if (marker == 0xDD)
    count = take_big_endian(4);
  else
    fail(Errc::malformed, "a field that should be an array");
  if (count > count_max) fail(Errc::too_large, "too many elements in an array");
  if (count * element_size_min > remaining()) fail(Errc::malformed, cut_short);
  if (!ok()) return 0;
  left_[depth_++] = static_cast<std::size_t>(count);
  return static_cast<std::size_t>(count);
}

void MsgpackReader::leave_array_early() {
  if (!ok()) return;
  STARLING_CHECK(depth_ > 0);
  skip_elements(left_[depth_ - 1], depth_);
  --depth_;
}

std::uint64_t MsgpackReader::read_wide_uint(std::uint64_t max) {
  if (!begin_element()) return 0;
  const std::uint8_t marker = take_byte();
  std::uint64_t value = 0;
  bool negative = false;
  if (marker < 0x80) {
    value = marker;
  } else if (marker >= 0xCC && marker <= 0xCF) {  // uint 8 to 64
    value = take_big_endian(std::size_t{1} << (marker - 0xCCU));
  } else if (marker >= 0xD0 && marker <= 0xD3) {  // int 8 to 64: some encoders use them throughout
    const std::size_t size = std::size_t{1} << (marker - 0xD0U);
    value = take_big_endian(size);
    negative = (value >> (8 * size - 1) & 1U) != 0;
  } else {
    fail(Errc::malformed, "a field that should be a number that is not negative");
  }
  if (negative || value > max) fail(Errc::malformed, "a number out of its range");
  return ok() ? value : 0;
}

bool MsgpackReader::read_bool() {
  if (!begin_element()) return false;
  const std::uint8_t marker = take_byte();
  if (marker != 0xC2 && marker != 0xC3)
    fail(Errc::malformed, "a field that should be true or false");
  return ok() && marker == 0xC3;
}

bool MsgpackReader::take_nil() {
  if (!ok() || remaining() == 0 || bytes_[at_] != 0xC0) return false;
  if (!begin_element()) return false;
  ++at_;
  return true;
}

std::string_view MsgpackReader::read_text(std::size_t size_max) {
  if (!begin_element()) return {};
  const std::uint8_t marker = take_byte();
  std::uint64_t size = 0;
  if ((marker & 0xE0U) == 0xA0)
    size = marker & 0x1FU;
  else if (marker >= 0xD9 && marker <= 0xDB)
    size = take_big_endian(std::size_t{1} << (marker - 0xD9U));
  else
    fail(Errc::malformed, "a field that should be a text");
  if (size > size_max) fail(Errc::too_large, "a text above its bound");
  const std::string_view text = as_text(take(static_cast<std::size_t>(size)));
  if (ok() && !is_mqtt_text(text)) fail(Errc::malformed, "a text that is not UTF-8 without U+0000");
  return ok() ? text : std::string_view{};
}

ByteView MsgpackReader::read_binary(std::size_t size_max) {
  if (!begin_element()) return {};
  const std::uint8_t marker = take_byte();
  std::uint64_t size = 0;
  if (marker >= 0xC4 && marker <= 0xC6)
    size = take_big_endian(std::size_t{1} << (marker - 0xC4U));
  else
    fail(Errc::malformed, "a field that should be binary");
  if (size > size_max) fail(Errc::too_large, "a binary above its bound");
  return take(static_cast<std::size_t>(size));
}

void MsgpackReader::skip() {
  if (begin_element()) skip_value(depth_);
}

void MsgpackReader::skip_elements(std::uint64_t count, std::size_t depth) {
  for (; count > 0 && ok(); --count) skip_value(depth);
}

// `depth`: how many arrays and maps the value lies in.
void MsgpackReader::skip_value(std::size_t depth) {
  const std::uint8_t marker = take_byte();
  if (!ok()) return;
  if (const auto fixed = size_behind(marker)) {
    take(*fixed);
  } else if (marker >= 0x80 && marker <= 0x8F) {  // map
    skip_nested(2ULL * (marker & 0x0FU), depth);
  } else if (marker >= 0x90 && marker <= 0x9F) {  // array
    skip_nested(marker & 0x0FU, depth);
  } else if (marker == 0xDC || marker == 0xDD) {  // array
    skip_nested(take_big_endian(marker == 0xDC ? 2 : 4), depth);
  } else if (marker == 0xDE || marker == 0xDF) {  // map
    skip_nested(2 * take_big_endian(marker == 0xDE ? 2 : 4), depth);
  } else if (const auto sized = sized_by(marker)) {
    const std::uint64_t size = take_big_endian(sized->length_bytes);
    take(static_cast<std::size_t>(size) + sized->extra_bytes);
  } else {
    fail(Errc::malformed, "a byte that msgpack does not use");  // 0xC1
  }
}

void MsgpackReader::skip_nested(std::uint64_t count, std::size_t depth) {
  if (depth >= limits::frame_depth_max) return fail(Errc::malformed, "nested too deeply");
  if (count > remaining()) return fail(Errc::malformed, cut_short);
  skip_elements(count, depth + 1);
}

}  // namespace starling::wire
