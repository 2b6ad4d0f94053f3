#include <boost/test/unit_test.hpp>
#include <sys/stat.h>

#include "src/store/open_store.hpp"
#include "src/store/set_aside.hpp"
#include "src/store/store_header.hpp"
#include "src/store/store_schema.hpp"
#include "tests/unit/store/damaged_store.hpp"

using namespace starling;
using namespace starling::test;

namespace fs = std::filesystem;

namespace {

class NoMetrics final : public Metrics {
 public:
  Metric& metric(std::string_view) override { return metric_; }

 private:
  Metric metric_;
};

struct Opening : StoreFixture {
  /// Opens the store as a daemon does, and loads it.
  void open_it(bool set_aside_newer = false) {
    opened.reset();
    OpenStoreOptions how;
    how.sqlite = options;
    how.set_aside_newer = set_aside_newer;
    how.check_bytes_max = check_bytes_max;
    how.fill_new = fill_new;
    opened = std::make_unique<StoreOnDisk>(how, scheduler, worker, log, metrics);
    loaded = {};
    loaded.numbers = opened->load(loaded);
  }
  /// A full store, closed.
  void make_full() {
    open();
    fill(*this);
    store.reset();
    committed.clear();
  }
  void run_sql(const std::string& sql) {
    Database database(options.file, Database::Mode::read_write);
    database.exec(sql);
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  /// Files in the directory whose names begin so.
  [[nodiscard]] std::vector<std::string> files(const std::string& begin) const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(directory.path()))
      if (const std::string name = entry.path().filename().string(); name.starts_with(begin))
        found.push_back(name);
    std::sort(found.begin(), found.end());
    return found;
  }
  [[nodiscard]] fs::path in(const std::string& name) const { return directory.path() / name; }

  NoMetrics metrics;
  std::uint64_t check_bytes_max = store_check_bytes_max;
  std::function<void(const std::function<void(StoreBatch)>&)> fill_new;
  std::unique_ptr<StoreOnDisk> opened;
};

