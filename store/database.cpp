#include "store/database.hpp"

#include <utility>

namespace ghoard::store {

namespace {

/// I/O errors that say that what the file holds cannot be read, now or later: as good as damaged.
bool is_unreadable(int result_code) {
  return result_code == SQLITE_IOERR_READ || result_code == SQLITE_IOERR_SHORT_READ ||
         result_code == SQLITE_IOERR_CORRUPTFS || result_code == SQLITE_IOERR_DATA;
}

base::ErrorCode code_of(int result_code) {
  if (is_unreadable(result_code)) {
    return base::ErrorCode::corrupted;
  }
  switch (result_code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT:  // nothing bound here can break one: an index and its table disagree
    case SQLITE_MISMATCH:
    case SQLITE_FORMAT: return base::ErrorCode::corrupted;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: return base::ErrorCode::busy;
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return base::ErrorCode::unavailable;
    case SQLITE_TOOBIG: return base::ErrorCode::too_large;
    default: return base::ErrorCode::system;
  }
}

sqlite3* database_of(sqlite3_stmt* statement) {
  return sqlite3_db_handle(statement);
}

}  // namespace

base::Error sqlite_error(int result_code, std::string_view detail) {
  return {code_of(result_code), "cache database: " + std::string(detail)};
}

Query::~Query() {
  sqlite3_reset(m_handle);
  sqlite3_clear_bindings(m_handle);
}

Query& Query::bind(std::int64_t value) {
  m_bind_result |= sqlite3_bind_int64(m_handle, m_next++, value);
  return *this;
}

Query& Query::bind(std::string_view text) {
  // A null pointer would bind NULL; an empty text is a text.
  const char* data = text.data() != nullptr ? text.data() : "";
  m_bind_result |= sqlite3_bind_text64(m_handle, m_next++, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Query& Query::bind_blob(std::string_view bytes) {
  const char* data = bytes.data() != nullptr ? bytes.data() : "";
  m_bind_result |= sqlite3_bind_blob64(m_handle, m_next++, data, bytes.size(), SQLITE_STATIC);
  return *this;
}

Query& Query::bind(const base::Digest& digest) {
  return bind_blob({reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()});
}

base::Result<bool> Query::step() {
  if (m_handle == nullptr) {
    return base::fail(base::ErrorCode::unavailable, "cache database: statement was not prepared");
  }
  if (m_bind_result != SQLITE_OK) {
    return tl::unexpected(sqlite_error(m_bind_result, sqlite3_errmsg(database_of(m_handle))));
  }
  const int result = sqlite3_step(m_handle);
  if (result == SQLITE_ROW) {
    return true;
  }
  if (result == SQLITE_DONE) {
    return false;
  }
  return tl::unexpected(sqlite_error(result, sqlite3_errmsg(database_of(m_handle))));
}

base::Result<void> Query::run() {
  while (true) {
    base::Result<bool> row = step();
    if (!row) {
      return tl::unexpected(std::move(row.error()));
    }
    if (!*row) {
      return {};
    }
  }
}

std::string_view Query::bytes(int column) const {
  // The pointer is asked for first: it is what may convert the value, and so decide the length.
  const void* data = sqlite3_column_blob(m_handle, column);
  const int size = sqlite3_column_bytes(m_handle, column);
  return data != nullptr && size > 0 ? std::string_view(static_cast<const char*>(data), static_cast<std::size_t>(size))
                                     : std::string_view();
}

base::Result<Database> Database::open(const std::string& file, int flags) {
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(file.c_str(), &handle, flags | SQLITE_OPEN_EXRESCODE, nullptr);
  Database database(handle);
  if (result != SQLITE_OK) {
    return tl::unexpected(sqlite_error(result, handle != nullptr ? sqlite3_errmsg(handle) : "out of memory"));
  }
  return database;
}

base::Result<Statement> Database::prepare(std::string_view sql) const {
  sqlite3_stmt* handle = nullptr;
  const int result = sqlite3_prepare_v3(m_handle.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  if (result != SQLITE_OK) {
    return tl::unexpected(sqlite_error(result, sqlite3_errmsg(m_handle.get())));
  }
  return Statement(handle);
}

base::Result<void> Database::execute(const char* sql) const {
  const int result = sqlite3_exec(m_handle.get(), sql, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) {
    return tl::unexpected(sqlite_error(result, sqlite3_errmsg(m_handle.get())));
  }
  return {};
}

base::Result<std::int64_t> Database::integer(std::string_view sql) const {
  base::Result<Statement> statement = prepare(sql);
  if (!statement) {
    return tl::unexpected(std::move(statement.error()));
  }
  Query query(*statement);
  base::Result<bool> row = query.step();
  if (!row) {
    return tl::unexpected(std::move(row.error()));
  }
  return *row ? query.integer(0) : 0;
}

base::Result<Transaction> Transaction::begin(const Database& database) {
  base::Result<void> begun = database.execute("BEGIN IMMEDIATE");
  if (!begun) {
    return tl::unexpected(std::move(begun.error()));
  }
  return Transaction(database);
}

Transaction::~Transaction() {
  // Some failures (disk full, I/O) have rolled it back already; then there is nothing to undo.
  if (m_database != nullptr && sqlite3_get_autocommit(m_database->handle()) == 0) {
    sqlite3_exec(m_database->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

base::Result<void> Transaction::commit() {
  base::Result<void> done = m_database->execute("COMMIT");
  if (done) {
    m_database = nullptr;
  }
  return done;
}

}  // namespace ghoard::store
