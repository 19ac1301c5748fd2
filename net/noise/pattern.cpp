#include "net/noise/pattern.hpp"

#include <algorithm>
#include <initializer_list>

namespace ghoard::noise {

namespace {

constexpr std::string_view prefix = "Noise_";
constexpr std::string_view suffix = "_25519_ChaChaPoly_SHA256";

/// Section 7.5. Patterns without pre-messages, of three messages.
struct TableRow {
  std::string_view name;
  std::array<std::initializer_list<Token>, Pattern::messages> messages;
};

const TableRow table[] = {
    {"XX", {{{Token::e}, {Token::e, Token::ee, Token::s, Token::es}, {Token::s, Token::se}}}},
};

}  // namespace

void Pattern::Row::prepend(Token token) {
  std::copy_backward(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(size),
                     tokens.begin() + static_cast<std::ptrdiff_t>(size) + 1);
  tokens[0] = token;
  ++size;
}

std::optional<Pattern> Pattern::parse(std::string_view protocol_name) {
  if (!protocol_name.starts_with(prefix) || !protocol_name.ends_with(suffix) ||
      protocol_name.size() < prefix.size() + suffix.size()) {
    return std::nullopt;
  }
  std::string_view name = protocol_name;
  name.remove_prefix(prefix.size());
  name.remove_suffix(suffix.size());
  const auto row = std::find_if(std::begin(table), std::end(table),
                                [&](const TableRow& known) { return name.starts_with(known.name); });
  if (row == std::end(table)) {
    return std::nullopt;
  }
  Pattern pattern;
  pattern.m_name = std::string(protocol_name);
  for (std::size_t i = 0; i < messages; ++i) {
    for (const Token token : row->messages[i]) {
      pattern.m_rows[i].append(token);
    }
  }
  for (name.remove_prefix(row->name.size()); !name.empty();) {
    const std::size_t end = name.find('+');
    if (!pattern.apply_modifier(name.substr(0, end)) || end == name.size() - 1) {
      return std::nullopt;
    }
    name.remove_prefix(end == std::string_view::npos ? name.size() : end + 1);
  }
  return pattern;
}

bool Pattern::apply_modifier(std::string_view modifier) {
  // psk0 stands at the beginning of the first message, pskN at the end of message N (section 9.4).
  if (!modifier.starts_with("psk") || modifier.size() != 4 || modifier[3] < '0' || modifier[3] > '3') {
    return false;
  }
  const std::size_t number = static_cast<std::size_t>(modifier[3] - '0');
  const std::uint8_t bit = static_cast<std::uint8_t>(1U << number);
  if ((m_modifiers & bit) != 0) {
    return false;
  }
  m_modifiers = static_cast<std::uint8_t>(m_modifiers | bit);
  ++m_psk_count;
  if (number == 0) {
    m_rows[0].prepend(Token::psk);
  } else {
    m_rows[number - 1].append(Token::psk);
  }
  return true;
}

}  // namespace ghoard::noise
