#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "core/base/time.hpp"

namespace ghoard::testing {

using EnvironmentMap = std::map<std::string, std::string>;

/// A program to run. Every descriptor but 0, 1 and 2 is closed in it.
struct Command {
  std::vector<std::string> arguments;  ///< [0] is the program: a path, or a name sought in the test's PATH
  EnvironmentMap environment;          ///< all of it: nothing is inherited
  std::string input;                   ///< its standard input, then end of file
  bool keep_input_open = false;        ///< standard input stays open until `close_input` or destruction
  std::string directory;               ///< where it runs; empty: here
};

struct ProcessResult {
  int exit_code = -1;  ///< 128 + N if signal N ended it
  std::string out;
  std::string err;
  bool timed_out = false;  ///< it was killed, or somebody still held its output open, when the deadline passed
};

/// A child process with its three pipes. Move-only; destruction kills it by its pid and reaps it. One thread.
class Process {
 public:
  /// Throws std::runtime_error if the program cannot be started.
  explicit Process(const Command& command);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) = delete;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  [[nodiscard]] pid_t pid() const { return m_pid; }
  [[nodiscard]] bool running();
  void send_signal(int signal) const;
  void close_input();
  /// The next line of standard output without its line feed; nothing at end of file or when the deadline has passed.
  [[nodiscard]] std::optional<std::string> read_line(base::Millis deadline);
  /// What was read from standard output and not yet taken by read_line, and standard error.
  [[nodiscard]] const std::string& out() const { return m_out; }
  [[nodiscard]] const std::string& err() const { return m_err; }

  /// Feeds standard input and reads both outputs until the process has ended and both are at end of file, as `$(...)`
  /// does. When the deadline passes first, the process is killed.
  ProcessResult wait(base::Millis deadline);
  /// The same for many at one time.
  static std::vector<ProcessResult> wait_all(std::span<Process> processes, base::Millis deadline);

 private:
  void pump(base::Millis patience);
  void feed();
  void drain(int& descriptor, std::string& into);
  [[nodiscard]] bool finished();
  [[nodiscard]] bool reap(bool block);
  ProcessResult result(bool timed_out);

  pid_t m_pid = -1;
  std::optional<int> m_exit_code;
  int m_stdin = -1;
  int m_stdout = -1;
  int m_stderr = -1;
  bool m_keep_input_open = false;
  std::string m_input;
  std::string m_out;
  std::string m_err;
};

/// Runs a program to its end.
ProcessResult run(const Command& command, base::Millis deadline = base::Seconds(60));
/// Starts all, then waits for all; results are in the order of the commands.
std::vector<ProcessResult> run_parallel(const std::vector<Command>& commands,
                                        base::Millis deadline = base::Seconds(120));
/// A program of this build: "ghoard" -> ".../bin/ghoard".
[[nodiscard]] std::string program(std::string_view name);

}  // namespace ghoard::testing
