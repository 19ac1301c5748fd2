#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/settings/settings.hpp"

namespace ghoard::settings {

namespace fs = std::filesystem;

namespace {

std::optional<std::string> non_empty(const Environment& environment, const std::string& name) {
  std::optional<std::string> value = environment(name);
  return value && !value->empty() ? value : std::nullopt;
}

/// An XDG variable must be absolute to count (XDG base directory specification).
base::Result<fs::path> xdg(const Environment& environment, const std::string& name, const char* below_home) {
  const std::optional<std::string> value = non_empty(environment, name);
  if (value && value->starts_with('/')) {
    return fs::path(*value) / "ghoard";
  }
  const std::optional<std::string> home = non_empty(environment, "HOME");
  if (!home || !home->starts_with('/')) {
    return base::fail(base::ErrorCode::invalid_input,
                      "HOME is not set to an absolute path; set HOME, or GHOARD_HOME to a directory of your own");
  }
  return fs::path(*home) / below_home / "ghoard";
}

bool is_own_directory(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == ::geteuid();
}

fs::path run_directory(const Environment& environment, const fs::path& state) {
  const std::optional<std::string> value = non_empty(environment, "XDG_RUNTIME_DIR");
  if (value && value->starts_with('/') && is_own_directory(*value)) {
    return fs::path(*value) / "ghoard";
  }
  const fs::path system = "/run/user/" + std::to_string(::geteuid());
  return is_own_directory(system) ? system / "ghoard" : state;
}

base::Result<void> make_directories(const fs::path& directory) {
  for (fs::path partial; const fs::path& part : directory) {
    partial /= part;
    if (::mkdir(partial.c_str(), 0700) == 0 || errno == EEXIST || errno == EISDIR) {
      continue;
    }
    struct stat status {};
    const int failure = errno;
    // A read-only or foreign ancestor that exists is fine.
    if (::stat(partial.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
      return base::fail(base::ErrorCode::system, "cannot make " + partial.string() + ": " + std::strerror(failure));
    }
  }
  return {};
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value != nullptr && *value != '\0' ? std::optional<std::string>(value) : std::nullopt;
  };
}

base::Result<Paths> find_paths(const Environment& environment) {
  if (const std::optional<std::string> home = non_empty(environment, "GHOARD_HOME")) {
    std::error_code failure;
    const fs::path root = fs::absolute(*home, failure).lexically_normal();
    if (failure) {
      return base::fail(base::ErrorCode::system, "GHOARD_HOME: " + failure.message());
    }
    return Paths{root / "config", root / "cache", root / "state", root / "run"};
  }
  const base::Result<fs::path> config = xdg(environment, "XDG_CONFIG_HOME", ".config");
  const base::Result<fs::path> cache = xdg(environment, "XDG_CACHE_HOME", ".cache");
  const base::Result<fs::path> state = xdg(environment, "XDG_STATE_HOME", ".local/state");
  for (const base::Result<fs::path>* path : {&config, &cache, &state}) {
    if (!*path) {
      return tl::unexpected(path->error());
    }
  }
  return Paths{*config, *cache, *state, run_directory(environment, *state)};
}

base::Result<void> check_socket_path(const fs::path& socket) {
  constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
  const std::size_t size = socket.native().size();
  if (size <= longest) {
    return {};
  }
  return base::fail(base::ErrorCode::invalid_input, "the socket's path has " + std::to_string(size) +
                                                        " bytes and the system allows " + std::to_string(longest) +
                                                        ": " + socket.string() +
                                                        "; set GHOARD_HOME or XDG_RUNTIME_DIR to a shorter directory");
}

base::Result<void> ensure_private_directory(const fs::path& directory) {
  const base::Result<void> made = make_directories(directory);
  if (!made) {
    return made;
  }
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) {
    return base::fail(base::ErrorCode::system, directory.string() + ": " + std::strerror(errno));
  }
  if (!S_ISDIR(status.st_mode)) {
    return base::fail(base::ErrorCode::refused, directory.string() + " is no directory");
  }
  if (status.st_uid != ::geteuid()) {
    return base::fail(base::ErrorCode::refused, directory.string() + " belongs to another user");
  }
  if ((status.st_mode & 0022) != 0) {
    return base::fail(base::ErrorCode::refused,
                      directory.string() + " may be written by others; run `chmod 700 " + directory.string() + "`");
  }
  return {};
}

}  // namespace ghoard::settings
