#pragma once

#include <chrono>

namespace ghoard::base {

/// Wall-clock time in milliseconds since the Unix epoch. Stored on disk and compared with HTTP dates;
/// it may jump, so anything "from the future" is treated as stale, never as fresh.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// Monotonic time in milliseconds, for deadlines inside one process; never stored.
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::milliseconds>;

using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

/// Where `core` gets the time from. Implementations: the system clock in cli/, ManualClock in tests.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual WallTime wall() const = 0;
  [[nodiscard]] virtual MonoTime mono() const = 0;
};

}  // namespace ghoard::base
