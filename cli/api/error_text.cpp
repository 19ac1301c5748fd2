#include "cli/api/error_text.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "cli/api/json_reader.hpp"

namespace ghoard::api {

namespace {

bool is_container(JsonKind kind) {
  return kind == JsonKind::begin_object || kind == JsonKind::begin_array;
}

// Passes over the container whose opening bracket was just taken.
void skip_container(JsonReader& reader) {
  const std::size_t depth = reader.depth();
  while (reader.depth() >= depth) {
    const JsonToken token = reader.next();
    if (token.kind == JsonKind::error || token.kind == JsonKind::end) {
      return;
    }
  }
}

// `on_member(key, token)` for each member of the object whose opening brace was just taken; a container's content is
// passed over unless the callback took it. False: malformed.
template <class OnMember>
bool each_member(JsonReader& reader, const OnMember& on_member) {
  for (JsonToken key = reader.next(); key.kind == JsonKind::key; key = reader.next()) {
    const std::string name = decode_json_string(key.raw);
    const JsonToken value = reader.next();
    const std::size_t depth = reader.depth();
    if (!on_member(name, value) && is_container(value.kind) && reader.depth() == depth) {
      skip_container(reader);
    }
    if (value.kind == JsonKind::error) {
      return false;
    }
  }
  return true;
}

void append_line(std::string& text, std::string_view line) {
  text += text.empty() ? "" : "\n";
  text += line;
}

// A list of texts and of objects with a `message`; others say nothing that can be shown.
void read_error_list(JsonReader& reader, std::string& text) {
  for (JsonToken token = reader.next(); token.kind != JsonKind::end_array; token = reader.next()) {
    if (token.kind == JsonKind::error || token.kind == JsonKind::end) {
      return;
    }
    if (token.kind == JsonKind::string) {
      append_line(text, decode_json_string(token.raw));
    } else if (token.kind == JsonKind::begin_object) {
      each_member(reader, [&](const std::string& name, const JsonToken& value) {
        if (http::iequals(name, "message") && value.kind == JsonKind::string) {
          append_line(text, decode_json_string(value.raw));
        }
        return false;
      });
    } else if (token.kind == JsonKind::begin_array) {
      skip_container(reader);
    }
  }
}

std::vector<std::string> split_scopes(std::string_view list) {
  std::vector<std::string> scopes;
  for (std::size_t start = 0; start <= list.size();) {
    const std::size_t end = std::min(list.find(',', start), list.size());
    const std::string_view scope = http::trim(list.substr(start, end - start));
    if (!scope.empty()) {
      scopes.emplace_back(scope);
    }
    start = end + 1;
  }
  return scopes;
}

struct Implication {
  std::string_view scope;
  std::string_view includes;
};
// GitHub's documentation, "Scopes for OAuth apps": what a wider scope brings along.
constexpr std::array implications{Implication{"repo", "repo:status"},
                                  Implication{"repo", "repo_deployment"},
                                  Implication{"repo", "public_repo"},
                                  Implication{"repo", "repo:invite"},
                                  Implication{"repo", "security_events"},
                                  Implication{"user", "read:user"},
                                  Implication{"user", "user:email"},
                                  Implication{"user", "user:follow"},
                                  Implication{"codespace", "codespace:secrets"}};

bool covers(std::string_view held, std::string_view wanted) {
  if (held == wanted) {
    return true;
  }
  for (const std::string_view wide : {"admin:", "write:"}) {
    if (held.starts_with(wide)) {
      const std::string_view area = held.substr(wide.size());
      if (wanted == "read:" + std::string(area) || (wide == "admin:" && wanted == "write:" + std::string(area))) {
        return true;
      }
    }
  }
  return std::any_of(implications.begin(), implications.end(), [&](const Implication& implication) {
    return implication.scope == held && implication.includes == wanted;
  });
}

}  // namespace

std::optional<ErrorBodyText> read_error_body(std::string_view body) {
  JsonReader reader(body);
  if (reader.next().kind != JsonKind::begin_object) {
    return std::nullopt;
  }
  ErrorBodyText text;
  const bool well_formed = each_member(reader, [&](const std::string& name, const JsonToken& value) {
    const bool is_text = value.kind == JsonKind::string;
    if (http::iequals(name, "message") && is_text) {
      text.message = decode_json_string(value.raw);
    } else if (name == "ghoard_error" && is_text) {
      text.ghoard_error = decode_json_string(value.raw);
    } else if (http::iequals(name, "errors") && is_text) {
      text.errors = decode_json_string(value.raw);
      text.errors_is_text = true;
    } else if (http::iequals(name, "errors") && value.kind == JsonKind::begin_array) {
      read_error_list(reader, text.errors);
      return true;
    }
    return false;
  });
  return well_formed && reader.next().kind == JsonKind::end ? std::optional(std::move(text)) : std::nullopt;
}

std::string error_message(const ErrorBodyText& text, int status) {
  if (text.errors_is_text && !text.errors.empty()) {
    return text.message.empty() ? text.errors : text.errors + " (" + text.message + ")";
  }
  if (!text.message.empty()) {
    return text.message + " (HTTP " + std::to_string(status) + ")";
  }
  return text.errors;
}

std::string scope_hint(int status, const http::Headers& headers, std::string_view gh_host) {
  const std::vector<std::string> held = split_scopes(headers.joined("X-OAuth-Scopes"));
  if (status < 400 || status > 499 || status == 422 || held.empty()) {
    return {};
  }
  for (const std::string& wanted : split_scopes(headers.joined("X-Accepted-OAuth-Scopes"))) {
    const auto covered = [&](const std::string& scope) { return covers(scope, wanted); };
    if (std::none_of(held.begin(), held.end(), covered)) {
      return "This API operation needs the \"" + wanted + "\" scope. To request it, run:  gh auth refresh -h " +
             std::string(gh_host) + " -s " + wanted;
    }
  }
  return {};
}

}  // namespace ghoard::api
