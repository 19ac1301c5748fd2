#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/standin/message.hpp"

// Small text functions of the stand-in's own: it checks the product, so it borrows none of the product's logic.
namespace ghoard::standin {

[[nodiscard]] std::string decode_percent(std::string_view text, bool plus_is_space);
[[nodiscard]] std::string encode_component(std::string_view text);
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);
[[nodiscard]] Params parse_query(std::string_view query);

[[nodiscard]] std::string base64_encode(std::string_view bytes);
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);  ///< line breaks are skipped

/// 40 hex digits that stand for a git object name; deterministic, though not git's own SHA-1.
[[nodiscard]] std::string object_name(std::string_view kind, std::string_view content);

/// "2024-01-01T00:00:00Z" and back.
[[nodiscard]] std::string iso_time(std::int64_t unix_seconds);
[[nodiscard]] std::optional<std::int64_t> parse_iso_time(std::string_view text);
/// "Mon, 01 Jan 2024 00:00:00 GMT" and back (IMF-fixdate only).
[[nodiscard]] std::string http_date(std::int64_t unix_seconds);
[[nodiscard]] std::optional<std::int64_t> parse_date(std::string_view text);

[[nodiscard]] std::optional<long> parse_number(std::string_view text);
/// True if `list`, comma-separated, has `item`.
[[nodiscard]] bool list_has(std::string_view list, std::string_view item);

}  // namespace ghoard::standin
