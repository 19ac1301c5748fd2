#include "cli/agent/control.hpp"

#include <array>
#include <doctest/doctest.h>
#include <map>
#include <set>

#include "tests/cli/agent/fake_sink.hpp"
#include "tests/cli/home.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/scripted_upstream.hpp"

using namespace ghoard;
using testing::FakeSink;

namespace {

settings::Settings settings_of(const settings::Paths& paths, std::map<std::string, std::string> flags) {
  flags.try_emplace("enable_p2p", flags.empty() ? "false" : "true");
  return settings::Settings::load(
             paths, [](const std::string&) { return std::nullopt; }, flags)
      .value();
}

/// Without `flags` peer sharing is switched off.
struct Rig {
  explicit Rig(const std::map<std::string, std::string>& flags = {})
      : paths{home.root() / "config", home.root() / "cache", home.root(), home.root()},
        engine(store, upstream, clock, {}),
        sharing({loop, clock, log, paths}, settings_of(paths, flags), {}) {
    sharing.start(engine);
  }

  testing::Home home;
  settings::Paths paths;
  boost::asio::io_context loop;
  testing::ManualClock clock;
  agent::Log log{clock, -1, agent::Log::Level::error};
  testing::FakeUpstream upstream;
  testing::MemoryStore store;
  cache::Metrics metrics;
  github::RateBook rates;
  int forgotten = 0;
  int stopped = 0;
  std::optional<base::Seconds> ahead;
  cache::Engine engine;
  agent::Sharing sharing;
  agent::Control control{{store,
                          metrics,
                          rates,
                          sharing,
                          clock,
                          {77, "1.2.3", 4, "/run/s", "https://api.github.com", "hash", false},
                          [] { return std::size_t{9}; },
                          [this] { ++forgotten; },
                          [this] { ++stopped; },
                          [this] { return ahead; }}};

  std::shared_ptr<FakeSink> ask(const std::string& method, const std::string& target, const std::string& body = {},
                                http::Headers headers = {{"Host", "ghoard"}, {"Ghoard-Control", "1"}}) {
    auto sink = std::make_shared<FakeSink>();
    cache::IncomingRequest request;
    request.method = method;
    request.target = target;
    request.headers = std::move(headers);
    request.body = body;
    control.handle(std::move(request), sink);
    return sink;
  }

  void put(const std::string& path, const std::string& query, const std::string& body) {
    cache::Resource resource{"api.github.com", path, query, std::string(github::default_accept),
                             std::string(github::default_api_version)};
    cache::Entry entry;
    entry.response.body = std::make_shared<const std::string>(body);
    entry.response.fetched_at = clock.wall();
    entry.response.lifetime = base::Seconds(300);
    entry.response.etag_class = github::EtagClass::object_sha;
    entry.grant.fingerprint = base::sha256("token");
    entry.grant.proven_at = clock.wall();
    REQUIRE(store.put(resource, github::key_of(resource), entry));
  }
};

std::set<std::string> keys_of(const nlohmann::json& document) {
  std::set<std::string> keys;
  for (const auto& [name, value] : document.items()) {
    keys.insert(name);
  }
  return keys;
}

}  // namespace

TEST_CASE("status says who and where the agent is") {
  Rig rig;
  rig.clock.advance(base::Seconds(61));
  const nlohmann::json status = rig.ask("GET", "/v1/status")->json();
  CHECK(status["pid"] == 77);
  CHECK(status["version"] == "1.2.3");
  CHECK(status["protocol"] == 4);
  CHECK(status["socket"] == "/run/s");
  CHECK(status["peer_id"] == "");
  CHECK(status["listen"] == nlohmann::json::array());
  CHECK(status["api_url"] == "https://api.github.com");
  CHECK(status["uptime_seconds"] == 61);
  CHECK(status["connections"] == 9);
  CHECK(status["degraded"] == "kept in memory for a test");
  CHECK(status.contains("started"));
  CHECK(status["overlay"] == "off");
  CHECK(status["overlay_reason"] == "peer sharing is switched off (enable_p2p)");
  CHECK(status["clock_ahead_seconds"].is_null());
  rig.ahead = base::Seconds(-700);
  CHECK(rig.ask("GET", "/v1/status")->json()["clock_ahead_seconds"] == -700);
}

