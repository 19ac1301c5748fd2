#include "cli/commands/examine_network.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/base/version.hpp"
#include "tests/cli/home.hpp"

using namespace ghoard;
using commands::Check;
using Json = nlohmann::ordered_json;

namespace {

const std::string one = "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5";
const std::string two = "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq";
const std::string place = "/ip4/10.0.0.1/tcp/9100";

Json network_with(const std::string& bootstrap) {
  return {{"overlay", "on"},
          {"key_id", "abcd1234"},
          {"linked", 1},
          {"reachable", true},
          {"listen", {place + "/p2p/" + two}},
          {"bootstrap", bootstrap.empty() ? Json::array() : Json::array({bootstrap})},
          {"rejected", Json::array()},
          {"descriptor_limit", 4096}};
}

Json peer(const std::string& id, const std::string& state, const std::string& failure = {}) {
  return {{"id", id},
          {"state", state},
          {"addresses", {place + "/p2p/" + id}},
          {"software", "ghoard/" + std::string(base::version)},
          {"last_failure", failure}};
}

std::vector<Check> examine(const Json& network, std::vector<Json> peers = {}) {
  std::vector<Check> checks;
  commands::check_network(network, Json{{"peers", std::move(peers)}}, checks);
  return checks;
}

/// The one check of that name.
Check find(const std::vector<Check>& checks, const std::string& name) {
  const auto found = std::find_if(checks.begin(), checks.end(), [&](const Check& check) { return check.name == name; });
  REQUIRE(found != checks.end());
  return *found;
}

bool all_well(const std::vector<Check>& checks) {
  return std::all_of(checks.begin(), checks.end(), [](const Check& check) { return check.ok; });
}

}  // namespace

TEST_CASE("a linked network has no problems") {
  CHECK(all_well(examine(network_with(place + "/p2p/" + one), {peer(one, "linked")})));
}

TEST_CASE("an overlay that is off is a problem only where somebody wanted it") {
  Json network{{"overlay", "off"}, {"reason", "the key is bad"}, {"is_fault", true}};
  const Check fault = find(examine(network), "peers");
  CHECK_FALSE(fault.ok);
  CHECK(fault.detail.find("the key is bad") != std::string::npos);
  CHECK_FALSE(fault.fix.empty());
  network["is_fault"] = false;
  CHECK(all_well(examine(network)));
}

TEST_CASE("where no agent runs, the settings alone tell of a key that is none and of addresses that are left out") {
  testing::Home home;
  home.variables["GHOARD_HOME"] = home.root().string();
  const settings::Paths paths = settings::find_paths(home.environment()).value();
  const auto judge = [&](const std::string& config) {
    home.write("config/config.toml", config);
    std::vector<Check> checks;
    commands::check_network_settings(settings::Settings::load(paths, home.environment(), {}).value(), checks);
    return checks;
  };
  CHECK(judge("").empty());
  CHECK(judge("bootstrap_peers = [\"" + place + "/p2p/" + one + "\"]\n").empty());
  const std::string wrong = "network_key = \"hunter2\"\nbootstrap_peers = [\"10.0.0.1:9100\"]\n";
  const std::vector<Check> checks = judge(wrong);
  REQUIRE(checks.size() == 2);
  CHECK_FALSE(find(checks, "network key").ok);
  CHECK(find(checks, "network key").detail.find("hunter2") == std::string::npos);
  CHECK(find(checks, "network key").detail.find("`ghoard network new-key`") != std::string::npos);
  CHECK(find(checks, "network key").fix.find("config.toml:1") != std::string::npos);
  CHECK_FALSE(find(checks, "peer address").ok);
  CHECK(find(checks, "peer address").detail == "\"10.0.0.1:9100\" is left out: does not begin with /");
  CHECK(judge("enable_p2p = false\n" + wrong).empty());
}

TEST_CASE("a repository through which no peers are found is a problem, and one that works is none") {
  Json network = network_with("");
  const std::vector<Check> without = examine(network);
  CHECK(std::none_of(without.begin(), without.end(), [](const Check& check) { return check.name == "discovery"; }));
  network["discovery"] = {{"repository", "acme/peers"}, {"problem", ""}, {"issue", 3}, {"peers", 2}};
  CHECK(find(examine(network), "discovery").ok);
  CHECK(find(examine(network), "discovery").detail == "2 other peers are named in acme/peers");
  network["discovery"]["problem"] = "GitHub answers 404";
  const Check line = find(examine(network), "discovery");
  CHECK_FALSE(line.ok);
  CHECK(line.detail == "GitHub answers 404");
  CHECK(line.fix.find("acme/peers") != std::string::npos);
}

