// Questions to an owner: answered, granted, or made to wait for a fetch that somebody has begun.

#include "core/mesh/lease_table.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/github/routes.hpp"

namespace ghoard::mesh {

LeaseTable::LeaseTable(const LeaseParts& parts, Members& members, cache::PeerHost& host)
    : m_parts(parts), m_members(members), m_host(host) {}

LeaseTable::Slot& LeaseTable::slot_of(const SlotKey& key, const Get& get) {
  const auto [found, fresh] = m_slots.try_emplace(key);
  Slot& slot = found->second;
  if (fresh) {
    slot.resource = get.resource;
    slot.key = github::key_of(get.resource);
    slot.shared_route = !github::classify(get.resource).identity_relative;
  }
  return slot;
}

LeaseTable::Lease* LeaseTable::joinable(const Slot& slot, const cache::Fingerprint& fingerprint) {
  for (const LeaseId id : slot.leases) {
    Lease& lease = m_leases.at(id);
    if (lease.joinable && lease.fingerprint == fingerprint) {
      return &lease;
    }
  }
  return nullptr;
}

/// Of this token if there is such, else to prove oneself for.
std::optional<cache::SharedValue> LeaseTable::find(const Get& get, const cache::ResourceKey& key) {
  return get.renew ? std::nullopt : m_host.find_shared(get.resource, key, get.fingerprint, get.max_age);
}

void LeaseTable::post_value(const PeerId& to, QuestionId question, cache::SharedValue value) {
  ++m_parts.counters.values_served;
  const base::Millis age = value.age;
  m_parts.post(to, Value{question, std::move(value), age});
}

bool LeaseTable::serve(const PeerId& from, const Get& get) {
  std::optional<cache::SharedValue> known = find(get, github::key_of(get.resource));
  if (!known.has_value() || known->fingerprint != get.fingerprint) {
    return false;
  }
  post_value(from, get.question, *std::move(known));
  return true;
}

void LeaseTable::ask(const PeerId& from, const Get& get) {
  if (m_places.contains({from, get.question})) {
    return;  // heard already
  }
  const auto asked_by = m_places.lower_bound({from, 0});
  const auto crowd = static_cast<std::size_t>(
      std::distance(asked_by, m_places.upper_bound({from, std::numeric_limits<QuestionId>::max()})));
  const cache::ResourceKey resource_key = github::key_of(get.resource);
  const SlotKey key = slot_key(get.resource, resource_key, get.fingerprint);
  if (!may_be_leased(get.resource) || crowd >= most_questions_per_peer || passes(key) ||
      (m_slots.size() >= most_slots && !m_slots.contains(key))) {
    m_parts.post(from, Release{get.question});
    return;
  }
  std::optional<cache::SharedValue> basis = find(get, resource_key);
  if (basis.has_value() && basis->fingerprint == get.fingerprint) {
    post_value(from, get.question, *std::move(basis));
    return;
  }
  Slot& slot = slot_of(key, get);
  const base::Millis patience = std::clamp(get.patience, base::Millis{0}, longest_term);
  const base::MonoTime now = m_parts.now();
  const Asker asker{from, get.question, get.fingerprint, now, now + patience, get.max_age, get.renew};
  if (Lease* running = joinable(slot, get.fingerprint); running != nullptr) {
    const bool too_early = get.renew || (get.max_age.has_value() && m_parts.now() - running->began > *get.max_age);
    wait_for(*running, too_early ? running->next : running->waiters, asker);
    return;
  }
  if (squats(key, from)) {
    m_parts.post(from, Release{get.question});
    tidy(key);
    return;
  }
  if (take_up(slot, key, asker, get)) {
    return;
  }
  if (!basis.has_value() && slot.shared_route && slot.leader.has_value()) {
    enqueue(slot, key, asker);
    return;
  }
  grant(key, {asker}, std::move(basis));
}

/// What was noted of a fetch that would do for that token, or that it would queue for, and the token it is made with.
std::pair<std::optional<LeaseTable::Noted>, cache::Fingerprint> LeaseTable::noted_for(
    const Slot& slot, const SlotKey& key, const cache::Fingerprint& asking) const {
  std::pair<std::optional<Noted>, cache::Fingerprint> best{std::nullopt, asking};
  const auto known = m_notes.lower_bound({key, cache::Fingerprint{}});
  for (auto note = known; note != m_notes.end() && note->first.first == key; ++note) {
    const bool same = note->first.second == asking;
    if (note->second.until > m_parts.now() && (same || (slot.shared_route && !slot.leader.has_value()))) {
      best = {note->second, note->first.second};
      if (same) {
        break;
      }
    }
  }
  return best;
}

/// Somebody fetches for an owner that has gone: its holder is asked before anybody else is granted the same.
bool LeaseTable::take_up(Slot& slot, const SlotKey& key, const Asker& asker, const Get& get) {
  auto [noted, fingerprint] = noted_for(slot, key, asker.fingerprint);
  if (!noted.has_value() && get.prior.has_value()) {
    noted = Noted{get.prior->holder, get.prior->lease, m_parts.now() + silence_ends_lease};
  }
  if (!noted.has_value() || m_leases.contains(noted->lease)) {
    return false;
  }
  if (noted->holder == asker.peer && get.hop == 0) {
    return false;  // a holder that asks has let go; passing on another's question says nothing of that
  }
  m_notes.erase({key, fingerprint});
  ++m_parts.counters.taken_up;
  Lease lease;
  lease.id = noted->lease;
  lease.slot = key;
  lease.fingerprint = fingerprint;
  lease.holder = noted->holder;
  lease.granted = true;
  lease.ends = m_parts.now() + longest_term;
  // What answers the probe in time beats from then on; what does not is gone.
  lease.silent_at =
      m_parts.now() + m_members.stretched(m_members.is_linked(lease.holder) || lease.holder == m_parts.self
                                              ? probe_patience
                                              : confirm_patience);
  slot.leases.push_back(lease.id);
  if (slot.shared_route && !slot.leader.has_value()) {
    slot.leader = lease.id;
  }
  const QuestionId question = m_parts.next_question();
  m_probes[{lease.holder, question}] = lease.id;
  m_parts.post(lease.holder, Probe{question, lease.id});
  Lease& kept = m_leases.emplace(lease.id, std::move(lease)).first->second;
  watch(kept);
  if (fingerprint == asker.fingerprint) {
    wait_for(kept, kept.waiters, asker);
  } else {
    enqueue(slot, key, asker);
  }
  return true;
}

void LeaseTable::wait_for(Lease& lease, std::vector<Asker>& list, Asker asker) {
  ++m_parts.counters.waited;
  m_places[{asker.peer, asker.question}] = lease.slot;
  m_parts.post(asker.peer, Wait{asker.question, lease.holder, lease.id});
  list.push_back(asker);
}

void LeaseTable::enqueue(Slot& slot, const SlotKey& key, Asker asker) {
  ++m_parts.counters.waited;
  m_places[{asker.peer, asker.question}] = key;
  const Lease& leader = m_leases.at(*slot.leader);
  m_parts.post(asker.peer, Wait{asker.question, leader.holder, leader.id});
  slot.queue.push_back(asker);
}

void LeaseTable::receive(const PeerId& from, const Forget& forget) {
  const auto place = m_places.find({from, forget.question});
  if (place == m_places.end()) {
    return;
  }
  const SlotKey key = place->second;
  m_places.erase(place);
  const auto slot = m_slots.find(key);
  if (slot == m_slots.end()) {
    return;
  }
  const auto is_it = [&](const Asker& asker) { return asker.peer == from && asker.question == forget.question; };
  std::erase_if(slot->second.queue, is_it);
  const std::vector<LeaseId> running = slot->second.leases;
  for (const LeaseId id : running) {
    Lease& lease = m_leases.at(id);
    std::erase_if(lease.waiters, is_it);
    std::erase_if(lease.next, is_it);
    if (lease.asker.has_value() && is_it(*lease.asker)) {
      const bool kept_others = !lease.waiters.empty() || !lease.next.empty() || !slot->second.queue.empty();
      if (kept_others && m_parts.now() - lease.began >= long_term) {
        note_squat(lease);
      }
      settle_lost(remove(id));
      return;
    }
  }
}

bool LeaseTable::passes(const SlotKey& key) const {
  const auto found = m_passed.find(key);
  return found != m_passed.end() && found->second.until > m_parts.now();
}

void LeaseTable::tidy(const SlotKey& key) {
  const auto found = m_slots.find(key);
  if (found != m_slots.end() && found->second.leases.empty() && found->second.queue.empty()) {
    m_slots.erase(found);
  }
}

}  // namespace ghoard::mesh
