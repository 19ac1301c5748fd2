#include <cstdint>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "store/database.hpp"
#include "store/listing.hpp"
#include "store/location.hpp"
#include "store/row.hpp"
#include "store/schema.hpp"
#include "store/sqlite_store.hpp"
#include "store/statements.hpp"

namespace ghoard::store {

namespace {

/// A reader is one command's detour on its way to the agent: it looks at nothing but a plain file of its own user. Nor
/// does it read where nothing can be written: there the agent has its entries in memory, and cannot mark what is here.
base::Result<void> check_file(const std::filesystem::path& directory, const std::string& file) {
  struct stat status {};
  if (!is_writable(directory) || ::lstat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_uid != ::geteuid()) {
    return base::fail(base::ErrorCode::unavailable, "cache database: none to read");
  }
  return {};
}

}  // namespace

class Reader::Impl {
 public:
  explicit Impl(Database database) : m_database(std::move(database)) {}

  [[nodiscard]] const Database& database() const { return m_database; }

  base::Result<std::optional<cache::Entry>> find(const cache::ResourceKey& key, const cache::Fingerprint& fingerprint) {
    if (base::Result<void> done = prepare(); !done) {
      return tl::unexpected(std::move(done.error()));
    }
    Query query(m_find);
    base::Result<bool> row = query.bind(key).bind(fingerprint).step();
    if (!row) {
      return tl::unexpected(std::move(row.error()));
    }
    std::optional<cache::Entry> entry = *row ? read_entry(query) : std::nullopt;
    if (base::Result<void> same = check_in_place(); !same) {
      return tl::unexpected(std::move(same.error()));
    }
    return entry;
  }

  /// The agent may have given up the file that is open here, because it could not mark it, and put another in its
  /// place. Asked after reading, so that whatever was read was the current database's.
  [[nodiscard]] base::Result<void> check_in_place() const {
    int moved = 0;
    const int result = sqlite3_file_control(m_database.handle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (result != SQLITE_OK || moved != 0) {
      return base::fail(base::ErrorCode::unavailable, "cache database: it was replaced");
    }
    return {};
  }

 private:
  base::Result<void> prepare() {
    if (m_find.handle() != nullptr) {
      return {};
    }
    return m_database.prepare(find_sql()).map([&](Statement statement) { m_find = std::move(statement); });
  }

  Database m_database;
  Statement m_find;
};

base::Result<Reader> Reader::open(const std::filesystem::path& directory) {
  std::error_code error;
  const std::filesystem::path place = std::filesystem::absolute(directory, error);
  const std::string file = (place / database_name).string();
  if (base::Result<void> done = check_file(place, file); !done) {
    return tl::unexpected(std::move(done.error()));
  }
  // No busy timeout: whoever would have to wait asks the agent instead. No mmap: a file that shrinks under a mapping
  // kills the process (SIGBUS).
  base::Result<Database> database = Database::open(file, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX);
  if (!database) {
    return tl::unexpected(std::move(database.error()));
  }
  base::Result<std::int64_t> version = database->integer("PRAGMA user_version");
  if (!version) {
    return tl::unexpected(base::Error{base::ErrorCode::unavailable, std::move(version.error().message)});
  }
  if (*version != schema_version()) {
    return base::fail(base::ErrorCode::unavailable, "cache database: of another version");
  }
  return Reader(std::make_unique<Impl>(std::move(*database)));
}

Reader::Reader(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

base::Result<std::optional<cache::Entry>> Reader::find(const cache::ResourceKey& key,
                                                       const cache::Fingerprint& fingerprint) {
  return m_impl->find(key, fingerprint);
}

base::Result<std::vector<cache::Listing>> Reader::list(const cache::Selection& selection, std::size_t limit) {
  return list_selected(m_impl->database(), selection, limit);
}

base::Result<cache::StoreSize> Reader::size() {
  base::Result<Statement> statement = m_impl->database().prepare(totals_sql);
  if (!statement) {
    return tl::unexpected(std::move(statement.error()));
  }
  Query query(*statement);
  return query.step().and_then([&](bool row) -> base::Result<cache::StoreSize> {
    if (!row || query.integer(0) < 0 || query.integer(1) < 0) {
      return base::fail(base::ErrorCode::corrupted, "cache database: its totals are damaged");
    }
    return cache::StoreSize{static_cast<std::uint64_t>(query.integer(0)), static_cast<std::uint64_t>(query.integer(1)),
                            0};
  });
}

}  // namespace ghoard::store
