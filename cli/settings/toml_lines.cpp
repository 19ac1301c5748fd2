#include "cli/settings/toml_lines.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace ghoard::settings {

namespace {

using Failure = tl::unexpected<TomlError>;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_bare(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

/// Bytes of the well-formed UTF-8 sequence at the beginning of `text` (Unicode, table 3-7); 0: malformed.
std::size_t sequence_size(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto is_tail = [&](std::size_t i) { return (at(i) & 0xc0U) == 0x80U; };
  const unsigned first = at(0);
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xc2 && first <= 0xdf) {
    return is_tail(1) ? 2 : 0;
  }
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && at(1) < 0xa0;
    const bool surrogate = first == 0xed && at(1) > 0x9f;
    return !overlong && !surrogate && is_tail(1) && is_tail(2) ? 3 : 0;
  }
  const bool in_range =
      (first == 0xf0 && at(1) >= 0x90) || (first > 0xf0 && first < 0xf4) || (first == 0xf4 && at(1) <= 0x8f);
  return in_range && is_tail(1) && is_tail(2) && is_tail(3) ? 4 : 0;
}

/// False for what is no Unicode scalar value.
bool append_utf8(std::string& into, std::uint32_t point) {
  const auto add = [&](std::uint32_t byte) { into += static_cast<char>(byte); };
  if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
    return false;
  }
  if (point < 0x80) {
    add(point);
  } else if (point < 0x800) {
    add(0xc0 | (point >> 6));
    add(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    add(0xe0 | (point >> 12));
    add(0x80 | ((point >> 6) & 0x3f));
    add(0x80 | (point & 0x3f));
  } else {
    add(0xf0 | (point >> 18));
    add(0x80 | ((point >> 12) & 0x3f));
    add(0x80 | ((point >> 6) & 0x3f));
    add(0x80 | (point & 0x3f));
  }
  return true;
}

