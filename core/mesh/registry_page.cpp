#include "core/mesh/registry_page.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/mesh/registry_record.hpp"

namespace ghoard::mesh {

namespace {

using nlohmann::json;

constexpr std::size_t most_items = 100;  ///< GitHub's longest page

/// Keeps the named members of objects at `level`, texts up to `longest` and nothing deeper; the value itself may be
/// anything still. Discarded if it is no JSON.
template <std::size_t count>
json parse_some(std::string_view text, int level, const char* const (&names)[count], std::size_t longest) {
  const auto keep = [&](int depth, json::parse_event_t event, json& parsed) {
    switch (event) {
      case json::parse_event_t::key: {
        const std::string* name = parsed.get_ptr<const std::string*>();
        return depth == level && name != nullptr &&
               std::any_of(std::begin(names), std::end(names), [&](const char* wanted) { return *name == wanted; });
      }
      case json::parse_event_t::value: return !parsed.is_string() || parsed.get_ref<std::string&>().size() <= longest;
      case json::parse_event_t::object_start:
      case json::parse_event_t::object_end:
      case json::parse_event_t::array_start:
      case json::parse_event_t::array_end: return true;
    }
    return true;
  };
  return json::parse(text, keep, false);
}

/// 0: it is none.
std::uint64_t number_at(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

const std::string* text_at(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : found->get_ptr<const std::string*>();
}

}  // namespace

std::optional<IssuePage> read_issue_page(std::string_view text, std::string_view title) {
  static constexpr const char* names[] = {"number", "title", "pull_request"};
  const json list = parse_some(text, 2, names, title.size());
  if (!list.is_array()) {
    return std::nullopt;
  }
  IssuePage page;
  for (const json& item : list) {
    if (!item.is_object() || ++page.items > most_items) {
      continue;
    }
    const std::string* found = text_at(item, "title");
    const std::uint64_t number = number_at(item, "number");
    if (found != nullptr && *found == title && number != 0 && !item.contains("pull_request")) {
      page.numbers.push_back(number);
    }
  }
  std::sort(page.numbers.begin(), page.numbers.end());
  return page;
}

std::optional<CommentPage> read_comment_page(std::string_view text) {
  static constexpr const char* names[] = {"id", "body"};
  const json list = parse_some(text, 2, names, longest_comment);
  if (!list.is_array()) {
    return std::nullopt;
  }
  CommentPage page;
  for (const json& item : list) {
    if (!item.is_object() || ++page.items > most_items) {
      continue;
    }
    const std::string* body = text_at(item, "body");
    const std::uint64_t id = number_at(item, "id");
    if (body != nullptr && id != 0) {
      page.comments.push_back({id, *body});
    }
  }
  return page;
}

std::optional<std::uint64_t> read_created(std::string_view text, std::string_view name) {
  const std::string wanted(name);
  const char* const names[] = {wanted.c_str()};
  const json object = parse_some(text, 1, names, 0);
  if (!object.is_object()) {
    return std::nullopt;
  }
  const std::uint64_t number = number_at(object, wanted.c_str());
  return number == 0 ? std::nullopt : std::optional(number);
}

}  // namespace ghoard::mesh
