#pragma once

#include <cstdint>
#include <deque>
#include <unordered_set>

#include "core/cache/entry.hpp"

namespace ghoard::cache {

/// Entries that came from a peer and from which nobody here has been answered: the first answer is counted as a peer
/// hit. The 65,536 latest; in memory, by 64 bits of two hashes, since a mistake is only one of counting. One thread.
class PeerMarks {
 public:
  void add(const ResourceKey& key, const Fingerprint& fingerprint);
  [[nodiscard]] bool has(const ResourceKey& key, const Fingerprint& fingerprint) const;
  /// Whether it was marked; it is not any more.
  bool take(const ResourceKey& key, const Fingerprint& fingerprint);

  [[nodiscard]] std::size_t size() const { return m_marked.size(); }
  static constexpr std::size_t capacity = 65'536;

 private:
  std::unordered_set<std::uint64_t> m_marked;
  std::deque<std::uint64_t> m_order;  // oldest first; some are taken already
};

}  // namespace ghoard::cache
