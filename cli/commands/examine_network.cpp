#include "cli/commands/examine_network.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "cli/commands/report.hpp"
#include "core/base/version.hpp"
#include "core/peer/bootstrap.hpp"
#include "core/peer/network_key.hpp"

namespace ghoard::commands {

namespace {

/// 256 peers and as many on their way in, connections that have shown nothing yet, clients, and the database.
constexpr long long enough_descriptors = 2048;

std::string id_in(const std::string& address) {
  const std::size_t at = address.rfind("/p2p/");
  return at == std::string::npos ? std::string() : address.substr(at + 5);
}

std::string without_id(const std::string& address) {
  return address.substr(0, address.rfind("/p2p/"));
}

Json find_peer(const Json& peers, const std::string& id) {
  const std::vector<Json> list = objects_in(peers, "peers");
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const Json& peer) { return text_in(peer, "id") == id; });
  return found == list.end() ? Json::object() : *found;
}

/// Who else is linked at that place: the bootstrap entry has another agent's id then, or an old one.
std::string other_at(const Json& peers, const std::string& address) {
  for (const Json& peer : objects_in(peers, "peers")) {
    if (text_in(peer, "state") != "linked" || text_in(peer, "id") == id_in(address)) {
      continue;
    }
    for (const std::string& known : texts_in(peer, "addresses")) {
      if (without_id(known) == without_id(address)) {
        return text_in(peer, "id");
      }
    }
  }
  return {};
}

/// Why a bootstrap peer is not linked, as `last_failure` of a peer names it, and what to do about it.
struct Trouble {
  std::string_view failure;
  const char* detail;  ///< behind the address
  const char* fix;
};

constexpr std::array troubles{
    Trouble{"connection refused", " refuses connections: nothing listens on that port",
            "start the agent there; its `ghoard agent status` shows its addresses"},
    Trouble{"no answer", " does not answer: a firewall, NAT, or a wrong address",
            "let its TCP port through, or correct bootstrap_peers"},
    Trouble{"no authenticated link",
            " cannot be reached, or answers without joining: another network key or peer id, or something else on that "
            "port",
            "compare `ghoard network status` on both machines: key, network and the id behind /p2p/"},
    Trouble{"closed by the peer", " is not linked: closed by the peer, whose agent has ended or does not want this one",
            "start the agent there, or look at its denied_peers"},
};

Check check_peer(const Json& peers, const std::string& address) {
  const Json peer = find_peer(peers, id_in(address));
  const std::string failure = text_in(peer, "last_failure");
  if (text_in(peer, "state") == "linked") {
    return {"bootstrap peer", true, address + " is linked", {}};
  }
  if (failure.empty()) {
    return {"bootstrap peer", true, address + " is being tried", {}};
  }
  if (const std::string other = other_at(peers, address); !other.empty()) {
    return {"bootstrap peer", false, address + " is not there: the peer at that place is " + other,
            "put that id into bootstrap_peers"};
  }
  const auto* const known = std::find_if(troubles.begin(), troubles.end(),
                                         [&](const Trouble& trouble) { return trouble.failure == failure; });
  if (known != troubles.end()) {
    return {"bootstrap peer", false, address + known->detail, known->fix};
  }
  return {"bootstrap peer", false, address + " is not linked: " + failure,
          "look at `ghoard agent logs` on both machines"};
}

/// Nothing is wrong with an entry that names this agent itself or is there twice.
bool is_harmless(const std::string& reason) {
  return reason == "this agent itself" || reason == "repeated";
}

Check check_left_out(const std::string& entry, const std::string& reason) {
  const bool ok = is_harmless(reason);
  const char* fix = reason.starts_with("more than ")
                        ? "take entries out: one that works is enough, since peers tell each other of the rest"
                        : "correct it; `ghoard peers check` tries addresses";
  return {"peer address", ok, "\"" + entry + "\" is left out: " + reason, ok ? "" : fix};
}

void check_entries(const Json& network, std::vector<Check>& checks) {
  for (const Json& rejected : objects_in(network, "rejected")) {
    checks.push_back(check_left_out(text_in(rejected, "entry"), text_in(rejected, "reason")));
  }
}

