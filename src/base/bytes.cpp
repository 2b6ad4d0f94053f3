#include "starling/bytes.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "starling/check.hpp"

namespace starling {

std::string to_hex(ByteView bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text.push_back(digits[byte >> 4U]);
    text.push_back(digits[byte & 15U]);
  }
  return text;
}

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return bytes;
}

namespace {

/// From malloc, as what a Builder makes must be able to grow.
void* allocate(void* grown, std::size_t size) {
  void* memory = std::realloc(grown, size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

SharedBytes::Block* SharedBytes::make_block(std::size_t size) {
  if (size == 0) return nullptr;
  return new (allocate(nullptr, sizeof(Block) + size)) Block{{1}, false, size};
}

SharedBytes::SharedBytes(ByteView bytes) : block_(make_block(bytes.size())) {
  if (block_) std::memcpy(block_->behind(), bytes.data(), bytes.size());
}

SharedBytes::SharedBytes(ByteView head, ByteView body)
    : block_(make_block(head.size() + body.size())) {
  if (!head.empty()) std::memcpy(block_->behind(), head.data(), head.size());
  if (!body.empty()) std::memcpy(block_->behind() + head.size(), body.data(), body.size());
}

SharedBytes SharedBytes::slice(const SharedBytes& whole, ByteView part) {
  if (part.empty()) return {};
  STARLING_CHECK(part.data() >= whole.data()
                 && part.data() + part.size() <= whole.data() + whole.size());
  Block* block =
      new (allocate(nullptr, sizeof(Block) + sizeof(Slice))) Block{{1}, true, part.size()};
  SharedBytes kept = whole;
  new (block->behind()) Slice{std::exchange(kept.block_, nullptr), part.data()};
  SharedBytes result;
  result.block_ = block;
  return result;
}

void SharedBytes::free(Block* block) noexcept {
  SharedBytes whole;  // let go at the end
  if (block->is_slice) whole.block_ = reinterpret_cast<Slice*>(block->behind())->whole;
  block->~Block();
  std::free(block);
}

SharedBytes::Builder& SharedBytes::Builder::operator=(Builder&& other) noexcept {
  std::swap(block_, other.block_);
  std::swap(capacity_, other.capacity_);
  std::swap(size_, other.size_);
  std::swap(size_final_, other.size_final_);
  return *this;
}

void SharedBytes::Builder::take(ByteView& bytes) {
  constexpr std::size_t room_min = 64U << 10U;  // bytes
  const std::size_t count = std::min(bytes.size(), size_final_ - size_);
  if (count == 0) return;
  if (size_ + count > capacity_) {
    const std::size_t wanted = std::max({capacity_ * 2, size_ + count, room_min});
    capacity_ = std::min(wanted, size_final_);
    const bool is_new = block_ == nullptr;
    block_ = static_cast<Block*>(allocate(block_, sizeof(Block) + capacity_));
    if (is_new) new (block_) Block{{1}, false, 0};
  }
  std::memcpy(block_->behind() + size_, bytes.data(), count);
  size_ += count;
  bytes = bytes.subspan(count);
}

ByteView SharedBytes::Builder::view() const {
  return block_ == nullptr ? ByteView{} : ByteView{block_->behind(), size_};
}

SharedBytes SharedBytes::Builder::finish() {
  STARLING_CHECK(is_complete());
  SharedBytes result;
  if (block_ != nullptr) block_->size = size_;
  result.block_ = std::exchange(block_, nullptr);
  drop();
  return result;
}

void SharedBytes::Builder::drop() {
  std::free(std::exchange(block_, nullptr));
  capacity_ = size_ = size_final_ = 0;
}

}  // namespace starling
