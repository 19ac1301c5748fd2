#include "net/overlay/quiet_log.hpp"

#include <utility>

namespace ghoard::overlay {

void QuietLog::say(std::string_view cause, const std::string& line) {
  if (!m_write) {
    return;
  }
  const base::MonoTime now = m_clock.mono();
  auto found = m_causes.find(cause);
  if (found == m_causes.end()) {
    if (m_causes.size() >= most_causes) {
      return;
    }
    found = m_causes.emplace(std::string(cause), Cause{now - m_interval, 0}).first;
  }
  Cause& state = found->second;
  if (now - state.last < m_interval) {
    ++state.left_out;
    return;
  }
  const std::uint64_t left_out = std::exchange(state.left_out, 0);
  state.last = now;
  m_write(left_out == 0 ? line : line + " (and " + std::to_string(left_out) + " more like it)");
}

}  // namespace ghoard::overlay
