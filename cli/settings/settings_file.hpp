#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace ghoard::settings {

/// One `key = value` line of config.toml, its value as text: booleans true/false, arrays joined by commas.
struct FileValue {
  std::string key;
  std::string text;
  std::size_t line = 0;
  /// Where the value stands in the file's text, as byte offsets.
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Reads a config.toml. Malformed TOML, unknown keys and values of a wrong type are errors that begin "NAME:LINE: ".
[[nodiscard]] base::Result<std::vector<FileValue>> parse_settings_file(std::string_view text, std::string_view name);

/// The text with `key` set, everything else as it was. `value` is in normal form.
[[nodiscard]] base::Result<std::string> edit_settings_file(std::string_view text, std::string_view name,
                                                           std::string_view key, std::string_view value);

/// The file's text; nothing if it does not exist. At most 1 MiB.
[[nodiscard]] base::Result<std::optional<std::string>> read_settings_file(const std::filesystem::path& file);

}  // namespace ghoard::settings
