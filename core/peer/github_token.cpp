#include "core/peer/github_token.hpp"

#include <algorithm>
#include <cstddef>

namespace ghoard::peer {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_alphanumeric(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
}

bool is_lower_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool is_fine_grained_rest(std::string_view text) {
  constexpr std::size_t id = 22;
  constexpr std::size_t secret = 59;
  return text.size() == id + 1 + secret && text[id] == '_' && is_alphanumeric(text.substr(0, id)) &&
         is_alphanumeric(text.substr(id + 1));
}

}  // namespace

TokenKind token_kind(std::string_view token) {
  constexpr std::string_view fine_grained = "github_pat_";
  if (token.starts_with(fine_grained)) {
    return is_fine_grained_rest(token.substr(fine_grained.size())) ? TokenKind::fine_grained : TokenKind::unknown;
  }
  if (token.starts_with("ghp_")) {
    return token.size() == 40 && is_alphanumeric(token.substr(4)) ? TokenKind::classic : TokenKind::unknown;
  }
  // The others serve nowhere here, so their lengths, which GitHub has changed before, do not matter.
  if (token.starts_with("gho_")) {
    return TokenKind::oauth;
  }
  if (token.starts_with("ghu_")) {
    return TokenKind::user_to_server;
  }
  if (token.starts_with("ghs_")) {
    return TokenKind::server_to_server;
  }
  if (token.starts_with("ghr_")) {
    return TokenKind::refresh;
  }
  return token.size() == 40 && is_lower_hex(token) ? TokenKind::legacy : TokenKind::unknown;
}

const char* why_not_stable(TokenKind kind) {
  switch (kind) {
    case TokenKind::classic:
    case TokenKind::fine_grained:
    case TokenKind::legacy: return nullptr;
    case TokenKind::oauth: return "gho_ tokens differ per login; set a network key (`ghoard network new-key`)";
    case TokenKind::user_to_server: return "ghu_ tokens differ per login; set a network key (`ghoard network new-key`)";
    case TokenKind::server_to_server: return "ghs_ tokens differ per job; set a network key (`ghoard network new-key`)";
    case TokenKind::refresh: return "ghr_ tokens are no credentials; set a network key (`ghoard network new-key`)";
    case TokenKind::unknown:
      return "tokens of an unknown form may be guessable; set a network key (`ghoard network new-key`)";
  }
  return "set a network key (`ghoard network new-key`)";
}

bool is_stable_github_token(std::string_view token) {
  return why_not_stable(token_kind(token)) == nullptr;
}

}  // namespace ghoard::peer
