#include "cli/agent/arguments.hpp"

#include <CLI/CLI.hpp>

#include "core/base/version.hpp"

namespace ghoard::agent {

namespace {

constexpr int first_own_descriptor = 3;  // 0, 1 and 2 are the standard ones
constexpr int last_descriptor = 1 << 20;

Farewell misused(const std::string& why, const std::string& usage) {
  return {1, "ghoard-agent: " + why + "\n\n" + usage};
}

}  // namespace

std::variant<Arguments, Farewell> parse_arguments(std::span<const char* const> argv) {
  Arguments arguments;
  bool one_shot = false;
  CLI::App app("The resident part of ghoard: owns the cache and talks to GitHub. `ghoard` starts it by itself.",
               "ghoard-agent");
  app.allow_extras(false);
  app.set_version_flag("--version", "ghoard-agent " + std::string(base::version));
  app.add_flag("--one-shot", one_shot, "serve one connection on --one-shot-fd, and exit when it ends");
  app.add_option("--one-shot-fd", arguments.one_shot_fd, "descriptor of that connection")
      ->check(CLI::Range(first_own_descriptor, last_descriptor))
      ->take_last();
  app.add_flag("--exclusive", arguments.exclusive, "with --one-shot: wait up to 10 seconds for the cache's lock");
  CLI::App* run = app.add_subcommand("run", "Run the agent until it is stopped or has been idle for long.");
  run->add_option("--status-fd", arguments.status_fd, "descriptor that is told `ready` or `error TEXT`")
      ->check(CLI::Range(first_own_descriptor, last_descriptor))
      ->take_last();
  run->add_option("--secrets-fd", arguments.secrets_fd, "descriptor that tells the network key and the token")
      ->check(CLI::Range(first_own_descriptor, last_descriptor))
      ->take_last();
  run->add_flag("--foreground", arguments.foreground, "end when the terminal hangs up");
  try {
    app.parse(static_cast<int>(argv.size()), argv.data());
  } catch (const CLI::CallForHelp&) {
    return Farewell{0, app.help()};
  } catch (const CLI::CallForVersion& version) {
    return Farewell{0, std::string(version.what()) + "\n"};
  } catch (const CLI::ParseError& error) {
    return misused(error.what(), app.help());
  }
  if (one_shot == run->parsed()) {
    return misused(one_shot ? "--one-shot and run exclude each other" : "nothing to do: `run` or --one-shot",
                   app.help());
  }
  if (one_shot && arguments.one_shot_fd < 0) {
    return misused("--one-shot needs --one-shot-fd", app.help());
  }
  if (arguments.exclusive && !one_shot) {
    return misused("--exclusive needs --one-shot", app.help());
  }
  arguments.mode = one_shot ? Arguments::Mode::one_shot : Arguments::Mode::run;
  return arguments;
}

}  // namespace ghoard::agent
