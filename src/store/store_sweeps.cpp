// The parts of StoreWriter that go over many rows, in slices: erased sessions, expired messages, and
// a clock that has jumped.
#include <limits>

#include "src/store/store_writer.hpp"

namespace starling {

void StoreWriter::shift_clock(std::int64_t by_ms) {
  const auto shift = [&](const char* sql) {
    Statement update(database_, sql);
    update.bind(1, by_ms);
    update.run();
  };
  shift("UPDATE message SET expires_at = expires_at + ? WHERE expires_at IS NOT NULL");
  shift("UPDATE queue SET expires_at = expires_at + ? WHERE expires_at IS NOT NULL");
  shift("UPDATE session SET ends_at = ends_at + ? WHERE ends_at IS NOT NULL");
  shift("UPDATE session SET will_due = will_due + ? WHERE will_due IS NOT NULL");
}

bool StoreWriter::erase_slice(std::size_t rows_max) {
  if (!erased_left_) return false;
  Statement next(database_, "SELECT session FROM erased LIMIT 1");
  Statement queued(database_,
                   "SELECT position, message FROM queue WHERE session = ? ORDER BY position"
                   " LIMIT ?");
  Statement erase_queued(database_, "DELETE FROM queue WHERE session = ? AND position <= ?");
  Statement inbound(database_,
                    "SELECT packet_id, message FROM inbound WHERE session = ? ORDER BY packet_id"
                    " LIMIT ?");
  Statement erase_inbound(database_, "DELETE FROM inbound WHERE session = ? AND packet_id <= ?");
  Statement erase_subscriptions(
      database_,
      "DELETE FROM subscription WHERE session = ?1 AND filter IN"
      " (SELECT filter FROM subscription WHERE session = ?1 ORDER BY filter LIMIT ?2)");
  Statement finished(database_, "DELETE FROM erased WHERE session = ?");

  std::size_t left = rows_max;
  // Rows that refer to messages, in the order of their second column. Counts down `left`.
  const auto erase_referring = [&](Statement& rows, Statement& erase, SessionNumber session) {
    rows.bind(1, session);
    rows.bind(2, static_cast<std::int64_t>(left));
    bool any = false;
    std::uint64_t last = 0;
    while (rows.step()) {
      any = true;
      last = rows.number(0);
      if (!rows.is_null(1)) release(rows.number(1));
      --left;
    }
    if (!any) return;
    erase.bind(1, session);
    erase.bind(2, last);
    erase.run();
  };

  while (left > 0) {
    if (!next.step()) {
      erased_left_ = false;
      break;
    }
    const SessionNumber session = next.number(0);
    next.reset();
    erase_referring(queued, erase_queued, session);
    if (left > 0) erase_referring(inbound, erase_inbound, session);
    if (left > 0) {
      erase_subscriptions.bind(1, session);
      erase_subscriptions.bind(2, static_cast<std::int64_t>(left));
      erase_subscriptions.run();
      left -= static_cast<std::size_t>(database_.changes());
    }
    if (left == 0) break;
    finished.bind(1, session);
    finished.run();
    --left;
  }
  forget_messages();
  return erased_left_;
}

bool StoreWriter::expire_slice(std::int64_t now_ms, std::size_t rows_max, std::int64_t* after_ms,
                               std::vector<ExpiredDelivery>& expired) {
  // What has been sent is acknowledged or sent again, however late.
  Statement find(database_,
                 "SELECT session, position, message, bytes, expires_at FROM queue"
                 " WHERE expires_at BETWEEN ? AND ? AND state = 0"
                 " AND position > (SELECT sent_up_to FROM session WHERE number = queue.session)"
                 " ORDER BY expires_at LIMIT ?");
  Statement erase(database_, "DELETE FROM queue WHERE session = ? AND position = ?");
  find.bind(1, *after_ms);
  find.bind(2, now_ms);
  find.bind(3, static_cast<std::int64_t>(rows_max));
  const std::size_t before = expired.size();
  while (find.step()) {
    expired.push_back({find.number(0), find.number(1), static_cast<std::size_t>(find.number(3))});
    release(find.number(2));
    *after_ms = find.integer(4);
  }
  for (std::size_t i = before; i < expired.size(); ++i) {
    erase.bind(1, expired[i].session);
    erase.bind(2, expired[i].position);
    erase.run();
  }
  forget_messages();
  return expired.size() - before >= rows_max;
}

}  // namespace starling
