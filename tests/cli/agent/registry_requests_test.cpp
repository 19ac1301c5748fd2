#include "cli/agent/registry_requests.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <doctest/doctest.h>

#include "core/cache/engine.hpp"
#include "net/upstream/curl_upstream.hpp"
#include "tests/core/mesh/registry_rig.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/scripted_upstream.hpp"
#include "tests/support/standin.hpp"

using namespace ghoard;
using namespace ghoard::testing;

namespace {

using base::Seconds;

cache::EngineOptions engine_options(std::uint16_t port) {
  cache::EngineOptions options;
  options.origins.github_api = {"http", "127.0.0.1", port};
  options.user_agent = "ghoard/test";
  return options;
}

/// An agent's engine and its discovery, over real HTTP.
struct Machine {
  Machine(boost::asio::io_context& loop, const StandIn& github, ManualClock& clock, std::uint8_t number,
          std::string_view token)
      : upstream(*upstream::CurlUpstream::create(loop, {})),
        engine(store, *upstream, clock, engine_options(github.port())),
        requests(engine, *base::SecretBytes::copy(token),
                 [&loop](std::function<void()> next) { boost::asio::post(loop, std::move(next)); }),
        agent(number, requests, clock) {
    start("acme/sandbox");
  }
  void start(const std::string& repository) {
    mesh::RegistryOptions options;
    options.place = {repository, "default"};
    options.keys.push_back(registry_key(1));
    options.identity = agent.identity;
    agent.registry = std::make_unique<mesh::Registry>(std::move(options), *agent.members, requests, agent.clock,
                                                      [this] { return agent.random(); });
  }

  MemoryStore store;
  std::unique_ptr<upstream::CurlUpstream> upstream;
  cache::Engine engine;
  agent::RegistryRequests requests;
  RegistryAgent agent;
};

struct Machines {
  explicit Machines(const std::vector<std::string_view>& tokens) {
    clock.jump_wall(std::chrono::sys_days{std::chrono::year{2024} / 1 / 1} + std::chrono::hours{12} - clock.wall());
    for (const std::string_view token : tokens) {
      all.push_back(std::make_unique<Machine>(loop, github, clock, static_cast<std::uint8_t>(all.size() + 1), token));
    }
  }
  void run(base::Millis time, base::Millis step = Seconds{10}) {
    for (const base::MonoTime end = clock.mono() + time; clock.mono() < end; clock.advance(step)) {
      for (const auto& machine : all) {
        machine->engine.tick();
        machine->agent.registry->tick();
        settle(*machine);
      }
    }
  }
  /// Until it waits for nothing any more; a chain of requests asks the next one from within.
  void settle(Machine& machine) {
    loop.restart();
    while (machine.requests.under_way() > 0 && loop.run_one_for(Seconds{20}) > 0) {
    }
    REQUIRE(machine.requests.under_way() == 0);
  }
  void link_all() {
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t j = i + 1; j < all.size(); ++j) {
        link_agents(all[i]->agent, all[j]->agent);
      }
    }
  }
  [[nodiscard]] std::uint64_t made() const {
    std::uint64_t sum = 0;
    for (const auto& machine : all) {
      sum += machine->engine.metrics().api_calls_made;
    }
    return sum;
  }
  [[nodiscard]] std::uint64_t sent() const {
    std::uint64_t sum = 0;
    for (const auto& machine : all) {
      sum += machine->engine.metrics().upstream_requests;
    }
    return sum;
  }

  StandIn github;
  ManualClock clock;
  boost::asio::io_context loop;
  std::vector<std::unique_ptr<Machine>> all;
};

}  // namespace

TEST_CASE("five agents find each other through a repository, and a day of it costs what is promised") {
  Machines machines({tokens::user_1, tokens::user_1, tokens::user_1, tokens::user_1, tokens::user_1});
  machines.run(std::chrono::minutes{30});
  for (const auto& machine : machines.all) {
    CHECK(machine->agent.registry->status().peers == 4);
    CHECK(machine->agent.registry->status().problem.empty());
  }
  machines.link_all();
  machines.run(std::chrono::hours{1});

  // A quiet day: one of five reads, and nothing that it reads is paid for.
  machines.github.reset_counters();
  const std::uint64_t made_before = machines.made();
  const std::uint64_t sent_before = machines.sent();
  machines.run(std::chrono::hours{24}, Seconds{20});
  StandInCounters day = machines.github.counters();
  CHECK(day.quota_spent == 0);
  CHECK(day.requests >= 90);
  CHECK(day.requests <= 97);
  CHECK(day.not_modified == day.requests);
  CHECK(machines.sent() - sent_before == day.requests);
  CHECK(machines.made() - made_before == day.quota_spent);

  // The two days in which all of them write again: at most two paid calls a day for each peer.
  machines.github.reset_counters();
  machines.run(std::chrono::hours{48}, Seconds{20});
  StandInCounters two_days = machines.github.counters();
  CHECK(two_days.quota_spent >= 5);
  CHECK(two_days.quota_spent <= 2 * 2 * 5);
  CHECK(machines.made() - made_before == day.quota_spent + two_days.quota_spent);
  CHECK(machines.sent() - sent_before == day.requests + two_days.requests);
}

