#pragma once

#include <cstdint>
#include <string>

#include "core/base/time.hpp"

namespace ghoard::cache {

/// How one request was answered; every request is exactly one of these (contract: `ghoard stats --json`).
enum class Outcome { hit, peer_hit, coalesced, revalidated, miss, bypassed, error };

/// Counters since the agent's start. One thread.
struct Metrics {
  base::WallTime since{};
  std::uint64_t hits = 0;
  std::uint64_t peer_hits = 0;
  std::uint64_t coalesced = 0;
  std::uint64_t revalidated = 0;
  std::uint64_t misses = 0;
  std::uint64_t bypassed = 0;
  std::uint64_t errors = 0;
  std::uint64_t stale_served = 0;
  std::uint64_t api_calls_made = 0;     ///< answers that cost primary quota
  std::uint64_t upstream_requests = 0;  ///< requests that were sent upstream and answered or lost

  void count(Outcome outcome);
  [[nodiscard]] std::uint64_t requests() const {
    return hits + peer_hits + coalesced + revalidated + misses + bypassed + errors;
  }
  [[nodiscard]] std::uint64_t api_calls_saved() const { return hits + peer_hits + coalesced + revalidated; }
};

}  // namespace ghoard::cache
