#include "cli/api/pager.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string_view>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "cli/api/fields.hpp"
#include "cli/api/git_directory.hpp"
#include "cli/link/gh_config.hpp"

extern char** environ;  // NOLINT: POSIX's name

namespace ghoard::api {

namespace {

// The environment, with what makes less and lv show colours and leave when all fits the screen, unless set.
std::vector<char*> pager_environment() {
  static std::array<std::string, 2> defaults{"LESS=FRX", "LV=-c"};
  std::vector<char*> variables;
  std::array<bool, 2> present{};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    variables.push_back(*variable);
    for (std::size_t i = 0; i < defaults.size(); ++i) {
      const std::string_view name = std::string_view(defaults[i]).substr(0, defaults[i].find('=') + 1);
      present[i] = present[i] || std::string_view(*variable).starts_with(name);
    }
  }
  for (std::size_t i = 0; i < defaults.size(); ++i) {
    if (!present[i]) {
      variables.push_back(defaults[i].data());
    }
  }
  variables.push_back(nullptr);
  return variables;
}

bool is_program(const std::string& file) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(file.c_str(), X_OK) == 0;
}

bool is_in_path(const std::string& name, const std::string& path) {
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find(':', start), path.size());
    const std::string directory = path.substr(start, end - start);
    if (is_program((directory.empty() ? "." : directory) + "/" + name)) {
      return true;
    }
    start = end + 1;
  }
  return false;
}

// The shell would tell too late, when the output is in the pipe already. A first word that is more than a name (quoted,
// an assignment) is the shell's business. The words are Go's.
base::Result<void> check_program(const std::string& command, const settings::Environment& environment) {
  const std::size_t start = std::min(command.find_first_not_of(" \t"), command.size());
  const std::string name = command.substr(start, command.find_first_of(" \t;|&<>", start) - start);
  if (name.empty() || name.find_first_of("'\"\\$`=~(){}*?[]!#\n") != std::string::npos) {
    return {};
  }
  const bool is_path = name.find('/') != std::string::npos;
  if (is_path ? is_program(name) : is_in_path(name, environment("PATH").value_or("/usr/local/bin:/usr/bin:/bin"))) {
    return {};
  }
  return base::fail(
      base::ErrorCode::invalid_input,
      "exec: " + go_quoted(name) + (is_path ? ": no such program" : ": executable file not found in $PATH"));
}

int spawn(pid_t& process, int input, std::string command) {
  std::string shell = "/bin/sh";
  std::string flag = "-c";
  std::array<char*, 4> words{shell.data(), flag.data(), command.data(), nullptr};
  std::vector<char*> environment = pager_environment();
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawnattr_t attributes;  // we ignore SIGPIPE, programs behind a pager count on it
  ::posix_spawnattr_init(&attributes);
  sigset_t broken_pipe;
  ::sigemptyset(&broken_pipe);
  ::sigaddset(&broken_pipe, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&attributes, &broken_pipe);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  const int error = ::posix_spawn(&process, shell.c_str(), &actions, &attributes, words.data(), environment.data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

std::optional<std::string> pager_command(const settings::Environment& environment) {
  std::optional<std::string> command = environment("GH_PAGER");
  if (!command) {
    command = link::read_gh_setting(environment, "pager");
  }
  if (!command) {
    command = environment("PAGER");
  }
  return command && *command != "cat" ? command : std::nullopt;
}

base::Result<Pager> Pager::start(const std::string& command, const settings::Environment& environment) {
  if (const base::Result<void> found = check_program(command, environment); !found) {
    return tl::unexpected(found.error());
  }
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return base::fail(base::ErrorCode::system, "pipe: " + reason_of(errno));
  }
  pid_t process = -1;
  const int error = spawn(process, ends[0], command);
  ::close(ends[0]);
  if (error != 0) {
    ::close(ends[1]);
    return base::fail(base::ErrorCode::system, "exec: " + reason_of(error));
  }
  const int saved = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  ::dup2(ends[1], STDOUT_FILENO);
  ::close(ends[1]);
  return Pager(process, saved);
}

Pager::Pager(Pager&& other) noexcept
    : m_process(std::exchange(other.m_process, -1)), m_saved_output(std::exchange(other.m_saved_output, -1)) {}

Pager::~Pager() {
  finish();
}

void Pager::finish() {
  if (m_process <= 0) {
    return;
  }
  if (m_saved_output >= 0) {
    ::dup2(m_saved_output, STDOUT_FILENO);
    ::close(m_saved_output);
  } else {
    ::close(STDOUT_FILENO);
  }
  while (::waitpid(m_process, nullptr, 0) < 0 && errno == EINTR) {
  }
  m_process = -1;
}

}  // namespace ghoard::api
