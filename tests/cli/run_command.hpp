#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "cli/link/program.hpp"
#include "tests/cli/home.hpp"
#include "tests/support/fork.hpp"

namespace ghoard::testing {

struct Ran {
  int code = -1;
  std::string out;
  std::string err;
};

/// Runs a command in a process of its own, with `home`'s files taking its output and `input` on its standard input.
inline Ran run_command(const Home& home, const link::Program& program, link::CommandFunction command,
                       const std::vector<std::string>& arguments, const std::string& input = {}) {
  home.write("io/in", input);
  home.write("io/out", "");
  home.write("io/err", "");
  const pid_t child = testing::fork_flushed();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(::open((home.root() / "io/in").c_str(), O_RDONLY), STDIN_FILENO);
    ::dup2(::open((home.root() / "io/out").c_str(), O_WRONLY | O_APPEND), STDOUT_FILENO);
    ::dup2(::open((home.root() / "io/err").c_str(), O_WRONLY | O_APPEND), STDERR_FILENO);
    ::_exit(command(program, arguments));
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, home.read("io/out"), home.read("io/err")};
}

}  // namespace ghoard::testing
