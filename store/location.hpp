#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "core/base/result.hpp"

namespace ghoard::store {

inline constexpr std::string_view database_name = "cache.db";

/// The f_type that statfs(2) reports for the file system of a directory; 0 if it cannot be told.
[[nodiscard]] std::int64_t filesystem_type(const std::filesystem::path& directory);

/// What kind of network (or possibly network) file system that f_type is; empty for a local one. On those the shared
/// memory and the locks of a write-ahead log do not work, or only among processes of one machine.
[[nodiscard]] std::string_view network_filesystem(std::int64_t type);

/// Whether files can be created and removed there.
[[nodiscard]] bool is_writable(const std::filesystem::path& directory);
/// Whether there is a database, or something that bears its name.
[[nodiscard]] bool has_database(const std::filesystem::path& directory);

/// Makes `directory` (0700) and an empty database file in it (0600) where they are missing, and takes group and
/// others' rights away where they are not. Fails with unavailable if that is impossible or they belong to somebody
/// else, with corrupted if something that is no regular file has the database's name. An existing file is not opened:
/// closing it would drop the locks that SQLite holds on it in this process (fcntl(2), "record locks").
[[nodiscard]] base::Result<void> prepare_location(const std::filesystem::path& directory);

}  // namespace ghoard::store
