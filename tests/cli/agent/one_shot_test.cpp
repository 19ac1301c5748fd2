// `ghoard-agent --one-shot`: one connection, no listener.

#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/local/client.hpp"
#include "net/server/descriptor.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fork.hpp"
#include "tests/support/standin.hpp"
#include "tests/support/temporary_home.hpp"

using namespace ghoard;
using namespace ghoard::testing;

namespace {

constexpr base::Seconds patience{30};

/// A one-shot agent at the other end of a socketpair.
class OneShot {
 public:
  explicit OneShot(const TemporaryHome& home, bool exclusive = false) : m_connection(local::Connection::adopt(-1)) {
    int ends[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    std::vector<std::string> variables;
    for (const auto& [name, value] : home.environment()) {
      variables.push_back(name + "=" + value);
    }
    std::vector<char*> environment;
    for (std::string& variable : variables) {
      environment.push_back(variable.data());
    }
    environment.push_back(nullptr);
    const std::string path = program("ghoard-agent");
    std::vector<std::string> words{path, "--one-shot", "--one-shot-fd", "3"};
    if (exclusive) {
      words.emplace_back("--exclusive");
    }
    std::vector<char*> arguments;
    for (std::string& word : words) {
      arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    m_pid = testing::fork_flushed();
    REQUIRE(m_pid >= 0);
    if (m_pid == 0) {
      ::close(ends[0]);
      if (ends[1] != 3) {
        ::dup2(ends[1], 3);
        ::close(ends[1]);
      }
      ::execve(path.c_str(), arguments.data(), environment.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    m_connection = local::Connection::adopt(ends[0]);
  }
  OneShot(const OneShot&) = delete;
  OneShot& operator=(const OneShot&) = delete;
  ~OneShot() {
    if (m_pid > 0) {
      ::kill(m_pid, SIGKILL);
      ::waitpid(m_pid, nullptr, 0);
    }
  }

  local::ClientResponse ask(const std::string& target, const std::string& host) { return ask("GET", target, host, {}); }
  local::ClientResponse ask(const std::string& method, const std::string& target, const std::string& host,
                            const std::string& body) {
    local::ClientRequest request;
    request.method = method;
    request.target = target;
    request.headers = {{"Host", host}, {"Authorization", "token " + std::string(tokens::user_1)}};
    if (host == "ghoard" && method == "POST") {
      request.headers.add("Ghoard-Control", "1");
    }
    request.body = body;
    base::Result<local::ClientResponse> response = m_connection.exchange(request, patience);
    REQUIRE(response);
    return *std::move(response);
  }
  void hang_up() { m_connection = local::Connection::adopt(-1); }
  /// The exit code, once it has exited by itself.
  int wait() {
    int status = -1;
    const bool exited = eventually([&] { return ::waitpid(m_pid, &status, WNOHANG) == m_pid; }, patience);
    if (!exited) {
      return -1;
    }
    m_pid = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  local::Connection m_connection;
  pid_t m_pid = -1;
};

/// Another process's hold on the cache.
server::Descriptor hold_lock(const TemporaryHome& home) {
  std::filesystem::create_directories(home.cache());
  std::filesystem::permissions(home.ghoard(), std::filesystem::perms::owner_all);
  std::filesystem::permissions(home.cache(), std::filesystem::perms::owner_all);
  server::Descriptor lock(::open((home.cache() / "agent.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(::flock(lock.get(), LOCK_EX | LOCK_NB) == 0);
  return lock;
}

}  // namespace

TEST_CASE("a one-shot agent answers on its connection and exits with it, without any socket") {
  const StandIn github;
  TemporaryHome home;
  home.set("GHOARD_API_URL", github.url());
  OneShot agent(home);
  CHECK(agent.ask("/repos/acme/widgets", "api.github.com").status == 200);
  const local::ClientResponse again = agent.ask("/repos/acme/widgets", "api.github.com");
  CHECK(again.headers.get("Cache-Status").starts_with("ghoard; hit"));
  agent.hang_up();
  CHECK(agent.wait() == 0);
  CHECK_FALSE(std::filesystem::exists(home.run_directory() / "agent.sock"));
  CHECK(github.counters().count("GET /repos/acme/widgets") == 1);
}

TEST_CASE("what one one-shot agent stored, the next one has") {
  const StandIn github;
  TemporaryHome home;
  home.set("GHOARD_API_URL", github.url());
  for (int i = 0; i < 2; ++i) {
    OneShot agent(home);
    CHECK(agent.ask("/repos/acme/widgets", "api.github.com").status == 200);
    agent.hang_up();
    CHECK(agent.wait() == 0);
  }
  CHECK(github.counters().count("GET /repos/acme/widgets") == 1);
}

TEST_CASE("while another agent holds the cache, a one-shot agent works without keeping anything") {
  const StandIn github;
  TemporaryHome home;
  home.set("GHOARD_API_URL", github.url());
  const server::Descriptor lock = hold_lock(home);
  OneShot agent(home);
  CHECK(agent.ask("/repos/acme/widgets", "api.github.com").status == 200);
  const nlohmann::json status = nlohmann::json::parse(agent.ask("/v1/status", "ghoard").body);
  CHECK(status["degraded"].get<std::string>().find("another agent runs") != std::string::npos);
  agent.hang_up();
  CHECK(agent.wait() == 0);
  CHECK_FALSE(std::filesystem::exists(home.cache() / "cache.db"));
}

TEST_CASE("while another agent holds the cache, a one-shot agent changes nothing and sends no write") {
  const StandIn github;
  TemporaryHome home;
  home.set("GHOARD_API_URL", github.url());
  const server::Descriptor lock = hold_lock(home);
  OneShot agent(home);
  const auto check_refused = [](const local::ClientResponse& response) {
    CHECK(response.status == 503);
    CHECK(nlohmann::json::parse(response.body)["ghoard_error"] == "cannot_invalidate");
    CHECK(response.body.find("another ghoard process holds the cache; try again") != std::string::npos);
  };
  check_refused(agent.ask("PATCH", "/repos/acme/widgets/issues/7", "api.github.com", R"({"title":"x"})"));
  check_refused(agent.ask("POST", "/graphql", "api.github.com", R"({"query":"mutation { x { y } }"})"));
  check_refused(agent.ask("POST", "/v1/cache/remove", "ghoard", R"({"path":"/user"})"));
  check_refused(agent.ask("POST", "/v1/cache/clear", "ghoard", "{}"));
  CHECK(github.counters().requests == 0);
  CHECK(agent.ask("POST", "/graphql", "api.github.com", R"({"query":"query { viewer { login } }"})").status == 200);
}

TEST_CASE("a lock that cannot be opened may be held, so that nothing is written") {
  const StandIn github;
  TemporaryHome home;
  home.set("GHOARD_API_URL", github.url());
  static_cast<void>(hold_lock(home));
  std::filesystem::remove(home.cache() / "agent.lock");
  std::filesystem::create_symlink("nowhere", home.cache() / "agent.lock");
  OneShot agent(home);
  CHECK(agent.ask("/repos/acme/widgets", "api.github.com").status == 200);
  CHECK(agent.ask("PATCH", "/repos/acme/widgets/issues/7", "api.github.com", "{}").status == 503);
  CHECK_FALSE(std::filesystem::exists(home.cache() / "cache.db"));
}

TEST_CASE("where no lock can be made writes go out all the same") {
  const StandIn github;
  TemporaryHome home;
  home.set("GHOARD_API_URL", github.url());
  std::ofstream(home.cache()) << "no directory";
  OneShot agent(home);
  CHECK(agent.ask("PATCH", "/repos/acme/widgets/issues/7", "api.github.com", R"({"title":"changed"})").status == 200);
}

TEST_CASE("an exclusive one-shot agent waits until the cache is free, and marks it before the write leaves") {
  const StandIn github;
  TemporaryHome home;
  home.set("GHOARD_API_URL", github.url());
  {
    OneShot reader(home);
    CHECK(reader.ask("/repos/acme/widgets/issues/7", "api.github.com").status == 200);
    reader.hang_up();
    CHECK(reader.wait() == 0);
  }
  std::optional<server::Descriptor> lock = hold_lock(home);
  OneShot writer(home, true);
  lock.reset();
  const std::string target = "/repos/acme/widgets/issues/7";
  CHECK(writer.ask("PATCH", target, "api.github.com", R"({"title":"changed"})").status == 200);
  writer.hang_up();
  CHECK(writer.wait() == 0);
  OneShot reader(home);
  CHECK(nlohmann::json::parse(reader.ask(target, "api.github.com").body)["title"] == "changed");
}
