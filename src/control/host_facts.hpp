// What the machine says about itself: files, disk, limits, clock. The one place of this room that
// looks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "starling/time.hpp"

namespace starling::control {

struct IdentityFacts {
  std::string file;
  bool is_there = false;
  unsigned mode = 0;    ///< permission bits
  std::string trouble;  ///< why it could not be looked at
  UnixSeconds written_at = 0;
};

struct StorageFacts {
  std::string directory;
  bool is_there = false;
  bool in_memory = false;               ///< a file system that ends with the machine's power
  std::uint64_t free_bytes = 0;         ///< for this user
  std::optional<Duration> commit_time;  ///< median of some small writes that reached the disk
  std::string trouble;                  ///< why nothing can be written there
};

struct LimitFacts {
  std::uint64_t descriptors_max = 0;
  std::uint64_t descriptors_open = 0;
};

struct ClockFacts {
  UnixSeconds now = 0;
  std::optional<bool> is_kept;  ///< by a time service, says the kernel; nullopt: it does not say
};

struct HostFacts {
  IdentityFacts identity;
  StorageFacts storage;
  LimitFacts limits;  ///< of this process
  ClockFacts clock;
  bool program_replaced = false;  ///< the file of this program is another one by now
};

/// Takes up to some seconds where the disk is slow: not for the loop's thread. Writes and removes a
/// small file in `state_dir`.
HostFacts look_at_host(const std::filesystem::path& state_dir);

/// The clock alone, without waiting for anything.
ClockFacts look_at_clock();

}  // namespace starling::control
