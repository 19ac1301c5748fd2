#pragma once

#include "cli/agent/works.hpp"

namespace ghoard::agent {

/// Paths and settings from the environment and config.toml, and the record made of them.
[[nodiscard]] base::Result<Configuration> load_configuration();

}  // namespace ghoard::agent