TEST_CASE("stats have exactly the contract's keys and the leases, and they add up") {
  Rig rig;
  rig.metrics = {rig.clock.wall(), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  rig.put("/repos/o/r", "", "four");
  const nlohmann::json stats = rig.ask("GET", "/v1/stats")->json();
  CHECK(keys_of(stats) == std::set<std::string>{"since", "requests", "hits", "peer_hits", "coalesced", "revalidated",
                                                "misses", "bypassed", "errors", "stale_served", "api_calls_made",
                                                "api_calls_saved", "upstream_requests", "connected_peers", "evictions",
                                                "cache_entries", "cache_bytes", "leases"});
  CHECK(stats["requests"] == 1 + 2 + 3 + 4 + 5 + 6 + 7);
  CHECK(stats["api_calls_saved"] == 1 + 2 + 3 + 4);
  CHECK(stats["api_calls_made"] == 9);
  CHECK(stats["upstream_requests"] == 10);
  CHECK(stats["since"] == 1767225600);
  CHECK(stats["cache_entries"] == 1);
}

TEST_CASE("rates are told per token, by the beginning of its fingerprint alone") {
  Rig rig;
  const github::Fingerprint fingerprint = base::sha256("token");
  const base::WallTime reset = rig.clock.wall() + base::Seconds(600);
  rig.rates.observe("api.github.com", fingerprint, {"core", 5000, 4990, 10, reset}, rig.clock.wall());
  rig.rates.observe("api.github.com", github::anonymous_fingerprint(), {"core", 60, 59, 1, reset}, rig.clock.wall());
  const nlohmann::json lines = rig.ask("GET", "/v1/rate")->json()["rate"];
  REQUIRE(lines.size() == 2);
  std::set<std::string> tokens;
  for (const nlohmann::json& line : lines) {
    tokens.insert(line["token"].get<std::string>());
    CHECK(line["host"] == "api.github.com");
    CHECK(line["resource"] == "core");
    CHECK(line["reset"] == 1767225600 + 600);
    CHECK(line["seen"] == 1767225600);
  }
  CHECK(tokens == std::set<std::string>{fingerprint.base64().substr(0, 8), "anonymous"});
}

TEST_CASE("the listing can be narrowed and limited") {
  Rig rig;
  rig.put("/repos/o/r", "", "a");
  rig.put("/repos/o/r", "page=2&q=a%20b", "bb");
  rig.put("/user", "", "ccc");
  rig.clock.advance(base::Seconds(10));
  CHECK(rig.ask("GET", "/v1/cache")->json()["entries"].size() == 3);
  CHECK(rig.ask("GET", "/v1/cache?limit=2")->json()["entries"].size() == 2);
  CHECK(rig.ask("GET", "/v1/cache?path=%2Frepos%2Fo%2Fr")->json()["entries"].size() == 2);
  CHECK(rig.ask("GET", "/v1/cache?host=elsewhere")->json()["entries"].empty());
  const nlohmann::json lines =
      rig.ask("GET", "/v1/cache?path=/repos/o/r&query=page%3D2%26q%3Da%2520b")->json()["entries"];
  REQUIRE(lines.size() == 1);
  CHECK(lines[0]["bytes"] == 2);
  CHECK(lines[0]["age"] == 10);
  CHECK(lines[0]["ttl"] == 290);
  CHECK(lines[0]["grants"] == 1);
  CHECK(lines[0]["etag_class"] == "object_sha");
  CHECK(lines[0]["accept"] == github::default_accept);
  CHECK(rig.ask("GET", "/v1/cache?limit=many")->status() == 400);
}

TEST_CASE("entries are removed by selection, and the memory is forgotten with them") {
  Rig rig;
  rig.put("/repos/o/r", "", "a");
  rig.put("/repos/o/r", "page=2", "b");
  rig.put("/user", "", "c");
  CHECK(rig.ask("POST", "/v1/cache/remove", R"({"path":"/repos/o/r","query":"page=2"})")->json()["removed"] == 1);
  CHECK(rig.forgotten == 1);
  CHECK(rig.store.size().entries == 2);
  CHECK(rig.ask("POST", "/v1/cache/clear")->json()["removed"] == 2);
  CHECK(rig.forgotten == 2);
  CHECK(rig.store.size().entries == 0);
}

TEST_CASE("a removal that names nothing, or something unknown, removes nothing") {
  Rig rig;
  rig.put("/user", "", "c");
  for (const char* body : {"", "{}", "[]", "null", R"({"path":1})", R"({"paht":"/user"})", R"({"path":"/user")"}) {
    CAPTURE(body);
    CHECK(rig.ask("POST", "/v1/cache/remove", body)->status() == 400);
  }
  CHECK(rig.ask("POST", "/v1/cache/remove", std::string(70'000, ' '))->status() == 413);
  CHECK(rig.store.size().entries == 1);
}

TEST_CASE("stopping is answered first and done once") {
  Rig rig;
  CHECK(rig.ask("POST", "/v1/stop")->json()["stopping"] == true);
  CHECK(rig.stopped == 1);
  rig.ask("GET", "/v1/status");
  CHECK(rig.stopped == 1);
}

TEST_CASE("changing state needs POST and the control header; unknown paths are not found") {
  Rig rig;
  rig.put("/user", "", "c");
  for (const char* path : {"/v1/stop", "/v1/cache/clear", "/v1/cache/remove"}) {
    CAPTURE(path);
    CHECK(rig.ask("POST", path, "{}", {{"Host", "ghoard"}})->status() == 403);
    CHECK(rig.ask("POST", path, "{}", {{"Host", "ghoard"}, {"Ghoard-Control", "2"}})->status() == 403);
    const auto wrong = rig.ask("GET", path);
    CHECK(wrong->status() == 405);
    CHECK(wrong->reply->headers.get("Allow") == "POST");
  }
  CHECK(rig.ask("POST", "/v1/stats")->status() == 405);
  CHECK(rig.ask("HEAD", "/v1/stats")->status() == 200);
  CHECK(rig.ask("GET", "/v1/")->status() == 404);
  CHECK(rig.ask("GET", "/")->status() == 404);
  CHECK(rig.stopped == 0);
  CHECK(rig.store.size().entries == 1);
}

TEST_CASE("without an overlay peers and network answer with all their keys, and nobody can be added") {
  Rig rig;
  CHECK(rig.ask("GET", "/v1/peers")->json() == nlohmann::json{{"peers", nlohmann::json::array()}});
  const nlohmann::json network = rig.ask("GET", "/v1/network")->json();
  CHECK(network["overlay"] == "off");
  CHECK(network["is_fault"] == false);
  CHECK(network["key_kind"] == "none");
  CHECK(network["key_id"] == "");
  CHECK(network["listen"] == nlohmann::json::array());
  for (const std::string path : {"/v1/peers/add", "/v1/peers/remove"}) {
    const char* body =
        path.ends_with("add")
            ? R"({"address":"/ip4/10.0.0.1/tcp/1/p2p/12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq"})"
            : R"({"peer":"12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq"})";
    const auto refused = rig.ask("POST", path, body);
    CHECK(refused->status() == 409);
    CHECK(refused->json()["ghoard_error"] == "overlay_off");
    CHECK(rig.ask("POST", path, "[]")->status() == 400);
    CHECK(rig.ask("POST", path, R"({"address":1})")->status() == 400);
  }
}

TEST_CASE("with an overlay peers can be added, listed and removed, and network names the key without telling it") {
  const std::string key = peer::make_network_key(std::array<std::uint8_t, 32>{7});
  Rig rig({{"listen_addr", "127.0.0.1"}, {"listen_port", "0"}, {"network_key", key}});
  const std::string address = "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq";
  const nlohmann::json network = rig.ask("GET", "/v1/network")->json();
  CHECK(network["overlay"] == "on");
  CHECK(network["key_kind"] == "network-key");
  CHECK(network["key_id"].get<std::string>().size() == 8);
  CHECK(network["accepted_keys"] == 1);
  CHECK(network["slow"] == false);
  REQUIRE(network["listen"].size() == 1);
  CHECK(network["listen"][0].get<std::string>().starts_with("/ip4/127.0.0.1/tcp/"));
  CHECK(network.dump().find(key.substr(6, 20)) == std::string::npos);
  const nlohmann::json status = rig.ask("GET", "/v1/status")->json();
  CHECK(status["listen"] == network["listen"]);
  CHECK(network["listen"][0].get<std::string>().ends_with("/p2p/" + status["peer_id"].get<std::string>()));

  CHECK(rig.ask("POST", "/v1/peers/add", nlohmann::json{{"address", address}}.dump())->status() == 200);
  const nlohmann::json peers = rig.ask("GET", "/v1/peers")->json()["peers"];
  REQUIRE(peers.size() == 1);
  CHECK(peers[0]["addresses"] == nlohmann::json{address});
  CHECK(peers[0]["state"] == "known");
  CHECK(peers[0]["slow"] == false);
  const std::string self = nlohmann::json{{"address", network["listen"][0]}}.dump();
  CHECK(rig.ask("POST", "/v1/peers/add", self)->json()["message"] == "that is this very agent");
  CHECK(rig.ask("POST", "/v1/peers/add", R"({"address":"10.0.0.1:9100"})")->status() == 400);

  const std::string by_address = nlohmann::json{{"peer", address}}.dump();
  CHECK(rig.ask("POST", "/v1/peers/remove", by_address)->json()["removed"] == true);
  CHECK(rig.ask("POST", "/v1/peers/remove", by_address)->json()["removed"] == false);
  CHECK(rig.ask("GET", "/v1/peers")->json()["peers"].empty());
}
