#pragma once

#include <string>
#include <string_view>

/// The stand-in's fixed test tokens. They are invented, carry no checksum that GitHub would accept, and open nothing.
namespace ghoard::standin::tokens {

/// user-1 sees every repository of acme and may write to all of them.
inline constexpr std::string_view user_1 = "ghp_StandInUser1Token0000000000000000001";
/// A second token of user-1: the same rights and the same rate budget, another ETag and another fingerprint.
inline constexpr std::string_view user_1_second = "ghp_StandInUser1Token0000000000000000002";
/// user-1 without any scope: public repositories only, no writes.
inline constexpr std::string_view user_1_no_scopes = "ghp_StandInUser1Token0000000000000000003";
/// Fine-grained, the old 40-hex form, and the two forms that change with every login; all user-1 with all rights.
inline constexpr std::string_view user_1_fine_grained =
    "github_pat_11STANDIN00000000USER1_StandInFineGrainedToken000000000000000000000000000000000001";
inline constexpr std::string_view user_1_hex = "0123456789abcdef0123456789abcdef01234567";
inline constexpr std::string_view user_1_oauth = "gho_StandInUser1Token0000000000000000004";
inline constexpr std::string_view user_1_app = "ghu_StandInUser1Token0000000000000000005";
/// user-2 sees the private repositories `secrets` and `platform`, but not `payroll`.
inline constexpr std::string_view user_2 = "ghp_StandInUser2Token0000000000000000001";
/// user-3 sees public repositories only; may open issues and comment, nothing else.
inline constexpr std::string_view user_3 = "ghp_StandInUser3Token0000000000000000001";
/// The installation acme-ci[bot]: every repository, a budget of its own, no /user.
inline constexpr std::string_view installation = "ghs_StandInAcmeCiToken000000000000000001";
/// Tokens of the same installation that differ per job, as those of Actions do: this prefix and digits, 40 characters.
inline constexpr std::string_view rotating_prefix = "ghs_StandInRotating";
inline std::string rotating(int number) {
  const std::string digits = std::to_string(number);
  return std::string(rotating_prefix) + std::string(40 - rotating_prefix.size() - digits.size(), '0') + digits;
}
/// Well-formed and unknown: 401 Bad credentials.
inline constexpr std::string_view unknown = "ghp_StandInNobodyToken000000000000000001";

static_assert(user_1.size() == 40 && user_2.size() == 40 && user_3.size() == 40 && user_1_hex.size() == 40);
static_assert(user_1_second.size() == 40 && user_1_no_scopes.size() == 40 && user_1_oauth.size() == 40);
static_assert(user_1_app.size() == 40 && installation.size() == 40 && unknown.size() == 40);

}  // namespace ghoard::standin::tokens
