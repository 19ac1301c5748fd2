#pragma once

#include <optional>
#include <string_view>

#include "core/base/time.hpp"
#include "core/github/canonical.hpp"

namespace ghoard::github {

/// How answers of one family of routes behave; a row of the route table.
struct RouteClass {
  std::string_view name;           ///< for `cache ls` and the manual: "repository", "workflow run", ...
  base::Seconds lifetime{300};     ///< fresh for so long
  bool uses_default_ttl = false;   ///< `lifetime` is the user's default TTL
  bool immutable = false;          ///< the answer can never change (git objects by 40-hex SHA)
  bool identity_relative = false;  ///< the answer depends on who asks: /user, /notifications, search, ...
  bool never = false;              ///< never cached: /rate_limit, tokens, ...
};

/// The class of a resource; routes without a row get the default row. Reads the table in routes_table.cpp.
[[nodiscard]] const RouteClass& classify(const Resource& resource);

/// Lifetimes that the caller's settings and the answer itself decide.
struct LifetimeContext {
  base::Seconds default_ttl{300};
};

/// How long an answer with this status and these headers stays fresh; nothing: it must not be kept.
/// 200, 203, 301, 308, 404 and 410 may be kept; 404/410 for at most 30 s; 301/308 for at most 300 s and only within the
/// resource's host; contents with a token in `download_url` for at most 60 s; `X-Poll-Interval` is a floor; anything
/// else (`no-store`, `Vary: *`, 202, 302, 307, 401, 403, 429, 5xx, ...) never.
[[nodiscard]] std::optional<base::Seconds> lifetime_of(const RouteClass& route, const Resource& resource, int status,
                                                       const http::Headers& headers, std::string_view body,
                                                       const LifetimeContext& context);

/// True when a 304 could hide a change: a full last page without `rel="next"` (the ETag ignores Link).
[[nodiscard]] bool may_hide_new_page(const Resource& resource, const http::Headers& headers, std::string_view body);

/// True for contents JSON whose `download_url` carries a query: it holds an access token of the caller.
[[nodiscard]] bool carries_download_token(const Resource& resource, std::string_view body);

}  // namespace ghoard::github
