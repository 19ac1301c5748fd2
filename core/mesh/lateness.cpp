#include "core/mesh/lateness.hpp"

#include <algorithm>
#include <cmath>

namespace ghoard::mesh {

namespace {

constexpr base::Millis harmless{50};
constexpr double per_unit_ms = 100;
constexpr double half_life_ms = 5'000;
constexpr double highest_score = 7;

}  // namespace

void Lateness::note(base::Millis late, base::MonoTime now) {
  if (late < harmless) {
    return;
  }
  m_score = std::min(highest_score, std::max(score(now), static_cast<double>(late.count()) / per_unit_ms));
  m_noted = now;
}

double Lateness::stretch(base::MonoTime now) const {
  return 1 + score(now);
}

double Lateness::score(base::MonoTime now) const {
  if (m_score == 0 || now < m_noted) {
    return m_score;
  }
  const double decayed = m_score * std::exp2(-static_cast<double>((now - m_noted).count()) / half_life_ms);
  return decayed < 0.01 ? 0 : decayed;
}

}  // namespace ghoard::mesh
