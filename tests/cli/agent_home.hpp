#pragma once

#include <algorithm>
#include <memory>
#include <signal.h>
#include <string>
#include <sys/wait.h>

#include "cli/link/link.hpp"
#include "tests/cli/home.hpp"

namespace ghoard::testing {

/// A private instance whose agent is the fake one. Whatever agent was started in it is stopped at the end.
class AgentHome : public Home {
 public:
  AgentHome() {
    variables["GHOARD_HOME"] = root().string();
    variables["GHOARD_AGENT"] = std::string(GHOARD_BIN_DIR) + "/ghoard-fake-agent";
    variables["PATH"] = (root() / "bin").string();
    variables["HOME"] = root().string();
    std::filesystem::create_directories(root() / "state");
    std::filesystem::permissions(root() / "state", std::filesystem::perms::owner_all);
  }
  ~AgentHome() {
    variables.erase("GHOARD_API_URL");
    if (!link::stop_agent(program())) {
      if (const std::optional<local::AgentRecord> record = link::running_agent(program())) {
        ::kill(record->pid, SIGKILL);
      }
    }
  }

  /// As main() makes it. Settings are read anew.
  [[nodiscard]] link::Program program(const std::map<std::string, std::string>& flags = {}) const {
    link::Program result;
    result.environment = environment();
    result.paths = settings::find_paths(result.environment).value();
    result.settings = settings::Settings::load(result.paths, result.environment, flags).value();
    return result;
  }

  /// How many agents have been started, one-shot ones included.
  [[nodiscard]] long starts() const {
    const std::string text = read("state/starts");
    return std::count(text.begin(), text.end(), '\n');
  }

  void script(const std::string& name, const std::string& text) const {
    write("bin/" + name, "#!/bin/sh\n" + text);
    std::filesystem::permissions(root() / "bin" / name, std::filesystem::perms::owner_all);
  }
};

}  // namespace ghoard::testing
