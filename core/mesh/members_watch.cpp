// Who lives: pings, suspicion, claims and deaths.

#include <algorithm>
#include <utility>

#include "core/mesh/members.hpp"
#include "core/mesh/rank.hpp"

namespace ghoard::mesh {

namespace {

constexpr std::size_t claimers_of_one = 12;  ///< views differ a little: twice the watchers may speak
constexpr std::size_t most_claims = 16;
constexpr base::Millis ping_interval{1'000};
constexpr base::Millis claim_lasts{30'000};
constexpr base::Millis quarantine{30'000};
constexpr base::Millis longest_dial{20'000};
constexpr base::Millis verification{500};
constexpr base::Millis next_ping_of_one{200};

}  // namespace

// ---- watching ------------------------------------------------------------------------------------

/// Each live peer's watchers are the six that rank highest for it among those not suspected. Here: which peers is
/// this process a watcher of?
void Members::choose_watched(base::MonoTime now) {
  m_watch_changed = false;
  const std::size_t most = m_watch_all ? m_table.size() + 1 : watchers_of_one;
  std::vector<std::uint64_t> seeds;
  for (const auto& [id, member] : m_table) {
    if (member.linked && !member.suspect) {
      seeds.push_back(member.seed);
    }
  }
  for (auto& [id, member] : m_table) {
    const std::uint64_t own_rank = rank_of(member.seed, m_seed);
    std::size_t before = 0;
    for (std::size_t i = 0; member.linked && i < seeds.size() && before < most; ++i) {
      before += seeds[i] != member.seed && rank_of(member.seed, seeds[i]) > own_rank ? 1 : 0;
    }
    const bool watched = member.linked && before < most;
    if (watched && !member.watched) {
      member.watched_since = now;
    }
    member.watched = watched;
  }
}

/// Half of those that are watched are silent: the network is cut rather than they are dead, so that the others have to
/// be looked at, too.
bool Members::is_cut_off(base::MonoTime now) const {
  std::size_t watched = 0;
  std::size_t silent = 0;
  for (const auto& [id, member] : m_table) {
    if (member.linked && member.watched) {
      ++watched;
      silent += member.suspect || now - std::max(member.heard, member.watched_since) >= 2 * ping_interval ? 1 : 0;
    }
  }
  return silent >= 2 && 2 * silent >= watched;
}

bool Members::may_claim(const Member& member, const PeerId& claimer, std::size_t within) const {
  const std::uint64_t its_rank = rank_of(member.seed, claimer == m_own.id ? m_seed : rank_seed(claimer.key));
  std::size_t before = claimer != m_own.id && rank_of(member.seed, m_seed) > its_rank ? 1 : 0;
  for (const auto& [id, other] : m_table) {
    const bool counts = other.trusted && !other.dead && id != member.record.id && id != claimer;
    before += counts && rank_of(member.seed, other.seed) > its_rank ? 1 : 0;
  }
  return before < within;
}

void Members::ping(Member& member, base::MonoTime now) {
  ++member.ping_number;
  member.ping_sent = now;
  m_links.send(member.record.id, Ping{member.ping_number, view_digest(), m_latency});
}

void Members::ping_watched(base::MonoTime now) {
  if (!m_next_ping) {
    return;
  }
  if (now >= *m_next_ping) {
    *m_next_ping = std::max(*m_next_ping + ping_interval, now + ping_interval / 2);
    if (is_cut_off(now)) {
      m_watch_all_until = now + 2 * silence;
    }
    if (m_watch_changed || m_watch_all != (now < m_watch_all_until)) {
      m_watch_all = now < m_watch_all_until;
      choose_watched(now);
    }
    m_latency = own_latency(now);
    for (auto& [id, member] : m_table) {
      if (member.linked && (member.watched || member.close_watchers > 0)) {
        ping(member, now);
      }
    }
  }
  want(*m_next_ping);
}

void Members::watch_closely(const PeerId& peer, bool watch) {
  Member* member = find(peer);
  if (member == nullptr) {
    return;
  }
  if (!watch) {
    member->close_watchers = std::max(0, member->close_watchers - 1);
    return;
  }
  if (member->close_watchers++ == 0 && member->linked && !member->watched) {
    member->watched_since = m_clock.mono();
    ping(*member, member->watched_since);
    want_now();
  }
}

void Members::missed_budget(const PeerId& peer) {
  Member* member = find(peer);
  if (member == nullptr || !member->linked || member->passed_over_until) {
    return;
  }
  ping(*member, m_clock.mono());
  member->passed_over_until = member->ping_number;
}

bool Members::is_passed_over(const PeerId& peer) const {
  const Member* member = find(peer);
  return member != nullptr && member->passed_over_until.has_value();
}

void Members::receive(const PeerId& from, const Ping& ping) {
  heard(from);
  if (Member* member = find(from); member != nullptr && member->linked) {
    note_latency(*member, ping.latency);
    m_links.send(from, Pong{ping.number, view_digest(), m_latency});
    compare_views(from, ping.view);
  }
}

void Members::receive(const PeerId& from, const Pong& pong) {
  heard(from);
  Member* member = find(from);
  if (member == nullptr || !member->linked) {
    return;
  }
  if (pong.number == member->ping_number && member->ping_sent != base::MonoTime{}) {
    note_round_trip(*member, m_clock.mono());
  }
  note_latency(*member, pong.latency);
  if (member->passed_over_until && pong.number >= *member->passed_over_until) {
    member->passed_over_until.reset();
  }
  compare_views(from, pong.view);
}

/// Any byte is life: what others claim of it, and what was suspected here, is refuted.
void Members::heard(const PeerId& peer) {
  Member* member = find(peer);
  if (member == nullptr || !member->linked) {
    return;
  }
  member->heard = m_clock.mono();
  if (member->suspect || member->verify_since) {
    member->suspect = false;
    member->verify_since.reset();
    member->claims.clear();
    m_watch_changed = true;
    views_changed();
  }
}

// ---- what time alone brings ----------------------------------------------------------------------

void Members::observe(Member& member, base::MonoTime now) {
  if (member.quarantined_until) {
    if (now >= *member.quarantined_until) {
      member.quarantined_until.reset();
      views_changed();
    } else {
      want(*member.quarantined_until);
    }
  }
  if (member.dialling) {
    if (now >= member.dial_began + longest_dial) {
      member.dialling = false;
      count_failure(member, LinkEnd::silent, now);
    } else {
      want(member.dial_began + longest_dial);
    }
  }
  if (member.suspect) {
    judge(member, now);  // others may have fallen silent since
  }
  if (member.dead) {
    return;
  }
  if (member.linked) {
    observe_silence(member, now);
  } else if (member.claim_due) {
    now >= *member.claim_due ? claim(member, now) : want(*member.claim_due);
  }
}

void Members::observe_silence(Member& member, base::MonoTime now) {
  if (member.verify_since) {
    const base::MonoTime end =
        *member.verify_since + stretched(verification) + 4 * member.round_trip.value_or(base::Millis{0});
    now >= end ? judge(member, now) : want(end);
    if (member.dead) {
      return;
    }
  }
  if (member.suspect || !(member.watched || member.close_watchers > 0 || member.verify_since)) {
    return;
  }
  base::MonoTime since = std::max(member.heard, member.watched_since);
  if (!member.watched && member.close_watchers == 0) {
    since = std::max(member.heard, *member.verify_since);
  }
  if (now >= since + stretched(silence)) {
    m_events.push_back({member.record.id, false, false});
    claim(member, now);
  } else {
    want(since + stretched(silence));
  }
}

/// This process was not served itself for a while: that time says nothing about others.
void Members::forgive(base::Millis late, base::MonoTime now) {
  const auto later = [&](base::MonoTime& time) { time = std::min(now, time + late); };
  for (auto& [id, member] : m_table) {
    later(member.heard);
    later(member.watched_since);
    if (member.verify_since) {
      later(*member.verify_since);
    }
    if (member.claim_due) {
      *member.claim_due += late;
    }
  }
}

// ---- claims and deaths ---------------------------------------------------------------------------

/// What this process observed: counts here, and is told if it is one of those who may tell.
void Members::claim(Member& member, base::MonoTime now) {
  member.claim_due.reset();
  if (!member.suspect) {
    member.suspect = true;
    m_watch_changed = true;
    views_changed();
  }
  add_claim(member, m_own.id, now);
  if (member.claims_left > 0 && may_claim(member, m_own.id, claimers_of_one)) {
    --member.claims_left;
    for (const PeerId& peer : linked()) {
      m_links.send(peer, Suspect{member.record.id, member.record.sequence});
    }
  }
  judge(member, now);
}

void Members::add_claim(Member& member, const PeerId& by, base::MonoTime now) {
  std::erase_if(member.claims,
                [&](const Member::Claim& known) { return known.by == by || now - known.at > claim_lasts; });
  if (member.claims.size() < most_claims) {
    member.claims.push_back({by, now});
  }
}

void Members::receive(const PeerId& from, const Suspect& suspect) {
  heard(from);
  if (!is_linked(from)) {
    return;
  }
  if (suspect.id == m_own.id) {
    refute(suspect);
    return;
  }
  Member* member = find(suspect.id);
  if (member == nullptr || member->dead || suspect.id == from || suspect.sequence < member->record.sequence ||
      !may_claim(*member, from, claimers_of_one)) {
    return;
  }
  const base::MonoTime now = m_clock.mono();
  add_claim(*member, from, now);
  if (member->linked && !member->suspect && !member->verify_since) {
    m_links.send(suspect.id, suspect);
    verify(*member, now);
  }
  judge(*member, now);
  want_now();
  fire();
}

/// What others say of a peer that is linked here is believed only if it does not answer here either.
void Members::verify(Member& member, base::MonoTime now) {
  member.verify_since = now;
  if (now - member.ping_sent >= next_ping_of_one) {
    ping(member, now);
  }
}

std::size_t Members::live_besides(const PeerId& peer) const {
  return static_cast<std::size_t>(std::count_if(m_table.begin(), m_table.end(), [&](const auto& entry) {
    return entry.first != peer && entry.second.linked && !entry.second.suspect;
  }));
}

void Members::judge(Member& member, base::MonoTime now) {
  if (member.dead) {
    return;
  }
  const auto count = std::count_if(member.claims.begin(), member.claims.end(),
                                   [&](const Member::Claim& known) { return now - known.at <= claim_lasts; });
  const bool is_alone = live_besides(member.record.id) <= 1;
  if (count < 2 && !(is_alone && member.suspect)) {
    return;
  }
  if (member.linked && !member.suspect) {
    const base::MonoTime due = member.verify_since.value_or(now) + stretched(verification);
    if (!member.verify_since || now < due) {
      return;
    }
  }
  die(member, now);
}

void Members::die(Member& member, base::MonoTime now) {
  if (member.dead) {
    return;
  }
  if (std::exchange(member.linked, false)) {
    m_links.close(member.record.id);
  }
  member.greeted = false;
  member.dead = true;
  member.dead_since = now;
  member.trusted = false;
  member.suspect = false;
  member.confirming = false;
  member.watched = false;
  member.vouchers.clear();
  member.claims.clear();
  member.claim_due.reset();
  member.verify_since.reset();
  member.passed_over_until.reset();
  if (!member.bootstrap) {
    member.next_dial.reset();
  } else if (!member.dialling && !member.next_dial) {
    member.next_dial = now + member.backoff;
  }
  if (member.lived) {
    m_events.push_back({member.record.id, false, true});
  }
  m_watch_changed = true;
  views_changed();
}

void Members::revive(Member& member, base::MonoTime now) {
  if (!std::exchange(member.dead, false)) {
    return;
  }
  if (member.lived) {
    member.quarantined_until = now + quarantine;
  }
  member.claims_left = 1;
  member.failures = 0;
  m_watch_changed = true;
  views_changed();
}

}  // namespace ghoard::mesh
