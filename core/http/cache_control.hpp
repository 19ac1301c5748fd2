#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/time.hpp"
#include "core/http/message.hpp"

namespace ghoard::http {

/// The request directives of RFC 9111 section 5.2.1 and RFC 5861 section 4 that ghoard obeys.
struct RequestDirectives {
  bool no_cache = false;
  bool no_store = false;
  bool only_if_cached = false;
  std::optional<base::Seconds> max_age;
  /// `max-stale` without an argument is base::Seconds::max().
  std::optional<base::Seconds> max_stale;
  std::optional<base::Seconds> min_fresh;
  std::optional<base::Seconds> stale_if_error;

  bool operator==(const RequestDirectives&) const = default;
};

/// Reads every Cache-Control field; `Pragma: no-cache` counts when there is none (RFC 9111 section 5.4).
/// Unknown directives are ignored; a malformed or negative number makes its directive count as 0 seconds
/// for max-age, min-fresh and stale-if-error and as absent for max-stale (the stricter reading);
/// numbers above 2^31 saturate (RFC 9111 section 1.2.2).
[[nodiscard]] RequestDirectives parse_request_directives(const Headers& headers);

/// The field value that says the same; empty when nothing is asked for. Order is fixed.
[[nodiscard]] std::string format_request_directives(const RequestDirectives& directives);

/// The response directives that decide what may be kept (RFC 9111 section 5.2.2).
struct ResponseDirectives {
  bool no_store = false;
  bool no_cache = false;
  std::optional<base::Seconds> max_age;

  bool operator==(const ResponseDirectives&) const = default;
};

[[nodiscard]] ResponseDirectives parse_response_directives(const Headers& headers);

}  // namespace ghoard::http
