// Wall time of whole processes, of several commands in turn, so that whatever else the machine does hits all alike.
// hyperfine measures one after the other and cannot tell half a millisecond.
//
//   command_times ROUNDS -- NAME [VARIABLE=VALUE...] PROGRAM [ARGUMENT...] [-- NAME ...]
//
// prints a line for each: name, median, quartiles, least, in microseconds. A command that fails ends it.

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "tests/bench/statistics.hpp"

extern char** environ;  // NOLINT: POSIX's name

namespace {

constexpr int warm_up_rounds = 5;

struct Command {
  char* name = nullptr;
  std::vector<char*> words;
  std::vector<char*> environment;
  std::vector<double> times;
};

[[noreturn]] void fail(const char* what, int error) {
  std::fprintf(stderr, "command_times: %s: %s\n", what, std::strerror(error));
  std::exit(1);
}

bool is_assignment(std::string_view word) {
  return word.find('=') < word.find('/');
}

/// The words between two "--".
Command parse(char** begin, char** end) {
  Command command;
  command.name = *begin++;
  for (; begin != end && is_assignment(*begin); ++begin) {
    command.environment.push_back(*begin);
  }
  for (char** variable = environ; *variable != nullptr; ++variable) {
    command.environment.push_back(*variable);
  }
  command.environment.push_back(nullptr);
  command.words.assign(begin, end);
  command.words.push_back(nullptr);
  return command;
}

class Runner {
 public:
  Runner() {
    ::posix_spawn_file_actions_init(&m_actions);
    ::posix_spawn_file_actions_addopen(&m_actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&m_actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  }
  ~Runner() { ::posix_spawn_file_actions_destroy(&m_actions); }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  double run(const Command& command) const {
    const auto begin = std::chrono::steady_clock::now();
    pid_t process = -1;
    const int error = ::posix_spawn(&process, command.words.front(), &m_actions, nullptr, command.words.data(),
                                    command.environment.data());
    if (error != 0) {
      fail(command.words.front(), error);
    }
    int status = 0;
    while (::waitpid(process, &status, 0) < 0) {
      if (errno != EINTR) {
        fail("waitpid", errno);
      }
    }
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      std::fprintf(stderr, "command_times: %s failed\n", command.name);
      std::exit(1);
    }
    return took.count();
  }

 private:
  posix_spawn_file_actions_t m_actions{};
};

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 0;
  std::vector<Command> commands;
  char** const end = argv + argc;
  for (char** word = argv + 2; rounds > 0 && word < end;) {
    char** const begin = word + 1;
    for (word = begin; word < end && std::strcmp(*word, "--") != 0; ++word) {
    }
    if (word - begin >= 2) {
      commands.push_back(parse(begin, word));
    }
  }
  if (commands.empty()) {
    std::fprintf(stderr, "usage: command_times ROUNDS -- NAME [VARIABLE=VALUE...] PROGRAM [ARGUMENT...] [-- ...]\n");
    return 1;
  }
  const Runner runner;
  for (int round = -warm_up_rounds; round < rounds; ++round) {
    for (Command& command : commands) {
      const double took = runner.run(command);
      if (round >= 0) {
        command.times.push_back(took);
      }
    }
  }
  for (const Command& command : commands) {
    ghoard::bench::print_summary(command.name, command.times);
  }
  return 0;
}
