#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include "core/base/version.hpp"
#include "tests/cli/agent_home.hpp"
#include "tests/cli/run_command.hpp"

using namespace ghoard;
using testing::Ran;

namespace {

const std::string binary = std::string(GHOARD_BIN_DIR) + "/ghoard";

/// Executes argv with the environment of `home` and nothing else.
int execute(const link::Program& program, std::span<const std::string> words) {
  std::vector<char*> argv;
  for (const std::string& word : words) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  std::vector<std::string> entries;
  for (const char* name : {"GHOARD_HOME", "GHOARD_DEFAULT_TTL", "HOME", "PATH"}) {
    if (const std::optional<std::string> value = program.environment(name)) {
      entries.push_back(std::string(name) + "=" + *value);
    }
  }
  std::vector<char*> envp;
  for (std::string& entry : entries) {
    envp.push_back(entry.data());
  }
  envp.push_back(nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::execve(argv[0], argv.data(), envp.data());
  return 127;
}

/// No agent is ever started here.
struct PlainHome : testing::Home {
  PlainHome() { variables = {{"GHOARD_HOME", root().string()}, {"HOME", root().string()}, {"PATH", "/absent"}}; }
};

Ran run(const testing::Home& home, std::vector<std::string> words, const std::string& program = binary) {
  words.insert(words.begin(), program);
  link::Program described;
  described.environment = home.environment();
  return testing::run_command(home, described, execute, words);
}

}  // namespace

TEST_CASE("the program lists its commands, and tells about each") {
  PlainHome home;
  const Ran usage = run(home, {});
  CHECK(usage.code == 0);
  CHECK(usage.err == "");
  CHECK(run(home, {"--help"}).out == usage.out);
  CHECK(run(home, {"help"}).out == usage.out);
  for (const char* name : {"api", "agent", "cache", "stats", "rate", "doctor", "config", "completion", "version"}) {
    CAPTURE(name);
    CHECK(usage.out.find("\n  " + std::string(name) + " ") != std::string::npos);
    CHECK(run(home, {"help", name}).code == 0);
    CHECK(run(home, {"help", name}).out == run(home, {name, "--help"}).out);
  }
  CHECK(run(home, {"help", "agent", "start"}).out == run(home, {"agent", "start", "--help"}).out);
}

TEST_CASE("an unknown command or flag is named, with a hint, and exits 1") {
  PlainHome home;
  const Ran command = run(home, {"nonsense"});
  CHECK(command.code == 1);
  CHECK(command.out == "");
  CHECK(command.err == "ghoard: unknown command \"nonsense\"\nrun `ghoard --help` for the list of commands\n");
  CHECK(run(home, {"--nonsense"}).err.starts_with("ghoard: unknown flag \"--nonsense\"\n"));
  CHECK(run(home, {"help", "nonsense"}).code == 1);
}

TEST_CASE("messages bear the name the program was invoked by") {
  PlainHome home;
  std::filesystem::create_directories(home.root() / "bin");
  std::filesystem::create_symlink(binary, home.root() / "bin/gh");
  CHECK(run(home, {"nonsense"}, (home.root() / "bin/gh").string()).err.starts_with("gh: unknown command"));
  CHECK(run(home, {"--version"}).out == "ghoard version " + std::string(base::version) + "\n");
}

TEST_CASE("a wrong config.toml stops commands that need settings and no others") {
  PlainHome home;
  home.write("config/config.toml", "default_ttl = \n");
  const Ran stats = run(home, {"stats"});
  CHECK(stats.code == 1);
  CHECK(stats.err.starts_with("ghoard: " + (home.root() / "config/config.toml").string() + ":1: malformed TOML"));
  CHECK(run(home, {"config", "list"}).code == 1);
  CHECK(run(home, {"agent", "status"}).err == "ghoard: no agent runs\n");
  CHECK(run(home, {"agent", "stop"}).out == "no agent runs\n");
  CHECK(run(home, {"agent", "start"}).err == stats.err);
  CHECK(run(home, {"agent", "restart"}).err == stats.err);
  CHECK(run(home, {"config", "path"}).code == 0);
  CHECK(run(home, {"version"}).code == 0);
  CHECK(run(home, {"completion", "bash"}).code == 0);
  CHECK(run(home, {"doctor"}).out.find("problem  settings") != std::string::npos);
}

TEST_CASE("without HOME the error says what to set, and config path knows no path") {
  PlainHome home;
  home.variables = {{"PATH", "/bin"}};
  CHECK(run(home, {"stats"}).err.find("GHOARD_HOME") != std::string::npos);
  CHECK(run(home, {"agent", "status"}).err == run(home, {"stats"}).err);
  CHECK(run(home, {"config", "path"}).code == 1);
  CHECK(run(home, {"version"}).code == 0);
}

TEST_CASE("--no-spawn before the command is the setting") {
  PlainHome home;
  CHECK(run(home, {"--no-spawn", "config", "get", "no_spawn"}).out == "true\n");
  CHECK(run(home, {"config", "get", "no_spawn"}).out == "false\n");
}

TEST_CASE("an answer never goes into a socket that was opened where standard output had been closed") {
  testing::AgentHome home;
  REQUIRE(link::start_agent(home.program()));
  const auto api = [&](const std::string& redirection) {
    return run(home, {"-c", binary + " api user " + redirection}, "/bin/sh");
  };
  const Ran closed = api(">&-");
  CHECK(closed.code == 1);
  CHECK(closed.err == "ghoard: cannot write the output: Bad file descriptor\n");
  for (const char* harmless : {"<&-", "2>&-", "<&- 2>&-"}) {
    CAPTURE(harmless);
    CHECK(api(harmless).code == 0);
    CHECK(api(harmless).out.find("\"target\":\"/user\"") != std::string::npos);
  }
}
