// The bounds of the control socket.
#pragma once

#include <chrono>
#include <cstddef>

namespace starling::control {

/// The socket's name in the state directory.
inline constexpr const char* socket_file = "control.sock";
/// Permission bits of the socket: its owner, and root. Whoever can open it may ask everything.
inline constexpr unsigned socket_mode = 0600;

inline constexpr std::size_t connections_max = 32;       // people and their scripts, not clients
inline constexpr std::size_t request_bytes_max = 4'096;  // a line; longer ones end the connection
inline constexpr auto idle_max = std::chrono::seconds{30};  // without a request or an answer taken
/// What who asks takes at most: a thousand peers need half a megabyte.
inline constexpr std::size_t answer_bytes_max = 16U << 20U;

}  // namespace starling::control
