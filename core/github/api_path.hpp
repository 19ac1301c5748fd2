#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace ghoard::github {

/// What a path of the REST API is about, by its first segments.
enum class Scope {
  other,
  repository,    ///< /repos/{owner}/{repo}/... and its alias /repositories/{id}/...
  organisation,  ///< /orgs/{org}/... and its alias /organizations/{id}/...
  user,          ///< /users/{name}/...
};

/// A canonical path taken apart: what enterprise servers put in front, the scope, and the segments below it. Views into
/// the path, which must outlive it.
class ApiPath {
 public:
  static constexpr std::size_t most_segments = 48;

  explicit ApiPath(std::string_view path);

  /// "/api/v3" or "/api/uploads" on enterprise servers, else empty.
  [[nodiscard]] std::string_view prefix() const { return m_prefix; }
  [[nodiscard]] Scope scope() const { return m_scope; }

  /// All segments below the prefix.
  [[nodiscard]] std::size_t size() const { return m_count; }
  [[nodiscard]] std::string_view operator[](std::size_t index) const {
    return index < m_count ? m_segments[index] : std::string_view();
  }
  /// How many segments name the scope: 3 of /repos/o/r/issues, 2 of /orgs/o/teams, 0 elsewhere.
  [[nodiscard]] std::size_t scope_size() const { return m_scope_size; }
  /// True for /repos/{owner}/{repo}, false for the alias by number.
  [[nodiscard]] bool named() const { return m_named; }
  /// True when there are more than most_segments; those beyond are left out.
  [[nodiscard]] bool cut() const { return m_cut; }

 private:
  void find_scope();

  std::string_view m_prefix;
  std::array<std::string_view, most_segments> m_segments;
  std::size_t m_count = 0;
  std::size_t m_scope_size = 0;
  Scope m_scope = Scope::other;
  bool m_named = false;
  bool m_cut = false;
};

/// Length of the enterprise prefix of `path`, 0 if it has none.
[[nodiscard]] std::size_t enterprise_prefix(std::string_view path);

/// True for paths that servers may read differently than we do: with "." or ".." or empty segments. A single slash at
/// the end is fine.
[[nodiscard]] bool has_odd_segments(std::string_view path);

[[nodiscard]] bool is_hex(std::string_view text, std::size_t size);

}  // namespace ghoard::github
