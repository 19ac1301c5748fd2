// Two networks that lose sight of each other for longer than any timeout, and find each other again by themselves.

#include <doctest/doctest.h>
#include <unistd.h>

#include "tests/overlay_e2e/namespaces.hpp"
#include "tests/overlay_e2e/relay.hpp"
#include "tests/overlay_e2e/swarm.hpp"
#include "tests/support/soak.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t machines = 4;

/// Whether machine `n` is linked to exactly so many, and sees nobody else as alive.
bool sees(const Swarm& swarm, std::size_t n, std::size_t others) {
  std::size_t alive = 0;
  const nlohmann::json lines = swarm.peers(n);
  for (const nlohmann::json& line : lines) {
    alive += line.at("state") != "dead" ? 1 : 0;
  }
  return alive == others && swarm.network(n).at("linked") == others;
}

bool all_see(const Swarm& swarm, std::size_t others) {
  for (std::size_t n = 0; n < swarm.size(); ++n) {
    if (!sees(swarm, n, others)) {
      return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("a partition costs one request per side, heals by itself, and leaves nothing stale") {
  if (!is_soak()) {
    MESSAGE("SKIPPED: it takes longer than all timeouts do; `./dev soak` runs it");
    return;
  }
  if (!Namespaces::possible()) {
    MESSAGE("SKIPPED: no network namespaces here (they need root, CAP_NET_ADMIN, ip and nsenter)");
    return;
  }
  const Namespaces network(machines);
  Relay relay;
  Swarm swarm(machines);
  for (std::size_t n = 0; n < machines; ++n) {
    // Plain HTTP goes to loopback only: the stand-in has to be there in each of them.
    relay.open(swarm.github.port(), network.file(n), swarm.github.port());
    swarm.run_within(n, network.enter(n));
    swarm.home(n).set("GHOARD_LISTEN_ADDR", Namespaces::address(n));
  }
  swarm.assemble();

  const std::string issue = "repos/acme/widgets/issues/7";
  ask_everywhere(swarm, issue, swarm.truth_of(issue));
  CHECK(swarm.calls_of(issue) <= 1 + swarm.total("leases/budgets_missed"));

  network.cut();
  REQUIRE(eventually([&] { return all_see(swarm, machines / 2 - 1); }, 60s));
  const std::string path = swarm.fresh_path();
  const std::string truth = swarm.truth_of(path);
  const std::uint64_t missed = swarm.total("leases/budgets_missed");
  swarm.github.set_latency(200ms);
  ask_everywhere(swarm, path, truth);
  swarm.github.set_latency(0ms);
  CHECK(swarm.calls_of(path) >= 2);
  CHECK(swarm.calls_of(path) <= 2 + swarm.total("leases/budgets_missed") - missed);
  const ProcessResult written = swarm.run_api(0, {"-X", "PATCH", issue, "-f", "title=while apart"});
  CHECK(written.exit_code == 0);

  network.mend();
  REQUIRE(eventually([&] { return all_see(swarm, machines - 1); }, 180s));
  const std::string now = swarm.truth_of(issue);
  CHECK(now.find("while apart") != std::string::npos);
  for (std::size_t n = 0; n < machines; ++n) {
    CAPTURE(n);
    check_answer(swarm.run_api(n, {issue}), now);
  }
  // One network again: whoever may own keys is agreed upon, and one request is enough.
  REQUIRE(eventually([&] { return swarm.settled(); }, 90s));
  const std::string later = swarm.fresh_path();
  const std::string later_truth = swarm.truth_of(later);
  const std::uint64_t missed_then = swarm.total("leases/budgets_missed");
  swarm.github.set_latency(200ms);
  ask_everywhere(swarm, later, later_truth);
  CHECK(swarm.calls_of(later) <= 1 + swarm.total("leases/budgets_missed") - missed_then);
}
