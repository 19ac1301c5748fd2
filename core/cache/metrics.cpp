#include "core/cache/metrics.hpp"

namespace ghoard::cache {

void Metrics::count(Outcome outcome) {
  switch (outcome) {
    case Outcome::hit: ++hits; return;
    case Outcome::peer_hit: ++peer_hits; return;
    case Outcome::coalesced: ++coalesced; return;
    case Outcome::revalidated: ++revalidated; return;
    case Outcome::miss: ++misses; return;
    case Outcome::bypassed: ++bypassed; return;
    case Outcome::error: ++errors; return;
  }
}

}  // namespace ghoard::cache
