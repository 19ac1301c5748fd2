#pragma once

#include <cstddef>

#include "core/base/time.hpp"

namespace ghoard::mesh::registry {

/// What discovery through a repository may cost (man ghoard-config(5), github_repo).
inline constexpr base::Millis first_pause{60'000};      ///< between reads while nobody is linked, and after failures
inline constexpr base::Millis last_pause{15 * 60'000};  ///< the same, doubled so often; of the reader among linked ones
inline constexpr base::Millis patience{10'000};         ///< for those who are known from elsewhere
inline constexpr base::Millis standstill{3'600'000};    ///< after a refusal that only people can lift
inline constexpr base::Millis longest_block{2 * 3'600'000};  ///< whatever a rate limit says
inline constexpr base::Millis settling{5'000};               ///< addresses become known one after the other
inline constexpr base::Millis write_pause{60'000};
inline constexpr base::Millis budget_period{3'600'000};
inline constexpr std::size_t most_writes = 6;  ///< within a budget_period
/// Two writes fit between this and being forgotten. Each costs its writer one call, and the reader one, whose next read
/// is not unchanged.
inline constexpr base::Millis refresh_after{48 * 3'600'000LL};
inline constexpr base::Millis forgotten_after{7 * 24 * 3'600'000LL};
inline constexpr base::Millis latest_future{24 * 3'600'000LL};  ///< clocks differ
inline constexpr unsigned page_size = 100;
inline constexpr unsigned most_comment_pages = 4;
inline constexpr unsigned most_issue_pages = 10;
inline constexpr std::size_t most_seen = 1'024;
inline constexpr std::size_t most_foreign = 64;
inline constexpr std::int64_t reserve = 10;  ///< of the token's budget, left to others

}  // namespace ghoard::mesh::registry
