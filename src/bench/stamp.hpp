// Stamp: the first 16 bytes of a payload. Only the program that wrote them reads them, so they are in
// the order of the machine.
#pragma once

#include <cstdint>
#include <cstring>

namespace starling::bench {

struct Stamp {
  std::int64_t time_ns = 0;  ///< since the run began; 48 bits, three days
  std::uint16_t tag = 0;     ///< of the run; tells its messages from anybody else's
  std::uint32_t stream = 0;  ///< which publisher's which topic
  std::uint32_t number = 0;  ///< within the stream

  /// `to` and `from`: stamp_size bytes.
  void write(std::uint8_t* to) const {
    const std::uint64_t head =
        static_cast<std::uint64_t>(time_ns) << 16U | static_cast<std::uint64_t>(tag);
    const std::uint64_t rest = std::uint64_t{number} << 32U | stream;
    std::memcpy(to, &head, sizeof(head));
    std::memcpy(to + sizeof(head), &rest, sizeof(rest));
  }
  static Stamp read(const std::uint8_t* from) {
    std::uint64_t head = 0;
    std::uint64_t rest = 0;
    std::memcpy(&head, from, sizeof(head));
    std::memcpy(&rest, from + sizeof(head), sizeof(rest));
    return {static_cast<std::int64_t>(head >> 16U), static_cast<std::uint16_t>(head),
            static_cast<std::uint32_t>(rest), static_cast<std::uint32_t>(rest >> 32U)};
  }
};

}  // namespace starling::bench
