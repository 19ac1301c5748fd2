#include "tests/standin/identity.hpp"

#include <array>

#include "core/http/message.hpp"
#include "tests/standin/text.hpp"
#include "tests/standin/tokens.hpp"

namespace ghoard::standin {

namespace {

struct Row {
  std::string_view token;
  std::string_view login;
  long id;
  std::string_view scopes;
  bool classic_scopes;
  bool sees_private;
  bool installation = false;
};

constexpr std::string_view all_scopes = "admin:org, gist, notifications, repo, user, workflow";

constexpr std::array<Row, 10> table{{
    {tokens::user_1, "user-1", 101, all_scopes, true, true},
    {tokens::user_1_second, "user-1", 101, all_scopes, true, true},
    {tokens::user_1_no_scopes, "user-1", 101, "", true, false},
    {tokens::user_1_fine_grained, "user-1", 101, "", false, true},
    {tokens::user_1_hex, "user-1", 101, all_scopes, true, true},
    {tokens::user_1_oauth, "user-1", 101, all_scopes, true, true},
    {tokens::user_1_app, "user-1", 101, "", false, true},
    {tokens::user_2, "user-2", 102, "read:org, repo", true, true},
    {tokens::user_3, "user-3", 103, "public_repo", true, true},
    {tokens::installation, "acme-ci[bot]", 190, "", false, true, true},
}};

/// The token inside an Authorization value; Basic carries it as user name or password.
std::string token_of(std::string_view authorization) {
  const std::size_t space = authorization.find(' ');
  const std::string_view scheme = authorization.substr(0, space);
  const std::string_view rest =
      space == std::string_view::npos ? std::string_view() : http::trim(authorization.substr(space + 1));
  if (http::iequals(scheme, "token") || http::iequals(scheme, "bearer")) {
    return std::string(rest);
  }
  if (http::iequals(scheme, "basic")) {
    const std::string pair = base64_decode(rest).value_or("");
    const std::size_t colon = pair.find(':');
    const std::string password = colon == std::string::npos ? "" : pair.substr(colon + 1);
    return password.empty() || password == "x-oauth-basic" ? pair.substr(0, colon) : password;
  }
  return {};
}

}  // namespace

std::optional<Identity> Identities::find(std::string_view authorization) const {
  if (authorization.empty()) {
    return Identity{};
  }
  const std::string token = token_of(authorization);
  if (m_revoked.contains(token)) {
    return std::nullopt;
  }
  const bool rotating = token.size() == 40 && token.starts_with(tokens::rotating_prefix);
  for (const Row& row : table) {
    if (row.token == token || (rotating && row.installation)) {
      return Identity{std::string(row.login), row.id,           std::string(row.scopes),
                      row.classic_scopes,     row.sees_private, row.installation};
    }
  }
  return std::nullopt;
}

}  // namespace ghoard::standin
