#include "core/mesh/asker.hpp"

#include <algorithm>
#include <utility>

namespace ghoard::mesh {

namespace {

/// How long after a loss the views of who owns what may still differ, or name who has gone.
constexpr base::Millis settling{1'000};
constexpr base::Millis retry_interval{25};
constexpr base::Millis joining_interval{5};
constexpr std::size_t most_lost = 512;

}  // namespace

Asker::Asker(const LeaseParts& parts, Members& members, Hold hold)
    : m_parts(parts), m_members(members), m_hold(std::move(hold)) {}

QuestionId Asker::ask(cache::PeerQuestion question, bool alone, Callback answer) {
  const QuestionId id = m_parts.next_question();
  Open open;
  open.slot = slot_key(question.resource, question.key, question.fingerprint);
  open.asked = m_parts.now();
  open.deadline = m_parts.now() + std::max(question.patience, whole_budget);
  open.question = std::move(question);
  open.answer = std::move(answer);
  open.alone = alone;
  open.patience = m_parts.timers.at(open.deadline, [this, id] { go_ahead(id); });
  m_open.emplace(id, std::move(open));
  start_round(id);
  return id;
}

/// Asks the slot's owners, from the first one on, with new budgets.
void Asker::start_round(QuestionId id) {
  Open& open = m_open.at(id);
  open.acknowledged = false;
  open.refused.clear();
  m_parts.timers.cancel(open.second);
  m_parts.timers.cancel(open.budget);
  if (open.alone || (!ask_next(id) && !may_settle(open))) {
    // Not from within ask(): whoever asks is not ready for the answer yet.
    open.budget = m_parts.timers.at(m_parts.now(), [this, id] { go_ahead(id); });
    return;
  }
  open.budget = m_parts.timers.at(m_parts.now() + m_members.stretched(whole_budget), [this, id] { missed(id); });
  if (open.asking.empty()) {
    try_again(id);
  }
}

/// True while it is worth waiting for another owner: one of those that the view names has just been lost, or said that
/// it is none; or there is no view yet.
bool Asker::may_settle(const Open& open) const {
  if (!open.refused.empty() || m_members.is_joining()) {
    return true;
  }
  const std::vector<PeerId> owners = m_members.owners(open.slot, 2);
  return std::any_of(owners.begin(), owners.end(), [&](const PeerId& owner) {
    const auto lost = m_lost.find(owner);
    return lost != m_lost.end() && m_parts.now() - lost->second < m_members.stretched(settling);
  });
}

/// Until the budget is over, or nobody is there who could own anything.
void Asker::try_again(QuestionId id) {
  Open& open = m_open.at(id);
  m_parts.timers.cancel(open.second);
  const base::Millis interval = m_members.is_joining() ? joining_interval : m_members.stretched(retry_interval);
  open.second = m_parts.timers.at(m_parts.now() + interval, [this, id] {
    const auto found = m_open.find(id);
    if (found == m_open.end() || found->second.acknowledged || !found->second.asking.empty()) {
      return;
    }
    found->second.refused.clear();
    if (ask_next(id)) {
      return;
    }
    if (m_members.owners(found->second.slot, 1).empty() && !m_members.is_joining()) {
      go_ahead(id);
    } else {
      try_again(id);
    }
  });
}

std::optional<PeerId> Asker::next_owner(const Open& open) const {
  const auto usable = [&](const PeerId& owner) {
    return owner == m_parts.self || (m_members.is_linked(owner) && !m_members.is_passed_over(owner));
  };
  for (const PeerId& owner : m_members.owners(open.slot, 2)) {
    if (!open.asking.contains(owner) && !open.refused.contains(owner) && usable(owner)) {
      return owner;
    }
  }
  return std::nullopt;
}

bool Asker::ask_next(QuestionId id) {
  Open& open = m_open.at(id);
  const std::optional<PeerId> owner = next_owner(open);
  if (!owner.has_value()) {
    return false;
  }
  open.asking.insert(*owner);
  const base::Millis left = std::chrono::duration_cast<base::Millis>(open.deadline - m_parts.now());
  m_parts.post(*owner, Get{id, open.question.resource, open.question.fingerprint, open.question.max_age,
                           open.question.renew, left, 0, open.prior});
  if (*owner != m_parts.self) {
    m_members.watch_closely(*owner, true);
    const base::Millis patience = std::max(least_budget, 4 * m_members.round_trip(*owner));
    m_parts.timers.cancel(open.second);
    open.second = m_parts.timers.at(m_parts.now() + m_members.stretched(patience), [this, id] {
      const auto found = m_open.find(id);
      if (found != m_open.end() && !found->second.acknowledged) {
        ask_next(id);
      }
    });
  }
  return true;
}

/// No owner has acknowledged the question within its budget.
void Asker::missed(QuestionId id) {
  const auto found = m_open.find(id);
  if (found == m_open.end() || found->second.acknowledged) {
    return;
  }
  ++m_parts.counters.budgets_missed;
  for (const PeerId& owner : found->second.asking) {
    if (owner != m_parts.self) {
      m_members.missed_budget(owner);
    }
  }
  go_ahead(id);
}

void Asker::go_ahead(QuestionId id) {
  if (m_open.contains(id)) {
    finish(id, cache::GoAhead{}, nullptr);
  }
}

void Asker::give_up(QuestionId id) {
  const auto found = m_open.find(id);
  if (found == m_open.end()) {
    return;
  }
  stop_asking(found->second, id, nullptr);
  m_open.erase(found);
}

void Asker::stop_asking(Open& open, QuestionId id, const PeerId* except) {
  for (const Timers::Id timer : {open.second, open.budget, open.patience}) {
    m_parts.timers.cancel(timer);
  }
  for (const PeerId& owner : open.asking) {
    if (owner != m_parts.self) {
      m_members.watch_closely(owner, false);
    }
    if (except == nullptr || owner != *except) {
      m_parts.post(owner, Forget{id});
    }
  }
}

void Asker::finish(QuestionId id, cache::PeerAnswer answer, const PeerId* by) {
  const auto found = m_open.find(id);
  Open open = std::move(found->second);
  m_open.erase(found);
  stop_asking(open, id, by);
  open.answer(std::move(answer));
}

Asker::Open* Asker::open_of(QuestionId id, const PeerId& from) {
  const auto found = m_open.find(id);
  return found != m_open.end() && found->second.asking.contains(from) ? &found->second : nullptr;
}

void Asker::acknowledge(Open& open) {
  open.acknowledged = true;
  m_parts.timers.cancel(open.second);
  m_parts.timers.cancel(open.budget);
}

bool Asker::receive(const PeerId& from, const Pending& pending) {
  Open* open = open_of(pending.question, from);
  if (open == nullptr) {
    return false;
  }
  acknowledge(*open);
  return true;
}

bool Asker::receive(const PeerId& from, const Wait& wait) {
  Open* open = open_of(wait.question, from);
  if (open == nullptr) {
    return false;
  }
  acknowledge(*open);
  open->prior = Prior{wait.holder, wait.lease};
  return true;
}

bool Asker::receive(const PeerId& from, const Value& value) {
  Open* open = open_of(value.question, from);
  if (open == nullptr) {
    return false;
  }
  cache::SharedValue shared = value.value;
  shared.fetched_after = open->asked - value.began_before;
  ++m_parts.counters.values_received;
  if (on_value && from != m_parts.self) {
    on_value(from);
  }
  if (shared.fingerprint == open->question.fingerprint) {
    finish(value.question, std::move(shared), &from);
  } else {
    finish(value.question, cache::GoAhead{nullptr, std::move(shared)}, &from);
  }
  return true;
}

bool Asker::receive(const PeerId& from, const Grant& grant) {
  Open* open = open_of(grant.question, from);
  if (open == nullptr || grant.slot != open->slot) {
    return false;
  }
  cache::GoAhead answer{m_hold(from, grant, open->question), grant.basis};
  if (answer.basis.has_value()) {
    if (on_value && from != m_parts.self) {
      on_value(from);
    }
  }
  finish(grant.question, std::move(answer), &from);
  return true;
}

bool Asker::receive(const PeerId& from, const NotOwner& refusal) {
  Open* open = open_of(refusal.question, from);
  if (open == nullptr) {
    return false;
  }
  open->asking.erase(from);
  open->refused.insert(from);
  if (from != m_parts.self) {
    m_members.watch_closely(from, false);
    m_members.reconcile(from);
  }
  if (!open->asking.empty()) {
    return true;
  }
  if (open->acknowledged) {
    start_round(refusal.question);
  } else if (!ask_next(refusal.question)) {
    try_again(refusal.question);
  }
  return true;
}

bool Asker::receive(const PeerId& from, const Outcome& outcome) {
  if (open_of(outcome.question, from) == nullptr) {
    return false;
  }
  finish(outcome.question, outcome.outcome, &from);
  return true;
}

bool Asker::receive(const PeerId& from, const Release& release) {
  if (open_of(release.question, from) == nullptr) {
    return false;
  }
  ++m_parts.counters.released;
  finish(release.question, cache::GoAhead{}, &from);
  return true;
}

/// Those who waited for that owner turn to the other one, and say who fetches.
void Asker::lost(const PeerId& peer, bool /*dead*/) {
  if (m_lost.size() >= most_lost) {
    std::erase_if(m_lost, [&](const auto& loss) { return m_parts.now() - loss.second > settling; });
  }
  m_lost[peer] = m_parts.now();
  std::vector<QuestionId> stranded;
  for (auto& [id, open] : m_open) {
    if (open.asking.erase(peer) > 0) {
      m_members.watch_closely(peer, false);
      if (open.asking.empty()) {
        stranded.push_back(id);
      }
    }
  }
  for (const QuestionId id : stranded) {
    if (m_open.contains(id)) {
      start_round(id);
    }
  }
}

}  // namespace ghoard::mesh
