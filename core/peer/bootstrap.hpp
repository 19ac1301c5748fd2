#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/peer/multiaddr.hpp"

namespace ghoard::peer {

/// One peer to begin with, and where it may be.
struct BootstrapPeer {
  PeerId id;
  std::vector<Multiaddr> addresses;  ///< at least one; each names this peer
};

/// An entry that is left out.
struct Rejected {
  std::string entry;   ///< as given, made printable and cut to 512 characters
  std::string reason;  ///< lower case, without a full stop
};

struct BootstrapPlan {
  std::vector<BootstrapPeer> peers;
  std::vector<Rejected> rejected;
};

inline constexpr std::size_t most_bootstrap_peers = 10;
inline constexpr std::size_t most_addresses_per_peer = 4;

/// Whom to dial at the start: validates, brings into canonical form, drops self, then repeated addresses, and only then
/// caps at ten peers of four addresses each; the order stays. A bad entry is skipped and never fatal.
[[nodiscard]] BootstrapPlan plan_bootstrap(std::span<const std::string> entries, const PeerId& self);

/// Text from outside for a message: what is not printable ASCII becomes '?', and 512 characters stay.
[[nodiscard]] std::string printable_entry(std::string_view entry);

}  // namespace ghoard::peer
