// From bytes to frames, in two steps: cut_frame finds where a frame ends and refuses one that is
// too large before anybody buffers it; read_frame decodes its body.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "starling/bytes.hpp"
#include "starling/result.hpp"

#include "bridge/wire/frame.hpp"

namespace starling::wire {

inline constexpr std::size_t frame_prefix_size = 4;  // bytes of length before each body

/// Reading a body of n bytes allocates at most this many times n, and `read_memory_base` bytes
/// (the worst: user properties without a character, 64 bytes of two strings for two on the wire).
inline constexpr std::size_t read_memory_factor = 40;
inline constexpr std::size_t read_memory_base = 4096;

/// How large a body may be.
struct FrameBounds {
  std::size_t body_max = 0;          ///< bytes, of any frame
  std::size_t publications_max = 0;  ///< bytes, of a publications frame, if that is more
};

/// The front of `received`: the body of its first frame if all of it is there (a view into
/// `received`; the frame took frame_prefix_size + body bytes), nullopt if more must come. Errors:
/// too_large, as soon as the length (and, above body_max, the type) has been seen; malformed (an
/// empty body).
Result<std::optional<ByteView>> cut_frame(ByteView received, const FrameBounds& bounds);

/// The type that a body says it is of; nullopt if it says none. Nothing else is checked.
std::optional<std::uint64_t> peek_type(ByteView body);

/// Decodes one body. Elements behind those we know are ignored [MESH-3.2-4], an unknown type
/// becomes UnknownFrame. Errors: malformed (no such frame, depth above limits::frame_depth_max,
/// trailing bytes, text that is not UTF-8, a topic that is none); too_large (counts and sizes of
/// limits.hpp).
Result<Frame> read_frame(ByteView body);

}  // namespace starling::wire
