#pragma once

#include <string_view>

namespace ghoard::peer {

/// What a GitHub token is, by its form alone.
enum class TokenKind {
  classic,           ///< ghp_ and 36 letters and digits
  fine_grained,      ///< github_pat_, 22 letters and digits, _, 59 letters and digits
  legacy,            ///< 40 lower-case hexadecimal digits, from before 2021
  oauth,             ///< gho_: a new one per login of an OAuth application, `gh auth login` among them
  user_to_server,    ///< ghu_: a GitHub App acting for a user, for hours
  server_to_server,  ///< ghs_: a GitHub App, or one job of GitHub Actions
  refresh,           ///< ghr_: no credential for the API
  unknown,
};

[[nodiscard]] TokenKind token_kind(std::string_view token);

/// True when every machine of a fleet can be given this very token, so that a network key can be derived from it: a
/// classic, fine-grained or legacy token of the right length. All have more than 150 bits, which no one guesses.
[[nodiscard]] bool is_stable_github_token(std::string_view token);

/// Why no network key is derived from tokens of this kind, one line naming the way out; nullptr for stable ones.
[[nodiscard]] const char* why_not_stable(TokenKind kind);

}  // namespace ghoard::peer
