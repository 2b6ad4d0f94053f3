#include "starling/bytes.hpp"

#include <new>

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

SharedBytes::Block* SharedBytes::make_block(std::size_t size) {
  if (size == 0) return nullptr;
  void* memory = ::operator new(sizeof(Block) + size);
  return new (memory) Block{{1}, size};
}

SharedBytes::SharedBytes(ByteView bytes) : block_(make_block(bytes.size())) {
  if (block_) std::memcpy(block_->bytes(), bytes.data(), bytes.size());
}

SharedBytes::SharedBytes(ByteView head, ByteView body)
    : block_(make_block(head.size() + body.size())) {
  if (!head.empty()) std::memcpy(block_->bytes(), head.data(), head.size());
  if (!body.empty()) std::memcpy(block_->bytes() + head.size(), body.data(), body.size());
}

void SharedBytes::release() noexcept {
  if (block_ && block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    block_->~Block();
    ::operator delete(block_);
  }
}

}  // namespace starling
