// What a database file says of itself, before SQLite gets it: SQLite may recover, lock and make files
// beside it, and a store of a later version is not to be touched at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace starling {

struct StoreHeader {
  bool is_sqlite = false;  ///< begins as SQLite's files do; else the rest means nothing
  std::int32_t application_id = 0;
  std::int32_t version = 0;  ///< PRAGMA user_version
};

/// The header as SQLite would see it: the latest one committed to a write-ahead log beside the file
/// counts. nullopt: there is no such file, or it is empty. Only reads. Throws std::runtime_error with
/// a sentence for the operator when the file cannot be opened or read.
std::optional<StoreHeader> read_store_header(const std::string& file);

}  // namespace starling
