#include "cli/api/sanitiser.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

namespace ghoard::api {

namespace {

constexpr std::size_t longest_escape = 6;

constexpr bool is_safe_control(unsigned code) {
  return code == '\t' || code == '\n' || code == '\v' || code == '\r';
}

// Bytes that end a run which can be copied as it is.
constexpr std::array<bool, 256> make_stops() {
  std::array<bool, 256> stops{};
  for (unsigned code = 0; code < 0x20; ++code) {
    stops[code] = !is_safe_control(code);
  }
  stops['\\'] = true;
  stops[0xC2] = true;  // first byte of U+0080 to U+00BF
  return stops;
}
constexpr std::array<bool, 256> stops = make_stops();

constexpr std::uint64_t in_each_byte(unsigned value) {
  return 0x0101010101010101ULL * value;
}

// Whether one of eight bytes may be a stop: a control, a backslash or 0xC2. Each subtraction sets the top bit of a byte
// that is below, respectively equal to, what is looked for (and perhaps of others, once there is one).
bool may_hold_stop(const char* eight) {
  constexpr std::uint64_t tops = in_each_byte(0x80);
  std::uint64_t word = 0;
  std::memcpy(&word, eight, sizeof word);
  const std::uint64_t backslash = word ^ in_each_byte('\\');
  const std::uint64_t lead = word ^ in_each_byte(0xC2);
  return (((word - in_each_byte(0x20)) & ~word) | ((backslash - in_each_byte(1)) & ~backslash) |
          ((lead - in_each_byte(1)) & ~lead)) &
         tops;
}

// The first stop at or after `at`.
std::size_t find_stop(std::string_view text, std::size_t at) {
  for (;;) {
    while (text.size() - at >= sizeof(std::uint64_t) && !may_hold_stop(text.data() + at)) {
      at += sizeof(std::uint64_t);
    }
    const std::size_t end = std::min(at + sizeof(std::uint64_t), text.size());
    for (; at < end; ++at) {
      if (stops[static_cast<unsigned char>(text[at])]) {
        return at;
      }
    }
    if (at == text.size()) {
      return at;
    }
  }
}

void append_caret(std::string& out, unsigned code) {
  out += '^';
  const char letter = static_cast<char>((code & 0x1F) + '@');
  out += letter == '\\' ? "\\\\" : std::string_view(&letter, 1);  // inside a JSON string a backslash needs another
}

// The code of `\u00XX` if it is a control to be replaced.
std::optional<unsigned> escaped_control(std::string_view text) {
  if (text.size() < longest_escape || !text.starts_with("\\u00")) {
    return std::nullopt;
  }
  const char high = text[4];
  const char low = static_cast<char>(text[5] >= 'A' && text[5] <= 'F' ? text[5] | 0x20 : text[5]);
  if (high != '0' && high != '1' && high != '8' && high != '9') {
    return std::nullopt;
  }
  const bool digit = low >= '0' && low <= '9';
  if (!digit && (low < 'a' || low > 'f')) {
    return std::nullopt;
  }
  const unsigned code =
      static_cast<unsigned>(high - '0') * 16 + static_cast<unsigned>(digit ? low - '0' : low - 'a' + 10);
  return is_safe_control(code) ? std::nullopt : std::optional(code);
}

}  // namespace

void Sanitiser::feed(std::string_view piece, std::string& out) {
  if (m_held.empty()) {
    m_held = piece.substr(take(piece, false, out));
    return;
  }
  m_held += piece;
  const std::string text = std::move(m_held);
  m_held = text.substr(take(text, false, out));
}

void Sanitiser::finish(std::string& out) {
  const std::string text = std::move(m_held);
  m_held.clear();
  take(text, true, out);
}

// Handles `text` up to a place where more bytes are needed to decide; returns how far it came.
std::size_t Sanitiser::take(std::string_view text, bool at_end, std::string& out) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = find_stop(text, at);
    if (end > at) {
      out += text.substr(at, end - at);
      m_odd_backslash = false;
      at = end;
      continue;
    }
    const std::string_view rest = text.substr(at);
    const auto byte = static_cast<unsigned char>(rest[0]);
    if (!at_end && ((byte == '\\' && rest.size() < longest_escape) || (byte == 0xC2 && rest.size() < 2))) {
      return at;
    }
    if (byte < 0x20) {
      append_caret(out, byte);
      ++at;
    } else if (byte == 0xC2 && rest.size() > 1 && static_cast<unsigned char>(rest[1]) >= 0x80 &&
               static_cast<unsigned char>(rest[1]) <= 0x9F) {
      append_caret(out, static_cast<unsigned char>(rest[1]));
      at += 2;
    } else if (const std::optional<unsigned> control = escaped_control(rest)) {
      out += m_odd_backslash ? "\\" : "";  // "\\u001b" would leave a lone backslash before the caret
      append_caret(out, *control);
      at += longest_escape;
    } else {
      m_odd_backslash = byte == '\\' && !m_odd_backslash;
      out += rest[0];
      ++at;
    }
  }
  return at;
}

}  // namespace ghoard::api
