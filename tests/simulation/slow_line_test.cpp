// A machine whose line is slow owns no keys, and costs nobody a call. Every scene follows from its seed.

#include <algorithm>
#include <doctest/doctest.h>
#include <memory>
#include <vector>

#include "tests/simulation/simulation.hpp"

using namespace ghoard;
using namespace ghoard::testing;

namespace {

constexpr std::size_t machines = 8;
constexpr std::size_t far = 5;

std::size_t owners_seen_by(Simulation& world, std::size_t index) {
  return world.node(index).mesh().members().owners(mesh::SlotKey{}, machines).size();
}

bool all_count(Simulation& world, std::size_t owners) {
  for (std::size_t i = 0; i < machines; ++i) {
    if (owners_seen_by(world, i) != owners ||
        world.node(i).mesh().members().view_digest() != world.node(0).mesh().members().view_digest()) {
      return false;
    }
  }
  return true;
}

bool is_owner(Simulation& world, std::size_t index, const mesh::PeerId& id) {
  const std::vector<mesh::PeerId> owners = world.node(index).mesh().members().owners(mesh::SlotKey{}, machines);
  return std::find(owners.begin(), owners.end(), id) != owners.end();
}

/// What all of them ask at once costs.
void miss_together(Simulation& world, const std::string& path) {
  std::vector<std::shared_ptr<SimulatedNode::Result>> results;
  for (std::size_t i = 0; i < machines; ++i) {
    results.push_back(world.node(i).request(path, simulated_token(1)));
  }
  CHECK(world.run_until(
      [&] { return std::all_of(results.begin(), results.end(), [](const auto& result) { return result->ended; }); },
      Millis{5'000}));
  CHECK_MESSAGE(world.github().calls[path] == 1, path);
}

}  // namespace

TEST_CASE("one of eight machines is 100 ms away: it owns nothing, misses cost one call, and it comes back") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    Simulation world({.seed = seed, .nodes = machines, .least_latency = Millis{1}, .most_latency = Millis{1}});
    world.set_line(far, Millis{100});
    world.start_all();
    REQUIRE(world.settle());
    world.run_for(Millis{120'000});
    CHECK(all_count(world, machines - 1));
    for (std::size_t i = 0; i < machines; ++i) {
      CHECK_FALSE(is_owner(world, i, world.node(far).id()));
    }
    for (int path = 0; path < 5; ++path) {
      miss_together(world, "/repos/o/far" + std::to_string(path));
    }
    world.set_line(far, Millis{0});
    world.run_for(Millis{120'000});
    CHECK(all_count(world, machines));
    for (int path = 0; path < 5; ++path) {
      miss_together(world, "/repos/o/near" + std::to_string(path));
    }
  }
}

TEST_CASE("keys change hands by a slow line while they are asked for, and no miss costs more than one call") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    Simulation world({.seed = seed, .nodes = machines, .least_latency = Millis{1}, .most_latency = Millis{1}});
    world.start_all();
    REQUIRE(world.settle());
    int path = 0;
    const auto ask_until = [&](std::size_t owners) {
      for (int round = 0; round < 200 && !all_count(world, owners); ++round) {
        miss_together(world, "/repos/o/r" + std::to_string(++path));
        world.run_for(Millis{100});
      }
      CHECK(all_count(world, owners));
    };
    world.set_line(far, Millis{100});
    ask_until(machines - 1);
    world.set_line(far, Millis{0});
    ask_until(machines);
  }
}
