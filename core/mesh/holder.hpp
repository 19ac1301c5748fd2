#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "core/cache/peer_network.hpp"
#include "core/mesh/lease_parts.hpp"
#include "core/mesh/members.hpp"

namespace ghoard::mesh {

/// The holding side of the leases (overlay.md section 4, step 3): while this machine fetches, its owners hear of it
/// once a second; then they get the result. sans-I/O; one thread. Outlives every lease that it makes.
class Holder {
 public:
  Holder(const LeaseParts& parts, Members& members);

  /// Null if a lease of that number is held already.
  std::unique_ptr<cache::FetchLease> hold(const PeerId& owner, const Grant& grant, const cache::PeerQuestion& question);
  void receive(const PeerId& from, const Probe& probe);
  /// An owner was lost: the new ones hear of it at once.
  void lost(const PeerId& peer, bool dead);
  /// Somebody else may own what is held: whoever has not heard of it does now, lest it grant the same to another.
  void owners_changed();

  [[nodiscard]] bool holds(LeaseId lease) const { return m_held.contains(lease); }
  [[nodiscard]] std::size_t leases() const { return m_held.size(); }

 private:
  class Lease;
  struct Held {
    SlotKey slot;
    cache::Resource resource;
    cache::Fingerprint fingerprint;
    PeerId owner;
    QuestionId question = 0;
    std::optional<PeerId> backup;
    base::MonoTime ends{};
    std::set<PeerId> told{};  ///< owners by the last beat
  };
  void beat_all();
  void beat(LeaseId id, Held& held);
  [[nodiscard]] std::set<PeerId> owners_of(const Held& held) const;
  void end(LeaseId id, const std::function<Message(const Held&)>& message);
  void abandon(LeaseId id);

  const LeaseParts m_parts;
  Members& m_members;
  std::map<LeaseId, Held> m_held;
  Timers::Id m_timer = Timers::none;
};

}  // namespace ghoard::mesh
