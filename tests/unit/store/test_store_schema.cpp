// The tables, their version, and the way from older ones.
#include "src/store/store_schema.hpp"
#include "tests/unit/store/store_fixture.hpp"

using namespace starling;
using namespace starling::test;

BOOST_FIXTURE_TEST_SUITE(store_schema, StoreFixture)

BOOST_AUTO_TEST_CASE(a_new_file_has_all_tables_and_says_whose_it_is) {
  open();
  Database database(options.file, Database::Mode::read_only);
  BOOST_TEST((look_at_store(database) == StoreKind::current));
  BOOST_TEST(database.query_integer("PRAGMA application_id").value() == store_application_id);
  BOOST_TEST(database.query_text("PRAGMA journal_mode").value() == "wal");
  BOOST_TEST(database.query_integer("PRAGMA auto_vacuum").value() == 2);
  BOOST_TEST(
      database.query_integer("SELECT count(*) FROM sqlite_master WHERE type = 'table'").value()
      == static_cast<std::int64_t>(store_tables.size()));
  for (const std::string_view table : store_tables)
    BOOST_TEST(database
                   .query_integer("SELECT count(*) FROM sqlite_master WHERE name = '"
                                  + std::string(table) + "'")
                   .value()
               == 1);
}

BOOST_AUTO_TEST_CASE(every_commit_is_synced) {
  Database database(options.file, Database::Mode::read_write_create);
  settle_new_store(database);
  set_up_connection(database);
  BOOST_TEST(database.query_integer("PRAGMA synchronous").value() == 2);
}

BOOST_AUTO_TEST_CASE(other_files_are_told_apart) {
  {
    Database database(options.file, Database::Mode::read_write_create);
    BOOST_TEST((look_at_store(database) == StoreKind::empty));
    database.exec("CREATE TABLE something(x)");
    BOOST_TEST((look_at_store(database) == StoreKind::foreign));
    database.exec("PRAGMA application_id = " + std::to_string(store_application_id)
                  + "; PRAGMA user_version = 0");
    BOOST_TEST((look_at_store(database) == StoreKind::older));
    database.exec("PRAGMA user_version = " + std::to_string(store_version + 1));
    BOOST_TEST((look_at_store(database) == StoreKind::newer));
  }
  BOOST_CHECK_THROW(open(), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(migrations_run_in_order_and_all_or_none) {
  open();
  keep({session_saved(1)});
  store.reset();
  const std::vector<StoreMigration> steps = {
      {store_version, [](Database& db) { db.exec("CREATE TABLE first(x)"); }},
      {store_version + 1,
       [](Database& db) { db.exec("ALTER TABLE session ADD COLUMN note TEXT"); }},
      {store_version + 2, [](Database& db) { db.exec("CREATE TABLE first(x)"); }},  // there already
  };
  Database database(options.file, Database::Mode::read_write);
  BOOST_CHECK_THROW(migrate_store(database, steps, store_version + 3), SqliteError);
  BOOST_TEST(database.query_integer("PRAGMA user_version").value() == store_version);
  BOOST_TEST(
      database.query_integer("SELECT count(*) FROM sqlite_master WHERE name = 'first'").value()
      == 0);
  migrate_store(database, steps, store_version + 2);
  BOOST_TEST(database.query_integer("PRAGMA user_version").value() == store_version + 2);
  BOOST_TEST(database.query_integer("SELECT count(*) FROM session WHERE note IS NULL").value()
             == 1);
  BOOST_CHECK_THROW(migrate_store(database, steps, store_version + 5), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()
