#include "src/store/store_loader.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <tuple>

#include "src/store/message_rows.hpp"
#include "src/store/row_text.hpp"

namespace starling {
namespace {

std::optional<std::string> optional_text(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return std::string(row.text(column));
}

template <class Integer>
Integer in_range(const Statement& row, int column, const char* what) {
  const std::uint64_t value = row.number(column);
  if (value > std::numeric_limits<Integer>::max())
    throw_damaged_row(std::string("a row whose ") + what + " is " + std::to_string(value));
  return static_cast<Integer>(value);
}

/// The columns of a queue row behind its session, from `first` on, its message behind them:
/// position, qos, retain, state, identifiers, share.
constexpr const char* delivery_columns =
    "q.position, q.qos, q.retain, q.state, q.identifiers, q.share";
constexpr int delivery_column_count = 6;

StoredDelivery read_delivery(const Statement& row, int first, const WallClock& clock) {
  StoredDelivery delivery;
  delivery.position = row.number(first);
  delivery.qos = read_qos(row, first + 1);
  delivery.retain = row.integer(first + 2) != 0;
  const std::int64_t state = row.integer(first + 3);
  if (state < 0 || state > 2)
    throw_damaged_row("a queued message with state " + std::to_string(state));
  delivery.state = static_cast<StoredDelivery::State>(state);
  if (!row.is_null(first + 4)) {
    auto found = read_identifiers(row.text(first + 4));
    if (!found) throw_damaged_row("a queued message whose identifiers are not the JSON we write");
    delivery.subscription_ids = *std::move(found);
  }
  delivery.share = std::string(row.text(first + 5));
  delivery.message = read_message(row, first + delivery_column_count, clock);
  return delivery;
}

/// A walk over a table in the order of its first column, a session's number: each session takes its
/// rows, and those before it belong to nobody.
class SessionRows {
 public:
  SessionRows(Database& database, const std::string& sql) : statement_(database, sql) { next(); }

  /// `with_row` for each row of `session`, `orphan` for the session of each that comes before.
  template <class WithRow, class Orphan>
  void take(SessionNumber session, WithRow with_row, Orphan orphan) {
    for (; there_ && number_ < session; next()) orphan(number_);
    for (; there_ && number_ == session; next()) with_row(statement_);
  }
  template <class Orphan>
  void drain(Orphan orphan) {
    for (; there_; next()) orphan(number_);
  }

 private:
  void next() {
    there_ = statement_.step();
    if (there_) number_ = statement_.number(0);
  }

  Statement statement_;
  bool there_ = false;
  SessionNumber number_ = 0;
};

class LoadWalk {
 public:
  LoadWalk(Database& database, const WallClock& clock, StoreLoader& loader)
      : database_(database), clock_(clock), loader_(loader) {}

  LoadedStore run() {
    load_numbers();
    load_retained();
    load_sessions();
    auto& references = found_.start.references;
    std::sort(references.begin(), references.end());
    std::sort(found_.ended.begin(), found_.ended.end());
    found_.ended.erase(std::unique(found_.ended.begin(), found_.ended.end()), found_.ended.end());
    return std::move(found_);
  }

 private:
  std::uint64_t counter(const char* key, const char* greatest_row) {
    const auto noted =
        database_.query_integer(std::string("SELECT value FROM meta WHERE key = '") + key + "'");
    const auto row = database_.query_integer(greatest_row);
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>({noted.value_or(0), row.value_or(0), 0}));
  }

  void load_numbers() {
    StoreWriter::Start& start = found_.start;
    start.numbers.message = counter("message_number", "SELECT max(id) FROM message");
    start.numbers.session = std::max(counter("session_number", "SELECT max(number) FROM session"),
                                     counter("session_number", "SELECT max(session) FROM erased"));
    start.inbound_opened = counter("inbound_opened", "SELECT max(opened) FROM inbound");
    start.clock_ms = static_cast<std::int64_t>(counter("clock", "SELECT 0"));
    start.erased_left = database_.query_integer("SELECT count(*) FROM erased").value_or(0) > 0;
  }

