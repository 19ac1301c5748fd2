#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "core/base/time.hpp"

namespace ghoard::overlay {

/// One line per interval and cause, since peers and strangers choose how often a cause arises. What was left out is
/// counted in the next line. One thread.
class QuietLog {
 public:
  using Write = std::function<void(std::string_view line)>;
  static constexpr std::size_t most_causes = 64;

  QuietLog(Write write, const base::Clock& clock, base::Millis interval)
      : m_write(std::move(write)), m_clock(clock), m_interval(interval) {}

  /// `cause` is one of a small fixed set; `line` says it in full and holds no secret.
  void say(std::string_view cause, const std::string& line);

 private:
  struct Cause {
    base::MonoTime last{};
    std::uint64_t left_out = 0;
  };
  Write m_write;
  const base::Clock& m_clock;
  const base::Millis m_interval;
  std::map<std::string, Cause, std::less<>> m_causes;
};

}  // namespace ghoard::overlay
