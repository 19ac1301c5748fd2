#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/time.hpp"

namespace ghoard::http {

/// An HTTP-date in any of the three forms of RFC 9110 section 5.6.7; nothing for any other text.
[[nodiscard]] std::optional<base::WallTime> parse_http_date(std::string_view text);
/// The preferred form: "Sun, 06 Nov 1994 08:49:37 GMT".
[[nodiscard]] std::string format_http_date(base::WallTime time);

/// Retry-After (RFC 9110 section 10.2.3): a number of seconds or an HTTP-date relative to `now`, never negative,
/// at most 24 h; nothing for malformed text.
[[nodiscard]] std::optional<base::Seconds> parse_retry_after(std::string_view text, base::WallTime now);

}  // namespace ghoard::http
