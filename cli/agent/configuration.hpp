#pragma once

#include "cli/agent/works.hpp"

namespace ghoard::agent {

/// Paths and settings from the environment and config.toml, and the record made of them. `secrets`: what the starter
/// told; its network keys count as a flag.
[[nodiscard]] base::Result<Configuration> load_configuration(local::StartSecrets secrets);

}  // namespace ghoard::agent
