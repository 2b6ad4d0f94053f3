// MsgpackReader: walks one msgpack value from the front, in place. Every count is held against the
// bytes that are left before anybody reserves memory for it, and nesting ends at
// limits::frame_depth_max. The first trouble sticks: callers read a whole structure and ask once.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "starling/bytes.hpp"
#include "starling/limits.hpp"
#include "starling/result.hpp"

namespace starling::wire {

class MsgpackReader {
 public:
  explicit MsgpackReader(ByteView bytes) : bytes_(bytes) {}

  /// Goes into an array and returns how many elements it has: at most `count_max` (else too_large),
  /// each of at least `element_size_min` bytes (else malformed). The reads that follow take its
  /// elements, until leave_array() passes over those that nobody took.
  std::size_t enter_array(std::size_t count_max, std::size_t element_size_min = 1);
  void leave_array() {
    if (why_ == nullptr && depth_ > 0 && left_[depth_ - 1] == 0)
      --depth_;
    else
      leave_array_early();
  }
  /// Is the next element an array?
  [[nodiscard]] bool next_is_array() const {
    if (at_ == bytes_.size()) return false;
    const std::uint8_t marker = bytes_[at_];
    return (marker & 0xF0U) == 0x90 || marker == 0xDC || marker == 0xDD;
  }
  /// Elements of the innermost array that have not been taken.
  [[nodiscard]] std::size_t elements_left() const { return depth_ > 0 ? left_[depth_ - 1] : 0; }

  /// An integer from 0 to `max`, in any of msgpack's widths; what is beyond is malformed.
  std::uint64_t read_uint(std::uint64_t max = UINT64_MAX) {
    const bool is_one_byte = why_ == nullptr && depth_ > 0 && left_[depth_ - 1] > 0
                             && at_ < bytes_.size() && bytes_[at_] < 0x80 && bytes_[at_] <= max;
    if (!is_one_byte) return read_wide_uint(max);
    --left_[depth_ - 1];
    return bytes_[at_++];
  }
  bool read_bool();
  /// Takes a nil if the next element is one.
  bool take_nil();
  /// A str of at most `size_max` bytes (else too_large), well-formed UTF-8 without U+0000.
  std::string_view read_text(std::size_t size_max);
  /// A bin of at most `size_max` bytes (else too_large).
  ByteView read_binary(std::size_t size_max);
  /// A bin of exactly so many bytes; zeros after a failure.
  template <std::size_t size>
  std::array<std::uint8_t, size> read_array_of_bytes() {
    std::array<std::uint8_t, size> value{};
    const ByteView bytes = read_binary(size);
    if (bytes.size() != size)
      fail(Errc::malformed, "a binary of another length than the field has");
    else
      std::copy(bytes.begin(), bytes.end(), value.begin());
    return value;
  }
  /// Passes over one element of any type.
  void skip();

  /// Bytes taken so far.
  [[nodiscard]] std::size_t position() const { return at_; }
  [[nodiscard]] std::size_t remaining() const { return bytes_.size() - at_; }
  [[nodiscard]] bool ok() const { return why_ == nullptr; }
  /// Keeps the first one only. `why` is a literal.
  void fail(Errc code, const char* why);
  /// Of the first trouble; only if !ok().
  [[nodiscard]] Error error() const;

 private:
  void leave_array_early();
  std::uint64_t read_wide_uint(std::uint64_t max);
  [[nodiscard]] bool begin_element();
  std::uint8_t take_byte();
  std::uint64_t take_big_endian(std::size_t count);
  ByteView take(std::size_t count);
  void skip_value(std::size_t depth);
  void skip_elements(std::uint64_t count, std::size_t depth);
  void skip_nested(std::uint64_t count, std::size_t depth);

  ByteView bytes_;
  std::size_t at_ = 0;
  std::array<std::size_t, limits::frame_depth_max> left_{};  // untaken elements, outermost first
  std::size_t depth_ = 0;
  Errc code_ = Errc::malformed;
  const char* why_ = nullptr;
};

}  // namespace starling::wire
