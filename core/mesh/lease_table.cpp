#include "core/mesh/lease_table.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/github/routes.hpp"

namespace ghoard::mesh {

namespace {

base::Millis stretched(base::Millis time, const Members& members) {
  return base::Millis(static_cast<std::int64_t>(static_cast<double>(time.count()) * members.stretch()));
}

bool concerns(const cache::Change& change, const cache::Resource& resource, const cache::Fingerprint& fingerprint) {
  if (const auto* tag = std::get_if<github::Tag>(&change)) {
    return tag->matches(resource.host, resource.path);
  }
  return std::get<cache::Fingerprint>(change) == fingerprint;
}

/// How long before the question the fetch may have begun.
base::Millis began_before(base::MonoTime asked, base::MonoTime fetched_after) {
  return std::max(base::Millis{0}, asked - fetched_after);
}

}  // namespace

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
  std::optional<cache::SharedValue> basis;
  if (!get.renew) {
    basis = m_host.find_shared(get.resource, resource_key, get.fingerprint, get.max_age);
    if (basis.has_value() && basis->fingerprint == get.fingerprint) {
      ++m_parts.counters.values_served;
      const base::Millis age = basis->age;
      m_parts.post(from, Value{get.question, *std::move(basis), age});
      return;
    }
  }
  Slot& slot = slot_of(key, get);
  const base::Millis patience = std::clamp(get.patience, base::Millis{0}, longest_term);
  const Asker asker{from, get.question, get.fingerprint, m_parts.now(), m_parts.now() + patience};
  if (Lease* running = joinable(slot, get.fingerprint); running != nullptr) {
    const bool too_early = get.renew || (get.max_age.has_value() && m_parts.now() - running->began > *get.max_age);
    wait_for(*running, too_early ? running->next : running->waiters, asker);
    return;
  }
  if (take_up(slot, key, asker, get.prior)) {
    return;
  }
  if (!basis.has_value() && slot.shared_route && slot.leader.has_value()) {
    enqueue(slot, key, asker);
    return;
  }
  grant(key, {asker}, std::move(basis));
}

