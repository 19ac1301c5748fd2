#include "store/sqlite_store.hpp"

#include <algorithm>
#include <utility>

#include "store/connection.hpp"
#include "store/listing.hpp"
#include "store/location.hpp"
#include "store/quarantine.hpp"
#include "store/writer.hpp"

namespace ghoard::store {

namespace {

/// A log that readers do not let us reuse may grow to so much and a fourth of the size limit; then nothing is stored.
constexpr std::int64_t max_log_bytes = 64LL << 20;
/// An eviction of so many is a change of the size limit, or a very large body: then the file is to shrink.
constexpr std::uint64_t many_evicted = 32;
constexpr int vacuum_pages = 4096;
/// How often opening may move a bad database aside before it is taken for hopeless.
constexpr int open_attempts = 3;

using OpenResult = tl::expected<std::unique_ptr<Connection>, Connection::Refusal>;

void tell_moved(const StoreOptions& options, const std::filesystem::path& directory, const base::Error& why) {
  if (options.notice) {
    options.notice("the cache database was moved aside and a new one begun in " + directory.string() + ": " +
                   why.message);
  }
}

/// Opens the database of a directory, moving one that cannot be used out of the way.
base::Result<std::unique_ptr<Connection>> open_in(const std::filesystem::path& directory, const StoreOptions& options) {
  base::Error last{base::ErrorCode::unavailable, "cache database: cannot be opened"};
  for (int attempt = 0; attempt < open_attempts; ++attempt) {
    base::Result<void> place = prepare_location(directory);
    Connection::Refusal refusal;
    if (place) {
      OpenResult opened = Connection::open((directory / database_name).string());
      if (opened) {
        return std::move(*opened);
      }
      refusal = std::move(opened.error());
    } else {
      refusal.error = std::move(place.error());
    }
    last = refusal.error;
    if (refusal.newer_version == 0 && last.code != base::ErrorCode::corrupted) {
      break;
    }
    base::Result<void> moved =
        refusal.newer_version != 0 ? quarantine_newer(directory, refusal.newer_version) : quarantine_corrupt(directory);
    if (!moved) {
      return tl::unexpected(std::move(moved.error()));
    }
    tell_moved(options, directory, last);
  }
  return tl::unexpected(std::move(last));
}

std::string network_reason(const std::filesystem::path& directory, const StoreOptions& options) {
  // The directory may not exist yet: its nearest ancestor that does has the same file system.
  std::filesystem::path place = directory;
  std::error_code error;
  while (!std::filesystem::exists(place, error) && place.has_relative_path()) {
    place = place.parent_path();
  }
  const std::int64_t type =
      options.filesystem_type != nullptr ? options.filesystem_type(place) : filesystem_type(place);
  const std::string_view kind = network_filesystem(type);
  return kind.empty() ? std::string() : directory.string() + " is on a network file system (" + std::string(kind) + ")";
}

}  // namespace

class SqliteStore::Impl {
 public:
  Impl(StoreOptions options, std::filesystem::path directory) : m_options(options), m_directory(std::move(directory)) {}

  void open() {
    const std::string reason = network_reason(m_directory, m_options);
    if (!reason.empty()) {
      go_to_memory(reason);
      return;
    }
    base::Result<std::unique_ptr<Connection>> opened = open_in(m_directory, m_options);
    if (!opened) {
      go_to_memory(opened.error().message);
      return;
    }
    m_persistent = true;
    use(std::move(*opened));
  }

  void use(std::unique_ptr<Connection> connection) {
    m_connection = std::move(connection);
    m_changes_seen = -1;
    refresh_totals();
  }

  void go_to_memory(std::string reason) {
    m_degraded = std::move(reason);
    m_options.max_bytes = std::min(m_options.max_bytes, max_memory_bytes);
    m_persistent = false;
    m_connection.reset();
    OpenResult opened = Connection::open(":memory:");
    use(opened ? std::move(*opened) : nullptr);
  }

  [[nodiscard]] base::Result<Connection*> connection() const {
    if (m_connection == nullptr) {
      return base::fail(base::ErrorCode::unavailable, "cache database: none, not even in memory");
    }
    return m_connection.get();
  }

