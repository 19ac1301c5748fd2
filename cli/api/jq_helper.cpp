#include "cli/api/jq_helper.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "cli/api/output.hpp"

extern char** environ;  // NOLINT: POSIX's name

namespace ghoard::api {

namespace {

constexpr int compile_timeout_ms = 30000;
// A filter may run as long as its user lets it, and waits while a pager on its output is read.
constexpr int no_timeout = -1;
constexpr std::uint32_t max_report = 64 * 1024;

std::vector<std::string> command_line(const std::string& helper, const Arguments& arguments) {
  std::vector<std::string> words{helper, arguments.filter};
  for (const auto& [name, value] : arguments.filter_strings) {
    words.insert(words.end(), {"--arg", name, value});
  }
  for (const auto& [name, value] : arguments.filter_values) {
    words.insert(words.end(), {"--argjson", name, value});
  }
  return words;
}

// Runs `words` with `socket` as its standard input; 0 or an errno.
int spawn(pid_t& process, int socket, std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO);
  const int error = ::posix_spawn(&process, pointers[0], &actions, nullptr, pointers.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  return error;
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EINTR) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  }
  return true;
}

tl::unexpected<base::Error> helper_gone() {
  return base::fail(base::ErrorCode::unavailable, "the jq helper ended before its work was done");
}

}  // namespace

base::Result<JqHelper> JqHelper::start(const link::Program& program, const Arguments& arguments) {
  const std::string helper = (program.directory / "ghoard-jq").string();
  std::array<int, 2> sockets{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    return base::fail(base::ErrorCode::system, std::string("socketpair: ") + std::strerror(errno));
  }
  std::vector<std::string> words = command_line(helper, arguments);
  pid_t process = -1;
  const int error = spawn(process, sockets[1], words);
  ::close(sockets[1]);
  JqHelper running(sockets[0], error == 0 ? process : -1);
  if (error != 0) {
    return base::fail(base::ErrorCode::unavailable, "cannot run " + helper + ": " + std::strerror(error));
  }
  const base::Result<void> compiled = running.read_report(compile_timeout_ms);
  if (!compiled) {
    return tl::unexpected(compiled.error());
  }
  return running;
}

JqHelper::JqHelper(JqHelper&& other) noexcept
    : m_socket(std::exchange(other.m_socket, -1)), m_process(std::exchange(other.m_process, -1)) {}

JqHelper& JqHelper::operator=(JqHelper&& other) noexcept {
  if (this != &other) {
    stop();
    m_socket = std::exchange(other.m_socket, -1);
    m_process = std::exchange(other.m_process, -1);
  }
  return *this;
}

JqHelper::~JqHelper() {
  stop();
}

// The end of its input ends the helper; one that is still filtering (an error elsewhere) is not waited for.
void JqHelper::stop() {
  if (m_socket >= 0) {
    ::close(m_socket);
    m_socket = -1;
  }
  if (m_process > 0) {
    ::kill(m_process, SIGTERM);
    while (::waitpid(m_process, nullptr, 0) < 0 && errno == EINTR) {
    }
    m_process = -1;
  }
}

base::Result<void> JqHelper::run(std::string_view document) {
  std::array<char, 4> head{};
  for (unsigned i = 0; i < head.size(); ++i) {
    head[i] = static_cast<char>(document.size() >> (8 * i) & 0xFF);
  }
  if (!send_all(m_socket, {head.data(), head.size()}) || !send_all(m_socket, document)) {
    return helper_gone();
  }
  return read_report(no_timeout);
}

base::Result<void> JqHelper::read_exactly(char* target, std::size_t size, int timeout_ms) {
  while (size > 0) {
    pollfd waiting{m_socket, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, timeout_ms);
    if (ready == 0) {
      return base::fail(base::ErrorCode::timeout, "the jq helper does not answer");
    }
    const ssize_t count = ready < 0 ? -1 : ::read(m_socket, target, size);
    if (count == 0 || (count < 0 && errno != EINTR)) {
      return helper_gone();
    }
    target += std::max<ssize_t>(count, 0);
    size -= static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  }
  return {};
}

base::Result<void> JqHelper::read_report(int timeout_ms) {
  std::array<unsigned char, 5> head{};
  const base::Result<void> headed = read_exactly(reinterpret_cast<char*>(head.data()), head.size(), timeout_ms);
  if (!headed) {
    return headed;
  }
  const std::uint32_t size = head[1] | head[2] << 8U | head[3] << 16U | static_cast<std::uint32_t>(head[4]) << 24U;
  if (size > max_report) {
    return helper_gone();
  }
  std::string message(size, '\0');
  const base::Result<void> whole = read_exactly(message.data(), message.size(), timeout_ms);
  if (!whole) {
    return whole;
  }
  if (head[0] == 'g') {
    return tl::unexpected(reader_gone());
  }
  return head[0] == 'k' ? base::Result<void>()
                        : base::Result<void>(base::fail(base::ErrorCode::invalid_input, std::move(message)));
}

}  // namespace ghoard::api
