#pragma once

#include <memory>
#include <string>

#include "core/cache/store.hpp"

namespace ghoard::agent {

/// The store of a one-shot agent while another process holds the cache. What is promised of the database can be kept
/// only by who holds it, so that invalidating, revoking a token, removing and clearing fail (busy): the engine then
/// sends no write. Everything else goes to `store`, a private one.
class UnlockedStore final : public cache::Store {
 public:
  explicit UnlockedStore(std::unique_ptr<cache::Store> store) : m_store(std::move(store)) {}

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
  [[nodiscard]] cache::StoreSize size() const override { return m_store->size(); }
  [[nodiscard]] std::string degraded() const override { return m_store->degraded(); }

 private:
  std::unique_ptr<cache::Store> m_store;
};

}  // namespace ghoard::agent
