#pragma once

#include <cstdint>

#include "core/mesh/message.hpp"

namespace ghoard::mesh {

/// One well-mixed number for all 32 bytes, the same on every machine; rank(slot, peer) = rank_of(seed of each).
[[nodiscard]] std::uint64_t rank_seed(const std::array<std::uint8_t, 32>& bytes);
[[nodiscard]] std::uint64_t rank_of(std::uint64_t slot_seed, std::uint64_t peer_seed);

}  // namespace ghoard::mesh
