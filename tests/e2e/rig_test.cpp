#include "tests/e2e/rig.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace ghoard::testing {

std::vector<int> agents_of(const TemporaryHome& home) {
  std::vector<int> found;
  const std::string wanted = "GHOARD_HOME=" + home.ghoard().string();
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) {
      continue;
    }
    std::error_code error;
    const auto program = std::filesystem::read_symlink(entry.path() / "exe", error);
    if (error || program.filename() != "ghoard-agent") {
      continue;
    }
    std::ifstream stream(entry.path() / "environ", std::ios::binary);
    const std::string environment{std::istreambuf_iterator<char>(stream), {}};
    if (environment.find(wanted + '\0') != std::string::npos) {
      found.push_back(std::stoi(name));
    }
  }
  return found;
}

}  // namespace ghoard::testing
