// How the text of a setting is read: one function for each kind, all giving the normal form.

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <limits>

#include "cli/settings/settings.hpp"
#include "core/http/message.hpp"
#include "core/http/uri.hpp"

namespace ghoard::settings {

namespace {

constexpr std::size_t max_value_bytes = 8 * 1024;
constexpr std::size_t max_list_items = 256;
constexpr std::int64_t max_seconds = std::numeric_limits<std::int32_t>::max();

struct Unit {
  std::string_view name;
  double factor;
};
constexpr std::array<Unit, 9> duration_units{{{"ns", 1e-9},
                                              {"us", 1e-6},
                                              {"\u00b5s", 1e-6},
                                              {"\u03bcs", 1e-6},
                                              {"ms", 1e-3},
                                              {"s", 1},
                                              {"m", 60},
                                              {"h", 3600},
                                              {"d", 86400}}};

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

base::Result<std::string> bad(std::string message) {
  return base::fail(base::ErrorCode::invalid_input, std::move(message));
}

std::string quoted(std::string_view text) {
  constexpr std::size_t shown = 64;
  std::string result = "\"";
  for (const char c : text.substr(0, shown)) {
    result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return result + (text.size() > shown ? "...\"" : "\"");
}

/// Digits with at most one point in front of `text`; moves past them.
std::optional<double> take_decimal(std::string_view& text) {
  std::size_t size = 0;
  bool point = false;
  bool digits = false;
  for (; size < text.size() && (is_digit(text[size]) || (text[size] == '.' && !point)); ++size) {
    point = point || text[size] == '.';
    digits = digits || is_digit(text[size]);
  }
  if (!digits || size > 32) {
    return std::nullopt;
  }
  double value = 0;
  std::string number(text.substr(0, size));
  if (number.front() == '.') {
    number.insert(0, "0");
  }
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc{} || (end != number.data() + number.size() && *end != '.')) {
    return std::nullopt;
  }
  text.remove_prefix(size);
  return value;
}

std::optional<double> take_unit(std::string_view& text) {
  const auto end = std::find_if(text.begin(), text.end(), [](char c) { return c == '.' || is_digit(c); });
  const std::string_view name = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  const auto* const unit =
      std::find_if(duration_units.begin(), duration_units.end(), [&](const Unit& row) { return row.name == name; });
  if (unit == duration_units.end()) {
    return std::nullopt;
  }
  text.remove_prefix(name.size());
  return unit->factor;
}

base::Result<std::string> normalise_boolean(std::string_view text) {
  const std::string word = http::to_lower(text);
  for (const std::string_view yes : {"true", "1", "yes", "on"}) {
    if (word == yes) {
      return "true";
    }
  }
  for (const std::string_view no : {"false", "0", "no", "off"}) {
    if (word == no) {
      return "false";
    }
  }
  return bad(quoted(text) + " is no boolean: use true or false");
}

base::Result<std::string> normalise_seconds(std::string_view text) {
  const base::Result<std::int64_t> seconds = parse_duration_seconds(text, true);
  if (!seconds) {
    return tl::unexpected(seconds.error());
  }
  if (*seconds < 0) {
    return bad(quoted(text) + " is negative");
  }
  return std::to_string(*seconds);
}

base::Result<std::string> normalise_port(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > 65535) {
    return bad(quoted(text) + " is no port: use a number from 0 to 65535");
  }
  return std::to_string(value);
}

base::Result<std::string> normalise_url(std::string_view text) {
  const base::Result<http::Url> url = http::parse_url(text);
  if (!url) {
    return tl::unexpected(url.error());
  }
  if (url->origin.scheme == "http" && !http::is_loopback_host(url->origin.host)) {
    return bad(quoted(text) + " would send tokens unencrypted: use https (plain http only to loopback)");
  }
  if (url->target.find('?') != std::string::npos) {
    return bad(quoted(text) + " has a query: a base URL has none");
  }
  std::string result = url->origin.url() + url->target;
  while (result.ends_with('/')) {
    result.pop_back();
  }
  return result;
}

base::Result<void> check_list_item(const Setting& setting, std::string_view item) {
  if (setting.key == "allowed_hosts") {
    const base::Result<http::Origin> origin = http::parse_authority(item, "https");
    if (!origin) {
      return tl::unexpected(origin.error());
    }
  }
  // Addresses and ids of peers are looked at by the agent, which leaves a bad one out and says so.
  return {};
}

base::Result<std::string> normalise_list(const Setting& setting, std::string_view text) {
  std::string result;
  std::size_t items = 0;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view item = http::trim(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (item.empty()) {
      continue;
    }
    if (++items > max_list_items) {
      return bad("more than " + std::to_string(max_list_items) + " items");
    }
    const base::Result<void> checked = check_list_item(setting, item);
    if (!checked) {
      return tl::unexpected(checked.error());
    }
    result += result.empty() ? "" : ",";
    result += item;
  }
  return result;
}

bool is_address(const std::string& text) {
  in_addr v4{};
  in6_addr v6{};
  return inet_pton(AF_INET, text.c_str(), &v4) == 1 || inet_pton(AF_INET6, text.c_str(), &v6) == 1;
}

bool is_repository(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto is_name = [](std::string_view name) {
    return !name.empty() && name != "." && name != ".." && std::all_of(name.begin(), name.end(), [](char c) {
      return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
    });
  };
  return slash != std::string_view::npos && is_name(text.substr(0, slash)) && is_name(text.substr(slash + 1));
}

base::Result<std::string> normalise_text(const Setting& setting, std::string_view text) {
  if (setting.key == "listen_addr" && !is_address(std::string(text))) {
    return bad(quoted(text) + " is no IP address");
  }
  if (setting.key == "github_repo" && !is_repository(text)) {
    return bad(quoted(text) + " is no repository: use OWNER/NAME");
  }
  return std::string(text);
}

}  // namespace

