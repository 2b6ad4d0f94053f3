#include "src/store/sqlite.hpp"

#include <cerrno>
#include <cstring>
#include <sqlite3.h>

namespace starling {
namespace {

constexpr int busy_wait_ms = 2'000;  // for a person with a tool who is writing at this moment

int primary(int code) {
  return code & 0xff;
}

int open_flags(Database::Mode mode) {
  using enum Database::Mode;
  switch (mode) {
    case read_write_create:
      return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case read_write:
      return SQLITE_OPEN_READWRITE;
    case read_only:
    case immutable:
      break;
  }
  return SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
}

/// SQLite takes options of a file behind its name, if that is written as an URI.
std::string as_immutable_uri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      uri += '%' + to_hex(as_bytes(std::string_view(&c, 1)));
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

/// Of the file call that failed. A COMMIT does not leave it with the connection, only with the file:
/// the write-ahead log's.
int system_errno_of(sqlite3* handle) {
  if (const int error = sqlite3_system_errno(handle); error != 0) return error;
  sqlite3_file* log = nullptr;
  if (sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) != SQLITE_OK
      || log == nullptr || log->pMethods == nullptr)
    return 0;
  int error = 0;
  if (log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &error) != SQLITE_OK) return 0;
  return error;
}

}  // namespace

bool SqliteError::is_full() const {
  return primary(code_) == SQLITE_FULL
         || (primary(code_) == SQLITE_IOERR
             && (errno_ == ENOSPC || errno_ == EDQUOT || errno_ == EFBIG));
}

bool SqliteError::is_damage() const {
  return primary(code_) == SQLITE_CORRUPT || primary(code_) == SQLITE_NOTADB;
}

void throw_damaged_row(const std::string& what) {
  throw SqliteError(SQLITE_CORRUPT, 0, what);
}

Database::Database(const std::string& path, Mode mode, const std::string& vfs) : path_(path) {
  const bool immutable = mode == Mode::immutable;
  const std::string name = immutable ? as_immutable_uri(path) : path;
  // One thread at a time has it: the store's jobs follow one another.
  const int error = sqlite3_open_v2(name.c_str(), &handle_, open_flags(mode) | SQLITE_OPEN_NOMUTEX,
                                    vfs.empty() ? nullptr : vfs.c_str());
  if (error != SQLITE_OK) {
    const int system_errno = handle_ == nullptr ? 0 : sqlite3_system_errno(handle_);
    std::string why = sqlite3_errstr(error);
    if (system_errno != 0) why.append(" (").append(std::strerror(system_errno)).append(")");
    sqlite3_close_v2(handle_);
    throw SqliteError(error, system_errno, "cannot open " + path_ + ": " + why);
  }
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, busy_wait_ms);
}

Database::~Database() {
  sqlite3_close_v2(handle_);
}

void Database::fail(int code, std::string_view doing) const {
  const int system_errno =
      primary(code) == SQLITE_IOERR ? system_errno_of(handle_) : sqlite3_system_errno(handle_);
  std::string what = path_;
  what.append(": ").append(sqlite3_errmsg(handle_));
  if (primary(code) == SQLITE_IOERR && system_errno != 0)
    what.append(" (").append(std::strerror(system_errno)).append(")");
  what.append(", at: ").append(doing.substr(0, 120));
  throw SqliteError(code, system_errno, what);
}

void Database::exec(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(sqlite3_extended_errcode(handle_), sql);
}

std::optional<std::int64_t> Database::query_integer(const std::string& sql) {
  Statement statement(*this, sql);
  if (!statement.step() || statement.is_null(0)) return std::nullopt;
  return statement.integer(0);
}

std::optional<std::string> Database::query_text(const std::string& sql) {
  Statement statement(*this, sql);
  if (!statement.step() || statement.is_null(0)) return std::nullopt;
  return std::string(statement.text(0));
}

int Database::changes() const {
  return sqlite3_changes(handle_);
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(handle_) == 0;
}

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  const int code = sqlite3_prepare_v3(database.native(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &handle_, nullptr);
  if (code != SQLITE_OK) database.fail(code, sql);
}

Statement::~Statement() {
  sqlite3_finalize(handle_);
}

void Statement::bind(int parameter, std::int64_t value) {
  if (const int code = sqlite3_bind_int64(handle_, parameter, value); code != SQLITE_OK)
    database_.fail(code, sqlite3_sql(handle_));
}

// An empty text or blob is not NULL, which SQLite takes a null pointer for.

void Statement::bind_text(int parameter, std::string_view value) {
  const char* data = value.empty() ? "" : value.data();
  if (const int code =
          sqlite3_bind_text64(handle_, parameter, data, value.size(), SQLITE_STATIC, SQLITE_UTF8);
      code != SQLITE_OK)
    database_.fail(code, sqlite3_sql(handle_));
}

void Statement::bind_blob(int parameter, ByteView value) {
  const void* data = value.empty() ? static_cast<const void*>("") : value.data();
  if (const int code = sqlite3_bind_blob64(handle_, parameter, data, value.size(), SQLITE_STATIC);
      code != SQLITE_OK)
    database_.fail(code, sqlite3_sql(handle_));
}

void Statement::bind_null(int parameter) {
  if (const int code = sqlite3_bind_null(handle_, parameter); code != SQLITE_OK)
    database_.fail(code, sqlite3_sql(handle_));
}

bool Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(handle_);
    return false;
  }
  // The message is taken first: reset() would say it again, and might lose errno.
  try {
    database_.fail(code, sqlite3_sql(handle_));
  } catch (...) {
    sqlite3_reset(handle_);
    throw;
  }
}

void Statement::reset() {
  sqlite3_reset(handle_);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_, column);
}

std::uint64_t Statement::number(int column) const {
  const std::int64_t value = integer(column);
  if (value < 0)
    throw_damaged_row(database_.path() + ": a negative " + sqlite3_column_name(handle_, column));
  return static_cast<std::uint64_t>(value);
}

std::string_view Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

ByteView Statement::blob(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(handle_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

Transaction::~Transaction() {
  // After some errors SQLite has rolled back by itself.
  if (!database_.in_transaction()) return;
  sqlite3_exec(database_.native(), "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace starling
