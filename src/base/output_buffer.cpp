#include "starling/output_buffer.hpp"

#include "starling/check.hpp"

namespace starling {

void OutputBuffer::append(ByteView bytes) {
  starling::append(tail_, bytes);
}

void OutputBuffer::append(const SharedBytes& bytes) {
  if (bytes.size() < share_from) return append(bytes.view());
  close_tail();
  pieces_.push_back({{}, bytes});
  pieces_bytes_ += bytes.size();
}

Bytes& OutputBuffer::tail() {
  return tail_;
}

void OutputBuffer::close_tail() {
  if (tail_.empty()) return;
  pieces_bytes_ += tail_.size();
  pieces_.push_back({std::move(tail_), {}});
  tail_ = {};
}

std::size_t OutputBuffer::size() const {
  return pieces_bytes_ + tail_.size() - consumed_;
}

std::size_t OutputBuffer::gather(std::span<ByteView> views) const {
  std::size_t count = 0;
  std::size_t skip = consumed_;
  const auto add = [&](ByteView piece) {
    if (count < views.size() && piece.size() > skip) views[count++] = piece.subspan(skip);
    skip = 0;
  };
  for (std::size_t i = first_; i < pieces_.size(); ++i) add(pieces_[i].view());
  add(tail_);
  return count;
}

void OutputBuffer::consume(std::size_t count) {
  STARLING_CHECK(count <= size());
  consumed_ += count;
  while (first_ < pieces_.size() && consumed_ >= pieces_[first_].view().size()) {
    const std::size_t piece_size = pieces_[first_].view().size();
    consumed_ -= piece_size;
    pieces_bytes_ -= piece_size;
    pieces_[first_++] = {};
  }
  if (first_ == pieces_.size()) {
    pieces_.clear();
    first_ = 0;
    if (consumed_ == tail_.size()) clear();
  }
}

void OutputBuffer::clear() {
  pieces_ = {};
  first_ = pieces_bytes_ = consumed_ = 0;
  tail_.clear();
  if (tail_.capacity() > spare_capacity) tail_ = Bytes{};
}

}  // namespace starling
