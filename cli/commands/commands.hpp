#pragma once

#include <span>
#include <string>

#include "cli/link/program.hpp"

/// Every command but `api`, one file each. They are listed in cli/ghoard/main.cpp.
namespace ghoard::commands {

using Arguments = std::span<const std::string>;

int run_agent(const link::Program& program, Arguments arguments);
int run_cache(const link::Program& program, Arguments arguments);
int run_completion(const link::Program& program, Arguments arguments);
int run_config(const link::Program& program, Arguments arguments);
int run_doctor(const link::Program& program, Arguments arguments);
int run_gh(const link::Program& program, Arguments arguments);
int run_network(const link::Program& program, Arguments arguments);
int run_peers(const link::Program& program, Arguments arguments);
int run_rate(const link::Program& program, Arguments arguments);
int run_stats(const link::Program& program, Arguments arguments);
int run_version(const link::Program& program, Arguments arguments);

/// A command of commands: `ghoard cache ls`. Without a word, or with an unknown one, it prints its usage.
int run_group(const link::Program& program, std::string_view name, std::span<const link::Command> commands,
              Arguments arguments);

/// The list of commands under "usage: NAME COMMAND".
[[nodiscard]] std::string usage_of(std::string_view name, std::span<const link::Command> commands);

}  // namespace ghoard::commands
