#include "cli/agent/unlocked_store.hpp"

namespace ghoard::agent {

namespace {

tl::unexpected<base::Error> held() {
  return base::fail(base::ErrorCode::busy, "another ghoard process holds the cache; try again");
}

}  // namespace

base::Result<std::optional<cache::Entry>> UnlockedStore::find(const cache::ResourceKey& key,
                                                              const cache::Fingerprint& fingerprint) {
  return m_store->find(key, fingerprint);
}

base::Result<std::vector<cache::Entry>> UnlockedStore::candidates(const cache::ResourceKey& key, std::size_t limit) {
  return m_store->candidates(key, limit);
}

base::Result<cache::ResponseId> UnlockedStore::put(const cache::Resource& resource, const cache::ResourceKey& key,
                                                   const cache::Entry& entry) {
  return m_store->put(resource, key, entry);
}

base::Result<void> UnlockedStore::renew(const cache::ResourceKey& key, const cache::Entry& entry) {
  return m_store->renew(key, entry);
}

base::Result<void> UnlockedStore::revoke(const cache::ResourceKey& key, const cache::Fingerprint& fingerprint) {
  return m_store->revoke(key, fingerprint);
}

base::Result<void> UnlockedStore::revoke_all(const cache::Fingerprint& fingerprint) {
  // The private store all the same: after a 401 nothing in it is this token's any more.
  static_cast<void>(m_store->revoke_all(fingerprint));
  return held();
}

base::Result<void> UnlockedStore::invalidate(std::span<const github::Tag> tags) {
  static_cast<void>(m_store->invalidate(tags));
  return held();
}

void UnlockedStore::touch(std::span<const cache::ResponseId> ids, base::WallTime now) {
  m_store->touch(ids, now);
}

base::Result<std::vector<cache::Listing>> UnlockedStore::list(const cache::Selection& selection, std::size_t limit) {
  return m_store->list(selection, limit);
}

base::Result<std::uint64_t> UnlockedStore::remove(const cache::Selection&) {
  return held();
}

base::Result<void> UnlockedStore::clear() {
  return held();
}

}  // namespace ghoard::agent
