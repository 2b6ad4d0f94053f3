// OutputBuffer: what one connection has yet to send, in order. Small things are copied together,
// large payloads are shared: a copy is cheaper than another entry of a gathered write up to a few
// kilobytes.
#pragma once

#include <span>
#include <vector>

#include "starling/bytes.hpp"

namespace starling {

class OutputBuffer {
 public:
  /// Payloads of at least this many bytes are kept by reference (measured: copying wins below 2-4
  /// KB, sharing is 1.5 times better at 16 KB).
  static constexpr std::size_t share_from = 4096;
  /// Bytes of capacity an emptied buffer may keep for the next turn.
  static constexpr std::size_t spare_capacity = 0;

  void append(ByteView bytes);
  /// Copies when small, shares when not.
  void append(const SharedBytes& bytes);
  /// Room for a writer that encodes in place: whatever it appends to the result is part of the
  /// buffer. The reference is good until the next call of any other member.
  Bytes& tail();

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] bool empty() const { return size() == 0; }

  /// Fills `views` with the front of the buffer and returns how many entries it used. Valid until
  /// the next non-const call.
  std::size_t gather(std::span<ByteView> views) const;
  /// Drops `count` bytes (<= size()) from the front. Once empty the buffer keeps no memory beyond
  /// `spare_capacity`: an idle connection owns no large buffer.
  void consume(std::size_t count);
  void clear();

 private:
  struct Piece {
    Bytes copied;        // either this
    SharedBytes shared;  // or that
    [[nodiscard]] ByteView view() const {
      return shared.empty() ? ByteView{copied} : shared.view();
    }
  };
  void close_tail();

  // The common case, one run of copied bytes, lives in tail_ alone and needs no piece.
  std::vector<Piece> pieces_;  // before tail_; those below first_ have been consumed
  std::size_t first_ = 0;      // of pieces_
  std::size_t pieces_bytes_ =
      0;  // unconsumed bytes in pieces_ from first_ on, before consumed_ is taken off
  Bytes tail_;
  std::size_t consumed_ = 0;  // bytes already gone from the first piece (tail_ if there is none)
};

}  // namespace starling
