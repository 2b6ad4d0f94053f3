// The frames by which nodes that routers keep apart reach each other: dial-back tests, meetings
// (TCP simultaneous open) and relayed links. Their meaning is in PROTOCOL.md 6.4 to 6.6.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>

#include "starling/bytes.hpp"
#include "starling/endpoint.hpp"
#include "starling/ids.hpp"

namespace starling::wire {

inline constexpr std::size_t reach_text_max = 256;     ///< bytes of a sentence for people
inline constexpr std::size_t relay_data_max = 16'384;  ///< bytes of one relay_data frame
using DialNonce = std::array<std::uint8_t, 16>;

/// "Please dial me there, and say this number in a bye." [MESH-6.4]
struct DialBack {
  DialNonce nonce{};
  Endpoint endpoint;
  friend bool operator==(const DialBack&, const DialBack&) = default;
};
/// "I could not." (That it could is told by the connection itself.)
struct DialBackFailed {
  DialNonce nonce{};
  std::string why;  ///< for people; at most reach_text_max bytes
  friend bool operator==(const DialBackFailed&, const DialBackFailed&) = default;
};

/// Two nodes agree, over a member that both are linked with, to dial each other at one moment
/// [MESH-6.5].
struct Meet {
  enum class Step : std::uint8_t { propose = 0, accept = 1, now = 2 };
  NodeId to;
  NodeId from;
  Step step = Step::propose;
  Endpoint endpoint;  ///< where `from` is seen from outside
  friend bool operator==(const Meet&, const Meet&) = default;
};

/// "Will you pass links on to me?", or that this is not needed any more [MESH-6.6].
struct RelayReserve {
  bool wanted = true;
  friend bool operator==(const RelayReserve&, const RelayReserve&) = default;
};
struct RelayReserved {
  bool granted = false;
  std::string why;  ///< of a refusal
  friend bool operator==(const RelayReserved&, const RelayReserved&) = default;
};

/// A channel for a link between `from` and `to`. Its number belongs to one carrying link and is even
/// where the dialler of that link opened it, else odd.
struct RelayOpen {
  std::uint32_t channel = 0;
  NodeId to;
  NodeId from;
  std::uint64_t window = 0;  ///< bytes that the sender takes before it gives more credit
  friend bool operator==(const RelayOpen&, const RelayOpen&) = default;
};
struct RelayOpened {
  std::uint32_t channel = 0;
  std::uint64_t window = 0;  ///< the same, of the other end
  friend bool operator==(const RelayOpened&, const RelayOpened&) = default;
};
struct RelayData {
  std::uint32_t channel = 0;
  Bytes data;  ///< 1 to relay_data_max bytes
  friend bool operator==(const RelayData&, const RelayData&) = default;
};
struct RelayCredit {
  std::uint32_t channel = 0;
  std::uint64_t limit = 0;  ///< bytes since the channel began; never falls
  friend bool operator==(const RelayCredit&, const RelayCredit&) = default;
};
struct RelayClose {
  std::uint32_t channel = 0;
  std::string why;
  friend bool operator==(const RelayClose&, const RelayClose&) = default;
};

using ReachFrame = std::variant<DialBack, DialBackFailed, Meet, RelayReserve, RelayReserved,
                                RelayOpen, RelayOpened, RelayData, RelayCredit, RelayClose>;

}  // namespace starling::wire
