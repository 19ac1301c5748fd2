#pragma once

#include <cstdint>

#include "store/connection.hpp"

namespace ghoard::store {

// Each runs inside of the caller's transaction.

/// Removes least recently used responses, never `keep`, until what is charged is at most `max_bytes`; how many went.
[[nodiscard]] base::Result<std::uint64_t> evict(Connection& connection, std::int64_t keep, std::uint64_t max_bytes);

/// Removes at most `steps` grants of revoked tokens, with the responses that nobody else was granted.
[[nodiscard]] base::Result<void> sweep_revoked(Connection& connection, std::int64_t steps);

/// How much of that accompanies another write.
inline constexpr std::int64_t sweep_step = 32;

}  // namespace ghoard::store
