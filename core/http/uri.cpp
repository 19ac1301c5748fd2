#include "core/http/uri.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <system_error>

namespace ghoard::http {

namespace {

constexpr std::size_t longest_url = 64 * 1024;
constexpr std::size_t longest_host = 253;  // RFC 1035 section 2.3.4, without the root's dot

using base::ErrorCode;
using base::fail;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_unreserved(char c) {
  return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}
bool is_control(char c) {
  return (c >= 0 && c < 0x20) || c == 0x7f;
}

int hex_value(char c) {
  if (is_digit(c)) {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// The byte that an escape at `at` stands for, or -1.
int escaped_byte(std::string_view text, std::size_t at) {
  if (text.size() - at < 3 || text[at] != '%') {
    return -1;
  }
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

void append_escape(std::string& text, char c) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  text += '%';
  text += digits[byte >> 4];
  text += digits[byte & 15];
}

/// What may not stand raw in a request target: RFC 3986 allows none of these outside of an escape, and '#' begins a
/// fragment, which a target has not.
bool must_escape(char c) {
  return static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f ||
         std::string_view("\"#<>\\^`{|}").find(c) != std::string_view::npos;
}

/// Labels of letters, digits, '-' and '_' separated by dots; IPv4 addresses look the same.
bool is_name(std::string_view host) {
  if (host.empty() || host.size() > longest_host || host.front() == '.' || host.back() == '.' ||
      host.find("..") != std::string_view::npos) {
    return false;
  }
  return std::all_of(host.begin(), host.end(),
                     [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_'; });
}

bool is_ipv4(std::string_view text) {
  int parts = 0;
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    unsigned value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size() || part.size() > 3 || value > 255) {
      return false;
    }
    ++parts;
    if (dot == std::string_view::npos) {
      return parts == 4;
    }
    text.remove_prefix(dot + 1);
  }
}

/// How many 16-bit groups `text` (groups joined by ':', possibly ending in an IPv4 address) has; -1: malformed.
int count_groups(std::string_view text, bool may_end_in_ipv4) {
  int groups = 0;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (colon == std::string_view::npos && may_end_in_ipv4 && is_ipv4(group)) {
      return groups + 2;
    }
    if (group.empty() || group.size() > 4 ||
        !std::all_of(group.begin(), group.end(), [](char c) { return hex_value(c) >= 0; })) {
      return -1;
    }
    ++groups;
    if (colon == std::string_view::npos) {
      return groups;
    }
    text.remove_prefix(colon + 1);
    if (text.empty()) {
      return -1;
    }
  }
  return groups;
}

/// RFC 4291 section 2.2, without a zone.
bool is_ipv6(std::string_view text) {
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    return count_groups(text, true) == 8;
  }
  const int before = count_groups(text.substr(0, gap), false);
  const int after = count_groups(text.substr(gap + 2), true);
  return before >= 0 && after >= 0 && before + after <= 7;
}

base::Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || port == 0) {
    return fail(ErrorCode::invalid_input, "the port is no number from 1 to 65535");
  }
  return port;
}

/// RFC 3986 section 5.2.4, for a path that begins with '/'.
std::string remove_dot_segments(std::string_view path) {
  std::string result;
  result.reserve(path.size());
  while (!path.empty()) {
    const std::size_t next = path.find('/', 1);
    const std::string_view segment = path.substr(0, next);
    const bool last = next == std::string_view::npos;
    path.remove_prefix(last ? path.size() : next);
    if (segment == "/.." || segment == "/.") {
      if (segment == "/..") {
        result.erase(std::min(result.rfind('/'), result.size()));
      }
      if (last) {
        result += '/';
      }
    } else {
      result += segment;
    }
  }
  return result.empty() ? "/" : result;
}

std::string normal_target(std::string_view target) {
  const auto [path, query] = split_target(target);
  std::string result = remove_dot_segments(path);
  if (path.size() < target.size()) {
    result += '?';
    result += query;
  }
  return result;
}

bool has_scheme(std::string_view text) {
  const std::size_t colon = text.find(':');
  return colon != std::string_view::npos && colon > 0 && is_alpha(text[0]) &&
         std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon),
                     [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });
}

/// A relative reference that begins with neither a scheme nor '/', against the base's path (RFC 3986 section 5.2.3).
std::string merge(const Url& base, std::string_view reference) {
  const auto [path, query] = split_target(base.target);
  if (reference.empty()) {
    return base.target;
  }
  if (reference.front() == '?') {
    return std::string(path) + std::string(reference);
  }
  const std::size_t slash = path.rfind('/');
  return std::string(path.substr(0, slash == std::string_view::npos ? 0 : slash + 1)) + std::string(reference);
}

}  // namespace

