// The agent's lock, its listener, its log, its status pipe and its arguments.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/agent/agent_lock.hpp"
#include "cli/agent/arguments.hpp"
#include "cli/agent/local_listener.hpp"
#include "cli/agent/log.hpp"
#include "cli/agent/status_pipe.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/temporary_home.hpp"

using namespace ghoard;
using namespace ghoard::agent;
using testing::TemporaryHome;

namespace {

std::string content(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

/// What was written into a pipe.
class Pipe {
 public:
  Pipe() {
    int ends[2] = {-1, -1};
    REQUIRE(::pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
    m_out = server::Descriptor(ends[0]);
    in = server::Descriptor(ends[1]);
  }
  std::string read() {
    std::string text(60'000, '\0');
    const ssize_t size = ::read(m_out.get(), text.data(), text.size());
    return text.substr(0, size > 0 ? static_cast<std::size_t>(size) : 0);
  }
  server::Descriptor in;

 private:
  server::Descriptor m_out;
};

std::variant<Arguments, Farewell> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "ghoard-agent");
  return parse_arguments(words);
}

}  // namespace

TEST_CASE("the lock has one holder, who writes the record") {
  const TemporaryHome home;
  const std::filesystem::path file = home.path() / "agent.lock";
  std::ofstream(file) << std::string(500, 'x');
  base::Result<AgentLock> first = AgentLock::take(file);
  REQUIRE(first);
  const base::Result<AgentLock> second = AgentLock::take(file);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == base::ErrorCode::busy);
  CHECK(second.error().message.starts_with("another agent runs"));
  const local::AgentRecord record{12, "1.0.0", 1, "/s", "https://api.github.com", "abc"};
  REQUIRE(first->write(record));
  CHECK(local::parse_agent_record(content(file)) == record);
}

TEST_CASE("the lock is free again when its holder goes, and useless when its file goes") {
  const TemporaryHome home;
  const std::filesystem::path file = home.path() / "agent.lock";
  {
    const base::Result<AgentLock> lock = AgentLock::take(file);
    REQUIRE(lock);
    CHECK(lock->still_ours());
  }
  const base::Result<AgentLock> lock = AgentLock::take(file);
  REQUIRE(lock);
  std::filesystem::remove(file);
  CHECK_FALSE(lock->still_ours());
  std::ofstream(file) << "another";
  CHECK_FALSE(lock->still_ours());
}

TEST_CASE("a lock file that is a link is not followed") {
  const TemporaryHome home;
  std::filesystem::create_symlink(home.path() / "elsewhere", home.path() / "agent.lock");
  CHECK_FALSE(AgentLock::take(home.path() / "agent.lock"));
  CHECK_FALSE(std::filesystem::exists(home.path() / "elsewhere"));
}

TEST_CASE("the listener's socket is private, replaces a dead one, and removes only itself") {
  const TemporaryHome home;
  const std::filesystem::path path = home.path() / "agent.sock";
  { REQUIRE(LocalListener::bind(path)); }  // dead: its descriptor is closed, its path stays
  REQUIRE(std::filesystem::exists(path));
  const base::Result<LocalListener> listener = LocalListener::bind(path);
  REQUIRE(listener);
  struct stat made {};
  REQUIRE(::lstat(path.c_str(), &made) == 0);
  CHECK(S_ISSOCK(made.st_mode));
  CHECK((made.st_mode & 0777) == 0600);
  CHECK(listener->still_ours());
  std::filesystem::rename(path, home.path() / "moved");
  std::ofstream(path) << "not ours";
  CHECK_FALSE(listener->still_ours());
  listener->remove();
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("a socket that somebody listens on, and a file that is none, stay") {
  const TemporaryHome home;
  const std::filesystem::path path = home.path() / "agent.sock";
  const base::Result<LocalListener> alive = LocalListener::bind(path);
  REQUIRE(alive);
  const base::Result<LocalListener> second = LocalListener::bind(path);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == base::ErrorCode::busy);
  CHECK(alive->still_ours());
  std::ofstream(home.path() / "file") << "x";
  CHECK_FALSE(LocalListener::bind(home.path() / "file"));
  CHECK(content(home.path() / "file") == "x");
}

