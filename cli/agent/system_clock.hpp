#pragma once

#include <chrono>

#include "core/base/time.hpp"

namespace ghoard::agent {

/// The machine's clocks, for everything in the agent that takes a Clock.
class SystemClock final : public base::Clock {
 public:
  [[nodiscard]] base::WallTime wall() const override {
    return std::chrono::time_point_cast<base::Millis>(std::chrono::system_clock::now());
  }
  [[nodiscard]] base::MonoTime mono() const override {
    return std::chrono::time_point_cast<base::Millis>(std::chrono::steady_clock::now());
  }
};

}  // namespace ghoard::agent
