// Links, and attempts at them.

#include <algorithm>
#include <utility>

#include "core/mesh/members.hpp"

namespace ghoard::mesh {

namespace {

constexpr std::size_t most_links = 256;  ///< a full mesh up to here
constexpr std::size_t most_dials = 16;
constexpr base::Millis longest_dial{20'000};  ///< Links promises 15 s
constexpr base::Millis first_backoff{1'000};
constexpr base::Millis last_backoff{60'000};
constexpr base::Millis higher_waits{1'000};
constexpr base::Millis hint_pause{10'000};
constexpr base::Millis dead_pause{30'000};
constexpr base::Millis isolated_pause{5'000};
constexpr base::Millis forgotten_after{7 * 24 * 3'600'000LL};
constexpr int failures_of_strangers = 3;
constexpr double starved = 1.5;

std::string_view words_of(LinkEnd end) {
  switch (end) {
    case LinkEnd::closed: return "closed by the peer";
    case LinkEnd::reset: return "connection reset";
    case LinkEnd::refused: return "connection refused";
    case LinkEnd::silent: return "no answer";
    case LinkEnd::failed: return "no authenticated link";
  }
  return "unknown";
}

std::vector<peer::Multiaddr> addresses_of(const Member& member) {
  std::vector<peer::Multiaddr> addresses = member.fixed;
  for (const peer::Multiaddr& address : member.record.addresses) {
    if (addresses.size() < most_addresses &&
        std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
      addresses.push_back(address);
    }
  }
  return addresses;
}

}  // namespace

void Members::link_up(const PeerId& peer, bool inbound, const std::string& remote_address) {
  if (peer == m_own.id) {
    return;
  }
  const base::MonoTime now = m_clock.mono();
  if (inbound) {
    become_reachable();
  }
  Member& member = make(peer);
  revive(member, now);
  member.teller.reset();
  member.linked = true;
  member.inbound = inbound;
  member.trusted = true;
  member.lived = true;
  member.suspect = false;
  member.claims.clear();
  member.claims_left = 2;
  member.claim_due.reset();
  member.verify_since.reset();
  member.dialling = false;
  member.confirming = false;
  member.next_dial.reset();
  member.backoff = first_backoff;
  member.failures = 0;
  member.last_failure.clear();
  member.heard = now;
  member.watched_since = now;
  m_watch_changed = true;
  views_changed();
  m_links.send(peer, Hello{m_own, remote_address, m_incarnation, m_software});
  if (m_dials_waiting) {
    want_soon();
  }
}

void Members::link_down(const PeerId& peer, LinkEnd end) {
  Member* member = find(peer);
  if (member == nullptr || !member->linked) {
    return;
  }
  const base::MonoTime now = m_clock.mono();
  member->linked = false;
  member->greeted = false;
  member->verify_since.reset();
  member->last_failure = words_of(end);
  m_events.push_back({peer, false, false});
  if (end == LinkEnd::closed) {
    // A good-bye is its own word. It may also mean that this process was taken for dead, having been starved: then it
    // accuses nobody, and the one dial brings them together again.
    if (stretch() < starved) {
      claim(*member, now);
    }
    die(*member, now);
    if (is_dialable(*member)) {
      member->next_dial = now + first_backoff + jitter(first_backoff);
    }
  } else if (!is_dialable(*member)) {
    claim(*member, now);
  } else if (may_claim(*member, m_own.id, watchers_of_one)) {
    member->confirming = true;
    member->next_dial = now;
    member->claim_due = std::max(member->heard, now - silence) + stretched(silence);
  } else {
    member->next_dial = now + first_backoff + jitter(first_backoff);
  }
  views_changed();
  want_now();
  fire();
}

void Members::dial_failed(const PeerId& peer, LinkEnd end) {
  Member* member = find(peer);
  if (member == nullptr || !std::exchange(member->dialling, false) || member->linked) {
    return;
  }
  const base::MonoTime now = m_clock.mono();
  member->confirming = false;
  count_failure(*member, end, now);
  if (!is_worth_keeping(*member)) {
    m_table.erase(peer);
    views_changed();
  } else if (is_candidate(*member) || member->trusted) {
    if (end == LinkEnd::refused) {
      claim(*member, now);
    } else if (!member->claim_due) {
      member->claim_due = now;
    }
  }
  want_soon();
  fire();
}

void Members::count_failure(Member& member, LinkEnd end, base::MonoTime now) {
  ++member.failures;
  member.last_failure = words_of(end);
  member.next_dial.reset();
  if (member.bootstrap || !member.dead) {
    member.next_dial = now + member.backoff / 2 + jitter(member.backoff / 2);
    member.backoff = std::min(member.backoff * 2, last_backoff);
  }
  const int enough = member.lived ? 1 : failures_of_strangers;
  if (!member.trusted && !member.teller && !member.dead && member.failures >= enough && !is_candidate(member)) {
    die(member, now);  // known from an earlier run, or believed to live again by hearsay: tried now and then
  }
}

/// A stranger that cannot be reached, and whom hardly anybody knows, is not kept.
bool Members::is_worth_keeping(const Member& member) const {
  return !member.teller || member.failures < failures_of_strangers || is_candidate(member);
}

bool Members::is_dialable(const Member& member) const {
  return member.bootstrap || (!member.record.addresses.empty() && (member.record.reachable || !member.lived));
}

/// Of two that learn of each other the lower id dials first, so that one connection comes of it and not two.
void Members::schedule_dial(Member& member, base::MonoTime now) {
  if (member.linked || member.dialling || member.next_dial || !is_dialable(member) || !member.record.reachable) {
    return;
  }
  const bool first = !m_own.reachable || m_own.id < member.record.id;
  member.next_dial = first ? now : now + higher_waits + jitter(higher_waits / 2);
  want(std::max(*member.next_dial, now + soon));
}

/// Somebody believes in a peer that is dead here.
void Members::dial_hinted(Member& member, base::MonoTime now) {
  if (member.linked || member.dialling || !is_dialable(member) ||
      (member.dial_began != base::MonoTime{} && now < member.dial_began + hint_pause)) {
    return;
  }
  if (!member.next_dial || *member.next_dial > now + higher_waits) {
    member.next_dial = now + jitter(higher_waits / 2);
    want(std::max(*member.next_dial, now + soon));
  }
}

void Members::dial(Member& member, base::MonoTime now) {
  member.next_dial.reset();
  member.dialling = true;
  member.dial_began = now;
  want(now + longest_dial);
  m_links.dial(member.record.id, addresses_of(member));
}

void Members::dial_due(base::MonoTime now) {
  std::size_t under_way = 0;
  std::size_t links = 0;
  m_dials_waiting = false;
  for (const auto& [id, member] : m_table) {
    under_way += member.dialling && !member.bootstrap && !member.confirming ? 1 : 0;
    links += member.linked ? 1 : 0;
  }
  for (auto& [id, member] : m_table) {
    if (!member.next_dial || member.linked || member.dialling) {
      continue;
    }
    if (*member.next_dial > now) {
      want(*member.next_dial);
    } else if (member.bootstrap || member.confirming) {
      dial(member, now);
    } else if (links >= most_links) {
      member.next_dial = now + last_backoff;
      want(*member.next_dial);
    } else if (under_way < most_dials) {
      ++under_way;
      dial(member, now);
    } else {
      m_dials_waiting = true;  // for one of those under way to end, which brings the next tick
    }
  }
}

void Members::try_a_dead_one(base::MonoTime now) {
  if (now >= m_next_dead_dial) {
    m_next_dead_dial = now + (linked().empty() ? isolated_pause : dead_pause);
    forget_old(now);
    std::vector<Member*> dead;
    for (auto& [id, member] : m_table) {
      if (member.dead && !member.dialling && !member.next_dial && is_dialable(member)) {
        dead.push_back(&member);
      }
    }
    if (!dead.empty()) {
      dead[pick(dead.size())]->next_dial = now;
    }
  }
  want(m_next_dead_dial);
}

void Members::forget_old(base::MonoTime now) {
  for (auto entry = m_table.begin(); entry != m_table.end();) {
    const Member& member = entry->second;
    const bool old = member.dead && !member.bootstrap && !member.dialling && now - member.dead_since > forgotten_after;
    entry = old ? m_table.erase(entry) : std::next(entry);
  }
}

}  // namespace ghoard::mesh
