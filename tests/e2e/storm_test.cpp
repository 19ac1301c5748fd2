// Kills and full disks at random moments: nothing but cache entries may be lost. GHOARD_SOAK_ROUNDS sets the rounds.

#include <csignal>
#include <filesystem>
#include <random>
#include <sys/mount.h>

#include "tests/e2e/rig.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using namespace std::chrono_literals;

namespace {

/// The answers that every round must see, whatever happens to the agent.
struct Truth {
  std::vector<std::string> paths;
  std::vector<std::string> bodies;

  explicit Truth(const StandIn& github) {
    for (int i = 1; i <= 8; ++i) {
      paths.push_back("repos/acme/widgets/issues/" + std::to_string(i));
    }
    paths.emplace_back("repos/acme/widgets/contents/data/big.txt");
    for (const std::string& path : paths) {
      bodies.push_back(github.get("/" + path, tokens::user_1).body);
    }
  }
};

void check_database(const TemporaryHome& home) {
  const Command command{{"sqlite3", (home.cache() / "cache.db").string(), "PRAGMA integrity_check"}, {}, {}, false, {}};
  const ProcessResult result = run(command);
  CHECK(result.out == "ok\n");
}

/// A file system of its own, far too small for what is asked. Needs the right to mount.
class TinyDisk {
 public:
  explicit TinyDisk(const std::filesystem::path& at) : m_at(at) {
    std::filesystem::create_directories(at);
    m_mounted = mount("tmpfs", at.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=0700") == 0;
  }
  TinyDisk(const TinyDisk&) = delete;
  TinyDisk& operator=(const TinyDisk&) = delete;
  ~TinyDisk() {
    if (m_mounted) {
      umount2(m_at.c_str(), MNT_DETACH);
    }
  }
  [[nodiscard]] bool mounted() const { return m_mounted; }

 private:
  std::filesystem::path m_at;
  bool m_mounted = false;
};

}  // namespace

TEST_CASE("on a full disk every answer is right, writes go through, and nothing stale is left behind") {
  Rig rig;
  const TinyDisk disk(rig.home.cache());
  if (!disk.mounted()) {
    MESSAGE("SKIPPED: this user may not mount a file system of its own");
    return;
  }
  const Truth truth(rig.github);
  const std::string& big = truth.paths.back();
  for (int round = 0; round < soak_rounds(12); ++round) {
    CAPTURE(round);
    // Different queries are different resources with the same 620 kB; issue pages differ and add up.
    const auto filling = rig.run_api({"repos/acme/widgets/issues?per_page=100&direction=asc&since=200" +
                                      std::to_string(round % 10) + "-01-01T00:00:00Z"});
    CHECK(filling.exit_code == 0);
    const ProcessResult whole = rig.run_api({big + "?round=" + std::to_string(round)});
    CAPTURE(whole.err);
    CHECK(whole.exit_code == 0);
    CHECK(whole.out.size() == truth.bodies.back().size());

    const std::string title = "round " + std::to_string(round);
    CHECK(rig.run_api({"repos/acme/widgets/issues/7"}).exit_code == 0);
    const auto write = rig.run_api({"-X", "PATCH", "repos/acme/widgets/issues/7", "-f", "title=" + title});
    CAPTURE(write.err);
    CHECK(write.exit_code == 0);
    CHECK(rig.run_api({"repos/acme/widgets/issues/7", "-q", ".title"}).out == title + "\n");
    if (round % 3 == 2) {
      rig.home.stop_agent();
      CHECK(rig.run_api({"repos/acme/widgets/issues/7", "-q", ".title"}).out == title + "\n");
    }
  }
  rig.home.stop_agent();
  if (std::filesystem::exists(rig.home.cache() / "cache.db")) {
    check_database(rig.home);
  }
}

TEST_CASE("kill -9 of the agent in a storm loses no answer, shortens no body and leaves a sound database") {
  Rig rig;
  const Truth truth(rig.github);
  const unsigned seed = 20261122;
  std::mt19937 random(seed);
  for (int round = 0; round < soak_rounds(12); ++round) {
    CAPTURE(round);
    std::vector<Process> storm;
    storm.reserve(truth.paths.size() * 2);
    for (const std::string& path : truth.paths) {
      storm.emplace_back(rig.api({path, round % 2 == 0 ? "--refresh" : "--max-age=0s"}));
      storm.emplace_back(rig.api({path}));
    }
    const auto moment = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 40'000);
    (void)eventually([&] { return std::chrono::steady_clock::now() >= moment; }, 1s);
    for (const int pid : agents_of(rig.home)) {
      kill(pid, SIGKILL);
    }
    const auto results = Process::wait_all(storm, 60s);
    for (std::size_t i = 0; i < results.size(); ++i) {
      CAPTURE(results[i].err);
      CHECK_FALSE(results[i].timed_out);
      // A reader is retried once through a new agent; one killed twice may fail, but never with a wrong answer.
      CHECK((results[i].out == truth.bodies[i / 2] || (results[i].exit_code == 1 && results[i].out.empty())));
    }
    const std::size_t any = random() % truth.paths.size();
    const ProcessResult next = rig.run_api({truth.paths[any]});
    CAPTURE(next.err);
    CHECK(next.exit_code == 0);
    CHECK(next.out == truth.bodies[any]);
    CHECK(agents_of(rig.home).size() <= 1);  // none if the database answered
    if (round % 4 == 0) {
      rig.home.stop_agent();
      check_database(rig.home);
    }
  }
}
