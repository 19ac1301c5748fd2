#include "tests/support/process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace ghoard::testing {

namespace {

constexpr std::size_t most_output = 512U << 20U;

struct Pipe {
  int read = -1;
  int write = -1;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("pipe2: " + std::string(std::strerror(errno)));
  }
  return {ends[0], ends[1]};
}

void close_once(int& descriptor) {
  if (descriptor >= 0) {
    close(std::exchange(descriptor, -1));
  }
}

void set_nonblocking(int descriptor) {
  fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (std::string& word : words) {
    result.push_back(word.data());
  }
  result.push_back(nullptr);
  return result;
}

pid_t spawn(const Command& command, const Pipe& input, const Pipe& output, const Pipe& errors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.read, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output.write, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors.write, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  if (!command.directory.empty()) {
    posix_spawn_file_actions_addchdir_np(&actions, command.directory.c_str());
  }
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> words = command.arguments;
  std::vector<std::string> environment;
  for (const auto& [name, value] : command.environment) {
    environment.push_back(name + "=" + value);
  }
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, command.arguments.at(0).c_str(), &actions, &attributes, pointers(words).data(),
                                 pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error == 0 ? pid : -error;
}

}  // namespace

Process::Process(const Command& command) : m_keep_input_open(command.keep_input_open), m_input(command.input) {
  // A child that ends without reading its input must not end the test program.
  std::signal(SIGPIPE, SIG_IGN);
  Pipe input = make_pipe();
  Pipe output = make_pipe();
  Pipe errors = make_pipe();
  m_pid = spawn(command, input, output, errors);
  close_once(input.read);
  close_once(output.write);
  close_once(errors.write);
  m_stdin = input.write;
  m_stdout = output.read;
  m_stderr = errors.read;
  if (m_pid < 0) {
    const std::string why = std::strerror(-m_pid);
    m_pid = -1;
    close_once(m_stdin);
    close_once(m_stdout);
    close_once(m_stderr);
    throw std::runtime_error("cannot start " + command.arguments.at(0) + ": " + why);
  }
  for (const int descriptor : {m_stdin, m_stdout, m_stderr}) {
    set_nonblocking(descriptor);
  }
  feed();
}

Process::Process(Process&& other) noexcept
    : m_pid(std::exchange(other.m_pid, -1)),
      m_exit_code(other.m_exit_code),
      m_stdin(std::exchange(other.m_stdin, -1)),
      m_stdout(std::exchange(other.m_stdout, -1)),
      m_stderr(std::exchange(other.m_stderr, -1)),
      m_keep_input_open(other.m_keep_input_open),
      m_input(std::move(other.m_input)),
      m_out(std::move(other.m_out)),
      m_err(std::move(other.m_err)) {}

Process::~Process() {
  close_once(m_stdin);
  close_once(m_stdout);
  close_once(m_stderr);
  if (m_pid > 0 && !m_exit_code) {
    send_signal(SIGKILL);
    (void)reap(true);
  }
}

bool Process::reap(bool block) {
  if (!m_exit_code && m_pid > 0) {
    int status = 0;
    pid_t got = -1;
    do {
      got = waitpid(m_pid, &status, block ? 0 : WNOHANG);
    } while (got < 0 && errno == EINTR);
    if (got == m_pid) {
      m_exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
  }
  return m_exit_code.has_value();
}

bool Process::running() {
  return !reap(false);
}

void Process::send_signal(int signal) const {
  // Not after it was reaped: the pid may be another's by then.
  if (m_pid > 0 && !m_exit_code) {
    kill(m_pid, signal);
  }
}

void Process::close_input() {
  m_input.clear();
  m_keep_input_open = false;
  close_once(m_stdin);
}

void Process::feed() {
  while (m_stdin >= 0 && !m_input.empty()) {
    const ssize_t written = write(m_stdin, m_input.data(), m_input.size());
    if (written <= 0) {
      if (written < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
      }
      m_input.clear();  // the reader has gone
      break;
    }
    m_input.erase(0, static_cast<std::size_t>(written));
  }
  if (m_input.empty() && !m_keep_input_open) {
    close_once(m_stdin);
  }
}

void Process::drain(int& descriptor, std::string& into) {
  std::array<char, 64U << 10U> buffer;
  while (descriptor >= 0) {
    const ssize_t size = read(descriptor, buffer.data(), buffer.size());
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
      return;
    }
    if (size <= 0 || into.size() > most_output) {
      close_once(descriptor);
      return;
    }
    into.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

/// Waits for any of the pipes, at most `patience`, and moves what can be moved.
void Process::pump(base::Millis patience) {
  std::array<pollfd, 3> wanted{{{m_stdout, POLLIN, 0}, {m_stderr, POLLIN, 0}, {-1, POLLOUT, 0}}};
  wanted[2].fd = m_input.empty() ? -1 : m_stdin;
  poll(wanted.data(), wanted.size(), static_cast<int>(patience.count()));
  feed();
  drain(m_stdout, m_out);
  drain(m_stderr, m_err);
}

bool Process::finished() {
  return m_stdout < 0 && m_stderr < 0 && reap(false);
}

std::optional<std::string> Process::read_line(base::Millis deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  for (;;) {
    const std::size_t feed_at = m_out.find('\n');
    if (feed_at != std::string::npos) {
      std::string line = m_out.substr(0, feed_at);
      m_out.erase(0, feed_at + 1);
      return line;
    }
    if (m_stdout < 0 || std::chrono::steady_clock::now() >= end) {
      return std::nullopt;
    }
    pump(base::Millis{20});
  }
}

ProcessResult Process::result(bool timed_out) {
  if (timed_out) {
    send_signal(SIGKILL);
  }
  (void)reap(true);
  close_once(m_stdin);
  close_once(m_stdout);
  close_once(m_stderr);
  return {m_exit_code.value_or(-1), std::move(m_out), std::move(m_err), timed_out};
}

ProcessResult Process::wait(base::Millis deadline) {
  return wait_all(std::span(this, 1), deadline).front();
}

std::vector<ProcessResult> Process::wait_all(std::span<Process> processes, base::Millis deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  const base::Millis patience = processes.size() == 1 ? base::Millis{5} : base::Millis{0};
  for (bool all = false; !all && std::chrono::steady_clock::now() < end;) {
    all = true;
    for (Process& process : processes) {
      if (!process.finished()) {
        process.pump(patience);
        all = false;
      }
    }
    if (!all && processes.size() > 1) {
      poll(nullptr, 0, 1);
    }
  }
  std::vector<ProcessResult> results;
  for (Process& process : processes) {
    results.push_back(process.result(!process.finished()));
  }
  return results;
}

ProcessResult run(const Command& command, base::Millis deadline) {
  return Process(command).wait(deadline);
}

std::vector<ProcessResult> run_parallel(const std::vector<Command>& commands, base::Millis deadline) {
  std::vector<Process> processes;
  processes.reserve(commands.size());
  for (const Command& command : commands) {
    processes.emplace_back(command);
  }
  return Process::wait_all(processes, deadline);
}

std::string program(std::string_view name) {
  return std::string(GHOARD_BIN_DIR) + "/" + std::string(name);
}

}  // namespace ghoard::testing
