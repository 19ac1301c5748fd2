#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ghoard::mesh {

/// What the registry reads of GitHub's answers. All else in them is dropped while it is parsed, so that what strangers
/// write costs no memory. Nothing, where the answer is not of the expected form.

struct IssuePage {
  std::size_t items = 0;               ///< on this page, pull requests among them
  std::vector<std::uint64_t> numbers;  ///< of issues with the title; ascending
};
[[nodiscard]] std::optional<IssuePage> read_issue_page(std::string_view json, std::string_view title);

struct CommentText {
  std::uint64_t id = 0;
  std::string body;
};
struct CommentPage {
  std::size_t items = 0;
  std::vector<CommentText> comments;  ///< those whose body is at most longest_comment long
};
[[nodiscard]] std::optional<CommentPage> read_comment_page(std::string_view json);

/// The number that a created issue ("number") or comment ("id") was given.
[[nodiscard]] std::optional<std::uint64_t> read_created(std::string_view json, std::string_view name);

}  // namespace ghoard::mesh
