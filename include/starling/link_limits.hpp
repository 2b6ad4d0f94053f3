// Bounds of what messages over links between nodes may cost: the part of the table in limits.hpp
// that only the rooms of bridge/ and its settings need.
#pragma once

#include "starling/limits.hpp"

namespace starling::limits {

inline constexpr std::size_t link_batch_small =
    16U << 10U;  // of small messages: a frame that both ends read and write within their caches
inline constexpr std::uint32_t link_topic_numbers =
    4'096;  // topics remembered by number, per lane and direction of a link
inline constexpr std::size_t link_topic_bytes_max = 1'024;  // of a topic that is given a number
inline constexpr std::size_t best_effort_credit_messages =
    65'536;  // QoS 0 under way to a peer: it hands them on as it reads, so this costs it no memory
inline constexpr std::size_t best_effort_credit_bytes = 16U << 20U;  // the same
inline constexpr std::size_t best_effort_waiting_messages =
    65'536;  // QoS 0 that waits for credit or the socket, per peer; then the newest is dropped
inline constexpr std::size_t best_effort_waiting_bytes = 32U << 20U;  // the same
inline constexpr auto best_effort_waiting_age = 2s;  // the same: later it is worth nothing
inline constexpr double open_messages_per_s =
    20'000;  // what one peer may bring into open meshes; beyond it its lanes get no credit
inline constexpr std::size_t routes_kept =
    4'096;  // topics published lately: who among the peers wants them

}  // namespace starling::limits
