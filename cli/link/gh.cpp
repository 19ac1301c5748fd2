#include "cli/link/gh.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/link/descriptor.hpp"
#include "core/base/digest.hpp"
#include "core/http/message.hpp"

namespace ghoard::link {

namespace fs = std::filesystem;

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t max_token_bytes = 16 * 1024;

bool is_this_program(const struct stat& candidate) {
  struct stat self {};
  return ::stat("/proc/self/exe", &self) == 0 && self.st_dev == candidate.st_dev && self.st_ino == candidate.st_ino;
}

bool is_other_program(const fs::path& file) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(file.c_str(), X_OK) == 0 &&
         !is_this_program(status);
}

[[noreturn]] void become_gh(const char* const* argv, int output) {
  const int null = ::open("/dev/null", O_RDWR);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(null, STDIN_FILENO);
  ::dup2(null, STDERR_FILENO);
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGINT, SIG_DFL);
  ::execv(argv[0], const_cast<char* const*>(argv));
  ::_exit(127);
}

/// Reads until the other side closes; nothing when that takes too long or says too much.
std::optional<std::string> read_until(int descriptor, SteadyClock::time_point deadline) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const auto left = std::chrono::ceil<base::Millis>(deadline - SteadyClock::now()).count();
    pollfd entry{descriptor, POLLIN, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready < 0 && errno == EINTR) {
      continue;
    }
    if (ready <= 0) {
      return std::nullopt;
    }
    const ssize_t size = ::read(descriptor, buffer, sizeof buffer);
    if (size == 0) {
      return text;
    }
    if (size < 0 || text.size() + static_cast<std::size_t>(size) > max_token_bytes) {
      return std::nullopt;
    }
    text.append(buffer, static_cast<std::size_t>(size));
  }
}

bool exited_well(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) {
      return false;
    }
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string_view trim_lines(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

std::optional<fs::path> gh_config_directory(const settings::Environment& environment) {
  if (const std::optional<std::string> directory = environment("GH_CONFIG_DIR")) {
    return fs::path(*directory);
  }
  if (const std::optional<std::string> config = environment("XDG_CONFIG_HOME")) {
    return fs::path(*config) / "gh";
  }
  const std::optional<std::string> home = environment("HOME");
  return home ? std::optional(fs::path(*home) / ".config" / "gh") : std::nullopt;
}

std::string gh_config_mark(const settings::Environment& environment) {
  const std::optional<fs::path> directory = gh_config_directory(environment);
  std::error_code failure;
  const fs::path file = directory ? fs::absolute(*directory / "hosts.yml", failure).lexically_normal() : fs::path();
  if (file.empty() || failure) {
    return {};
  }
  std::string text = file.string() + '\0';
  struct stat found {};
  if (::stat(file.c_str(), &found) == 0) {
    text += std::to_string(found.st_dev) + " " + std::to_string(found.st_ino) + " " + std::to_string(found.st_size) +
            " " + std::to_string(found.st_mtim.tv_sec) + " " + std::to_string(found.st_mtim.tv_nsec);
  }
  return base::sha256(text).hex().substr(0, 32);
}

base::Result<std::optional<std::string>> read_small_file(const fs::path& file, std::size_t limit) {
  // A FIFO without a writer would be waited for, for ever.
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!descriptor.is_open()) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return std::nullopt;
    }
    return base::fail(base::ErrorCode::system, file.string() + ": " + std::strerror(errno));
  }
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return base::fail(base::ErrorCode::refused, file.string() + " is no regular file");
  }
  std::string text;
  char buffer[8192];
  for (;;) {
    const ssize_t size = ::read(descriptor.get(), buffer, sizeof buffer);
    if (size < 0 && errno != EINTR) {
      return base::fail(base::ErrorCode::system, file.string() + ": " + std::strerror(errno));
    }
    if (size == 0) {
      return std::optional(std::move(text));
    }
    text.append(buffer, size > 0 ? static_cast<std::size_t>(size) : 0);
    if (text.size() > limit) {
      return base::fail(base::ErrorCode::too_large,
                        file.string() + ": larger than " + std::to_string(limit) + " bytes");
    }
  }
}

base::Result<std::vector<GhHost>> read_gh_hosts(const settings::Environment& environment) {
  const std::optional<fs::path> directory = gh_config_directory(environment);
  if (!directory) {
    return std::vector<GhHost>{};
  }
  const fs::path file = *directory / "hosts.yml";
  const base::Result<std::optional<std::string>> text = read_small_file(file, 1024 * 1024);
  if (!text) {
    return tl::unexpected(text.error());
  }
  if (!*text) {
    return std::vector<GhHost>{};
  }
  base::Result<std::vector<GhHost>> hosts = parse_hosts_yml(**text);
  return hosts ? std::move(hosts) : tl::unexpected(hosts.error().with_context(file.string()));
}

std::optional<fs::path> find_gh(const settings::Environment& environment) {
  const std::string path = environment("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::string_view directory = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(directory.size() + 1, rest.size()));
    // A relative directory would run whatever lies in the current one.
    if (directory.starts_with('/') && is_other_program(fs::path(directory) / "gh")) {
      return fs::path(directory) / "gh";
    }
  }
  return std::nullopt;
}

std::optional<std::string> ask_gh_for_token(const settings::Environment& environment, std::string_view host,
                                            base::Millis deadline) {
  const std::optional<fs::path> gh = find_gh(environment);
  int ends[2];
  if (!gh || ::pipe2(ends, O_CLOEXEC) != 0) {
    return std::nullopt;
  }
  const Descriptor read_end(ends[0]);
  Descriptor write_end(ends[1]);
  const std::string program = gh->string();
  const std::string name(host);
  const char* const argv[] = {program.c_str(), "auth", "token", "--hostname", name.c_str(), nullptr};
  const pid_t child = ::fork();
  if (child < 0) {
    return std::nullopt;
  }
  if (child == 0) {
    become_gh(argv, write_end.get());
  }
  write_end.close();
  const std::optional<std::string> output = read_until(read_end.get(), SteadyClock::now() + deadline);
  if (!output) {
    ::kill(child, SIGKILL);
  }
  if (!exited_well(child) || !output) {
    return std::nullopt;
  }
  const std::string_view token = trim_lines(*output);
  return !token.empty() && is_token_text(token) ? std::optional(std::string(token)) : std::nullopt;
}

bool is_token_text(std::string_view text) {
  return text.size() <= max_token_bytes && std::all_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f;
         });
}

}  // namespace ghoard::link
