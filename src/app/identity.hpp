// Who this node is: the key pair on disk, and how often it has been started.
#pragma once

#include <cstdint>

#include "starling/port/entropy.hpp"
#include "starling/port/store.hpp"

#include "src/crypto/ed25519.hpp"

namespace starling {

struct Identity {
  crypto::SigningKey key;
  bool created = false;  ///< made by this start
};

/// Loads "identity.key" (PKCS#8 PEM), or makes and saves one.
/// Throws std::runtime_error with a sentence: the file is damaged (it is left as it was: a new
/// identity would be a new node to all peers), or cannot be written.
Identity load_or_create_identity(StateFiles& files, Entropy& entropy);

/// Counts this start in "epoch" and returns the count, from 1. A lost or damaged count starts again
/// above `floor` (a unix time), so that no epoch is ever used twice. Throws std::runtime_error when
/// it cannot be saved: message ids would repeat.
std::uint64_t next_boot_epoch(StateFiles& files, std::uint64_t floor);

}  // namespace starling
