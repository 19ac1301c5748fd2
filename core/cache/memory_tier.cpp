#include "core/cache/memory_tier.hpp"

#include <algorithm>

namespace ghoard::cache {

namespace {

/// Charged for the containers, nodes and small strings around one entry, so that many tiny entries stay bounded.
constexpr std::uint64_t entry_overhead = 1024;

std::uint64_t cost_of(const Entry& entry) {
  std::uint64_t bytes = entry_overhead + entry.response.body->size();
  for (const http::Header& field : entry.response.headers) {
    bytes += field.name.size() + field.value.size() + sizeof(http::Header);
  }
  return bytes;
}

}  // namespace

std::shared_ptr<const Entry> MemoryTier::find(const ResourceKey& key, const Fingerprint& fingerprint) {
  const auto found = m_index.find(Pair{key, fingerprint});
  if (found == m_index.end()) {
    return nullptr;
  }
  m_order.splice(m_order.begin(), m_order, found->second);
  return found->second->entry;
}

void MemoryTier::put(const Resource& resource, const ResourceKey& key, std::shared_ptr<const Entry> entry) {
  const Pair pair{key, entry->grant.fingerprint};
  if (const auto found = m_index.find(pair); found != m_index.end()) {
    erase(found->second);
  }
  const std::uint64_t cost = cost_of(*entry);
  if (cost > m_max_bytes / 4) {
    return;  // one huge answer must not push everything else out; the store still has it
  }
  m_order.push_front(Node{pair, resource.host, resource.path, std::move(entry), cost});
  m_index.emplace(pair, m_order.begin());
  m_bytes += cost;
  while (m_bytes > m_max_bytes) {
    erase(std::prev(m_order.end()));
  }
}

void MemoryTier::drop(const ResourceKey& key, const Fingerprint& fingerprint) {
  if (const auto found = m_index.find(Pair{key, fingerprint}); found != m_index.end()) {
    erase(found->second);
  }
}

void MemoryTier::drop_all(const Fingerprint& fingerprint) {
  for (auto node = m_order.begin(); node != m_order.end();) {
    const auto current = node++;
    if (current->pair.fingerprint == fingerprint) {
      erase(current);
    }
  }
}

void MemoryTier::drop_matching(std::span<const github::Tag> tags) {
  for (auto node = m_order.begin(); node != m_order.end();) {
    const auto current = node++;
    const bool hit = std::any_of(tags.begin(), tags.end(),
                                 [&](const github::Tag& tag) { return tag.matches(current->host, current->path); });
    if (hit) {
      erase(current);
    }
  }
}

void MemoryTier::clear() {
  m_index.clear();
  m_order.clear();
  m_bytes = 0;
}

void MemoryTier::erase(Order::iterator node) {
  m_bytes -= node->bytes;
  m_index.erase(node->pair);
  m_order.erase(node);
}

}  // namespace ghoard::cache
