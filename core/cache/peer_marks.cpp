#include "core/cache/peer_marks.hpp"

namespace ghoard::cache {

namespace {

std::uint64_t name_of(const ResourceKey& key, const Fingerprint& fingerprint) {
  constexpr std::uint64_t odd = 0x9E3779B97F4A7C15ULL;
  return std::uint64_t{base::DigestHash{}(key)} ^ (std::uint64_t{base::DigestHash{}(fingerprint)} * odd);
}

}  // namespace

void PeerMarks::add(const ResourceKey& key, const Fingerprint& fingerprint) {
  const std::uint64_t name = name_of(key, fingerprint);
  if (!m_marked.insert(name).second) {
    return;
  }
  m_order.push_back(name);
  if (m_order.size() > capacity) {
    m_marked.erase(m_order.front());
    m_order.pop_front();
  }
}

bool PeerMarks::has(const ResourceKey& key, const Fingerprint& fingerprint) const {
  return !m_marked.empty() && m_marked.count(name_of(key, fingerprint)) != 0;
}

bool PeerMarks::take(const ResourceKey& key, const Fingerprint& fingerprint) {
  return !m_marked.empty() && m_marked.erase(name_of(key, fingerprint)) != 0;
}

}  // namespace ghoard::cache
