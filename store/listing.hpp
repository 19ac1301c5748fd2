#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.hpp"
#include "core/cache/store.hpp"
#include "store/database.hpp"

namespace ghoard::store {

/// The responses that `selection` names, the most recently used first, at most `limit`. For writer and reader.
[[nodiscard]] base::Result<std::vector<cache::Listing>> list_selected(const Database& database,
                                                                      const cache::Selection& selection,
                                                                      std::size_t limit);

/// Deletes them, inside of the caller's transaction; how many went.
[[nodiscard]] base::Result<std::uint64_t> remove_selected(const Database& database, const cache::Selection& selection);

}  // namespace ghoard::store
