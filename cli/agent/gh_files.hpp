#pragma once

#include <filesystem>
#include <string>

#include "cli/settings/settings.hpp"

namespace ghoard::agent {

/// Where gh keeps its hosts.yml: GH_CONFIG_DIR, XDG_CONFIG_HOME/gh, or HOME/.config/gh; empty if none is known.
[[nodiscard]] std::filesystem::path gh_hosts_file(const settings::Environment& environment);

/// A text that differs after the file was written, replaced, made or removed.
[[nodiscard]] std::string file_stamp(const std::filesystem::path& file);

}  // namespace ghoard::agent
