#include "cli/link/one_shot.hpp"

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "cli/link/processes.hpp"

namespace ghoard::link {

namespace {

constexpr int exit_deadline_ms = 5000;

/// Reaps the child if it ends in time; otherwise init does when we are gone.
void wait_for_exit(pid_t child) {
  const Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  if (handle.is_open()) {
    pollfd entry{handle.get(), POLLIN, 0};
    while (::poll(&entry, 1, exit_deadline_ms) < 0 && errno == EINTR) {
    }
  }
  ::waitpid(child, nullptr, WNOHANG);
}

}  // namespace

base::Result<OneShot> OneShot::start(const Program& program, Purpose purpose) {
  const base::Result<std::filesystem::path> agent = find_helper(program, "ghoard-agent", "GHOARD_AGENT");
  if (!agent) {
    return tl::unexpected(agent.error());
  }
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return base::fail(base::ErrorCode::system, std::string("socketpair: ") + std::strerror(errno));
  }
  Descriptor ours(ends[0]);
  const Descriptor theirs(ends[1]);
  std::vector<std::string> arguments{agent->string(), "--one-shot", "--one-shot-fd", "3"};
  if (purpose == Purpose::changes) {
    arguments.emplace_back("--exclusive");
  }
  const base::Result<pid_t> child =
      spawn_child(arguments, agent_environment(program, whole_environment()), theirs.get());
  if (!child) {
    return tl::unexpected(child.error());
  }
  return OneShot(*child, local::Connection::adopt(ours.release()));
}

OneShot::OneShot(OneShot&& other) noexcept
    : m_child(std::exchange(other.m_child, -1)), m_connection(std::move(other.m_connection)) {}

OneShot& OneShot::operator=(OneShot&& other) noexcept {
  std::swap(m_child, other.m_child);
  std::swap(m_connection, other.m_connection);
  return *this;
}

OneShot::~OneShot() {
  // A connection nobody took must not keep the child waiting.
  { const local::Connection closed = std::move(m_connection); }
  if (m_child > 0) {
    wait_for_exit(m_child);
  }
}

}  // namespace ghoard::link
