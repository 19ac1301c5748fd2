#include "core/github/routes.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>

#include "core/github/routes_table.hpp"
#include "core/http/cache_control.hpp"
#include "core/http/link.hpp"
#include "core/http/uri.hpp"

namespace ghoard::github {

namespace {

using base::Seconds;

constexpr Seconds longest_not_found{30};
constexpr Seconds longest_redirect{300};
constexpr Seconds longest_with_token{60};
constexpr Seconds longest_poll_interval{3600};
constexpr std::int64_t default_per_page = 30;
constexpr std::int64_t largest_per_page = 100;

/// The value of a query parameter that occurs exactly once.
std::optional<std::string_view> only_value(std::string_view query, std::string_view name) {
  std::optional<std::string_view> found;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(query.size(), end + 1));
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      if (found) {
        return std::nullopt;
      }
      found = pair.substr(name.size() + 1);
    }
  }
  return found;
}

bool wants_bytes(std::string_view accept) {
  return accept.starts_with("application/octet-stream") || accept.starts_with("application/zip");
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

bool varies_on_everything(const http::Headers& headers) {
  return std::any_of(headers.begin(), headers.end(), [](const http::Header& field) {
    return http::iequals(field.name, "Vary") && http::trim(field.value) == "*";
  });
}

/// A redirect is worth keeping only inside the API: Authorization never crosses hosts, and addresses elsewhere are
/// signed for a short time.
bool stays_on_host(const Resource& resource, std::string_view location) {
  if (location.starts_with('/') && !location.starts_with("//")) {
    return true;
  }
  const base::Result<http::Url> url = http::parse_url(location);
  return url && url->origin.authority() == resource.host;
}

/// How long a 200 stays fresh.
Seconds lifetime_of_content(const RouteClass& route, const Resource& resource, const http::Headers& headers,
                            std::string_view body, const LifetimeContext& context) {
  Seconds lifetime = route.uses_default_ttl ? context.default_ttl : route.lifetime;
  if (const std::optional<std::int64_t> poll = parse_number(http::trim(headers.get("X-Poll-Interval")))) {
    lifetime = std::max(lifetime, std::clamp(Seconds{*poll}, Seconds{0}, longest_poll_interval));
  }
  if (carries_download_token(resource, body)) {
    lifetime = std::min(lifetime, longest_with_token);
  }
  return std::max(lifetime, Seconds{0});
}

/// Number of elements of a JSON array, or nothing if `body` is no array. Looks at strings and brackets only: it runs on
/// every stored page, and a wrong count of malformed JSON does no harm.
std::optional<std::int64_t> count_elements(std::string_view body) {
  const std::size_t start = body.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || body[start] != '[') {
    return std::nullopt;
  }
  std::int64_t commas = 0;
  std::int64_t depth = 0;
  bool empty = true;
  for (std::size_t i = start; i < body.size(); ++i) {
    const char c = body[i];
    const bool inside = depth > 0;
    if (c == '"') {
      for (++i; i < body.size() && body[i] != '"'; ++i) {
        i += body[i] == '\\' ? 1 : 0;
      }
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      if (--depth == 0) {
        return empty ? 0 : commas + 1;
      }
    } else if (c == ',' && depth == 1) {
      ++commas;
    }
    empty = empty && (!inside || c == ' ' || c == '\t' || c == '\r' || c == '\n');
  }
  return std::nullopt;
}

std::int64_t page_size(std::string_view query) {
  const std::optional<std::string_view> text = only_value(query, "per_page");
  const std::optional<std::int64_t> number = text ? parse_number(*text) : std::nullopt;
  return number && *number >= 1 ? std::min(*number, largest_per_page) : default_per_page;
}

const RouteClass* find_row(const ApiPath& path) {
  for (const RouteRow& row : route_rows(path.scope())) {
    if (row.pattern.matches(path, path.scope_size())) {
      return &row.route;
    }
  }
  return nullptr;
}

bool is_contents(const ApiPath& path) {
  const RouteClass* row = find_row(path);
  return row != nullptr && row->name == contents_route_name;
}

}  // namespace

const RouteClass& classify(const Resource& resource) {
  const ApiPath path(resource.path);
  const RouteClass* row = find_row(path);
  if (row == nullptr) {
    return wants_bytes(resource.accept) ? binary_route() : default_route();
  }
  if (wants_bytes(resource.accept) && !row->never) {
    return binary_route();
  }
  if (row->name == contents_route_name) {
    const std::optional<std::string_view> ref = only_value(resource.query, "ref");
    if (ref && is_hex(*ref, 40)) {
      return contents_at_commit_route();
    }
  }
  return *row;
}

std::optional<Seconds> lifetime_of(const RouteClass& route, const Resource& resource, int status,
                                   const http::Headers& headers, std::string_view body,
                                   const LifetimeContext& context) {
  if (route.never || http::parse_response_directives(headers).no_store || varies_on_everything(headers)) {
    return std::nullopt;
  }
  const Seconds lifetime = lifetime_of_content(route, resource, headers, body, context);
  switch (status) {
    case 200:
    case 203: return lifetime;
    case 301:
    case 308:
      if (!stays_on_host(resource, headers.get("Location"))) {
        return std::nullopt;
      }
      return std::min(lifetime, longest_redirect);
    case 404:
    case 410: return std::min(lifetime, longest_not_found);
    default: return std::nullopt;
  }
}

bool may_hide_new_page(const Resource& resource, const http::Headers& headers, std::string_view body) {
  const std::optional<std::int64_t> count = count_elements(body);
  if (!count || *count != page_size(resource.query)) {
    return false;
  }
  return !http::find_link(headers.joined("Link"), "next");
}

bool carries_download_token(const Resource& resource, std::string_view body) {
  constexpr std::string_view key = "\"download_url\"";
  if (resource.accept.find("raw") != std::string::npos || resource.accept.find("html") != std::string::npos ||
      !is_contents(ApiPath(resource.path))) {
    return false;
  }
  // A quote inside a JSON string is escaped, so the key cannot be found inside file content.
  for (std::size_t at = body.find(key); at != std::string_view::npos; at = body.find(key, at + 1)) {
    std::size_t value = body.find_first_not_of(" \t\r\n:", at + key.size());
    if (value == std::string_view::npos || body[value] != '"') {
      continue;
    }
    ++value;
    const std::string_view url = body.substr(value, body.find('"', value) - value);
    // An escape could spell a '?': to be safe it counts as one.
    if (url.find_first_of("?\\") != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

}  // namespace ghoard::github
