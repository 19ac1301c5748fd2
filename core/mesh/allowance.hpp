#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/base/time.hpp"

namespace ghoard::mesh {

/// A token bucket: `most` at once, and one more each `refill`. It begins full. `now` never goes back.
class Allowance {
 public:
  using Micros = std::chrono::microseconds;
  constexpr Allowance(std::size_t most, Micros refill) : m_most(refill * count(most)), m_refill(refill) {}

  [[nodiscard]] bool has(std::size_t tokens, base::MonoTime now) const {
    return credit(now) >= m_refill * count(tokens);
  }
  /// Takes them if they are there.
  [[nodiscard]] bool take(std::size_t tokens, base::MonoTime now) {
    if (!has(tokens, now)) {
      return false;
    }
    m_spent = m_most - credit(now) + m_refill * count(tokens);
    m_since = now;
    return true;
  }
  [[nodiscard]] bool is_full(base::MonoTime now) const { return credit(now) == m_most; }

 private:
  static constexpr std::int64_t count(std::size_t tokens) { return static_cast<std::int64_t>(tokens); }
  [[nodiscard]] Micros credit(base::MonoTime now) const {
    return m_most - std::max(m_spent - std::min<Micros>(now - m_since, m_spent), Micros{0});
  }

  Micros m_most;
  Micros m_refill;
  Micros m_spent{0};  // as of m_since
  base::MonoTime m_since{};
};

}  // namespace ghoard::mesh
