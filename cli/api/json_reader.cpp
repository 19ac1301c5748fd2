#include "cli/api/json_reader.hpp"

#include <optional>

#include "cli/api/utf8.hpp"

namespace ghoard::api {

namespace {

constexpr std::size_t max_depth = 10000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::optional<unsigned> hex_digit(char c) {
  if (is_digit(c)) {
    return static_cast<unsigned>(c - '0');
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? std::optional(static_cast<unsigned>(lower - 'a' + 10)) : std::nullopt;
}

// The four digits of \uXXXX at the start of `text`.
std::optional<unsigned> hex4(std::string_view text) {
  if (text.size() < 4) {
    return std::nullopt;
  }
  unsigned value = 0;
  for (const char c : text.substr(0, 4)) {
    const std::optional<unsigned> digit = hex_digit(c);
    if (!digit) {
      return std::nullopt;
    }
    value = value << 4 | *digit;
  }
  return value;
}

// Length of the escape after its backslash; 0 if it is malformed.
std::size_t escape_length(std::string_view after) {
  if (after.empty()) {
    return 0;
  }
  if (after[0] == 'u') {
    return hex4(after.substr(1)) ? 5 : 0;
  }
  return std::string_view("\"\\/bfnrt").find(after[0]) != std::string_view::npos ? 1 : 0;
}

std::size_t digits_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_digit(text[end])) {
    ++end;
  }
  return end - at;
}

}  // namespace

void JsonReader::skip_space() {
  while (m_at < m_text.size() &&
         (m_text[m_at] == ' ' || m_text[m_at] == '\n' || m_text[m_at] == '\t' || m_text[m_at] == '\r')) {
    ++m_at;
  }
}

JsonToken JsonReader::fail() {
  m_state = State::failed;
  return {JsonKind::error, {}};
}

JsonToken JsonReader::next() {
  skip_space();
  if (m_state == State::failed) {
    return fail();
  }
  if (m_state == State::after_value && m_open.empty()) {
    m_state = State::done;
  }
  if (m_state == State::done) {
    return m_at == m_text.size() ? JsonToken{} : fail();
  }
  if (m_at == m_text.size()) {
    return fail();
  }
  const char c = m_text[m_at];
  switch (m_state) {
    case State::value: return take_value();
    case State::member: return take_key();
    case State::first_member: return c == '}' ? close() : take_key();
    case State::first_entry: return c == ']' ? close() : take_value();
    case State::after_value: break;
    case State::done:
    case State::failed: return fail();
  }
  if (c == m_open.back()) {
    return close();
  }
  if (c != ',') {
    return fail();
  }
  ++m_at;
  m_state = m_open.back() == '}' ? State::member : State::value;
  return next();
}

JsonToken JsonReader::take_value() {
  switch (m_text[m_at]) {
    case '{': return open(JsonKind::begin_object, '}', State::first_member);
    case '[': return open(JsonKind::begin_array, ']', State::first_entry);
    case '"': return take_string(JsonKind::string);
    case 't': return take_word("true", JsonKind::boolean);
    case 'f': return take_word("false", JsonKind::boolean);
    case 'n': return take_word("null", JsonKind::null);
    default: return take_number();
  }
}

JsonToken JsonReader::open(JsonKind kind, char closer, State state) {
  if (m_open.size() == max_depth) {
    return fail();
  }
  m_open += closer;
  m_state = state;
  return {kind, m_text.substr(m_at++, 1)};
}

JsonToken JsonReader::close() {
  const JsonKind kind = m_open.back() == '}' ? JsonKind::end_object : JsonKind::end_array;
  m_open.pop_back();
  value_done();
  return {kind, m_text.substr(m_at++, 1)};
}

JsonToken JsonReader::take_key() {
  if (m_text[m_at] != '"') {
    return fail();
  }
  const JsonToken key = take_string(JsonKind::key);
  skip_space();
  if (key.kind == JsonKind::error || m_at == m_text.size() || m_text[m_at] != ':') {
    return fail();
  }
  ++m_at;
  m_state = State::value;
  return key;
}

JsonToken JsonReader::take_string(JsonKind kind) {
  const std::size_t start = m_at++;
  while (m_at < m_text.size()) {
    const char c = m_text[m_at++];
    if (c == '"') {
      value_done();
      return {kind, m_text.substr(start, m_at - start)};
    }
    if (c == '\\') {
      const std::size_t length = escape_length(m_text.substr(m_at));
      if (length == 0) {
        return fail();
      }
      m_at += length;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      return fail();
    }
  }
  return fail();
}

JsonToken JsonReader::take_number() {
  const std::size_t start = m_at;
  m_at += m_text[m_at] == '-' ? 1 : 0;
  const std::size_t whole = digits_at(m_text, m_at);
  if (whole == 0 || (whole > 1 && m_text[m_at] == '0')) {
    return fail();
  }
  m_at += whole;
  if (m_at < m_text.size() && m_text[m_at] == '.') {
    const std::size_t fraction = digits_at(m_text, m_at + 1);
    if (fraction == 0) {
      return fail();
    }
    m_at += 1 + fraction;
  }
  if (m_at < m_text.size() && (m_text[m_at] | 0x20) == 'e') {
    const std::size_t sign = m_at + 1 < m_text.size() && (m_text[m_at + 1] == '+' || m_text[m_at + 1] == '-') ? 1 : 0;
    const std::size_t exponent = digits_at(m_text, m_at + 1 + sign);
    if (exponent == 0) {
      return fail();
    }
    m_at += 1 + sign + exponent;
  }
  value_done();
  return {JsonKind::number, m_text.substr(start, m_at - start)};
}

JsonToken JsonReader::take_word(std::string_view word, JsonKind kind) {
  if (!m_text.substr(m_at).starts_with(word)) {
    return fail();
  }
  m_at += word.size();
  value_done();
  return {kind, word};
}

std::string decode_json_string(std::string_view raw) {
  std::string text;
  if (raw.size() < 2) {
    return text;
  }
  raw = raw.substr(1, raw.size() - 2);
  while (!raw.empty()) {
    const std::size_t plain = std::min(raw.find('\\'), raw.size());
    text += raw.substr(0, plain);
    raw.remove_prefix(plain);
    const std::size_t length = raw.empty() ? 0 : escape_length(raw.substr(1));
    if (length == 0) {
      break;
    }
    const char letter = raw[1];
    unsigned code = letter == 'u' ? *hex4(raw.substr(2)) : 0;
    raw.remove_prefix(1 + length);
    switch (letter) {
      case 'b': text += '\b'; break;
      case 'f': text += '\f'; break;
      case 'n': text += '\n'; break;
      case 'r': text += '\r'; break;
      case 't': text += '\t'; break;
      case 'u': {
        const std::optional<unsigned> low = raw.starts_with("\\u") ? hex4(raw.substr(2)) : std::nullopt;
        if (code >= 0xD800 && code <= 0xDBFF && low && *low >= 0xDC00 && *low <= 0xDFFF) {
          code = 0x10000 + ((code - 0xD800) << 10) + (*low - 0xDC00);
          raw.remove_prefix(6);
        }
        append_utf8(text, code);
        break;
      }
      default: text += letter;
    }
  }
  return text;
}

}  // namespace ghoard::api
