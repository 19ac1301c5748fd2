#pragma once

#include <cstdlib>

namespace ghoard::testing {

/// How many rounds a storm runs: GHOARD_SOAK_ROUNDS, or few in the ordinary suite.
[[nodiscard]] inline int soak_rounds(int ordinary) {
  const char* text = std::getenv("GHOARD_SOAK_ROUNDS");
  const int rounds = text != nullptr ? std::atoi(text) : 0;
  return rounds > 0 ? rounds : ordinary;
}

/// Whether this is a soak: what takes minutes runs only then.
[[nodiscard]] inline bool is_soak() {
  return soak_rounds(0) > 0;
}

}  // namespace ghoard::testing
