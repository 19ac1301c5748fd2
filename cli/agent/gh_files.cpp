#include "cli/agent/gh_files.hpp"

#include <optional>
#include <sys/stat.h>

namespace ghoard::agent {

std::filesystem::path gh_hosts_file(const settings::Environment& environment) {
  if (const std::optional<std::string> directory = environment("GH_CONFIG_DIR"); directory) {
    return std::filesystem::path(*directory) / "hosts.yml";
  }
  if (const std::optional<std::string> directory = environment("XDG_CONFIG_HOME"); directory) {
    return std::filesystem::path(*directory) / "gh" / "hosts.yml";
  }
  if (const std::optional<std::string> directory = environment("HOME"); directory) {
    return std::filesystem::path(*directory) / ".config" / "gh" / "hosts.yml";
  }
  return {};
}

std::string file_stamp(const std::filesystem::path& file) {
  struct stat found {};
  if (file.empty() || ::stat(file.c_str(), &found) != 0) {
    return "absent";
  }
  return std::to_string(found.st_dev) + " " + std::to_string(found.st_ino) + " " + std::to_string(found.st_size) + " " +
         std::to_string(found.st_mtim.tv_sec) + "." + std::to_string(found.st_mtim.tv_nsec);
}

}  // namespace ghoard::agent
