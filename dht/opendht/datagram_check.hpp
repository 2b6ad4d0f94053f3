// What may reach OpenDHT at all. Its parser believes the lengths in a datagram: forty bytes can
// make it ask for 34 GB. So every datagram is walked first, without taking memory.
#pragma once

#include "starling/bytes.hpp"

namespace starling {

/// Is `datagram` one msgpack map whose every length is covered by bytes that are there, nested no
/// deeper than OpenDHT's own messages, and are the value parts in it whole (as those of our
/// records, which always fit one datagram) and sound in the same way? A part that is only a piece
/// could hide what its neighbours complete.
bool is_safe_for_opendht(ByteView datagram);

/// Does a datagram that is safe ask for something? (OpenDHT: "y" is "q".)
bool is_query(ByteView datagram);

/// Writes `datagram`, one that OpenDHT has made, with the mark of a client ("s": true) into `marked`:
/// whoever receives it answers, and keeps its sender in no table. False: it cannot be marked.
bool as_client(ByteView datagram, Bytes& marked);

}  // namespace starling
