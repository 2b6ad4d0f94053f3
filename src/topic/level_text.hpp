// LevelText: one level of a filter or a name inside its tree node, in twelve bytes. Short ones lie
// there themselves, so that comparing a level touches no memory beyond its node; long ones lie on
// the heap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "starling/check.hpp"

namespace starling {

/// Owns its text, of at most 65535 bytes. Movable; what was moved from is empty.
class LevelText {
 public:
  LevelText() = default;
  explicit LevelText(std::string_view text) {
    if (text.size() <= inline_max) {
      bytes_[0] = static_cast<char>(text.size());
      if (!text.empty()) std::memcpy(bytes_ + 1, text.data(), text.size());
      return;
    }
    STARLING_CHECK(text.size() <= 0xFFFF);
    const auto size = static_cast<std::uint16_t>(text.size());
    char* block = new char[size];
    std::memcpy(block, text.data(), size);
    bytes_[0] = on_heap;
    std::memcpy(bytes_ + size_at, &size, sizeof size);
    std::memcpy(bytes_ + block_at, &block, sizeof block);
  }
  LevelText(LevelText&& other) noexcept {
    std::memcpy(bytes_, other.bytes_, sizeof bytes_);
    other.bytes_[0] = 0;
  }
  LevelText& operator=(LevelText&& other) noexcept {
    if (this == &other) return *this;
    free_block();
    std::memcpy(bytes_, other.bytes_, sizeof bytes_);
    other.bytes_[0] = 0;
    return *this;
  }
  LevelText(const LevelText&) = delete;
  LevelText& operator=(const LevelText&) = delete;
  ~LevelText() { free_block(); }

  [[nodiscard]] std::string_view view() const {
    if (bytes_[0] != on_heap) return {bytes_ + 1, static_cast<std::size_t>(bytes_[0])};
    std::uint16_t size = 0;
    std::memcpy(&size, bytes_ + size_at, sizeof size);
    return {block(), size};
  }
  [[nodiscard]] std::size_t heap_bytes() const { return bytes_[0] == on_heap ? view().size() : 0; }

 private:
  static constexpr std::size_t inline_max = 11;
  static constexpr char on_heap = 0x7F;  // in place of a length
  static constexpr std::size_t size_at = 2;
  static constexpr std::size_t block_at = 4;

  [[nodiscard]] char* block() const {
    char* block = nullptr;
    std::memcpy(&block, bytes_ + block_at, sizeof block);
    return block;
  }
  void free_block() {
    if (bytes_[0] == on_heap) delete[] block();
  }

  char bytes_[12] = {};  // length or on_heap, then the text or where it is
};

}  // namespace starling