void check_discovery(const Json& network, std::vector<Check>& checks) {
  const auto found = network.find("discovery");
  if (found == network.end() || !found->is_object() || text_in(*found, "repository").empty()) {
    return;
  }
  const std::string repository = text_in(*found, "repository");
  if (const std::string problem = text_in(*found, "problem"); !problem.empty()) {
    checks.push_back(
        {"discovery", false, problem,
         "the agent tries again by itself; its own token needs to be allowed to read and write issues in " +
             repository});
    return;
  }
  checks.push_back(
      {"discovery", true, std::to_string(number_in(*found, "peers")) + " other peers are named in " + repository, {}});
}

Check check_reachability(const Json& network) {
  const std::vector<std::string> listen = texts_in(network, "listen");
  const std::string own = listen.empty() ? std::string() : listen.front();
  if (number_in(network, "linked") == 0) {
    return {"reachability", true, "no peer is linked", "name this agent to another one: " + own};
  }
  if (flag_in(network, "reachable")) {
    return {"reachability", true, "peers can connect to this agent", {}};
  }
  return {"reachability", true, "no peer has connected to this agent yet: it asks others and keeps nothing for them",
          "behind a firewall or NAT, let the port through and set announce_addr; it listens at " + without_id(own)};
}

void check_speed(const Json& network, std::vector<Check>& checks) {
  if (flag_in(network, "slow")) {
    checks.push_back({"speed", true, "this machine owns nothing: its round trips are 4 times the others'",
                      "it asks others as before, and owns keys again by itself when its line is as fast as theirs"});
  }
}

void check_versions(const Json& peers, std::vector<Check>& checks) {
  const std::string ours = "ghoard/" + std::string(base::version);
  std::size_t others = 0;
  std::string example;
  for (const Json& peer : objects_in(peers, "peers")) {
    if (text_in(peer, "state") == "linked" && text_in(peer, "software") != ours) {
      ++others;
      example = text_in(peer, "software");
    }
  }
  if (others > 0) {
    checks.push_back({"versions", true,
                      std::to_string(others) + " linked peers run another version, such as " + example,
                      "upgrade all machines when it suits"});
  }
}

}  // namespace

void check_network(const Json& network, const Json& peers, std::vector<Check>& checks) {
  const std::string reason = text_in(network, "reason");
  check_entries(network, checks);
  if (text_in(network, "overlay") != "on") {
    const bool is_fault = flag_in(network, "is_fault");
    checks.push_back({"peers", !is_fault, "not sharing with other machines: " + reason,
                      is_fault ? "correct that, then run `ghoard agent restart`" : ""});
    return;
  }
  checks.push_back({"peers",
                    true,
                    std::to_string(number_in(network, "linked")) + " linked, network key " + text_in(network, "key_id"),
                    {}});
  for (const std::string& address : texts_in(network, "bootstrap")) {
    checks.push_back(check_peer(peers, address));
  }
  check_discovery(network, checks);
  checks.push_back(check_reachability(network));
  check_speed(network, checks);
  check_versions(peers, checks);
  if (number_in(network, "descriptor_limit") < enough_descriptors) {
    checks.push_back({"descriptors", false,
                      "the agent may open " + std::to_string(number_in(network, "descriptor_limit")) +
                          " files, too few for 256 peers",
                      "raise the limit (`ulimit -n`, LimitNOFILE of a service), then `ghoard agent restart`"});
  }
}

void check_network_settings(const settings::Settings& settings, std::vector<Check>& checks) {
  if (!settings.boolean("enable_p2p")) {
    return;
  }
  const settings::Value& key = settings.value("network_key");
  if (const base::Result<std::vector<base::SecretBytes>> keys = peer::parse_network_keys(key.text); !keys) {
    checks.push_back({"network key", false, keys.error().message, "correct it (" + key.origin + ")"});
  }
  for (const std::string& entry : settings.list("bootstrap_peers")) {
    if (const base::Result<peer::Multiaddr> address = peer::parse_multiaddr(entry); !address) {
      checks.push_back(check_left_out(peer::printable_entry(entry), address.error().message));
    }
  }
}

}  // namespace ghoard::commands
