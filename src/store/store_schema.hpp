// What the database looks like: its tables, its version, and the way from older versions. The
// columns are explained in this room's README.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace starling {

class Database;

/// PRAGMA application_id of our files: "Stlg".
inline constexpr std::int32_t store_application_id = 0x53746c67;
/// PRAGMA user_version of what this program writes.
inline constexpr std::int32_t store_version = 1;

/// All tables, such that a row refers only to rows of tables before its own.
inline constexpr std::array<std::string_view, 13> store_tables = {
    "meta",     "message", "session", "will",   "subscription", "queue",    "inbound",
    "retained", "erased",  "peer",    "outbox", "seen_window",  "tombstone"};

/// What a file is, by its header. Reads it, changes nothing.
enum class StoreKind : std::uint8_t {
  empty,    ///< no table, no version: a new file
  current,  ///< ours, of this version
  older,    ///< ours: migrate_store() brings it here
  newer,    ///< ours, written by a later program: not to be touched
  foreign,  ///< somebody else's database
};
StoreKind look_at_store(Database& database);

/// One step from version `from` to `from` + 1; runs inside a transaction.
struct StoreMigration {
  std::int32_t from = 0;
  std::function<void(Database&)> run;
};
/// Those this program knows, in order.
std::span<const StoreMigration> store_migrations();

/// Before anything else is done with an empty file: what its first page settles for good. Throws
/// SqliteError.
void settle_new_store(Database& database);
/// Makes the tables in an empty database. `now_ms`: Unix time, kept as the date of birth. Throws
/// SqliteError.
void create_store(Database& database, std::int64_t now_ms);
/// Brings an older file to `to`, all steps or none. Throws SqliteError, or std::runtime_error when
/// a step is missing.
void migrate_store(Database& database, std::span<const StoreMigration> steps = store_migrations(),
                   std::int32_t to = store_version);

/// How a connection that writes is set up: journal, syncs, caches. Throws SqliteError.
void set_up_connection(Database& database);

}  // namespace starling
