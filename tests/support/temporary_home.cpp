#include "tests/support/temporary_home.hpp"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "tests/support/eventually.hpp"

namespace ghoard::testing {

namespace fs = std::filesystem;

namespace {

std::optional<pid_t> recorded_pid(const fs::path& record) {
  std::ifstream stream(record);
  std::string name;
  std::string value;
  while (stream >> name && std::getline(stream, value)) {
    if (name == "pid") {
      const long pid = std::strtol(value.c_str(), nullptr, 10);
      return pid > 1 ? std::optional(static_cast<pid_t>(pid)) : std::nullopt;
    }
  }
  return std::nullopt;
}

/// A record may outlive its agent, and the pid may have become another process's: only our own program counts. A
/// program that was rebuilt meanwhile reads as "PATH (deleted)". A dead one has no exe.
/// The agent is not dumpable, so only root may follow its exe link; its name is there for everybody.
bool is_our_agent(pid_t pid) {
  const fs::path process = "/proc/" + std::to_string(pid);
  std::error_code error;
  const std::string exe = fs::read_symlink(process / "exe", error).string();
  if (error == std::errc::permission_denied) {
    std::string name;
    return static_cast<bool>(std::getline(std::ifstream(process / "comm"), name)) && name == "ghoard-agent";
  }
  return !error && exe.starts_with(fs::weakly_canonical(program("ghoard-agent"), error).string());
}

}  // namespace

TemporaryHome::TemporaryHome() {
  std::string name = "/tmp/gh-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("cannot make a directory below /tmp");
  }
  m_path = name;
  fs::create_directory(home());
  fs::create_directory(ghoard());
  fs::permissions(ghoard(), fs::perms::owner_all);
  const char* path = std::getenv("PATH");
  m_environment = {{"PATH", std::string(GHOARD_BIN_DIR) + ":" + (path != nullptr ? path : "/usr/bin:/bin")},
                   {"HOME", home().string()},
                   {"GHOARD_HOME", ghoard().string()},
                   {"LC_ALL", "C.UTF-8"}};
  // Sanitizers say where to report; a child without them would be silent.
  for (const char* kept : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
    if (const char* value = std::getenv(kept)) {
      m_environment[kept] = value;
    }
  }
}

TemporaryHome::~TemporaryHome() {
  stop_agent();
  std::error_code ignored;
  fs::remove_all(m_path, ignored);
}

Command TemporaryHome::command(std::initializer_list<std::string> words, std::string input) const {
  Command command;
  command.arguments.assign(words);
  if (command.arguments.at(0).find('/') == std::string::npos) {
    command.arguments.at(0) = program(command.arguments.at(0));
  }
  command.environment = m_environment;
  command.input = std::move(input);
  command.directory = m_path.string();
  return command;
}

ProcessResult TemporaryHome::run(std::initializer_list<std::string> words, std::string input) const {
  return testing::run(command(words, std::move(input)));
}

std::optional<pid_t> TemporaryHome::agent_pid() const {
  const std::optional<pid_t> pid = recorded_pid(cache() / "agent.lock");
  return pid && is_our_agent(*pid) ? pid : std::nullopt;
}

void TemporaryHome::stop_agent() const {
  const std::optional<pid_t> pid = agent_pid();
  if (!pid) {
    return;
  }
  const auto gone = [&] { return !is_our_agent(*pid); };
  kill(*pid, SIGTERM);
  if (!eventually(gone, base::Seconds(3)) && is_our_agent(*pid)) {
    kill(*pid, SIGKILL);
    (void)eventually(gone, base::Seconds(3));
  }
}

}  // namespace ghoard::testing
