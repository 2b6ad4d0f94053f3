// Stores that are not used any more but not thrown away: renamed with a date, and the oldest deleted
// when there are too many.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "starling/time.hpp"

namespace starling {

/// What lies beside a database, by the end of its name.
inline constexpr std::string_view store_companions[] = {"-wal", "-shm", "-journal"};

inline constexpr std::size_t stores_set_aside_max = 10;

/// Renames `file` and what lies beside it to "store-<why>-<UTC date and time>.sqlite..." in the same
/// folder, and returns the new path. `why`: "damaged" or "set-aside". What is not there is not
/// renamed. Throws std::runtime_error with a sentence for the operator.
std::filesystem::path set_aside(const std::filesystem::path& file, std::string_view why,
                                UnixSeconds now);

/// Deletes the oldest of more than `stores_set_aside_max` and returns their paths. What cannot be
/// deleted stays.
std::vector<std::filesystem::path> prune_set_aside(const std::filesystem::path& folder);

/// Renames within a folder so that it outlives a loss of power; an existing file of that name goes.
/// Throws std::runtime_error with a sentence for the operator.
void rename_safely(const std::filesystem::path& from, const std::filesystem::path& to);

/// Deletes a database and what lies beside it, if it is there.
void delete_store(const std::filesystem::path& file);

}  // namespace starling
