#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <unistd.h>

#include "cli/link/program.hpp"

namespace ghoard::testing {

/// A private directory under a short path, removed at the end.
class Home {
 public:
  Home() {
    std::string name = "/tmp/gh.XXXXXX";
    m_root = ::mkdtemp(name.data());
  }
  ~Home() {
    std::error_code ignored;
    std::filesystem::remove_all(m_root, ignored);
  }
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;

  [[nodiscard]] const std::filesystem::path& root() const { return m_root; }
  std::map<std::string, std::string> variables;

  [[nodiscard]] settings::Environment environment() const {
    return [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      return found == variables.end() || found->second.empty() ? std::nullopt : std::optional(found->second);
    };
  }

  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path file = m_root / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream stream(m_root / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  std::filesystem::path m_root;
};

}  // namespace ghoard::testing
