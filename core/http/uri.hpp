#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.hpp"
#include "core/http/message.hpp"

namespace ghoard::http {

/// An absolute http or https URL, taken apart (RFC 3986). User information is refused, a fragment is dropped.
struct Url {
  Origin origin;
  std::string target = "/";  ///< origin-form: path and query, percent-encoded, beginning with '/'
};

/// Fails with invalid_input on another scheme, an empty or malformed host or port, user information, or control
/// characters. Characters that may not stand raw in a target (space, non-ASCII, `"<>\^`{|}`) are percent-encoded.
/// Input over 64 KiB fails with too_large.
[[nodiscard]] base::Result<Url> parse_url(std::string_view text);

/// Resolves a Location value against the URL that answered with it (RFC 3986 section 5.2, RFC 9110 section 10.2.2).
[[nodiscard]] base::Result<Url> resolve(const Url& base, std::string_view location);

/// "host[:port]" as in a Host field or a setting. The scheme decides the default port.
[[nodiscard]] base::Result<Origin> parse_authority(std::string_view text, std::string_view scheme);

/// Splits an origin-form target at the first '?': path, and query without the '?'.
[[nodiscard]] std::pair<std::string_view, std::string_view> split_target(std::string_view target);

/// Encodes what may not stand raw in an origin-form target (space, controls, non-ASCII, `"#<>\^`{|}`); existing
/// percent escapes stay as they are. A '#' is data here: a target has no fragment.
[[nodiscard]] std::string encode_target(std::string_view target);
/// Encodes everything but unreserved characters (RFC 3986 section 2.3), for one path segment or query component.
[[nodiscard]] std::string encode_component(std::string_view text);
/// As application/x-www-form-urlencoded: space becomes '+', as Go's url.QueryEscape does.
[[nodiscard]] std::string encode_query_component(std::string_view text);
/// Undoes percent-encoding; malformed escapes stay as written. '+' becomes a space only if `plus_is_space`.
[[nodiscard]] std::string decode_percent(std::string_view text, bool plus_is_space = false);

/// The pairs of a query in order, undecoded; "a" and "a=" both give an empty value.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> split_query(std::string_view query);

}  // namespace ghoard::http
