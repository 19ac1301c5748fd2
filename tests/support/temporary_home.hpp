#pragma once

#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/process.hpp"

namespace ghoard::testing {

/// A private instance: GHOARD_HOME in a new directory under a short path (socket paths are bounded), a clean
/// environment, and an empty HOME, so that nothing of the machine's gh or ghoard is seen. Destruction stops the agent
/// that runs for it and removes the directory.
class TemporaryHome {
 public:
  TemporaryHome();
  TemporaryHome(const TemporaryHome&) = delete;
  TemporaryHome& operator=(const TemporaryHome&) = delete;
  ~TemporaryHome();

  [[nodiscard]] const std::filesystem::path& path() const { return m_path; }    ///< the directory of all
  [[nodiscard]] std::filesystem::path home() const { return m_path / "home"; }  ///< HOME
  [[nodiscard]] std::filesystem::path ghoard() const { return m_path / "g"; }   ///< GHOARD_HOME
  [[nodiscard]] std::filesystem::path config() const { return ghoard() / "config"; }
  [[nodiscard]] std::filesystem::path cache() const { return ghoard() / "cache"; }
  [[nodiscard]] std::filesystem::path state() const { return ghoard() / "state"; }
  [[nodiscard]] std::filesystem::path run_directory() const { return ghoard() / "run"; }

  /// PATH (with this build's programs first), HOME, GHOARD_HOME, LC_ALL, and what was set.
  [[nodiscard]] const EnvironmentMap& environment() const { return m_environment; }
  void set(const std::string& name, const std::string& value) { m_environment[name] = value; }
  void unset(const std::string& name) { m_environment.erase(name); }

  /// A command of this build in this environment: command({"ghoard", "api", "user"}); a path stays as it is.
  [[nodiscard]] Command command(std::initializer_list<std::string> words, std::string input = {}) const;
  ProcessResult run(std::initializer_list<std::string> words, std::string input = {}) const;

  /// The pid in `cache/agent.lock`, if that process is a ghoard-agent of this build.
  [[nodiscard]] std::optional<pid_t> agent_pid() const;
  /// SIGTERM, after three seconds SIGKILL; returns once the process has gone. Nothing if no agent runs.
  void stop_agent() const;

 private:
  std::filesystem::path m_path;
  EnvironmentMap m_environment;
};

}  // namespace ghoard::testing
