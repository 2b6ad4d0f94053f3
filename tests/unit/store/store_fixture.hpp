// What the tests of the SQLite store share: a store in a directory of its own, time that moves when
// told, and jobs that run when told.
#pragma once

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

#include "src/store/sqlite_store.hpp"
#include "tests/support/deferred_worker.hpp"
#include "tests/support/null_log.hpp"
#include "tests/support/virtual_scheduler.hpp"

namespace starling::test {

/// A directory that goes with its owner.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "starling-store-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// What load() told.
struct Loaded final : StoreLoader {
  struct Retained {
    SharedPublication message;
    std::shared_ptr<const StoredAuthor> author;
  };
  void on_retained(SharedPublication message, std::shared_ptr<const StoredAuthor> author) override {
    const std::string topic(message->topic.text());
    retained[topic] = {std::move(message), std::move(author)};
  }
  void on_session(LoadedSession session) override {
    const SessionNumber number = session.session.number;
    sessions[number] = std::move(session);
  }

  std::map<std::string, Retained> retained;
  std::map<SessionNumber, LoadedSession> sessions;
  StoreNumbers numbers;
};

inline TopicName topic(std::string_view text) {
  return *TopicName::parse(text);
}

inline std::shared_ptr<Publication> message(std::uint64_t number, std::string_view name = "a/b",
                                            std::string_view payload = "hello") {
  auto made = std::make_shared<Publication>(Publication{.topic = topic(name),
                                                        .payload = SharedBytes(as_bytes(payload)),
                                                        .expires_at = {},
                                                        .properties = {},
                                                        .id = {}});
  made->number = number;
  made->qos = QoS::at_least_once;
  return made;
}

inline SessionSaved session_saved(SessionNumber number, std::string client_id = "client",
                                  std::uint32_t expiry_s = 3'600) {
  StoredSession session;
  session.number = number;
  session.client_id = std::move(client_id);
  session.expiry_s = expiry_s;
  session.listener = "main";
  return {std::make_shared<StoredSession>(std::move(session))};
}

inline MessageQueued queued(SessionNumber session, std::uint64_t position, SharedPublication what) {
  StoredDelivery delivery;
  delivery.position = position;
  delivery.message = std::move(what);
  return {session, std::move(delivery)};
}

inline StoreBatch batch_of(std::vector<StoreChange> changes) {
  return {std::move(changes)};
}

struct StoreFixture {
  TemporaryDirectory directory;
  VirtualScheduler scheduler;
  DeferredWorker worker;
  RecordingLog log;
  SqliteStoreOptions options;
  std::vector<BatchNumber> committed;
  std::vector<StoreHealth> healths;
  std::vector<ExpiredDelivery> expired;
  std::unique_ptr<SqliteStore> store;
  Loaded loaded;

  StoreFixture() { options.file = (directory.path() / "store.sqlite").string(); }

  /// Opens the store and loads it. The one before is closed.
  void open() {
    store.reset();
    committed.clear();
    loaded = {};
    store = std::make_unique<SqliteStore>(options, scheduler, worker, log);
    store->set_handlers({[this](BatchNumber last) { committed.push_back(last); },
                         [this](StoreHealth health) { healths.push_back(health); },
                         [this](const std::vector<ExpiredDelivery>& some) {
                           expired.insert(expired.end(), some.begin(), some.end());
                         }});
    loaded.numbers = store->load(loaded);
  }
  /// As if the process had been killed: what no job has committed is gone.
  void crash_and_open() {
    const std::filesystem::path copy = directory.path() / "copy";
    std::filesystem::remove_all(copy);
    std::filesystem::create_directory(copy);
    for (const char* suffix : {"", "-wal"})
      if (std::filesystem::exists(options.file + suffix))
        std::filesystem::copy_file(options.file + suffix,
                                   copy / (std::string("store.sqlite") + suffix));
    store.reset();
    for (const char* suffix : {"", "-wal", "-shm"}) {
      std::filesystem::remove(options.file + suffix);
      const auto kept = copy / (std::string("store.sqlite") + suffix);
      if (std::filesystem::exists(kept)) std::filesystem::rename(kept, options.file + suffix);
    }
    open();
  }
  BatchNumber commit(std::vector<StoreChange> changes) {
    return store->commit(batch_of(std::move(changes)));
  }
  /// Commits and lets it reach the disk.
  void keep(std::vector<StoreChange> changes) {
    commit(std::move(changes));
    worker.drain();
  }
  std::vector<StoredDelivery> read(SessionNumber session, std::uint64_t after = 0,
                                   std::size_t count = 1'000, std::size_t bytes = 1U << 20U) {
    std::vector<StoredDelivery> found;
    store->read_queue({session, after, count, bytes},
                      [&](std::vector<StoredDelivery> some) { found = std::move(some); });
    worker.drain();
    return found;
  }
  /// Rows of a table, seen by a second connection.
  std::int64_t rows(const std::string& table) {
    Database database(options.file, Database::Mode::read_only);
    return database.query_integer("SELECT count(*) FROM " + table).value();
  }
  std::int64_t number(const std::string& sql) {
    Database database(options.file, Database::Mode::read_only);
    return database.query_integer(sql).value();
  }
};

}  // namespace starling::test
