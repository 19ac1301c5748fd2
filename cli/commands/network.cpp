#include <array>
#include <nlohmann/json.hpp>
#include <sodium.h>
#include <unistd.h>

#include "cli/commands/parse.hpp"
#include "cli/commands/report.hpp"
#include "core/peer/network_key.hpp"

namespace ghoard::commands {

namespace {

base::Result<std::string> new_key_text() {
  if (sodium_init() < 0) {
    return base::fail(base::ErrorCode::system, "libsodium cannot be initialised");
  }
  std::array<std::uint8_t, peer::network_secret_size> random{};
  randombytes_buf(random.data(), random.size());
  std::string text = peer::make_network_key(random);
  sodium_memzero(random.data(), random.size());
  return text;
}

/// To a person, not to a script: what the line is good for.
void tell_use(const link::Program& program) {
  if (::isatty(STDERR_FILENO) == 1) {
    print_error(program, "keep this key secret: whoever has it may join the network and read what is shared there",
                "run `" + program.name + " config set network_key -` on each machine and paste it there");
  }
}

int new_key(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "network new-key", "Prints a new network key. Nothing is stored.");
  bool json = false;
  line.add_json_flag(json);
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  base::Result<std::string> key = new_key_text();
  if (!key) {
    return print_failure(program, key.error());
  }
  const int code = json ? print_json(program, Json{{"network_key", *key}}) : print_text(program, *key + "\n");
  sodium_memzero(key->data(), key->size());
  if (code == link::exit_ok) {
    tell_use(program);
  }
  return code;
}

/// What holds when no agent runs, with the same keys.
Json no_network(const link::Program& program) {
  Json document = Json::object();
  document["overlay"] = "off";
  document["reason"] = "no agent runs";
  document["is_fault"] = false;
  document["peer_id"] = "";
  document["network_name"] = program.settings.text("network_name");
  document["key_kind"] = "none";
  document["key_id"] = "";
  document["accepted_keys"] = 0;
  document["listen"] = Json::array();
  document["reachable"] = false;
  document["slow"] = false;
  document["linked"] = 0;
  document["view"] = "";
  document["bootstrap"] = Json::array();
  document["rejected"] = Json::array();
  document["discovery"] = Json{{"repository", program.settings.text("github_repo")},
                               {"problem", ""},
                               {"issue", 0},
                               {"published", false},
                               {"peers", 0}};
  document["descriptor_limit"] = 0;
  return document;
}

std::string discovery_text(const Json& network) {
  const auto found = network.find("discovery");
  if (found == network.end() || !found->is_object() || text_in(*found, "repository").empty()) {
    return {};
  }
  const std::string repository = text_in(*found, "repository");
  const std::string problem = text_in(*found, "problem");
  if (!problem.empty()) {
    return repository + ": " + problem;
  }
  const long long issue = number_in(*found, "issue");
  return issue == 0 ? repository + ": being read"
                    : repository + "#" + std::to_string(issue) + ": " + std::to_string(number_in(*found, "peers")) +
                          " other peers" + (flag_in(*found, "published") ? "" : ", this one not published yet");
}

std::string reachable_text(const Json& network) {
  if (!flag_in(network, "reachable")) {
    return "not known: it asks, and owns no keys";
  }
  return flag_in(network, "slow") ? "yes, but it owns no keys: its round trips are 4 times the others'"
                                  : "yes: it may own keys";
}

std::string format(const Json& network) {
  std::string text;
  const auto add = [&](const char* name, const std::string& value) {
    text += std::string(name) + std::string(14 - std::string_view(name).size(), ' ') + value + "\n";
  };
  const bool on = text_in(network, "overlay") == "on";
  add("overlay", on ? "on" : "off: " + text_in(network, "reason"));
  add("network", text_in(network, "network_name"));
  const long long keys = number_in(network, "accepted_keys");
  const std::string kind = text_in(network, "key_kind");
  if (kind != "none") {
    add("key", text_in(network, "key_id") + (kind == "github-token" ? ", made from the GitHub token" : "") +
                   (keys > 1 ? ", and " + std::to_string(keys - 1) + " more accepted" : ""));
  }
  if (!on) {
    return text;
  }
  add("peers", std::to_string(number_in(network, "linked")) + " linked");
  add("reachable", reachable_text(network));
  for (const std::string& address : texts_in(network, "listen")) {
    add("address", address);
  }
  if (const std::string discovery = discovery_text(network); !discovery.empty()) {
    add("discovery", discovery);
  }
  return text;
}

int status(const link::Program& program, Arguments arguments) {
  const tl::expected<Report, int> report =
      begin_report(program, arguments, "network status",
                   "Tells which network the running agent is in, and where others find it.", "/v1/network");
  if (!report) {
    return report.error();
  }
  const Json document = report->answer ? *report->answer : no_network(program);
  return report->json ? print_json(program, document) : print_text(program, format(document));
}

constexpr std::array<link::Command, 2> group{
    {{"new-key", "make a network key", new_key, true}, {"status", "the network of the running agent", status, true}}};

}  // namespace

int run_network(const link::Program& program, Arguments arguments) {
  return run_group(program, "network", group, arguments);
}

}  // namespace ghoard::commands
