#include "core/http/cache_status.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace ghoard::http {

namespace {

constexpr std::string_view own_name = "ghoard";
/// Structured fields hold integers of at most 15 digits (RFC 8941 section 3.3.1).
constexpr std::int64_t largest_integer = 999'999'999'999'999;

constexpr std::array<std::pair<Forward, std::string_view>, 8> forwards{{{Forward::bypass, "bypass"},
                                                                        {Forward::method, "method"},
                                                                        {Forward::uri_miss, "uri-miss"},
                                                                        {Forward::vary_miss, "vary-miss"},
                                                                        {Forward::miss, "miss"},
                                                                        {Forward::request, "request"},
                                                                        {Forward::stale, "stale"},
                                                                        {Forward::partial, "partial"}}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_token_char(char c) {
  return is_digit(c) || is_alpha(c) || std::string_view("!#$%&'*+-.^_`|~:/").find(c) != std::string_view::npos;
}
bool is_token(std::string_view text) {
  return !text.empty() && (is_alpha(text.front()) || text.front() == '*') &&
         std::all_of(text.begin(), text.end(), is_token_char);
}

/// A bare item of RFC 8941 section 3.3.
struct Item {
  enum class Kind { integer, decimal, string, token, bytes, boolean };
  Kind kind = Kind::boolean;
  std::int64_t integer = 0;
  bool boolean = true;
  std::string text;
};

/// Reads a structured field list whose members are items (RFC 8941 section 4.2). Every method answers false where the
/// text is malformed.
class ListReader {
 public:
  explicit ListReader(std::string_view text) : m_rest(text) {}

  [[nodiscard]] bool done() const { return m_rest.empty(); }

  bool take(char c) {
    if (m_rest.empty() || m_rest.front() != c) {
      return false;
    }
    m_rest.remove_prefix(1);
    return true;
  }

  void skip_spaces() {
    while (take(' ')) {
    }
  }

  void skip_white_space() {
    while (take(' ') || take('\t')) {
    }
  }

  bool key(std::string& name) {
    std::size_t size = 0;
    while (size < m_rest.size() && is_key_char(m_rest[size])) {
      ++size;
    }
    if (size == 0 || is_digit(m_rest[0]) || std::string_view("_-.").find(m_rest[0]) != std::string_view::npos) {
      return false;
    }
    name = m_rest.substr(0, size);
    m_rest.remove_prefix(size);
    return true;
  }

  bool item(Item& into) {
    if (m_rest.empty()) {
      return false;
    }
    const char c = m_rest.front();
    if (c == '-' || is_digit(c)) {
      return number(into);
    }
    if (c == '"') {
      return string(into);
    }
    if (c == ':') {
      return bytes(into);
    }
    if (c == '?') {
      return boolean(into);
    }
    return token(into);
  }

 private:
  static bool is_key_char(char c) {
    return (c >= 'a' && c <= 'z') || is_digit(c) || std::string_view("_-.*").find(c) != std::string_view::npos;
  }

  std::size_t count_digits() const {
    std::size_t size = 0;
    while (size < m_rest.size() && is_digit(m_rest[size])) {
      ++size;
    }
    return size;
  }

  bool number(Item& into) {
    const bool negative = take('-');
    const std::size_t whole = count_digits();
    if (whole == 0 || whole > 15) {
      return false;
    }
    std::from_chars(m_rest.data(), m_rest.data() + whole, into.integer);
    into.integer = negative ? -into.integer : into.integer;
    into.kind = Item::Kind::integer;
    m_rest.remove_prefix(whole);
    if (!take('.')) {
      return true;
    }
    const std::size_t fraction = count_digits();
    m_rest.remove_prefix(fraction);
    into.kind = Item::Kind::decimal;
    return whole <= 12 && fraction >= 1 && fraction <= 3;
  }

  bool string(Item& into) {
    into.kind = Item::Kind::string;
    take('"');
    while (!m_rest.empty()) {
      char c = m_rest.front();
      m_rest.remove_prefix(1);
      if (c == '"') {
        return true;
      }
      if (c == '\\') {
        if (m_rest.empty() || (m_rest.front() != '"' && m_rest.front() != '\\')) {
          return false;
        }
        c = m_rest.front();
        m_rest.remove_prefix(1);
      } else if (c < 0x20 || c > 0x7e) {
        return false;
      }
      into.text += c;
    }
    return false;
  }

  bool bytes(Item& into) {
    into.kind = Item::Kind::bytes;
    take(':');
    const std::size_t end = m_rest.find(':');
    if (end == std::string_view::npos) {
      return false;
    }
    into.text = m_rest.substr(0, end);
    m_rest.remove_prefix(end + 1);
    return std::all_of(into.text.begin(), into.text.end(),
                       [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '/' || c == '='; });
  }

  bool boolean(Item& into) {
    into.kind = Item::Kind::boolean;
    take('?');
    into.boolean = take('1');
    return into.boolean || take('0');
  }

  bool token(Item& into) {
    into.kind = Item::Kind::token;
    std::size_t size = 0;
    while (size < m_rest.size() && is_token_char(m_rest[size])) {
      ++size;
    }
    into.text = m_rest.substr(0, size);
    m_rest.remove_prefix(size);
    return is_token(into.text);
  }

  std::string_view m_rest;
};

bool read_flag(const Item& value, bool& into) {
  into = value.boolean;
  return value.kind == Item::Kind::boolean;
}

bool read_forward(const Item& value, Forward& into) {
  if (value.kind != Item::Kind::token) {
    return false;
  }
  const auto found =
      std::find_if(forwards.begin(), forwards.end(), [&](const auto& row) { return row.second == value.text; });
  if (found == forwards.end()) {
    return false;
  }
  into = found->first;
  return true;
}

/// Takes over one parameter; unknown ones are ignored (RFC 9211 section 2). False: its type or value is wrong.
bool read_parameter(const std::string& name, const Item& value, CacheStatus& into) {
  if (name == "hit") {
    return read_flag(value, into.hit);
  }
  if (name == "stored") {
    return read_flag(value, into.stored);
  }
  if (name == "collapsed") {
    return read_flag(value, into.collapsed);
  }
  if (name == "fwd") {
    return read_forward(value, into.fwd);
  }
  if (name == "fwd-status") {
    into.fwd_status = static_cast<int>(std::clamp<std::int64_t>(value.integer, 0, 1000));
    return value.kind == Item::Kind::integer && value.integer >= 100 && value.integer <= 999;
  }
  if (name == "ttl") {
    into.ttl = base::Seconds{value.integer};
    return value.kind == Item::Kind::integer;
  }
  if (name == "detail") {
    into.detail = value.text;
    return value.kind == Item::Kind::token || value.kind == Item::Kind::string;
  }
  return true;
}

/// Reads the parameters of one member. `valid` becomes false where they make no sense; the answer is about syntax only.
bool read_parameters(ListReader& reader, CacheStatus& into, bool& valid) {
  while (reader.take(';')) {
    reader.skip_spaces();
    std::string name;
    Item value;
    if (!reader.key(name) || (reader.take('=') && !reader.item(value))) {
      return false;
    }
    valid = read_parameter(name, value, into) && valid;
  }
  return true;
}

void append_detail(std::string& text, std::string_view detail) {
  const bool printable = std::all_of(detail.begin(), detail.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
  if (detail.empty() || !printable) {
    return;
  }
  text += "; detail=";
  if (is_token(detail)) {
    text += detail;
    return;
  }
  text += '"';
  for (const char c : detail) {
    if (c == '"' || c == '\\') {
      text += '\\';
    }
    text += c;
  }
  text += '"';
}

std::string_view name_of(Forward forward) {
  const auto found =
      std::find_if(forwards.begin(), forwards.end(), [&](const auto& row) { return row.first == forward; });
  return found == forwards.end() ? std::string_view() : found->second;
}

}  // namespace

std::string format_cache_status(const CacheStatus& status) {
  std::string text(own_name);
  if (status.hit) {
    text += "; hit";
  }
  if (status.fwd != Forward::none) {
    text += "; fwd=";
    text += name_of(status.fwd);
  }
  if (status.fwd_status) {
    text += "; fwd-status=" + std::to_string(*status.fwd_status);
  }
  if (status.ttl) {
    text += "; ttl=" + std::to_string(std::clamp<std::int64_t>(status.ttl->count(), -largest_integer, largest_integer));
  }
  if (status.stored) {
    text += "; stored";
  }
  if (status.collapsed) {
    text += "; collapsed";
  }
  append_detail(text, status.detail);
  return text;
}

std::optional<CacheStatus> parse_cache_status(std::string_view field_value) {
  std::optional<CacheStatus> found;
  ListReader reader(field_value);
  reader.skip_white_space();
  while (!reader.done()) {
    Item name;
    CacheStatus status;
    bool valid = true;
    if (!reader.item(name) || !read_parameters(reader, status, valid)) {
      return std::nullopt;
    }
    if ((name.kind == Item::Kind::token || name.kind == Item::Kind::string) && name.text == own_name) {
      // Caches append, so the last entry is the one nearest to the reader (RFC 9211 section 2).
      found = valid ? std::optional(status) : std::nullopt;
    }
    reader.skip_white_space();
    if (reader.done()) {
      break;
    }
    if (!reader.take(',')) {
      return std::nullopt;
    }
    reader.skip_white_space();
    if (reader.done()) {
      return std::nullopt;  // a trailing comma (RFC 8941 section 4.2.1)
    }
  }
  return found;
}

}  // namespace ghoard::http