base::Result<std::int64_t> parse_duration_seconds(std::string_view text, bool allow_plain_number) {
  const auto failure = [whole = text] {
    return base::fail(base::ErrorCode::invalid_input,
                      quoted(whole) + " is no duration: use a form such as 90s, 5m, 1h30m or 1d");
  };
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) {
    rest.remove_prefix(1);
  }
  if (rest.empty()) {
    return failure();
  }
  double seconds = 0;
  const bool plain = std::all_of(rest.begin(), rest.end(), is_digit);
  if (plain) {
    const std::optional<double> value = take_decimal(rest);
    // Go's ParseDuration takes "0" without a unit, and no other plain number.
    if (!value || (!allow_plain_number && *value != 0)) {
      return failure();
    }
    seconds = *value;
  }
  while (!rest.empty()) {
    const std::optional<double> value = take_decimal(rest);
    const std::optional<double> unit = value ? take_unit(rest) : std::nullopt;
    if (!unit) {
      return failure();
    }
    seconds += *value * *unit;
  }
  if (seconds > static_cast<double>(max_seconds)) {
    return base::fail(base::ErrorCode::invalid_input, quoted(text) + " is too long");
  }
  // The sum of decimal parts such as 0.1s + 0.9s may come out a hair below the whole second.
  const auto whole = static_cast<std::int64_t>(seconds + 1e-9);
  return negative ? -whole : whole;
}

base::Result<std::uint64_t> parse_bytes(std::string_view text) {
  const auto failure = [&] {
    return base::fail(base::ErrorCode::invalid_input, quoted(text) + " is no size: use a form such as 4096 or 512MiB");
  };
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) {
    return failure();
  }
  const std::string unit = http::to_lower(http::trim(text.substr(static_cast<std::size_t>(end - text.data()))));
  static constexpr std::string_view prefixes = "kmgt";
  if (unit.empty() || unit == "b") {
    return number;
  }
  const std::size_t power = prefixes.find(unit.front());
  const std::string_view suffix = std::string_view(unit).substr(1);
  if (power == std::string_view::npos || (!suffix.empty() && suffix != "ib" && suffix != "b")) {
    return failure();
  }
  const std::uint64_t base = suffix == "b" ? 1000 : 1024;
  for (std::size_t i = 0; i <= power; ++i) {
    if (number > std::numeric_limits<std::uint64_t>::max() / base) {
      return failure();
    }
    number *= base;
  }
  return number;
}

base::Result<std::string> normalise(const Setting& setting, std::string_view text) {
  if (text.size() > max_value_bytes) {
    return bad("longer than " + std::to_string(max_value_bytes) + " bytes");
  }
  if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    return bad("contains control characters");
  }
  text = http::trim(text);
  if (text.empty()) {
    return std::string();
  }
  switch (setting.kind) {
    case Setting::Kind::boolean: return normalise_boolean(text);
    case Setting::Kind::seconds: return normalise_seconds(text);
    case Setting::Kind::bytes: {
      const base::Result<std::uint64_t> bytes = parse_bytes(text);
      return bytes ? base::Result<std::string>(std::to_string(*bytes)) : tl::unexpected(bytes.error());
    }
    case Setting::Kind::port: return normalise_port(text);
    case Setting::Kind::url: return normalise_url(text);
    case Setting::Kind::list: return normalise_list(setting, text);
    case Setting::Kind::text: return normalise_text(setting, text);
    case Setting::Kind::path: return std::string(text);
  }
  return bad("unknown kind of setting");
}

}  // namespace ghoard::settings
