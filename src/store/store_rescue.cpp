#include "src/store/store_rescue.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <memory>
#include <unistd.h>
#include <utility>
#include <vector>

#include "starling/limits.hpp"
#include "starling/topic.hpp"

#include "src/store/message_rows.hpp"
#include "src/store/row_text.hpp"
#include "src/store/salvage_walk.hpp"
#include "src/store/set_aside.hpp"
#include "src/store/sqlite.hpp"
#include "src/store/store_schema.hpp"

namespace starling {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t page_size = 4'096;
constexpr std::int64_t counter_max = std::int64_t{1} << 56U;  // nobody counts up to it
constexpr std::int64_t year_ms = 366LL * 86'400 * 1'000;
constexpr std::uint32_t identifier_max = 268'435'455;

// --- What makes sense

void expect(bool is_so, const char* what) {
  if (!is_so) throw_damaged_row(what);
}

void expect_number(const Statement& row, int column, std::int64_t least, std::int64_t most) {
  const std::int64_t value = row.integer(column);
  expect(!row.is_null(column) && value >= least && value <= most, "a number out of its range");
}

void expect_time(const Statement& row, int column) {
  if (!row.is_null(column)) expect_number(row, column, 0, counter_max);
}

void expect_text(const Statement& row, int column) {
  const std::string_view text = row.text(column);
  expect(text.size() <= limits::topic_size_max && is_mqtt_text(text), "a text that is none");
}

void expect_content(const Statement& row, int topic, int properties) {
  const Publication message = read_content(row, topic);
  expect(message.payload.size() <= limits::packet_size_max, "a payload that nobody may send");
  const auto more = read_properties(row, properties);
  if (!more) return;
  for (const auto& text : {more->content_type, more->response_topic})
    expect(!text || is_mqtt_text(*text), "a text that is none");
  for (const auto& [name, value] : more->user_properties)
    expect(is_mqtt_text(name) && is_mqtt_text(value), "a text that is none");
}

void expect_message(const Statement& row) {
  expect_number(row, 0, 1, counter_max);
  (void)read_message(row, 0, WallClock());
  expect_content(row, 1, 6);
  expect_time(row, 5);
}

void expect_session(const Statement& row) {
  expect_number(row, 0, 1, counter_max);
  expect(!row.text(1).empty(), "a session without a client");
  for (const int column : {1, 3, 4, 5}) expect_text(row, column);
  expect_number(row, 2, 0, UINT32_MAX);
  expect_number(row, 6, 0, 1);
  expect_time(row, 7);
  expect_time(row, 8);
  expect_number(row, 9, 0, counter_max);
  expect_number(row, 10, 0, counter_max);
}

void expect_will(const Statement& row) {
  expect_content(row, 1, 5);
  expect_number(row, 10, 0, UINT32_MAX);
  if (!row.is_null(11)) expect_number(row, 11, 0, UINT32_MAX);
}

void expect_subscription(const Statement& row) {
  expect(SubscriptionName::parse(row.text(0)).ok(), "a filter that is none");
  const std::int64_t options = row.integer(2);
  expect_number(row, 2, 0, 0x2e);
  expect((options & 3) != 3 && (options & 0x30) != 0x30, "options that are none");
  expect_number(row, 3, 0, identifier_max);
}

void expect_delivery(const Statement& row) {
  expect_number(row, 0, 1, counter_max);
  expect_number(row, 3, 0, 2);
  expect_number(row, 4, 0, 1);
  expect_number(row, 5, 0, 2);
  expect_number(row, 6, 0, limits::packet_size_max);
  expect_time(row, 7);
  if (!row.is_null(8))
    expect(read_identifiers(row.text(8)).has_value(), "identifiers that are none");
  expect_text(row, 9);
}

void expect_inbound(const Statement& row) {
  expect_number(row, 0, 1, 65'535);
  expect_number(row, 2, 0, counter_max);
}

void expect_retained(const Statement& row) {
  expect(TopicName::parse(row.text(0)).ok(), "a topic that is none");
  for (const int column : {2, 3, 4}) expect_text(row, column);
}

// --- From one file into the other

/// i: integer, t: text, b: blob; each may be NULL.
using Kinds = std::string_view;

/// One INSERT of the new store, with the values of a row that was read.
class Copy {
 public:
  Copy(Database& to, const std::string& sql, Kinds kinds) : insert_(to, sql), kinds_(kinds) {}

  void run(const Statement& row) {
    try {
      for (std::size_t i = 0; i < kinds_.size(); ++i) bind(row, static_cast<int>(i));
      insert_.run();
    } catch (const SqliteError& error) {
      throw RescueFailed(error.what());
    }
  }

 private:
  void bind(const Statement& row, int column) {
    const int parameter = column + 1;
    if (row.is_null(column)) return insert_.bind_null(parameter);
    switch (kinds_[static_cast<std::size_t>(column)]) {
      case 'i':
        return insert_.bind(parameter, row.integer(column));
      case 't':
        return insert_.bind_text(parameter, row.text(column));
      default:
        return insert_.bind_blob(parameter, row.blob(column));
    }
  }

  Statement insert_;
  Kinds kinds_;
};

class Rescue {
 public:
  Rescue(Database& from, Database& to) : from_(from), to_(to) {}

  void run(std::int64_t now_ms) {
    const auto each = [](const auto& part) {
      try {
        part();
      } catch (const SqliteError&) {
        return;  // a table that is not there at all
      }
    };
    each([this] { take_messages(); });
    each([this] { take_sessions(); });
    each([this] { take_wills(); });
    each([this] { take_subscriptions(); });
    each([this] { take_queues(); });
    each([this] { take_inbound(); });
    each([this] { take_retained(); });
    each([&] { take_meta(now_ms); });
  }

 private:
  void take_messages() {
    Copy copy(to_,
              "INSERT OR IGNORE INTO message(id, topic, payload, qos, retain, expires_at,"
              " payload_format, content_type, response_topic, correlation, user_properties,"
              " origin, epoch, sequence) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
              "itbiiiittbtbii");
    NumberWalk walk(from_,
                    std::string("SELECT ") + message_columns + " FROM message m WHERE ?1 = 0",
                    "m.id", budget_);
    walk.run(0, [&](const Statement& row) {
      expect_message(row);
      copy.run(row);
    });
  }

  void take_sessions() {
    Copy copy(to_,
              "INSERT OR IGNORE INTO session(number, client_id, expiry, user, listener, mount,"
              " away, ends_at, will_due, sent_up_to, last_position)"
              " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
              "ititttiiiii");
    NumberWalk walk(from_,
                    "SELECT number, client_id, expiry, user, listener, mount, away, ends_at,"
                    " will_due, sent_up_to, last_position FROM session WHERE ?1 = 0",
                    "number", budget_);
    walk.run(0, [&](const Statement& row) {
      expect_session(row);
      copy.run(row);
    });
    // A client has one session: its latest.
    write(
        "DELETE FROM session WHERE number NOT IN"
        " (SELECT max(number) FROM session GROUP BY client_id)");
    Statement numbers(to_, "SELECT number FROM session ORDER BY number");
    while (numbers.step()) sessions_.push_back(numbers.integer(0));
  }

  void take_wills() {
    Copy copy(to_,
              "INSERT OR IGNORE INTO will(session, topic, payload, qos, retain, payload_format,"
              " content_type, response_topic, correlation, user_properties, delay, expiry)"
              " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12"
              " WHERE EXISTS(SELECT 1 FROM session WHERE number = ?1)",
              "itbiiittbtii");
    NumberWalk walk(from_,
                    "SELECT session, topic, payload, qos, retain, payload_format, content_type,"
                    " response_topic, correlation, user_properties, delay, expiry FROM will"
                    " WHERE ?1 = 0",
                    "session", budget_);
    walk.run(0, [&](const Statement& row) {
      expect_will(row);
      copy.run(row);
    });
  }

  void take_subscriptions() {
    Copy copy(to_,
              "INSERT OR IGNORE INTO subscription(filter, session, options, identifier)"
              " VALUES(?, ?, ?, ?)",
              "tiii");
    TextWalk walk(
        from_, "SELECT filter, session, options, identifier FROM subscription WHERE session = ?1",
        "filter");
    for (const std::int64_t session : sessions_)
      walk.run(session, [&](const Statement& row) {
        expect_number(row, 1, session, session);
        expect_subscription(row);
        copy.run(row);
      });
  }

  void take_queues() {
    Copy copy(to_,
              "INSERT OR IGNORE INTO queue(position, session, message, qos, retain, state, bytes,"
              " expires_at, identifiers, share) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10"
              " WHERE EXISTS(SELECT 1 FROM message WHERE id = ?3)",
              "iiiiiiiitt");
    NumberWalk walk(from_,
                    "SELECT position, session, message, qos, retain, state, bytes, expires_at,"
                    " identifiers, share FROM queue WHERE session = ?1",
                    "position", budget_);
    for (const std::int64_t session : sessions_)
      walk.run(session, [&](const Statement& row) {
        expect_number(row, 1, session, session);
        expect_delivery(row);
        copy.run(row);
      });
  }

  void take_inbound() {
    Copy copy(to_,
              "INSERT OR IGNORE INTO inbound(packet_id, session, opened, message)"
              " SELECT ?1, ?2, ?3, ?4"
              " WHERE ?4 IS NULL OR EXISTS(SELECT 1 FROM message WHERE id = ?4)",
              "iiii");
    NumberWalk walk(from_,
                    "SELECT packet_id, session, opened, message FROM inbound WHERE session = ?1",
                    "packet_id", budget_);
    for (const std::int64_t session : sessions_)
      walk.run(session, [&](const Statement& row) {
        expect_number(row, 1, session, session);
        expect_inbound(row);
        copy.run(row);
      });
  }

  void take_retained() {
    const std::string select =
        "SELECT topic, message, author_client, author_user, author_listener FROM retained"
        " WHERE ?1 = 0";
    Copy copy(to_,
              "INSERT OR IGNORE INTO retained(topic, message, author_client, author_user,"
              " author_listener) SELECT ?1, ?2, ?3, ?4, ?5"
              " WHERE EXISTS(SELECT 1 FROM message WHERE id = ?2 AND topic = ?1)",
              "tittt");
    const OnSalvagedRow take = [&](const Statement& row) {
      expect_retained(row);
      copy.run(row);
    };
    const TextWalk::Gap gap = TextWalk(from_, select, "topic").run(0, take);
    if (!gap.is_there) return;
    // Between two damaged pages there may be good ones: look for each topic there may be.
    Statement candidates(to_,
                         "SELECT topic FROM message WHERE topic > ?1 AND (?2 = '' OR topic < ?2)");
    candidates.bind_text(1, gap.low);
    candidates.bind_text(2, gap.high);
    Statement find(from_, select + " AND topic = ?2");
    while (candidates.step()) {
      try {
        find.bind(1, std::int64_t{0});
        find.bind_text(2, candidates.text(0));
        if (find.step()) take(find);
        find.reset();
      } catch (const SqliteError&) {
        find.reset();
      }
    }
  }

  void take_meta(std::int64_t now_ms) {
    Copy copy(to_, "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", "ti");
    TextWalk walk(from_, "SELECT key, value FROM meta WHERE ?1 = 0", "key");
    walk.run(0, [&](const Statement& row) {
      expect_text(row, 0);
      if (row.text(0) == "clean") return;  // its last end was none in order
      const bool is_time = row.text(0) == "clock" || row.text(0) == "created";
      expect_number(row, 1, 0, is_time ? now_ms + year_ms : counter_max);
      copy.run(row);
    });
  }

  void write(const std::string& sql) {
    try {
      to_.exec(sql);
    } catch (const SqliteError& error) {
      throw RescueFailed(error.what());
    }
  }

  Database& from_;
  Database& to_;
  SalvageBudget budget_;
  std::vector<std::int64_t> sessions_;
};

// --- The damaged file

std::unique_ptr<Database> open_damaged(const std::string& path, Database::Mode mode) {
  auto database = std::make_unique<Database>(path, mode);
  // Cells are looked at closely, and one table with a damaged description does not hide the others.
  database->exec("PRAGMA cell_size_check = ON; PRAGMA writable_schema = ON");
  return database;
}

/// The first page holds the header and where each table begins. It is the same in every store but for
/// a few numbers: a copy of the damaged file gets that of a new one. False: there is nothing to mend,
/// or no room for a copy.
bool copy_with_first_page(const std::string& damaged, const std::string& page,
                          const std::string& copy) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(damaged, error);
  if (error || size < 2 * page_size || page.size() != page_size) return false;
  if (!fs::copy_file(damaged, copy, error) || error) return false;
  if (fs::exists(damaged + "-wal", error)) {
    fs::copy_file(damaged + "-wal", copy + "-wal", error);
    if (error) return false;
  }
  std::string mended = page;
  const auto put = [&](std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i)
      mended[at + i] = static_cast<char>(static_cast<std::uint8_t>(value >> (24 - 8 * i)));
  };
  put(28, static_cast<std::uint32_t>(size / page_size));  // the file's size in pages
  put(32, 0);                                             // no free pages
  put(36, 0);
  std::fstream file(copy, std::ios::in | std::ios::out | std::ios::binary);
  file.write(mended.data(), static_cast<std::streamsize>(mended.size()));
  return static_cast<bool>(file.flush());
}

