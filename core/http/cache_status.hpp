#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/time.hpp"

namespace ghoard::http {

/// Why a request went upstream: the `fwd` parameter's values of RFC 9211 section 2.2.
enum class Forward { none, bypass, method, uri_miss, vary_miss, miss, request, stale, partial };

/// One entry of the Cache-Status field (RFC 9211) as ghoard writes it:
/// `ghoard; hit; ttl=212; detail=local` or `ghoard; fwd=stale; fwd-status=304; stored`.
struct CacheStatus {
  bool hit = false;
  Forward fwd = Forward::none;
  std::optional<int> fwd_status;
  /// Remaining freshness in seconds; negative when the answer is stale (RFC 9211 section 2.4).
  std::optional<base::Seconds> ttl;
  bool stored = false;
  bool collapsed = false;
  std::string detail;  ///< a token: local, peer, stale, offline, direct, ...

  bool operator==(const CacheStatus&) const = default;
};

[[nodiscard]] std::string format_cache_status(const CacheStatus& status);
/// Reads the entry named `ghoard`; nothing if there is none or it is malformed.
[[nodiscard]] std::optional<CacheStatus> parse_cache_status(std::string_view field_value);

}  // namespace ghoard::http
