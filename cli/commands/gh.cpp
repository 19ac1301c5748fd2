// Stock gh through the agent. gh reads `http_unix_socket` only from its own config.yml, so it gets a configuration
// directory of ours: config.yml copied with that key set, hosts.yml a link to the real one. No token is copied.

#include "cli/link/gh.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "cli/commands/parse.hpp"
#include "cli/commands/report.hpp"
#include "cli/link/link.hpp"
#include "cli/link/probe.hpp"
#include "cli/link/processes.hpp"
#include "core/base/digest.hpp"

namespace ghoard::commands {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view socket_key = "http_unix_socket";

/// Commands that change gh's own configuration work on the real one.
bool wants_real_configuration(Arguments arguments) {
  static constexpr std::array<std::string_view, 3> words{"auth", "config", "alias"};
  return !arguments.empty() && std::find(words.begin(), words.end(), arguments.front()) != words.end();
}

base::Error system_error(const fs::path& path) {
  return {base::ErrorCode::system, path.string() + ": " + std::strerror(errno)};
}

/// The user's config.yml with our socket in it. YAML's double quotes understand the escapes used here.
std::string with_socket(std::string_view config, const std::string& socket) {
  std::string result;
  while (!config.empty()) {
    const std::string_view line = config.substr(0, config.find('\n'));
    config.remove_prefix(std::min(line.size() + 1, config.size()));
    if (!line.starts_with(socket_key)) {
      result.append(line).append("\n");
    }
  }
  std::string quoted;
  for (const char c : socket) {
    quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  }
  return result + std::string(socket_key) + ": \"" + quoted + "\"\n";
}

/// Makes `target` say `text`, at once for every reader: several gh may be starting.
base::Result<void> put_file(const fs::path& target, std::string_view text) {
  std::string temporary = target.string() + ".XXXXXX";
  const link::Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  const bool written = file.is_open() &&
                       ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::rename(temporary.c_str(), target.c_str()) == 0;
  if (written) {
    return {};
  }
  const base::Error failure = system_error(target);
  ::unlink(temporary.c_str());
  return tl::unexpected(failure);
}

base::Result<void> put_link(const fs::path& target, const fs::path& real) {
  const std::string temporary = target.string() + "." + std::to_string(::getpid());
  if (::symlink(real.c_str(), temporary.c_str()) == 0 && ::rename(temporary.c_str(), target.c_str()) == 0) {
    return {};
  }
  const base::Error failure = system_error(target);
  ::unlink(temporary.c_str());
  return tl::unexpected(failure);
}

base::Result<fs::path> make_configuration(const link::Program& program, const std::string& socket) {
  std::error_code ignored;
  const std::optional<fs::path> found = link::gh_config_directory(program.environment);
  const fs::path real = found ? fs::absolute(*found, ignored) : fs::path();
  // One directory for each real configuration: GH_CONFIG_DIR may differ from call to call.
  const fs::path directory = program.paths.run / ("gh-" + base::sha256(real.native()).hex().substr(0, 8));
  base::Result<void> done = settings::ensure_private_directory(directory);
  if (!done) {
    return tl::unexpected(done.error());
  }
  const base::Result<std::optional<std::string>> config =
      found ? link::read_small_file(real / "config.yml", 1024 * 1024) : std::optional<std::string>();
  if (!config) {
    return tl::unexpected(config.error());
  }
  done = put_file(directory / "config.yml", with_socket(config->value_or(std::string()), socket));
  if (done && found && fs::exists(real / "hosts.yml", ignored)) {
    done = put_link(directory / "hosts.yml", real / "hosts.yml");
  } else if (done) {
    fs::remove(directory / "hosts.yml", ignored);
  }
  return done ? base::Result<fs::path>(directory) : tl::unexpected(done.error());
}

base::Result<std::string> find_socket(const link::Program& program) {
  const base::Result<std::optional<link::Contact>> contact = link::contact_compatible_agent(program);
  if (!contact) {
    return tl::unexpected(contact.error());
  }
  if (*contact) {
    const base::Result<void> same = link::check_settings(program, (*contact)->record);
    return same ? base::Result<std::string>((*contact)->record.socket) : tl::unexpected(same.error());
  }
  if (program.settings.boolean("no_spawn")) {
    return base::fail(base::ErrorCode::unavailable, "no agent runs, and none may be started (no_spawn)");
  }
  return link::start_agent(program);
}

std::vector<std::string> environment_with(std::vector<std::string> all, const fs::path& directory) {
  std::erase_if(all, [](const std::string& entry) { return entry.starts_with("GH_CONFIG_DIR="); });
  all.push_back("GH_CONFIG_DIR=" + directory.string());
  return all;
}

}  // namespace

int run_gh(const link::Program& program, Arguments arguments) {
  const std::optional<fs::path> gh = link::find_gh(program.environment);
  if (!gh) {
    print_error(program, "gh is not in PATH; install GitHub's command line from https://cli.github.com");
    return link::exit_failure;
  }
  std::vector<std::string> words{gh->string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> environment = link::whole_environment();
  if (!wants_real_configuration(arguments)) {
    const base::Result<std::string> socket = find_socket(program);
    if (!socket) {
      return print_failure(program, socket.error());
    }
    const base::Result<fs::path> directory = make_configuration(program, *socket);
    if (!directory) {
      return print_failure(program, directory.error());
    }
    environment = environment_with(std::move(environment), *directory);
  }
  return print_failure(program, link::replace_process(words, environment));
}

}  // namespace ghoard::commands
