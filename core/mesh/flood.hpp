#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "core/mesh/links.hpp"
#include "core/mesh/members.hpp"

namespace ghoard::mesh {

/// Invalidation without clocks (overlay.md section 4): tombstones are flooded over the links, acknowledged once
/// durable, kept in a log of 65,536, and compared every 15 s and whenever a link comes up. sans-I/O; one thread.
class Flood {
 public:
  Flood(const PeerId& self, std::uint64_t incarnation, Members& members, Links& links, cache::PeerHost& host,
        const base::Clock& clock, Random random);

  /// Numbers the changes, tells every linked peer, and calls `acknowledged` when all of those have acknowledged or are
  /// gone, or after 250 ms (stretched). The changes are durable here already.
  void announce(std::vector<cache::Change> changes, std::function<void()> acknowledged);

  void link_up(const PeerId& peer);
  void link_down(const PeerId& peer);
  /// New ones are applied (durably) before they are acknowledged, and passed on to every other linked peer once.
  void receive(const PeerId& from, const Tombstones& tombstones);
  void receive(const PeerId& from, const Acknowledge& acknowledge);
  void receive(const PeerId& from, const LogDigest& digest);
  void receive(const PeerId& from, const LogEnd& end);
  void tick();
  [[nodiscard]] base::MonoTime next_deadline() const;

  struct Counters {
    std::uint64_t announced = 0;
    std::uint64_t received = 0;
    std::uint64_t acknowledged_late = 0;  ///< announcements that ended by their deadline
    std::uint64_t gaps = 0;
  };
  [[nodiscard]] const Counters& counters() const;
};

}  // namespace ghoard::mesh