TEST_CASE("a path too long for a socket is refused with the way out") {
  const TemporaryHome home;
  const base::Result<LocalListener> listener = LocalListener::bind(home.path() / std::string(120, 'x'));
  REQUIRE_FALSE(listener);
  CHECK(listener.error().code == base::ErrorCode::invalid_input);
  CHECK(listener.error().message.find("107") != std::string::npos);
  CHECK(listener.error().message.find("GHOARD_HOME") != std::string::npos);
}

TEST_CASE("log lines have time and level, and nothing in them breaks a line") {
  testing::ManualClock clock;
  Pipe pipe;
  Log log(clock, pipe.in.get(), Log::Level::info);
  clock.advance(base::Seconds(3661));
  log.info("one");
  log.error("two\nthree\x1b[0m");
  CHECK(pipe.read() == "2026-01-01T01:01:01Z info one\n2026-01-01T01:01:01Z error two?three?[0m\n");
}

TEST_CASE("lines below the least level are not written") {
  testing::ManualClock clock;
  Pipe pipe;
  Log log(clock, pipe.in.get(), Log::Level::error);
  log.info("x");
  log.warning("y");
  log.error("z");
  CHECK(pipe.read() == "2026-01-01T00:00:00Z error z\n");
}

TEST_CASE("a flood of lines is cut, and what was left out is counted") {
  testing::ManualClock clock;
  Pipe pipe;
  Log log(clock, pipe.in.get(), Log::Level::info);
  for (int i = 0; i < 1000; ++i) {
    log.info("flood");
  }
  const std::string flood = pipe.read();
  CHECK(std::count(flood.begin(), flood.end(), '\n') == 40);
  clock.advance(base::Seconds(1));
  log.info("after");
  CHECK(pipe.read() == "2026-01-01T00:00:01Z warning 960 lines were left out\n2026-01-01T00:00:01Z info after\n");
}

TEST_CASE("the status pipe gets one line and is closed") {
  Pipe pipe;
  StatusPipe status(pipe.in.release());
  SUBCASE("ready") {
    status.ready();
    CHECK(pipe.read() == "ready\n");
  }
  SUBCASE("error") {
    status.error("it is\nbroken");
    CHECK(pipe.read() == "error it is broken\n");
  }
  status.ready();
  CHECK(pipe.read().empty());
  StatusPipe(-1).ready();
}

TEST_CASE("arguments say what to do, or why not") {
  const auto plain = std::get<Arguments>(parse({"run"}));
  CHECK(plain.mode == Arguments::Mode::run);
  CHECK(plain.status_fd == -1);
  CHECK_FALSE(plain.foreground);
  const auto started = std::get<Arguments>(parse({"run", "--status-fd", "3", "--foreground"}));
  CHECK(started.status_fd == 3);
  CHECK(started.foreground);
  CHECK(std::get<Arguments>(parse({"--one-shot", "--one-shot-fd", "3", "--exclusive"})).exclusive);
  const auto once = std::get<Arguments>(parse({"--one-shot", "--one-shot-fd", "3"}));
  CHECK_FALSE(once.exclusive);
  CHECK(once.mode == Arguments::Mode::one_shot);
  CHECK(once.one_shot_fd == 3);
  CHECK(std::get<Farewell>(parse({"--help"})).code == 0);
  CHECK(std::get<Farewell>(parse({"--version"})).text.starts_with("ghoard-agent "));
  const std::vector<std::vector<const char*>> mistakes{
      {},
      {"walk"},
      {"--one-shot"},
      {"--one-shot", "--one-shot-fd", "1"},
      {"--exclusive", "run"},
      {"run", "--status-fd", "x"},
      {"run", "--status-fd", "2"},
      {"run", "more"},
      {"--one-shot", "--one-shot-fd", "3", "run"},
  };
  for (const std::vector<const char*>& words : mistakes) {
    CAPTURE(words.size());
    CHECK(std::get<Farewell>(parse(words)).code == 1);
  }
}
