#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ghoard::http {

/// The target of the first link with relation `rel` in a Link field value (RFC 8288 section 3); nothing if absent or
/// malformed before it. Targets are returned as written.
[[nodiscard]] std::optional<std::string> find_link(std::string_view field_value, std::string_view rel);

}  // namespace ghoard::http
