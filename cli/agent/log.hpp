#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/time.hpp"

namespace ghoard::agent {

/// Lines on a descriptor: `2026-01-01T00:00:00Z level text`. At most 40 at once and 2 a second after that, so that
/// nobody can fill the disk through it; what was left out is counted in the next line. A file above 8 MiB begins anew.
/// Callers put no token in.
class Log {
 public:
  enum class Level { info, warning, error };

  Log(const base::Clock& clock, int descriptor, Level least)
      : m_clock(clock), m_descriptor(descriptor), m_least(least) {}

  void info(std::string_view text) { line(Level::info, text); }
  void warning(std::string_view text) { line(Level::warning, text); }
  void error(std::string_view text) { line(Level::error, text); }

 private:
  void line(Level level, std::string_view text);
  bool may_write();
  void put(Level level, std::string_view text);

  const base::Clock& m_clock;
  int m_descriptor;
  Level m_least;
  double m_tokens = 40;
  base::MonoTime m_filled{};
  std::uint64_t m_left_out = 0;
};

}  // namespace ghoard::agent
