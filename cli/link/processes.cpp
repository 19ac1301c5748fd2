#include "cli/link/processes.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ghoard::link {

namespace fs = std::filesystem;

namespace {

constexpr off_t max_log_bytes = 1024 * 1024;
/// Descriptors are first moved above this, so that putting them at 0 to 3 cannot overwrite one still needed.
constexpr int out_of_the_way = 16;

constexpr std::array kept_names{
    std::string_view("HOME"),         std::string_view("PATH"),          std::string_view("RUNNER_TRACKING_ID"),
    std::string_view("LANG"),         std::string_view("HTTP_PROXY"),    std::string_view("HTTPS_PROXY"),
    std::string_view("ALL_PROXY"),    std::string_view("NO_PROXY"),      std::string_view("http_proxy"),
    std::string_view("https_proxy"),  std::string_view("all_proxy"),     std::string_view("no_proxy"),
    std::string_view("SSL_CERT_DIR"), std::string_view("SSL_CERT_FILE"), std::string_view("CURL_CA_BUNDLE")};

tl::unexpected<base::Error> fail_system(const std::string& what) {
  return base::fail(base::ErrorCode::system, what + ": " + std::strerror(errno));
}

bool is_setting(std::string_view name) {
  const std::span<const settings::Setting> rows = settings::table();
  return std::any_of(rows.begin(), rows.end(), [&](const settings::Setting& row) { return row.environment == name; });
}

bool is_kept(std::string_view name) {
  // Settings are written anew from their effective values.
  if (name.starts_with("GHOARD_")) {
    return name != "GHOARD_HOME" && !is_setting(name);
  }
  return name.starts_with("XDG_") || name.starts_with("LC_") ||
         std::find(kept_names.begin(), kept_names.end(), name) != kept_names.end();
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const std::string& text : strings) {
    result.push_back(const_cast<char*>(text.c_str()));
  }
  result.push_back(nullptr);
  return result;
}

/// What the child puts where; -1 leaves a descriptor as it is.
struct Layout {
  int error = -1;
  int third = -1;
  int fourth = -1;
};

// Between fork and exec: only async-signal-safe calls.
void arrange(const Layout& layout) {
  const int third = ::fcntl(layout.third, F_DUPFD, out_of_the_way);
  const int error = layout.error >= 0 ? ::fcntl(layout.error, F_DUPFD, out_of_the_way) : -1;
  const int fourth = layout.fourth >= 0 ? ::fcntl(layout.fourth, F_DUPFD, out_of_the_way) : -1;
  const int null = ::fcntl(::open("/dev/null", O_RDWR), F_DUPFD, out_of_the_way);
  ::dup2(null, STDIN_FILENO);
  ::dup2(null, STDOUT_FILENO);
  if (error >= 0) {
    ::dup2(error, STDERR_FILENO);
  }
  ::dup2(third, 3);
  const int first_unused = fourth >= 0 ? ::dup2(fourth, 4) + 1 : 4;
  if (::close_range(static_cast<unsigned>(first_unused), ~0U, 0) != 0) {
    for (int descriptor = first_unused; descriptor < 65536; ++descriptor) {
      ::close(descriptor);
    }
  }
}

[[noreturn]] void become(const Layout& layout, char* const* argv, char* const* envp) {
  arrange(layout);
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD}) {
    ::sigaction(signal, &standard, nullptr);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(077);
  ::execve(argv[0], argv, envp);
  static constexpr char text[] = "error the program cannot be executed\n";
  const ssize_t ignored = ::write(3, text, sizeof text - 1);
  ::_exit(ignored < 0 ? 126 : 127);
}

base::Result<void> wait_for_exit(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) {
      return fail_system("waitpid");
    }
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return base::fail(base::ErrorCode::system, "no process could be started");
  }
  return {};
}

}  // namespace

base::Result<fs::path> find_helper(const Program& program, const std::string& name, const std::string& variable) {
  const fs::path beside = program.directory / name;
  if (!program.directory.empty() && ::access(beside.c_str(), X_OK) == 0) {
    return beside;
  }
  const std::optional<std::string> named = variable.empty() ? std::nullopt : program.environment(variable);
  if (!named || named->empty()) {
    return base::fail(base::ErrorCode::unavailable,
                      name + " is not beside this program in " + program.directory.string() +
                          (variable.empty() ? "" : "; install it there or set " + variable));
  }
  std::error_code failure;
  const fs::path path = fs::absolute(*named, failure);
  if (failure || ::access(path.c_str(), X_OK) != 0) {
    return base::fail(base::ErrorCode::unavailable, variable + ": " + *named + " cannot be executed");
  }
  return path;
}

std::vector<std::string> whole_environment() {
  std::vector<std::string> all;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    all.emplace_back(*entry);
  }
  return all;
}

std::vector<std::string> agent_environment(const Program& program, std::span<const std::string> all) {
  std::vector<std::string> result;
  for (const std::string& entry : all) {
    if (is_kept(std::string_view(entry).substr(0, entry.find('=')))) {
      result.push_back(entry);
    }
  }
  // Made absolute: the agent's directory is `/`.
  if (const std::optional<std::string> home = program.environment("GHOARD_HOME"); home && !home->empty()) {
    result.push_back("GHOARD_HOME=" + program.paths.state.parent_path().string());
  }
  for (const settings::Setting& setting : settings::table()) {
    const settings::Value& value = program.settings.value(setting.key);
    const bool chosen_here = value.source == settings::Source::environment || value.source == settings::Source::flag;
    if (chosen_here && !setting.secret) {
      result.push_back(std::string(setting.environment) + "=" + value.text);
    }
  }
  return result;
}

base::Result<void> spawn_detached(const std::vector<std::string>& arguments,
                                  const std::vector<std::string>& environment, int log, int third, int fourth) {
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(environment);
  const pid_t child = ::fork();
  if (child < 0) {
    return fail_system("fork");
  }
  if (child > 0) {
    return wait_for_exit(child);
  }
  ::setsid();
  // The second fork: not a session leader, so it never gets a terminal, and not our child, so nobody waits for it.
  const pid_t grandchild = ::fork();
  if (grandchild != 0) {
    ::_exit(grandchild < 0 ? 1 : 0);
  }
  if (::chdir("/") != 0) {
    ::_exit(1);
  }
  become({log, third, fourth}, argv.data(), envp.data());
}

base::Result<pid_t> spawn_child(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
                                int third) {
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(environment);
  const pid_t child = ::fork();
  if (child < 0) {
    return fail_system("fork");
  }
  if (child == 0) {
    become({-1, third, -1}, argv.data(), envp.data());
  }
  return child;
}

base::Error replace_process(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(environment);
  // An ignored SIGPIPE would be inherited.
  ::signal(SIGPIPE, SIG_DFL);
  ::execve(argv[0], argv.data(), envp.data());
  const int failure = errno;
  ::signal(SIGPIPE, SIG_IGN);
  return {base::ErrorCode::system, arguments.front() + ": " + std::strerror(failure)};
}

base::Result<Descriptor> open_log(const fs::path& file) {
  struct stat status {};
  if (::lstat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size > max_log_bytes) {
    ::rename(file.c_str(), (file.string() + ".1").c_str());
  }
  Descriptor log(::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  return log.is_open() ? base::Result<Descriptor>(std::move(log)) : fail_system(file.string());
}

}  // namespace ghoard::link
