// Bytes as they come and go: owned, viewed, shared; and the two cursors that never leave their
// bounds.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace starling {

using Bytes = std::vector<std::uint8_t>;
/// Somebody else's bytes, valid as long as that somebody says (usually: during the call).
using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline void append(Bytes& to, ByteView what) {
  to.insert(to.end(), what.begin(), what.end());
}

/// Lower-case hexadecimal, two digits a byte.
std::string to_hex(ByteView bytes);
/// The bytes that `text` names in hexadecimal digits of either case; nullopt if it is not such a
/// text.
std::optional<Bytes> from_hex(std::string_view text);

/// Immutable bytes with shared ownership, in one allocation with their counter. A payload is stored
/// once like this, however many subscribers, links and queues wait for it. Empty ones allocate
/// nothing.
class SharedBytes {
 public:
  SharedBytes() = default;
  /// Copies `bytes`.
  explicit SharedBytes(ByteView bytes);
  /// Takes the concatenation of two views (a head and a body) without a detour.
  SharedBytes(ByteView head, ByteView body);
  SharedBytes(const SharedBytes& other) noexcept : block_(other.block_) { retain(); }
  SharedBytes(SharedBytes&& other) noexcept : block_(other.block_) { other.block_ = nullptr; }
  SharedBytes& operator=(SharedBytes other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedBytes() { release(); }

  [[nodiscard]] const std::uint8_t* data() const { return block_ ? block_->bytes() : nullptr; }
  [[nodiscard]] std::size_t size() const { return block_ ? block_->size : 0; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] ByteView view() const { return {data(), size()}; }
  operator ByteView() const { return view(); }  // NOLINT: a view costs nothing
  friend bool operator==(const SharedBytes& a, const SharedBytes& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
  }

 private:
  struct Block {
    std::atomic<std::uint32_t> references;
    std::size_t size;
    std::uint8_t* bytes() { return reinterpret_cast<std::uint8_t*>(this + 1); }
  };
  static Block* make_block(std::size_t size);
  void retain() const noexcept {
    if (block_) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  void release() noexcept;

  Block* block_ = nullptr;
};

/// Reads from the front. A read beyond the end returns zero or an empty view and marks the reader
/// as failed for good, so callers may read a whole structure and ask once.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : rest_(bytes) {}

  std::uint8_t read_u8() {
    if (!need(1)) return 0;
    const std::uint8_t value = rest_[0];
    rest_ = rest_.subspan(1);
    return value;
  }
  /// Big endian, as MQTT and the mesh protocol write integers.
  std::uint16_t read_u16() { return static_cast<std::uint16_t>(read_big_endian(2)); }
  std::uint32_t read_u32() { return static_cast<std::uint32_t>(read_big_endian(4)); }
  std::uint64_t read_u64() { return read_big_endian(8); }
  ByteView read_bytes(std::size_t count) {
    if (!need(count)) return {};
    const ByteView taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  ByteView read_rest() { return read_bytes(rest_.size()); }

  [[nodiscard]] std::size_t remaining() const { return rest_.size(); }
  [[nodiscard]] bool ok() const { return ok_; }
  void fail() { ok_ = false; }

 private:
  bool need(std::size_t count) {
    if (ok_ && rest_.size() >= count) return true;
    ok_ = false;
    return false;
  }
  std::uint64_t read_big_endian(std::size_t count) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : read_bytes(count)) value = value << 8U | byte;
    return value;
  }

  ByteView rest_;
  bool ok_ = true;
};

/// Appends to a Bytes that the caller owns.
class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(out) {}

  void write_u8(std::uint8_t value) { out_.push_back(value); }
  void write_u16(std::uint16_t value) { write_big_endian(value, 2); }
  void write_u32(std::uint32_t value) { write_big_endian(value, 4); }
  void write_u64(std::uint64_t value) { write_big_endian(value, 8); }
  void write_bytes(ByteView bytes) { append(out_, bytes); }

 private:
  void write_big_endian(std::uint64_t value, std::size_t count) {
    for (std::size_t i = count; i-- > 0;)
      out_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }

  Bytes& out_;
};

}  // namespace starling
