#pragma once

#include "core/http/message.hpp"

namespace ghoard::mesh {

inline constexpr std::size_t most_header_fields = 64;
inline constexpr std::size_t longest_header_name = 64;
inline constexpr std::size_t longest_header_value = 8 * 1024;

/// RFC 9110 section 5.5: no control characters besides the tab, above all no CR, LF or NUL.
[[nodiscard]] bool is_field_value(std::string_view text);

/// Of an answer's headers those that another machine may hand out: an allow-list, so that no cookie, session or request
/// id of one machine's exchange reaches another. Well-formed ones only, at most `most_header_fields`.
[[nodiscard]] http::Headers shareable_headers(const http::Headers& headers);
/// As shareable_headers, and what GitHub says to the token that was refused: its limits, and how to get authorized.
[[nodiscard]] http::Headers outcome_headers(const http::Headers& headers);

}  // namespace ghoard::mesh
