#include "net/upstream/headers.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace ghoard::upstream {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_token_char(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

std::string_view without_line_end(std::string_view text) {
  if (text.ends_with('\n')) {
    text.remove_suffix(1);
  }
  if (text.ends_with('\r')) {
    text.remove_suffix(1);
  }
  return text;
}

/// RFC 9110 section 5.5: CR, LF and NUL in a value are replaced by a space; so are the other controls, which nothing
/// sensible contains. A tab stays.
std::string clean_value(std::string_view text) {
  std::string value(http::trim(text));
  std::replace_if(
      value.begin(), value.end(),
      [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; }, ' ');
  return value;
}

/// Field names listed in Connection, lower case.
std::set<std::string> named_in_connection(const std::vector<http::Header>& fields) {
  std::set<std::string> names;
  for (const http::Header& field : fields) {
    if (!http::iequals(field.name, "connection")) {
      continue;
    }
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      names.insert(http::to_lower(http::trim(rest.substr(0, comma))));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return names;
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_connection_field(std::string_view name) {
  static constexpr std::array<std::string_view, 7> k_names{"connection", "keep-alive", "proxy-connection", "te",
                                                           "trailer",    "upgrade",    "transfer-encoding"};
  return std::any_of(k_names.begin(), k_names.end(),
                     [&](std::string_view known) { return http::iequals(known, name); });
}

base::Result<HeadParser::State> HeadParser::line(std::string_view text) {
  m_bytes += text.size();
  if (m_bytes > m_max_bytes) {
    return base::fail(base::ErrorCode::too_large,
                      "the head of the answer is larger than " + std::to_string(m_max_bytes / 1024) + " KiB");
  }
  text = without_line_end(text);
  if (!m_has_status) {
    if (base::Result<void> parsed = status_line(text); !parsed) {
      return tl::unexpected(parsed.error());
    }
    return State::more;
  }
  if (text.empty()) {
    return blank_line();
  }
  field(text);
  return State::more;
}

base::Result<void> HeadParser::status_line(std::string_view text) {
  // "HTTP/1.1 200 OK", "HTTP/2 200 "
  const std::size_t space = text.find(' ');
  const bool shaped = text.starts_with("HTTP/") && space != std::string_view::npos && text.size() >= space + 4 &&
                      std::all_of(text.begin() + static_cast<std::ptrdiff_t>(space) + 1,
                                  text.begin() + static_cast<std::ptrdiff_t>(space) + 4, is_digit) &&
                      (text.size() == space + 4 || text[space + 4] == ' ');
  const int status =
      shaped ? (text[space + 1] - '0') * 100 + (text[space + 2] - '0') * 10 + (text[space + 3] - '0') : 0;
  // 101 answers an Upgrade that was never asked for; classes beyond 5 do not exist (RFC 9110 section 15).
  if (status < 100 || status > 599 || status == 101) {
    return base::fail(base::ErrorCode::invalid_input, "malformed status line");
  }
  m_status = status;
  m_has_status = true;
  m_can_fold = false;
  return {};
}

void HeadParser::field(std::string_view text) {
  if (text.front() == ' ' || text.front() == '\t') {
    // Obsolete line folding (RFC 9112 section 5.2) becomes one space.
    if (m_can_fold) {
      const std::string more = clean_value(text);
      m_fields.back().value += more.empty() ? "" : " " + more;
    }
    return;
  }
  const std::size_t colon = text.find(':');
  m_can_fold = colon != std::string_view::npos && is_token(text.substr(0, colon));
  if (m_can_fold) {
    m_fields.push_back({std::string(text.substr(0, colon)), clean_value(text.substr(colon + 1))});
  }
}

base::Result<HeadParser::State> HeadParser::blank_line() {
  if (m_status >= 200) {
    return State::complete;
  }
  // An interim answer: what follows is another head. Its bytes stay counted, so that it cannot go on for ever.
  m_fields.clear();
  m_has_status = false;
  return State::more;
}

cache::ResponseHead HeadParser::take() {
  const std::set<std::string> named = named_in_connection(m_fields);
  cache::ResponseHead head;
  head.status = m_status;
  head.headers.reserve(m_fields.size());
  for (http::Header& field : m_fields) {
    if (!is_connection_field(field.name) && !named.contains(http::to_lower(field.name))) {
      head.headers.add(std::move(field.name), std::move(field.value));
    }
  }
  m_fields.clear();
  return head;
}

}  // namespace ghoard::upstream