TEST_CASE("each way in which a bootstrap peer fails has a line and a next step of its own") {
  const auto line = [](const std::string& failure) {
    return find(examine(network_with(place + "/p2p/" + one), {peer(one, "known", failure)}), "bootstrap peer");
  };
  CHECK(line("").ok);  // being tried
  CHECK(line("connection refused").detail.find("nothing listens") != std::string::npos);
  CHECK(line("no answer").detail.find("firewall") != std::string::npos);
  CHECK(line("no authenticated link").detail.find("another network key") != std::string::npos);
  CHECK(line("closed by the peer").detail.find("closed by the peer") != std::string::npos);
  for (const char* failure : {"connection refused", "no answer", "no authenticated link", "closed by the peer"}) {
    CHECK_FALSE(line(failure).ok);
    CHECK_FALSE(line(failure).fix.empty());
  }
}

TEST_CASE("a bootstrap entry with the wrong id is told from one with the wrong key by who is linked at that place") {
  const Check line = find(
      examine(network_with(place + "/p2p/" + one), {peer(one, "known", "no authenticated link"), peer(two, "linked")}),
      "bootstrap peer");
  CHECK_FALSE(line.ok);
  CHECK(line.detail.find("is not there: the peer at that place is " + two) != std::string::npos);
}

TEST_CASE("entries that are left out are problems, but for this agent itself and repetitions") {
  Json network = network_with("");
  network["rejected"] = {{{"entry", "x"}, {"reason", "does not begin with /"}}};
  CHECK_FALSE(all_well(examine(network)));
  network["rejected"] = {{{"entry", "x"}, {"reason", "this agent itself"}}, {{"entry", "x"}, {"reason", "repeated"}}};
  CHECK(all_well(examine(network)));
  network["rejected"] = {{{"entry", "x"}, {"reason", "more than 10 peers"}}};
  CHECK_FALSE(find(examine(network), "peer address").ok);
  CHECK(find(examine(network), "peer address").fix.starts_with("take entries out"));
}

TEST_CASE("an agent that nobody has connected to is told what to open, which is no problem") {
  Json network = network_with("");
  network["reachable"] = false;
  const Check line = find(examine(network, {peer(one, "linked")}), "reachability");
  CHECK(line.ok);
  CHECK(line.fix.find("announce_addr") != std::string::npos);
  network["linked"] = 0;
  CHECK(find(examine(network), "reachability").fix.find(place + "/p2p/" + two) != std::string::npos);
}

TEST_CASE("an agent that owns nothing because its line is slow is told so, which is no problem") {
  Json network = network_with("");
  const std::vector<Check> before = examine(network, {peer(one, "linked")});
  CHECK(std::none_of(before.begin(), before.end(), [](const Check& check) { return check.name == "speed"; }));
  network["slow"] = true;
  const Check line = find(examine(network, {peer(one, "linked")}), "speed");
  CHECK(line.ok);
  CHECK(line.detail == "this machine owns nothing: its round trips are 4 times the others'");
}

TEST_CASE("other versions and too few descriptors are told") {
  Json network = network_with("");
  network["descriptor_limit"] = 256;
  Json old = peer(one, "linked");
  old["software"] = "ghoard/0.0.1";
  const std::vector<Check> checks = examine(network, {old});
  CHECK(find(checks, "versions").ok);
  CHECK(find(checks, "versions").detail.find("ghoard/0.0.1") != std::string::npos);
  CHECK_FALSE(find(checks, "descriptors").ok);
}

TEST_CASE("an answer without any of the members, or with others than expected, is no reason to fail") {
  std::vector<Check> checks;
  commands::check_network(Json::object(), Json::object(), checks);
  commands::check_network(Json{{"overlay", 7}, {"rejected", {1, "x"}}, {"bootstrap", 3}}, Json{{"peers", "x"}}, checks);
  commands::check_network(Json{{"overlay", "on"}, {"rejected", 1}, {"bootstrap", {"", 1, "/p2p/"}}, {"listen", {3}}},
                          Json{{"peers", {1, {{"id", 3}, {"addresses", 4}}}}}, checks);
  CHECK_FALSE(checks.empty());
}
