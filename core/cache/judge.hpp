#pragma once

#include "core/base/time.hpp"
#include "core/cache/entry.hpp"
#include "core/http/cache_control.hpp"

namespace ghoard::cache {

/// Hard bounds of the design.
inline constexpr base::Seconds max_grant_life{300};
inline constexpr base::Seconds immutable_grant_life{3600};
inline constexpr base::Seconds max_stale_age{24 * 3600};

/// What may be done with an entry for a caller who holds its grant.
enum class Verdict {
  fresh,       ///< serve it
  stale,       ///< serve it, the caller accepts staleness (max-stale)
  revalidate,  ///< ask upstream first
};

struct Judgement {
  Verdict verdict = Verdict::revalidate;
  base::Seconds age{0};
  base::Seconds ttl{0};  ///< remaining freshness, negative when stale
  /// Whether the entry may stand in when upstream fails: the caller does not forbid it, the age is within the caller's
  /// bounds and `max_stale_age`, and the grant is younger than that.
  bool usable_on_error = false;
};

/// RFC 9111 section 4.2 and 5.2.1, RFC 5861 section 4, with the grant rules of the design. Pure.
[[nodiscard]] Judgement judge(const Entry& entry, const http::RequestDirectives& directives, base::WallTime now);

}  // namespace ghoard::cache
