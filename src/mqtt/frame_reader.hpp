// FrameReader: cuts a stream of bytes into packets by their Remaining Length (2.1.4), in place. It
// knows nothing of what is inside a packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "starling/bytes.hpp"

#include "src/mqtt/packet.hpp"
#include "src/mqtt/packet_error.hpp"

namespace starling::mqtt {

/// One whole packet, not yet understood.
struct Frame {
  std::uint8_t first_byte = 0;
  ByteView body;  ///< what follows the fixed header: Remaining Length bytes
  /// The same, to be kept without a copy; null for packets that are not worth it.
  const SharedBytes* shared = nullptr;

  [[nodiscard]] PacketType type() const { return static_cast<PacketType>(first_byte >> 4U); }
  [[nodiscard]] std::uint8_t flags() const { return first_byte & 0x0FU; }
};

/// What the taker of a frame wants next.
enum class Reading : std::uint8_t {
  go_on,
  stop,  ///< keep what follows for the next call of read(), for example until a password is checked
};

class FrameReader {
 public:
  /// `packet_size_max`: bytes of a whole packet, fixed header included.
  explicit FrameReader(std::size_t packet_size_max) : packet_size_max_(packet_size_max) {}

  /// For packets that begin after this call; until CONNECT is accepted
  /// limits::connect_packet_size_max is a good value.
  void set_packet_size_max(std::size_t bytes) { packet_size_max_ = bytes; }

  /// Calls `Reading take(const Frame&)` for each packet that is whole once `bytes` have come, in
  /// order. Packets that lie whole within `bytes` are not copied; frames are valid during `take`
  /// only, and `take` must not call the reader nor destroy it. What remains of an unfinished packet
  /// is kept; its memory grows with the bytes that came, not with the length that was announced. The
  /// body of a large one is gathered where it can stay (64 KB payloads: +10 %; and 200 MB are never
  /// copied in one go).
  ///
  /// After `stop`, read({}, take) goes on; the caller should not feed more before, because
  /// everything it feeds is kept.
  ///
  /// Errors, after which the stream has no meaning any more: malformed (a Remaining Length of more
  /// than four bytes, or not in its shortest form [MQTT5-1.5.5-1]; packet type 0), too_large (above
  /// packet_size_max; found before anything of the packet is kept).
  template <class Take>
  Decoded<void> read(ByteView bytes, Take&& take);

  /// Bytes kept of packets that are not whole, or not yet taken.
  [[nodiscard]] std::size_t kept_bytes() const {
    return kept_.size() + (large_ ? large_->body.size() : 0);
  }

 private:
  struct Header {
    std::size_t header_size = 0;  // 0: not all of it has come
    std::size_t packet_size = 0;  // header included
  };
  /// Reads a fixed header from the front of `bytes`. Errors as read().
  Decoded<Header> read_header(ByteView bytes) const;
  static Frame frame_of(const Header& header, ByteView packet) {
    return {packet[0], packet.subspan(header.header_size, header.packet_size - header.header_size)};
  }
  static constexpr std::size_t large_from = 16U << 10U;  // bytes
  static bool is_large(const Header& header) { return header.packet_size >= large_from; }
  /// `packet`: the beginning of a large one, header included.
  void begin_large(const Header& header, ByteView packet);
  /// Moves from the front of `bytes` what kept_ lacks to `size` bytes; false if it still lacks
  /// some.
  bool complete_kept(ByteView& bytes, std::size_t size);
  void drop_kept(std::size_t count);
  void keep(ByteView bytes);

  std::size_t packet_size_max_;
  Bytes kept_;
  /// A large packet that is not whole yet. Then nothing else is kept.
  struct Large {
    SharedBytes::Builder body;
    std::uint8_t first_byte = 0;
  };
  std::unique_ptr<Large> large_;  // null: there is none, as nearly always
};

template <class Take>
Decoded<void> FrameReader::read(ByteView bytes, Take&& take) {
  if (large_ != nullptr) {
    large_->body.take(bytes);
    if (!large_->body.is_complete()) return {};
    const SharedBytes body = large_->body.finish();
    const std::uint8_t first_byte = std::exchange(large_, nullptr)->first_byte;
    if (take(Frame{first_byte, body.view(), &body}) == Reading::stop) {
      keep(bytes);
      return {};
    }
  }
  std::size_t at = 0;  // of kept_: what lies before has been taken
  while (at < kept_.size()) {
    const auto header = read_header(ByteView(kept_).subspan(at));
    if (!header) return header.error();
    const std::size_t end = at + header->packet_size;
    if (header->header_size == 0) {  // the length itself is cut: fetch one more byte of it
      if (complete_kept(bytes, kept_.size() + 1)) continue;
      drop_kept(at);
      return {};
    }
    if (is_large(*header) && kept_.size() < end) {
      begin_large(*header, ByteView(kept_).subspan(at));
      drop_kept(kept_.size());
      return read(bytes, std::forward<Take>(take));
    }
    if (!complete_kept(bytes, end)) {
      drop_kept(at);
      return {};
    }
    const Reading next = take(frame_of(*header, ByteView(kept_).subspan(at)));
    at = end;
    if (next == Reading::stop) {
      drop_kept(at);
      keep(bytes);
      return {};
    }
  }
  drop_kept(at);
  while (!bytes.empty()) {
    const auto header = read_header(bytes);
    if (!header) return header.error();
    if (header->header_size == 0) break;
    if (bytes.size() < header->packet_size) {
      if (!is_large(*header)) break;
      begin_large(*header, bytes);
      return {};
    }
    const Reading next = take(frame_of(*header, bytes));
    bytes = bytes.subspan(header->packet_size);
    if (next == Reading::stop) break;
  }
  keep(bytes);
  return {};
}

}  // namespace starling::mqtt
