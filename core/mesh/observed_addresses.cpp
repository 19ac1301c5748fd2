#include "core/mesh/observed_addresses.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace ghoard::mesh {

namespace {

constexpr std::size_t most_announced = 3;
constexpr std::size_t most_votes = 512;

std::optional<peer::Multiaddr> address_of(const std::string& address, std::uint16_t port) {
  const bool is_ip6 = address.find(':') != std::string::npos;
  const std::string text = (is_ip6 ? "/ip6/" : "/ip4/") + address + "/tcp/" + std::to_string(port);
  base::Result<peer::Multiaddr> parsed = peer::parse_multiaddr(text, peer::PeerPart::optional);
  if (!parsed || parsed->peer || !parsed->zone.empty()) {
    return std::nullopt;
  }
  return std::move(*parsed);
}

bool is_loopback(const peer::Multiaddr& address) {
  return address.host.starts_with("127.") || address.host == "::1";
}

}  // namespace

bool ObservedAddresses::note(const PeerId& by, const std::string& address, std::uint16_t port) {
  std::optional<peer::Multiaddr> parsed = address_of(address, port);
  if (!parsed) {
    return false;
  }
  withdraw(by);
  if (m_votes.size() < most_votes) {
    m_votes[std::move(*parsed)].insert(by);
  }
  return true;
}

void ObservedAddresses::withdraw(const PeerId& by) {
  for (auto vote = m_votes.begin(); vote != m_votes.end();) {
    vote->second.erase(by);
    vote = vote->second.empty() ? m_votes.erase(vote) : std::next(vote);
  }
}

std::vector<peer::Multiaddr> ObservedAddresses::best() const {
  std::vector<std::pair<std::size_t, peer::Multiaddr>> ranked;
  for (const auto& [address, voters] : m_votes) {
    ranked.emplace_back(voters.size(), address);
  }
  const bool has_others =
      std::any_of(ranked.begin(), ranked.end(), [](const auto& entry) { return !is_loopback(entry.second); });
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<peer::Multiaddr> result;
  for (auto& [votes, address] : ranked) {
    if (result.size() < most_announced && !(has_others && is_loopback(address))) {
      result.push_back(std::move(address));
    }
  }
  return result;
}

}  // namespace ghoard::mesh
