// What a fetch costs when machines vanish under it: one request, and one more for each lost holder (overlay.md section
// 4). Killed (the link is reset) or stopped (silence), before the question and while the fetch is under way.

#include <algorithm>
#include <csignal>

#include "tests/overlay_e2e/swarm.hpp"
#include "tests/support/soak.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using namespace std::chrono_literals;

namespace {

enum class Role { owner, backup, holder, waiter };

struct Loss {
  const char* name;
  std::vector<Role> victims;
  int signal;
  std::uint64_t calls;   ///< at most, if no budget is missed
  bool is_long = false;  ///< for the soak
};

/// Five machines that ask for one answer; each has one part to play.
struct Play {
  Swarm swarm{5};
  std::string path;
  std::string truth;
  std::vector<std::size_t> ranked;
  std::vector<std::size_t> victims;
  std::vector<Process> callers;
  std::vector<std::size_t> machines;  ///< of the callers

  Play() {
    swarm.assemble();
    path = swarm.fresh_path();
    truth = swarm.truth_of(path);
    ranked = swarm.owners(path);
  }

  [[nodiscard]] std::size_t player(Role role) const { return ranked[static_cast<std::size_t>(role)]; }
  [[nodiscard]] bool is_lost(std::size_t machine) const {
    return std::find(victims.begin(), victims.end(), machine) != victims.end();
  }
  [[nodiscard]] bool is_lost(Role role) const { return is_lost(player(role)); }

  void call(std::size_t machine) {
    callers.emplace_back(swarm.api(machine, {path}));
    machines.push_back(machine);
  }
  void strike(const Loss& loss) {
    for (const Role role : loss.victims) {
      victims.push_back(player(role));
      swarm.signal(victims.back(), loss.signal);
    }
  }

  /// Everybody gets the answer, and in time; but for those whose agent is stopped.
  void check_answered() {
    std::vector<Process> served;
    std::vector<Process> stuck;
    std::vector<std::size_t> stuck_at;
    for (std::size_t i = 0; i < callers.size(); ++i) {
      const bool stopped = swarm.is_stopped(machines[i]);
      (stopped ? stuck : served).push_back(std::move(callers[i]));
      if (stopped) {
        stuck_at.push_back(machines[i]);
      }
    }
    for (const ProcessResult& result : Process::wait_all(served, 40s)) {
      check_answer(result, truth);
    }
    callers = std::move(stuck);
    machines = std::move(stuck_at);
  }
  void go_on() {
    for (const std::size_t victim : victims) {
      swarm.signal(victim, SIGCONT);
    }
  }

  /// Requests that the rules allow beyond those for lost holders: of whoever missed a budget, and of agents that a
  /// command has just started, which have no peers yet.
  [[nodiscard]] std::uint64_t excuses() const {
    std::uint64_t sum = swarm.total("leases/budgets_missed");
    for (const std::size_t victim : victims) {
      const nlohmann::json told = swarm.is_alive(victim) ? nlohmann::json() : swarm.stats(victim);
      if (told.is_object()) {
        sum += told.at("upstream_requests").get<std::uint64_t>() -
               told.at("leases").at("budgets_missed").get<std::uint64_t>();
      }
    }
    return sum;
  }
  void check_calls(std::uint64_t allowed) const {
    CAPTURE(excuses());
    CHECK(swarm.calls_of(path) >= 1);
    CHECK(swarm.calls_of(path) <= allowed + excuses());
  }
};

void check_lost_before(const Loss& loss) {
  Play play;
  play.swarm.github.set_latency(200ms);
  play.strike(loss);
  for (const std::size_t machine : play.ranked) {
    if (!play.is_lost(machine)) {
      play.call(machine);
    }
  }
  play.check_answered();
  play.check_calls(loss.calls);
}

void check_lost_during(const Loss& loss) {
  Play play;
  play.swarm.github.fault({.kind = "hold", .path_prefix = "/" + play.path});
  play.call(play.player(Role::holder));
  REQUIRE(eventually([&] { return play.swarm.github.counters().held == 1; }));
  for (const std::size_t machine : play.ranked) {
    if (machine != play.player(Role::holder)) {
      play.call(machine);
    }
  }
  REQUIRE(eventually([&] { return play.swarm.total("leases/waited") == play.ranked.size() - 1; }));
  play.strike(loss);
  if (play.is_lost(Role::owner) && !play.is_lost(Role::holder)) {
    // Another owner has taken its place, and must not let anybody else fetch.
    // Where both owners went at once, those who wait may have lost patience before a third one was agreed upon, or an
    // agent that a command has just started, and that has no peers yet, fetches for all.
    CHECK(eventually([&] { return play.swarm.total("leases/taken_up") + play.excuses() > 0; }));
  }
  if (!play.is_lost(Role::holder)) {
    play.swarm.github.release();
  }
  play.check_answered();
  play.check_calls(loss.calls);
  // Whoever was stopped was on its own side of a partition: its caller may cost one request more.
  play.swarm.github.release();
  play.go_on();
  const std::size_t late = play.callers.size();
  play.check_answered();
  play.check_calls(loss.calls + late);
}

}  // namespace

TEST_CASE("machines that vanish just before the question cost no further request") {
  const std::vector<Loss> losses{{"owner killed", {Role::owner}, SIGKILL, 1},
                                 {"backup killed", {Role::backup}, SIGKILL, 1},
                                 {"both owners killed", {Role::owner, Role::backup}, SIGKILL, 1},
                                 {"owner stopped", {Role::owner}, SIGSTOP, 1},
                                 {"backup stopped", {Role::backup}, SIGSTOP, 1},
                                 {"both owners stopped", {Role::owner, Role::backup}, SIGSTOP, 1}};
  for (const Loss& loss : losses) {
    SUBCASE(loss.name) {
      check_lost_before(loss);
    }
  }
}

TEST_CASE("machines that vanish while the fetch is under way cost a request for each holder") {
  const std::vector<Loss> losses{{"owner killed", {Role::owner}, SIGKILL, 1},
                                 {"backup killed", {Role::backup}, SIGKILL, 1},
                                 {"holder killed", {Role::holder}, SIGKILL, 2},
                                 {"waiter killed", {Role::waiter}, SIGKILL, 1, true},
                                 {"owner and holder killed", {Role::owner, Role::holder}, SIGKILL, 2},
                                 {"both owners killed", {Role::owner, Role::backup}, SIGKILL, 1},
                                 {"owner stopped", {Role::owner}, SIGSTOP, 1},
                                 {"backup stopped", {Role::backup}, SIGSTOP, 1, true},
                                 {"holder stopped", {Role::holder}, SIGSTOP, 2, true},
                                 {"waiter stopped", {Role::waiter}, SIGSTOP, 1, true},
                                 {"owner and holder stopped", {Role::owner, Role::holder}, SIGSTOP, 2}};
  for (const Loss& loss : losses) {
    if (loss.is_long && !is_soak()) {
      continue;
    }
    SUBCASE(loss.name) {
      check_lost_during(loss);
    }
  }
}
