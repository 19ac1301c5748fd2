#pragma once

#include <string>
#include <string_view>

namespace ghoard::api {

/// Length of the well-formed UTF-8 sequence (RFC 3629: no overlong forms, no surrogates) at the start of `text`; 0 if
/// there is none.
[[nodiscard]] std::size_t utf8_length(std::string_view text);
/// U+FFFD for anything that is no scalar value.
void append_utf8(std::string& out, unsigned code_point);

}  // namespace ghoard::api
