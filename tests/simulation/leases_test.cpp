// One question, asked once, by one machine: what overlay.md section 5, item 7, demands of the simulator. Every scene
// follows from its seed, which a failure prints. GHOARD_SIMULATION_SEEDS sets how many seeds the storms run.

#include <algorithm>
#include <cstdlib>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "tests/simulation/simulation.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using Result = SimulatedNode::Result;

namespace {

constexpr Millis patience{30'000};

std::size_t seeds(std::size_t ordinary) {
  const char* wanted = std::getenv("GHOARD_SIMULATION_SEEDS");
  return wanted == nullptr ? ordinary : static_cast<std::size_t>(std::strtoul(wanted, nullptr, 10));
}

using Results = std::vector<std::shared_ptr<Result>>;

bool all_ended(const Results& results) {
  return std::all_of(results.begin(), results.end(), [](const auto& result) { return result->ended; });
}

std::string path_of(int number) {
  return "/repos/o/r" + std::to_string(number);
}

std::uint64_t missed_budgets(Simulation& world) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < world.size(); ++i) {
    sum += world.node(i).mesh().lease_counters().budgets_missed;
  }
  return sum;
}

/// A network whose nodes have found each other.
struct Settled : Simulation {
  explicit Settled(const SimulationOptions& options) : Simulation(options) {
    start_all();
    REQUIRE(settle());
  }
};

}  // namespace

