#include "core/http/cache_control.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>

namespace ghoard::http {

namespace {

/// RFC 9111 section 1.2.2: larger numbers count as this one.
constexpr std::int64_t largest_seconds = std::int64_t{1} << 31;

struct Directive {
  std::string_view name;
  std::string_view value;  ///< without quotes; escapes inside stay, since no known value has any
  bool has_value = false;
  bool broken = false;  ///< the value is an unterminated quoted-string
};

std::size_t end_of_quoted(std::string_view text, std::size_t from) {
  for (std::size_t i = from; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i;
    }
  }
  return std::string_view::npos;
}

/// Where the directive that starts at 0 ends: the next comma outside quotes, or the end.
std::size_t end_of_directive(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ',') {
      return i;
    }
    if (text[i] == '"') {
      i = end_of_quoted(text, i + 1);
      if (i == std::string_view::npos) {
        return text.size();
      }
    }
  }
  return text.size();
}

Directive read_directive(std::string_view text) {
  Directive directive;
  const std::size_t equals = text.find('=');
  directive.name = trim(text.substr(0, equals));
  if (equals == std::string_view::npos) {
    return directive;
  }
  directive.has_value = true;
  directive.value = trim(text.substr(equals + 1));
  if (directive.value.starts_with('"')) {
    const std::size_t end = end_of_quoted(directive.value, 1);
    directive.broken = end != directive.value.size() - 1;
    directive.value = directive.broken ? std::string_view() : directive.value.substr(1, end - 1);
  }
  return directive;
}

template <class Visitor>
void for_each_directive(const Headers& headers, Visitor visit) {
  for (const Header& field : headers) {
    if (!iequals(field.name, "Cache-Control")) {
      continue;
    }
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t end = end_of_directive(rest);
      const Directive directive = read_directive(rest.substr(0, end));
      if (!directive.name.empty()) {
        visit(directive);
      }
      rest.remove_prefix(std::min(rest.size(), end + 1));
    }
  }
}

std::optional<base::Seconds> delta_seconds(const Directive& directive) {
  const std::string_view text = directive.value;
  if (directive.broken || text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return base::Seconds{error == std::errc() ? std::min(number, largest_seconds) : largest_seconds};
}

/// A directive given twice counts in its stricter form (RFC 9111 section 4.2.1 leaves the choice).
void keep_smaller(std::optional<base::Seconds>& kept, base::Seconds value) {
  kept = kept ? std::min(*kept, value) : value;
}

void keep_larger(std::optional<base::Seconds>& kept, base::Seconds value) {
  kept = kept ? std::max(*kept, value) : value;
}

void read_request_directive(const Directive& directive, RequestDirectives& into) {
  const base::Seconds strict = delta_seconds(directive).value_or(base::Seconds{0});
  if (iequals(directive.name, "no-cache")) {
    into.no_cache = true;
  } else if (iequals(directive.name, "no-store")) {
    into.no_store = true;
  } else if (iequals(directive.name, "only-if-cached")) {
    into.only_if_cached = true;
  } else if (iequals(directive.name, "max-age")) {
    keep_smaller(into.max_age, strict);
  } else if (iequals(directive.name, "min-fresh")) {
    keep_larger(into.min_fresh, strict);
  } else if (iequals(directive.name, "stale-if-error")) {
    keep_smaller(into.stale_if_error, strict);
  } else if (iequals(directive.name, "max-stale")) {
    if (!directive.has_value) {
      keep_smaller(into.max_stale, base::Seconds::max());
    } else if (const std::optional<base::Seconds> bound = delta_seconds(directive)) {
      keep_smaller(into.max_stale, *bound);
    }
  }
}

bool lists_no_cache(const Headers& headers) {
  const std::string pragma = headers.joined("Pragma");
  std::string_view rest = pragma;
  while (!rest.empty()) {
    const std::size_t end = end_of_directive(rest);
    if (iequals(read_directive(rest.substr(0, end)).name, "no-cache")) {
      return true;
    }
    rest.remove_prefix(std::min(rest.size(), end + 1));
  }
  return false;
}

void append(std::string& text, std::string_view name) {
  if (!text.empty()) {
    text += ", ";
  }
  text += name;
}

void append(std::string& text, std::string_view name, const std::optional<base::Seconds>& value) {
  if (value) {
    append(text, name);
    text += '=';
    text += std::to_string(std::clamp<std::int64_t>(value->count(), 0, largest_seconds));
  }
}

}  // namespace

RequestDirectives parse_request_directives(const Headers& headers) {
  RequestDirectives result;
  if (!headers.contains("Cache-Control")) {
    result.no_cache = headers.contains("Pragma") && lists_no_cache(headers);
    return result;
  }
  for_each_directive(headers, [&](const Directive& directive) { read_request_directive(directive, result); });
  return result;
}

std::string format_request_directives(const RequestDirectives& directives) {
  std::string text;
  if (directives.no_cache) {
    append(text, "no-cache");
  }
  if (directives.no_store) {
    append(text, "no-store");
  }
  if (directives.only_if_cached) {
    append(text, "only-if-cached");
  }
  append(text, "max-age", directives.max_age);
  if (directives.max_stale == base::Seconds::max()) {
    append(text, "max-stale");
  } else {
    append(text, "max-stale", directives.max_stale);
  }
  append(text, "min-fresh", directives.min_fresh);
  append(text, "stale-if-error", directives.stale_if_error);
  return text;
}

ResponseDirectives parse_response_directives(const Headers& headers) {
  ResponseDirectives result;
  for_each_directive(headers, [&](const Directive& directive) {
    if (iequals(directive.name, "no-store")) {
      result.no_store = true;
    } else if (iequals(directive.name, "no-cache")) {
      // The form with field names counts as the one without: stricter, and allowed (RFC 9111 section 5.2.2.4).
      result.no_cache = true;
    } else if (iequals(directive.name, "max-age")) {
      keep_smaller(result.max_age, delta_seconds(directive).value_or(base::Seconds{0}));
    }
  });
  return result;
}

}  // namespace ghoard::http
