// What follows from the machine's facts. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "src/control/finding.hpp"
#include "src/control/host_facts.hpp"

namespace starling::control {

/// `running`: a daemon lives in the state directory.
Finding check_identity(const IdentityFacts& facts, bool running);
/// `keeps_state`: false with durability "none".
Finding check_storage(const StorageFacts& facts, bool keeps_state);
/// `connections_wanted`: clients that somebody has asked to have room for; 0: nobody has.
Finding check_limits(const LimitFacts& facts, std::uint64_t connections_wanted);
/// `written_at`: when the node's key was written: no clock that is right is behind it. 0: unknown.
Finding check_clock(const ClockFacts& facts, UnixSeconds written_at);
/// Of the daemon: `version`, and whether its program was replaced while it runs.
Finding check_version(const std::string& version, bool replaced);

}  // namespace starling::control