/// Somebody fetches for an owner that has gone: its holder is asked before anybody else is granted the same.
bool LeaseTable::take_up(Slot& slot, const SlotKey& key, const Asker& asker, const std::optional<Prior>& prior) {
  std::optional<Noted> noted;
  cache::Fingerprint fingerprint = asker.fingerprint;
  const auto known = m_notes.lower_bound({key, cache::Fingerprint{}});
  for (auto note = known; note != m_notes.end() && note->first.first == key; ++note) {
    const bool same = note->first.second == asker.fingerprint;
    if (note->second.until > m_parts.now() && (same || (slot.shared_route && !slot.leader.has_value()))) {
      noted = note->second;
      fingerprint = note->first.second;
      if (same) {
        break;
      }
    }
  }
  if (!noted.has_value() && prior.has_value()) {
    noted = Noted{prior->holder, prior->lease, m_parts.now() + silence_ends_lease};
  }
  if (!noted.has_value() || m_leases.contains(noted->lease) || noted->holder == asker.peer) {
    return false;
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
      m_parts.now() +
      stretched(m_members.is_linked(lease.holder) || lease.holder == m_parts.self ? probe_patience : confirm_patience,
                m_members);
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
  lease.question = first.question;
  lease.began = m_parts.now();
  lease.ends = m_parts.now() + longest_term;
  lease.basis = std::move(basis);
  m_places[{first.peer, first.question}] = key;
  slot.leases.push_back(lease.id);
  if (slot.shared_route && !slot.leader.has_value() && !lease.basis.has_value()) {
    slot.leader = lease.id;
  }
  ++m_parts.counters.granted;
  const LeaseId id = lease.id;
  Lease& kept = m_leases.emplace(id, std::move(lease)).first->second;
  for (auto waiter = std::next(group.begin()); waiter != group.end(); ++waiter) {
    wait_for(kept, kept.waiters, *waiter);
  }
  const std::optional<PeerId> backup = other_owner(key);
  if (!backup.has_value() || *backup == kept.holder) {
    send_grant(id);
    return;
  }
  const QuestionId question = m_parts.next_question();
  m_noting[question] = id;
  m_parts.post(kept.holder, Pending{kept.question});
  m_parts.post(*backup, Note{question, key, kept.fingerprint, kept.holder, id});
  kept.timer = m_parts.timers.at(m_parts.now() + stretched(note_patience, m_members), [this, id, question] {
    m_noting.erase(question);
    send_grant(id);
  });
}

void LeaseTable::receive(const PeerId& /*from*/, const NoteKept& kept) {
  const auto found = m_noting.find(kept.question);
  if (found == m_noting.end()) {
    return;
  }
  const LeaseId id = found->second;
  m_noting.erase(found);
  send_grant(id);
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
  lease.silent_at = m_parts.now() + stretched(silence_ends_lease, m_members);
  watch(lease);
  m_parts.post(lease.holder, Grant{lease.question, id, lease.slot,
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
    settle_lost(remove(id));
  } else {
    watch(found->second);
  }
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
    if (lease.holder == from && lease.question == forget.question && lease.question != 0) {
      settle_lost(remove(id));
      return;
    }
  }
}

void LeaseTable::receive(const PeerId& from, const Note& note) {
  remember(note.slot, note.fingerprint, note.holder, note.lease);
  m_parts.post(from, NoteKept{note.question});
}

void LeaseTable::remember(const SlotKey& slot, const cache::Fingerprint& fingerprint, const PeerId& holder,
                          LeaseId lease) {
  if (m_notes.size() >= most_notes) {
    std::erase_if(m_notes, [now = m_parts.now()](const auto& note) { return note.second.until <= now; });
  }
  if (m_notes.size() < most_notes) {
    m_notes[{slot, fingerprint}] = Noted{holder, lease, m_parts.now() + stretched(silence_ends_lease, m_members)};
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
    lease.silent_at = m_parts.now() + stretched(silence_ends_lease, m_members);
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
  found->second.silent_at = m_parts.now() + stretched(silence_ends_lease, m_members);
  watch(found->second);
}

LeaseTable::Lease LeaseTable::remove(LeaseId id) {
  const auto found = m_leases.find(id);
  Lease lease = std::move(found->second);
  m_leases.erase(found);
  m_parts.timers.cancel(lease.timer);
  if (lease.question != 0) {
    m_places.erase({lease.holder, lease.question});
    std::erase_if(m_noting, [id](const auto& noting) { return noting.second == id; });
  } else {
    std::erase_if(m_probes, [id](const auto& probe) { return probe.second == id; });
  }
  Slot& slot = m_slots.at(lease.slot);
  std::erase(slot.leases, id);
  return lease;
}

/// The lease, if it is known and `holder`'s; its end is being told. Whoever named the lease of an owner that has gone
/// need not have waited for a fetch with its own token, or of this slot: what came of another fetch is nobody's here.
std::optional<LeaseTable::Lease> LeaseTable::take(LeaseId id, const PeerId& holder, const SlotKey& slot,
                                                  const cache::Fingerprint& fingerprint) {
  const auto found = m_leases.find(id);
  if (found == m_leases.end() || found->second.holder != holder) {
    return std::nullopt;
  }
  Lease lease = remove(id);
  if (lease.slot != slot || lease.fingerprint != fingerprint) {
    settle_lost(std::move(lease));
    return std::nullopt;
  }
  return lease;
}

void LeaseTable::receive(const PeerId& from, const Put& put) {
  const cache::ResourceKey key = github::key_of(put.resource);
  const SlotKey slot = slot_key(put.resource, key, put.value.fingerprint);
  const auto known = m_leases.find(put.lease);
  const bool ours = known != m_leases.end() && known->second.holder == from && known->second.slot == slot;
  const auto place = m_slots.find(slot);
  const bool another_runs =
      !ours && place != m_slots.end() && joinable(place->second, put.value.fingerprint) != nullptr;
  m_notes.erase({slot, put.value.fingerprint});
  if (another_runs || (!ours && known != m_leases.end())) {
    return;  // a fetch that was given up: another one is under way (fence)
  }
  cache::SharedValue value = put.value;
  // A granted fetch begins after the grant.
  value.fetched_after = ours ? known->second.began : base::MonoTime{};
  if (from != m_parts.self) {
    m_host.keep_shared(put.resource, key, value);
  }
  if (ours) {
    settle_value(remove(put.lease), value);
  }
}

void LeaseTable::receive(const PeerId& from, const Failed& failed) {
  m_notes.erase({failed.slot, failed.fingerprint});
  if (std::optional<Lease> lease = take(failed.lease, from, failed.slot, failed.fingerprint); lease.has_value()) {
    settle_outcome(*std::move(lease), failed.outcome);
  }
}

void LeaseTable::receive(const PeerId& from, const Pass& pass) {
  m_notes.erase({pass.slot, pass.fingerprint});
  if (std::optional<Lease> lease = take(pass.lease, from, pass.slot, pass.fingerprint); lease.has_value()) {
    settle_pass(*std::move(lease));
  }
}

void LeaseTable::settle_value(Lease lease, const cache::SharedValue& value) {
  const SlotKey key = lease.slot;
  Slot& slot = m_slots.at(key);
  std::vector<Asker> others;
  for (const Asker& waiter : lease.waiters) {
    if (waiter.fingerprint != value.fingerprint) {
      others.push_back(waiter);
      continue;
    }
    answered(waiter);
    ++m_parts.counters.values_served;
    m_parts.post(waiter.peer, Value{waiter.question, value, began_before(waiter.asked, value.fetched_after)});
  }
  slot.queue.insert(slot.queue.begin(), others.begin(), others.end());
  const bool led = slot.leader == lease.id;
  if (led) {
    slot.leader.reset();
  }
  drop_late(lease.next);
  if (!lease.next.empty()) {
    grant(key, std::move(lease.next), std::nullopt);
  }
  if (led || !others.empty()) {
    release_queue(key, value.shareable ? Lesson::shareable : Lesson::opaque, &value);
  }
  tidy(key);
}

void LeaseTable::settle_outcome(Lease lease, const cache::SharedOutcome& outcome) {
  const SlotKey key = lease.slot;
  for (const Asker& waiter : lease.waiters) {
    answered(waiter);
    m_parts.post(waiter.peer, Outcome{waiter.question, outcome});
  }
  Slot& slot = m_slots.at(key);
  const bool led = slot.leader == lease.id;
  if (led) {
    slot.leader.reset();
  }
  drop_late(lease.next);
  if (!lease.next.empty()) {
    grant(key, std::move(lease.next), std::nullopt);
  }
  if (led) {
    release_queue(key, Lesson::refused, nullptr);
  }
  tidy(key);
}

void LeaseTable::settle_pass(Lease lease) {
  const SlotKey key = lease.slot;
  Slot& slot = m_slots.at(key);
  if (m_pass_until.size() >= most_slots) {
    m_pass_until.clear();
  }
  m_pass_until[key] = m_parts.now() + pass_memory;
  tell_release(lease.waiters);
  tell_release(lease.next);
  tell_release(std::exchange(slot.queue, {}));
  if (slot.leader == lease.id) {
    slot.leader.reset();
  }
  tidy(key);
}

/// Exactly one of those who wait takes over.
void LeaseTable::settle_lost(Lease lease) {
  const SlotKey key = lease.slot;
  Slot& slot = m_slots.at(key);
  const bool led = slot.leader == lease.id;
  if (led) {
    slot.leader.reset();
  }
  std::vector<Asker> heirs = std::move(lease.waiters);
  heirs.insert(heirs.end(), lease.next.begin(), lease.next.end());
  if (heirs.empty() && led) {
    heirs = take_group(slot.queue);
  }
  drop_late(heirs);
  if (!heirs.empty()) {
    ++m_parts.counters.promoted;
    grant(key, std::move(heirs), std::move(lease.basis));
  } else if (led) {
    release_queue(key, Lesson::refused, nullptr);
  }
  tidy(key);
}

/// What the leader's end means for the tokens that wait: after a shareable answer all prove themselves at once, after a
/// refusal one more tries for all, after two of those everybody asks for itself.
void LeaseTable::release_queue(const SlotKey& key, Lesson lesson, const cache::SharedValue* value) {
  drop_late(m_slots.at(key).queue);
  if (m_slots.at(key).queue.empty()) {
    m_slots.at(key).refusals = 0;
    return;
  }
  if (lesson == Lesson::refused && ++m_slots.at(key).refusals < refusals_before_release) {
    std::vector<Asker> group = take_group(m_slots.at(key).queue);
    grant(key, std::move(group), std::nullopt);
    return;
  }
  m_slots.at(key).refusals = 0;
  std::vector<Asker> queue = std::exchange(m_slots.at(key).queue, {});
  while (!queue.empty()) {
    std::vector<Asker> group = take_group(queue);
    if (Lease* running = joinable(m_slots.at(key), group.front().fingerprint); running != nullptr) {
      for (const Asker& asker : group) {
        wait_for(*running, running->waiters, asker);
      }
      continue;
    }
    std::optional<cache::SharedValue> basis;
    if (lesson == Lesson::shareable) {
      basis = *value;
    }
    grant(key, std::move(group), std::move(basis));
  }
}

void LeaseTable::tell_release(const std::vector<Asker>& askers) {
  for (const Asker& asker : askers) {
    answered(asker);
    m_parts.post(asker.peer, Release{asker.question});
  }
}

/// The first and all others with its token, out of the list.
std::vector<LeaseTable::Asker> LeaseTable::take_group(std::vector<Asker>& askers) {
  if (askers.empty()) {
    return {};
  }
  const cache::Fingerprint fingerprint = askers.front().fingerprint;
  const auto others = std::stable_partition(askers.begin(), askers.end(),
                                            [&](const Asker& asker) { return asker.fingerprint == fingerprint; });
  std::vector<Asker> group(askers.begin(), others);
  askers.erase(askers.begin(), others);
  return group;
}

/// Whoever's patience is over has gone upstream, and whose link is gone asks another owner.
void LeaseTable::drop_late(std::vector<Asker>& askers) {
  std::erase_if(askers, [&](const Asker& asker) {
    const bool there = asker.peer == m_parts.self || m_members.is_linked(asker.peer);
    if (there && asker.until > m_parts.now()) {
      return false;
    }
    answered(asker);
    return true;
  });
}

void LeaseTable::tidy(const SlotKey& key) {
  const auto found = m_slots.find(key);
  if (found != m_slots.end() && found->second.leases.empty() && found->second.queue.empty()) {
    m_slots.erase(found);
  }
}

bool LeaseTable::passes(const SlotKey& key) {
  const auto found = m_pass_until.find(key);
  if (found == m_pass_until.end()) {
    return false;
  }
  if (found->second > m_parts.now()) {
    return true;
  }
  m_pass_until.erase(found);
  return false;
}

void LeaseTable::lost(const PeerId& peer, bool dead) {
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
  // A holder whose link broke has half a second to come back before somebody else takes over.
  std::vector<LeaseId> held;
  for (auto& [id, lease] : m_leases) {
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
          std::min(found->second.silent_at, m_parts.now() + stretched(confirm_patience, m_members));
      watch(found->second);
    }
  }
  std::erase_if(m_notes, [&](const auto& note) { return dead && note.second.holder == peer; });
  std::erase_if(m_probes, [&](const auto& probe) { return probe.first.first == peer; });
}

void LeaseTable::changed(const std::vector<cache::Change>& changes) {
  std::vector<SlotKey> leaderless;
  for (auto& [id, lease] : m_leases) {
    Slot& slot = m_slots.at(lease.slot);
    const bool hit = std::any_of(changes.begin(), changes.end(), [&, &held = lease](const cache::Change& change) {
      return concerns(change, slot.resource, held.fingerprint);
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
    drop_late(slot.queue);
    if (!slot.queue.empty()) {
      grant(key, take_group(slot.queue), std::nullopt);
    }
  }
}

}  // namespace ghoard::mesh
