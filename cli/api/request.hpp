#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/api/arguments.hpp"
#include "cli/settings/settings.hpp"
#include "core/base/result.hpp"
#include "core/http/message.hpp"

namespace ghoard::api {

/// The headers of the request: gh's own, `-H`, `--preview`, and the freshness flags as Cache-Control. `-H` adds a field
/// and takes the place of a default; Host, framing fields and an empty Authorization are left out.
[[nodiscard]] base::Result<http::Headers> request_headers(const Arguments& arguments, std::string_view time_zone);

/// A length that `-H Content-Length:` gives to a body from standard input.
[[nodiscard]] base::Result<std::optional<std::uint64_t>> stated_length(const Arguments& arguments);

/// "application/vnd.github.a-preview+json, ...": only the first carries the suffix, as gh sends it.
[[nodiscard]] std::string preview_accept(const std::vector<std::string>& names);

/// The IANA name of the local time zone: TZ, else where /etc/localtime points; empty if unknown.
[[nodiscard]] std::string local_time_zone(const settings::Environment& environment);

/// A method is a token (RFC 9110 section 5.6.2), and so is a field name.
[[nodiscard]] bool is_token(std::string_view text);

}  // namespace ghoard::api
