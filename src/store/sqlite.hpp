// A thin coat over SQLite's C interface: handles that close themselves, errors as exceptions. Inside
// this room only.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "starling/bytes.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace starling {

/// `what()`: one sentence that names the file or the statement and what SQLite says.
class SqliteError : public std::runtime_error {
 public:
  /// `code`: SQLite's extended result code. `system_errno`: of the call that failed, 0 if none.
  SqliteError(int code, int system_errno, const std::string& what)
      : std::runtime_error(what), code_(code), errno_(system_errno) {}
  [[nodiscard]] int code() const { return code_; }
  /// The file system has no room, or its quota is used up.
  [[nodiscard]] bool is_full() const;
  /// The file is not what SQLite wrote: damaged, or no database at all.
  [[nodiscard]] bool is_damage() const;

 private:
  int code_;
  int errno_;
};

/// A row that SQLite can read and we cannot: the same as damage.
[[noreturn]] void throw_damaged_row(const std::string& what);

class Database {
 public:
  enum class Mode : std::uint8_t {
    read_write_create,
    read_write,
    read_only,
    immutable  ///< read only, and nothing is locked, recovered or made beside it
  };

  /// `vfs`: name of a registered file layer; empty: SQLite's own. Throws SqliteError. (SQLite looks
  /// into the file at the first statement.)
  Database(const std::string& path, Mode mode, const std::string& vfs = {});
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Statements without parameters, separated by ';'; rows are thrown away.
  void exec(const std::string& sql);
  /// The first column of the first row; nullopt when there is none, or it is NULL.
  std::optional<std::int64_t> query_integer(const std::string& sql);
  std::optional<std::string> query_text(const std::string& sql);
  /// Rows inserted, changed or deleted by the last statement.
  [[nodiscard]] int changes() const;
  [[nodiscard]] bool in_transaction() const;
  [[noreturn]] void fail(int code, std::string_view doing) const;

  [[nodiscard]] sqlite3* native() const { return handle_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  sqlite3* handle_ = nullptr;
};

/// One prepared statement. Parameters count from 1, columns from 0, as SQLite has it. Texts and
/// blobs that are bound stay the caller's until the next reset(); those read, until the next step().
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(int parameter, std::uint64_t value) {
    bind(parameter, static_cast<std::int64_t>(value));
  }
  void bind(int parameter, std::int64_t value);
  void bind_text(int parameter, std::string_view value);
  void bind_blob(int parameter, ByteView value);
  void bind_null(int parameter);

  /// True: there is a row. False: done, and the statement may be used again.
  bool step();
  /// For statements without rows.
  void run() {
    step();
    reset();
  }
  void reset();

  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  /// Integers that are counters of ours: a negative one is damage.
  [[nodiscard]] std::uint64_t number(int column) const;
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] ByteView blob(int column) const;

 private:
  Database& database_;
  sqlite3_stmt* handle_ = nullptr;
};

/// Rolled back unless commit() was reached.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) {
    database_.exec("BEGIN IMMEDIATE");
  }
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit() { database_.exec("COMMIT"); }

 private:
  Database& database_;
};

}  // namespace starling