bool says(const std::exception& error, std::initializer_list<std::string> parts) {
  const std::string text = error.what();
  bool all = true;
  for (const std::string& part : parts) {
    const bool found = text.find(part) != std::string::npos;
    if (!found) BOOST_ERROR("\"" << text << "\" lacks \"" << part << "\"");
    all &= found;
  }
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(open_store)

BOOST_FIXTURE_TEST_CASE(a_store_that_is_not_there_is_made_and_found_again, Opening) {
  open_it();
  BOOST_TEST(loaded.sessions.empty());
  opened->commit(batch_of({session_saved(1, "first")}));
  worker.drain();
  open_it();
  BOOST_TEST(loaded.sessions.size() == 1U);
  BOOST_TEST(loaded.numbers.session == 1U);
  BOOST_TEST(files("store-").empty());
  struct stat facts {};
  BOOST_REQUIRE(::stat(options.file.c_str(), &facts) == 0);
  BOOST_TEST((facts.st_mode & 0777U) == 0600U);
  BOOST_TEST(log.count("store_damaged") == 0U);
}

BOOST_FIXTURE_TEST_CASE(an_empty_file_is_a_new_store, Opening) {
  write_file(options.file, "");
  open_it();
  BOOST_TEST(files("store-").empty());
  BOOST_TEST(log.count("store_damaged") == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_store_of_a_later_version_is_refused_and_not_touched, Opening) {
  make_full();
  run_sql("PRAGMA user_version = " + std::to_string(store_version + 1));
  const std::string before = read_file(options.file);
  BOOST_CHECK_EXCEPTION(open_it(), StoreFromLaterVersion, [&](const StoreFromLaterVersion& error) {
    return says(error, {options.file, "version " + std::to_string(store_version + 1),
                        "knows version " + std::to_string(store_version), "--set-aside-store"});
  });
  BOOST_TEST((read_file(options.file) == before));
  BOOST_TEST((files("") == std::vector<std::string>{"store.sqlite"}));
}

BOOST_FIXTURE_TEST_CASE(the_version_may_stand_in_the_log_alone, Opening) {
  make_full();
  Database writer(options.file, Database::Mode::read_write);
  writer.exec(
      "PRAGMA wal_autocheckpoint = 0; BEGIN; PRAGMA user_version = 2; COMMIT;"
      "CREATE TABLE later(x); INSERT INTO later VALUES(1)");
  // As a process that was killed leaves it: without a checkpoint.
  const fs::path killed = in("killed");
  fs::create_directory(killed);
  fs::copy_file(options.file, killed / "store.sqlite");
  fs::copy_file(options.file + "-wal", killed / "store.sqlite-wal");
  options.file = (killed / "store.sqlite").string();
  const std::string before = read_file(options.file);
  const std::string log_before = read_file(options.file + "-wal");
  BOOST_REQUIRE(!log_before.empty());
  BOOST_TEST(read_store_header(options.file)->version == 2);

  BOOST_CHECK_THROW(open_it(), StoreFromLaterVersion);
  BOOST_TEST((read_file(options.file) == before));
  BOOST_TEST((read_file(options.file + "-wal") == log_before));
  BOOST_TEST(!fs::exists(options.file + "-shm"));

  // What did not get as far as its commit does not count.
  write_file(options.file + "-wal", std::string_view(log_before).substr(0, 32 + 24 + 4'000));
  BOOST_TEST(read_store_header(options.file)->version == 1);
}

BOOST_FIXTURE_TEST_CASE(a_store_of_a_later_version_is_set_aside_if_one_says_so, Opening) {
  make_full();
  run_sql("PRAGMA user_version = 5");
  const std::string before = read_file(options.file);
  write_file(options.file + "-shm", "index");
  open_it(true);
  BOOST_TEST(loaded.sessions.empty());
  const auto aside = files("store-set-aside-");
  BOOST_REQUIRE(aside.size() == 2U);
  BOOST_TEST((read_file(in(aside[0])) == before));
  BOOST_TEST(aside[1] == aside[0] + "-shm");
  BOOST_TEST(log.count("store_set_aside file=" + options.file) == 1U);
  BOOST_TEST(log.count("version=5") == 1U);
}

BOOST_FIXTURE_TEST_CASE(setting_aside_is_only_for_later_versions, Opening) {
  make_full();
  open_it(true);
  BOOST_TEST(loaded.sessions.size() == full_sessions);
  BOOST_TEST(files("store-").empty());
}

BOOST_FIXTURE_TEST_CASE(what_is_no_store_of_ours_is_set_aside, Opening) {
  make_full();
  const std::string whole = read_file(options.file);
  {
    Database other(in("other.sqlite").string(), Database::Mode::read_write_create);
    other.exec("CREATE TABLE notes(text); INSERT INTO notes VALUES('mine')");
  }
  std::size_t round = 0;
  for (const std::string& content : {
           std::string("this is not a database\n"),
           std::string("S"),
           std::string(100'000, 'x'),
           read_file(in("other.sqlite")),
       }) {
    write_file(options.file, content);
    scheduler.run_for(std::chrono::seconds(2));
    open_it();
    BOOST_TEST(loaded.sessions.empty());
    const auto aside = files("store-damaged-");
    BOOST_REQUIRE(aside.size() == ++round);
    BOOST_TEST((read_file(in(aside.back())) == content));
    BOOST_TEST(log.count("store_damaged set_aside=" + in(aside.back()).string()) == 1U);
    opened.reset();
  }
}

BOOST_FIXTURE_TEST_CASE(what_a_damaged_store_still_holds_is_served, Opening) {
  make_full();
  std::string bytes = read_file(options.file);
  const std::size_t page = bytes.size() / page_bytes / 2;
  bytes.replace(page * page_bytes, page_bytes, std::string(page_bytes, '\xff'));
  write_file(options.file, bytes);
  open_it();
  BOOST_TEST(log.count("store_damaged set_aside=") == 1U);
  BOOST_TEST(loaded.sessions.size() > full_sessions / 2);
  BOOST_TEST(loaded.retained.size() > full_retained / 2);
  BOOST_TEST(log.count("sessions=" + std::to_string(loaded.sessions.size())) > 0U);
  BOOST_TEST(log.count("retained=" + std::to_string(loaded.retained.size())) > 0U);
  opened->commit(batch_of({session_saved(99, "new")}));
  worker.drain();
  const std::size_t sessions = loaded.sessions.size();
  open_it();  // and the second time there is nothing to say
  BOOST_TEST(loaded.sessions.size() == sessions + 1);
  BOOST_TEST(log.count("store_damaged set_aside=") == 1U);
  BOOST_TEST((files("store.sqlite.") == std::vector<std::string>{}));
}

BOOST_FIXTURE_TEST_CASE(damage_that_only_loading_finds_is_answered_alike, Opening) {
  make_full();
  run_sql(
      "UPDATE message SET topic = 'no/#/topic' WHERE id = 3;"
      "UPDATE meta SET value = 5000000 WHERE key = 'message_number'");
  open_it();
  BOOST_TEST(log.count("store_damaged set_aside=") == 1U);
  BOOST_TEST(loaded.retained.size() == full_retained - 1);
  BOOST_TEST(loaded.sessions.size() == full_sessions);
  BOOST_TEST(loaded.numbers.message >= 5'000'000U);
  BOOST_TEST(loaded.numbers.session == full_sessions);
  // Handlers that were set before hold for the store that took its place.
  opened->set_handlers({[this](BatchNumber last) { committed.push_back(last); }});
  opened->commit(batch_of({session_saved(99, "new")}));
  worker.drain();
  BOOST_TEST(committed.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_large_store_is_checked_in_whole_after_trouble, Opening) {
  make_full();
  run_sql("UPDATE queue SET expires_at = 4000000000000");
  std::size_t root = 0;
  {
    Database database(options.file, Database::Mode::read_only);
    root = static_cast<std::size_t>(
        database.query_integer("SELECT rootpage FROM sqlite_master WHERE name = 'queue_expiry'")
            .value());
  }
  // No load reads the index of what expires; the next look for it will fail.
  std::string bytes = read_file(options.file);
  bytes.replace((root - 1) * page_bytes, page_bytes, std::string(page_bytes, '\xee'));
  write_file(options.file, bytes);
  check_bytes_max = 0;
  open_it();
  opened->set_handlers({nullptr, [this](StoreHealth health) { healths.push_back(health); }});
  BOOST_TEST(log.count("store_damaged set_aside=") == 0U);
  opened->commit(batch_of({MessageDone{1, 4}}));
  worker.drain();
  BOOST_TEST((healths == std::vector{StoreHealth::failing}));
  open_it();
  BOOST_TEST(log.count("store_damaged set_aside=") == 1U);
  BOOST_TEST(loaded.sessions.size() == full_sessions);
  BOOST_TEST(loaded.retained.size() == full_retained);
  BOOST_TEST(files("store.sqlite.").empty());
}

BOOST_FIXTURE_TEST_CASE(handlers_outlive_the_store_they_were_given_to, Opening) {
  make_full();
  run_sql("UPDATE message SET qos = 9 WHERE id = 3");
  OpenStoreOptions how;
  how.sqlite = options;
  StoreOnDisk one(how, scheduler, worker, log, metrics);
  one.set_handlers({[this](BatchNumber last) { committed.push_back(last); }});
  one.load(loaded);
  BOOST_TEST(log.count("store_damaged set_aside=") == 1U);
  one.commit(batch_of({session_saved(99, "new")}));
  worker.drain();
  BOOST_TEST(committed.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_damaged_log_ends_at_its_last_good_frame, Opening) {
  make_full();
  open_it();
  for (SessionNumber session = 101; session <= 104; ++session) {
    opened->commit(batch_of({session_saved(session, "late-" + std::to_string(session))}));
    worker.drain();
  }
  const std::string main = read_file(options.file);
  const std::string late = read_file(options.file + "-wal");
  opened.reset();
  std::size_t fewest = full_sessions + 4;
  for (std::size_t at = 40; at < late.size(); at += 3'000) {
    std::string hurt = late;
    hurt[at] = static_cast<char>(hurt[at] ^ 0x40);
    write_file(options.file, main);
    write_file(options.file + "-wal", hurt);
    open_it();
    BOOST_TEST(loaded.sessions.size() <= fewest + 4);
    BOOST_TEST(loaded.sessions.size() >= full_sessions);
    fewest = std::min(fewest, loaded.sessions.size());
    opened.reset();
  }
  BOOST_TEST(fewest == full_sessions);  // a flip in the first frame: none of the log counts
  BOOST_TEST(log.count("store_damaged") == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_log_whose_store_has_gone_is_kept, Opening) {
  write_file(options.file + "-wal", "frames");
  open_it();
  const auto aside = files("store-damaged-");
  BOOST_REQUIRE(aside.size() == 1U);
  BOOST_TEST(aside[0].ends_with(".sqlite-wal"));
  BOOST_TEST(log.count("store_log_alone") == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_rescue_that_was_cut_off_is_done_again_or_ended, Opening) {
  make_full();
  const std::string whole = read_file(options.file);
  // While it was salvaging, and when it was whole but the damaged one still stood there.
  write_file(options.file + ".new", "half");
  write_file(options.file + ".whole", whole);
  open_it();
  opened.reset();
  BOOST_TEST(files("store.sqlite.").empty());
  BOOST_TEST(loaded.sessions.size() == full_sessions);
  // Between the two renames.
  fs::rename(options.file, options.file + ".whole");
  open_it();
  BOOST_TEST(files("store.sqlite.").empty());
  BOOST_TEST(loaded.sessions.size() == full_sessions);
}

BOOST_FIXTURE_TEST_CASE(only_the_latest_stores_that_were_set_aside_are_kept, Opening) {
  for (int i = 0; i < 13; ++i) {
    write_file(options.file, "no database " + std::to_string(i));
    open_it();
    opened.reset();
    if (i % 2 == 0) scheduler.run_for(std::chrono::seconds(5));  // two within one second
  }
  BOOST_TEST(files("store-damaged-").size() == stores_set_aside_max);
  BOOST_TEST(log.count("store_set_aside_deleted") == 3U);
  std::vector<std::string> contents;
  for (const std::string& name : files("store-damaged-")) contents.push_back(read_file(in(name)));
  std::sort(contents.begin(), contents.end());
  BOOST_TEST(std::ranges::count(contents, "no database 12") == 1);
  BOOST_TEST(std::ranges::count(contents, "no database 0") == 0);
}

BOOST_FIXTURE_TEST_CASE(what_cannot_be_opened_is_told_with_its_path_and_a_remedy, Opening) {
  fs::create_directory(options.file);
  BOOST_CHECK_EXCEPTION(open_it(), std::runtime_error, [&](const std::runtime_error& error) {
    return says(error, {options.file, "Is a directory", "--state-dir"});
  });
  fs::remove(options.file);
  fs::create_symlink("/nowhere/at/all", options.file);
  BOOST_CHECK_EXCEPTION(open_it(), std::runtime_error, [&](const std::runtime_error& error) {
    return says(error, {options.file, "symbolic link", "--state-dir"});
  });
  fs::remove(options.file);
  options.file = (directory.path() / "gone" / "store.sqlite").string();
  BOOST_CHECK_EXCEPTION(open_it(), std::runtime_error, [&](const std::runtime_error& error) {
    return says(error, {options.file, "No such file", "directory"});
  });
}

BOOST_FIXTURE_TEST_CASE(a_new_store_is_filled_once_and_as_a_whole, Opening) {
  int fillings = 0;
  bool fails = true;
  fill_new = [&](const std::function<void(StoreBatch)>& commit) {
    ++fillings;
    commit(batch_of({session_saved(1, "old"), queued(1, 5, message(1))}));
    if (fails) throw std::runtime_error("the other file cannot be read");
    commit(batch_of({session_saved(2, "older")}));
  };
  BOOST_CHECK_THROW(open_it(), std::runtime_error);
  BOOST_TEST(!fs::exists(options.file));

  fails = false;
  open_it();
  BOOST_TEST(fillings == 2);
  BOOST_TEST(loaded.sessions.size() == 2U);
  BOOST_TEST(loaded.sessions.at(1).waiting == 1U);
  BOOST_TEST(loaded.numbers.message >= 1U);

  open_it();
  BOOST_TEST(fillings == 2);
  opened.reset();
  BOOST_TEST((files("store.sqlite") == std::vector<std::string>{"store.sqlite"}));

  // A store that had to be set aside was not new: what another broker kept is older than it.
  write_file(options.file, "no database");
  open_it();
  BOOST_TEST(fillings == 2);
  BOOST_TEST(loaded.sessions.empty());
}

BOOST_AUTO_TEST_SUITE_END()
