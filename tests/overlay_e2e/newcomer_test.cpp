// A machine whose agent starts with the first question: a CI job, above all.

#include "tests/overlay_e2e/swarm.hpp"

using namespace ghoard;
using namespace ghoard::testing;

TEST_CASE("the command that starts an agent is answered by its peers, who have what it asks for") {
  Swarm swarm(4);
  swarm.assemble();
  const std::string path = swarm.fresh_path();
  const std::string truth = swarm.truth_of(path);
  check_answer(swarm.run_api(0, {path}), truth);
  TemporaryHome newcomer;
  for (const auto& [name, value] : swarm.home(1).environment()) {
    if (name.starts_with("GH")) {
      newcomer.set(name, value);
    }
  }
  newcomer.set("GHOARD_HOME", newcomer.ghoard().string());
  check_answer(newcomer.run({"ghoard", "api", path}), truth);
  const nlohmann::json stats = nlohmann::json::parse(newcomer.run({"ghoard", "stats", "--json"}).out);
  CAPTURE(stats.dump());
  // It waits for peers, but not for long: what that costs on a busy machine is counted. One of five keys is its own
  // from its first moment on, and an owner asks nobody else.
  const std::uint64_t excuses = stats.at("leases").at("budgets_missed").get<std::uint64_t>() +
                                stats.at("leases").at("granted").get<std::uint64_t>();
  CHECK(stats.at("peer_hits").get<std::uint64_t>() + excuses == 1);
  CHECK(swarm.calls_of(path) == 1 + excuses);
}
