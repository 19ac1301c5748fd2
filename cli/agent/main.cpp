#include <cstdio>
#include <exception>
#include <signal.h>
#include <span>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/agent/arguments.hpp"
#include "cli/agent/log.hpp"
#include "cli/agent/resident.hpp"
#include "cli/agent/system_clock.hpp"
#include "cli/streams/standard.hpp"

namespace {

using namespace ghoard;

/// Tokens are in memory: no core file, no other process of the user reading along; nothing written is for others.
void harden() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::umask(077);
  ::signal(SIGPIPE, SIG_IGN);
}

int run(const agent::Arguments& arguments) {
  harden();
  const agent::SystemClock clock;
  const bool one_shot = arguments.mode == agent::Arguments::Mode::one_shot;
  // A one-shot agent shares its stderr with the command that started it: only failures belong there.
  agent::Log log(clock, STDERR_FILENO, one_shot ? agent::Log::Level::error : agent::Log::Level::info);
  try {
    return one_shot ? agent::run_one_shot(arguments, clock, log) : agent::run_resident(arguments, clock, log);
  } catch (const std::exception& failure) {  // out of memory, mostly
    log.error(failure.what());
    return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  ghoard::streams::take_closed_descriptors();
  const auto parsed = agent::parse_arguments(std::span<const char* const>(argv, static_cast<std::size_t>(argc)));
  if (const auto* farewell = std::get_if<agent::Farewell>(&parsed); farewell != nullptr) {
    std::fputs(farewell->text.c_str(), farewell->code == 0 ? stdout : stderr);
    return farewell->code;
  }
  return run(std::get<agent::Arguments>(parsed));
}
