#include "core/mesh/members.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/mesh/rank.hpp"

namespace ghoard::mesh {

namespace {

constexpr std::size_t most_remembered = 256;

}  // namespace

Members::Members(MemberOptions options, Links& links, const base::Clock& clock, Random random)
    : m_own(std::move(options.self)),
      m_software(std::move(options.software)),
      m_incarnation(options.incarnation),
      m_listen_port(options.listen_port),
      m_announce_observed(options.announce_observed),
      m_configured(m_own.addresses),
      m_links(links),
      m_clock(clock),
      m_random(std::move(random)),
      m_seed(rank_seed(m_own.id.key)) {
  m_own.reachable = false;
  for (PeerRecord& record : options.remembered) {
    if (record.id != m_own.id && m_table.size() < most_remembered) {
      make(record.id).record = std::move(record);
    }
  }
  for (peer::BootstrapPeer& peer : options.bootstrap) {
    add(std::move(peer));
  }
}

void Members::start() {
  const base::MonoTime now = m_clock.mono();
  m_started = now;
  m_next_ping = now + jitter(base::Millis{1'000});
  m_next_look = *m_next_ping + base::Millis{10'000};
  m_next_dead_dial = now + base::Millis{30'000};
  for (auto& [id, member] : m_table) {
    member.next_dial = now;
  }
  want_now();
}

void Members::tick() {
  const base::MonoTime now = m_clock.mono();
  if (now > m_deadline) {
    const base::Millis late = now - m_deadline;
    m_lateness.note(late, now);
    if (late >= overdue) {
      forgive(late, now);
    }
  }
  m_deadline = base::MonoTime::max();
  ping_watched(now);
  look_at_latency(now);
  for (auto& [id, member] : m_table) {
    observe(member, now);
  }
  if (m_refutation_due && now >= m_next_refutation) {
    m_refutation_due = false;
    m_next_refutation = now + base::Millis{1'000};
    own_changed();
  }
  ask_dial_back(now);
  try_a_dead_one(now);
  dial_due(now);
  fire();
}

base::MonoTime Members::next_deadline() const {
  return m_deadline;
}

void Members::want(base::MonoTime at) {
  m_deadline = std::min(m_deadline, at);
}

void Members::want_now() {
  want(m_clock.mono());
  m_links.wake();
}

void Members::want_soon() {
  want(m_clock.mono() + soon);
}

void Members::add(peer::BootstrapPeer peer) {
  if (peer.id == m_own.id) {
    return;
  }
  Member& member = make(peer.id);
  member.bootstrap = true;
  for (peer::Multiaddr& address : peer.addresses) {
    address.peer.reset();
    if (member.fixed.size() < most_addresses &&
        std::find(member.fixed.begin(), member.fixed.end(), address) == member.fixed.end()) {
      member.fixed.push_back(std::move(address));
    }
  }
  if (m_next_ping && !member.linked && !member.dialling) {
    member.next_dial = m_clock.mono();
    want_now();
  }
}

void Members::remove(const PeerId& peer) {
  Member* member = find(peer);
  if (member == nullptr) {
    return;
  }
  if (member->linked) {
    m_links.close(peer);
    m_events.push_back({peer, false, true});
  }
  m_table.erase(peer);
  views_changed();
  fire();
}

// ---- the table -----------------------------------------------------------------------------------

Member* Members::find(const PeerId& id) {
  const auto found = m_table.find(id);
  return found == m_table.end() ? nullptr : &found->second;
}

const Member* Members::find(const PeerId& id) const {
  const auto found = m_table.find(id);
  return found == m_table.end() ? nullptr : &found->second;
}

Member& Members::make(const PeerId& id) {
  const auto [entry, is_new] = m_table.try_emplace(id);
  if (is_new) {
    entry->second.record.id = id;
    entry->second.seed = rank_seed(id.key);
    entry->second.learned = m_clock.mono();
  }
  return entry->second;
}

std::size_t Members::pick(std::size_t count) {
  return static_cast<std::size_t>(m_random() % count);
}

base::Millis Members::jitter(base::Millis range) {
  return base::Millis{static_cast<std::int64_t>(m_random() % static_cast<std::uint64_t>(range.count() + 1))};
}

/// Listeners may ask and tell anything, so nothing is iterated over while they run.
void Members::fire() {
  if (m_firing) {
    return;
  }
  m_firing = true;
  while (!m_events.empty()) {
    const std::vector<Event> events = std::exchange(m_events, {});
    for (const Event& event : events) {
      if (event.joined && on_joined) {
        on_joined(event.peer);
      } else if (!event.joined && on_lost) {
        on_lost(event.peer, event.dead);
      }
    }
  }
  m_firing = false;
}

// ---- asked ---------------------------------------------------------------------------------------

const PeerId& Members::self() const {
  return m_own.id;
}

const PeerRecord& Members::own_record() const {
  return m_own;
}

bool Members::is_linked(const PeerId& peer) const {
  const Member* member = find(peer);
  return member != nullptr && member->linked;
}

std::vector<PeerId> Members::linked() const {
  std::vector<PeerId> result;
  for (const auto& [id, member] : m_table) {
    if (member.linked) {
      result.push_back(id);
    }
  }
  return result;
}

base::Millis Members::round_trip(const PeerId& peer) const {
  const Member* member = find(peer);
  return member == nullptr ? base::Millis{1} : member->round_trip.value_or(base::Millis{1});
}

double Members::stretch() const {
  return m_lateness.stretch(m_clock.mono());
}

base::Millis Members::stretched(base::Millis time) const {
  return base::Millis{static_cast<std::int64_t>(static_cast<double>(time.count()) * stretch())};
}

std::vector<MemberInfo> Members::list() const {
  std::vector<MemberInfo> result;
  for (const auto& [id, member] : m_table) {
    MemberInfo info;
    info.record = member.record;
    if (info.record.addresses.empty()) {
      info.record.addresses = member.fixed;
    }
    info.state = member.dead      ? MemberState::dead
                 : member.suspect ? MemberState::suspect
                 : member.linked  ? MemberState::linked
                                  : MemberState::known;
    info.eligible = is_candidate(member);
    info.round_trip = member.round_trip;
    info.last_heard = member.heard;
    info.software = member.software;
    info.last_failure = member.last_failure;
    result.push_back(std::move(info));
  }
  return result;
}

std::vector<PeerRecord> Members::to_remember() const {
  std::vector<const Member*> lived;
  for (const auto& [id, member] : m_table) {
    if (member.lived && !member.record.addresses.empty()) {
      lived.push_back(&member);
    }
  }
  std::stable_sort(lived.begin(), lived.end(), [](const Member* a, const Member* b) { return a->heard > b->heard; });
  std::vector<PeerRecord> result;
  for (const Member* member : lived) {
    if (result.size() == most_remembered) {
      break;
    }
    result.push_back(member->record);
  }
  return result;
}

}  // namespace ghoard::mesh
