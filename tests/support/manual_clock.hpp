#pragma once

#include "core/base/time.hpp"

namespace ghoard::testing {

/// A clock that moves only when told. Begins at 2026-01-01 00:00:00 UTC.
class ManualClock final : public base::Clock {
 public:
  [[nodiscard]] base::WallTime wall() const override { return m_wall; }
  [[nodiscard]] base::MonoTime mono() const override { return m_mono; }
  void advance(base::Millis step) {
    m_wall += step;
    m_mono += step;
  }
  /// The wall clock alone jumps, as when somebody sets it.
  void jump_wall(base::Millis step) { m_wall += step; }

 private:
  base::WallTime m_wall{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};
  base::MonoTime m_mono{base::Millis{1'000'000}};
};

}  // namespace ghoard::testing