  void load_retained() {
    using Author = std::tuple<std::string, std::optional<std::string>, std::string>;
    std::map<Author, std::shared_ptr<const StoredAuthor>> authors;  // many topics have few
    Statement rows(database_,
                   std::string("SELECT r.author_client, r.author_user, r.author_listener, ")
                       + message_columns
                       + " FROM retained r LEFT JOIN message m ON m.id = r.message"
                         " ORDER BY r.topic");
    while (rows.step()) {
      auto message = read_message(rows, 3, clock_);
      std::shared_ptr<const StoredAuthor> author;
      if (!rows.is_null(0)) {
        Author key{rows.text(0), optional_text(rows, 1), rows.text(2)};
        auto& known = authors[key];
        if (!known)
          known = std::make_shared<StoredAuthor>(
              StoredAuthor{std::get<0>(key), std::get<1>(key), std::get<2>(key)});
        author = known;
      }
      found_.start.references.push_back(message->number);
      ++found_.retained;
      loader_.on_retained(std::move(message), std::move(author));
    }
  }

  void load_sessions() {
    Statement sessions(database_,
                       "SELECT number, client_id, expiry, user, listener, mount, away, ends_at,"
                       " will_due, sent_up_to, last_position FROM session ORDER BY number");
    SessionRows wills(database_,
                      "SELECT session, topic, payload, qos, retain, payload_format, content_type,"
                      " response_topic, correlation, user_properties, delay, expiry FROM will"
                      " ORDER BY session");
    SessionRows subscriptions(database_,
                              "SELECT session, filter, options, identifier FROM subscription"
                              " ORDER BY session, filter");
    SessionRows inbound(database_,
                        std::string("SELECT i.session, i.packet_id, i.message, ") + message_columns
                            + " FROM inbound i LEFT JOIN message m ON m.id = i.message"
                              " ORDER BY i.session, i.opened");
    SessionRows queue(database_,
                      "SELECT session, position, message, state, bytes FROM queue"
                      " ORDER BY session, position");
    Statement in_flight(database_,
                        std::string("SELECT ") + delivery_columns + ", " + message_columns
                            + " FROM queue q LEFT JOIN message m ON m.id = q.message"
                              " WHERE q.session = ? AND q.position = ?");
    const auto orphan = [&](SessionNumber session) { note_ended(session); };
    const auto refer = [&](const Statement& row, int column) {
      if (!row.is_null(column)) found_.start.references.push_back(row.number(column));
    };

    while (sessions.step()) {
      LoadedSession loaded = read_session(sessions);
      const SessionNumber number = loaded.session.number;
      const std::uint64_t sent_up_to = sessions.number(9);
      const bool lives = loaded.session.expiry_s != 0;
      wills.take(
          number,
          [&](const Statement& row) {
            if (lives) loaded.session.will = read_will(row);
          },
          orphan);
      subscriptions.take(
          number,
          [&](const Statement& row) {
            if (!lives) return;
            loaded.subscriptions.push_back(
                {std::string(row.text(1)), in_range<std::uint8_t>(row, 2, "options"),
                 in_range<std::uint32_t>(row, 3, "Subscription Identifier")});
          },
          orphan);
      inbound.take(
          number,
          [&](const Statement& row) {
            refer(row, 2);
            if (!lives) return;
            StoredInboundId& id = loaded.inbound.emplace_back();
            id.packet_id = in_range<std::uint16_t>(row, 1, "packet id");
            if (!row.is_null(2)) id.held = read_message(row, 3, clock_);
          },
          orphan);
      std::uint64_t first_waiting = 0;
      queue.take(
          number,
          [&](const Statement& row) {
            refer(row, 2);
            if (!lives) return;
            const std::uint64_t position = row.number(1);
            loaded.last_position = std::max(loaded.last_position, position);
            if (row.integer(3) != 0 || position <= sent_up_to) {
              loaded.in_flight.push_back(read_in_flight(in_flight, number, position));
              return;
            }
            if (first_waiting == 0) first_waiting = position;
            ++loaded.waiting;
            loaded.waiting_bytes += row.number(4);
          },
          orphan);
      if (!lives) {
        note_ended(number);
        continue;
      }
      loaded.waiting_after = first_waiting == 0 ? loaded.last_position : first_waiting - 1;
      found_.start.last_positions.emplace_back(number, loaded.last_position);
      ++found_.sessions;
      found_.waiting += loaded.waiting;
      loader_.on_session(std::move(loaded));
    }
    wills.drain(orphan);
    subscriptions.drain(orphan);
    inbound.drain(orphan);
    queue.drain(orphan);
    count_orphans_references();
  }

