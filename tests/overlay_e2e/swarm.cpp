#include "tests/overlay_e2e/swarm.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <numeric>
#include <stdexcept>

#include "core/github/canonical.hpp"
#include "core/mesh/lease_parts.hpp"
#include "core/mesh/members.hpp"

namespace ghoard::testing {

namespace {

/// 'T': stopped, 'Z': dead and not reaped yet, 0: gone (proc(5), /proc/pid/stat).
char state_of(pid_t pid) {
  std::ifstream stream("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stream, text);
  const std::size_t name_ends = text.rfind(')');
  return name_ends != std::string::npos && name_ends + 2 < text.size() ? text[name_ends + 2] : '\0';
}

bool is_dead(pid_t pid) {
  const char state = state_of(pid);
  return state == '\0' || state == 'Z' || state == 'X';
}

/// Whether all peers that are linked to it may own keys in the eyes of this machine.
bool all_eligible(const nlohmann::json& peers) {
  return std::all_of(peers.begin(), peers.end(), [](const nlohmann::json& peer) {
    return peer.at("state") != "linked" || peer.at("eligible").get<bool>();
  });
}

}  // namespace

Swarm::~Swarm() {
  std::vector<pid_t> ended;
  for (std::size_t n = 0; n < size(); ++n) {
    if (const std::optional<pid_t> pid = home(n).agent_pid(); pid.has_value()) {
      ::kill(*pid, SIGKILL);
      ended.push_back(*pid);
    }
  }
  (void)eventually([&] { return std::all_of(ended.begin(), ended.end(), is_dead); }, base::Seconds(5));
}

void Swarm::note(std::size_t n) {
  const nlohmann::json status = control(n, "/v1/status");
  const nlohmann::json view = network(n);
  if (!status.is_object() || !view.is_object()) {
    throw std::runtime_error("agent " + std::to_string(n) + " does not answer");
  }
  const base::Result<peer::PeerId> id = peer::parse_peer_id(view.at("peer_id").get<std::string>());
  if (!id) {
    throw std::runtime_error("agent " + std::to_string(n) + " has no overlay: " + view.dump());
  }
  m_pids.resize(size(), -1);
  m_ids.resize(size());
  m_pids[n] = status.at("pid").get<pid_t>();
  m_ids[n] = *id;
}

void Swarm::assemble() {
  start();
  for (std::size_t n = 0; n < size(); ++n) {
    note(n);
  }
  REQUIRE(eventually([&] { return all_eligible(peers(0)) && settled(); }, base::Seconds(60)));
}

void Swarm::revive() {
  for (std::size_t n = 0; n < size(); ++n) {
    if (!control(n, "/v1/status").is_object()) {
      start(n, n == 0 ? std::string() : address(0));
    }
    note(n);
  }
}

void Swarm::signal(std::size_t n, int number) const {
  const pid_t target = pid(n);
  ::kill(target, number);
  if (number == SIGSTOP) {
    (void)eventually([&] { return is_stopped(n); }, base::Seconds(5));
  } else if (number == SIGKILL) {
    (void)eventually([&] { return is_dead(target); }, base::Seconds(5));
  }
}

bool Swarm::is_stopped(std::size_t n) const {
  return state_of(pid(n)) == 'T';
}

bool Swarm::is_alive(std::size_t n) const {
  return !is_dead(pid(n));
}

std::uint64_t Swarm::total(const std::string& name) const {
  std::uint64_t sum = 0;
  for (std::size_t n = 0; n < size(); ++n) {
    const nlohmann::json told = is_stopped(n) ? nlohmann::json() : stats(n);
    sum += told.is_object() ? told.at(nlohmann::json::json_pointer("/" + name)).get<std::uint64_t>() : 0;
  }
  return sum;
}

std::vector<std::size_t> Swarm::owners(const std::string& path) const {
  github::OriginMap origins;
  origins.github_api = {"http", "127.0.0.1", github.port()};
  const http::Headers headers{{"Host", "api.github.com"}, {"Authorization", "token " + std::string(tokens::user_1)}};
  const base::Result<github::CanonicalRequest> request = github::canonicalise("GET", "/" + path, headers, origins);
  if (!request) {
    throw std::runtime_error("no request: " + path);
  }
  const mesh::SlotKey slot = mesh::slot_key(request->resource, request->key, request->credential.fingerprint);
  std::vector<std::size_t> ranked(size());
  std::iota(ranked.begin(), ranked.end(), 0);
  std::sort(ranked.begin(), ranked.end(),
            [&](std::size_t a, std::size_t b) { return mesh::rank(slot, id(a)) > mesh::rank(slot, id(b)); });
  return ranked;
}

std::string Swarm::fresh_path() {
  const int number = ++m_last_path;
  return "repos/acme/widgets/issues/" + std::to_string(1 + number % 250) + "?fresh=" + std::to_string(number);
}

std::string Swarm::truth_of(const std::string& path) const {
  std::string body = github.get("/" + path, tokens::user_1).body;
  github.reset_counters();
  return body;
}

std::uint64_t Swarm::calls_of(const std::string& path) const {
  const StandInCounters counters = github.counters();
  const auto found = counters.targets.find("GET /" + path);
  return found == counters.targets.end() ? 0 : found->second;
}

}  // namespace ghoard::testing
