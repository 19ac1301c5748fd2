#include "net/channel/replay_guard.hpp"

#include <algorithm>
#include <sodium.h>

namespace ghoard::channel {

namespace {
constexpr std::size_t smallest_table = 256;
}

bool ReplayGuard::admit(const noise::PublicKey& ephemeral) {
  if (m_ring.empty()) {
    randombytes_buf(m_key.data(), m_key.size());
  }
  if (m_table.size() < std::min(2 * (m_ring.size() + 1), 2 * capacity)) {
    grow_table();
  }
  const std::uint64_t mark = mark_of(ephemeral);
  if (m_table[place_of(mark)] != 0) {
    return false;
  }
  std::size_t position = m_ring.size();
  if (position < capacity) {
    m_ring.push_back(mark);
  } else {
    position = m_oldest;
    forget(m_ring[position]);
    m_ring[position] = mark;
    m_oldest = (m_oldest + 1) % capacity;
  }
  m_table[place_of(mark)] = static_cast<std::uint32_t>(position + 1);
  return true;
}

std::size_t ReplayGuard::memory() const {
  return m_ring.capacity() * sizeof m_ring[0] + m_table.capacity() * sizeof m_table[0];
}

std::uint64_t ReplayGuard::mark_of(const noise::PublicKey& ephemeral) const {
  std::uint64_t mark = 0;
  static_assert(sizeof mark == crypto_shorthash_BYTES && sizeof m_key == crypto_shorthash_KEYBYTES);
  crypto_shorthash(reinterpret_cast<unsigned char*>(&mark), ephemeral.data(), ephemeral.size(), m_key.data());
  return mark;
}

std::size_t ReplayGuard::place_of(std::uint64_t mark) const {
  const std::size_t mask = m_table.size() - 1;
  std::size_t place = static_cast<std::size_t>(mark) & mask;
  while (m_table[place] != 0 && m_ring[m_table[place] - 1] != mark) {
    place = (place + 1) & mask;
  }
  return place;
}

void ReplayGuard::grow_table() {
  m_table.assign(std::max(smallest_table, m_table.size() * 2), 0);
  for (std::size_t i = 0; i < m_ring.size(); ++i) {
    m_table[place_of(m_ring[i])] = static_cast<std::uint32_t>(i + 1);
  }
}

void ReplayGuard::forget(std::uint64_t mark) {
  // Deletion by shifting back: what follows in the same run moves up unless it already stands at its own place.
  const std::size_t mask = m_table.size() - 1;
  std::size_t hole = place_of(mark);
  for (std::size_t next = (hole + 1) & mask; m_table[next] != 0; next = (next + 1) & mask) {
    const std::size_t home = static_cast<std::size_t>(m_ring[m_table[next] - 1]) & mask;
    if (((next - home) & mask) >= ((next - hole) & mask)) {
      m_table[hole] = m_table[next];
      hole = next;
    }
  }
  m_table[hole] = 0;
}

}  // namespace ghoard::channel
