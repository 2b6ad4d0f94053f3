// PacketOutlet: where the packets of one session go while its client is there. Memory only: whoever
// implements it decides when the bytes leave.
#pragma once

#include "starling/output_buffer.hpp"

namespace starling {

class PacketOutlet {
 public:
  virtual ~PacketOutlet() = default;
  /// Plain MQTT bytes, in order.
  virtual OutputBuffer& output() = 0;
  /// What was appended leaves at the end of this turn. Cheap: call it after every packet.
  virtual void flush_soon() = 0;
  /// More waits for the socket than a slow reader may hold (limits::connection_output_max).
  [[nodiscard]] virtual bool write_is_congested() const = 0;
};

}  // namespace starling
