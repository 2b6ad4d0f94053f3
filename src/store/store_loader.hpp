// Reads back what the tables hold: all of it but the waiting messages at start, these by cursor.
#pragma once

#include <cstdint>
#include <vector>

#include "starling/port/store.hpp"

#include "src/store/sqlite.hpp"
#include "src/store/store_clock.hpp"
#include "src/store/store_writer.hpp"

namespace starling {

/// One ordered walk over each table. Sessions that end with their connection are not told and come
/// back in `ended`. Throws SqliteError; is_damage() also for rows that make no sense.
struct LoadedStore {
  StoreWriter::Start start;
  std::vector<SessionNumber> ended;  ///< to be erased: expiry 0, or rows without their session
  std::uint64_t retained = 0;
  std::uint64_t sessions = 0;
  std::uint64_t waiting = 0;  ///< messages
};
/// Wants nothing of it.
class EmptyLoad final : public StoreLoader {
 public:
  void on_retained(SharedPublication, std::shared_ptr<const StoredAuthor>) override {}
  void on_session(LoadedSession) override {}
};

LoadedStore load_store(Database& database, const WallClock& clock, StoreLoader& loader);

/// Reads waiting messages of a session, beyond a position and in order.
class QueueReader {
 public:
  explicit QueueReader(Database& database);
  /// What is damaged is left out and counted in `unreadable`: it must not keep the rest from being
  /// committed. Throws SqliteError for anything else.
  std::vector<StoredDelivery> read(const QueueRead& what, const WallClock& clock,
                                   std::size_t& unreadable);

 private:
  Statement statement_;
};

}  // namespace starling
