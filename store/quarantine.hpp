#pragma once

#include <cstdint>
#include <filesystem>

#include "core/base/result.hpp"

namespace ghoard::store {

/// How many databases that were moved aside are kept, for whoever wants to look into them.
inline constexpr int kept_databases = 2;

/// Moves the closed database of `directory` aside as `cache.db.corrupt-N`, its log with it, and removes older ones
/// beyond `kept_databases`. Durable when it returns.
[[nodiscard]] base::Result<void> quarantine_corrupt(const std::filesystem::path& directory);
/// The same as `cache.db.schema-V`, replacing an earlier one of that version.
[[nodiscard]] base::Result<void> quarantine_newer(const std::filesystem::path& directory, std::int64_t version);

/// Gives the closed database of `directory` up for good: removes its files, or, where the directory does not permit
/// that, empties them. Needs no free space. When it returns without a failure, nothing of the database comes back, not
/// even after a power failure.
[[nodiscard]] base::Result<void> discard_database(const std::filesystem::path& directory);

}  // namespace ghoard::store
