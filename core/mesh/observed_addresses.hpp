#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/mesh/message.hpp"

namespace ghoard::mesh {

/// Where others see this machine: what a host with several addresses, or in a container, cannot know by itself. Each
/// peer has one vote, so that one liar cannot fill the record.
class ObservedAddresses {
 public:
  /// `address` without a port. False if it is no address that could be announced.
  bool note(const PeerId& by, const std::string& address, std::uint16_t port);
  /// The addresses named by most peers first, at most three; loopback ones only if there are no others.
  [[nodiscard]] std::vector<peer::Multiaddr> best() const;

 private:
  void withdraw(const PeerId& by);

  std::map<peer::Multiaddr, std::set<PeerId>> m_votes;
};

}  // namespace ghoard::mesh
