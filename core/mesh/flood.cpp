#include "core/mesh/flood.hpp"

#include <algorithm>
#include <utility>

namespace ghoard::mesh {

namespace {

constexpr base::Millis acknowledged_within{250};
constexpr std::size_t most_told = 16;
/// Messages of one peer within `passing_pause`; comparison brings the rest.
constexpr std::size_t most_passed_on = 200;
constexpr base::Millis passing_pause{1'000};
constexpr std::size_t tombstone_bytes = longest_message - 64;

std::size_t size_of(const Tombstone& stone) {
  const auto* tag = std::get_if<github::Tag>(&stone.change);
  return 64 + (tag != nullptr ? tag->host.size() + tag->prefix.size() : 32);
}

}  // namespace

Flood::Flood(const PeerId& self, std::uint64_t incarnation, Members& members, Links& links, cache::PeerHost& host,
             const base::Clock& clock, Random random)
    : m_self(self),
      m_incarnation(incarnation),
      m_members(members),
      m_links(links),
      m_host(host),
      m_clock(clock),
      m_began(clock.mono()),
      m_random(std::move(random)),
      m_next_comparison(base::MonoTime::max()),
      m_gap_due(base::MonoTime::max()) {
  m_log.age(m_began);
  if (!m_members.list().empty()) {
    m_distrusting = true;
    m_host.distrust_older(true);
  }
}

const Flood::Counters& Flood::counters() const {
  return m_counters;
}

std::uint32_t Flood::next_number() {
  m_number = m_number + 1 == 0 ? 1 : m_number + 1;
  return m_number;
}

std::vector<Tombstone> Flood::take_chunk(std::vector<Tombstone>& stones) {
  std::size_t size = 0;
  std::size_t count = 0;
  while (count < stones.size() && count < most_tombstones) {
    size += size_of(stones[count]);
    if (count > 0 && size > tombstone_bytes) {
      break;
    }
    ++count;
  }
  const auto end = stones.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<Tombstone> chunk(stones.begin(), end);
  stones.erase(stones.begin(), end);
  return chunk;
}

// ---- announcing ----------------------------------------------------------------------------------

void Flood::announce(std::vector<cache::Change> changes, std::function<void()> acknowledged) {
  number_anew();
  std::vector<Tombstone> stones;
  for (cache::Change& change : changes) {
    stones.push_back({m_self, m_incarnation, ++m_sequence, std::move(change)});
    m_log.add(stones.back());
  }
  m_counters.announced += stones.size();
  Announcement announcement;
  announcement.acknowledged = std::move(acknowledged);
  announcement.deadline = m_clock.mono() + m_members.stretched(acknowledged_within);
  const std::vector<PeerId> peers = m_members.linked();
  while (!stones.empty()) {
    const std::vector<Tombstone> chunk = take_chunk(stones);
    const std::uint32_t number = next_number();
    for (const PeerId& peer : peers) {
      announcement.due.emplace(number, peer);
      m_links.send(peer, Tombstones{number, chunk});
    }
  }
  m_announcements.push_back(std::move(announcement));
  settle();
}

/// Others drop what has long been idle, and would wait for all the numbers before the next.
void Flood::number_anew() {
  const base::MonoTime now = m_clock.mono();
  m_log.age(now);
  if (m_sequence > 0 && now - m_announced >= longest_fresh) {
    m_incarnation = m_random();
    m_sequence = 0;
  }
  m_announced = now;
}

/// Those that nobody has to acknowledge any more have ended; their callers are told by the next tick.
void Flood::settle() {
  for (auto announcement = m_announcements.begin(); announcement != m_announcements.end();) {
    if (!announcement->due.empty()) {
      ++announcement;
      continue;
    }
    if (announcement->acknowledged) {
      m_settled.push_back(std::move(announcement->acknowledged));
    }
    announcement = m_announcements.erase(announcement);
  }
  if (!m_settled.empty()) {
    m_links.wake();
  }
}

void Flood::drop_due(const PeerId& peer) {
  for (Announcement& announcement : m_announcements) {
    std::erase_if(announcement.due, [&](const auto& due) { return due.second == peer; });
  }
  settle();
}

void Flood::receive(const PeerId& from, const Acknowledge& acknowledge) {
  for (Announcement& announcement : m_announcements) {
    announcement.due.erase({acknowledge.number, from});
  }
  settle();
  const auto exchange = m_exchanges.find(from);
  if (exchange != m_exchanges.end() && exchange->second.under_way.erase(acknowledge.number) > 0) {
    pump(from, exchange->second);
  }
}

void Flood::tick() {
  const base::MonoTime now = m_clock.mono();
  for (Announcement& announcement : m_announcements) {
    if (now >= announcement.deadline && !announcement.due.empty()) {
      announcement.due.clear();
      ++m_counters.acknowledged_late;
    }
  }
  settle();
  for (const std::function<void()>& acknowledged : std::exchange(m_settled, {})) {
    acknowledged();
  }
  if (now >= m_gap_due) {
    distrust_gap();
  }
  compare_at_random(now);
}

base::MonoTime Flood::next_deadline() const {
  if (!m_settled.empty()) {
    return m_clock.mono();
  }
  base::MonoTime next = std::min(m_next_comparison, m_gap_due);
  for (const Announcement& announcement : m_announcements) {
    next = std::min(next, announcement.deadline);
  }
  return next;
}

// ---- receiving -----------------------------------------------------------------------------------

void Flood::receive(const PeerId& from, const Tombstones& tombstones) {
  if (!m_members.is_linked(from)) {
    return;
  }
  const std::vector<Tombstone> fresh = fresh_of(tombstones);
  Exchange& exchange = m_exchanges[from];
  const base::MonoTime now = m_clock.mono();
  const bool admitted =
      m_intake.admit({from, now - exchange.linked_since, exchange.questions.is_end_due()}, fresh, now);
  if (!admitted || !apply(fresh)) {
    // Not acknowledged, and not marked: the next comparison brings them again.
    m_counters.put_off += admitted ? 0 : fresh.size();
    exchange.failed_at = exchange.questions.asked();
    return;
  }
  m_counters.received += fresh.size();
  m_log.age(now);
  bool gap = false;
  for (const Tombstone& stone : fresh) {
    gap = m_log.add(stone, age_of(from, stone, tombstones.number == 0)) || gap;
  }
  if (gap) {
    note_gap(from);
  }
  pass_on(from, fresh);
  if (tombstones.number != 0) {
    m_links.send(from, Acknowledge{tombstones.number});
  }
}

std::vector<Tombstone> Flood::fresh_of(const Tombstones& tombstones) const {
  std::vector<Tombstone> fresh;
  for (const Tombstone& stone : tombstones.tombstones) {
    const bool is_own = stone.origin == m_self && stone.incarnation == m_incarnation;
    const bool is_repeated = std::any_of(fresh.begin(), fresh.end(), [&](const Tombstone& other) {
      return other.origin == stone.origin && other.incarnation == stone.incarnation && other.sequence == stone.sequence;
    });
    if (!is_own && !is_repeated && !m_log.is_applied({stone.origin, stone.incarnation}, stone.sequence)) {
      fresh.push_back(stone);
    }
  }
  return fresh;
}

/// Writes often name the same few resources: each change once.
bool Flood::apply(const std::vector<Tombstone>& stones) {
  std::vector<cache::Change> changes;
  for (const Tombstone& stone : stones) {
    if (std::find(changes.begin(), changes.end(), stone.change) == changes.end()) {
      changes.push_back(stone.change);
    }
  }
  return changes.empty() || m_host.apply(changes).has_value();
}

void Flood::pass_on(const PeerId& from, const std::vector<Tombstone>& stones) {
  Exchange& exchange = m_exchanges[from];
  if (m_clock.mono() - exchange.passed_on_since >= passing_pause) {
    exchange.passed_on_since = m_clock.mono();
    exchange.passed_on = 0;
  }
  // What one peer may send must not become sixteen times as much on links between others.
  if (stones.empty() || ++exchange.passed_on > most_passed_on) {
    return;
  }
  std::vector<PeerId> others = m_members.linked();
  std::erase_if(others, [&](const PeerId& id) {
    return id == from ||
           std::all_of(stones.begin(), stones.end(), [&](const Tombstone& stone) { return stone.origin == id; });
  });
  // Each receiver does the same: sixteen at random reach all but one in ten million, and comparison the rest.
  for (std::size_t told = 0; told < most_told && !others.empty(); ++told) {
    const auto chosen = static_cast<std::size_t>(m_random() % others.size());
    m_links.send(others[chosen], Tombstones{0, stones});
    others[chosen] = others.back();
    others.pop_back();
  }
}

}  // namespace ghoard::mesh
