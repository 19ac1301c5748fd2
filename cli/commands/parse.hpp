#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <map>
#include <optional>
#include <string>

#include "cli/commands/commands.hpp"

namespace ghoard::commands {

/// Parses without side effects. Nothing: go on; else the exit code, help or error having been printed. Errors are the
/// message, a blank line and the usage, as gh's are.
[[nodiscard]] std::optional<int> parse(const link::Program& program, CLI::App& app, Arguments arguments);

/// `--json` of every command that reports.
void add_json_flag(CLI::App& app, bool& json);

/// A flag for each setting that an agent can be started with; what was given lands in `values`.
void add_setting_flags(CLI::App& app, std::map<std::string, std::string>& values);

}  // namespace ghoard::commands
