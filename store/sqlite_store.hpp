#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "core/base/result.hpp"
#include "core/cache/store.hpp"

namespace ghoard::store {

struct StoreOptions {
  /// Bodies (each once), headers and a fixed share for each row. An answer whose body is over a fourth of it is not
  /// stored: put fails with too_large and drops the caller's previous grant for the resource.
  std::uint64_t max_bytes = 512ULL << 20;
  /// What statfs(2) says of the file system of a directory; null: ask the system. For tests.
  std::int64_t (*filesystem_type)(const std::filesystem::path&) = nullptr;
  /// Told, in one line, of each database that was moved aside; may be empty. Called from within any operation.
  std::function<void(const std::string& line)> notice;
};

/// A store in memory keeps at most so much, whatever the size limit.
inline constexpr std::uint64_t max_memory_bytes = 64ULL << 20;

/// cache::Store on one SQLite database in WAL mode. One process (the agent) writes; clients read through Reader.
/// A database that cannot be used never stops the agent: see open.
class SqliteStore final : public cache::Store {
 public:
  /// Opens or creates `directory`/cache.db (directory 0700, files 0600). A corrupted database, or one whose schema is
  /// newer than ours, is moved aside (`cache.db.corrupt-N`, `cache.db.schema-V`; the latest two are kept) and a new one
  /// begun; an unwritable or network-mounted directory gives a store in memory, with the reason in degraded(). Always
  /// succeeds.
  static std::unique_ptr<SqliteStore> open(const std::filesystem::path& directory, StoreOptions options);
  /// A private in-memory database; degraded() tells `reason`.
  static std::unique_ptr<SqliteStore> in_memory(StoreOptions options, std::string reason);
  ~SqliteStore() override;

  base::Result<std::optional<cache::Entry>> find(const cache::ResourceKey& key,
                                                 const cache::Fingerprint& fingerprint) override;
  base::Result<std::vector<cache::Entry>> candidates(const cache::ResourceKey& key, std::size_t limit) override;
  base::Result<cache::ResponseId> put(const cache::Resource& resource, const cache::ResourceKey& key,
                                      const cache::Entry& entry) override;
  base::Result<void> renew(const cache::ResourceKey& key, const cache::Entry& entry) override;
  base::Result<void> revoke(const cache::ResourceKey& key, const cache::Fingerprint& fingerprint) override;
  base::Result<void> revoke_all(const cache::Fingerprint& fingerprint) override;
  base::Result<void> invalidate(std::span<const github::Tag> tags) override;
  void touch(std::span<const cache::ResponseId> ids, base::WallTime now) override;
  base::Result<std::vector<cache::Listing>> list(const cache::Selection& selection, std::size_t limit) override;
  base::Result<std::uint64_t> remove(const cache::Selection& selection) override;
  base::Result<void> clear() override;
  [[nodiscard]] cache::StoreSize size() const override;
  [[nodiscard]] std::string degraded() const override;

 private:
  class Impl;
  explicit SqliteStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> m_impl;
};

/// Reads the agent's database without writing to it, from another process, while the agent may be writing or gone. Any
/// open or busy error means "not found": the caller goes on to the agent.
class Reader {
 public:
  static base::Result<Reader> open(const std::filesystem::path& directory);
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  base::Result<std::optional<cache::Entry>> find(const cache::ResourceKey& key, const cache::Fingerprint& fingerprint);
  base::Result<std::vector<cache::Listing>> list(const cache::Selection& selection, std::size_t limit);
  base::Result<cache::StoreSize> size();

 private:
  class Impl;
  explicit Reader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> m_impl;
};

}  // namespace ghoard::store
