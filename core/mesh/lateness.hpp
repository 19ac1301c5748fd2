#pragma once

#include "core/base/time.hpp"

namespace ghoard::mesh {

/// How badly this process itself is served: from how late its timers fire. A starved machine must not take its own
/// slowness for the silence of others (Lifeguard: Dadgar et al., 2018).
class Lateness {
 public:
  void note(base::Millis late, base::MonoTime now);
  /// From 1 to 8: 100 ms of lateness add 1, and what was added halves every 5 s.
  [[nodiscard]] double stretch(base::MonoTime now) const;

 private:
  [[nodiscard]] double score(base::MonoTime now) const;

  double m_score = 0;
  base::MonoTime m_noted{};
};

}  // namespace ghoard::mesh
