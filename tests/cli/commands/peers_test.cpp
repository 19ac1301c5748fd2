#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.hpp"
#include "core/peer/network_key.hpp"
#include "tests/cli/agent_home.hpp"
#include "tests/cli/run_command.hpp"

using namespace ghoard;
using nlohmann::json;
using testing::AgentHome;
using testing::Ran;

namespace {

const std::string id = "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5";

Ran check(const AgentHome& home, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "check");
  return testing::run_command(home, home.program(), commands::run_peers, arguments);
}

}  // namespace

TEST_CASE("peers check prints the canonical address") {
  const AgentHome home;
  const Ran ran = check(home, {"/ip6/::ffff:192.0.2.7/tcp/09100/ipfs/" + id + "/"});
  CHECK(ran.code == 0);
  CHECK(ran.out == "/ip4/192.0.2.7/tcp/9100/p2p/" + id + "\n");
  CHECK(ran.err.empty());
  CHECK(home.starts() == 0);
}

TEST_CASE("peers check rejects with the reason on standard error and exits 1") {
  const AgentHome home;
  const Ran ran = check(home, {"/ip4/192.0.2.7/udp/9100/p2p/" + id});
  CHECK(ran.code == 1);
  CHECK(ran.out.empty());
  CHECK(ran.err == "rejected: transport must be tcp\n");
  CHECK(check(home, {""}).err == "rejected: empty\n");
  CHECK(check(home, {}).code == 1);
}

TEST_CASE("peers check tells of several addresses which ones are rejected") {
  const AgentHome home;
  const std::string good = "/dns4/a.example/tcp/1/p2p/" + id;
  const Ran ran = check(home, {good, "nonsense\x1b[31m", good});
  CHECK(ran.code == 1);
  CHECK(ran.out == good + "\n" + good + "\n");
  CHECK(ran.err == "rejected: whitespace, control or non-ASCII character: \"nonsense?[31m\"\n");
  const Ran as_json = check(home, {"--json", good, "nonsense"});
  CHECK(as_json.code == 1);
  CHECK(json::parse(as_json.out) ==
        json{{"addresses",
              {{{"entry", good}, {"address", good}}, {{"entry", "nonsense"}, {"rejected", "does not begin with /"}}}}});
}

TEST_CASE("network new-key prints one line that is a network key, another one each time, and stores nothing") {
  const AgentHome home;
  const auto new_key = [&](const std::vector<std::string>& arguments) {
    return testing::run_command(home, home.program(), commands::run_network, arguments);
  };
  const Ran one = new_key({"new-key"});
  const Ran other = new_key({"new-key"});
  CHECK(one.code == 0);
  CHECK(one.err.empty());
  REQUIRE(one.out.size() == 65);
  CHECK(one.out.back() == '\n');
  CHECK(peer::check_network_key(std::string_view(one.out).substr(0, 64)));
  CHECK(one.out != other.out);
  CHECK(peer::check_network_key(json::parse(new_key({"new-key", "--json"}).out)["network_key"].get<std::string>()));
  CHECK(home.starts() == 0);
}

TEST_CASE("the addresses and keys are judged where the settings cannot be read") {
  const AgentHome home;
  link::Program program = home.program();
  program.problem = base::Error{base::ErrorCode::invalid_input, "config.toml is damaged"};
  const std::string good = "/dns4/a.example/tcp/1/p2p/" + id;
  CHECK(testing::run_command(home, program, commands::run_peers, {"check", good}).out == good + "\n");
  CHECK(testing::run_command(home, program, commands::run_network, {"new-key"}).code == 0);
}

TEST_CASE("peers tells which linked ones own no keys, and why; network status tells it of this agent") {
  const AgentHome home;
  const auto peer = [](const std::string& state, bool eligible, bool slow) {
    return json{{"id", id}, {"state", state}, {"eligible", eligible}, {"slow", slow}};
  };
  home.write("state/fake-peers", json{{"peers",
                                       {peer("linked", true, false), peer("linked", false, true),
                                        peer("linked", false, false), peer("dead", false, true)}}}
                                     .dump());
  json network{{"overlay", "on"}, {"linked", 4}, {"reachable", true}, {"slow", false}};
  home.write("state/fake-network", network.dump());
  const auto run = [&](link::CommandFunction command, const std::vector<std::string>& arguments) {
    return testing::run_command(home, home.program(), command, arguments).out;
  };
  REQUIRE(testing::run_command(home, home.program(), commands::run_agent, {"start"}).code == 0);
  const std::string table = run(commands::run_peers, {});
  std::vector<std::string> states;
  for (std::size_t at = table.find('\n') + 1; at < table.size(); at = table.find('\n', at) + 1) {
    states.push_back(table.substr(at + 22, table.find("  ", at + 22) - at - 22));
  }
  CHECK(states == std::vector<std::string>{"linked", "linked (slow)", "linked (client)", "dead"});
  CHECK(json::parse(run(commands::run_peers, {"--json"}))["peers"][1]["slow"] == true);
  CHECK(run(commands::run_network, {"status"}).find("reachable     yes: it may own keys\n") != std::string::npos);
  network["slow"] = true;
  home.write("state/fake-network", network.dump());
  CHECK(run(commands::run_network, {"status"})
            .find("reachable     yes, but it owns no keys: its round trips are 4 times the others'\n") !=
        std::string::npos);
}

TEST_CASE("peers and network status exit 0 with all their keys when no agent runs, and changing needs one") {
  const AgentHome home;
  const auto peers = [&](const std::vector<std::string>& arguments) {
    return testing::run_command(home, home.program(), commands::run_peers, arguments);
  };
  for (const auto& arguments : {std::vector<std::string>{"--json"}, {"list", "--json"}}) {
    const Ran listed = peers(arguments);
    CHECK(listed.code == 0);
    CHECK(json::parse(listed.out) == json{{"peers", json::array()}});
  }
  CHECK(peers({}).out == "no agent runs\n");
  CHECK(peers({}).code == 0);
  const Ran network = testing::run_command(home, home.program(), commands::run_network, {"status", "--json"});
  CHECK(network.code == 0);
  CHECK(json::parse(network.out).at("overlay") == "off");
  CHECK(json::parse(network.out).at("reason") == "no agent runs");
  for (const char* change : {"add", "remove"}) {
    const Ran refused = peers({change, "/ip4/192.0.2.7/tcp/9100/p2p/" + id});
    CHECK(refused.code == 1);
    CHECK(refused.err == "ghoard: no agent runs; run `ghoard agent start` first\n");
  }
  CHECK(home.starts() == 0);
}