enum class FirstPage : std::uint8_t {
  good,
  damaged,    ///< some tables are hidden
  unreadable  ///< all are
};

struct Found {
  std::unique_ptr<Database> database;  ///< null: unreadable
  FirstPage first_page = FirstPage::unreadable;
  bool is_foreign = false;
};

Found open_and_look(const std::string& path, Database::Mode mode, Database& fresh) {
  constexpr const char* tables =
      "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_master WHERE type = 'table'"
      " ORDER BY name)";
  Found found;
  try {
    auto database = open_damaged(path, mode);
    if (database->query_text(tables) == fresh.query_text(tables)) {
      found.first_page = FirstPage::good;
    } else {
      found.first_page = FirstPage::damaged;
      found.is_foreign = database->query_integer("PRAGMA application_id") != store_application_id;
    }
    found.database = std::move(database);
  } catch (const SqliteError&) {
    found.first_page = FirstPage::unreadable;
  }
  return found;
}

std::string first_page_of(const std::string& path) {
  std::string page(page_size, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(page.data(), static_cast<std::streamsize>(page.size()));
  return file ? page : std::string();
}

void make_private_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) throw RescueFailed("cannot make " + path + ": " + std::strerror(errno));
  ::close(descriptor);
}

void sync_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  const bool done = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!done) throw RescueFailed("cannot sync " + path + ": " + std::strerror(error));
}

