#include "core/mesh/registry.hpp"

#include <doctest/doctest.h>

#include "core/mesh/registry_limits.hpp"
#include "tests/core/mesh/registry_rig.hpp"

using namespace ghoard;
using namespace ghoard::mesh;
using namespace ghoard::testing;

namespace {

using base::Seconds;
constexpr Seconds minute{60};
constexpr Seconds hour{3'600};
constexpr Seconds day{24 * 3'600};

/// Agents that share one repository and one clock.
struct Fleet {
  RegistryAgent& add(std::uint8_t network = 1) {
    const auto number = static_cast<std::uint8_t>(agents.size() + 1);
    apis.push_back(std::make_unique<FakeRegistryApi>(repository, std::to_string(number)));
    agents.push_back(std::make_unique<RegistryAgent>(number, *apis.back(), clock, network));
    return *agents.back();
  }
  void run(base::Millis time, base::Millis step = Seconds{1}) {
    for (const base::MonoTime end = clock.mono() + time; clock.mono() < end; clock.advance(step)) {
      for (const auto& agent : agents) {
        agent->registry->tick();
      }
    }
  }
  void link_all() {
    for (std::size_t i = 0; i < agents.size(); ++i) {
      for (std::size_t j = i + 1; j < agents.size(); ++j) {
        link_agents(*agents[i], *agents[j]);
      }
    }
  }
  /// As a peer of that number would write it now.
  [[nodiscard]] std::string comment_of(std::uint8_t number, std::uint64_t sequence, base::Millis age = Seconds{0},
                                       std::uint8_t network = 1) const {
    PublishedRecord published;
    published.record = {registry_identity(number).id(), sequence, {registry_address(number)}, true};
    published.written = clock.wall() - age;
    return *format_comment({"acme/peers", "default"}, registry_key(network), registry_identity(number), published,
                           some_nonce());
  }
  /// The address under which that peer was dialled by the agent.
  [[nodiscard]] static std::string dialled_at(RegistryAgent& agent, std::uint8_t number) {
    agent.members->tick();
    agent.clock.advance(Seconds{2});
    agent.members->tick();
    const auto found = agent.links.dialled.find(registry_identity(number).id());
    return found == agent.links.dialled.end() ? "" : found->second.front().text();
  }

  ManualClock clock;
  FakeRepository repository;
  std::vector<std::unique_ptr<FakeRegistryApi>> apis;
  std::vector<std::unique_ptr<RegistryAgent>> agents;
};

RegistryAnswer refused(int status, http::Headers headers = {}, std::string body = {}) {
  return {status, std::move(headers), std::make_shared<const std::string>(std::move(body))};
}

}  // namespace

TEST_CASE("the first peer makes the issue, and the second one finds the first") {
  Fleet fleet;
  RegistryAgent& first = fleet.add();
  fleet.run(2 * minute);
  REQUIRE(fleet.repository.issues.size() == 1);
  CHECK(fleet.repository.issues[0].title == registry_title);
  REQUIRE(fleet.repository.comments.size() == 1);
  CHECK(first.registry->status().published);

  RegistryAgent& second = fleet.add();
  fleet.run(minute);
  CHECK(second.knows(first));
  CHECK(Fleet::dialled_at(second, 1) == registry_address(1).text());
  CHECK(fleet.repository.issues.size() == 1);
  CHECK(fleet.repository.comments.size() == 2);
  CHECK(second.registry->status().peers == 1);
  CHECK(second.registry->status().issue == fleet.repository.issues[0].number);
}

TEST_CASE("peers that start together end with one issue that all read and write") {
  Fleet fleet;
  for (int i = 0; i < 8; ++i) {
    fleet.add();
  }
  fleet.run(10 * minute);
  const std::uint64_t used = fleet.repository.issues.front().number;
  for (const auto& agent : fleet.agents) {
    CHECK(agent->registry->status().issue == used);
    CHECK(agent->registry->status().published);
    CHECK(agent->registry->status().peers == 7);
  }
}

TEST_CASE("of two issues the lowest number wins, and the other one is read once") {
  Fleet fleet;
  const std::uint64_t low = fleet.repository.add_issue(std::string(registry_title));
  const std::uint64_t high = fleet.repository.add_issue(std::string(registry_title));
  fleet.repository.add_comment(high, fleet.comment_of(9, 3));
  RegistryAgent& agent = fleet.add();
  fleet.run(2 * hour);
  CHECK(agent.registry->status().issue == low);
  CHECK(Fleet::dialled_at(agent, 9) == registry_address(9).text());
  const std::string other = "/repos/acme/peers/issues/" + std::to_string(high) + "/comments";
  CHECK(std::count_if(fleet.repository.calls.begin(), fleet.repository.calls.end(),
                      [&](const FakeRepository::Call& call) { return call.target.starts_with(other); }) == 1);
}

TEST_CASE("pull requests, closed issues and other titles are not the registry") {
  Fleet fleet;
  fleet.repository.add_issue(std::string(registry_title), true);
  fleet.repository.add_issue(std::string(registry_title));
  fleet.repository.issues.back().open = false;
  fleet.repository.add_issue("ghoard peer discovery?");
  RegistryAgent& agent = fleet.add();
  fleet.run(2 * minute);
  CHECK(agent.registry->status().issue == fleet.repository.issues.back().number);
  CHECK(fleet.repository.issues.size() == 4);
}

TEST_CASE("an issue behind hundreds of others is found") {
  Fleet fleet;
  for (int i = 0; i < 450; ++i) {
    fleet.repository.add_issue("Bug " + std::to_string(i));
  }
  const std::uint64_t number = fleet.repository.add_issue(std::string(registry_title));
  RegistryAgent& agent = fleet.add();
  fleet.run(minute);
  CHECK(agent.registry->status().issue == number);
}

TEST_CASE("a repository with too many open issues is left alone") {
  Fleet fleet;
  for (int i = 0; i < 1'200; ++i) {
    fleet.repository.add_issue("Bug " + std::to_string(i));
  }
  RegistryAgent& agent = fleet.add();
  fleet.run(30 * minute);
  CHECK(agent.registry->status().problem.find("too many open issues") != std::string::npos);
  CHECK(fleet.repository.calls.size() == registry::most_issue_pages);
}

TEST_CASE("alone, an agent reads after one minute, and ever more seldom") {
  Fleet fleet;
  fleet.add();
  fleet.run(2 * minute);
  fleet.repository.calls.clear();
  fleet.run(24 * hour, Seconds{10});
  CHECK(fleet.repository.count("GET") <= 24 * 4 + 6);
  CHECK(fleet.repository.count("GET") >= 24 * 3);
  CHECK(fleet.repository.count("POST") + fleet.repository.count("PATCH") == 0);
}

TEST_CASE("of linked peers one reads, every 15 minutes") {
  Fleet fleet;
  for (int i = 0; i < 5; ++i) {
    fleet.add();
  }
  fleet.run(30 * minute);
  fleet.link_all();
  fleet.run(hour, Seconds{10});
  fleet.repository.calls.clear();
  fleet.run(day, Seconds{10});
  std::set<std::string> readers;
  for (const FakeRepository::Call& call : fleet.repository.calls) {
    readers.insert(call.caller);
  }
  CHECK(readers.size() == 1);
  CHECK(fleet.repository.count("GET") <= 24 * 4 + 1);
  CHECK(fleet.repository.paid() == 0);
}

TEST_CASE("in the steady state a peer costs at most two paid calls a day, and writes six times an hour at most") {
  Fleet fleet;
  constexpr std::size_t peers = 5;
  for (std::size_t i = 0; i < peers; ++i) {
    fleet.add();
  }
  fleet.run(30 * minute);
  fleet.link_all();
  fleet.run(day, Seconds{10});
  fleet.repository.calls.clear();
  constexpr int days = 14;
  fleet.run(days * day, Seconds{30});
  CHECK(fleet.repository.paid() <= 2 * peers * days);
  for (const auto& agent : fleet.agents) {
    CHECK(agent->registry->status().peers == peers - 1);  // all stayed visible
    CHECK(fleet.repository.count("PATCH", std::to_string(agent->number)) >= days / 2 - 1);
  }
  CHECK(fleet.repository.comments.size() == peers);
}

TEST_CASE("addresses that change all the time are written six times an hour at most") {
  Fleet fleet;
  RegistryAgent& agent = fleet.add();
  MemberOptions options;
  options.self.id = agent.id();
  options.self.addresses = {registry_address(1)};
  options.listen_port = 9100;
  agent.members = std::make_unique<Members>(options, agent.links, fleet.clock, [&] { return agent.random(); });
  agent.start();
  fleet.run(2 * minute);
  fleet.repository.calls.clear();
  // Each newly linked peer saw the agent at another address.
  for (std::uint8_t i = 2; i < 250; ++i) {
    const PeerId peer = registry_identity(i).id();
    agent.members->link_up(peer, false, "10.0.0.99");
    agent.members->receive(peer, Hello{{peer, 1, {}, false}, "192.0.2." + std::to_string(i), 1, "ghoard/test"});
    fleet.run(Seconds{30});
  }
  const std::size_t writes = fleet.repository.count("PATCH");
  CHECK(writes >= 2);
  CHECK(writes <= 3 * registry::most_writes);
  CHECK(fleet.repository.comments.size() == 1);
}

TEST_CASE("an agent that starts again goes on with its comment, and writes nothing") {
  Fleet fleet;
  RegistryAgent& agent = fleet.add();
  fleet.run(2 * minute);
  REQUIRE(fleet.repository.comments.size() == 1);
  fleet.repository.calls.clear();
  agent.start();
  fleet.run(30 * minute);
  CHECK(fleet.repository.count("GET") == fleet.repository.calls.size());
  CHECK(agent.registry->status().published);
}

TEST_CASE("an agent that knows peers from elsewhere gives them time to answer before it asks GitHub") {
  Fleet fleet;
  RegistryAgent& agent = fleet.add();
  peer::Multiaddr address = registry_address(9);
  agent.members->add({registry_identity(9).id(), {address}});
  agent.start();
  fleet.run(Seconds{9});
  CHECK(fleet.repository.calls.empty());
  fleet.run(Seconds{15});
  CHECK_FALSE(fleet.repository.calls.empty());
}

TEST_CASE("whoever loses its last link looks for others within a minute") {
  Fleet fleet;
  RegistryAgent& one = fleet.add();
  RegistryAgent& other = fleet.add();
  fleet.run(30 * minute);
  link_agents(one, other);
  fleet.run(hour);
  fleet.repository.calls.clear();
  one.members->link_down(other.id(), LinkEnd::reset);
  fleet.run(minute + Seconds{1});
  CHECK(fleet.repository.count("GET", "1") >= 1);
}

TEST_CASE("an agent without an address publishes nothing, and makes no issue") {
  Fleet fleet;
  RegistryAgent& agent = fleet.add();
  MemberOptions options;
  options.self.id = agent.id();
  agent.members = std::make_unique<Members>(options, agent.links, fleet.clock, [&] { return agent.random(); });
  agent.start();
  fleet.run(hour);
  CHECK(fleet.repository.count("GET") == fleet.repository.calls.size());
  CHECK(fleet.repository.issues.empty());
}

TEST_CASE("another first network key seals the comment anew, and both keys are read meanwhile") {
  Fleet fleet;
  RegistryAgent& agent = fleet.add();
  fleet.run(2 * minute);
  const std::string before = fleet.repository.comments[0].body;
  fleet.repository.add_comment(fleet.repository.issues[0].number, fleet.comment_of(9, 1, Seconds{0}, 2));
  std::vector<base::SecretBytes> keys;
  keys.push_back(registry_key(2));
  keys.push_back(registry_key(1));
  agent.registry->set_keys(std::move(keys));
  fleet.run(3 * minute);
  CHECK(fleet.repository.comments[0].body != before);
  CHECK(fleet.repository.count("PATCH") == 1);
  CHECK(agent.registry->status().peers == 1);
}

// ---- hostile commenters -----------------------------------------------------------------------------

TEST_CASE("comments of strangers, and of other networks, change nothing") {
  Fleet fleet;
  const std::uint64_t issue = fleet.repository.add_issue(std::string(registry_title));
  fleet.repository.add_comment(issue, "what is this?");
  fleet.repository.add_comment(issue, fleet.comment_of(9, 1, Seconds{0}, 2));
  fleet.repository.add_comment(issue, std::string(registry_marker) + "\nAAAA");
  fleet.repository.add_comment(issue, fleet.comment_of(9, 1) + std::string(60'000, '\n'));
  std::string forged = fleet.comment_of(9, 1);
  forged[forged.size() - 3] = forged[forged.size() - 3] == 'A' ? 'B' : 'A';
  fleet.repository.add_comment(issue, forged);
  RegistryAgent& agent = fleet.add();
  fleet.run(2 * minute);
  CHECK(agent.registry->status().peers == 0);
  CHECK(agent.members->list().empty());
  CHECK(agent.registry->status().published);
  CHECK(agent.registry->status().problem.empty());
}

TEST_CASE("a record from the registry makes nobody live or an owner: it is only dialled") {
  Fleet fleet;
  const std::uint64_t issue = fleet.repository.add_issue(std::string(registry_title));
  fleet.repository.add_comment(issue, fleet.comment_of(9, 1));
  RegistryAgent& agent = fleet.add();
  fleet.run(minute);
  REQUIRE(agent.members->list().size() == 1);
  CHECK(agent.members->list()[0].state == MemberState::known);
  CHECK_FALSE(agent.members->list()[0].eligible);
  CHECK(agent.members->owners(SlotKey{}, 10).empty());
  CHECK(Fleet::dialled_at(agent, 9) == registry_address(9).text());
}

TEST_CASE("a replayed record with an older sequence moves nobody") {
  Fleet fleet;
  const std::uint64_t issue = fleet.repository.add_issue(std::string(registry_title));
  const auto moved = [&](std::uint64_t sequence, std::uint8_t address) {
    PublishedRecord published;
    published.record = {registry_identity(9).id(), sequence, {registry_address(address)}, true};
    published.written = fleet.clock.wall();
    return *format_comment({"acme/peers", "default"}, registry_key(1), registry_identity(9), published, some_nonce());
  };
  fleet.repository.add_comment(issue, moved(5, 50));
  fleet.repository.add_comment(issue, moved(4, 40));  // copied from earlier, and posted again
  RegistryAgent& agent = fleet.add();
  fleet.run(minute);
  CHECK(Fleet::dialled_at(agent, 9) == registry_address(50).text());
  // Even if only the old one is left.
  fleet.repository.comments[0].body = moved(4, 40);
  agent.links.dialled.clear();
  agent.members->dial_failed(registry_identity(9).id(), LinkEnd::silent);
  fleet.run(20 * minute);
  CHECK(Fleet::dialled_at(agent, 9) == registry_address(50).text());
}

TEST_CASE("records that are too old, or of the far future, are ignored") {
  Fleet fleet;
  const std::uint64_t issue = fleet.repository.add_issue(std::string(registry_title));
  fleet.repository.add_comment(issue, fleet.comment_of(8, 1, 8 * day));
  fleet.repository.add_comment(issue, fleet.comment_of(9, 1, -2 * day));
  fleet.repository.add_comment(issue, fleet.comment_of(10, 1, 6 * day));
  RegistryAgent& agent = fleet.add();
  fleet.run(minute);
  CHECK(agent.registry->status().peers == 1);
  CHECK(agent.members->list().size() == 1);
}

TEST_CASE("of thousands of comments four pages are read") {
  Fleet fleet;
  const std::uint64_t issue = fleet.repository.add_issue(std::string(registry_title));
  fleet.repository.add_comment(issue, fleet.comment_of(9, 1));
  for (int i = 0; i < 3'000; ++i) {
    fleet.repository.add_comment(issue, "spam");
  }
  RegistryAgent& agent = fleet.add();
  fleet.run(Seconds{30});
  CHECK(agent.registry->status().peers == 1);
  CHECK(fleet.repository.count("GET") == 1 + registry::most_comment_pages);
  CHECK(fleet.repository.count("POST") == 0);  // nobody would see it
  CHECK(agent.registry->status().problem.find("too many comments") != std::string::npos);
}

TEST_CASE("a copy of the own comment is not edited") {
  Fleet fleet;
  RegistryAgent& agent = fleet.add();
  fleet.run(2 * minute);
  const std::string copy = fleet.repository.comments[0].body;
  const std::uint64_t copied = fleet.repository.add_comment(fleet.repository.issues[0].number, copy);
  agent.start();
  fleet.run(3 * day, Seconds{30});
  CHECK(fleet.repository.count("PATCH") >= 1);
  CHECK(fleet.repository.comments[0].body != copy);
  CHECK(fleet.repository.comments[1].id == copied);
  CHECK(fleet.repository.comments[1].body == copy);
}

TEST_CASE("a comment that may not be edited is not the own one: another one is written") {
  Fleet fleet;
  RegistryAgent& agent = fleet.add();
  const std::uint64_t issue = fleet.repository.add_issue(std::string(registry_title));
  const std::uint64_t foreign = fleet.repository.add_comment(issue, fleet.comment_of(1, 0, 3 * day));
  fleet.repository.refusal = [&](const std::string&, const std::string& method, const std::string&) {
    return method == "PATCH" ? refused(403, {}, R"({"message":"Must have admin rights"})") : RegistryAnswer{};
  };
  fleet.run(10 * minute);
  CHECK(fleet.repository.count("PATCH") == 1);
  REQUIRE(fleet.repository.comments.size() == 2);
  CHECK(fleet.repository.comments[0].id == foreign);
  CHECK(agent.registry->status().published);
}

TEST_CASE("a deleted comment is written again, and a deleted issue is made again") {
  Fleet fleet;
  RegistryAgent& agent = fleet.add();
  fleet.run(2 * minute);
  fleet.repository.comments.clear();
  fleet.run(hour);
  CHECK(fleet.repository.comments.size() == 1);
  const std::string gone = "/issues/" + std::to_string(fleet.repository.issues[0].number) + "/";
  fleet.repository.issues.clear();
  fleet.repository.comments.clear();
  fleet.repository.refusal = [&](const std::string&, const std::string&, const std::string& target) {
    return target.find(gone) != std::string::npos ? refused(410) : RegistryAnswer{};
  };
  fleet.run(hour);
  CHECK(fleet.repository.issues.size() == 1);
  CHECK(fleet.repository.comments.size() == 1);
  CHECK(agent.registry->status().problem.empty());
}

// ---- refusals ---------------------------------------------------------------------------------------

TEST_CASE("a token that may not see the repository is told of, and asks once an hour") {
  for (const int status : {401, 403, 404, 410}) {
    CAPTURE(status);
    Fleet fleet;
    RegistryAgent& agent = fleet.add();
    fleet.repository.refusal = [&](const std::string&, const std::string&, const std::string&) {
      return refused(status, {}, R"({"message":"Resource not accessible"})");
    };
    fleet.run(3 * hour - minute, Seconds{5});
    CHECK(fleet.repository.calls.size() == 3);
    CHECK(agent.registry->status().problem.find(std::to_string(status)) != std::string::npos);
    fleet.repository.refusal = nullptr;
    fleet.run(hour, Seconds{5});
    CHECK(agent.registry->status().problem.empty());
    CHECK(agent.registry->status().published);
  }
}

TEST_CASE("a token that may read but not write finds others, and says what it lacks") {
  Fleet fleet;
  const std::uint64_t issue = fleet.repository.add_issue(std::string(registry_title));
  fleet.repository.add_comment(issue, fleet.comment_of(9, 1));
  RegistryAgent& agent = fleet.add();
  fleet.repository.refusal = [](const std::string&, const std::string& method, const std::string&) {
    return method == "GET" ? RegistryAnswer{} : refused(403, {}, R"({"message":"Resource not accessible"})");
  };
  fleet.run(minute);
  CHECK(agent.registry->status().peers == 1);
  CHECK(agent.registry->status().problem.find("permission to write issues") != std::string::npos);
  fleet.run(hour - 2 * minute);
  CHECK(fleet.repository.count("POST") == 1);
}

TEST_CASE("rate limits are waited for as their headers say") {
  const auto first_call_after = [](http::Headers headers, int status) {
    Fleet fleet;
    fleet.add();
    fleet.repository.refusal = [&](const std::string&, const std::string&, const std::string&) {
      return refused(status, headers, R"({"message":"You have exceeded a secondary rate limit"})");
    };
    fleet.run(Seconds{1});
    REQUIRE(fleet.repository.calls.size() == 1);
    Seconds waited{1};
    for (; fleet.repository.calls.size() == 1 && waited < 3 * hour; waited += Seconds{1}) {
      fleet.run(Seconds{1});
    }
    return waited;
  };
  const Seconds named = first_call_after({{"Retry-After", "1200"}}, 403);
  CHECK(named >= Seconds{1'200});
  CHECK(named <= Seconds{1'203});
  const Seconds unnamed = first_call_after({}, 429);
  CHECK(unnamed >= minute);
  CHECK(unnamed <= Seconds{80});
  ManualClock clock;
  const auto reset = std::chrono::floor<Seconds>(clock.wall().time_since_epoch() + Seconds{1'800});
  const Seconds window = first_call_after({{"x-ratelimit-limit", "5000"},
                                           {"x-ratelimit-remaining", "0"},
                                           {"x-ratelimit-used", "5000"},
                                           {"x-ratelimit-reset", std::to_string(reset.count())}},
                                          403);
  CHECK(window >= Seconds{1'801});
  CHECK(window <= Seconds{1'804});
  CHECK(first_call_after({{"Retry-After", "999999999"}}, 429) <= 2 * hour + Seconds{2});
}

TEST_CASE("the rest of a token's budget is left to others") {
  Fleet fleet;
  fleet.add();
  const auto reset = std::chrono::floor<Seconds>(fleet.clock.wall().time_since_epoch() + Seconds{900});
  fleet.repository.refusal = [&](const std::string&, const std::string&, const std::string&) {
    return refused(200,
                   {{"x-ratelimit-limit", "5000"},
                    {"x-ratelimit-remaining", "5"},
                    {"x-ratelimit-used", "4995"},
                    {"x-ratelimit-reset", std::to_string(reset.count())},
                    {"x-ratelimit-resource", "core"}},
                   "[]");
  };
  fleet.run(Seconds{890});
  CHECK(fleet.repository.calls.size() == 1);
}

TEST_CASE("while GitHub cannot be reached the pauses grow, and all is well afterwards") {
  Fleet fleet;
  RegistryAgent& agent = fleet.add();
  fleet.repository.refusal = [&](const std::string&, const std::string&, const std::string&) { return refused(502); };
  fleet.run(2 * hour, Seconds{5});
  CHECK(fleet.repository.calls.size() >= 8);
  CHECK(fleet.repository.calls.size() <= 13);
  CHECK(agent.registry->status().problem.find("502") != std::string::npos);
  fleet.repository.refusal = nullptr;
  fleet.run(hour, Seconds{5});
  CHECK(agent.registry->status().published);
}

TEST_CASE("an answer that comes after the registry has gone does no harm") {
  class LateApi final : public RegistryApi {
   public:
    void ask(std::string, std::string, std::string, Done done) override { waiting = std::move(done); }
    Done waiting;
  };
  LateApi api;
  ManualClock clock;
  RegistryAgent agent(1, api, clock);
  agent.registry->tick();
  REQUIRE(api.waiting);
  agent.registry->tick();  // one request at a time
  agent.registry.reset();
  api.waiting(refused(200, {}, "[]"));
  CHECK(agent.members->list().empty());
}
