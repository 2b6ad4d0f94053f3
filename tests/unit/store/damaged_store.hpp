// What the tests of damage share: a store with a bit of everything, and ways to hurt its file.
#pragma once

#include <fstream>
#include <iterator>

#include "src/store/sqlite.hpp"
#include "tests/unit/store/store_fixture.hpp"

namespace starling::test {

inline constexpr std::size_t page_bytes = 4'096;
inline constexpr std::uint64_t full_sessions = 40;
inline constexpr std::uint64_t full_queue = 60;  // messages for each of them
inline constexpr std::uint64_t full_retained = 1'500;

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
inline void write_file(const std::filesystem::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

/// Fills the open store of `fixture` and lets it reach the disk.
inline void fill(StoreFixture& fixture) {
  std::uint64_t number = 0;
  std::vector<StoreChange> changes;
  for (std::uint64_t i = 0; i < full_retained; ++i) {
    auto kept = message(++number, "state/" + std::to_string(i), std::string(60, 'r'));
    kept->retain = true;
    changes.emplace_back(RetainedSet{
        std::move(kept), std::make_shared<StoredAuthor>(StoredAuthor{"author", "u", "main"})});
  }
  for (SessionNumber session = 1; session <= full_sessions; ++session) {
    changes.emplace_back(session_saved(session, "client-" + std::to_string(session)));
    for (int filter = 0; filter < 5; ++filter)
      changes.emplace_back(SubscriptionSaved{
          session, {"room/" + std::to_string(filter) + "/#", 1, static_cast<unsigned>(filter)}});
    for (std::uint64_t position = 1; position <= full_queue; ++position) {
      auto waiting = message(++number, "room/1/x", "payload " + std::to_string(position));
      changes.emplace_back(queued(session, position, std::move(waiting)));
    }
    changes.emplace_back(MessagesSent{session, 3});
    changes.emplace_back(InboundIdOpened{session, {7, message(++number, "in/bound", "held")}});
    changes.emplace_back(SessionAway{session, fixture.scheduler.now() + std::chrono::hours(1), {}});
  }
  fixture.keep(std::move(changes));
}

/// Every row of every table, for comparing.
inline std::vector<std::string> rows_of(const std::filesystem::path& file) {
  static constexpr const char* tables[] = {
      "SELECT 'message', quote(id), quote(topic), quote(payload), quote(qos) || quote(retain)"
      " || quote(expires_at) FROM message ORDER BY id",
      "SELECT 'session', quote(number), quote(client_id), quote(expiry) || quote(away),"
      " quote(ends_at) || '/' || quote(sent_up_to) || '/' || quote(last_position) FROM session"
      " ORDER BY number",
      "SELECT 'subscription', quote(session), quote(filter), quote(options), quote(identifier)"
      " FROM subscription ORDER BY session, filter",
      "SELECT 'queue', quote(session), quote(position), quote(message),"
      " quote(qos) || quote(state) || quote(bytes) FROM queue ORDER BY session, position",
      "SELECT 'inbound', quote(session), quote(packet_id), quote(message), '' FROM inbound"
      " ORDER BY session, packet_id",
      "SELECT 'retained', quote(topic), quote(message), quote(author_client),"
      " quote(author_user) || quote(author_listener) FROM retained ORDER BY topic",
  };
  Database database(file.string(), Database::Mode::read_only);
  std::vector<std::string> rows;
  for (const char* sql : tables) {
    Statement statement(database, sql);
    while (statement.step()) {
      std::string row;
      for (int column = 0; column < 5; ++column) row.append(statement.text(column)).append(" ");
      rows.push_back(std::move(row));
    }
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace starling::test
