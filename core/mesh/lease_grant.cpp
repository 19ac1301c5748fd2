// Granting a lease, of which the other owner is told first, and watching over it while its holder fetches.

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/github/routes.hpp"
#include "core/mesh/lease_table.hpp"

namespace ghoard::mesh {

/// The other owner of the slot, if it can be told.
std::optional<PeerId> LeaseTable::other_owner(const SlotKey& key) const {
  for (const PeerId& owner : m_members.owners(key, 2)) {
    if (owner != m_parts.self && m_members.is_linked(owner) && !m_members.is_passed_over(owner)) {
      return owner;
    }
  }
  return std::nullopt;
}

/// The first of the group fetches, the others wait for it. The backup owner learns of it first, so that the lease
/// survives this owner.
void LeaseTable::grant(const SlotKey& key, std::vector<Asker> group, std::optional<cache::SharedValue> basis) {
  Slot& slot = m_slots.at(key);
  Lease lease;
  do {
    lease.id = m_parts.random();
  } while (lease.id == 0 || m_leases.contains(lease.id));
  const Asker& first = group.front();
  lease.slot = key;
  lease.fingerprint = first.fingerprint;
  lease.holder = first.peer;
  lease.asker = first;
  lease.began = m_parts.now();
  lease.ends = m_parts.now() + longest_term;
  lease.basis = std::move(basis);
  m_places[{first.peer, first.question}] = key;
  slot.leases.push_back(lease.id);
  if (slot.shared_route && !slot.leader.has_value() && !lease.basis.has_value()) {
    slot.leader = lease.id;
  }
  const LeaseId id = lease.id;
  Lease& kept = m_leases.emplace(id, std::move(lease)).first->second;
  for (auto waiter = std::next(group.begin()); waiter != group.end(); ++waiter) {
    wait_for(kept, kept.waiters, *waiter);
  }
  const std::optional<PeerId> backup = other_owner(key);
  if (!backup.has_value() || *backup == kept.holder) {
    send_grant(id);
  } else {
    ask_backup(kept, *backup);
  }
}

/// It may have been this slot's first owner until this one came, and have what is wanted.
void LeaseTable::ask_backup(Lease& lease, const PeerId& backup) {
  const QuestionId question = m_parts.next_question();
  Note note{question, lease.slot, lease.fingerprint, lease.holder, lease.id, std::nullopt};
  if (!lease.asker->renew && !lease.basis.has_value()) {
    note.wanted = Wanted{m_slots.at(lease.slot).resource, lease.asker->max_age};
  }
  m_noting[{backup, question}] = lease.id;
  m_parts.post(lease.holder, Pending{lease.asker->question});
  m_parts.post(backup, std::move(note));
  lease.timer =
      m_parts.timers.at(m_parts.now() + m_members.stretched(note_patience), [this, backup, question, id = lease.id] {
        m_noting.erase({backup, question});
        send_grant(id);
      });
}

std::optional<LeaseId> LeaseTable::take_noting(const PeerId& from, QuestionId question) {
  const auto found = m_noting.find({from, question});
  if (found == m_noting.end()) {
    return std::nullopt;
  }
  const LeaseId id = found->second;
  m_noting.erase(found);
  return id;
}

void LeaseTable::receive(const PeerId& from, const NoteKept& kept) {
  if (const std::optional<LeaseId> id = take_noting(from, kept.question); id.has_value()) {
    send_grant(*id);
  }
}

bool LeaseTable::receive(const PeerId& from, const Value& value) {
  const std::optional<LeaseId> id = take_noting(from, value.question);
  if (!id.has_value()) {
    return false;
  }
  Lease& lease = m_leases.at(*id);
  const Slot& slot = m_slots.at(lease.slot);
  if (lease.asker->renew || lease.basis.has_value() || !lease.joinable) {
    send_grant(*id);
    return true;
  }
  cache::SharedValue told = value.value;
  told.fetched_after = lease.began - value.began_before;  // the note left then, and arrived later
  m_host.keep_shared(slot.resource, slot.key, told);
  // Handed on only if it would be had it been here all along: changes may have been heard of that the other owner has
  // not, and the route table may be another one.
  std::optional<cache::SharedValue> held =
      m_host.find_shared(slot.resource, slot.key, lease.fingerprint, lease.asker->max_age);
  if (held.has_value() && held->fingerprint == lease.fingerprint) {
    held->fetched_after = std::min(told.fetched_after, m_parts.now() - held->age);
    serve_instead(*id, *held);
    return true;
  }
  lease.basis = std::move(held);
  send_grant(*id);
  return true;
}

/// Nobody need fetch: the value goes to the one who would have, and to those who waited if it is young enough for them.
void LeaseTable::serve_instead(LeaseId id, const cache::SharedValue& value) {
  Lease lease = remove(id);
  const auto others = std::stable_partition(lease.waiters.begin(), lease.waiters.end(),
                                            [&](const Asker& waiter) { return waiter.accepts(value); });
  lease.next.insert(lease.next.begin(), others, lease.waiters.end());
  lease.waiters.erase(others, lease.waiters.end());
  lease.waiters.insert(lease.waiters.begin(), *lease.asker);
  settle_value(std::move(lease), value);
}

void LeaseTable::send_grant(LeaseId id) {
  const auto found = m_leases.find(id);
  if (found == m_leases.end() || found->second.granted) {
    return;
  }
  Lease& lease = found->second;
  lease.granted = true;
  if (lease.holder != m_parts.self && !m_members.is_linked(lease.holder)) {
    settle_lost(remove(id));
    return;
  }
  ++m_parts.counters.granted;
  lease.silent_at = m_parts.now() + m_members.stretched(silence_ends_lease);
  watch(lease);
  m_parts.post(lease.holder, Grant{lease.asker->question, id, lease.slot,
                                   std::chrono::duration_cast<base::Millis>(lease.ends - m_parts.now()),
                                   other_owner(lease.slot), lease.basis});
}

void LeaseTable::watch(Lease& lease) {
  m_parts.timers.cancel(lease.timer);
  const LeaseId id = lease.id;
  lease.timer = m_parts.timers.at(std::min(lease.silent_at, lease.ends), [this, id] { check(id); });
}

void LeaseTable::check(LeaseId id) {
  const auto found = m_leases.find(id);
  if (found == m_leases.end()) {
    return;
  }
  if (m_parts.now() >= std::min(found->second.silent_at, found->second.ends)) {
    if (m_parts.now() >= found->second.ends) {
      note_squat(found->second);
    }
    settle_lost(remove(id));
  } else {
    watch(found->second);
  }
}

/// Somebody who beats and never ends keeps those who wait from their answer: they pay for it only so often. Silence is
/// noticed at once, and no such thing.
void LeaseTable::note_squat(const Lease& lease) {
  if (m_squats.size() >= most_notes) {
    std::erase_if(m_squats, [now = m_parts.now()](const auto& squat) { return squat.second.until <= now; });
  }
  const std::pair who{lease.slot, lease.holder};
  if (m_squats.size() < most_notes || m_squats.contains(who)) {
    Squat& squat = m_squats[who];
    squat.terms = squat.until > m_parts.now() ? squat.terms + 1 : 1;
    squat.until = m_parts.now() + squat_memory;
  }
}

/// It is to fetch for itself alone.
bool LeaseTable::squats(const SlotKey& slot, const PeerId& peer) const {
  const auto found = m_squats.find({slot, peer});
  return found != m_squats.end() && found->second.terms >= most_terms_wasted && found->second.until > m_parts.now();
}

void LeaseTable::receive(const PeerId& from, const Note& note) {
  remember(note.slot, note.fingerprint, note.holder, note.lease);
  if (note.wanted.has_value() && may_be_leased(note.wanted->resource)) {
    const cache::Resource& resource = note.wanted->resource;
    const cache::ResourceKey key = github::key_of(resource);
    const bool is_of_slot = slot_key(resource, key, note.fingerprint) == note.slot;
    std::optional<cache::SharedValue> known =
        is_of_slot ? m_host.find_shared(resource, key, note.fingerprint, note.wanted->max_age) : std::nullopt;
    // What is larger would not arrive in time.
    if (known.has_value() && known->body->size() <= most_noted_body) {
      post_value(from, note.question, *std::move(known));
      return;
    }
  }
  m_parts.post(from, NoteKept{note.question});
}

void LeaseTable::remember(const SlotKey& slot, const cache::Fingerprint& fingerprint, const PeerId& holder,
                          LeaseId lease) {
  if (m_notes.size() >= most_notes) {
    std::erase_if(m_notes, [now = m_parts.now()](const auto& note) { return note.second.until <= now; });
  }
  if (m_notes.size() < most_notes) {
    m_notes[{slot, fingerprint}] = Noted{holder, lease, m_parts.now() + m_members.stretched(silence_ends_lease)};
  }
}

void LeaseTable::receive(const PeerId& from, const Beat& beat) {
  const auto found = m_leases.find(beat.lease);
  if (found == m_leases.end()) {
    remember(beat.slot, beat.fingerprint, from, beat.lease);
    return;
  }
  Lease& lease = found->second;
  if (lease.holder == from && lease.granted) {
    lease.silent_at = m_parts.now() + m_members.stretched(silence_ends_lease);
  }
}

void LeaseTable::receive(const PeerId& from, const Alive& alive) {
  const auto probe = m_probes.find({from, alive.question});
  if (probe == m_probes.end()) {
    return;
  }
  const LeaseId id = probe->second;
  m_probes.erase(probe);
  const auto found = m_leases.find(id);
  if (found == m_leases.end() || found->second.holder != from) {
    return;
  }
  if (!alive.alive) {
    settle_lost(remove(id));
    return;
  }
  found->second.silent_at = m_parts.now() + m_members.stretched(silence_ends_lease);
  watch(found->second);
}

}  // namespace ghoard::mesh