  /// Passes an operation's result on; a database found damaged by it is moved aside, and the store goes on empty.
  template <class T>
  base::Result<T> checked(base::Result<T> result) {
    if (!result && result.error().code == base::ErrorCode::corrupted) {
      if (m_persistent) {
        tell_moved(m_options, m_directory, result.error());
      }
      static_cast<void>(start_anew(&quarantine_corrupt));
    }
    refresh_totals();
    return result;
  }

  /// For operations that have promised that nothing old is served afterwards. Where the change cannot be made to last,
  /// losing the whole database does: what is not stored cannot be served.
  base::Result<void> promised(base::Result<void> result) {
    if (!result) {
      const bool corrupted = result.error().code == base::ErrorCode::corrupted;
      result = start_anew(corrupted ? &quarantine_corrupt : &discard_database);
    }
    refresh_totals();
    return result.and_then([&] { return give_up_unused_file(); });
  }

  /// A store in memory cannot mark the database that it could not open, which readers and the next start may be able
  /// to: a promise includes that one. Where nothing can be removed because the directory is not writable, readers do
  /// not look and no store opens it, so that nothing is served from it either.
  base::Result<void> give_up_unused_file() {
    if (m_persistent || m_directory.empty() || !has_database(m_directory)) {
      return {};
    }
    base::Result<void> gone = discard_database(m_directory);
    return gone || is_writable(m_directory) ? gone : base::Result<void>();
  }

  /// Closes the database, has its files removed by `remove` and begins a new one. Fails if they could not be removed;
  /// the store then goes on in memory.
  base::Result<void> start_anew(base::Result<void> (*remove)(const std::filesystem::path&)) {
    if (m_connection != nullptr) {
      m_connection->abandon();
      m_connection.reset();
    }
    if (!m_persistent) {
      go_to_memory(m_degraded);
      return {};
    }
    base::Result<void> removed = remove(m_directory);
    if (!removed && remove != &discard_database) {
      removed = discard_database(m_directory);
    }
    if (!removed) {
      go_to_memory(removed.error().message);
      return removed;
    }
    open();
    return {};
  }

  /// Keeps the log bounded though a reader may have stopped in the middle of a read.
  base::Result<void> check_log() {
    const std::int64_t limit = max_log_bytes + static_cast<std::int64_t>(m_options.max_bytes / 4);
    if (m_connection->log_bytes() <= limit) {
      return {};
    }
    return m_connection->empty_log();
  }

  void refresh_totals() { m_totals = m_connection != nullptr ? m_connection->totals().value_or(Totals{}) : Totals{}; }

  base::Result<cache::ResponseId> put(const cache::Resource& resource, const cache::ResourceKey& key,
                                      const cache::Entry& entry) {
    if (base::Result<void> room = check_log(); !room) {
      return tl::unexpected(std::move(room.error()));
    }
    const std::uint64_t size = entry.response.body != nullptr ? entry.response.body->size() : 0;
    if (size > m_options.max_bytes / 4) {
      // What this answer would have replaced is out of date, whether or not there is room for the answer.
      base::Result<void> dropped = drop_grant(*m_connection, key, entry.grant.fingerprint);
      return dropped ? base::fail(base::ErrorCode::too_large, "cache: the answer is too large to be stored")
                     : base::Result<cache::ResponseId>(tl::unexpected(std::move(dropped.error())));
    }
    base::Result<Stored> stored = store::put(*m_connection, resource, key, entry, m_options.max_bytes);
    if (!stored) {
      return tl::unexpected(std::move(stored.error()));
    }
    m_evictions += stored->evicted;
    if (stored->evicted >= many_evicted) {
      m_connection->shrink(vacuum_pages);
    }
    return stored->id;
  }

  base::Result<void> clear() {
    // O(1), whatever the size: a new file instead of the deletion of every row.
    return promised(start_anew(&discard_database));
  }

  [[nodiscard]] cache::StoreSize size() const {
    return {static_cast<std::uint64_t>(m_totals.entries), static_cast<std::uint64_t>(m_totals.bytes), m_evictions};
  }
  [[nodiscard]] const std::string& degraded() const { return m_degraded; }

