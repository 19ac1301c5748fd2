#pragma once

#include <span>
#include <string>

#include "cli/link/program.hpp"

namespace ghoard::api {

/// `ghoard api ENDPOINT [flags]`: what `gh api` takes, and the freshness flags (gh-api reference; design: freshness
/// flags).
int run(const link::Program& program, std::span<const std::string> arguments);

}  // namespace ghoard::api
