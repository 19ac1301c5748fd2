#include "store/connection.hpp"

#include <utility>

#include "store/statements.hpp"

namespace ghoard::store {

namespace {

/// The longest that the agent's one thread waits for another process's lock.
constexpr int busy_milliseconds = 250;
constexpr int page_bytes = 4096;
constexpr int checkpoint_pages = 1000;

// auto_vacuum only has an effect before the first table exists. secure_delete: Debian's SQLite overwrites what it
// deletes, which doubles the cost of eviction and gains nothing in a file that only its owner can read.
constexpr const char* settings = R"sql(
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA journal_size_limit = 8388608;
PRAGMA foreign_keys = ON;
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;
PRAGMA secure_delete = FAST;
PRAGMA temp_store = MEMORY;
)sql";

/// SQLite stays with a rollback journal, silently, where the file system has no shared memory. Readers of other
/// processes and the durability of revocations rest on the log, so that is no database for us.
base::Result<void> check_journal_mode(const Database& database) {
  base::Result<Statement> statement = database.prepare("PRAGMA journal_mode");
  if (!statement) {
    return tl::unexpected(std::move(statement.error()));
  }
  Query query(*statement);
  return query.step().and_then([&](bool row) -> base::Result<void> {
    if (row && (query.bytes(0) == "wal" || query.bytes(0) == "memory")) {
      return {};
    }
    return base::fail(base::ErrorCode::unavailable, "cache database: its file system has no write-ahead log");
  });
}

tl::unexpected<Connection::Refusal> refusal(base::Error error, std::int64_t newer = 0) {
  return tl::unexpected(Connection::Refusal{std::move(error), newer});
}

}  // namespace

tl::expected<std::unique_ptr<Connection>, Connection::Refusal> Connection::open(const std::string& file) {
  base::Result<Database> database =
      Database::open(file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX);
  if (!database) {
    return refusal(std::move(database.error()));
  }
  sqlite3_busy_timeout(database->handle(), busy_milliseconds);
  sqlite3_db_config(database->handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  base::Result<SchemaReport> report = inspect_schema(*database);
  if (!report) {
    return refusal(std::move(report.error()));
  }
  switch (report->state) {
    case SchemaState::newer:
      return refusal({base::ErrorCode::unavailable, "cache database: written by a later version"}, report->version);
    case SchemaState::foreign:
      return refusal({base::ErrorCode::corrupted, "cache database: not a ghoard cache, or a damaged one"});
    case SchemaState::empty:
    case SchemaState::older:
    case SchemaState::current: break;
  }
  std::unique_ptr<Connection> connection(new Connection(std::move(*database)));
  base::Result<void> ready = connection->configure().and_then([&] { return connection->prepare(); }).and_then([&] {
    return connection->totals().map([](const Totals&) {});
  });
  if (!ready) {
    return refusal(std::move(ready.error()));
  }
  return connection;
}

base::Result<void> Connection::configure() {
  if (base::Result<void> done = m_database.execute(settings); !done) {
    return done;
  }
  if (base::Result<void> done = check_journal_mode(m_database); !done) {
    return done;
  }
  // Takes the place of SQLite's own automatic checkpoint, which is such a hook itself.
  sqlite3_wal_hook(m_database.handle(), &Connection::on_commit, this);
  return migrate(m_database).and_then([&] { return install_triggers(m_database); });
}

int Connection::on_commit(void* self, sqlite3* handle, const char* name, int log_pages) {
  static_cast<Connection*>(self)->m_log_bytes = std::int64_t{log_pages} * page_bytes;
  if (log_pages >= checkpoint_pages) {
    // Passive: does what is possible without waiting for readers. The commit itself has succeeded already, so that a
    // failure here is no failure of it; the next one tries again.
    sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  }
  return SQLITE_OK;
}

base::Result<void> Connection::prepare() {
  for (const auto& [statement, sql] : writer_statements(m_statements)) {
    base::Result<Statement> prepared = m_database.prepare(sql);
    if (!prepared) {
      return tl::unexpected(std::move(prepared.error()));
    }
    *statement = std::move(*prepared);
  }
  return {};
}

base::Result<Totals> Connection::totals() const {
  Query query(m_statements.totals);
  base::Result<bool> row = query.step();
  if (!row) {
    return tl::unexpected(std::move(row.error()));
  }
  const Totals totals{query.integer(0), query.integer(1), query.integer(2)};
  if (!*row || totals.entries < 0 || totals.bytes < 0 || totals.grants < 0) {
    return base::fail(base::ErrorCode::corrupted, "cache database: its totals are damaged");
  }
  return totals;
}

base::Result<void> Connection::set_durable(bool durable) {
  // sqlite.org/pragma.html#pragma_synchronous: in WAL mode a commit under NORMAL is written to the log but not synced;
  // under FULL the log is synced after each commit (walFrames: WAL_SYNC_TRANSACTIONS), before COMMIT returns. One sync
  // of the log covers every earlier frame in it, so whatever an earlier unsynced commit did is made durable, too. The
  // log's own directory entry is synced with its first sync (os_unix.c: UNIXFILE_DIRSYNC).
  return m_database.execute(durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
}

base::Result<void> Connection::empty_log() {
  sqlite3_busy_timeout(m_database.handle(), 0);
  const int result =
      sqlite3_wal_checkpoint_v2(m_database.handle(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  sqlite3_busy_timeout(m_database.handle(), busy_milliseconds);
  if (result != SQLITE_OK) {
    return tl::unexpected(sqlite_error(result, sqlite3_errmsg(m_database.handle())));
  }
  m_log_bytes = 0;
  return {};
}

void Connection::shrink(int pages) const {
  const std::string sql = "PRAGMA incremental_vacuum(" + std::to_string(pages) + ")";
  sqlite3_exec(m_database.handle(), sql.c_str(), nullptr, nullptr, nullptr);
}

void Connection::abandon() const {
  sqlite3_db_config(m_database.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

}  // namespace ghoard::store
