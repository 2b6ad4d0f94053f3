#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>

#include "src/store/store_rescue.hpp"
#include "src/store/store_schema.hpp"
#include "tests/unit/store/damaged_store.hpp"

using namespace starling;
using namespace starling::test;

namespace fs = std::filesystem;

namespace {

/// A full store whose file is closed and may be hurt.
struct Rescue : StoreFixture {
  Rescue() {
    open();
    fill(*this);
    store.reset();
    whole = read_file(options.file);
    whole_rows = rows_of(options.file);
  }

  /// Salvages the file as it is now, into a new store, which is checked.
  Salvaged salvage() {
    fs::remove(fresh);
    const std::string before = read_file(options.file);
    const Salvaged salvaged = salvage_store(options.file, fresh.string(), 1'795'000'000'000);
    BOOST_TEST((read_file(options.file) == before), "the damaged file has changed");
    expect_sound(salvaged);
    return salvaged;
  }

  /// Nothing in the new store refers to nothing, and a node can load it.
  void expect_sound(const Salvaged& salvaged) {
    rows = rows_of(fresh);
    {
      Database database(fresh.string(), Database::Mode::read_only);
      BOOST_TEST(database.query_text("PRAGMA integrity_check").value() == "ok");
      BOOST_TEST(database
                     .query_integer("SELECT count(*) FROM queue WHERE session NOT IN (SELECT number"
                                    " FROM session) OR message NOT IN (SELECT id FROM message)")
                     .value()
                 == 0);
      BOOST_TEST(database
                     .query_integer("SELECT count(*) FROM message WHERE id NOT IN (SELECT message"
                                    " FROM queue UNION SELECT message FROM retained UNION SELECT"
                                    " message FROM inbound WHERE message IS NOT NULL)")
                     .value()
                 == 0);
    }
    SqliteStoreOptions of_fresh = options;
    of_fresh.file = fresh.string();
    SqliteStore opened(of_fresh, scheduler, worker, log);
    Loaded found;
    opened.load(found);
    BOOST_TEST(found.sessions.size() == salvaged.sessions);
    BOOST_TEST(found.retained.size() == salvaged.retained);
  }

  /// Every row in the new store stood so in the old one.
  void expect_nothing_invented() const { BOOST_TEST(std::ranges::includes(whole_rows, rows)); }
  void hurt(std::size_t at, std::string_view with) {
    std::string bytes = read_file(options.file);
    bytes.replace(at, with.size(), with);
    write_file(options.file, bytes);
  }

