#include "src/store/store_schema.hpp"

#include <stdexcept>

#include "src/store/sqlite.hpp"

namespace starling {
namespace {

// No index but the keys: the hot path is two inserts and two deletes a message. The one on expiry
// holds only those rows that have one.
constexpr const char* create_tables = R"sql(
CREATE TABLE meta(
  key TEXT PRIMARY KEY,
  value
) WITHOUT ROWID;

CREATE TABLE message(
  id INTEGER PRIMARY KEY,
  topic TEXT NOT NULL,
  payload BLOB NOT NULL,
  qos INTEGER NOT NULL,
  retain INTEGER NOT NULL,
  expires_at INTEGER,
  payload_format INTEGER,
  content_type TEXT,
  response_topic TEXT,
  correlation BLOB,
  user_properties TEXT,
  origin BLOB,
  epoch INTEGER,
  sequence INTEGER
);

CREATE TABLE session(
  number INTEGER PRIMARY KEY,
  client_id TEXT NOT NULL,
  expiry INTEGER NOT NULL,
  user TEXT,
  listener TEXT NOT NULL,
  mount TEXT NOT NULL,
  away INTEGER NOT NULL DEFAULT 0,
  ends_at INTEGER,
  will_due INTEGER,
  sent_up_to INTEGER NOT NULL DEFAULT 0,
  last_position INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE will(
  session INTEGER PRIMARY KEY,
  topic TEXT NOT NULL,
  payload BLOB NOT NULL,
  qos INTEGER NOT NULL,
  retain INTEGER NOT NULL,
  payload_format INTEGER,
  content_type TEXT,
  response_topic TEXT,
  correlation BLOB,
  user_properties TEXT,
  delay INTEGER NOT NULL,
  expiry INTEGER
);

CREATE TABLE subscription(
  session INTEGER NOT NULL,
  filter TEXT NOT NULL,
  options INTEGER NOT NULL,
  identifier INTEGER NOT NULL,
  PRIMARY KEY(session, filter)
) WITHOUT ROWID;

CREATE TABLE queue(
  session INTEGER NOT NULL,
  position INTEGER NOT NULL,
  message INTEGER NOT NULL,
  qos INTEGER NOT NULL,
  retain INTEGER NOT NULL,
  state INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  expires_at INTEGER,
  identifiers TEXT,
  share TEXT,
  PRIMARY KEY(session, position)
) WITHOUT ROWID;
CREATE INDEX queue_expiry ON queue(expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE inbound(
  session INTEGER NOT NULL,
  packet_id INTEGER NOT NULL,
  opened INTEGER NOT NULL,
  message INTEGER,
  PRIMARY KEY(session, packet_id)
) WITHOUT ROWID;

CREATE TABLE retained(
  topic TEXT PRIMARY KEY,
  message INTEGER NOT NULL,
  author_client TEXT,
  author_user TEXT,
  author_listener TEXT
) WITHOUT ROWID;

CREATE TABLE erased(
  session INTEGER PRIMARY KEY
);

CREATE TABLE peer(
  node BLOB PRIMARY KEY,
  about BLOB
) WITHOUT ROWID;

CREATE TABLE outbox(
  peer BLOB NOT NULL,
  origin BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  message INTEGER NOT NULL,
  PRIMARY KEY(peer, origin, epoch, sequence)
) WITHOUT ROWID;

CREATE TABLE seen_window(
  origin BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  seen BLOB NOT NULL,
  PRIMARY KEY(origin, epoch)
) WITHOUT ROWID;

CREATE TABLE tombstone(
  topic TEXT PRIMARY KEY,
  origin BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  ends_at INTEGER NOT NULL
) WITHOUT ROWID;
)sql";

void set_version(Database& database, std::int32_t version) {
  database.exec("PRAGMA user_version = " + std::to_string(version));
}

}  // namespace

StoreKind look_at_store(Database& database) {
  const auto version = database.query_integer("PRAGMA user_version").value_or(0);
  const auto application = database.query_integer("PRAGMA application_id").value_or(0);
  if (application == 0 && version == 0
      && database.query_integer("SELECT count(*) FROM sqlite_master") == 0)
    return StoreKind::empty;
  if (application != store_application_id) return StoreKind::foreign;
  if (version > store_version) return StoreKind::newer;
  return version == store_version ? StoreKind::current : StoreKind::older;
}

std::span<const StoreMigration> store_migrations() {
  return {};  // version 1 is the first
}

void settle_new_store(Database& database) {
  database.exec("PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL");
}

void create_store(Database& database, std::int64_t now_ms) {
  Transaction transaction(database);
  database.exec(create_tables);
  Statement born(database, "INSERT INTO meta(key, value) VALUES('created', ?)");
  born.bind(1, now_ms);
  born.run();
  database.exec("PRAGMA application_id = " + std::to_string(store_application_id));
  set_version(database, store_version);
  transaction.commit();
}

void migrate_store(Database& database, std::span<const StoreMigration> steps, std::int32_t to) {
  Transaction transaction(database);
  auto version =
      static_cast<std::int32_t>(database.query_integer("PRAGMA user_version").value_or(0));
  for (const StoreMigration& step : steps) {
    if (step.from != version || version == to) continue;
    step.run(database);
    set_version(database, ++version);
  }
  if (version != to)
    throw std::runtime_error(database.path() + " has version " + std::to_string(version)
                             + " of the store, from which this program knows no way to version "
                             + std::to_string(to));
  transaction.commit();
}

void set_up_connection(Database& database) {
  // FULL: a commit is on the disk when it returns. What has been deleted need not be overwritten,
  // as Debian's SQLite otherwise does. A checkpoint costs two syncs: at 16 MiB of log it comes a few
  // times a second under the heaviest load, and the log stays small beside what it carries.
  database.exec(
      "PRAGMA journal_mode = WAL;"
      "PRAGMA synchronous = FULL;"
      "PRAGMA foreign_keys = OFF;"
      "PRAGMA secure_delete = OFF;"
      "PRAGMA temp_store = MEMORY;"
      "PRAGMA cache_size = -8192;"
      "PRAGMA wal_autocheckpoint = 4096;"
      "PRAGMA journal_size_limit = 67108864");
}

}  // namespace starling
