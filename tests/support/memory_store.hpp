#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include "core/cache/store.hpp"

namespace ghoard::testing {

/// cache::Store in ordinary containers: the contract in its plainest form, for tests of what stands on it. Holds to the
/// same promises as the real one, durability aside; charges bodies once and headers, without overheads.
class MemoryStore final : public cache::Store {
 public:
  explicit MemoryStore(std::uint64_t max_bytes = std::numeric_limits<std::uint64_t>::max()) : m_max_bytes(max_bytes) {}

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
  [[nodiscard]] std::string degraded() const override { return "kept in memory for a test"; }

 private:
  struct Stored {
    cache::Resource resource;
    cache::ResourceKey key;
    cache::Response response;
    base::WallTime last_used{};
    std::map<cache::Fingerprint, cache::Grant> grants;
  };
  using Responses = std::map<cache::ResponseId, Stored>;

  [[nodiscard]] Responses::iterator same(const cache::ResourceKey& key, const cache::Response& response);
  void grant(Stored& stored, const cache::Entry& entry);
  void take_grant(const cache::ResourceKey& key, const cache::Fingerprint& fingerprint);
  void drop_ungranted();
  void evict(cache::ResponseId keep);
  [[nodiscard]] std::uint64_t bytes() const;

  std::uint64_t m_max_bytes;
  Responses m_responses;
  cache::ResponseId m_last_id = 0;
  std::uint64_t m_evictions = 0;
};

}  // namespace ghoard::testing