  fs::path fresh = directory.path() / "fresh.sqlite";
  std::string whole;
  std::vector<std::string> whole_rows;
  std::vector<std::string> rows;
};

bool is_leaf(const std::string& file, std::size_t page) {
  const auto kind = static_cast<unsigned char>(file[page * page_bytes + (page == 0 ? 100 : 0)]);
  return kind == 10 || kind == 13;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(store_rescue)

BOOST_FIXTURE_TEST_CASE(a_store_that_is_whole_comes_over_whole, Rescue) {
  const Salvaged salvaged = salvage();
  BOOST_TEST(salvaged.sessions == full_sessions);
  BOOST_TEST(salvaged.subscriptions == full_sessions * 5);
  BOOST_TEST(salvaged.retained == full_retained);
  BOOST_TEST(salvaged.queued == full_sessions * full_queue);
  BOOST_TEST((rows == whole_rows));
}

BOOST_FIXTURE_TEST_CASE(any_page_may_be_lost, Rescue) {
  const std::size_t pages = whole.size() / page_bytes;
  std::size_t leaves = 0;
  for (std::size_t page = 0; page < pages; page += page < 20 ? 1 : 7) {
    write_file(options.file, whole);
    hurt(page * page_bytes, std::string(page_bytes, '\xd7'));
    const Salvaged salvaged = salvage();
    expect_nothing_invented();
    if (page == 0) {  // its content is the same in every store
      BOOST_TEST(rows == whole_rows, boost::test_tools::per_element());
    }
    // The leaves of a table are looked at one by one; what lies around a bad one is still found.
    if (page == 0 || !is_leaf(whole, page)) continue;
    ++leaves;
    BOOST_TEST(salvaged.retained + 150 > full_retained, "page " << page);
    BOOST_TEST(rows.size() > whole_rows.size() / 3, "page " << page);
  }
  BOOST_TEST(leaves > 10U);
}

BOOST_FIXTURE_TEST_CASE(good_pages_between_bad_ones_are_found, Rescue) {
  // Every third leaf of the messages is bad.
  Database database(options.file, Database::Mode::read_only);
  const auto root = static_cast<std::size_t>(
      database.query_integer("SELECT rootpage FROM sqlite_master WHERE name = 'message'").value());
  const auto u32 = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
      value = value << 8U | static_cast<unsigned char>(whole[at + i]);
    return value;
  };
  const std::size_t at = (root - 1) * page_bytes;
  BOOST_REQUIRE(whole[at] == 5);                    // an interior page of a table
  const std::size_t cells = u32(at + 1) & 0xffffU;  // bytes 3 and 4
  BOOST_REQUIRE(cells > 12U);
  std::string hurt_file = whole;
  std::size_t bad = 0;
  for (std::size_t cell = 1; cell + 1 < cells; cell += 3) {
    const std::size_t pointer = at + 12 + 2 * cell;
    const std::size_t offset = static_cast<unsigned char>(whole[pointer]) * 256U
                               + static_cast<unsigned char>(whole[pointer + 1]);
    const std::size_t leaf = u32(at + offset) - 1;
    hurt_file.replace(leaf * page_bytes, page_bytes, std::string(page_bytes, '\0'));
    ++bad;
  }
  write_file(options.file, hurt_file);
  const Salvaged salvaged = salvage();
  expect_nothing_invented();
  const double lost = 1.0
                      - static_cast<double>(salvaged.retained + salvaged.queued)
                            / static_cast<double>(full_retained + full_sessions * full_queue);
  BOOST_TEST(bad > 4U);
  BOOST_TEST(lost > 0.2);
  BOOST_TEST(lost < 0.45);
}

BOOST_FIXTURE_TEST_CASE(a_file_may_be_cut_off_anywhere, Rescue) {
  std::minstd_rand random(7);
  for (int round = 0; round < 12; ++round) {
    const std::size_t size = random() % whole.size();
    write_file(options.file, std::string_view(whole).substr(0, size));
    salvage();
    expect_nothing_invented();
  }
}

BOOST_FIXTURE_TEST_CASE(any_bytes_may_be_wrong, Rescue) {
  // What is wrong inside a payload cannot be seen: only that a node can live with the result.
  for (unsigned seed = 1; seed <= 25; ++seed) {
    std::minstd_rand random(seed);
    std::string bytes = whole;
    const std::size_t flips = 1 + random() % 60;
    for (std::size_t flip = 0; flip < flips; ++flip)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    write_file(options.file, bytes);
    BOOST_TEST_CONTEXT("seed " << seed) {
      salvage();
    }
  }
}

BOOST_FIXTURE_TEST_CASE(what_no_file_of_ours_holds_gives_nothing, Rescue) {
  std::minstd_rand random(3);
  std::string noise(100'000, '\0');
  std::ranges::generate(noise, [&] { return static_cast<char>(random()); });
  for (const std::string& content :
       {noise, std::string("hello"), std::string(), whole.substr(0, 50)}) {
    write_file(options.file, content);
    const Salvaged salvaged = salvage();
    BOOST_TEST(salvaged.sessions + salvaged.retained + salvaged.queued == 0U);
  }
}

BOOST_FIXTURE_TEST_CASE(another_programs_database_gives_nothing, Rescue) {
  fs::remove(options.file);
  {
    Database other(options.file, Database::Mode::read_write_create);
    other.exec(
        "CREATE TABLE session(number INTEGER PRIMARY KEY, client_id, expiry, user, listener,"
        " mount, away, ends_at, will_due, sent_up_to, last_position);"
        "INSERT INTO session VALUES(1, 'x', 10, NULL, '', '', 0, NULL, NULL, 0, 0)");
  }
  BOOST_TEST(salvage().sessions == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_wrong_application_id_alone_hides_nothing, Rescue) {
  hurt(68, "abcd");
  salvage();
  BOOST_TEST((rows == whole_rows));
}

BOOST_FIXTURE_TEST_CASE(rows_that_make_no_sense_are_left_out, Rescue) {
  struct Row {
    const char* sql;
    const char* lost;  // begins each row that must be missing
  };
  for (const Row& row : {
           Row{"UPDATE message SET topic = 'a/#' WHERE id = 5", "message 5 "},
           Row{"UPDATE message SET topic = '' WHERE id = 5", "message 5 "},
           Row{"UPDATE message SET qos = 3 WHERE id = 5", "message 5 "},
           Row{"UPDATE message SET user_properties = '[[1]]' WHERE id = 5", "message 5 "},
           Row{"UPDATE message SET content_type = CAST(x'ff' AS TEXT) WHERE id = 5", "message 5 "},
           Row{"UPDATE message SET origin = x'00' WHERE id = 5", "message 5 "},
           Row{"UPDATE message SET expires_at = -1 WHERE id = 5", "message 5 "},
           Row{"DELETE FROM message WHERE id = 5", "retained 'state/4' "},
           Row{"UPDATE retained SET message = 6 WHERE topic = 'state/4'", "retained 'state/4' "},
           Row{"UPDATE session SET client_id = '' WHERE number = 9", "session 9 "},
           Row{"UPDATE session SET expiry = -1 WHERE number = 9", "session 9 "},
           Row{"UPDATE session SET expiry = 4294967296 WHERE number = 9", "session 9 "},
           Row{"UPDATE session SET client_id = 'client-10' WHERE number = 9", "session 9 "},
           Row{"DELETE FROM session WHERE number = 9", "queue 9 "},
           Row{"DELETE FROM session WHERE number = 9", "subscription 9 "},
           Row{"DELETE FROM session WHERE number = 9", "inbound 9 "},
           Row{"UPDATE subscription SET filter = 'x#' WHERE session = 9 AND identifier = 2",
               "subscription 9 'room/2/#' "},
           Row{"UPDATE subscription SET options = 3 WHERE session = 9 AND identifier = 2",
               "subscription 9 'room/2/#' "},
           Row{"UPDATE subscription SET options = 48 WHERE session = 9 AND identifier = 2",
               "subscription 9 'room/2/#' "},
           Row{"UPDATE queue SET state = 3 WHERE session = 9 AND position = 4", "queue 9 4 "},
           Row{"UPDATE queue SET qos = -1 WHERE session = 9 AND position = 4", "queue 9 4 "},
           Row{"UPDATE queue SET message = 999999 WHERE session = 9 AND position = 4",
               "queue 9 4 "},
           Row{"UPDATE queue SET identifiers = 'x' WHERE session = 9 AND position = 4",
               "queue 9 4 "},
           Row{"UPDATE inbound SET packet_id = 65536 WHERE session = 9", "inbound 9 "},
       }) {
    write_file(options.file, whole);
    {
      Database database(options.file, Database::Mode::read_write);
      database.exec(row.sql);
      database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    salvage();
    BOOST_TEST(std::ranges::none_of(
                   rows, [&](const std::string& found) { return found.starts_with(row.lost); }),
               row.sql);
    BOOST_TEST(
        std::ranges::any_of(whole_rows,
                            [&](const std::string& found) { return found.starts_with(row.lost); }),
        row.sql);
    BOOST_TEST(rows.size() + 150 > whole_rows.size(), row.sql);
  }
}

BOOST_FIXTURE_TEST_CASE(counters_and_clock_come_over_unless_they_are_absurd, Rescue) {
  {
    Database database(options.file, Database::Mode::read_write);
    database.exec(
        "UPDATE meta SET value = 123456 WHERE key = 'message_number';"
        "UPDATE meta SET value = 8000000000000 WHERE key = 'clock'");
  }
  salvage();
  Database database(fresh.string(), Database::Mode::read_only);
  const auto meta = [&](const std::string& key) {
    return database.query_integer("SELECT value FROM meta WHERE key = '" + key + "'");
  };
  BOOST_TEST(meta("message_number").value() == 123'456);
  BOOST_TEST(meta("clock").value() < 2'000'000'000'000);  // that of the look at it
}

BOOST_FIXTURE_TEST_CASE(what_only_the_log_holds_comes_over_too, Rescue) {
  open();
  keep({session_saved(77, "latest")});
  const fs::path copy = directory.path() / "copy.sqlite";
  fs::copy_file(options.file, copy);
  fs::copy_file(options.file + "-wal", copy.string() + "-wal");
  const Salvaged salvaged = salvage_store(copy.string(), fresh.string(), 1'795'000'000'000);
  BOOST_TEST(salvaged.sessions == full_sessions + 1);
}

BOOST_FIXTURE_TEST_CASE(a_new_store_that_cannot_be_written_is_told, Rescue) {
  BOOST_CHECK_THROW(salvage_store(options.file, (directory.path() / "no" / "x").string(), 0),
                    RescueFailed);
  write_file(fresh, "in the way");
  BOOST_CHECK_THROW(salvage_store(options.file, fresh.string(), 0), RescueFailed);
}

BOOST_AUTO_TEST_SUITE_END()
