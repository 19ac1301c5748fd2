// Addresses of peers, one per line: what is accepted has one canonical form, which is accepted as it is.
// links: ghoard_core_peer

#include <algorithm>
#include <string>
#include <vector>

#include "core/peer/bootstrap.hpp"
#include "tests/fuzz/require.hpp"

using namespace ghoard;
using fuzz::require;

namespace {

void read(std::string_view text, peer::PeerPart part) {
  const base::Result<peer::Multiaddr> address = peer::parse_multiaddr(text, part);
  if (!address) {
    require(!address.error().message.empty() && address.error().message.size() < 200, "a rejection is short");
    return;
  }
  const std::string canonical = address->text();
  require(canonical.size() <= peer::longest_multiaddr, "the canonical form is no longer than an address may be");
  const base::Result<peer::Multiaddr> again = peer::parse_multiaddr(canonical, part);
  require(again && *again == *address, "the canonical form means the same");
  require(again->text() == canonical, "the canonical form is stable");
  require(address->port > 0 && !address->host.empty(), "an address has a host and a port");
  require(address->peer || part == peer::PeerPart::optional, "a peer is there where it is required");
  require(std::all_of(canonical.begin(), canonical.end(), [](char c) { return c > ' ' && c <= '~'; }),
          "the canonical form is printable");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  std::vector<std::string> entries;
  while (!rest.empty()) {
    entries.emplace_back(fuzz::take_line(rest));
    read(entries.back(), peer::PeerPart::required);
    read(entries.back(), peer::PeerPart::optional);
  }
  const peer::BootstrapPlan plan = peer::plan_bootstrap(entries, peer::PeerId{});
  std::size_t addresses = plan.rejected.size();
  require(plan.peers.size() <= peer::most_bootstrap_peers, "ten peers at most");
  for (const peer::BootstrapPeer& peer : plan.peers) {
    require(!peer.addresses.empty() && peer.addresses.size() <= peer::most_addresses_per_peer, "one to four addresses");
    addresses += peer.addresses.size();
  }
  require(addresses == entries.size(), "every entry is dialled or rejected");
  return 0;
}