/// A decimal integer of TOML without its underscores; nothing for any other word.
std::optional<std::string> integer(std::string_view word) {
  const bool sign = word.starts_with('-') || word.starts_with('+');
  const std::string_view digits = word.substr(sign ? 1 : 0);
  if (digits.empty() || !is_digit(digits.front()) || !is_digit(digits.back()) ||
      (digits.size() > 1 && digits.front() == '0') || digits.find("__") != std::string_view::npos) {
    return std::nullopt;
  }
  std::string result = word.starts_with('-') ? "-" : "";
  for (const char c : digits) {
    if (!is_digit(c) && c != '_') {
      return std::nullopt;
    }
    result += c == '_' ? "" : std::string(1, c);
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(result.data(), result.data() + result.size(), value);
  return error == std::errc{} ? std::optional(std::to_string(value)) : std::nullopt;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : m_text(text) {}

  tl::expected<std::vector<TomlLine>, TomlError> run() {
    if (std::optional<TomlError> damage = check_characters()) {
      return Failure(std::move(*damage));
    }
    while (m_at < m_text.size()) {
      skip_blanks();
      if (!at_line_end()) {
        if (std::optional<TomlError> error = read_pair()) {
          return Failure(std::move(*error));
        }
      }
      if (std::optional<TomlError> error = end_line()) {
        return Failure(std::move(*error));
      }
    }
    return std::move(m_lines);
  }

 private:
  using Maybe = std::optional<TomlError>;

  [[nodiscard]] TomlError error(std::string message) const { return {m_line, std::move(message)}; }
  [[nodiscard]] TomlError malformed(const std::string& what) const { return error("malformed TOML: " + what); }

  [[nodiscard]] char peek() const { return m_at < m_text.size() ? m_text[m_at] : '\n'; }
  [[nodiscard]] bool at_line_end() const { return peek() == '\n' || peek() == '#'; }

  /// Control characters stand nowhere in TOML but as line ends and tabs; a CR only before LF.
  Maybe check_characters() const {
    std::size_t line = 1;
    for (std::size_t at = 0; at < m_text.size();) {
      const char c = m_text[at];
      const bool line_end = c == '\n' || (c == '\r' && at + 1 < m_text.size() && m_text[at + 1] == '\n');
      const std::size_t size = sequence_size(m_text.substr(at));
      if (size == 0 || (is_control(c) && !line_end)) {
        return TomlError{line, size == 0 ? "malformed TOML: not UTF-8" : "malformed TOML: a control character"};
      }
      line += c == '\n' ? 1 : 0;
      at += size;
    }
    return std::nullopt;
  }

  /// CR counts as blank: check_characters has seen that LF follows.
  void skip_blanks() {
    while (m_at < m_text.size() && (peek() == ' ' || peek() == '\t' || peek() == '\r')) {
      ++m_at;
    }
  }

  Maybe end_line() {
    skip_blanks();
    if (!at_line_end()) {
      return malformed("something follows the value");
    }
    m_at = std::min(m_text.find('\n', m_at), m_text.size() - 1) + 1;
    ++m_line;
    return std::nullopt;
  }

  Maybe read_pair() {
    if (peek() == '[') {
      return error("config.toml has no tables, only lines such as `default_ttl = 300`");
    }
    TomlLine line;
    while (is_bare(peek())) {
      line.key += m_text[m_at++];
    }
    skip_blanks();
    if (line.key.empty() || peek() != '=') {
      return malformed("a line is KEY = VALUE, and a key has letters, digits, _ and -");
    }
    ++m_at;
    skip_blanks();
    const bool repeated =
        std::any_of(m_lines.begin(), m_lines.end(), [&](const TomlLine& other) { return other.key == line.key; });
    if (repeated) {
      return malformed("a second " + line.key.substr(0, 64));
    }
    line.line = m_line;
    line.begin = m_at;
    if (Maybe failed = read_value(line)) {
      return failed;
    }
    line.end = m_at;
    m_lines.push_back(std::move(line));
    return std::nullopt;
  }

  Maybe read_value(TomlLine& line) {
    switch (peek()) {
      case '"':
      case '\'': line.type = TomlLine::Type::string; return read_string(line.text);
      case '[': line.type = TomlLine::Type::list; return read_list(line.text);
      default: return read_word(line);
    }
  }

  Maybe read_word(TomlLine& line) {
    const std::size_t end = std::min(m_text.find_first_of(" \t\r\n#", m_at), m_text.size());
    const std::string_view word = m_text.substr(m_at, end - m_at);
    m_at = end;
    if (word.empty()) {
      return malformed("a value is missing");
    }
    if (word == "true" || word == "false") {
      line.type = TomlLine::Type::boolean;
      line.text = word;
    } else if (std::optional<std::string> number = integer(word)) {
      line.type = TomlLine::Type::integer;
      line.text = std::move(*number);
    }
    return std::nullopt;
  }

  Maybe read_string(std::string& into) {
    const char quote = m_text[m_at];
    if (m_text.substr(m_at, 3) == std::string(3, quote)) {
      return error("a multi-line string has no place here");
    }
    for (++m_at; peek() != quote;) {
      if (peek() == '\n') {
        return malformed("a string does not end");
      }
      if (quote == '"' && peek() == '\\') {
        if (!read_escape(into)) {
          return malformed("an unknown escape in a string");
        }
      } else {
        into += m_text[m_at++];
      }
    }
    ++m_at;
    return std::nullopt;
  }

  bool read_escape(std::string& into) {
    static constexpr std::string_view letters = "btnfr\"\\";
    static constexpr std::string_view meanings = "\b\t\n\f\r\"\\";
    const char c = m_at + 1 < m_text.size() ? m_text[m_at + 1] : '\n';
    m_at += 2;
    if (const std::size_t known = letters.find(c); known != std::string_view::npos) {
      into += meanings[known];
      return true;
    }
    const std::size_t size = c == 'u' ? 4 : (c == 'U' ? 8 : 0);
    if (size == 0 || m_text.size() - std::min(m_at, m_text.size()) < size) {
      return false;
    }
    std::uint32_t point = 0;
    const char* const first = m_text.data() + m_at;
    const auto [end, failed] = std::from_chars(first, first + size, point, 16);
    m_at += size;
    return failed == std::errc{} && end == first + size && append_utf8(into, point);
  }

  /// Blanks, line ends and comments, which may stand between the items of an array.
  void skip_between_items() {
    for (skip_blanks(); m_at < m_text.size() && at_line_end(); skip_blanks()) {
      m_at = std::min(m_text.find('\n', m_at), m_text.size() - 1) + 1;
      ++m_line;
    }
  }

  Maybe read_list(std::string& into) {
    ++m_at;
    for (skip_between_items(); peek() != ']'; skip_between_items()) {
      if (peek() != '"' && peek() != '\'') {
        return m_at < m_text.size() ? error("an array holds strings here") : malformed("an array does not end");
      }
      std::string item;
      if (Maybe failed = read_string(item)) {
        return failed;
      }
      if (item.find(',') != std::string::npos) {
        return error("an item of an array may not hold a comma here");
      }
      into += (into.empty() ? "" : ",") + item;
      skip_between_items();
      if (peek() != ',' && peek() != ']') {
        return malformed("a comma or ] is missing in an array");
      }
      m_at += peek() == ',' ? 1 : 0;
    }
    ++m_at;
    return std::nullopt;
  }

  std::string_view m_text;
  std::size_t m_at = 0;
  std::size_t m_line = 1;
  std::vector<TomlLine> m_lines;
};

}  // namespace

tl::expected<std::vector<TomlLine>, TomlError> parse_toml_lines(std::string_view text) {
  return Reader(text).run();
}

}  // namespace ghoard::settings
