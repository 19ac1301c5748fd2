#include "cli/api/request.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <unistd.h>

#include "cli/api/fields.hpp"
#include "core/base/version.hpp"

namespace ghoard::api {

namespace {

tl::unexpected<base::Error> refuse(std::string message) {
  return base::fail(base::ErrorCode::invalid_input, std::move(message));
}

bool is_left_out(std::string_view name, std::string_view value) {
  constexpr std::array<std::string_view, 6> framing{"Host",       "Content-Length",   "Transfer-Encoding",
                                                    "Connection", "Proxy-Connection", "Expect"};
  const bool frames =
      std::any_of(framing.begin(), framing.end(), [&](std::string_view field) { return http::iequals(field, name); });
  return frames || (http::iequals(name, "Authorization") && value.empty());
}

// Go's strings.TrimSpace for ASCII.
std::string_view trim_space(std::string_view text) {
  constexpr std::string_view space = " \t\n\v\f\r";
  const std::size_t first = text.find_first_not_of(space);
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(space) - first + 1);
}

base::Result<http::Header> parse_header(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return refuse("header " + go_quoted(text) + " requires a value separated by ':'");
  }
  const std::string_view name = text.substr(0, colon);
  const std::string_view value = trim_space(text.substr(colon + 1));
  if (!is_token(name)) {
    return refuse("invalid header field name " + go_quoted(name));
  }
  const bool has_control = std::any_of(value.begin(), value.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
  });
  if (has_control) {
    return refuse("invalid header field value for " + go_quoted(name));  // not the value: it may be a secret
  }
  return http::Header{std::string(name), std::string(value)};
}

void add_default(http::Headers& headers, std::string_view name, std::string_view value) {
  if (headers.get(name).empty() && !value.empty()) {
    headers.set(name, std::string(value));
  }
}

}  // namespace

bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           marks.find(c) != std::string_view::npos;
  });
}

std::string preview_accept(const std::vector<std::string>& names) {
  std::string accept;
  for (const std::string& name : names) {
    accept += accept.empty() ? "" : ", ";
    accept += "application/vnd.github." + name + "-preview";
    accept += &name == &names.front() ? "+json" : "";
  }
  return accept;
}

base::Result<http::Headers> request_headers(const Arguments& arguments, std::string_view time_zone) {
  http::Headers headers;
  headers.reserve(8 + arguments.headers.size());
  for (const std::string& text : arguments.headers) {
    base::Result<http::Header> header = parse_header(text);
    if (!header) {
      return tl::unexpected(header.error());
    }
    if (!is_left_out(header->name, header->value)) {
      headers.add(std::move(header->name), std::move(header->value));
    }
  }
  if (!arguments.previews.empty()) {
    headers.add("Accept", preview_accept(arguments.previews));
  }
  add_default(headers, "Accept", "*/*");
  add_default(headers, "Content-Type", "application/json; charset=utf-8");
  add_default(headers, "Time-Zone", time_zone);
  add_default(headers, "User-Agent", "ghoard/" + std::string(base::version));
  add_default(headers, "X-GitHub-Api-Version", "2022-11-28");
  const std::string wishes = http::format_request_directives(arguments.directives);
  if (!wishes.empty()) {
    headers.add("Cache-Control", wishes);
  }
  return headers;
}

base::Result<std::optional<std::uint64_t>> stated_length(const Arguments& arguments) {
  std::optional<std::uint64_t> length;
  for (const std::string& text : arguments.headers) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    if (!http::iequals(std::string_view(text).substr(0, colon), "Content-Length") || colon == text.size()) {
      continue;
    }
    const std::string_view value = trim_space(std::string_view(text).substr(colon + 1));
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size()) {
      return refuse("invalid Content-Length " + go_quoted(value));
    }
    length = number;
  }
  return length;
}

std::string local_time_zone(const settings::Environment& environment) {
  constexpr std::string_view folder = "zoneinfo/";
  std::string name;
  if (const std::optional<std::string> zone = environment("TZ")) {
    name = zone->starts_with(':') ? zone->substr(1) : *zone;
    if (!name.starts_with('/')) {
      return name;
    }
  } else {
    std::array<char, 512> target{};
    const ssize_t length = ::readlink("/etc/localtime", target.data(), target.size());
    name.assign(target.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  }
  const std::size_t start = name.find(folder);
  return start == std::string::npos ? std::string() : name.substr(start + folder.size());
}

}  // namespace ghoard::api
