#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/settings/settings.hpp"

namespace ghoard::link {

/// A scalar at the top of gh's config.yml (at most 1 MiB); nothing if it is absent, empty, or the file is no YAML.
[[nodiscard]] std::optional<std::string> find_gh_setting(std::string_view config_yml, std::string_view key);

/// The same from gh's directory. A file that cannot be read sets nothing.
[[nodiscard]] std::optional<std::string> read_gh_setting(const settings::Environment& environment,
                                                         std::string_view key);

}  // namespace ghoard::link
