#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/time.hpp"
#include "core/github/canonical.hpp"

namespace ghoard::github {

/// The x-ratelimit-* headers of one answer.
struct RateObservation {
  std::string resource;  ///< core, search, graphql, ...; "core" when the header is absent
  std::int64_t limit = 0;
  std::int64_t remaining = 0;
  std::int64_t used = 0;
  base::WallTime reset{};
};
[[nodiscard]] std::optional<RateObservation> parse_rate(const http::Headers& headers);

/// What the last answers said of each token's budget; bounded to 256 tokens x 32 resources, oldest dropped.
/// Concurrent observations of one window merge conservatively (least remaining); those of a past window are ignored.
class RateBook {
 public:
  struct Line {
    std::string host;
    Fingerprint fingerprint;
    RateObservation rate;
    base::WallTime seen{};
  };

  void observe(std::string_view host, const Fingerprint& fingerprint, RateObservation rate, base::WallTime now);
  [[nodiscard]] std::vector<Line> lines() const;

 private:
  std::vector<Line> m_lines;
};

/// True when the answer says that a limit is exhausted (429, or 403 with Retry-After, with x-ratelimit-remaining: 0 or
/// naming a secondary limit): the caller may be served a stale answer instead. A permission 403 is none.
[[nodiscard]] bool is_limited(int status, const http::Headers& headers, std::string_view body);

/// True when the answer cost primary quota: not a 304 to a credentialed request, not /rate_limit.
[[nodiscard]] bool costs_quota(int status, bool anonymous, std::string_view path);

}  // namespace ghoard::github