Salvaged count(Database& to) {
  const auto rows = [&](const char* table) {
    return static_cast<std::uint64_t>(
        to.query_integer(std::string("SELECT count(*) FROM ") + table).value_or(0));
  };
  return {rows("session"), rows("subscription"), rows("retained"), rows("queue")};
}

void rescue_from(const std::string& damaged, const std::string& copy, const std::string& page,
                 Database& to, std::int64_t now_ms) {
  const Found found = open_and_look(damaged, Database::Mode::read_only, to);
  if (found.is_foreign) return;  // some other program's, and nothing of ours
  if (found.first_page == FirstPage::good) return Rescue(*found.database, to).run(now_ms);
  delete_store(copy);
  if (copy_with_first_page(damaged, page, copy)) {
    const Found mended = open_and_look(copy, Database::Mode::read_write, to);
    if (mended.database) Rescue(*mended.database, to).run(now_ms);
  } else if (found.database) {
    Rescue(*found.database, to).run(now_ms);
  }
  delete_store(copy);
}

Salvaged fill(const std::string& damaged, const std::string& fresh, std::int64_t now_ms) {
  Database to(fresh, Database::Mode::read_write);
  settle_new_store(to);
  create_store(to, now_ms);
  const std::string page = first_page_of(fresh);
  // Half a rescue is thrown away as a whole: no journal, and one sync at the end.
  to.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384");
  to.exec("BEGIN");
  rescue_from(damaged, fresh + ".copy", page, to, now_ms);
  to.exec(
      "DELETE FROM message WHERE id NOT IN (SELECT message FROM queue UNION SELECT message FROM"
      " retained UNION SELECT message FROM inbound WHERE message IS NOT NULL)");
  to.exec("COMMIT");
  return count(to);
}

}  // namespace

Salvaged salvage_store(const std::string& damaged, const std::string& fresh, std::int64_t now_ms) {
  make_private_file(fresh);
  try {
    const Salvaged salvaged = fill(damaged, fresh, now_ms);
    sync_file(fresh);
    return salvaged;
  } catch (const SqliteError& error) {
    throw RescueFailed(error.what());
  }
}

}  // namespace starling
