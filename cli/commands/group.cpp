#include <algorithm>

#include "cli/commands/commands.hpp"

namespace ghoard::commands {

std::string usage_of(std::string_view name, std::span<const link::Command> commands) {
  std::size_t width = 0;
  for (const link::Command& command : commands) {
    width = std::max(width, command.name.size());
  }
  std::string text = "usage: " + std::string(name) + " COMMAND [arguments]\n\n";
  for (const link::Command& command : commands) {
    text += "  " + std::string(command.name) + std::string(width - command.name.size() + 2, ' ') +
            std::string(command.summary) + "\n";
  }
  return text + "\n`" + std::string(name) + " COMMAND --help` tells more.\n";
}

int run_group(const link::Program& program, std::string_view name, std::span<const link::Command> commands,
              Arguments arguments) {
  const std::string full_name = program.name + " " + std::string(name);
  const std::string usage = usage_of(full_name, commands);
  if (arguments.empty()) {
    print_error(program, std::string(name) + " needs a command", "\n" + usage);
    return link::exit_failure;
  }
  const std::string& word = arguments.front();
  if (word == "-h" || word == "--help" || word == "help") {
    return link::write_out(program, usage) ? link::exit_ok : link::exit_failure;
  }
  const auto found = std::find_if(commands.begin(), commands.end(),
                                  [&](const link::Command& command) { return command.name == word; });
  if (found == commands.end()) {
    print_error(program, "unknown command \"" + word + "\" for \"" + full_name + "\"", "\n" + usage);
    return link::exit_failure;
  }
  return found->run(program, arguments.subspan(1));
}

}  // namespace ghoard::commands
