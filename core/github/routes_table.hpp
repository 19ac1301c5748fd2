#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/github/api_path.hpp"
#include "core/github/routes.hpp"

namespace ghoard::github {

/// A route pattern, taken apart when compiled. `{}` stands for any one segment, `{sha}` for 40 hexadecimal digits,
/// `{*}` (at most once) for one or more segments: file paths and branch names have slashes in them.
struct Pattern {
  std::array<std::string_view, 8> parts{};
  std::uint8_t count = 0;
  std::int8_t star = -1;  ///< index of `{*}`

  // NOLINTNEXTLINE(google-explicit-constructor): rows of the table read better without a name.
  consteval Pattern(const char* text) {
    std::string_view rest = text;
    while (!rest.empty()) {
      const std::size_t end = rest.find('/', 1);
      parts.at(count) = rest.substr(1, end == std::string_view::npos ? end : end - 1);
      if (parts.at(count) == "{*}") {
        star = static_cast<std::int8_t>(count);
      }
      ++count;
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
    }
  }

  /// Holds the segments of `path` from `first` on against the pattern.
  [[nodiscard]] bool matches(const ApiPath& path, std::size_t first) const;
};

struct RouteRow {
  Pattern pattern;
  RouteClass route;
};

/// The rows for the part of a path below its scope; the first that matches counts.
[[nodiscard]] std::span<const RouteRow> route_rows(Scope scope);

/// Classes that depend on more than the path.
[[nodiscard]] const RouteClass& default_route();
[[nodiscard]] const RouteClass& contents_at_commit_route();
[[nodiscard]] const RouteClass& binary_route();

/// Names that code asks for.
inline constexpr std::string_view contents_route_name = "contents";

}  // namespace ghoard::github