TEST_CASE("all machines of a network ask at once, and GitHub is asked once") {
  for (const std::size_t nodes : {1U, 2U, 3U, 8U, 32U, 64U, 256U}) {
    Settled world({.seed = nodes, .nodes = nodes});
    for (int round = 0; round < 5; ++round) {
      Results results;
      for (std::size_t i = 0; i < nodes; ++i) {
        results.push_back(world.node(i).request(path_of(round), simulated_token(1)));
      }
      CHECK(world.run_until([&] { return all_ended(results); }, Millis{2'000}));
      CHECK_MESSAGE(world.github().calls[path_of(round)] == 1, nodes, " nodes, round ", round);
      for (const auto& result : results) {
        CHECK(result->version == 0);
      }
    }
  }
}

TEST_CASE("five machines and three repositories make three calls, not fifteen") {
  Settled world({.nodes = 5});
  Results results;
  for (std::size_t i = 0; i < 5; ++i) {
    for (int repository = 0; repository < 3; ++repository) {
      results.push_back(world.node(i).request(path_of(repository), simulated_token(1)));
    }
  }
  CHECK(world.run_until([&] { return all_ended(results); }, Millis{2'000}));
  CHECK(world.github().total() == 3);
}

TEST_CASE("whoever asks later is answered by the machines that know") {
  Settled world({.nodes = 8});
  for (std::size_t i = 0; i < 8; ++i) {
    const auto result = world.node(i).request(path_of(1), simulated_token(1));
    CHECK(world.run_until([&] { return result->ended; }, Millis{2'000}));
    CHECK(result->version == 0);
  }
  CHECK(world.github().total() == 1);
}

TEST_CASE("a newcomer that ranks first for what others have fetched costs no call") {
  for (std::uint64_t seed = 1; seed <= seeds(20); ++seed) {
    CAPTURE(seed);
    SimulationOptions options;
    options.seed = seed;
    options.nodes = 5;
    Simulation world(options);
    for (std::size_t i = 0; i < 4; ++i) {
      world.start(i);
    }
    REQUIRE(world.settle());
    constexpr int paths = 30;
    for (int path = 0; path < paths; ++path) {
      const auto result = world.node(0).request(path_of(path), simulated_token(1));
      REQUIRE(world.run_until([&] { return result->ended; }, Millis{2'000}));
    }
    REQUIRE(world.github().total() == paths);
    const auto owners = [&](int path) {
      return world.node(0).mesh().members().owners(github::key_of(simulated_resource(path_of(path))), 2);
    };
    std::vector<std::vector<mesh::PeerId>> before;
    for (int path = 0; path < paths; ++path) {
      before.push_back(owners(path));
    }
    world.start(4);
    REQUIRE(world.settle());
    int newly_owned = 0;
    for (int path = 0; path < paths; ++path) {
      newly_owned += owners(path).front() == world.node(4).id() ? 1 : 0;
      // The one that fetched it and kept no copy, any other, and the newcomer.
      const auto asking = static_cast<std::size_t>(path % 5);
      if (const auto& former = before[static_cast<std::size_t>(path)];
          std::find(former.begin(), former.end(), world.node(0).id()) == former.end()) {
        world.node(0).forget(path_of(path));
      }
      const auto result = world.node(asking).request(path_of(path), simulated_token(1));
      CHECK(world.run_until([&] { return result->ended; }, Millis{2'000}));
      CHECK(result->version == 0);
    }
    CHECK(newly_owned > 0);
    CHECK(world.github().total() == paths);
  }
}

TEST_CASE("another token proves itself once, however many machines have it") {
  Settled world({.nodes = 9});
  Results results;
  for (std::size_t i = 0; i < 9; ++i) {
    results.push_back(world.node(i).request(path_of(1), simulated_token(static_cast<int>(i % 3))));
  }
  CHECK(world.run_until([&] { return all_ended(results); }, Millis{3'000}));
  CHECK(world.github().calls[path_of(1)] == 1);
  CHECK(world.github().confirmations[path_of(1)] == 2);
}

TEST_CASE("who may not see an answer gets none, and its refusal is nobody else's") {
  Settled world({.nodes = 6});
  world.github().private_to[path_of(1)] = {simulated_token(1)};
  for (int round = 0; round < 5; ++round) {
    Results entitled;
    Results refused;
    for (std::size_t i = 0; i < 6; ++i) {
      const bool may = (i + static_cast<std::size_t>(round)) % 2 == 0;
      (may ? entitled : refused).push_back(world.node(i).request(path_of(1), simulated_token(may ? 1 : 2)));
    }
    CHECK(world.run_until([&] { return all_ended(entitled) && all_ended(refused); }, Millis{3'000}));
    for (const auto& result : entitled) {
      CHECK(result->version == 0);
    }
    for (const auto& result : refused) {
      CHECK_FALSE(result->version.has_value());
    }
  }
}

TEST_CASE("a failing GitHub is asked once per burst, and everybody hears of it") {
  Settled world({.nodes = 8});
  world.github().failing = true;
  Results results;
  for (std::size_t i = 0; i < 8; ++i) {
    results.push_back(world.node(i).request(path_of(1), simulated_token(1)));
  }
  CHECK(world.run_until([&] { return all_ended(results); }, Millis{3'000}));
  CHECK(world.github().total() == 1);
  for (const auto& result : results) {
    CHECK_FALSE(result->version.has_value());
  }
}

namespace {

/// Ten or fewer machines ask for one thing within 20 ms, and somebody dies, or freezes, while it is fetched.
struct Death {
  enum class Of { owner, owners, holder, owner_and_holder };

  Death(std::uint64_t seed, Of victim) : world(options(seed)), whose(victim) {
    world.start_all();
    REQUIRE(world.settle());
    const cache::ResourceKey slot = github::key_of(simulated_resource(path_of(1)));
    const std::vector<mesh::PeerId> owners = world.node(0).mesh().members().owners(slot, 2);
    for (std::size_t i = 0; i < world.size(); ++i) {
      world.at(Millis(static_cast<std::int64_t>(world.random()() % 20)), [this, i] { ask(i); });
    }
    world.at(Millis(static_cast<std::int64_t>(world.random()() % 260)), [this, owners] { strike(owners); });
    world.run_for(Millis{400});
    CHECK(world.run_until([this] { return ended(); }, patience));
  }

  static SimulationOptions options(std::uint64_t seed) {
    SimulationOptions options;
    options.seed = seed;
    options.nodes = 4 + seed % 7;
    return options;
  }
  [[nodiscard]] bool is_up(std::size_t i) { return world.node(i).is_alive() && !world.node(i).is_frozen(); }

  void ask(std::size_t i) {
    if (is_up(i)) {
      results.push_back(world.node(i).request(path_of(1), simulated_token(1)));
      askers.push_back(i);
    }
  }

  void strike(const std::vector<mesh::PeerId>& owners) {
    const bool kill = world.random()() % 2 == 0;
    for (std::size_t i = 0; i < world.size(); ++i) {
      const mesh::PeerId& id = world.node(i).id();
      const bool is_holder = world.node(i).is_fetching();
      const bool is_owner = id == owners.front() || (whose == Of::owners && id == owners.back());
      if ((whose != Of::holder && is_owner) || (is_holder && (whose == Of::holder || whose == Of::owner_and_holder))) {
        holders_lost += is_holder ? 1 : 0;
        ++lost;
        if (kill) {
          world.kill(i);
        } else {
          world.freeze(i, true);
        }
      }
    }
  }

  bool ended() {
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!results[i]->ended && is_up(askers[i])) {
        return false;
      }
    }
    return true;
  }

  Simulation world;
  Of whose;
  Results results;
  std::vector<std::size_t> askers;
  int holders_lost = 0;
  int lost = 0;
};

}  // namespace

TEST_CASE("the owner, the holder or both die at any moment: one call more per dead holder, and every answer comes") {
  for (const auto whose : {Death::Of::owner, Death::Of::owners, Death::Of::holder, Death::Of::owner_and_holder}) {
    int beyond = 0;
    const std::size_t rounds = seeds(150);
    for (std::uint64_t seed = 1; seed <= rounds; ++seed) {
      CAPTURE(seed);
      CAPTURE(static_cast<int>(whose));
      Death death(seed, whose);
      const int calls = death.world.github().total() - static_cast<int>(missed_budgets(death.world));
      // An owner that dies before anybody else heard of its grant takes the lease along.
      CHECK(calls <= 1 + death.lost);
      beyond += std::max(0, calls - 1 - death.holders_lost);
      CHECK(missed_budgets(death.world) <= death.world.size());
    }
    // With both owners goes what they were told; else an owner's death alone costs next to nothing.
    CHECK_MESSAGE((whose == Death::Of::owners || beyond * 50 <= static_cast<int>(rounds)), beyond, " calls in ", rounds,
                  " rounds, victim ", static_cast<int>(whose));
  }
}

TEST_CASE("a write while something is fetched makes all who ask later share one new fetch") {
  for (std::uint64_t seed = 1; seed <= seeds(40); ++seed) {
    CAPTURE(seed);
    Settled world({.seed = seed, .nodes = 8});
    Results results{world.node(seed % 8).request(path_of(1), simulated_token(1))};
    world.run_for(Millis{50});
    bool written = false;
    world.node((seed + 3) % 8).write(path_of(1), [&](const auto&) { written = true; });
    world.run_for(Millis{30});
    for (std::size_t i = 0; i < 8; ++i) {
      results.push_back(world.node(i).request(path_of(1), simulated_token(1)));
    }
    CHECK(world.run_until([&] { return all_ended(results) && written; }, Millis{5'000}));
    CHECK(world.github().calls[path_of(1)] + world.github().confirmations[path_of(1)] <= 3);
  }
}

TEST_CASE("after a write that a machine acknowledged it never shows the answer from before as fresh") {
  for (std::size_t seed = 1; seed <= seeds(200); ++seed) {
    CAPTURE(seed);
    Settled world({.seed = seed,
                   .nodes = 2 + seed % 6,
                   .loss = seed % 3 == 0 ? 0.05 : 0,
                   .skew = seed % 2 == 0 ? Millis{3'600'000} : Millis{0}});
    struct Read {
      std::shared_ptr<Result> result;
      std::uint64_t at_least = 0;
    };
    std::vector<Read> reads;
    std::uint64_t completed = 0;  // writes of which the caller saw the end
    std::uint64_t begun = 0;
    const auto writer = static_cast<std::size_t>(world.random()() % world.size());
    for (int i = 0; i < 60; ++i) {
      world.at(Millis(static_cast<std::int64_t>(world.random()() % 6'000)), [&] {
        const auto reader = static_cast<std::size_t>(world.random()() % world.size());
        reads.push_back(
            {world.node(reader).request(path_of(1), simulated_token(static_cast<int>(world.random()() % 2))),
             completed});
      });
    }
    for (int i = 0; i < 5; ++i) {
      world.at(Millis(1'000 * i + static_cast<std::int64_t>(world.random()() % 500)), [&] {
        ++begun;
        world.node(writer).write(path_of(1), [&](const auto&) { ++completed; });
      });
    }
    world.run_for(Millis{8'000});
    CHECK(completed == begun);
    for (const Read& read : reads) {
      REQUIRE(read.result->ended);
      REQUIRE(read.result->version.has_value());
      CHECK(*read.result->version >= read.at_least);
    }
  }
}

TEST_CASE("a partition costs one call per side, and heals by itself") {
  for (std::size_t seed = 1; seed <= seeds(40); ++seed) {
    CAPTURE(seed);
    Settled world({.seed = seed, .nodes = 6});
    world.split({0, 1, 2}, true);
    world.run_for(Millis{20'000});  // longer than all timeouts
    const std::uint64_t before = missed_budgets(world);
    Results results;
    for (std::size_t i = 0; i < 6; ++i) {
      results.push_back(world.node(i).request(path_of(1), simulated_token(1)));
    }
    CHECK(world.run_until([&] { return all_ended(results); }, Millis{5'000}));
    CHECK(world.github().total() == 2);
    CHECK(missed_budgets(world) == before);
    // A change on one side, while they cannot hear each other.
    bool written = false;
    world.node(0).write(path_of(1), [&](const auto&) { written = true; });
    CHECK(world.run_until([&] { return written; }, Millis{2'000}));
    world.split({0, 1, 2}, false);
    REQUIRE(world.settle(Millis{120'000}));
    world.run_for(Millis{20'000});  // logs are compared
    for (std::size_t i = 0; i < 6; ++i) {
      const auto result = world.node(i).request(path_of(1), simulated_token(1));
      CHECK(world.run_until([&] { return result->ended; }, Millis{5'000}));
      CHECK(result->version == 1);
    }
  }
}

TEST_CASE("where one path is broken both ways or one way, the second owner passes questions on") {
  for (std::size_t seed = 1; seed <= seeds(60); ++seed) {
    CAPTURE(seed);
    Settled world({.seed = seed, .nodes = 5});
    const cache::ResourceKey slot = github::key_of(simulated_resource(path_of(1)));
    const std::vector<mesh::PeerId> owners = world.node(0).mesh().members().owners(slot, 2);
    std::size_t first = 0;
    while (world.node(first).id() != owners.front()) {
      ++first;
    }
    const std::size_t cut = (first + 1 + seed % 4) % 5;
    world.block(cut, first, true);
    if (seed % 2 == 0) {
      world.block(first, cut, true);
    }
    world.break_link(cut, first);
    world.run_for(Millis{10});
    Results results;
    for (std::size_t i = 0; i < 5; ++i) {
      results.push_back(world.node(i).request(path_of(1), simulated_token(1)));
    }
    CHECK(world.run_until([&] { return all_ended(results); }, Millis{5'000}));
    // Two owners that cannot hear each other each act for themselves.
    const int sides = world.node(cut).id() == owners.back() ? 2 : 1;
    CHECK(world.github().total() <= sides + static_cast<int>(missed_budgets(world)));
    CHECK(missed_budgets(world) <= 1);
  }
}

namespace {

/// One storm: reads and writes by all machines for ten seconds, with faults of every kind among them.
class Storm {
 public:
  explicit Storm(std::uint64_t seed) : m_world(options(seed)), m_required(m_world.size()) {}

  void run() {
    m_world.start_all();
    REQUIRE(m_world.settle());
    for (int i = 0; i < 100; ++i) {
      at_random([this] { read(any()); });
    }
    for (int i = 0; i < 6; ++i) {
      at_random([this] { write(any()); });
      at_random([this] { fault(); });
    }
    m_world.run_for(Millis{12'000});
    CHECK(m_world.run_until([this] { return ended(); }, patience + Millis{1'000}));
    for (const Read& read : m_reads) {
      if (read.result->ended && read.result->version.has_value()) {
        CHECK(*read.result->version >= read.at_least);
      }
    }
    // Each fault makes at most one holder or owner suspect per path, each write begins new fetches.
    CHECK(m_world.github().total() <=
          paths * (1 + m_faults) * (1 + m_writes) + static_cast<int>(missed_budgets(m_world)));
  }

 private:
  struct Read {
    std::shared_ptr<Result> result;
    std::size_t reader = 0;
    std::uint64_t at_least = 0;
  };
  static constexpr int paths = 4;

  static SimulationOptions options(std::uint64_t seed) {
    SimulationOptions options;
    options.seed = 1'000 + seed;
    options.nodes = 2 + seed % 15;
    options.loss = seed % 4 == 0 ? 0.02 : 0;
    options.duplication = seed % 5 == 0 ? 0.05 : 0;
    options.skew = Millis{3'600'000};
    return options;
  }
  std::size_t any() { return static_cast<std::size_t>(m_world.random()() % m_world.size()); }
  bool is_up(std::size_t node) { return m_world.node(node).is_alive() && !m_world.node(node).is_frozen(); }
  void at_random(std::function<void()> action) {
    m_world.at(Millis(static_cast<std::int64_t>(m_world.random()() % 10'000)), std::move(action));
  }
  void soon(std::function<void()> action) {
    m_world.at(Millis(static_cast<std::int64_t>(m_world.random()() % 6'000)), std::move(action));
  }

  void read(std::size_t reader) {
    if (is_up(reader)) {
      const std::string path = path_of(static_cast<int>(m_world.random()() % paths));
      m_reads.push_back({m_world.node(reader).request(path, simulated_token(1)), reader, m_required[reader][path]});
    }
  }

  /// Who acknowledged a completed write never shows anything older again.
  void write(std::size_t writer) {
    if (!is_up(writer)) {
      return;
    }
    ++m_writes;
    const std::string path = path_of(static_cast<int>(m_world.random()() % paths));
    m_world.node(writer).write(path, [this, path](const std::set<std::size_t>& told) {
      for (const std::size_t node : told) {
        std::uint64_t& required = m_required[node][path];
        required = std::max(required, m_world.github().versions[path]);
      }
    });
  }

  void fault() {
    const std::size_t one = any();
    const std::size_t other = any();
    ++m_faults;
    switch (m_world.random()() % 6) {
      case 0:
        if (one != 0) {
          m_world.kill(one);
        }
        return;
      case 1:
        if (one != 0) {
          m_world.vanish(one);
        }
        return;
      case 2:
        m_world.freeze(one, true);
        soon([this, one] { m_world.freeze(one, false); });
        return;
      default: break;
    }
    if (one == other) {
      return;
    }
    if (m_world.random()() % 2 == 0) {  // one way only
      m_world.block(one, other, true);
      soon([this, one, other] { m_world.block(one, other, false); });
      return;
    }
    for (int flap = 0; flap < 5; ++flap) {
      m_world.at(Millis(flap * 300), [this, one, other] { m_world.break_link(one, other); });
    }
  }

  bool ended() {
    return std::all_of(m_reads.begin(), m_reads.end(),
                       [this](const Read& read) { return read.result->ended || !is_up(read.reader); });
  }

  Simulation m_world;
  std::vector<std::map<std::string, std::uint64_t>> m_required;
  std::vector<Read> m_reads;
  int m_faults = 0;
  int m_writes = 0;
};

}  // namespace

TEST_CASE("storms of faults: every request ends, calls stay within what the faults excuse, nothing old is fresh") {
  for (std::uint64_t seed = 1; seed <= seeds(1'000); ++seed) {
    CAPTURE(seed);
    Storm(seed).run();
  }
}
