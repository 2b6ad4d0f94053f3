// From frames to bytes. A publication is encoded once (encode_publication), however many links it
// goes to; what differs between links is a few bytes in front of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "starling/bytes.hpp"
#include "starling/ids.hpp"
#include "starling/output_buffer.hpp"
#include "starling/publication.hpp"

#include "bridge/wire/frame.hpp"

namespace starling::wire {

/// Appends the frame with its length. `frame` keeps the bounds that frame.hpp names: anything else
/// is a bug and aborts. An UnknownFrame is written as its type alone (for tests).
void write_frame(const Frame& frame, OutputBuffer& out);

/// The part of a publication that is the same on all links: id, topic, properties, payload, retain.
/// Copies share it. A payload of at least OutputBuffer::share_from bytes is not copied at all.
struct EncodedPublication {
  SharedBytes head;     ///< everything up to the payload; a small payload as well
  SharedBytes payload;  ///< a large payload, else empty
  [[nodiscard]] std::size_t size() const { return head.size() + payload.size(); }
};

/// `message` under its name in the mesh. `self` is the node that will send it: its own messages do
/// not repeat its id. QoS, expiry and hops are not part of it.
EncodedPublication encode_publication(const Publication& message, const NodeId& self);

/// One message of a batch, as it goes to one link.
struct OutgoingEntry {
  std::uint32_t mesh = 0;  ///< position in our hello
  QoS qos = QoS::at_most_once;
  std::uint8_t hops = 0;
  std::optional<std::chrono::milliseconds> expires_in;
  EncodedPublication body;
};

/// What the entry costs against the credit of its lane: its bytes on the wire.
[[nodiscard]] std::size_t entry_size(const OutgoingEntry& entry);
/// Bytes that a batch adds to the entries in it, at most: length, type, lane, number, floor.
inline constexpr std::size_t batch_overhead_max = 96;

/// Appends one publications frame of 1 to limits::frame_publications_max entries. `self`: see
/// encode_publication.
void write_publications(Lane lane, std::uint64_t first_number,
                        const std::optional<MessageId>& floor, const NodeId& self,
                        std::span<const OutgoingEntry> entries, OutputBuffer& out);

}  // namespace starling::wire
