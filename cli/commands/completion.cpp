#include "cli/commands/completion.hpp"

#include "cli/commands/parse.hpp"
#include "cli/commands/report.hpp"

namespace ghoard::commands {

int run_completion(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "completion", "Prints the completion script of a shell.");
  std::string shell;
  line.add_argument("SHELL", shell, "bash, zsh or fish");
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  for (const auto& [name, text] :
       {std::pair("bash", bash_completion), std::pair("zsh", zsh_completion), std::pair("fish", fish_completion)}) {
    if (shell == name) {
      return print_text(program, std::string(text));
    }
  }
  print_error(program, "unknown shell \"" + shell + "\": use bash, zsh or fish");
  return link::exit_failure;
}

}  // namespace ghoard::commands
