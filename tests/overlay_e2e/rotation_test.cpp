// The network key is replaced while questions come (overlay.md section 1: add, switch, drop).

#include <algorithm>

#include "tests/overlay_e2e/swarm.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using namespace std::chrono_literals;

TEST_CASE("a network key replaced under traffic fails no request, and costs none") {
  Swarm swarm(5, Fleet::Key::file);
  swarm.assemble();
  const std::string next = new_network_key();
  std::uint64_t asked = 0;
  for (const std::string& keys : {swarm.key() + "," + next, next + "," + swarm.key(), next}) {
    CAPTURE(asked);
    // One machine after the other, and questions from all at every moment between.
    for (std::size_t turned = 0; turned < swarm.size(); ++turned) {
      const std::string path = swarm.fresh_path();
      swarm.github.set_latency(0ms);
      const std::string truth = swarm.truth_of(path);
      const std::uint64_t missed = swarm.total("leases/budgets_missed");
      swarm.github.set_latency(50ms);
      std::vector<Process> callers;
      for (std::size_t n = 0; n < swarm.size(); ++n) {
        callers.emplace_back(swarm.api(n, {path}));
        if (n == 2) {
          swarm.write_config(turned, "network_key = \"" + keys + "\"\n");
          swarm.hang_up(turned);
        }
      }
      for (const ProcessResult& result : Process::wait_all(callers, 40s)) {
        check_answer(result, truth);
      }
      CHECK(swarm.calls_of(path) <= 1 + swarm.total("leases/budgets_missed") - missed);
      ++asked;
    }
    const auto accepted = static_cast<std::size_t>(1 + std::count(keys.begin(), keys.end(), ','));
    REQUIRE(eventually([&] {
      for (std::size_t n = 0; n < swarm.size(); ++n) {
        if (swarm.network(n).at("accepted_keys") != accepted) {
          return false;
        }
      }
      return swarm.settled();
    }));
  }
  CHECK(swarm.total("errors") == 0);
}
