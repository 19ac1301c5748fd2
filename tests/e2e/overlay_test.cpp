// Sharing between machines: real agents of several homes on loopback, and a server that counts.

#include <algorithm>
#include <array>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/socket.h>
#include <unistd.h>

#include "core/peer/identity.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fleet.hpp"
#include "tests/support/loopback.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using namespace std::chrono_literals;

namespace {

constexpr const char* widgets = "repos/acme/widgets";

void check_all_succeeded(const std::vector<ProcessResult>& results) {
  for (const ProcessResult& result : results) {
    CHECK_FALSE(result.timed_out);
    CHECK(result.exit_code == 0);
    CHECK(result.err == "");
    CHECK_FALSE(result.out.empty());
  }
}

/// Upstream requests are as few as promised: one more for each question that its owner did not acknowledge in time,
/// which only a starved machine brings about, and which is counted.
void check_calls(const Fleet& fleet, std::uint64_t expected) {
  const std::uint64_t missed = fleet.sum("leases/budgets_missed");
  const std::uint64_t requests = fleet.github.counters().requests;
  CAPTURE(missed);
  CHECK(requests >= expected);
  CHECK(requests <= expected + missed);
}

/// What every agent says adds up, and together they sent what the server saw.
void check_truth_in_counting(const Fleet& fleet) {
  for (std::size_t n = 0; n < fleet.size(); ++n) {
    const nlohmann::json told = fleet.stats(n);
    std::uint64_t classes = 0;
    for (const char* key : {"hits", "peer_hits", "coalesced", "revalidated", "misses", "bypassed", "errors"}) {
      classes += told.at(key).get<std::uint64_t>();
    }
    CHECK(told.at("requests").get<std::uint64_t>() == classes);
  }
  CHECK(fleet.sum("upstream_requests") == fleet.github.counters().requests);
  CHECK(fleet.sum("api_calls_made") == fleet.github.counters().quota_spent);
}

/// A port on which connections are accepted, by the kernel, and nothing is ever said.
class BlackHole {
 public:
  BlackHole() : m_descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback_address(0);
    socklen_t size = sizeof address;
    REQUIRE(::bind(m_descriptor, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(m_descriptor, 16) == 0);
    REQUIRE(::getsockname(m_descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    m_port = ntohs(address.sin_port);
  }
  ~BlackHole() { ::close(m_descriptor); }
  BlackHole(const BlackHole&) = delete;
  BlackHole& operator=(const BlackHole&) = delete;
  [[nodiscard]] std::uint16_t port() const { return m_port; }

 private:
  int m_descriptor;
  std::uint16_t m_port = 0;
};

std::string id_of_seed(std::uint8_t seed) {
  std::array<std::uint8_t, peer::Identity::seed_size> bytes{};
  bytes.fill(seed);
  return peer::Identity::create(bytes).value().id().text();
}

std::size_t holder_of(const Fleet& fleet) {
  std::size_t holder = fleet.size();
  REQUIRE(eventually([&] {
    for (std::size_t n = 0; n < fleet.size(); ++n) {
      const nlohmann::json told = fleet.stats(n);
      if (told.is_object() && told.at("leases").at("held") == 1) {
        holder = n;
      }
    }
    return holder < fleet.size();
  }));
  return holder;
}

}  // namespace

TEST_CASE("machines that miss together ask GitHub once, and every answer is right") {
  for (const std::size_t machines : {2U, 5U}) {
    CAPTURE(machines);
    Fleet fleet(machines);
    fleet.start();
    const std::string truth = fleet.github.get("/repos/acme/widgets", tokens::user_1).body;
    fleet.github.reset_counters();
    fleet.github.set_latency(200ms);
    std::vector<Command> commands;
    for (std::size_t n = 0; n < machines; ++n) {
      commands.push_back(fleet.api(n, {widgets}));
    }
    const std::vector<ProcessResult> results = run_parallel(commands);
    check_all_succeeded(results);
    CHECK(std::all_of(results.begin(), results.end(), [&](const ProcessResult& r) { return r.out == truth; }));
    check_calls(fleet, 1);
    check_truth_in_counting(fleet);
    CHECK(fleet.sum("misses") + fleet.sum("peer_hits") == machines);
    CHECK(fleet.sum("connected_peers") == machines * (machines - 1));
  }
}

TEST_CASE("five machines that want three repositories each make 3 calls of 15") {
  Fleet fleet(5);
  fleet.start();
  fleet.github.set_latency(200ms);
  std::vector<Command> commands;
  for (std::size_t n = 0; n < 5; ++n) {
    for (const char* repository : {"repos/acme/widgets", "repos/acme/gadgets", "repos/acme/tools"}) {
      commands.push_back(fleet.api(n, {repository}));
    }
  }
  check_all_succeeded(run_parallel(commands));
  check_calls(fleet, 3);
  check_truth_in_counting(fleet);
}

TEST_CASE("ten callers over five machines make one call") {
  Fleet fleet(5);
  fleet.start();
  fleet.github.set_latency(200ms);
  std::vector<Command> commands;
  for (std::size_t n = 0; n < 10; ++n) {
    commands.push_back(fleet.api(n % 5, {widgets}));
  }
  check_all_succeeded(run_parallel(commands));
  check_calls(fleet, 1);
  check_truth_in_counting(fleet);
}

TEST_CASE("what one machine fetched another answers from, first as a peer hit and then as a hit of its own") {
  Fleet fleet(2);
  fleet.start();
  CHECK(fleet.run_api(0, {widgets}).exit_code == 0);
  for (int i = 0; i < 2; ++i) {
    CHECK(fleet.run_api(1, {widgets}).exit_code == 0);
  }
  CHECK(fleet.github.counters().requests == 1);
  const nlohmann::json told = fleet.stats(1);
  CHECK(told.at("peer_hits") == 1);
  CHECK(told.at("hits") == 1);
  CHECK(told.at("api_calls_made") == 0);
  CHECK(told.at("api_calls_saved") == 2);
  CHECK(told.at("connected_peers") == 1);
  check_truth_in_counting(fleet);
}

TEST_CASE("an agent that starts later is found by those that were told nothing of it") {
  Fleet fleet(3);
  fleet.start(0, "");
  fleet.start(1, fleet.address(0));
  fleet.start(2, fleet.address(1));  // the first one hears of it from the second
  CHECK(eventually([&] { return fleet.settled(); }, 60s));
}

TEST_CASE("another machine's token gets a private answer only after GitHub has said that it may have it") {
  Fleet fleet(2);
  fleet.start();
  const std::string target = "repos/acme/secrets";
  const ProcessResult first = fleet.run_api(0, {target}, tokens::user_1);
  fleet.github.reset_counters();
  const ProcessResult second = fleet.run_api(1, {target}, tokens::user_1_second);
  CHECK(second.exit_code == 0);
  CHECK(second.out == first.out);
  const StandInCounters counted = fleet.github.counters();
  CHECK(counted.requests == 1);
  CHECK(counted.not_modified == 1);  // a proof of its own, from the other machine's bytes
  CHECK(counted.quota_spent == 0);

  const ProcessResult refused = fleet.run_api(1, {target}, tokens::user_3);
  CHECK(refused.exit_code == 1);
  CHECK(refused.out.find("private") == std::string::npos);
  CHECK(refused.err.find("404") != std::string::npos);
}

TEST_CASE("an answer about whoever asks never goes to another token") {
  Fleet fleet(2);
  fleet.start();
  const ProcessResult one = fleet.run_api(0, {"user", "-q", ".login"}, tokens::user_1);
  const ProcessResult two = fleet.run_api(1, {"user", "-q", ".login"}, tokens::user_2);
  CHECK(one.out == "user-1\n");
  CHECK(two.out == "user-2\n");
  CHECK(fleet.github.counters().quota_spent == 2);
}

TEST_CASE("one token's 404 on one machine is no 404 for another token on the other") {
  Fleet fleet(2);
  fleet.start();
  CHECK(fleet.run_api(0, {"repos/acme/secrets"}, tokens::user_3).exit_code == 1);
  CHECK(fleet.run_api(1, {"repos/acme/secrets"}, tokens::user_1).exit_code == 0);
  CHECK(fleet.run_api(0, {"repos/acme/secrets"}, tokens::user_3).exit_code == 1);
}

TEST_CASE("after a write on one machine another one never shows what was before it") {
  Fleet fleet(2);
  fleet.start();
  const std::string issue = "repos/acme/widgets/issues/7";
  for (int round = 0; round < 5; ++round) {
    const std::string title = "round " + std::to_string(round);
    for (std::size_t n = 0; n < 2; ++n) {
      CHECK(fleet.run_api(n, {issue}).exit_code == 0);  // both have it, fresh for a minute
    }
    const std::size_t writer = static_cast<std::size_t>(round) % 2;
    CHECK(fleet.run_api(writer, {"-X", "PATCH", issue, "-f", "title=" + title, "--silent"}).exit_code == 0);
    for (std::size_t n = 0; n < 2; ++n) {
      CHECK(fleet.run_api(n, {issue, "-q", ".title"}).out == title + "\n");
    }
  }
}

namespace {

/// A caller on each machine; GitHub holds back its answer to the one that asks.
std::vector<Process> held_callers(Fleet& fleet) {
  fleet.github.fault({.kind = "hold", .path_prefix = "/repos/acme/widgets", .count = 1});
  std::vector<Process> callers;
  for (std::size_t n = 0; n < fleet.size(); ++n) {
    callers.emplace_back(fleet.api(n, {widgets}));
  }
  REQUIRE(eventually([&] { return fleet.github.counters().held == 1; }));
  return callers;
}

}  // namespace

TEST_CASE("when the machine that asks GitHub is killed every caller still gets the answer") {
  Fleet fleet(5);
  fleet.start();
  std::vector<Process> callers = held_callers(fleet);
  fleet.kill_agent(holder_of(fleet));
  const std::vector<ProcessResult> results = Process::wait_all(callers, 60s);
  check_all_succeeded(results);
  fleet.github.release();
  // The one that was lost, the one that took its place, and the killed machine's own caller if it was alone by then.
  CHECK(fleet.github.counters().requests <= 3 + fleet.sum("leases/budgets_missed"));
}

TEST_CASE("when a machine that owns the key is killed every caller still gets the answer") {
  Fleet fleet(5);
  fleet.start();
  std::vector<Process> callers = held_callers(fleet);
  std::size_t owner = fleet.size();
  for (std::size_t n = 0; n < fleet.size(); ++n) {
    if (fleet.stats(n).at("leases").at("granted") == 1) {
      owner = n;
    }
  }
  REQUIRE(owner < fleet.size());
  fleet.kill_agent(owner);
  fleet.github.release();
  check_all_succeeded(Process::wait_all(callers, 60s));
  CHECK(fleet.github.counters().requests <= 3 + fleet.sum("leases/budgets_missed"));
}

TEST_CASE("ten bootstrap peers that never answer keep no request waiting") {
  Fleet fleet(1);
  const std::vector<BlackHole> holes(10);
  std::string bootstrap;
  for (std::size_t i = 0; i < holes.size(); ++i) {
    bootstrap += (i == 0 ? "" : ",") + std::string("/ip4/127.0.0.1/tcp/") + std::to_string(holes[i].port()) + "/p2p/" +
                 id_of_seed(static_cast<std::uint8_t>(i + 1));
  }
  fleet.start(0, bootstrap);
  CHECK(fleet.run_api(0, {widgets}).exit_code == 0);
  // Each is given 15 s: that all are still being tried says that the answer waited for none of them.
  const nlohmann::json peers = fleet.peers(0);
  CHECK(peers.size() == 10);
  for (const nlohmann::json& peer : peers) {
    CHECK(peer.at("state") == "known");
    CHECK(peer.at("last_failure") == "");
  }
}

TEST_CASE("agents with different network keys exchange nothing, and doctor tells why") {
  Fleet fleet(2);
  fleet.home(1).set("GHOARD_NETWORK_KEY", new_network_key());
  fleet.start(0, "");
  fleet.start(1, fleet.address(0));
  CHECK(fleet.network(0).at("key_id") != fleet.network(1).at("key_id"));
  REQUIRE(eventually([&] { return fleet.peers(1).at(0).at("last_failure") == "no authenticated link"; }));
  for (std::size_t n = 0; n < 2; ++n) {
    CHECK(fleet.run_api(n, {widgets}).exit_code == 0);
    CHECK(fleet.stats(n).at("connected_peers") == 0);
    CHECK(fleet.stats(n).at("peer_hits") == 0);
  }
  CHECK(fleet.github.counters().requests == 2);
  CHECK(fleet.peers(0).empty());
  const ProcessResult doctor = fleet.home(1).run({"ghoard", "doctor"});
  CHECK(doctor.exit_code == 1);
  CHECK(doctor.out.find("another network key") != std::string::npos);
}

TEST_CASE("a network key is replaced by hang-up signals while the agents stay linked") {
  Fleet fleet(2, Fleet::Key::file);
  fleet.start();
  const std::string next = new_network_key();
  const std::string old_id = fleet.network(0).at("key_id");
  for (const std::string& keys : {fleet.key() + "," + next, next + "," + fleet.key(), next}) {
    for (std::size_t n = 0; n < 2; ++n) {
      fleet.write_config(n, "network_key = \"" + keys + "\"\n");
      fleet.hang_up(n);
    }
    const auto accepted = static_cast<std::size_t>(1 + std::count(keys.begin(), keys.end(), ','));
    REQUIRE(eventually([&] {
      return fleet.network(0).at("accepted_keys") == accepted && fleet.network(1).at("accepted_keys") == accepted &&
             fleet.settled();
    }));
    CHECK(fleet.run_api(0, {"repos/acme/widgets/issues/" + std::to_string(accepted)}).exit_code == 0);
  }
  CHECK(fleet.network(0).at("key_id") != old_id);
  CHECK(fleet.network(0).at("key_id") == fleet.network(1).at("key_id"));
  fleet.github.reset_counters();
  CHECK(fleet.run_api(0, {widgets}).exit_code == 0);
  CHECK(fleet.run_api(1, {widgets}).exit_code == 0);
  CHECK(fleet.github.counters().requests == 1);
}

TEST_CASE("a denied peer is let go by a hang-up signal, and comes back once it is not denied any more") {
  Fleet fleet(2, Fleet::Key::file);
  fleet.start();
  const std::string key = "network_key = \"" + fleet.key() + "\"\n";
  const std::string id = fleet.network(1).at("peer_id");
  fleet.write_config(0, key + "denied_peers = [\"" + id + "\"]\n");
  fleet.hang_up(0);
  REQUIRE(eventually([&] { return fleet.network(0).at("linked") == 0; }));
  CHECK(fleet.run_api(0, {widgets}).exit_code == 0);
  CHECK(fleet.run_api(1, {widgets}).exit_code == 0);
  CHECK(fleet.github.counters().requests == 2);
  CHECK(fleet.network(0).at("linked") == 0);
  fleet.write_config(0, key);
  fleet.hang_up(0);
  CHECK(eventually([&] { return fleet.network(0).at("linked") == 1; }, 90s));
}

TEST_CASE("with keys made from a token only that token's answers are shared") {
  Fleet fleet(2, Fleet::Key::token);
  fleet.start();
  CHECK(fleet.network(0).at("key_kind") == "github-token");
  CHECK(fleet.network(0).at("key_id") == fleet.network(1).at("key_id"));
  for (std::size_t n = 0; n < 2; ++n) {
    CHECK(fleet.run_api(n, {widgets}, tokens::user_2).exit_code == 0);
  }
  CHECK(fleet.github.counters().quota_spent == 2);
  fleet.github.reset_counters();
  for (std::size_t n = 0; n < 2; ++n) {
    CHECK(fleet.run_api(n, {"repos/acme/gadgets"}, tokens::user_1).exit_code == 0);
  }
  CHECK(fleet.github.counters().requests == 1);
}

TEST_CASE("a token that differs per login keeps the overlay off, and status and doctor say what to do") {
  Fleet fleet(1, Fleet::Key::token);
  fleet.home(0).set("GH_TOKEN", std::string(tokens::user_1_oauth));
  fleet.start(0, "");
  CHECK(fleet.network(0).at("overlay") == "off");
  CHECK(fleet.home(0).run({"ghoard", "agent", "status"}).out.find("set a network key") != std::string::npos);
  const ProcessResult doctor = fleet.home(0).run({"ghoard", "doctor"});
  CHECK(doctor.exit_code == 1);
  CHECK(doctor.out.find("set a network key") != std::string::npos);
  CHECK(fleet.run_api(0, {widgets}).exit_code == 0);
}

TEST_CASE("a network key that is none keeps the overlay off and nothing else, and is shown nowhere") {
  Fleet fleet(1);
  fleet.home(0).set("GHOARD_NETWORK_KEY", "correct-horse");
  fleet.start(0, "");
  const nlohmann::json network = fleet.network(0);
  CHECK(network.at("overlay") == "off");
  CHECK(network.at("reason").get<std::string>().find("new-key") != std::string::npos);
  CHECK(network.dump().find("correct-horse") == std::string::npos);
  CHECK(fleet.home(0).run({"ghoard", "agent", "logs"}).out.find("correct-horse") == std::string::npos);
  CHECK(fleet.run_api(0, {widgets}).exit_code == 0);
}

TEST_CASE("bad bootstrap entries are left out with their reason, and the good one is used") {
  Fleet fleet(2);
  fleet.start(0, "");
  fleet.start(1, "10.0.0.1:9100," + fleet.address(0) + ",/ip4/10.0.0.1/udp/9100/p2p/" + id_of_seed(1));
  CHECK(eventually([&] { return fleet.settled(); }));
  CHECK(fleet.network(1).at("rejected").size() == 2);
  CHECK(fleet.home(1).run({"ghoard", "doctor"}).out.find("\"10.0.0.1:9100\" is left out: does not begin with /") !=
        std::string::npos);
}

TEST_CASE("peers are remembered: agents that start anew find each other without being told") {
  Fleet fleet(2);
  fleet.start();
  CHECK(fleet.home(1).run({"ghoard", "agent", "stop"}).exit_code == 0);
  CHECK(std::filesystem::status(fleet.home(1).state() / "peers").permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  fleet.home(1).unset("GHOARD_BOOTSTRAP_PEERS");
  fleet.start(1, "");
  CHECK(eventually([&] { return fleet.network(1).at("linked") == 1; }));
}

TEST_CASE("a peer that was added by hand is dialled now and after a restart, until it is removed") {
  Fleet fleet(2);
  fleet.start(0, "");
  fleet.start(1, "");
  CHECK(fleet.home(1).run({"ghoard", "peers", "add", fleet.address(0)}).exit_code == 0);
  CHECK(eventually([&] { return fleet.settled(); }));
  CHECK(fleet.home(1).run({"ghoard", "agent", "restart"}).exit_code == 0);
  CHECK(eventually([&] { return fleet.network(1).at("linked") == 1; }));
  const std::string table = fleet.home(1).run({"ghoard", "peers"}).out;
  CHECK(table.find("linked") != std::string::npos);
  CHECK(fleet.home(1).run({"ghoard", "peers", "remove", fleet.address(0)}).exit_code == 0);
  const ProcessResult nobody = fleet.home(1).run({"ghoard", "peers", "add", "10.0.0.1:9100"});
  CHECK(nobody.exit_code == 1);
  CHECK(nobody.err == "ghoard: rejected: does not begin with /\n");
  const ProcessResult unnamed = fleet.home(1).run({"ghoard", "peers", "remove", "12D3KooWHSso..RTnBfY"});
  CHECK(unnamed.exit_code == 1);
  CHECK(unnamed.err ==
        "ghoard: rejected: peer id: not base58\n"
        "run `ghoard peers --json` for whole ids\n");
}

TEST_CASE("where the overlay is off, peers add and remove say why") {
  Fleet fleet(1);
  fleet.home(0).set("GHOARD_ENABLE_P2P", "false");
  fleet.start(0, "");
  const std::string peer = "/ip4/127.0.0.1/tcp/1/p2p/" + id_of_seed(1);
  for (const char* change : {"add", "remove"}) {
    const ProcessResult refused = fleet.home(0).run({"ghoard", "peers", change, peer});
    CHECK(refused.exit_code == 1);
    CHECK(refused.err == "ghoard: the overlay is off: peer sharing is switched off (enable_p2p)\n");
  }
}

TEST_CASE("agents that know nothing of each other meet through a repository, and stats tell what that cost") {
  Fleet fleet(2);
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  fleet.github.operation({{"op", "set_clock"}, {"now", now.count()}});
  fleet.github.operation({{"op", "add_issue"}, {"repo", "acme/sandbox"}, {"title", "ghoard peer discovery"}});
  for (std::size_t n = 0; n < fleet.size(); ++n) {
    fleet.home(n).set("GHOARD_GITHUB_REPO", "acme/sandbox");
  }
  fleet.start(0, "");
  REQUIRE(eventually([&] { return fleet.network(0).at("discovery").at("published") == true; }, 60s));
  fleet.start(1, "");
  CHECK(eventually([&] { return fleet.settled() && fleet.network(1).at("linked") == 1; }, 60s));
  CHECK(fleet.home(1).run({"ghoard", "doctor"}).out.find("1 other peers are named in acme/sandbox") !=
        std::string::npos);
  REQUIRE(eventually([&] { return fleet.network(1).at("discovery").at("published") == true; }, 60s));
  CHECK(fleet.sum("requests") == 0);
  CHECK(fleet.sum("upstream_requests") == fleet.github.counters().requests);
  CHECK(fleet.sum("api_calls_made") == fleet.github.counters().quota_spent);
}

TEST_CASE("a repository that the agent's token does not see is named by doctor, with what the token needs") {
  Fleet fleet(1);
  fleet.home(0).set("GHOARD_GITHUB_REPO", "acme/nothing-of-that-name");
  fleet.start(0, "");
  REQUIRE(eventually([&] { return fleet.network(0).at("discovery").at("problem") != ""; }));
  const ProcessResult told = fleet.home(0).run({"ghoard", "doctor"});
  CHECK(told.out.find("permission to write issues") != std::string::npos);
  CHECK(fleet.run_api(0, {widgets}).exit_code == 0);
}

TEST_CASE("an agent that is asked to stop says good-bye, so that the others know at once") {
  Fleet fleet(2);
  fleet.start();
  CHECK(fleet.home(0).run({"ghoard", "agent", "stop"}).exit_code == 0);
  REQUIRE(eventually([&] { return fleet.peers(1).at(0).at("state") == "dead"; }));
  CHECK(fleet.peers(1).at(0).at("last_failure") == "closed by the peer");
  CHECK(fleet.run_api(1, {widgets}).exit_code == 0);
}

TEST_CASE("what a one-shot agent finds stored by an agent with peers is proven anew") {
  Fleet fleet(2);
  fleet.start();
  CHECK(fleet.run_api(0, {widgets}).exit_code == 0);
  CHECK(fleet.home(0).run({"ghoard", "agent", "stop"}).exit_code == 0);
  fleet.github.reset_counters();
  const ProcessResult result = fleet.home(0).run({"ghoard", "--no-spawn", "api", widgets, "-i"});
  CHECK(result.exit_code == 0);
  CHECK(result.out.find("detail=direct") == std::string::npos);
  CHECK(fleet.github.counters().not_modified == 1);
  CHECK(fleet.github.counters().quota_spent == 0);
}

TEST_CASE("neither network key nor token of a fleet is found in any of its files") {
  Fleet fleet(2);
  fleet.start();
  for (std::size_t n = 0; n < 2; ++n) {
    CHECK(fleet.run_api(n, {"repos/acme/secrets"}).exit_code == 0);
  }
  const std::string key_digits = fleet.key().substr(6, 40);
  std::size_t files = 0;
  for (std::size_t n = 0; n < 2; ++n) {
    CHECK(fleet.home(n).run({"ghoard", "agent", "stop"}).exit_code == 0);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(fleet.home(n).path())) {
      if (!entry.is_regular_file()) {
        continue;
      }
      CAPTURE(entry.path());
      std::ifstream stream(entry.path(), std::ios::binary);
      const std::string text{std::istreambuf_iterator<char>(stream), {}};
      CHECK(text.find(key_digits) == std::string::npos);
      CHECK(text.find(tokens::user_1) == std::string::npos);
      ++files;
    }
  }
  CHECK(files >= 8);  // database, lock, log, identity, peers and start lock of each
}
