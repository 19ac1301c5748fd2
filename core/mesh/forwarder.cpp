#include "core/mesh/forwarder.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace ghoard::mesh {

Forwarder::Forwarder(const LeaseParts& parts, Members& members, std::function<void(const PeerId&, const Get&)> act)
    : m_parts(parts), m_members(members), m_act(std::move(act)) {}

void Forwarder::forward(const PeerId& from, const Get& get, const PeerId& first) {
  if (m_by_asker.contains({from, get.question})) {
    return;
  }
  const auto crowd = std::distance(m_by_asker.lower_bound({from, 0}),
                                   m_by_asker.upper_bound({from, std::numeric_limits<QuestionId>::max()}));
  if (m_passed.size() >= most_passed || static_cast<std::size_t>(crowd) >= most_passed_per_peer) {
    m_parts.post(from, Release{get.question});
    return;
  }
  ++m_parts.counters.forwarded;
  const QuestionId question = m_parts.next_question();
  Get passed_on = get;
  passed_on.question = question;
  passed_on.hop = 1;
  m_parts.post(from, Pending{get.question});
  m_parts.post(first, std::move(passed_on));
  const Timers::Id timer =
      m_parts.timers.at(m_parts.now() + m_members.stretched(forward_patience), [this, question] { give_up(question); });
  const base::MonoTime until = m_parts.now() + std::clamp(get.patience, base::Millis{0}, longest_term);
  m_passed.emplace(question, Passed{from, get, first, until, timer, std::nullopt});
  m_by_asker.emplace(std::pair(from, get.question), question);
}

/// The first owner answers. What comes of it is awaited as long as its asker does, or may hold the lease.
void Forwarder::acknowledged(QuestionId question, Passed& passed) {
  m_parts.timers.cancel(passed.timer);
  const base::MonoTime until = passed.lease.has_value() ? m_parts.now() + longest_term : passed.until;
  passed.timer = m_parts.timers.at(until + forward_patience, [this, question] {
    if (const auto found = m_passed.find(question); found != m_passed.end()) {
      forget(found->second.asker, found->second.get.question);
    }
  });
}

/// A question brings one lease, and nobody can name that of another.
bool Forwarder::keep_lease(const PeerId& from, QuestionId question, Passed& passed, const Grant& grant) {
  if (passed.lease.has_value() || m_held.contains(grant.lease)) {
    return false;
  }
  m_held.emplace(grant.lease, Held{passed.asker, from, question, grant.slot, passed.get.fingerprint});
  passed.lease = grant.lease;
  return true;
}

void Forwarder::done(QuestionId question) {
  const auto found = m_passed.find(question);
  m_parts.timers.cancel(found->second.timer);
  m_by_asker.erase({found->second.asker, found->second.get.question});
  m_passed.erase(found);
}

void Forwarder::give_up(QuestionId question) {
  const auto found = m_passed.find(question);
  if (found == m_passed.end()) {
    return;
  }
  const Passed passed = found->second;
  done(question);
  m_parts.post(passed.first, Forget{question});
  m_act(passed.asker, passed.get);
}

bool Forwarder::answer(const PeerId& from, QuestionId question, const Message& message) {
  const auto found = m_passed.find(question);
  if (found == m_passed.end() || found->second.first != from) {
    return false;
  }
  Passed& passed = found->second;
  const PeerId asker = passed.asker;
  const QuestionId theirs = passed.get.question;
  const auto readdressed = [theirs](auto answer) {
    answer.question = theirs;
    return Message(std::move(answer));
  };
  if (std::holds_alternative<Pending>(message)) {
    acknowledged(question, passed);
  } else if (const auto* wait = std::get_if<Wait>(&message)) {
    acknowledged(question, passed);
    passed.get.prior = Prior{wait->holder, wait->lease};
    m_parts.post(asker, readdressed(*wait));
  } else if (const auto* grant = std::get_if<Grant>(&message)) {
    if (!keep_lease(from, question, passed, *grant)) {
      return true;
    }
    Grant ours = *grant;
    ours.backup.reset();  // it tells this owner, and this owner the first
    acknowledged(question, passed);
    m_parts.post(asker, readdressed(std::move(ours)));
  } else if (std::holds_alternative<NotOwner>(message)) {
    const Get get = passed.get;
    done(question);
    m_members.reconcile(from);
    m_act(asker, get);
  } else {
    Message out = message;
    std::visit(
        [theirs](auto& answer) {
          if constexpr (requires { answer.question; }) {
            answer.question = theirs;
          }
        },
        out);
    done(question);
    m_parts.post(asker, std::move(out));
  }
  return true;
}

bool Forwarder::relay_up(const PeerId& from, LeaseId lease, const Message& message, bool ends) {
  const auto found = m_held.find(lease);
  if (found == m_held.end() || found->second.holder != from) {
    return false;
  }
  m_parts.post(found->second.first, message);
  if (ends) {
    if (m_passed.contains(found->second.question)) {
      done(found->second.question);
    }
    m_held.erase(found);
  }
  return true;
}

bool Forwarder::forget(const PeerId& from, QuestionId question) {
  const auto found = m_by_asker.find({from, question});
  if (found == m_by_asker.end()) {
    return false;
  }
  const QuestionId ours = found->second;
  const PeerId first = m_passed.at(ours).first;
  std::erase_if(m_held, [ours](const auto& held) { return held.second.question == ours; });
  done(ours);
  m_parts.post(first, Forget{ours});
  return true;
}

void Forwarder::lost(const PeerId& peer, bool /*dead*/) {
  std::vector<QuestionId> orphaned;
  std::vector<std::pair<PeerId, QuestionId>> left;
  for (const auto& [question, passed] : m_passed) {
    if (passed.first == peer) {
      orphaned.push_back(question);
    } else if (passed.asker == peer) {
      left.emplace_back(passed.asker, passed.get.question);
    }
  }
  for (const auto& [asker, question] : left) {
    forget(asker, question);
  }
  std::vector<std::pair<LeaseId, Held>> held;
  for (const auto& [lease, relayed] : m_held) {
    if (relayed.first == peer) {
      held.emplace_back(lease, relayed);
    }
  }
  for (const auto& [lease, relayed] : held) {
    m_held.erase(lease);
    if (m_passed.contains(relayed.question)) {
      done(relayed.question);  // its asker holds the lease and needs no other answer
    }
    on_orphan(relayed.slot, relayed.fingerprint, relayed.holder, lease);
  }
  for (const QuestionId question : orphaned) {
    if (m_passed.contains(question)) {
      const Passed passed = m_passed.at(question);
      done(question);
      m_act(passed.asker, passed.get);
    }
  }
}

}  // namespace ghoard::mesh
