#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cli/settings/settings.hpp"

namespace ghoard::link {

/// One invocation of `ghoard`: what main() found out before it ran a command.
struct Program {
  std::string name = "ghoard";      ///< prefix of messages: the name we were invoked by ("gh" through a symlink)
  std::filesystem::path directory;  ///< of the running binary, where ghoard-agent and ghoard-jq are looked for first
  settings::Environment environment;
  settings::Paths paths;
  settings::Settings settings;
  /// Why `paths` or `settings` could not be read. Only commands that work without them are run then.
  std::optional<base::Error> problem;
};

/// Exit codes follow gh.
inline constexpr int exit_ok = 0;
inline constexpr int exit_failure = 1;
inline constexpr int exit_cancelled = 2;
inline constexpr int exit_authentication = 4;

/// A command: one file each, listed in cli/ghoard/main.cpp. Parses its own arguments (those after its name) without
/// side effects, then runs. Returns the exit code; has printed its errors as "NAME: message".
using CommandFunction = int (*)(const Program& program, std::span<const std::string> arguments);

struct Command {
  std::string_view name;
  std::string_view summary;
  CommandFunction run;
  bool works_without_settings = false;  ///< runs even when config.toml or a variable is wrong
};

/// Writes all of it to standard output, unbuffered. False when nobody reads any more (EPIPE) or the disk is full: stop,
/// and return exit_failure; a message has been printed unless it was EPIPE.
bool write_out(const Program& program, std::string_view bytes);

/// "ghoard: message" on stderr, and the hint, if any, on a line of its own.
void print_error(const Program& program, std::string_view message, std::string_view hint = {});

}  // namespace ghoard::link