base::Result<Url> parse_url(std::string_view text) {
  if (text.size() > longest_url) {
    return fail(ErrorCode::too_large, "the URL is longer than 64 KiB");
  }
  if (std::any_of(text.begin(), text.end(), is_control)) {
    return fail(ErrorCode::invalid_input, "the URL has control characters");
  }
  const std::size_t colon = text.find("://");
  const std::string scheme = to_lower(text.substr(0, std::min(colon, text.size())));
  if (colon == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return fail(ErrorCode::invalid_input, "the URL begins with neither http:// nor https://");
  }
  text = text.substr(colon + 3);
  text = text.substr(0, text.find('#'));
  const std::size_t end = std::min(text.find_first_of("/?\\"), text.size());
  base::Result<Origin> origin = parse_authority(text.substr(0, end), scheme);
  if (!origin) {
    return tl::unexpected(origin.error());
  }
  std::string target = encode_target(text.substr(end));
  if (!target.starts_with('/')) {
    target.insert(target.begin(), '/');
  }
  return Url{*std::move(origin), std::move(target)};
}

base::Result<Url> resolve(const Url& base, std::string_view location) {
  location = trim(location);
  if (location.size() > longest_url || base.target.size() > longest_url) {
    return fail(ErrorCode::too_large, "the location is longer than 64 KiB");
  }
  base::Result<Url> url = Url{base.origin, "/"};
  if (has_scheme(location)) {
    url = parse_url(location);
  } else if (location.starts_with("//")) {
    url = parse_url(base.origin.scheme + ":" + std::string(location));
  } else {
    if (std::any_of(location.begin(), location.end(), is_control)) {
      return fail(ErrorCode::invalid_input, "the location has control characters");
    }
    const std::string_view reference = location.substr(0, location.find('#'));
    url->target = encode_target(reference.starts_with('/') ? std::string(reference) : merge(base, reference));
    if (!url->target.starts_with('/')) {
      url->target.insert(url->target.begin(), '/');
    }
  }
  if (url) {
    url->target = normal_target(url->target);
  }
  return url;
}

base::Result<Origin> parse_authority(std::string_view text, std::string_view scheme) {
  if (!iequals(scheme, "http") && !iequals(scheme, "https")) {
    return fail(ErrorCode::invalid_input, "the scheme is neither http nor https");
  }
  Origin origin;
  origin.scheme = to_lower(scheme);
  origin.port = origin.scheme == "https" ? 443 : 80;

  std::size_t host_end = 0;
  if (text.starts_with('[')) {
    host_end = text.find(']');
    if (host_end == std::string_view::npos || !is_ipv6(text.substr(1, host_end - 1))) {
      return fail(ErrorCode::invalid_input, "the host is no IPv6 address");
    }
    ++host_end;
  } else {
    host_end = std::min(text.find(':'), text.size());
    if (!is_name(text.substr(0, host_end))) {
      return fail(ErrorCode::invalid_input, "the host is missing or malformed");
    }
  }
  origin.host = to_lower(text.substr(0, host_end));
  if (host_end == text.size()) {
    return origin;
  }
  if (text[host_end] != ':') {
    return fail(ErrorCode::invalid_input, "the host is missing or malformed");
  }
  const base::Result<std::uint16_t> port = parse_port(text.substr(host_end + 1));
  if (!port) {
    return tl::unexpected(port.error());
  }
  origin.port = *port;
  return origin;
}

std::pair<std::string_view, std::string_view> split_target(std::string_view target) {
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) {
    return {target, {}};
  }
  return {target.substr(0, mark), target.substr(mark + 1)};
}

std::string encode_target(std::string_view target) {
  std::string result;
  result.reserve(target.size());
  for (const char c : target) {
    if (must_escape(c)) {
      append_escape(result, c);
    } else {
      result += c;
    }
  }
  return result;
}

std::string encode_component(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      result += c;
    } else {
      append_escape(result, c);
    }
  }
  return result;
}

std::string encode_query_component(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      result += c;
    } else if (c == ' ') {
      result += '+';
    } else {
      append_escape(result, c);
    }
  }
  return result;
}

std::string decode_percent(std::string_view text, bool plus_is_space) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int byte = escaped_byte(text, i);
    if (byte >= 0) {
      result += static_cast<char>(byte);
      i += 2;
    } else {
      result += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

std::vector<std::pair<std::string, std::string>> split_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view piece = query.substr(0, end);
    query.remove_prefix(std::min(query.size(), end + 1));
    if (piece.empty()) {
      continue;
    }
    const std::size_t equals = std::min(piece.find('='), piece.size());
    pairs.emplace_back(piece.substr(0, equals), piece.substr(std::min(piece.size(), equals + 1)));
  }
  return pairs;
}

}  // namespace ghoard::http
