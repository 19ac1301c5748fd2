#include "cli/api/placeholders.hpp"

#include <array>
#include <optional>

namespace ghoard::api {

namespace {

struct Name {
  std::string_view word;
  Placeholder meaning;
};
constexpr std::array names{Name{"owner", Placeholder::owner}, Name{"repo", Placeholder::repo},
                           Name{"branch", Placeholder::branch}};

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

struct Found {
  Placeholder meaning;
  std::size_t length;
};

// A placeholder at the very start of `text`.
std::optional<Found> placeholder_at(std::string_view text) {
  for (const Name& name : names) {
    const std::string_view rest = text.substr(1);
    if (!rest.starts_with(name.word)) {
      continue;
    }
    const std::string_view after = rest.substr(name.word.size());
    if (text[0] == '{' && after.starts_with('}')) {
      return Found{name.meaning, name.word.size() + 2};
    }
    if (text[0] == ':' && (after.empty() || !is_word_character(after[0]))) {
      return Found{name.meaning, name.word.size() + 1};
    }
  }
  return std::nullopt;
}

}  // namespace

base::Result<std::string> fill_placeholders(std::string_view text, const PlaceholderValue& value_of) {
  std::string result;
  for (;;) {
    const std::size_t mark = std::min(text.find_first_of("{:"), text.size());
    result += text.substr(0, mark);
    text.remove_prefix(mark);
    if (text.empty()) {
      return result;
    }
    const std::optional<Found> found = placeholder_at(text);
    if (!found) {
      result += text[0];
      text.remove_prefix(1);
      continue;
    }
    const base::Result<std::string> value = value_of(found->meaning);
    if (!value) {
      return tl::unexpected(value.error());
    }
    result += *value;
    text.remove_prefix(found->length);
  }
}

}  // namespace ghoard::api
