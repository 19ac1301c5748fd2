// What peers may make an agent bear (invariant 5), and what they cost it when nothing happens.

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sys/resource.h>

#include "core/mesh/message.hpp"
#include "core/peer/network_key.hpp"
#include "tests/net/overlay/caller.hpp"
#include "tests/overlay_e2e/swarm.hpp"
#include "tests/support/sanitizers.hpp"
#include "tests/support/soak.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using namespace std::chrono_literals;
using overlay::testing::Caller;
using overlay::testing::HandPeer;

namespace {

constexpr std::size_t mebibyte = 1U << 20U;

/// Bytes of memory that the process has ("VmRSS:") or ever had ("VmHWM:"); 0 when it is gone (proc(5)).
std::size_t memory(pid_t pid, const std::string& name) {
  std::ifstream stream("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  while (stream >> word) {
    if (word == name) {
      std::size_t kibibytes = 0;
      stream >> kibibytes;
      return kibibytes * 1024;
    }
  }
  return 0;
}

std::uint16_t port_of(const std::string& address) {
  const std::size_t at = address.find("/tcp/") + 5;
  return static_cast<std::uint16_t>(std::stoi(address.substr(at)));
}

void check_at_most(std::size_t bytes, std::size_t most) {
  if (is_sanitized) {
    MESSAGE("", bytes / mebibyte, " MiB, of which most is the sanitizer's");
  } else {
    CHECK(bytes < most);
  }
}

constexpr rlim_t most_callers = 10'000;
constexpr rlim_t descriptors_besides = 200;

/// As many connections as this process may hold, at most ten thousand, of which none says anything.
class Crowd {
 public:
  explicit Crowd(std::uint16_t port) {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &m_before) == 0);
    rlimit more = m_before;
    more.rlim_cur = std::min(m_before.rlim_max, most_callers + descriptors_besides);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &more) == 0);
    const rlim_t wanted = more.rlim_cur - std::min(more.rlim_cur, descriptors_besides);
    while (m_callers.size() < wanted) {
      m_callers.emplace_back(port);
    }
  }
  ~Crowd() {
    m_callers.clear();
    ::setrlimit(RLIMIT_NOFILE, &m_before);
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  [[nodiscard]] std::size_t size() const { return m_callers.size(); }

 private:
  rlimit m_before{};
  std::vector<Caller> m_callers;
};

/// Swarm of a network whose key tests can make by hand.
void use_key_of_letter(Swarm& swarm, char letter) {
  std::array<std::uint8_t, peer::network_secret_size> secret{};
  secret.fill(static_cast<std::uint8_t>(letter));
  for (std::size_t n = 0; n < swarm.size(); ++n) {
    swarm.home(n).set("GHOARD_NETWORK_KEY", peer::make_network_key(secret));
    swarm.home(n).set("GHOARD_NETWORK_NAME", "test");
  }
}

void check_still_shares(Swarm& swarm) {
  const std::string path = swarm.fresh_path();
  const std::string truth = swarm.truth_of(path);
  const std::uint64_t missed = swarm.total("leases/budgets_missed");
  ask_everywhere(swarm, path, truth);
  CHECK(swarm.calls_of(path) <= 1 + swarm.total("leases/budgets_missed") - missed);
}

std::uint64_t bytes_of(const Swarm& swarm, std::size_t n) {
  std::uint64_t sum = 0;
  const nlohmann::json lines = swarm.peers(n);
  for (const nlohmann::json& line : lines) {
    sum += line.at("bytes_in").get<std::uint64_t>() + line.at("bytes_out").get<std::uint64_t>();
  }
  return sum;
}

enum class Flood { pings, questions, values, nonsense };

/// One that nobody has, on a server that is none.
cache::Resource resource_of(std::uint32_t number) {
  return {"127.0.0.1:1", "/repos/no/" + std::to_string(number), "", "application/vnd.github+json", "2022-11-28"};
}

std::string message_of(Flood kind, std::uint32_t number) {
  switch (kind) {
    case Flood::pings: return mesh::encode(mesh::Ping{number, number});
    case Flood::questions: {
      mesh::Get get;
      get.question = number;
      get.resource = resource_of(number);
      get.patience = 30s;
      return mesh::encode(get);
    }
    case Flood::values: {
      mesh::Put put;
      put.lease = number;
      put.resource = resource_of(number);
      put.value.body = std::make_shared<const std::string>(std::string(mebibyte, 'x'));
      return mesh::encode(put);
    }
    case Flood::nonsense: return std::string(1'000, '\xff');
  }
  return {};
}

/// Sends as much as is taken, without ever reading an answer; and stays.
std::unique_ptr<HandPeer> flood(std::uint16_t port, std::uint8_t seed, Flood kind) {
  auto flooder = std::make_unique<HandPeer>(port, seed, 'f');
  HandPeer& peer = *flooder;
  peer.send_first();
  REQUIRE(eventually([&] { return peer.step(); }));
  const auto body = std::make_shared<const std::string>(std::string(mebibyte, 'x'));
  bool taken = true;
  for (std::uint32_t number = 1; taken && number < 40'000 && !peer.channel().is_closed(); ++number) {
    channel::Message message;
    message.payload = message_of(kind, number);
    if (kind == Flood::values) {
      message.body = body;
    }
    static_cast<void>(peer.channel().send(std::move(message)));
    std::string output;
    peer.channel().next_output(output, mebibyte);
    taken = output.empty() ? number < 2'000 : peer.caller.send(output);
  }
  return flooder;
}

}  // namespace

