// How tests ask what a reader says against a packet.
#pragma once

#include <ostream>

#include "tests/support/mqtt_packets.hpp"

namespace starling::mqtt::testing {

/// What was said against a packet: nothing, or a reason with its sentence.
struct Refusal {
  ReasonCode reason = ReasonCode::success;
  std::string what;

  [[nodiscard]] bool is_none() const { return what.empty(); }
  /// With that reason, and a sentence that contains `part` (a clause, usually).
  [[nodiscard]] bool is(ReasonCode expected, std::string_view part) const {
    return reason == expected && what.find(part) != std::string::npos;
  }
};

inline Refusal refusal_of(ByteView packet, ReadContext context) {
  const auto read = decode(packet, context);
  if (read.ok()) return {};
  return {read.error().reason, read.error().what};
}

inline Refusal refusal_of(std::string_view hex, ReadContext context) {
  return refusal_of(ByteView(bytes_of(hex)), context);
}

}  // namespace starling::mqtt::testing
