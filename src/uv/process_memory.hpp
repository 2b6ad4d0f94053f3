// How much memory this process uses, and how many descriptors it may have.
#pragma once

#include <cstdint>

namespace starling {

/// Bytes of the heap in use: what was asked for and not given back. Where the allocator does not
/// say (sanitizers), the resident memory of the process. Costs up to a millisecond when the heap is
/// full of holes: once a second is fine, once a packet is not.
std::uint64_t heap_bytes_in_use();

/// Raises the soft limit of descriptors to the hard one; the limit that holds then. Each client
/// takes one.
std::uint64_t raise_descriptor_limit();

}  // namespace starling
