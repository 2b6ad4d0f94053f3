#include "starling/output_buffer.hpp"

#include <algorithm>

#include "starling/check.hpp"

namespace starling {

Bytes BufferPool::take() {
  Bytes memory;
  if (spares_.empty()) {
    memory.reserve(room_min);
  } else {
    memory = std::move(spares_.back());
    spares_.pop_back();
    kept_ -= memory.capacity();
  }
  return memory;
}

void BufferPool::give(Bytes memory) {
  if (memory.capacity() > one_max || kept_ + memory.capacity() > kept_max) return;
  memory.clear();
  kept_ += memory.capacity();
  spares_.push_back(std::move(memory));
}

void OutputBuffer::append(ByteView bytes) {
  starling::append(tail(), bytes);
}

void OutputBuffer::append(const SharedBytes& bytes) {
  if (bytes.size() < share_from) return append(bytes.view());
  close_tail();
  pieces_.push_back({{}, bytes});
  pieces_bytes_ += bytes.size();
}

Bytes& OutputBuffer::tail() {
  if (tail_.capacity() == 0 && pool_ != nullptr) tail_ = pool_->take();
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

OutputBuffer OutputBuffer::take_front(std::size_t count) {
  OutputBuffer taken(pool_);
  while (count > 0 && !empty()) {
    const bool is_piece = first_ < pieces_.size();
    const SharedBytes shared = is_piece ? pieces_[first_].shared : SharedBytes();
    const ByteView left = (is_piece ? pieces_[first_].view() : ByteView(tail_)).subspan(consumed_);
    const ByteView part = left.first(std::min(count, left.size()));
    if (shared.empty()) {
      taken.append(part);
    } else {
      taken.append(SharedBytes::slice(shared, part));
    }
    count -= part.size();
    consume(part.size());
  }
  return taken;
}

void OutputBuffer::clear() {
  pieces_ = {};
  first_ = pieces_bytes_ = consumed_ = 0;
  drop_tail();
}

void OutputBuffer::drop_tail() {
  if (tail_.capacity() > 0 && pool_ != nullptr) pool_->give(std::move(tail_));
  tail_ = Bytes{};
}

}  // namespace starling
