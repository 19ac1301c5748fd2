#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "net/noise/bytes.hpp"

namespace ghoard::channel {

/// Remembers the ephemeral keys of the last 131,072 messages 1 that were proven, so that a recorded one cannot make us
/// do Diffie-Hellman again. Eight bytes of each are kept, a keyed hash (SipHash): nobody can choose two keys to meet.
/// Grows with what it holds, up to 2 MiB; nothing is reserved before the first entry. One thread; not copied.
class ReplayGuard {
 public:
  static constexpr std::size_t capacity = 131'072;

  ReplayGuard() = default;
  ReplayGuard(const ReplayGuard&) = delete;
  ReplayGuard& operator=(const ReplayGuard&) = delete;

  /// Remembers the key; false when it was remembered already. The oldest one makes room.
  [[nodiscard]] bool admit(const noise::PublicKey& ephemeral);
  [[nodiscard]] std::size_t size() const { return m_ring.size(); }
  /// Bytes on the heap.
  [[nodiscard]] std::size_t memory() const;

 private:
  [[nodiscard]] std::uint64_t mark_of(const noise::PublicKey& ephemeral) const;
  /// Where in the table `mark` stands, or the free place where it would.
  [[nodiscard]] std::size_t place_of(std::uint64_t mark) const;
  void grow_table();
  void forget(std::uint64_t mark);

  std::array<std::uint8_t, 16> m_key{};
  std::vector<std::uint64_t> m_ring;  ///< marks in order of arrival
  std::size_t m_oldest = 0;           ///< once the ring is full
  /// Open addressing with linear probing: position in the ring plus one, 0 is free. A power of two, at most half full.
  std::vector<std::uint32_t> m_table;
};

}  // namespace ghoard::channel
