#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "cli/agent/identity_file.hpp"
#include "cli/agent/network_secrets.hpp"
#include "cli/settings/settings.hpp"
#include "net/overlay/overlay.hpp"

namespace ghoard::agent {

/// Why an agent has no peers.
struct Off {
  std::string reason;  ///< for people: one line, lower case; empty: the overlay is wanted
  /// Somebody wanted peers, and something keeps this agent from having them: `doctor` calls that a problem.
  bool is_fault = false;
};

/// What the settings alone say about sharing (design: the table of settings): switched off, nobody to talk to, or
/// wanted. A network key counts as a wish for peers even if it turns out to be none.
[[nodiscard]] Off judge_settings(const settings::Settings& settings);

/// The way into the overlay, made of settings, keys and identity; or why there is none. Move-only.
struct OverlayPlan {
  Off off;
  overlay::OverlayOptions options;       ///< of a wanted overlay: all but `remembered` and `log`
  std::vector<peer::Rejected> rejected;  ///< entries of `bootstrap_peers` and `denied_peers` that are left out
};

/// `identity` is called only if all else allows an overlay: it may write a file.
[[nodiscard]] OverlayPlan plan_overlay(const settings::Settings& settings, NetworkSecrets secrets,
                                       const std::function<base::Result<HeldIdentity>()>& identity);

/// The ids among the entries of `denied_peers`; an address denies the peer that it names.
[[nodiscard]] std::set<peer::PeerId> denied_peers(const settings::Settings& settings,
                                                  std::vector<peer::Rejected>& rejected);

}  // namespace ghoard::agent
