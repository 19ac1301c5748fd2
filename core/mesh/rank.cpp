#include "core/mesh/rank.hpp"

#include "core/mesh/members.hpp"

namespace ghoard::mesh {

namespace {

/// The finalizer of splitmix64 (Steele, Lea and Flood 2014): every input bit changes half of the output bits.
std::uint64_t mix(std::uint64_t value) {
  value ^= value >> 30;
  value *= 0xbf58476d1ce4e5b9;
  value ^= value >> 27;
  value *= 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

}  // namespace

std::uint64_t rank_seed(const std::array<std::uint8_t, 32>& bytes) {
  std::uint64_t seed = 0;
  for (std::size_t word = 0; word < bytes.size(); word += 8) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      value = value << 8 | bytes[word + i];
    }
    seed = mix(seed + 0x9e3779b97f4a7c15 + value);
  }
  return seed;
}

std::uint64_t rank_of(std::uint64_t slot_seed, std::uint64_t peer_seed) {
  return mix(slot_seed ^ peer_seed);
}

std::uint64_t rank(const SlotKey& slot, const PeerId& peer) {
  return rank_of(rank_seed(slot.bytes), rank_seed(peer.key));
}

}  // namespace ghoard::mesh
