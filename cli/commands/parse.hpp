#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/commands.hpp"

namespace ghoard::commands {

/// The flags and arguments that one command takes. CLI11 stands behind it and is seen by one source only: every file
/// that includes its headers adds initialisers that each start of the program runs, whatever the command.
class CommandLine {
 public:
  /// `command` as it is typed after the program's name: "cache ls".
  CommandLine(const link::Program& program, std::string_view command, const std::string& description);
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;
  ~CommandLine();

  void add_flag(const std::string& names, bool& value, const std::string& help);
  /// Given more than once, the last one counts.
  void add_option(const std::string& names, std::string& value, const std::string& help);
  void add_option(const std::string& names, std::size_t& value, int least, int most, const std::string& help);
  void add_argument(const std::string& name, std::string& value, const std::string& help);
  void add_optional_argument(const std::string& name, std::string& value, const std::string& help);
  /// One or more.
  void add_arguments(const std::string& name, std::vector<std::string>& values, const std::string& help);
  /// `--json` of every command that reports.
  void add_json_flag(bool& json);
  /// A flag for each setting that an agent can be started with; what was given lands in `values`.
  void add_setting_flags(std::map<std::string, std::string>& values);

  /// Parses without side effects. Nothing: go on; else the exit code, help or error having been printed. Errors are the
  /// message, a blank line and the usage, as gh's are.
  [[nodiscard]] std::optional<int> parse(Arguments arguments);

 private:
  class Impl;
  std::unique_ptr<Impl> m_impl;
};

}  // namespace ghoard::commands
