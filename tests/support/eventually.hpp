#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

#include "core/base/time.hpp"

namespace ghoard::testing {

/// Polls `condition` until it holds or the deadline has passed; says whether it held. Pauses grow from 1 to 20 ms.
template <class Condition>
[[nodiscard]] bool eventually(Condition&& condition, base::Millis deadline = base::Seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  base::Millis pause{1};
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) {
      return false;
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, base::Millis{20});
  }
  return true;
}

}  // namespace ghoard::testing
