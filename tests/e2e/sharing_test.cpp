// One question to GitHub, asked once: real commands, a real agent, and a server that counts.

#include <algorithm>

#include "tests/e2e/rig.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using namespace std::chrono_literals;

TEST_CASE("50 parallel first calls of one endpoint give one agent, one upstream request and 50 right answers") {
  Rig rig;
  const std::string truth = rig.github.get("/repos/acme/widgets", tokens::user_1).body;
  rig.github.reset_counters();
  rig.github.set_latency(200ms);
  const auto results = run_parallel(std::vector<Command>(50, rig.api({"repos/acme/widgets"})));
  for (const ProcessResult& result : results) {
    CHECK_FALSE(result.timed_out);  // the pipes reached end of file: the agent holds none of them
    CHECK(result.exit_code == 0);
    CHECK(result.err == "");
    CHECK(result.out == truth);
  }
  CHECK(rig.github.counters().requests == 1);
  CHECK(agents_of(rig.home).size() == 1);
  rig.check_truth_in_counting();
  const auto stats = rig.stats();
  CHECK(stats.at("misses") == 1);
  CHECK(stats.at("coalesced").get<int>() + stats.at("hits").get<int>() == 49);
}

TEST_CASE("the predecessor's case: 10 callers, 50 ms, one key, one call") {
  Rig rig;
  rig.github.set_latency(50ms);
  const auto results = run_parallel(std::vector<Command>(10, rig.api({"repos/acme/widgets/issues"})));
  CHECK(std::all_of(results.begin(), results.end(), [](const ProcessResult& r) { return r.exit_code == 0; }));
  CHECK(rig.github.counters().requests == 1);
  rig.check_truth_in_counting();
}

TEST_CASE(
    "two tokens at once on a private object: the entitled one gets it, the other a 404 of its own, no byte crosses") {
  Rig rig;
  rig.github.set_latency(100ms);
  for (int round = 0; round < 5; ++round) {
    std::vector<Command> commands;
    for (int i = 0; i < 4; ++i) {
      commands.push_back(rig.api({"repos/acme/payroll"}, tokens::user_1));
      commands.push_back(rig.api({"repos/acme/payroll"}, tokens::user_3));
    }
    const auto results = run_parallel(commands);
    for (std::size_t i = 0; i < results.size(); i += 2) {
      CHECK(results[i].exit_code == 0);
      CHECK(results[i].out.find("\"full_name\":\"acme/payroll\"") != std::string::npos);
      CHECK(results[i + 1].exit_code == 1);
      CHECK(results[i + 1].out.find("payroll") == std::string::npos);
      CHECK(results[i + 1].err.find("Not Found (HTTP 404)") != std::string::npos);
    }
    CHECK(rig.home.run({"ghoard", "cache", "clear"}).exit_code == 0);
  }
  rig.check_truth_in_counting();
}

TEST_CASE("20 rotating tokens over 10 resources cost 10 answers, not 200") {
  Rig rig;
  std::vector<std::string> paths;
  for (int i = 1; i <= 10; ++i) {
    paths.push_back("repos/acme/widgets/issues/" + std::to_string(i));
  }
  for (int i = 0; i < 20; ++i) {
    const std::string token = tokens::rotating(i);
    for (const std::string& path : paths) {
      const ProcessResult result = rig.run_api({path}, token);
      REQUIRE(result.exit_code == 0);
      CHECK(result.out == rig.github.get("/" + path, token).body);
    }
  }
  CHECK(rig.stats().at("api_calls_made") == 10);
  CHECK(rig.stats().at("revalidated") == 190);
}

TEST_CASE("an answer survives the agent: after a restart it is a hit") {
  Rig rig;
  const ProcessResult first = rig.run_api({"repos/acme/widgets"});
  REQUIRE(first.exit_code == 0);
  CHECK(rig.home.run({"ghoard", "agent", "restart"}).exit_code == 0);
  const ProcessResult second = rig.run_api({"repos/acme/widgets", "-i"});
  CHECK(second.out.find("ghoard; hit") != std::string::npos);
  CHECK(rig.github.counters().requests == 1);
  CHECK(rig.stats().at("hits") == 1);
  rig.home.stop_agent();
  Command direct = rig.api({"repos/acme/widgets", "-i", "--no-spawn"});
  const ProcessResult third = run(direct);
  CHECK(third.exit_code == 0);
  CHECK(third.out.find("detail=direct") != std::string::npos);
  CHECK(agents_of(rig.home).empty());
  CHECK(rig.github.counters().requests == 1);
}

TEST_CASE("where no agent may be started, a miss is answered by a one-shot agent that leaves nothing running") {
  Rig rig;
  rig.home.set("GHOARD_NO_SPAWN", "1");
  const ProcessResult first = rig.run_api({"repos/acme/widgets"});
  CHECK(first.exit_code == 0);
  CHECK(first.out == rig.github.get("/repos/acme/widgets", tokens::user_1).body);
  CHECK(agents_of(rig.home).empty());
  const ProcessResult second = rig.run_api({"repos/acme/widgets", "-i"});
  CHECK(second.out.find("ghoard; hit") != std::string::npos);
  CHECK(rig.github.counters().count("GET /repos/acme/widgets") == 2);  // one of them this test's own
}

TEST_CASE("after the TTL a 304 arms the answer again and the server's count proves that no quota was spent") {
  Rig rig;
  rig.home.set("GHOARD_DEFAULT_TTL", "1");
  REQUIRE(rig.run_api({"repos/acme/widgets"}).exit_code == 0);
  CHECK(eventually([&] {
    return rig.run_api({"repos/acme/widgets", "-i"}).out.find("fwd-status=304") != std::string::npos;
  }));
  const StandInCounters counted = rig.github.counters();
  CHECK(counted.not_modified >= 1);
  CHECK(counted.quota_spent == 1);
  rig.check_truth_in_counting();
}

TEST_CASE("curl and Python-like clients share the same answers over the same socket") {
  Rig rig;
  REQUIRE(rig.run_api({"repos/acme/widgets"}).exit_code == 0);
  auto client = HttpClient::unix_socket((rig.home.run_directory() / "agent.sock").string());
  REQUIRE(client.has_value());
  const auto answer = client->exchange("GET", "/repos/ACME/Widgets",
                                       {{"Host", "api.github.com"},
                                        {"Accept", "application/json"},
                                        {"Authorization", "Bearer " + std::string(tokens::user_1)}});
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
  CHECK(answer->headers.get("Cache-Status").find("ghoard; hit") != std::string_view::npos);
  CHECK(answer->headers.contains("Ghoard-Agent"));
  CHECK(rig.github.counters().requests == 1);
  rig.check_truth_in_counting();
}
