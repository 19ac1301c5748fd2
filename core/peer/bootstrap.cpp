#include "core/peer/bootstrap.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace ghoard::peer {

namespace {

/// Finds the place of an address among those taken; the reason why it has none, or nullptr.
const char* add(BootstrapPlan& plan, Multiaddr address) {
  const PeerId id = *address.peer;
  auto peer = std::find_if(plan.peers.begin(), plan.peers.end(), [&](const BootstrapPeer& p) { return p.id == id; });
  if (peer == plan.peers.end()) {
    if (plan.peers.size() == most_bootstrap_peers) {
      return "more than 10 peers";
    }
    peer = plan.peers.insert(plan.peers.end(), BootstrapPeer{id, {}});
  }
  if (peer->addresses.size() == most_addresses_per_peer) {
    return "more than 4 addresses of this peer";
  }
  peer->addresses.push_back(std::move(address));
  return nullptr;
}

}  // namespace

std::string printable_entry(std::string_view entry) {
  std::string text(entry.substr(0, longest_multiaddr));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

BootstrapPlan plan_bootstrap(std::span<const std::string> entries, const PeerId& self) {
  BootstrapPlan plan;
  std::set<Multiaddr> seen;
  for (const std::string& entry : entries) {
    const auto reject = [&](std::string reason) {
      plan.rejected.push_back({printable_entry(entry), std::move(reason)});
    };
    base::Result<Multiaddr> address = parse_multiaddr(entry);
    if (!address) {
      reject(address.error().message);
    } else if (*address->peer == self) {
      reject("this agent itself");
    } else if (!seen.insert(*address).second) {
      reject("repeated");
    } else if (const char* reason = add(plan, std::move(*address))) {
      reject(reason);
    }
  }
  return plan;
}

}  // namespace ghoard::peer
