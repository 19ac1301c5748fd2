#include <algorithm>
#include <array>
#include <climits>
#include <signal.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "cli/api/api.hpp"
#include "cli/commands/commands.hpp"
#include "cli/link/program.hpp"
#include "cli/streams/standard.hpp"

namespace {

using ghoard::link::Command;
using ghoard::link::Program;
using Arguments = std::span<const std::string>;

int run_help(const Program& program, Arguments arguments);

// Only the chosen command builds its options: that is a good part of the start-up time.
constexpr std::array<Command, 13> commands{
    {{"api", "ask the GitHub API, as `gh api` does, through the shared cache", ghoard::api::run},
     {"agent", "start, stop and look at the agent", ghoard::commands::run_agent, true},
     {"cache", "list and remove what is cached", ghoard::commands::run_cache},
     {"peers", "list, add, remove and check peers", ghoard::commands::run_peers, true},
     {"network", "make network keys, and tell about the network", ghoard::commands::run_network, true},
     {"stats", "what the agent has counted", ghoard::commands::run_stats},
     {"rate", "rate limits as last seen", ghoard::commands::run_rate},
     {"doctor", "look for problems", ghoard::commands::run_doctor, true},
     {"gh", "run stock gh through the agent", ghoard::commands::run_gh},
     {"config", "show and change settings", ghoard::commands::run_config, true},
     {"completion", "print the completion script of a shell", ghoard::commands::run_completion, true},
     {"version", "print the version", ghoard::commands::run_version, true},
     {"help", "tell about a command", run_help, true}}};

std::string usage(const Program& program) {
  return "A shared, provable cache for the GitHub API.\n\n" + ghoard::commands::usage_of(program.name, commands) + "`" +
         program.name + " --no-spawn COMMAND` starts no agent. `" + program.name + " --version` prints the version.\n";
}

const Command* find_command(std::string_view name) {
  const auto* const found =
      std::find_if(commands.begin(), commands.end(), [&](const Command& command) { return command.name == name; });
  return found == commands.end() ? nullptr : found;
}

int run_unknown(const Program& program, const std::string& word) {
  const bool flag = word.starts_with('-');
  print_error(program, std::string(flag ? "unknown flag" : "unknown command") + " \"" + word + "\"",
              "run `" + program.name + " --help` for the list of commands");
  return ghoard::link::exit_failure;
}

int run_help(const Program& program, Arguments arguments) {
  if (arguments.empty()) {
    return ghoard::link::write_out(program, usage(program)) ? ghoard::link::exit_ok : ghoard::link::exit_failure;
  }
  const Command* command = find_command(arguments.front());
  if (command == nullptr || command->run == run_help) {
    return run_unknown(program, arguments.front());
  }
  // "help agent start" is "agent start --help".
  std::vector<std::string> words(arguments.begin() + 1, arguments.end());
  words.emplace_back("--help");
  return command->run(program, words);
}

std::filesystem::path own_directory() {
  std::array<char, PATH_MAX> path;
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  const std::string_view text(path.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  return std::string(text.substr(0, std::min(text.rfind('/'), text.size())));
}

std::string own_name(const char* invoked_as) {
  const std::string_view text = invoked_as != nullptr ? invoked_as : "";
  const std::string_view name = text.substr(text.rfind('/') + 1);
  return name.empty() ? "ghoard" : std::string(name);
}

void read_settings(Program& program, bool no_spawn) {
  ghoard::base::Result<ghoard::settings::Paths> paths = ghoard::settings::find_paths(program.environment);
  if (!paths) {
    program.problem = paths.error();
    return;
  }
  program.paths = std::move(*paths);
  std::map<std::string, std::string> flags;
  if (no_spawn) {
    flags.emplace("no_spawn", "true");
  }
  ghoard::base::Result<ghoard::settings::Settings> settings =
      ghoard::settings::Settings::load(program.paths, program.environment, flags);
  if (settings) {
    program.settings = std::move(*settings);
  } else {
    program.problem = settings.error();
  }
}

/// Ctrl-C is "cancelled" to callers, as with gh.
void prepare_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { ::_exit(ghoard::link::exit_cancelled); };
  ::sigaction(SIGINT, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

int run(Program& program, Arguments words) {
  const bool no_spawn = !words.empty() && words.front() == "--no-spawn";
  words = words.subspan(no_spawn ? 1 : 0);
  if (words.empty() || words.front() == "-h" || words.front() == "--help") {
    return run_help(program, {});
  }
  if (words.front() == "--version") {
    return ghoard::commands::run_version(program, words.subspan(1));
  }
  const Command* command = find_command(words.front());
  if (command == nullptr) {
    return run_unknown(program, words.front());
  }
  read_settings(program, no_spawn);
  if (program.problem && !command->works_without_settings) {
    print_error(program, program.problem->message);
    return ghoard::link::exit_failure;
  }
  return command->run(program, words.subspan(1));
}

}  // namespace

int main(int argc, char** argv) {
  ghoard::streams::take_closed_descriptors();
  prepare_signals();
  Program program;
  program.name = own_name(argc > 0 ? argv[0] : nullptr);
  program.directory = own_directory();
  program.environment = ghoard::settings::process_environment();
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  return run(program, words);
}
