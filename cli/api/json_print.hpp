#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ghoard::api {

enum class Colour { off, on };

/// One JSON text laid out over lines, two spaces a level, in gh's colours if wanted; ends in a newline. Numbers keep
/// their spelling and members their order. Nothing if the text is no valid JSON: then it is to be shown as it is.
[[nodiscard]] std::optional<std::string> print_json(std::string_view text, Colour colour);

/// A delimiter as `print_json` writes it.
[[nodiscard]] std::string json_delimiter(std::string_view delimiter, Colour colour);

}  // namespace ghoard::api
