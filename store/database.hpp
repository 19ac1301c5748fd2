#pragma once

#include <cstdint>
#include <memory>
#include <sqlite3.h>
#include <string>
#include <string_view>

#include "core/base/digest.hpp"
#include "core/base/result.hpp"

namespace ghoard::store {

/// The failure behind an SQLite result code. SQLite's messages name tables and columns, never what is in them.
[[nodiscard]] base::Error sqlite_error(int result_code, std::string_view detail);

/// A prepared statement; owner only. Running it is what Query does.
class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* handle) : m_handle(handle) {}
  [[nodiscard]] sqlite3_stmt* handle() const { return m_handle.get(); }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> m_handle;
};

/// One run of a statement. Resets it at the end of the scope, so that no read transaction outlives its use: an open one
/// would keep the write-ahead log from being reused. What is bound must outlive the query.
class Query {
 public:
  explicit Query(const Statement& statement) : m_handle(statement.handle()) {}
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& bind(std::int64_t value);
  Query& bind(std::string_view text);
  Query& bind_blob(std::string_view bytes);
  Query& bind(const base::Digest& digest);

  /// True: there is a row to read. False: done.
  [[nodiscard]] base::Result<bool> step();
  /// Steps to the end, whatever rows come.
  [[nodiscard]] base::Result<void> run();

  [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(m_handle, column); }
  /// Valid until the next step.
  [[nodiscard]] std::string_view bytes(int column) const;
  [[nodiscard]] bool is_integer(int column) const { return sqlite3_column_type(m_handle, column) == SQLITE_INTEGER; }

 private:
  sqlite3_stmt* m_handle;
  int m_next = 1;
  int m_bind_result = SQLITE_OK;
};

/// An open database. One thread.
class Database {
 public:
  /// `flags` as for sqlite3_open_v2. The file itself is read by the first statement only.
  static base::Result<Database> open(const std::string& file, int flags);

  [[nodiscard]] base::Result<Statement> prepare(std::string_view sql) const;
  /// Runs statements without results.
  [[nodiscard]] base::Result<void> execute(const char* sql) const;
  /// The first column of the first row; 0 if there is none.
  [[nodiscard]] base::Result<std::int64_t> integer(std::string_view sql) const;

  /// Rows that the last statement itself changed, without those of triggers.
  [[nodiscard]] std::int64_t changes() const { return sqlite3_changes64(m_handle.get()); }
  [[nodiscard]] std::int64_t last_id() const { return sqlite3_last_insert_rowid(m_handle.get()); }
  [[nodiscard]] sqlite3* handle() const { return m_handle.get(); }

 private:
  struct Close {
    // _v2: a statement that is still alive keeps the handle until it goes too.
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  explicit Database(sqlite3* handle) : m_handle(handle) {}
  std::unique_ptr<sqlite3, Close> m_handle;
};

/// BEGIN IMMEDIATE, so that the write lock is taken, or refused, at once; rolled back unless committed.
class Transaction {
 public:
  static base::Result<Transaction> begin(const Database& database);
  Transaction(Transaction&& other) noexcept : m_database(std::exchange(other.m_database, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  [[nodiscard]] base::Result<void> commit();

 private:
  explicit Transaction(const Database& database) : m_database(&database) {}
  const Database* m_database;
};

}  // namespace ghoard::store
