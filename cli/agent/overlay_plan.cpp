#include "cli/agent/overlay_plan.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/version.hpp"

namespace ghoard::agent {

namespace {

/// What makes a machine have peers; else there is nobody to talk to, and nothing listens.
constexpr std::array wishes{"bootstrap_peers", "listen_port", "listen_addr", "github_repo", "network_key"};

OverlayPlan stay_off(std::string reason, bool is_fault = true) {
  OverlayPlan plan;
  plan.off = {std::move(reason), is_fault};
  return plan;
}

/// `announce_addr` is a multiaddr without /p2p/, or with this agent's own.
base::Result<std::optional<peer::Multiaddr>> announced(const settings::Settings& settings, const peer::PeerId& self) {
  const std::string& text = settings.text("announce_addr");
  if (text.empty()) {
    return std::nullopt;
  }
  base::Result<peer::Multiaddr> address = peer::parse_multiaddr(text, peer::PeerPart::optional);
  if (!address) {
    return tl::unexpected(address.error().with_context("announce_addr"));
  }
  if (address->peer && *address->peer != self) {
    return base::fail(base::ErrorCode::invalid_input,
                      "announce_addr: it names another peer; leave out /p2p/ and the id");
  }
  return std::optional(*std::move(address));
}

}  // namespace

Off judge_settings(const settings::Settings& settings) {
  if (!settings.boolean("enable_p2p")) {
    return {"peer sharing is switched off (enable_p2p)", false};
  }
  const bool wanted =
      std::any_of(wishes.begin(), wishes.end(), [&](const char* key) { return settings.is_explicit(key); });
  return wanted
             ? Off{}
             : Off{"nothing to share with: no network key, bootstrap peer, listen address or discovery repository is "
                   "set",
                   false};
}

std::set<peer::PeerId> denied_peers(const settings::Settings& settings, std::vector<peer::Rejected>& rejected) {
  std::set<peer::PeerId> denied;
  for (const std::string& entry : settings.list("denied_peers")) {
    if (const base::Result<peer::PeerId> id = peer::parse_peer_id(entry)) {
      denied.insert(*id);
    } else if (const base::Result<peer::Multiaddr> address = peer::parse_multiaddr(entry)) {
      denied.insert(*address->peer);
    } else {
      rejected.push_back({peer::printable_entry(entry), "denied_peers: " + id.error().message});
    }
  }
  return denied;
}

OverlayPlan plan_overlay(const settings::Settings& settings, NetworkSecrets secrets,
                         const std::function<base::Result<HeldIdentity>()>& identity) {
  if (Off off = judge_settings(settings); !off.reason.empty()) {
    return stay_off(std::move(off.reason), off.is_fault);
  }
  if (secrets.keys.empty()) {
    return stay_off(std::move(secrets.problem));
  }
  base::Result<HeldIdentity> held = identity();
  if (!held) {
    return stay_off(held.error().message);
  }
  const peer::PeerId self = held->identity.id();
  base::Result<std::optional<peer::Multiaddr>> announce = announced(settings, self);
  if (!announce) {
    return stay_off(announce.error().message);
  }
  OverlayPlan plan;
  peer::BootstrapPlan bootstrap = peer::plan_bootstrap(settings.list("bootstrap_peers"), self);
  plan.rejected = std::move(bootstrap.rejected);
  overlay::OverlayOptions& options = plan.options;
  options.identity = std::make_shared<const peer::Identity>(std::move(held->identity));
  options.keys = std::move(secrets.keys);
  options.listen.address = settings.text("listen_addr");
  options.listen.port = static_cast<std::uint16_t>(settings.number("listen_port"));
  options.listen.port_is_explicit = settings.is_explicit("listen_port");
  options.announce = *std::move(announce);
  options.bootstrap = std::move(bootstrap.peers);
  options.only_token = secrets.only_token;
  options.software = "ghoard/" + std::string(base::version);
  options.denied = denied_peers(settings, plan.rejected);
  return plan;
}

}  // namespace ghoard::agent
