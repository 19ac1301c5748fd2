#pragma once

#include <csignal>
#include <functional>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/fork.hpp"

namespace ghoard::testing {

/// A forked process that runs a function and is known by what it writes to a pipe. The function must not use doctest's
/// macros: it says what went wrong by what it writes or returns. Killed with the object, if it still runs.
class Child {
 public:
  /// `body` gets the descriptor to write to; what it returns is the exit code.
  explicit Child(const std::function<int(int out)>& body) {
    int ends[2];
    if (::pipe(ends) != 0) {
      throw std::runtime_error("pipe failed");
    }
    m_pid = testing::fork_flushed();
    if (m_pid == 0) {
      ::close(ends[0]);
      ::_exit(body(ends[1]));
    }
    ::close(ends[1]);
    m_out = ends[0];
  }
  ~Child() {
    kill();
    ::close(m_out);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// What it wrote until it closed its end or `limit` bytes were read.
  std::string read(std::size_t limit = 1 << 16) {
    std::string text;
    char buffer[4096];
    while (text.size() < limit) {
      const ssize_t count = ::read(m_out, buffer, std::min(sizeof buffer, limit - text.size()));
      if (count <= 0) {
        break;
      }
      text.append(buffer, static_cast<std::size_t>(count));
    }
    return text;
  }
  void kill() {
    if (m_pid > 0) {
      ::kill(m_pid, SIGKILL);
      wait();
    }
  }
  /// Its exit code; -1 if a signal ended it.
  int wait() {
    int status = 0;
    const pid_t ended = m_pid > 0 ? ::waitpid(m_pid, &status, 0) : -1;
    m_pid = -1;
    return ended > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  static void say(int out, const std::string& text) {
    if (::write(out, text.data(), text.size()) < 0) {
      ::_exit(99);
    }
  }

 private:
  pid_t m_pid = -1;
  int m_out = -1;
};

}  // namespace ghoard::testing
