#include "cli/agent/secrets_pipe.hpp"

#include <cstdlib>
#include <cstring>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "net/server/descriptor.hpp"
#include "tests/support/fork.hpp"

using namespace ghoard;
using server::Descriptor;

namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    read_end = Descriptor(ends[0]);
    write_end = Descriptor(ends[1]);
  }
  void say(const std::string& text) const {
    REQUIRE(::write(write_end.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  Descriptor read_end;
  Descriptor write_end;
};

}  // namespace

TEST_CASE("secrets are read up to the end of the pipe") {
  Pipe pipe;
  pipe.say("network_key a\n");
  pipe.say("token b\n");
  pipe.write_end.reset();
  const base::Result<local::StartSecrets> read = agent::read_start_secrets(pipe.read_end.get());
  REQUIRE(read);
  CHECK(read->network_keys.view() == "a");
  CHECK(read->token.view() == "b");
}

TEST_CASE("whoever never ends, or says too much, is not listened to") {
  Pipe silent;
  silent.say("token b\n");
  const base::Result<local::StartSecrets> late = agent::read_start_secrets(silent.read_end.get(), base::Millis{1});
  REQUIRE_FALSE(late);
  CHECK(late.error().code == base::ErrorCode::timeout);
  Pipe loud;
  loud.say("later " + std::string(40'000, 'x'));
  const base::Result<local::StartSecrets> too_much = agent::read_start_secrets(loud.read_end.get());
  REQUIRE_FALSE(too_much);
  CHECK(too_much.error().code == base::ErrorCode::too_large);
}

TEST_CASE("secrets of the environment are taken out of it, also where others could look") {
  const pid_t child = testing::fork_flushed();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::setenv("GH_TOKEN", "t0ken", 1);
    ::setenv("GITHUB_TOKEN", "0ther", 1);
    ::setenv("GHOARD_NETWORK_KEY", "k3y", 1);
    const char* place = std::getenv("GH_TOKEN");
    const base::Result<local::StartSecrets> taken = agent::take_environment_secrets();
    const bool right = taken && taken->token.view() == "t0ken" && taken->network_keys.view() == "k3y" &&
                       std::getenv("GH_TOKEN") == nullptr && std::getenv("GITHUB_TOKEN") == nullptr &&
                       std::getenv("GHOARD_NETWORK_KEY") == nullptr && std::memcmp(place, "\0\0\0\0\0", 5) == 0;
    ::_exit(right ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}
