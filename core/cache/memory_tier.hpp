#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <unordered_map>

#include "core/cache/entry.hpp"
#include "core/github/invalidation.hpp"

namespace ghoard::cache {

/// The hottest entries by (resource, token), least recently used out first, bounded in bytes. Sits over the durable
/// store and never knows anything that the store was not told too. One thread.
class MemoryTier {
 public:
  explicit MemoryTier(std::uint64_t max_bytes) : m_max_bytes(max_bytes) {}

  /// The entry, or nullptr; moves it to the front. Shared so that an answer under way outlives eviction.
  [[nodiscard]] std::shared_ptr<const Entry> find(const ResourceKey& key, const Fingerprint& fingerprint);
  void put(const Resource& resource, const ResourceKey& key, std::shared_ptr<const Entry> entry);

  void drop(const ResourceKey& key, const Fingerprint& fingerprint);
  void drop_all(const Fingerprint& fingerprint);
  /// Drops every entry that a tag names; the store keeps them, marked.
  void drop_matching(std::span<const github::Tag> tags);
  void clear();

  [[nodiscard]] std::uint64_t bytes() const { return m_bytes; }
  [[nodiscard]] std::size_t size() const { return m_index.size(); }

 private:
  struct Pair {
    ResourceKey key;
    Fingerprint fingerprint;
    bool operator==(const Pair&) const = default;
  };
  struct PairHash {
    std::size_t operator()(const Pair& pair) const noexcept {
      return base::DigestHash{}(pair.key) ^ (base::DigestHash{}(pair.fingerprint) * 0x9E3779B97F4A7C15ULL);
    }
  };
  struct Node {
    Pair pair;
    std::string host;
    std::string path;
    std::shared_ptr<const Entry> entry;
    std::uint64_t bytes = 0;
  };
  using Order = std::list<Node>;

  void erase(Order::iterator node);

  std::uint64_t m_max_bytes;
  std::uint64_t m_bytes = 0;
  Order m_order;  // front: used last
  std::unordered_map<Pair, Order::iterator, PairHash> m_index;
};

}  // namespace ghoard::cache
