// From frames to bytes. Messages are written where they shall stand: small ones into the batch of a
// lane, which becomes a frame when it leaves; a large payload is not copied at all.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "starling/bytes.hpp"
#include "starling/ids.hpp"
#include "starling/output_buffer.hpp"
#include "starling/publication.hpp"

#include "bridge/wire/frame.hpp"

namespace starling::wire {

/// Appends the frame with its length. `frame` keeps the bounds that frame.hpp names: anything else
/// is a bug and aborts. An UnknownFrame is written as its type alone (for tests).
void write_frame(const Frame& frame, OutputBuffer& out);

/// One message as it goes to one link. What it points to outlives the call it is given to.
struct OutgoingEntry {
  std::optional<std::uint32_t> topic_number;
  std::string_view topic_text;  ///< empty: `topic_number` has been announced
  std::uint32_t mesh = 0;       ///< position in our hello; only with a text
  QoS qos = QoS::at_most_once;
  bool retain = false;
  std::uint8_t hops = 0;
  std::uint64_t step = 0;
  std::optional<std::chrono::milliseconds> expires_in = {};
  const MessageProperties* properties = nullptr;
};

/// Bytes of an entry beside its payload, topic text and properties, at most.
inline constexpr std::size_t entry_overhead_max = 48;
/// Bytes that a frame adds to the entries in it, at most: length, type, lane, numbers, floor, id.
inline constexpr std::size_t batch_overhead_max = 160;
/// Bytes that properties take in an entry, at most. Null: 0.
[[nodiscard]] std::size_t properties_size_max(const MessageProperties* properties);

/// Appends an entry. Its payload must be smaller than OutputBuffer::share_from.
void write_entry(const OutgoingEntry& entry, ByteView payload, Bytes& batch);

/// Appends one publications frame of `count` entries that write_entry() has written to `batch`.
/// `self`: the sender, whose own ids do not repeat it.
void write_batch(const PublicationsHead& head, const NodeId& self, std::size_t count,
                 ByteView batch, OutputBuffer& out);

/// Appends one publications frame of one message; the payload is shared if it is large. Returns what
/// the entry costs against the credit of its lane.
std::size_t write_single(const PublicationsHead& head, const NodeId& self,
                         const OutgoingEntry& entry, const SharedBytes& payload, OutputBuffer& out);

}  // namespace starling::wire
