#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/base/result.hpp"
#include "store/database.hpp"
#include "store/schema.hpp"

namespace ghoard::store {

/// What the writer's triggers count.
struct Totals {
  std::int64_t entries = 0;
  std::int64_t bytes = 0;
  std::int64_t grants = 0;

  /// What counts against the size limit: bodies once, headers, and a fixed share for every row and its indices.
  [[nodiscard]] std::int64_t charged() const { return bytes + entries * entry_overhead + grants * grant_overhead; }
  static constexpr std::int64_t entry_overhead = 640;
  static constexpr std::int64_t grant_overhead = 128;
};

/// Every statement of the writer that runs more than once.
struct Statements {
  Statement find;
  Statement candidates;
  Statement totals;

  Statement resource_id;
  Statement add_resource;
  Statement body_id;
  Statement add_body;
  Statement holder_id;
  Statement add_holder;
  Statement same_response;
  Statement response_by_id;
  Statement add_response;
  Statement update_response;
  Statement set_grant;
  Statement prune_grants;

  Statement has_grant;
  Statement drop_grant;
  Statement disown;
  Statement disowned;
  Statement sweep;
  Statement forget_holder;
  Statement mark_host;
  Statement mark_below;
  Statement count_invalidation;
  Statement touch;
  Statement evict;
  Statement drop_damaged;
};

/// The writer's database: configured, migrated, statements prepared. Not movable: SQLite holds a pointer to it.
class Connection {
 public:
  /// Why a database cannot be used as it is.
  struct Refusal {
    base::Error error;
    std::int64_t newer_version = 0;  ///< of a database that a later version wrote; otherwise 0
  };
  /// `file`: a path, or ":memory:".
  static tl::expected<std::unique_ptr<Connection>, Refusal> open(const std::string& file);

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] const Database& database() const { return m_database; }
  [[nodiscard]] const Statements& statements() const { return m_statements; }

  [[nodiscard]] base::Result<Totals> totals() const;

  /// From now on a commit returns only when it would survive a power failure, or (false) may return before.
  [[nodiscard]] base::Result<void> set_durable(bool durable);

  /// Rows went in a commit that was not durable: after a power failure they could be back.
  void note_unsynced_loss() { m_unsynced_loss = true; }
  void note_synced() { m_unsynced_loss = false; }
  [[nodiscard]] bool has_unsynced_loss() const { return m_unsynced_loss; }

  /// Length of the write-ahead log after the last commit.
  [[nodiscard]] std::int64_t log_bytes() const { return m_log_bytes; }
  /// Moves the whole log into the database and empties it. Fails with busy, at once, while a reader needs it.
  [[nodiscard]] base::Result<void> empty_log();

  /// Gives free pages at the end of the file back, at most `pages`. Best effort.
  void shrink(int pages) const;

  /// The database is going to be moved or removed: closing it copies nothing from the log into it any more.
  void abandon() const;

 private:
  explicit Connection(Database database) : m_database(std::move(database)) {}
  [[nodiscard]] base::Result<void> configure();
  [[nodiscard]] base::Result<void> prepare();
  static int on_commit(void* self, sqlite3* handle, const char* name, int log_pages);

  Database m_database;
  Statements m_statements;
  std::int64_t m_log_bytes = 0;
  bool m_unsynced_loss = false;
};

}  // namespace ghoard::store
