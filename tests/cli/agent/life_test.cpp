// The real ghoard-agent, from start to exit.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/local/agent_record.hpp"
#include "net/server/descriptor.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/standin.hpp"
#include "tests/support/temporary_home.hpp"

using namespace ghoard;
using namespace ghoard::testing;

namespace {

constexpr base::Seconds patience{30};

/// One agent of its own home; its status line comes through standard output.
class RunningAgent {
 public:
  explicit RunningAgent(const TemporaryHome& home)
      : m_home(home),
        m_process(home.command({"/bin/sh", "-c", "exec ghoard-agent run --status-fd 3 3>&1 >/dev/null"})) {
    m_status = m_process.read_line(patience).value_or("nothing");
  }

  [[nodiscard]] const std::string& status() const { return m_status; }
  Process& process() { return m_process; }
  [[nodiscard]] std::filesystem::path socket() const { return m_home.run_directory() / "agent.sock"; }

  HttpClient connect() {
    base::Result<HttpClient> client = HttpClient::unix_socket(socket().string(), patience);
    REQUIRE(client);
    return *std::move(client);
  }
  HttpAnswer ask(std::string_view method, std::string_view target, http::Headers headers = {{"Host", "ghoard"}}) {
    base::Result<HttpAnswer> answer = connect().exchange(method, target, headers);
    REQUIRE(answer);
    return *std::move(answer);
  }
  ProcessResult wait() { return m_process.wait(patience); }

 private:
  const TemporaryHome& m_home;
  Process m_process;
  std::string m_status;
};

mode_t mode_of(const std::filesystem::path& path) {
  struct stat found {};
  REQUIRE(::lstat(path.c_str(), &found) == 0);
  return found.st_mode & 07777;
}

local::AgentRecord record_of(const TemporaryHome& home) {
  std::ostringstream text;
  text << std::ifstream(home.cache() / "agent.lock").rdbuf();
  const base::Result<local::AgentRecord> record = local::parse_agent_record(text.str());
  REQUIRE(record);
  return *record;
}

http::Headers api_headers() {
  return {{"Host", "api.github.com"}, {"Authorization", "token " + std::string(tokens::user_1)}};
}

}  // namespace

TEST_CASE("an agent that is ready listens, privately, where its record says") {
  const TemporaryHome home;
  RunningAgent agent(home);
  REQUIRE(agent.status() == "ready");
  const local::AgentRecord record = record_of(home);
  CHECK(record.pid == agent.process().pid());
  CHECK(record.socket == agent.socket());
  CHECK(mode_of(home.run_directory()) == 0700);
  CHECK(mode_of(home.state()) == 0700);
  CHECK(mode_of(home.cache()) == 0700);
  CHECK(mode_of(agent.socket()) == 0600);
  CHECK(mode_of(home.cache() / "agent.lock") == 0600);
  const HttpAnswer answer = agent.ask("GET", "/v1/status");
  CHECK(answer.status == 200);
  CHECK(answer.headers.get("Ghoard-Agent") == record.version + "; protocol=" + std::to_string(record.protocol));
  const nlohmann::json status = nlohmann::json::parse(answer.body);
  CHECK(status["pid"] == record.pid);
  CHECK(status["degraded"] == "");
}

TEST_CASE("a second agent says why it does not start, and leaves the first alone") {
  const TemporaryHome home;
  RunningAgent first(home);
  REQUIRE(first.status() == "ready");
  RunningAgent second(home);
  CHECK(second.status().starts_with("error another agent runs"));
  CHECK(second.wait().exit_code == 1);
  CHECK(first.ask("GET", "/v1/status").status == 200);
}

TEST_CASE("there is one agent per cache, even for instances whose state is elsewhere") {
  TemporaryHome home;
  home.unset("GHOARD_HOME");
  home.set("XDG_CACHE_HOME", (home.path() / "c").string());
  home.set("XDG_RUNTIME_DIR", home.path().string());
  home.set("XDG_STATE_HOME", (home.path() / "s1").string());
  RunningAgent first(home);
  REQUIRE(first.status() == "ready");
  home.set("XDG_STATE_HOME", (home.path() / "s2").string());
  RunningAgent second(home);
  CHECK(second.status().starts_with("error another agent runs"));
  CHECK(second.wait().exit_code == 1);
}

