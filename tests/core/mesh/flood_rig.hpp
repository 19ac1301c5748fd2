#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/mesh/flood.hpp"
#include "tests/core/mesh/member_mesh.hpp"
#include "tests/core/mesh/sent_messages.hpp"

namespace ghoard::testing {

inline cache::Change change(const std::string& name) {
  return github::Tag{"api.github.com", "/repos/o/" + name};
}

inline mesh::Tombstone stone(std::uint64_t origin, std::uint64_t sequence) {
  return {test_peer(origin), 77, sequence, change("s" + std::to_string(sequence))};
}

/// One flood between peers that hold the network key and keep to no rule. It has begun just now, and knows of peers.
struct FloodRig {
  /// Of two peers the one with the lower id begins the comparison.
  FloodRig() {
    std::vector<mesh::PeerId> ids{test_peer(1), test_peer(2), test_peer(3)};
    std::sort(ids.begin(), ids.end());
    lower = ids.front();
    upper = ids.back();
    options.self = {ids[1], 1, {test_address(1)}, false};
    options.incarnation = 7;
    options.bootstrap = {{lower, {}}, {upper, {}}};
  }
  void link(const mesh::PeerId& peer) {
    members->link_up(peer, true, "192.0.2.7");
    flood->link_up(peer);
  }
  void start() {
    members.emplace(options, links, clock, [this] { return random(); });
    flood.emplace(options.self.id, options.incarnation, *members, links, host, clock, [this] { return random(); });
  }
  template <class Kind>
  [[nodiscard]] std::vector<Kind> to(const mesh::PeerId& peer) const {
    return links.to<Kind>(peer);
  }

  mesh::PeerId lower;
  mesh::PeerId upper;
  ManualClock clock;
  SentMessages links;
  RecordingHost host;
  SeededRandom random{1};
  mesh::MemberOptions options;
  std::optional<mesh::Members> members;
  std::optional<mesh::Flood> flood;
};

}  // namespace ghoard::testing
