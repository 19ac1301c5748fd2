#include "cli/api/page_info.hpp"

#include "cli/api/json_reader.hpp"

namespace ghoard::api {

namespace {

struct PageInfo {
  std::optional<std::string> end_cursor;  // null counts as absent
  std::optional<bool> has_next_page;
};

// Reads the members of an object whose opening brace was just taken.
PageInfo read_page_info(JsonReader& reader) {
  PageInfo info;
  const std::size_t depth = reader.depth();
  std::string key;
  for (JsonToken token = reader.next(); token.kind != JsonKind::error; token = reader.next()) {
    if (reader.depth() < depth) {
      break;
    }
    if (reader.depth() > depth) {
      continue;
    }
    if (token.kind == JsonKind::key) {
      key = decode_json_string(token.raw);
    } else if (token.kind == JsonKind::string && key == "endCursor") {
      info.end_cursor = decode_json_string(token.raw);
    } else if (token.kind == JsonKind::boolean && key == "hasNextPage") {
      info.has_next_page = token.raw == "true";
    }
  }
  return info;
}

}  // namespace

std::optional<std::string> find_end_cursor(std::string_view body) {
  JsonReader reader(body);
  bool page_info_follows = false;
  for (JsonToken token = reader.next(); token.kind != JsonKind::end && token.kind != JsonKind::error;
       token = reader.next()) {
    if (page_info_follows && token.kind == JsonKind::begin_object) {
      PageInfo info = read_page_info(reader);
      if (info.end_cursor && info.has_next_page) {
        return *info.has_next_page && !info.end_cursor->empty() ? std::move(info.end_cursor) : std::nullopt;
      }
    }
    page_info_follows = token.kind == JsonKind::key && token.raw == "\"pageInfo\"";
  }
  return std::nullopt;
}

}  // namespace ghoard::api