TEST_CASE("clearing the cache and losing the database leave the lock alone") {
  const TemporaryHome home;
  RunningAgent agent(home);
  REQUIRE(agent.status() == "ready");
  const auto same_lock = [&, first = record_of(home)] { return record_of(home) == first; };
  CHECK(agent.ask("POST", "/v1/cache/clear", {{"Host", "ghoard"}, {"Ghoard-Control", "1"}}).status == 200);
  CHECK(same_lock());
  std::ofstream(home.cache() / "cache.db") << "no database";
  CHECK(agent.ask("POST", "/v1/cache/clear", {{"Host", "ghoard"}, {"Ghoard-Control", "1"}}).status == 200);
  CHECK(same_lock());
  RunningAgent second(home);
  CHECK(second.status().starts_with("error another agent runs"));
}

TEST_CASE("an agent that cannot start says why") {
  TemporaryHome home;
  SUBCASE("malformed configuration") {
    std::filesystem::create_directories(home.config());
    std::ofstream(home.config() / "config.toml") << "default_ttl = \n";
  }
  SUBCASE("socket path too long") {
    home.set("GHOARD_HOME", (home.path() / std::string(100, 'x')).string());
  }
  SUBCASE("a setting that does not parse") {
    home.set("GHOARD_DEFAULT_TTL", "soon");
  }
  RunningAgent agent(home);
  CHECK(agent.status().starts_with("error "));
  const ProcessResult result = agent.wait();
  CHECK(result.exit_code == 1);
  CHECK(result.err.find(" error ") != std::string::npos);
}

TEST_CASE("asked to stop, an agent removes its socket, frees its lock and exits 0") {
  const TemporaryHome home;
  RunningAgent agent(home);
  REQUIRE(agent.status() == "ready");
  CHECK(agent.ask("POST", "/v1/stop").status == 403);
  CHECK(agent.ask("POST", "/v1/stop", {{"Host", "ghoard"}, {"Ghoard-Control", "1"}}).body == "{\"stopping\":true}\n");
  CHECK(agent.wait().exit_code == 0);
  CHECK_FALSE(std::filesystem::exists(agent.socket()));
  RunningAgent next(home);
  CHECK(next.status() == "ready");
}

TEST_CASE("a killed agent's leftovers do not hinder the next") {
  const TemporaryHome home;
  {
    RunningAgent agent(home);
    REQUIRE(agent.status() == "ready");
    agent.process().send_signal(SIGKILL);
    agent.wait();
  }
  CHECK(std::filesystem::exists(home.run_directory() / "agent.sock"));
  RunningAgent next(home);
  REQUIRE(next.status() == "ready");
  CHECK(next.ask("GET", "/v1/stats").status == 200);
}

TEST_CASE("SIGTERM lets a request under way finish; a second one does not wait") {
  const StandIn github;
  TemporaryHome home;
  home.set("GHOARD_API_URL", github.url());
  RunningAgent agent(home);
  REQUIRE(agent.status() == "ready");
  github.fault({.kind = "hold", .path_prefix = "/repos/acme/widgets", .count = 1});
  HttpClient client = agent.connect();
  std::string request = "GET /repos/acme/widgets HTTP/1.1\r\n";
  for (const http::Header& field : api_headers()) {
    request += field.name + ": " + field.value + "\r\n";
  }
  REQUIRE(client.send(request + "\r\n"));
  REQUIRE(eventually([&] { return github.counters().held == 1; }));
  agent.process().send_signal(SIGTERM);
  REQUIRE(eventually([&] { return !std::filesystem::exists(agent.socket()); }));
  CHECK(agent.process().running());
  SUBCASE("finish") {
    github.release();
    const base::Result<HttpAnswer> answer = client.receive();
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->headers.get("Connection") == "close");
  }
  SUBCASE("second signal") {
    agent.process().send_signal(SIGTERM);
    CHECK_FALSE(client.receive());
  }
  CHECK(agent.wait().exit_code == 0);
}

