// Agents whose links all pass through a relay: over a slow and lossy line, and killed between any two records.

#include <algorithm>
#include <csignal>

#include "tests/overlay_e2e/relay.hpp"
#include "tests/overlay_e2e/swarm.hpp"
#include "tests/support/loopback.hpp"
#include "tests/support/soak.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using namespace std::chrono_literals;

namespace {

/// Five machines that know each other by the relay's addresses alone.
struct Relayed {
  Relay relay;
  Swarm swarm{5};
  std::vector<std::uint16_t> ports;

  explicit Relayed(Weather weather = {}) : relay(weather) {
    for (std::size_t n = 0; n < swarm.size(); ++n) {
      ports.push_back(relay.open(0));
      const std::uint16_t port = unused_port();
      relay.aim(ports.back(), port);
      swarm.home(n).set("GHOARD_LISTEN_PORT", std::to_string(port));
      swarm.home(n).set("GHOARD_ANNOUNCE_ADDR", "/ip4/127.0.0.1/tcp/" + std::to_string(ports.back()));
    }
    swarm.assemble();
  }
};

/// All ask at once, and one machine is killed before the `step`-th record from there on.
void check_killed_at(std::uint64_t step, std::size_t rank) {
  Relayed relayed;
  Swarm& swarm = relayed.swarm;
  const std::string path = swarm.fresh_path();
  const std::string truth = swarm.truth_of(path);
  const std::size_t victim = swarm.owners(path)[rank];
  const pid_t pid = swarm.pid(victim);
  swarm.github.set_latency(200ms);
  relayed.relay.strike_at(step, [pid] { ::kill(pid, SIGKILL); });
  std::vector<Process> callers;
  for (std::size_t n = 0; n < swarm.size(); ++n) {
    callers.emplace_back(swarm.api(n, {path}));
  }
  for (const ProcessResult& result : Process::wait_all(callers, 40s)) {
    check_answer(result, truth);
  }
  // Once if it was the holder, and what its successor asked for before it had peers.
  std::uint64_t excuses = swarm.total("leases/budgets_missed");
  if (!swarm.is_alive(victim)) {
    const nlohmann::json successor = swarm.stats(victim);
    excuses += 1 + (successor.is_object() ? successor.at("upstream_requests").get<std::uint64_t>() : 0);
  }
  CHECK(swarm.calls_of(path) >= 1);
  CHECK(swarm.calls_of(path) <= 1 + excuses);
}

}  // namespace

TEST_CASE("over a line of 20 ms that loses one piece in a hundred, machines that miss together make one request") {
  Relayed relayed({20ms, 1, 200ms});
  Swarm& swarm = relayed.swarm;
  const int rounds = soak_rounds(3);
  std::uint64_t calls = 0;
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    const std::string path = swarm.fresh_path();
    const std::string truth = swarm.truth_of(path);
    const std::uint64_t before = swarm.total("leases/budgets_missed");
    swarm.github.set_latency(200ms);
    ask_everywhere(swarm, path, truth);
    swarm.github.set_latency(0ms);
    CHECK(swarm.calls_of(path) <= 1 + swarm.total("leases/budgets_missed") - before);
    calls += swarm.calls_of(path);
  }
  const double mean = static_cast<double>(calls) / rounds;
  MESSAGE(mean, " requests in the mean of ", rounds, " rounds");
  if (is_soak()) {
    CHECK(mean <= 1.1);
  }
}

TEST_CASE("an owner that is killed between any two records costs nobody the answer") {
  const int steps = soak_rounds(2);
  for (int step = 0; step < steps; ++step) {
    CAPTURE(step);
    check_killed_at(1 + static_cast<std::uint64_t>(is_soak() ? step : step * 8 + 2), 0);
  }
}

TEST_CASE("a machine that owns nothing and is killed between any two records costs nobody the answer") {
  const int steps = soak_rounds(2);
  for (int step = 0; step < steps; ++step) {
    CAPTURE(step);
    check_killed_at(1 + static_cast<std::uint64_t>(is_soak() ? step : step * 8 + 2), 2);
  }
}
