// kill -9 and SIGSTOP at random moments of a fetch. The seed is fixed; what the scheduler makes of it is not.

#include <algorithm>
#include <csignal>
#include <random>

#include "tests/overlay_e2e/swarm.hpp"
#include "tests/support/soak.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using namespace std::chrono_literals;

TEST_CASE("machines killed or stopped at random moments cost nobody the answer") {
  std::mt19937 random(20261122);
  const int rounds = soak_rounds(2);
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    Swarm swarm(5);
    swarm.assemble();
    const std::string path = swarm.fresh_path();
    const std::string truth = swarm.truth_of(path);
    swarm.github.set_latency(200ms);
    std::vector<Process> callers;
    for (std::size_t n = 0; n < swarm.size(); ++n) {
      callers.emplace_back(swarm.api(n, {path}));
    }
    const auto moment = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 250'000);
    std::vector<std::size_t> victims = swarm.owners(path);
    std::shuffle(victims.begin(), victims.end(), random);
    victims.resize(1 + random() % 2);
    const int signal = round % 2 == 0 ? SIGKILL : SIGSTOP;
    (void)eventually([&] { return std::chrono::steady_clock::now() >= moment; }, 1s);
    for (const std::size_t victim : victims) {
      swarm.signal(victim, signal);
    }
    // Of those that stay, all are answered while the stopped ones are still stopped.
    std::vector<Process> stuck;
    std::vector<Process> served;
    for (std::size_t n = 0; n < callers.size(); ++n) {
      (swarm.is_stopped(n) ? stuck : served).push_back(std::move(callers[n]));
    }
    for (const ProcessResult& result : Process::wait_all(served, 40s)) {
      check_answer(result, truth);
    }
    for (const std::size_t victim : victims) {
      swarm.signal(victim, SIGCONT);
    }
    for (const ProcessResult& result : Process::wait_all(stuck, 40s)) {
      check_answer(result, truth);
    }
    // Each victim may have been the holder, and has missed what the others did when it comes back.
    std::uint64_t excuses = victims.size() + swarm.total("leases/budgets_missed");
    for (const std::size_t victim : victims) {
      const nlohmann::json told = swarm.stats(victim);
      if (signal == SIGSTOP) {
        ++excuses;
      } else if (told.is_object()) {
        excuses += told.at("upstream_requests").get<std::uint64_t>();
      }
    }
    CHECK(swarm.calls_of(path) >= 1);
    CHECK(swarm.calls_of(path) <= 1 + excuses);
  }
}
