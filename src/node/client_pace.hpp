// ClientPace: how fast one client may publish and send. A machine: it is told the time, and says
// when to go on. Nothing is dropped: packets wait here, bytes wait in the kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "starling/bytes.hpp"
#include "starling/time.hpp"

#include "src/access/token_bucket.hpp"
#include "src/mqtt/frame_reader.hpp"

namespace starling {

struct ClientRates {
  std::uint32_t messages_per_s = 0;  ///< PUBLISH packets; 0: no bound
  std::uint32_t bytes_per_s = 0;     ///< of the wire; 0: no bound
  [[nodiscard]] bool any() const { return messages_per_s != 0 || bytes_per_s != 0; }
};

class ClientPace {
 public:
  /// A packet that waits.
  struct Kept {
    std::uint8_t first_byte = 0;
    Bytes body;
    [[nodiscard]] mqtt::Frame frame() const { return {first_byte, body}; }
  };

  ClientPace(const ClientRates& rates, TimePoint now);

  /// So many bytes have been read, all at once.
  void on_bytes(std::size_t count, TimePoint now);
  /// When the next bytes may be read; nullopt: now.
  [[nodiscard]] std::optional<TimePoint> reads_again_at(TimePoint now) const;

  /// False: the packet has to wait, and a copy is kept. Pings, and acknowledgements of what we have
  /// sent, overtake those that wait; nothing else does.
  bool passes(const mqtt::Frame& frame, TimePoint now);
  /// The first packet that waits, if its time has come.
  std::optional<Kept> take_due(TimePoint now);
  /// When take_due() has something; nullopt: nothing waits.
  [[nodiscard]] std::optional<TimePoint> next_due(TimePoint now) const;
  /// More than limits::rate_held_bytes_max wait: nothing more should be read.
  [[nodiscard]] bool is_full() const;
  /// The connection has ended: what waits need not wait any longer.
  void lift();

 private:
  std::optional<TokenBucket> messages_;
  std::optional<TokenBucket> bytes_;
  std::deque<Kept> kept_;
  std::size_t kept_bytes_ = 0;
};

}  // namespace starling
