// How a lease ends, and what becomes of those who wait for it.

#include <algorithm>
#include <utility>

#include "core/github/routes.hpp"
#include "core/mesh/lease_table.hpp"

namespace ghoard::mesh {

namespace {

/// How long before the question the fetch may have begun.
base::Millis began_before(base::MonoTime asked, base::MonoTime fetched_after) {
  return std::max(base::Millis{0}, asked - fetched_after);
}

}  // namespace

LeaseTable::Lease LeaseTable::remove(LeaseId id) {
  const auto found = m_leases.find(id);
  Lease lease = std::move(found->second);
  m_leases.erase(found);
  m_parts.timers.cancel(lease.timer);
  if (lease.asker.has_value()) {
    answered(*lease.asker);
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
    m_squats.erase({slot, from});
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
    if (passes(pass.slot) || remember_pass(pass.slot, from)) {
      settle_pass(*std::move(lease));
    } else {
      settle_lost(*std::move(lease));  // one of those who wait finds out for itself
    }
  }
}

/// Stops the sharing of a slot for a minute. One peer alone cannot do so again and again: what it said last of that
/// slot has to be said by another before it is believed anew.
bool LeaseTable::remember_pass(const SlotKey& key, const PeerId& by) {
  if (m_passed.size() >= most_slots) {
    std::erase_if(m_passed, [now = m_parts.now()](const auto& passed) { return passed.second.until <= now; });
  }
  const auto known = m_passed.find(key);
  const bool is_new = known == m_passed.end();
  if (is_new && m_passed.size() >= most_slots) {
    return false;
  }
  if (by != m_parts.self && ((!is_new && known->second.by == by) || !may_pass(by))) {
    return false;
  }
  m_passed[key] = {by, m_parts.now() + pass_memory};
  return true;
}

bool LeaseTable::may_pass(const PeerId& peer) {
  if (m_passers.size() >= most_passers) {
    std::erase_if(m_passers, [now = m_parts.now()](const auto& passer) { return passer.second.until <= now; });
  }
  if (m_passers.size() >= most_passers && !m_passers.contains(peer)) {
    return false;
  }
  Passer& passer = m_passers[peer];
  if (passer.until <= m_parts.now()) {
    passer = {0, m_parts.now() + pass_memory};
  }
  return ++passer.passes <= most_passes_per_peer;
}

/// True: it led its slot, and other tokens may have queued for its result.
bool LeaseTable::step_down(const Lease& lease) {
  Slot& slot = m_slots.at(lease.slot);
  if (slot.leader != lease.id) {
    return false;
  }
  slot.leader.reset();
  return true;
}

/// Steps down, and those begin whom this fetch was too early for.
bool LeaseTable::succeed(Lease& lease) {
  const bool led = step_down(lease);
  drop_unfit(lease.slot, lease.next);
  if (!lease.next.empty()) {
    grant(lease.slot, std::move(lease.next), std::nullopt);
  }
  return led;
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
  const bool led = succeed(lease);
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
  if (succeed(lease)) {
    release_queue(key, Lesson::refused, nullptr);
  }
  tidy(key);
}

void LeaseTable::settle_pass(Lease lease) {
  const SlotKey key = lease.slot;
  Slot& slot = m_slots.at(key);
  tell_release(lease.waiters);
  tell_release(lease.next);
  tell_release(std::exchange(slot.queue, {}));
  step_down(lease);
  tidy(key);
}

/// Exactly one of those who wait takes over.
void LeaseTable::settle_lost(Lease lease) {
  const SlotKey key = lease.slot;
  Slot& slot = m_slots.at(key);
  const bool led = step_down(lease);
  std::vector<Asker> heirs = std::move(lease.waiters);
  heirs.insert(heirs.end(), lease.next.begin(), lease.next.end());
  if (heirs.empty() && led) {
    heirs = take_group(slot.queue);
  }
  drop_unfit(key, heirs);
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
  drop_unfit(key, m_slots.at(key).queue);
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

/// Whoever's patience is over has gone upstream, and whose link is gone asks another owner. Who squats is sent away.
void LeaseTable::drop_unfit(const SlotKey& slot, std::vector<Asker>& askers) {
  std::erase_if(askers, [&](const Asker& asker) {
    const bool there = asker.peer == m_parts.self || m_members.is_linked(asker.peer);
    const bool waits = there && asker.until > m_parts.now();
    if (waits && !squats(slot, asker.peer)) {
      return false;
    }
    answered(asker);
    if (waits) {
      m_parts.post(asker.peer, Release{asker.question});
    }
    return true;
  });
}

}  // namespace ghoard::mesh
