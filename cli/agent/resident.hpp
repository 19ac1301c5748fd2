#pragma once

#include "cli/agent/arguments.hpp"
#include "cli/agent/log.hpp"

namespace ghoard::agent {

/// Runs the resident agent from lock to exit (design: "The agent's life") and returns the exit code.
int run_resident(const Arguments& arguments, const base::Clock& clock, Log& log);

/// Serves the one connection of --one-shot and returns the exit code when it has ended.
int run_one_shot(const Arguments& arguments, const base::Clock& clock, Log& log);

}  // namespace ghoard::agent
