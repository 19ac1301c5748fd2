#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace ghoard::settings {

/// One `key = value` of a config.toml.
struct TomlLine {
  enum class Type {
    boolean,
    integer,
    string,
    list,   ///< an array of strings; `text` joins them with commas
    other,  ///< a float, a date, or no TOML at all
  };
  std::string key;
  Type type = Type::other;
  std::string text;       ///< escapes resolved; integers without underscores
  std::size_t line = 0;   ///< where the value begins, from 1
  std::size_t begin = 0;  ///< the value's bytes in the file
  std::size_t end = 0;
};

struct TomlError {
  std::size_t line = 0;
  std::string message;
};

/// Reads the part of TOML 1.0 that a config.toml needs: bare keys, booleans, decimal integers, one-line strings, arrays
/// of strings, comments. What it accepts means the same to any TOML reader; tables, dotted keys and multi-line strings
/// are errors that say so. Ours, since toml++ 3.3 (Debian 12) runs into assertions and undefined behaviour on malformed
/// input, e.g. `[=]`, `a = [1, }` and `a = 0é`.
[[nodiscard]] tl::expected<std::vector<TomlLine>, TomlError> parse_toml_lines(std::string_view text);

}  // namespace ghoard::settings
