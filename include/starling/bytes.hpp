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
#include <utility>
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
  class Builder;

  SharedBytes() = default;
  /// Copies `bytes`.
  explicit SharedBytes(ByteView bytes);
  /// Takes the concatenation of two views (a head and a body) without a detour.
  SharedBytes(ByteView head, ByteView body);
  /// `part` of `whole`, which it keeps alive: nothing is copied, so it should be most of it.
  static SharedBytes slice(const SharedBytes& whole, ByteView part);
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
    bool is_slice;  // behind it: not the bytes, but a Slice
    std::size_t size;
    std::uint8_t* behind() { return reinterpret_cast<std::uint8_t*>(this + 1); }
    const std::uint8_t* bytes() {
      return is_slice ? reinterpret_cast<Slice*>(behind())->at : behind();
    }
  };
  struct Slice {
    Block* whole;
    const std::uint8_t* at;
  };
  static Block* make_block(std::size_t size);
  void retain() const noexcept {
    if (block_) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  void release() noexcept {
    if (block_ && block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) free(block_);
  }
  static void free(Block* block) noexcept;

  Block* block_ = nullptr;
};

/// SharedBytes that come in pieces and whose size is known before. Memory grows with what has come,
/// not with what was announced; large blocks grow without being copied, as the kernel moves their
/// pages.
class SharedBytes::Builder {
 public:
  /// No room for anything.
  Builder() = default;
  explicit Builder(std::size_t size_final) : size_final_(size_final) {}
  Builder(Builder&& other) noexcept { *this = std::move(other); }
  Builder& operator=(Builder&& other) noexcept;
  ~Builder() { drop(); }

  /// Takes as much from the front of `bytes` as is missing, and leaves the rest there.
  void take(ByteView& bytes);
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t size_final() const { return size_final_; }
  [[nodiscard]] bool is_complete() const { return size_ == size_final_; }
  /// What has come so far, good until the next call.
  [[nodiscard]] ByteView view() const;
  /// The result; only once, if is_complete(). The builder is as new.
  SharedBytes finish();
  void drop();

 private:
  Block* block_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
  std::size_t size_final_ = 0;
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