TEST_CASE("a peer that has the key and floods neither ends an agent nor fills its memory nor keeps others waiting") {
  Swarm swarm(3);
  use_key_of_letter(swarm, 'f');
  swarm.assemble();
  std::uint8_t seed = 100;
  for (const Flood kind : {Flood::pings, Flood::questions, Flood::values, Flood::nonsense}) {
    CAPTURE(static_cast<int>(kind));
    std::vector<std::unique_ptr<HandPeer>> flooders;
    for (int peers = 0; peers < 5; ++peers) {
      flooders.push_back(flood(port_of(swarm.address(0)), ++seed, kind));
    }
    CHECK(swarm.is_alive(0));
    check_at_most(memory(swarm.pid(0), "VmHWM:"), 128 * mebibyte);
    check_still_shares(swarm);
  }
}

TEST_CASE("a caller without the key is told nothing and costs nobody anything") {
  Swarm swarm(2);
  swarm.assemble();
  HandPeer stranger(port_of(swarm.address(0)), 99, 'x');
  stranger.send_first();
  REQUIRE(eventually([&] { return stranger.caller.look() != overlay::testing::Caller::State::open; }));
  CHECK(stranger.caller.got().empty());
  CHECK_FALSE(stranger.is_up());
  CHECK(swarm.network(0).at("linked") == 1);
  check_still_shares(swarm);
}

TEST_CASE("ten thousand silent callers neither fill an agent's memory nor keep a machine from joining") {
  Swarm swarm(2);
  swarm.start(0, {});
  const pid_t agent = swarm.control(0, "/v1/status").at("pid").get<pid_t>();
  const std::size_t before = memory(agent, "VmHWM:");
  const Crowd crowd(port_of(swarm.address(0)));
  check_at_most(memory(agent, "VmHWM:"), before + 16 * mebibyte);
  const auto began = std::chrono::steady_clock::now();
  swarm.start(1, swarm.address(0));
  REQUIRE(eventually([&] { return swarm.settled(); }, 20s));
  swarm.revive();
  MESSAGE(crowd.size(), " callers, ", (memory(agent, "VmHWM:") - before) / 1024, " KiB more; another joined within ",
          std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(), " s");
  check_still_shares(swarm);
}

TEST_CASE("a large object asked for by all machines at once passes between them within the memory that is allowed") {
  Swarm swarm(5);
  swarm.assemble();
  // As base64 in JSON that is a little under 16 MiB, the most that is shared.
  std::string content(11 * mebibyte, 'a');
  for (std::size_t i = 63; i < content.size(); i += 64) {
    content[i] = '\n';
  }
  swarm.github.operation({{"op", "commit"}, {"repo", "acme/widgets"}, {"path", "huge.txt"}, {"content", content}});
  const nlohmann::json entry = nlohmann::json::parse(swarm.truth_of("repos/acme/widgets/contents/huge.txt"));
  const std::string path = "repos/acme/widgets/git/blobs/" + entry.at("sha").get<std::string>();
  const std::string truth = swarm.truth_of(path);
  REQUIRE(truth.size() > 14 * mebibyte);
  std::vector<Process> bulk;
  for (std::size_t n = 0; n < swarm.size(); ++n) {
    bulk.emplace_back(swarm.api(n, {path}));
  }
  // Small questions pass the large answer.
  for (int i = 0; i < 10; ++i) {
    const std::string small = "repos/acme/widgets/issues/" + std::to_string(i + 1);
    CHECK(swarm.run_api(static_cast<std::size_t>(i) % swarm.size(), {small}).exit_code == 0);
  }
  for (const ProcessResult& result : Process::wait_all(bulk, 60s)) {
    CAPTURE(result.err);
    CHECK_FALSE(result.timed_out);
    CHECK(result.exit_code == 0);
    CHECK((result.out == truth));
  }
  CHECK(swarm.calls_of(path) <= 1 + swarm.total("leases/budgets_missed"));
  CHECK(swarm.total("peer_hits") >= swarm.size() - 1);
  for (std::size_t n = 0; n < swarm.size(); ++n) {
    const std::size_t most = memory(swarm.pid(n), "VmHWM:");
    MESSAGE("machine ", n, ": at most ", most / mebibyte, " MiB resident");
    CHECK(most > 0);
    check_at_most(most, 192 * mebibyte);
  }
}

TEST_CASE("sixteen machines with nothing to say cost each less than 1.6 KB a second") {
  if (!is_soak()) {
    MESSAGE("SKIPPED: takes 20 seconds; part of the soak");
    return;
  }
  Swarm swarm(16);
  swarm.assemble();
  std::vector<std::uint64_t> before;
  for (std::size_t n = 0; n < swarm.size(); ++n) {
    before.push_back(bytes_of(swarm, n));
  }
  const auto begin = std::chrono::steady_clock::now();
  (void)eventually([&] { return std::chrono::steady_clock::now() - begin > 20s; }, 21s);
  std::vector<double> rates;
  for (std::size_t n = 0; n < swarm.size(); ++n) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    rates.push_back(static_cast<double>(bytes_of(swarm, n) - before[n]) / seconds);
    CHECK(rates.back() <= 1'638);
  }
  std::sort(rates.begin(), rates.end());
  MESSAGE("bytes/s of one machine, both ways: median ", rates[rates.size() / 2], ", most ", rates.back(),
          "; resident with 15 links: ", memory(swarm.pid(0), "VmRSS:") / 1024, " KiB");
}