TEST_CASE("what discovery asks is none of the requests that stats tell, and saves nobody a call") {
  Machines machines({tokens::user_1});
  machines.run(std::chrono::hours{1});
  const cache::Metrics& metrics = machines.all[0]->engine.metrics();
  CHECK(metrics.requests() == 0);
  CHECK(metrics.api_calls_saved() == 0);
  const StandInCounters counters = machines.github.counters();
  CHECK(counters.requests > 0);
  CHECK(metrics.upstream_requests == counters.requests);
  CHECK(metrics.api_calls_made == counters.quota_spent);
}

TEST_CASE("an agent that starts again pays for nothing it has read before") {
  Machines machines({tokens::user_1});
  machines.run(std::chrono::minutes{40});
  machines.all[0]->start("acme/sandbox");
  machines.github.reset_counters();
  machines.run(std::chrono::minutes{20});
  const StandInCounters counters = machines.github.counters();
  CHECK(counters.requests >= 2);
  CHECK(counters.quota_spent == 0);
  CHECK(machines.all[0]->agent.registry->status().published);
}

TEST_CASE("a comment edited by one agent is seen by another at its next read, with another token") {
  Machines machines({tokens::user_1, tokens::user_2});
  machines.run(std::chrono::minutes{10});
  CHECK(machines.all[0]->agent.registry->status().peers == 1);
  CHECK(machines.all[1]->agent.registry->status().peers == 1);
}

TEST_CASE("a token that does not see the repository stops discovery for an hour, and says so") {
  Machines machines({tokens::user_3});
  machines.all[0]->start("acme/secrets");
  machines.run(std::chrono::minutes{50});
  CHECK(machines.github.counters().requests == 1);
  CHECK(machines.all[0]->agent.registry->status().problem.find("404") != std::string::npos);
}

TEST_CASE("a limited token waits as long as GitHub says, and then goes on") {
  Machines machines({tokens::user_1});
  StandInFault fault;
  fault.kind = "status";
  fault.status = 429;
  fault.headers = {{"Retry-After", "1800"}};
  fault.body = R"({"message":"You have exceeded a secondary rate limit"})";
  machines.github.fault(fault);
  machines.run(std::chrono::minutes{29});
  CHECK(machines.github.counters().requests == 1);
  machines.run(std::chrono::minutes{10});
  CHECK(machines.all[0]->agent.registry->status().published);
}

namespace {

/// One agent's requests on an upstream that answers as a test says.
struct Scripted {
  void ask(std::string method, std::string target, std::string body) {
    requests.ask(std::move(method), std::move(target), std::move(body),
                 [this](const mesh::RegistryAnswer& answer) { statuses.push_back(answer.status); });
  }

  ManualClock clock;
  MemoryStore store;
  FakeUpstream upstream;
  cache::Engine engine{store, upstream, clock, engine_options(1)};
  std::vector<int> statuses;
  agent::RegistryRequests requests{engine, *base::SecretBytes::copy(tokens::user_1),
                                   [](const std::function<void()>& next) { next(); }};
};

}  // namespace

TEST_CASE("an answer that breaks off or never comes is no answer") {
  Scripted agent;
  agent.ask("POST", "/repos/o/r/issues", "{}");
  agent.upstream.send_head(0, 201, {{"Content-Type", "application/json"}});
  agent.upstream.send_data(0, std::string(400 * 1024, 'x'));  // more than a relay gathers
  agent.upstream.fail(0, {base::ErrorCode::unavailable, "reset"});
  agent.upstream.pump();
  CHECK(agent.statuses == std::vector<int>{0});
  CHECK(agent.requests.under_way() == 0);
}

TEST_CASE("an answer of any length costs no more memory than the longest one that is read") {
  Scripted agent;
  agent.ask("GET", "/repos/o/r/issues/1/comments", {});
  agent.upstream.send_head(0, 200, {{"Content-Type", "application/json"}});
  for (int i = 0; i < 40; ++i) {
    agent.upstream.send_data(0, std::string(1 << 20, ' '));
    agent.upstream.pump();
  }
  CHECK(agent.statuses == std::vector<int>{0});
}
