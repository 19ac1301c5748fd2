#include "tests/support/process.hpp"

#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>

#include "tests/support/eventually.hpp"
#include "tests/support/temporary_home.hpp"

using namespace ghoard;
using testing::Command;
using testing::Process;
using testing::ProcessResult;

namespace {

Command shell(const std::string& script) {
  Command command;
  command.arguments = {"sh", "-c", script};
  command.environment = {{"PATH", "/usr/bin:/bin"}, {"WORD", "given"}};
  return command;
}

}  // namespace

TEST_CASE("a program gets its arguments, environment and input, and gives both outputs and its exit code") {
  Command command = shell("cat; echo $WORD$HOME; echo wrong >&2; exit 7");
  command.input = std::string(300'000, 'x');
  const ProcessResult result = testing::run(command);
  CHECK(result.exit_code == 7);
  CHECK(result.out == std::string(300'000, 'x') + "given\n");
  CHECK(result.err == "wrong\n");
  CHECK_FALSE(result.timed_out);
}

TEST_CASE("a signal shows as 128 and its number") {
  CHECK(testing::run(shell("kill -TERM $$")).exit_code == 128 + SIGTERM);
}

TEST_CASE("a program that cannot be started is an error") {
  Command command;
  command.arguments = {"/nonexistent/program"};
  CHECK_THROWS(testing::run(command));
}

TEST_CASE("a program that does not end is killed at its deadline") {
  const ProcessResult result = testing::run(shell("echo begun; exec sleep 600"), base::Millis(300));
  CHECK(result.timed_out);
  CHECK(result.exit_code == 128 + SIGKILL);
  CHECK(result.out == "begun\n");
}

TEST_CASE("a descendant that keeps the output open is noticed, as $(...) would hang on it") {
  const ProcessResult result = testing::run(shell("sleep 2 & exit 0"), base::Millis(300));
  CHECK(result.timed_out);
  CHECK(result.exit_code == 0);
}

TEST_CASE("no descriptor but the three standard ones reaches a program") {
  CHECK(testing::run(shell("ls /proc/self/fd | wc -l")).out == "4\n");  // ls itself opens the directory
}

TEST_CASE("lines are read while the program runs, and closing its input ends it") {
  Command command = shell("echo one; echo two; cat >/dev/null; echo three");
  command.keep_input_open = true;
  Process process(command);
  CHECK(process.read_line(base::Seconds(20)) == "one");
  CHECK(process.read_line(base::Seconds(20)) == "two");
  CHECK(process.running());
  process.close_input();
  CHECK(process.read_line(base::Seconds(20)) == "three");
  CHECK(process.wait(base::Seconds(20)).exit_code == 0);
}

TEST_CASE("programs run in parallel: each waits for all others") {
  const testing::TemporaryHome home;
  std::vector<Command> commands;
  for (int i = 0; i < 8; ++i) {
    Command command = shell("touch $0." + std::to_string(i) + "; until [ $(ls $0.* | wc -l) = 8 ]; do :; done; echo " +
                            std::to_string(i));
    command.arguments.push_back((home.path() / "mark").string());
    commands.push_back(command);
  }
  const std::vector<ProcessResult> results = testing::run_parallel(commands);
  for (std::size_t i = 0; i < results.size(); ++i) {
    CHECK(results[i].exit_code == 0);
    CHECK(results[i].out == std::to_string(i) + "\n");
  }
}

TEST_CASE("destroying a process ends it") {
  pid_t pid = -1;
  {
    const Process process(shell("exec sleep 600"));
    pid = process.pid();
  }
  CHECK(kill(pid, 0) != 0);
}

TEST_CASE("a temporary home is private, short, clean, and gone afterwards") {
  std::filesystem::path path;
  setenv("GH_TOKEN", "not to be seen", 1);
  {
    testing::TemporaryHome home;
    path = home.path();
    CHECK(path.string().size() < 20);
    CHECK(std::filesystem::exists(home.ghoard()));
    home.set("EXTRA", "1");
    Command command = shell("env");
    command.environment = home.environment();
    const std::string environment = testing::run(command).out;
    CHECK(environment.find("GH_TOKEN") == std::string::npos);
    CHECK(environment.find("EXTRA=1") != std::string::npos);
    CHECK(environment.find("GHOARD_HOME=" + home.ghoard().string()) != std::string::npos);
    CHECK_FALSE(home.agent_pid().has_value());
  }
  unsetenv("GH_TOKEN");
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a record that names another program's pid stops nothing") {
  Process bystander(shell("exec sleep 600"));
  {
    const testing::TemporaryHome home;
    std::filesystem::create_directories(home.cache());
    Command command = shell("echo version 1 >$0; echo pid " + std::to_string(bystander.pid()) + " >>$0");
    command.arguments.push_back((home.cache() / "agent.lock").string());
    CHECK(testing::run(command).exit_code == 0);
    CHECK_FALSE(home.agent_pid().has_value());
  }
  CHECK(bystander.running());
}
