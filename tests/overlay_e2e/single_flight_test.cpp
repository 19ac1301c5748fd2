// N machines that miss one answer together make one request (invariant 1), with real processes and a server that
// counts.

#include "tests/overlay_e2e/swarm.hpp"
#include "tests/support/soak.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using namespace std::chrono_literals;

namespace {

void check_missing_together(std::size_t machines, int rounds) {
  Swarm swarm(machines);
  swarm.assemble();
  std::uint64_t calls = 0;
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    const std::string path = swarm.fresh_path();
    const std::string truth = swarm.truth_of(path);
    const std::uint64_t missed_before = swarm.total("leases/budgets_missed");
    swarm.github.set_latency(200ms);
    ask_everywhere(swarm, path, truth);
    swarm.github.set_latency(0ms);
    // A machine too busy to acknowledge a question within 250 ms costs a request, and says so.
    const std::uint64_t missed = swarm.total("leases/budgets_missed") - missed_before;
    CHECK(swarm.calls_of(path) >= 1);
    CHECK(swarm.calls_of(path) <= 1 + missed);
    WARN_MESSAGE(missed == 0, "budgets were missed: this machine is busy");
    calls += swarm.calls_of(path);
  }
  MESSAGE(calls, " requests in ", rounds, " rounds");
}

}  // namespace

TEST_CASE("2 machines that miss one answer together make one request") {
  check_missing_together(2, soak_rounds(3));
}

TEST_CASE("5 machines that miss one answer together make one request") {
  check_missing_together(5, soak_rounds(3));
}

TEST_CASE("16 machines that miss one answer together make one request") {
  check_missing_together(16, soak_rounds(3));
}

TEST_CASE("64 machines that miss one answer together make one request") {
  check_missing_together(64, soak_rounds(3));
}
