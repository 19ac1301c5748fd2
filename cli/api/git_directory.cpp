#include "cli/api/git_directory.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/http/message.hpp"

namespace ghoard::api {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t pointer_file_limit = 16 * 1024;

std::optional<std::string> first_line(const fs::path& file) {
  const base::Result<std::string> text = read_file(file, pointer_file_limit);
  if (!text) {
    return std::nullopt;
  }
  return text->substr(0, text->find_first_of("\r\n"));
}

// A work tree's or submodule's `.git` is a file "gitdir: PATH", relative to where it lies.
std::optional<fs::path> resolve_dot_git(const fs::path& candidate) {
  struct stat status {};
  if (::stat(candidate.c_str(), &status) != 0) {
    return std::nullopt;
  }
  if (S_ISDIR(status.st_mode)) {
    return candidate;
  }
  const std::optional<std::string> line = first_line(candidate);
  if (!line || !line->starts_with("gitdir:")) {
    return std::nullopt;
  }
  return candidate.parent_path() / std::string(http::trim(std::string_view(*line).substr(7)));
}

GitDirectory with_common(const fs::path& own) {
  const std::optional<std::string> common = first_line(own / "commondir");
  return {own, common ? own / *common : own};
}

}  // namespace

std::string reason_of(int error) {
  std::string reason = std::strerror(error);
  reason[0] = static_cast<char>(reason[0] | 0x20);
  return reason;
}

base::Result<GitDirectory> find_git_directory(const fs::path& start, const settings::Environment& environment) {
  if (const std::optional<std::string> named = environment("GIT_DIR")) {
    return with_common(start / *named);
  }
  for (fs::path directory = start;; directory = directory.parent_path()) {
    if (const std::optional<fs::path> own = resolve_dot_git(directory / ".git")) {
      return with_common(*own);
    }
    if (directory == directory.parent_path()) {
      return base::fail(base::ErrorCode::invalid_input,
                        "failed to run git: fatal: not a git repository (or any of the parent directories): .git");
    }
  }
}

std::vector<fs::path> user_git_configs(const settings::Environment& environment) {
  if (const std::optional<std::string> global = environment("GIT_CONFIG_GLOBAL")) {
    return {*global};
  }
  std::vector<fs::path> files;
  const std::optional<std::string> home = environment("HOME");
  if (const std::optional<std::string> config = environment("XDG_CONFIG_HOME")) {
    files.push_back(fs::path(*config) / "git" / "config");
  } else if (home) {
    files.push_back(fs::path(*home) / ".config" / "git" / "config");
  }
  if (home) {
    files.push_back(fs::path(*home) / ".gitconfig");
  }
  return files;
}

base::Result<std::string> read_file(const fs::path& file, std::size_t limit) {
  const bool is_stdin = file == "-";
  const int descriptor = is_stdin ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return base::fail(base::ErrorCode::system, "open " + file.string() + ": " + reason_of(errno));
  }
  std::string content;
  ssize_t count = 0;
  do {
    const std::size_t size = content.size();
    content.resize(size + 64 * 1024);
    count = ::read(descriptor, content.data() + size, content.size() - size);
    content.resize(size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  } while ((count > 0 || (count < 0 && errno == EINTR)) && content.size() <= limit);
  const int error = errno;
  if (!is_stdin) {
    ::close(descriptor);
  }
  if (count < 0) {
    return base::fail(base::ErrorCode::system, "read " + file.string() + ": " + reason_of(error));
  }
  if (content.size() > limit) {
    return base::fail(base::ErrorCode::too_large,
                      file.string() + ": more than " + std::to_string(limit >> 20) + " MiB");
  }
  return content;
}

}  // namespace ghoard::api
