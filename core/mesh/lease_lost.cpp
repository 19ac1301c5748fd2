// What befalls running leases from outside: peers that go away, and changes of what is fetched.

#include <algorithm>
#include <limits>
#include <utility>

#include "core/mesh/lease_table.hpp"

namespace ghoard::mesh {

void LeaseTable::lost(const PeerId& peer, bool dead) {
  leave_places(peer);
  lose_held(peer, dead);
  std::erase_if(m_notes, [&](const auto& note) { return dead && note.second.holder == peer; });
  std::erase_if(m_probes, [&](const auto& probe) { return probe.first.first == peer; });
}

/// It waits for nothing any more.
void LeaseTable::leave_places(const PeerId& peer) {
  const auto from = m_places.lower_bound({peer, 0});
  const auto to = m_places.upper_bound({peer, std::numeric_limits<QuestionId>::max()});
  std::vector<std::pair<SlotKey, QuestionId>> places;
  for (auto place = from; place != to; ++place) {
    places.emplace_back(place->second, place->first.second);
  }
  for (const auto& [key, question] : places) {
    const auto slot = m_slots.find(key);
    if (slot == m_slots.end()) {
      m_places.erase({peer, question});
      continue;
    }
    const auto is_it = [&peer, asked = question](const Asker& asker) {
      return asker.peer == peer && asker.question == asked;
    };
    std::size_t gone = std::erase_if(slot->second.queue, is_it);
    for (const LeaseId id : slot->second.leases) {
      gone += std::erase_if(m_leases.at(id).waiters, is_it) + std::erase_if(m_leases.at(id).next, is_it);
    }
    if (gone > 0) {
      m_places.erase({peer, question});
    }
  }
}

/// A holder whose link broke has half a second to come back before somebody else takes over.
void LeaseTable::lose_held(const PeerId& peer, bool dead) {
  std::vector<LeaseId> held;
  for (const auto& [id, lease] : m_leases) {
    if (lease.holder == peer) {
      held.push_back(id);
    }
  }
  for (const LeaseId id : held) {
    const auto found = m_leases.find(id);
    if (found == m_leases.end()) {
      continue;
    }
    if (dead) {
      settle_lost(remove(id));
    } else if (found->second.granted) {
      found->second.silent_at =
          std::min(found->second.silent_at, m_parts.now() + m_members.stretched(confirm_patience));
      watch(found->second);
    }
  }
}

void LeaseTable::changed(const std::vector<cache::Change>& changes) {
  std::vector<SlotKey> leaderless;
  for (auto& [id, lease] : m_leases) {
    Slot& slot = m_slots.at(lease.slot);
    const cache::Fingerprint& fingerprint = lease.fingerprint;  // clang 14 captures no structured binding
    const bool hit = std::any_of(changes.begin(), changes.end(), [&](const cache::Change& change) {
      return cache::concerns(change, slot.resource, fingerprint);
    });
    if (!hit) {
      continue;
    }
    lease.joinable = false;
    if (slot.leader == id) {
      slot.leader.reset();  // its bytes are from before the change: nobody queues for them any more
      leaderless.push_back(lease.slot);
    }
  }
  for (const SlotKey& key : leaderless) {
    Slot& slot = m_slots.at(key);
    drop_unfit(key, slot.queue);
    if (!slot.queue.empty()) {
      grant(key, take_group(slot.queue), std::nullopt);
    }
  }
}

}  // namespace ghoard::mesh