TEST_CASE("an agent that nobody can find any more exits") {
  const TemporaryHome home;
  RunningAgent agent(home);
  REQUIRE(agent.status() == "ready");
  SUBCASE("its socket is gone") {
    std::filesystem::remove(agent.socket());
  }
  SUBCASE("its socket was replaced") {
    std::filesystem::rename(agent.socket(), home.path() / "moved");
    std::ofstream(agent.socket()) << "x";
  }
  SUBCASE("its lock file is gone") {
    std::filesystem::remove(home.cache() / "agent.lock");
  }
  CHECK(agent.wait().exit_code == 0);
}

TEST_CASE("an agent without requests exits after its idle timeout") {
  TemporaryHome home;
  home.set("GHOARD_IDLE_TIMEOUT", "1");
  RunningAgent agent(home);
  REQUIRE(agent.status() == "ready");
  const ProcessResult result = agent.wait();
  CHECK(result.exit_code == 0);
  CHECK(result.err.find("no requests and no peers for 1 seconds") != std::string::npos);
}

TEST_CASE("SIGHUP reopens the log and harms nothing else") {
  const TemporaryHome home;
  std::filesystem::create_directories(home.state());
  std::filesystem::permissions(home.ghoard(), std::filesystem::perms::owner_all);
  std::filesystem::permissions(home.state(), std::filesystem::perms::owner_all);
  const std::filesystem::path log = home.state() / "agent.log";
  Process process(home.command(
      {"/bin/sh", "-c", "exec ghoard-agent run --status-fd 3 3>&1 >/dev/null 2>>\"$GHOARD_HOME/state/agent.log\""}));
  REQUIRE(process.read_line(patience) == "ready");
  std::filesystem::rename(log, home.path() / "rotated");
  process.send_signal(SIGHUP);
  CHECK(eventually([&] { return std::filesystem::exists(log) && std::filesystem::file_size(log) > 0; }));
  CHECK(process.running());
  process.send_signal(SIGTERM);
  CHECK(process.wait(patience).exit_code == 0);
}

TEST_CASE("with --foreground a hang-up of the terminal ends the agent") {
  const TemporaryHome home;
  Process process(home.command({"/bin/sh", "-c", "exec ghoard-agent run --foreground --status-fd 3 3>&1 >/dev/null"}));
  REQUIRE(process.read_line(patience) == "ready");
  process.send_signal(SIGHUP);
  CHECK(process.wait(patience).exit_code == 0);
}

TEST_CASE("no token reaches the log, the record or the database") {
  const StandIn github;
  TemporaryHome home;
  home.set("GHOARD_API_URL", github.url());
  RunningAgent agent(home);
  REQUIRE(agent.status() == "ready");
  http::Headers headers = api_headers();
  headers.add("Ghoard-Token", "keep");
  CHECK(agent.ask("GET", "/repos/acme/widgets", headers).status == 200);
  CHECK(agent.ask("GET", "/user", {{"Host", "api.github.com"}, {"Ghoard-Token", "kept"}}).status == 200);
  http::Headers refused{{"Host", "api.github.com"}, {"Authorization", "token " + std::string(tokens::unknown)}};
  CHECK(agent.ask("GET", "/repos/acme/gadgets", refused).status == 401);
  agent.process().send_signal(SIGTERM);
  const ProcessResult result = agent.wait();
  CHECK(result.exit_code == 0);
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(home.ghoard())) {
    if (!entry.is_regular_file()) {
      continue;
    }
    ++files;
    std::ostringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    for (const std::string_view token : {tokens::user_1, tokens::unknown}) {
      CHECK_MESSAGE(text.str().find(token) == std::string::npos, entry.path());
    }
  }
  CHECK(files >= 2);
  for (const std::string_view token : {tokens::user_1, tokens::unknown}) {
    CHECK(result.err.find(token) == std::string::npos);
  }
}
