#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/link/hosts_yml.hpp"
#include "cli/link/program.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"

namespace ghoard::link {

/// gh's directory of config.yml and hosts.yml: GH_CONFIG_DIR, else XDG_CONFIG_HOME/gh, else ~/.config/gh. Nothing if
/// none of these is set.
[[nodiscard]] std::optional<std::filesystem::path> gh_config_directory(const settings::Environment& environment);

/// 32 hexadecimal digits that differ between gh configurations, and after hosts.yml was written, replaced, made or
/// removed: which tokens a caller may ask the agent for. Empty if gh has no configuration directory.
[[nodiscard]] std::string gh_config_mark(const settings::Environment& environment);

/// The hosts gh is logged in to; none if there is no hosts.yml.
[[nodiscard]] base::Result<std::vector<GhHost>> read_gh_hosts(const settings::Environment& environment);

/// At most `limit` bytes of a file; nothing if it does not exist.
[[nodiscard]] base::Result<std::optional<std::string>> read_small_file(const std::filesystem::path& file,
                                                                       std::size_t limit);

/// The first `gh` of PATH that is not this very program (which may be called `gh` through a symlink).
[[nodiscard]] std::optional<std::filesystem::path> find_gh(const settings::Environment& environment);

/// What `gh auth token --hostname HOST` prints, for tokens in a keyring; nothing if gh is missing, fails, or takes
/// longer than `deadline` (it is killed then).
[[nodiscard]] std::optional<std::string> ask_gh_for_token(const settings::Environment& environment,
                                                          std::string_view host,
                                                          base::Millis deadline = base::Millis{5000});

/// True when the text can stand in an Authorization header: visible ASCII, at most 16 KiB.
[[nodiscard]] bool is_token_text(std::string_view text);

}  // namespace ghoard::link
