#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/settings/settings.hpp"
#include "core/base/result.hpp"

namespace ghoard::api {

/// Where git keeps the repository of a directory: read here, since one git process costs more than the whole command.
struct GitDirectory {
  std::filesystem::path own;     ///< holds HEAD: `.git`, or a work tree's directory below it
  std::filesystem::path common;  ///< holds config
};

/// GIT_DIR, else the nearest `.git` at or above `start` (gitrepository-layout(5)). Fails as git does when there is
/// none.
[[nodiscard]] base::Result<GitDirectory> find_git_directory(const std::filesystem::path& start,
                                                            const settings::Environment& environment);

/// The user's own configuration files in the order git reads them: GIT_CONFIG_GLOBAL alone, else `git/config` in
/// XDG_CONFIG_HOME or ~/.config, and ~/.gitconfig.
[[nodiscard]] std::vector<std::filesystem::path> user_git_configs(const settings::Environment& environment);

/// What errno means, in lower case.
[[nodiscard]] std::string reason_of(int error);

/// The whole file ("-": standard input), at most `limit` bytes of it.
[[nodiscard]] base::Result<std::string> read_file(const std::filesystem::path& file, std::size_t limit);

}  // namespace ghoard::api