  LoadedSession read_session(const Statement& row) {
    LoadedSession loaded;
    StoredSession& session = loaded.session;
    session.number = row.number(0);
    session.client_id = std::string(row.text(1));
    session.expiry_s = in_range<std::uint32_t>(row, 2, "expiry");
    session.user = optional_text(row, 3);
    session.listener = std::string(row.text(4));
    session.mount = std::string(row.text(5));
    loaded.away = row.integer(6) != 0;
    if (loaded.away && !row.is_null(7)) loaded.ends_at = clock_.to_instant(row.integer(7));
    if (loaded.away && !row.is_null(8)) loaded.will_due = clock_.to_instant(row.integer(8));
    loaded.last_position = row.number(10);
    return loaded;
  }

  StoredWill read_will(const Statement& row) {
    auto message = std::make_shared<Publication>(read_content(row, 1));
    message->properties = read_properties(row, 5);
    StoredWill will;
    will.message = std::move(message);
    will.delay_s = in_range<std::uint32_t>(row, 10, "delay");
    if (!row.is_null(11)) will.expiry_s = in_range<std::uint32_t>(row, 11, "expiry");
    return will;
  }

  StoredDelivery read_in_flight(Statement& statement, SessionNumber session,
                                std::uint64_t position) {
    statement.bind(1, session);
    statement.bind(2, position);
    if (!statement.step()) throw_damaged_row("a queued message that is there and is not");
    StoredDelivery delivery = read_delivery(statement, 0, clock_);
    statement.reset();
    if (delivery.state == StoredDelivery::State::waiting)
      delivery.state = StoredDelivery::State::sent;
    return delivery;
  }

  void note_ended(SessionNumber session) {
    if (found_.ended.empty() || found_.ended.back() != session) found_.ended.push_back(session);
  }

  /// Rows of sessions that are being erased hold their messages until they go themselves.
  void count_orphans_references() {
    Statement rows(database_,
                   "SELECT message FROM queue WHERE session = ?1 UNION ALL"
                   " SELECT message FROM inbound WHERE session = ?1 AND message IS NOT NULL");
    Statement is_session(database_, "SELECT 1 FROM session WHERE number = ?");
    std::vector<SessionNumber> orphans = found_.ended;
    std::sort(orphans.begin(), orphans.end());
    orphans.erase(std::unique(orphans.begin(), orphans.end()), orphans.end());
    for (const SessionNumber session : orphans) {
      is_session.bind(1, session);
      const bool walked = is_session.step();  // and its references were counted there
      is_session.reset();
      if (walked) continue;
      rows.bind(1, session);
      while (rows.step()) found_.start.references.push_back(rows.number(0));
    }
  }

  Database& database_;
  const WallClock& clock_;
  StoreLoader& loader_;
  LoadedStore found_;
};

}  // namespace

LoadedStore load_store(Database& database, const WallClock& clock, StoreLoader& loader) {
  return LoadWalk(database, clock, loader).run();
}

QueueReader::QueueReader(Database& database)
    : statement_(database, std::string("SELECT q.message, q.bytes, ") + delivery_columns + ", "
                               + message_columns
                               + " FROM queue q LEFT JOIN message m ON m.id = q.message"
                                 " WHERE q.session = ? AND q.position > ? AND q.state = 0"
                                 " ORDER BY q.position LIMIT ?") {}

std::vector<StoredDelivery> QueueReader::read(const QueueRead& what, const WallClock& clock,
                                              std::size_t& unreadable) {
  constexpr std::size_t count_sane = 1U << 20U;
  std::vector<StoredDelivery> found;
  statement_.reset();  // of a walk that ended in an exception
  statement_.bind(1, what.session);
  statement_.bind(2, std::min<std::uint64_t>(what.after, INT64_MAX));
  statement_.bind(3, static_cast<std::int64_t>(std::min(what.count_max, count_sane)));
  std::size_t bytes = 0;
  while (true) {
    try {
      if (!statement_.step()) break;
    } catch (const SqliteError& error) {
      if (!error.is_damage()) throw;
      ++unreadable;
      break;
    }
    try {
      StoredDelivery delivery = read_delivery(statement_, 2, clock);
      bytes += delivery.message->topic.text().size() + delivery.message->payload.size();
      if (!found.empty() && bytes > what.bytes_max) break;
      found.push_back(std::move(delivery));
    } catch (const SqliteError& error) {
      if (!error.is_damage()) throw;
      ++unreadable;
    }
  }
  statement_.reset();
  return found;
}

}  // namespace starling
