#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "core/base/time.hpp"

namespace ghoard::channel {

/// What a peer may ask for: a token bucket of 2,000 messages a second that holds one second's worth. It may go into
/// debt by what one reading brought; until the debt is paid nothing more should be read.
class MessageRate {
 public:
  static constexpr std::int64_t per_second = 2000;

  /// Until when reading should pause; empty if it may go on. `now` never goes back.
  [[nodiscard]] std::optional<base::MonoTime> take(std::size_t messages, base::MonoTime now) {
    constexpr std::int64_t per_milli = per_second / 1000;
    if (m_since) {
      // Clipped before it is multiplied, so that no clock can overflow it.
      const std::int64_t passed = std::clamp<std::int64_t>((now - *m_since).count(), 0, 1'000'000);
      m_tokens = std::min(per_second, m_tokens + passed * per_milli);
    }
    m_since = now;
    m_tokens -= static_cast<std::int64_t>(messages);
    if (m_tokens >= 0) {
      return std::nullopt;
    }
    return now + base::Millis((-m_tokens + per_milli - 1) / per_milli);
  }

 private:
  std::int64_t m_tokens = per_second;
  std::optional<base::MonoTime> m_since;
};

}  // namespace ghoard::channel
