#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/peer/peer_id.hpp"

namespace ghoard::peer {

/// Where a peer is reached over TCP, in canonical form: what parse_multiaddr answers, and so equal when it means the
/// same.
struct Multiaddr {
  enum class Kind { ip4, ip6, dns, dns4, dns6 } kind = Kind::ip4;
  std::string host;            ///< an address without brackets, or a lower-case name without the final dot
  std::string zone;            ///< the interface of a link-local ip6; else empty
  std::uint16_t port = 0;      ///< from 1
  std::optional<PeerId> peer;  ///< who is expected there

  // clang-tidy 14 takes the 0 that comparisons are rewritten with for a pointer.
  auto operator<=>(const Multiaddr&) const = default;  // NOLINT(modernize-use-nullptr)

  /// "/ip4/192.0.2.7/tcp/9100/p2p/12D3KooW...".
  [[nodiscard]] std::string text() const;
};

inline constexpr std::size_t longest_multiaddr = 512;

/// Whether "/p2p/ID" has to be there. Peers to dial have one, or anybody who answers would do; a configured address of
/// our own has none yet.
enum class PeerPart { required, optional };

/// Reads /ip4|ip6|dns|dns4|dns6/HOST/tcp/PORT/p2p/ID, with /ip6zone/ZONE before a link-local ip6, "/ipfs/" for "/p2p/",
/// any form of id that parse_peer_id takes, and one "/" at the end. IPv4-mapped IPv6 becomes ip4. invalid_input, with
/// the reason and without the address: anything else, and hosts that nobody can be dialled at (unspecified, multicast,
/// broadcast). Names are not resolved; those that end in a number are refused, since resolvers take them for addresses.
[[nodiscard]] base::Result<Multiaddr> parse_multiaddr(std::string_view text, PeerPart part = PeerPart::required);

}  // namespace ghoard::peer
