// PacketError: an Error with the MQTT 5 reason code that tells the peer the same; and Decoded<T>,
// the Result of the readers.
#pragma once

#include "starling/result.hpp"

#include "src/mqtt/reason_code.hpp"

namespace starling::mqtt {

/// Every one of them ends the connection [MQTT-4.8.0-1] [MQTT5-4.13.1-1]; `reason` is what a
/// CONNACK (to a CONNECT) or DISCONNECT of MQTT 5 may say first.
struct PacketError : Error {
  ReasonCode reason = ReasonCode::malformed_packet;
};

template <class T>
using Decoded = Result<T, PacketError>;

}  // namespace starling::mqtt
