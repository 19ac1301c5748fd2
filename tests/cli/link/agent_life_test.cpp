#include <chrono>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <map>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "cli/commands/commands.hpp"
#include "cli/commands/doctor.hpp"
#include "cli/link/link.hpp"
#include "cli/link/lock_holder.hpp"
#include "cli/link/probe.hpp"
#include "cli/link/processes.hpp"
#include "tests/cli/agent_home.hpp"
#include "tests/cli/run_command.hpp"
#include "tests/support/fork.hpp"

using namespace ghoard;
using testing::AgentHome;

namespace {

/// The exit code of `work` in a process of its own.
template <class Work>
pid_t in_child(Work work) {
  const pid_t child = testing::fork_flushed();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::_exit(work());
  }
  return child;
}

int exit_code(pid_t child) {
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

TEST_CASE("an agent is started, found again, and stopped when its lock is free") {
  AgentHome home;
  const link::Program program = home.program();
  CHECK_FALSE(link::running_agent(program));
  CHECK(link::stop_agent(program).value() == false);
  CHECK(link::start_agent(program).value() == program.paths.socket().string());
  CHECK(link::start_agent(program).value() == program.paths.socket().string());
  CHECK(home.starts() == 1);
  REQUIRE(link::running_agent(program));
  CHECK(link::stop_agent(program).value() == true);
  CHECK_FALSE(link::running_agent(program));
  CHECK(link::start_agent(program));
  CHECK(home.starts() == 2);
}

TEST_CASE("50 parallel first calls yield one agent") {
  AgentHome home;
  const link::Program program = home.program();
  std::vector<pid_t> children;
  for (int i = 0; i < 50; ++i) {
    children.push_back(in_child([&] { return link::start_agent(program) ? 0 : 1; }));
  }
  for (const pid_t child : children) {
    CHECK(exit_code(child) == 0);
  }
  CHECK(home.starts() == 1);
}

TEST_CASE("a shell that waits for the command's output does not wait for the agent") {
  AgentHome home;
  const link::Program program = home.program();
  int ends[2];
  REQUIRE(::pipe2(ends, 0) == 0);  // inheritable, as a shell's is
  const pid_t child = in_child([&] {
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    return link::start_agent(program) ? 0 : 1;
  });
  ::close(ends[1]);
  char byte = 0;
  CHECK(::read(ends[0], &byte, 1) == 0);
  ::close(ends[0]);
  CHECK(exit_code(child) == 0);
  CHECK(link::running_agent(program));
}

TEST_CASE("the agent starts in `/` with three descriptors and the status pipe, and is nobody's child") {
  AgentHome home;
  const link::Program program = home.program();
  const int stray = ::open("/dev/zero", O_RDONLY);  // without O_CLOEXEC
  REQUIRE(link::start_agent(program));
  ::close(stray);
  CHECK(home.read("state/where") == "/\n");
  const std::string descriptors = home.read("state/descriptors");
  CHECK(descriptors.find("0 /dev/null\n") != std::string::npos);
  CHECK(descriptors.find("1 /dev/null\n") != std::string::npos);
  CHECK(descriptors.find("2 " + program.paths.agent_log().string() + "\n") != std::string::npos);
  CHECK(descriptors.find("3 pipe:") != std::string::npos);
  CHECK(descriptors.find("/dev/zero") == std::string::npos);
  CHECK(descriptors.find("start.lock") == std::string::npos);
  const int pid = link::running_agent(program)->pid;
  CHECK(::waitpid(pid, nullptr, WNOHANG) == -1);
  CHECK(::getsid(pid) != ::getsid(0));
  CHECK(::getsid(pid) != pid);
}

TEST_CASE("an agent is told the network key of the environment through a pipe, and no token with it") {
  AgentHome home;
  home.variables["GHOARD_NETWORK_KEY"] = "k3y";
  home.variables["GH_TOKEN"] = "t0ken";
  REQUIRE(link::start_agent(home.program()));
  CHECK(home.read("state/secrets") == "network_key k3y\n");
  CHECK(home.read("state/environment").find("k3y") == std::string::npos);
  CHECK(home.read("state/environment").find("t0ken") == std::string::npos);
}

TEST_CASE("an agent that may have peers and has no network key is told the token, and any other is told nothing") {
  const auto told = [](const std::map<std::string, std::string>& variables, const std::string& config) {
    AgentHome home;
    home.variables.insert(variables.begin(), variables.end());
    home.variables["GH_TOKEN"] = "t0ken";
    home.write("config/config.toml", config);
    REQUIRE(link::start_agent(home.program()));
    CHECK(home.read("state/descriptors").find("3 pipe:") != std::string::npos);
    return home.read("state/secrets");
  };
  CHECK(told({{"GHOARD_LISTEN_PORT", "0"}}, "") == "token t0ken\n");
  CHECK(told({}, "") == "");
  CHECK(told({{"GHOARD_LISTEN_PORT", "0"}, {"GHOARD_ENABLE_P2P", "no"}}, "") == "");
  CHECK(told({{"GHOARD_LISTEN_PORT", "0"}}, "network_key = \"of the file\"\n") == "");
}

TEST_CASE("the agent's environment has what it needs and no secrets") {
  AgentHome home;
  home.variables["CACHE_DEFAULT_TTL"] = "1m";
  home.variables["GHOARD_NETWORK_KEY"] = "k3y";
  const link::Program program = home.program({{"idle_timeout", "90"}});
  const std::vector<std::string> all{"HOME=/h",
                                     "PATH=/bin",
                                     "LANG=C.UTF-8",
                                     "LC_TIME=C",
                                     "HTTPS_PROXY=p",
                                     "no_proxy=q",
                                     "SSL_CERT_FILE=/ca",
                                     "XDG_STATE_HOME=/s",
                                     "GH_TOKEN=t",
                                     "GITHUB_TOKEN=t",
                                     "GH_HOST=x",
                                     "AWS_SECRET=t",
                                     "CACHE_SECRET=t",
                                     "GHOARD_NETWORK_KEY=k3y",
                                     "GHOARD_AGENT=/a",
                                     "GHOARD_DEFAULT_TTL=9",
                                     "RUNNER_TRACKING_ID=r",
                                     "LD_PRELOAD=x"};
  const std::vector<std::string> kept = link::agent_environment(program, all);
  for (const char* entry : {"HOME=/h", "PATH=/bin", "LANG=C.UTF-8", "LC_TIME=C", "HTTPS_PROXY=p", "no_proxy=q",
                            "SSL_CERT_FILE=/ca", "XDG_STATE_HOME=/s", "GHOARD_AGENT=/a", "RUNNER_TRACKING_ID=r",
                            "GHOARD_DEFAULT_TTL=60", "GHOARD_IDLE_TIMEOUT=90"}) {
    CAPTURE(entry);
    CHECK(contains(kept, entry));
  }
  CHECK(contains(kept, "GHOARD_HOME=" + home.root().string()));
  CHECK(kept.size() == 13);
}

TEST_CASE("an agent's own error reaches the caller, and one that says nothing is reported with its log") {
  AgentHome home;
  const link::Program program = home.program();
  home.write("state/fake", "error");
  CHECK(link::start_agent(program).error().message == "the fake was told to fail");
  home.write("state/fake", "mute");
  CHECK(link::start_agent(program).error().message ==
        "the agent ended before it was ready; see " + program.paths.agent_log().string());
  home.variables["GHOARD_AGENT"] = (home.root() / "absent").string();
  CHECK(link::start_agent(home.program()).error().message.find("GHOARD_AGENT") != std::string::npos);
  home.script("ghoard-agent", "");
  std::filesystem::permissions(home.root() / "bin/ghoard-agent", std::filesystem::perms::owner_all);
  home.write("bin/ghoard-agent", "#!/absent/interpreter\n");
  link::Program broken = home.program();
  broken.directory = home.root() / "bin";
  CHECK(link::start_agent(broken).error().message == "the program cannot be executed");
}

TEST_CASE("a record left by a dead agent, or half a record, counts for nothing") {
  AgentHome home;
  const link::Program program = home.program();
  REQUIRE(link::start_agent(program));
  const int pid = link::running_agent(program)->pid;
  REQUIRE(::kill(pid, SIGKILL) == 0);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (link::running_agent(program) && std::chrono::steady_clock::now() < deadline) {
  }
  CHECK_FALSE(link::running_agent(program));
  CHECK(std::filesystem::exists(program.paths.socket()));
  CHECK(link::start_agent(program));
  CHECK(home.starts() == 2);
  CHECK(link::stop_agent(program).value());
  home.write("cache/agent.lock", "pid 1\nver");
  CHECK_FALSE(link::running_agent(program));
}

TEST_CASE("a long socket path is refused before anything is started") {
  AgentHome home;
  home.variables["GHOARD_HOME"] = home.root() / std::string(90, 'a');
  const auto started = link::start_agent(home.program());
  REQUIRE_FALSE(started);
  CHECK(started.error().message.find("GHOARD_HOME") != std::string::npos);
  home.variables["GHOARD_HOME"] = home.root().string();
  CHECK(home.starts() == 0);
}

TEST_CASE("the log is moved aside above 1 MiB") {
  AgentHome home;
  home.write("state/agent.log", std::string(1024 * 1024 + 1, 'x'));
  CHECK(link::open_log(home.root() / "state/agent.log"));
  CHECK(home.read("state/agent.log").empty());
  CHECK(home.read("state/agent.log.1").size() == 1024 * 1024 + 1);
  struct stat status {};
  ::stat((home.root() / "state/agent.log").c_str(), &status);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("neither the log nor start.lock is opened through a symbolic link") {
  AgentHome home;
  const std::filesystem::path elsewhere = home.root() / "elsewhere";
  SUBCASE("the log") {
    std::filesystem::create_symlink(elsewhere, home.root() / "state/agent.log");
    CHECK_FALSE(link::open_log(home.root() / "state/agent.log"));
  }
  SUBCASE("start.lock") {
    std::filesystem::create_symlink(elsewhere, home.root() / "state/start.lock");
  }
  CHECK_FALSE(link::start_agent(home.program()));
  CHECK_FALSE(std::filesystem::exists(elsewhere));
  CHECK(home.starts() == 0);
}

TEST_CASE("an agent of an older protocol is asked to go, a newer one is left alone") {
  AgentHome home;
  home.write("state/fake", "older");
  REQUIRE(link::start_agent(home.program()));
  const auto older = link::contact_compatible_agent(home.program());
  REQUIRE(older);
  CHECK_FALSE(older->has_value());
  CHECK_FALSE(link::running_agent(home.program()));

  home.write("state/fake", "newer");
  REQUIRE(link::start_agent(home.program()));
  const auto newer = link::contact_compatible_agent(home.program());
  REQUIRE_FALSE(newer);
  CHECK(newer.error().message.find("ghoard agent restart") != std::string::npos);
  CHECK(link::running_agent(home.program()));
}

TEST_CASE("an agent that is stopped in its tracks is named by status and doctor, and ended by `agent stop`") {
  AgentHome home;
  const link::Program program = home.program();
  REQUIRE(link::start_agent(program));
  const int pid = link::running_agent(program)->pid;
  REQUIRE(::kill(pid, SIGSTOP) == 0);
  const std::string said = "the agent (pid " + std::to_string(pid) + ") does not answer; run `ghoard agent restart`";

  link::Link link(program, link::Spawn::forbidden);
  CHECK(link.control("GET", "/v1/stats").error().message == said);
  CHECK(link.control_or_start("POST", "/v1/cache/clear").error().message == said);
  const testing::Ran status = testing::run_command(home, program, commands::run_agent, {"status"});
  CHECK(status.code == 1);
  CHECK(status.err == "ghoard: " + said + "\n");
  const std::vector<commands::Check> checks = commands::examine(program);
  CHECK(std::any_of(checks.begin(), checks.end(),
                    [&](const commands::Check& check) { return !check.ok && check.detail == said; }));

  CHECK(link::stop_agent(program).value());
  CHECK_FALSE(link::running_agent(program));
  CHECK(link::start_agent(program));
  CHECK(home.starts() == 2);
}

TEST_CASE("only a process that holds the agent's lock is ever signalled") {
  AgentHome home;
  const link::Program program = home.program();
  REQUIRE(link::start_agent(program));
  const int pid = link::running_agent(program)->pid;
  CHECK(link::LockHolder::open(pid, program.paths.agent_record()));
  CHECK(link::LockHolder::open(::getpid(), program.paths.agent_record()).error().code == base::ErrorCode::refused);
  CHECK_FALSE(link::LockHolder::open(pid, program.paths.start_lock()));
}