 private:
  StoreOptions m_options;
  std::filesystem::path m_directory;  ///< empty: none was wanted
  bool m_persistent = false;          ///< the connection is to the database in that directory
  std::string m_degraded;
  std::unique_ptr<Connection> m_connection;  ///< null only if there is no memory for one
  Totals m_totals;
  std::int64_t m_changes_seen = -1;
  std::uint64_t m_evictions = 0;
};

SqliteStore::SqliteStore(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
SqliteStore::~SqliteStore() = default;

std::unique_ptr<SqliteStore> SqliteStore::open(const std::filesystem::path& directory, StoreOptions options) {
  std::error_code error;
  // Absolute, and so no URI whatever its name: Debian's SQLite takes "file:..." for one.
  const std::filesystem::path place = std::filesystem::absolute(directory, error).lexically_normal();
  auto impl = std::make_unique<Impl>(options, error ? directory : place);
  impl->open();
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(impl)));
}

std::unique_ptr<SqliteStore> SqliteStore::in_memory(StoreOptions options, std::string reason) {
  auto impl = std::make_unique<Impl>(options, std::filesystem::path());
  impl->go_to_memory(std::move(reason));
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(impl)));
}

base::Result<std::optional<cache::Entry>> SqliteStore::find(const cache::ResourceKey& key,
                                                            const cache::Fingerprint& fingerprint) {
  return m_impl->checked(
      m_impl->connection().and_then([&](Connection* c) { return store::find(*c, key, fingerprint); }));
}

base::Result<std::vector<cache::Entry>> SqliteStore::candidates(const cache::ResourceKey& key, std::size_t limit) {
  return m_impl->checked(
      m_impl->connection().and_then([&](Connection* c) { return store::candidates(*c, key, limit); }));
}

base::Result<cache::ResponseId> SqliteStore::put(const cache::Resource& resource, const cache::ResourceKey& key,
                                                 const cache::Entry& entry) {
  return m_impl->checked(m_impl->connection().and_then([&](Connection*) { return m_impl->put(resource, key, entry); }));
}

base::Result<void> SqliteStore::renew(const cache::ResourceKey& key, const cache::Entry& entry) {
  return m_impl->checked(m_impl->connection().and_then([&](Connection* c) { return store::renew(*c, key, entry); }));
}

base::Result<void> SqliteStore::revoke(const cache::ResourceKey& key, const cache::Fingerprint& fingerprint) {
  return m_impl->promised(
      m_impl->connection().and_then([&](Connection* c) { return store::revoke(*c, key, fingerprint); }));
}

base::Result<void> SqliteStore::revoke_all(const cache::Fingerprint& fingerprint) {
  return m_impl->promised(
      m_impl->connection().and_then([&](Connection* c) { return store::revoke_all(*c, fingerprint); }));
}

base::Result<void> SqliteStore::invalidate(std::span<const github::Tag> tags) {
  return m_impl->promised(m_impl->connection().and_then([&](Connection* c) { return store::invalidate(*c, tags); }));
}

void SqliteStore::touch(std::span<const cache::ResponseId> ids, base::WallTime now) {
  static_cast<void>(
      m_impl->checked(m_impl->connection().and_then([&](Connection* c) { return store::touch(*c, ids, now); })));
}

base::Result<std::vector<cache::Listing>> SqliteStore::list(const cache::Selection& selection, std::size_t limit) {
  return m_impl->checked(
      m_impl->connection().and_then([&](Connection* c) { return list_selected(c->database(), selection, limit); }));
}

base::Result<std::uint64_t> SqliteStore::remove(const cache::Selection& selection) {
  return m_impl->checked(m_impl->connection().and_then([&](Connection* c) { return store::remove(*c, selection); }));
}

base::Result<void> SqliteStore::clear() {
  return m_impl->clear();
}

cache::StoreSize SqliteStore::size() const {
  return m_impl->size();
}

std::string SqliteStore::degraded() const {
  return m_impl->degraded();
}

}  // namespace ghoard::store
