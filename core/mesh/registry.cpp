// When the registry reads and writes.

#include "core/mesh/registry.hpp"

#include <algorithm>
#include <utility>

#include "core/mesh/registry_limits.hpp"

namespace ghoard::mesh {

namespace {

SlotKey slot_of(const RegistryPlace& place) {
  return base::sha256("ghoard-registry-reader/1\n" + http::to_lower(place.repository) + '\n' + place.network_name);
}

std::vector<std::string> addresses_of(PublishedRecord published) {
  fit(published);
  std::vector<std::string> texts;
  for (const peer::Multiaddr& address : published.record.addresses) {
    texts.push_back(address.text());
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

/// The order in which addresses became known tells nothing.
bool says_the_same(const PublishedRecord& published, const PeerRecord& own) {
  return addresses_of(published) == addresses_of({own, published.written});
}

}  // namespace

Registry::Registry(RegistryOptions options, Members& members, RegistryApi& api, const base::Clock& clock, Random random)
    : m_place(std::move(options.place)),
      m_keys(std::move(options.keys)),
      m_identity(std::move(options.identity)),
      m_members(members),
      m_api(api),
      m_clock(clock),
      m_random(std::move(random)),
      m_slot(slot_of(m_place)),
      m_pause(registry::first_pause),
      m_penalty(registry::first_pause) {}

void Registry::tick() {
  const base::MonoTime now = m_clock.mono();
  if (!std::exchange(m_started, true)) {
    m_own_sequence = ~m_members.own_record().sequence;  // unlike it: the first write waits, too
    // Those who are known already may answer: then the first read is not urgent.
    const bool knows_somebody = !m_members.list().empty();
    m_next_read = knows_somebody ? now + registry::patience + jitter(registry::patience) : now;
  }
  plan_for_links(now);
  const std::uint64_t sequence = m_members.own_record().sequence;
  if (std::exchange(m_own_sequence, sequence) != sequence) {
    m_next_write = std::max(m_next_write, now + registry::settling);
  }
  if (m_busy || now < m_blocked_until) {
    return;
  }
  if (is_read_due(now)) {
    read();
  } else if (is_write_due(now)) {
    publish();
  }
}

void Registry::plan_for_links(base::MonoTime now) {
  const bool linked = !m_members.linked().empty();
  if (std::exchange(m_was_linked, linked) && !linked) {
    m_pause = registry::first_pause;
    m_next_read = std::min(m_next_read, now + registry::first_pause / 2 + jitter(registry::first_pause / 2));
  }
}

bool Registry::is_read_due(base::MonoTime now) {
  if (now < m_next_read) {
    return false;
  }
  return !m_was_linked || !m_has_read || m_confirmations > 0 || is_reader() || is_refresh_due();
}

/// Of the linked peers that take part, which is known by their comments. Who has no comment of its own reads only where
/// nobody linked has one.
bool Registry::is_reader() const {
  std::uint64_t highest = 0;
  for (const PeerId& peer : m_members.linked()) {
    if (m_seen.contains(peer)) {
      highest = std::max(highest, rank(m_slot, peer));
    }
  }
  return highest == 0 || (m_own && rank(m_slot, m_members.self()) > highest);
}

bool Registry::is_refresh_due() const {
  return m_own && m_clock.wall() - m_own->published.written >= registry::refresh_after;
}

bool Registry::is_current(const PublishedRecord& published) const {
  const base::WallTime now = m_clock.wall();
  return published.written > now - registry::forgotten_after && published.written < now + registry::latest_future;
}

bool Registry::is_write_due(base::MonoTime now) {
  const PeerRecord& own = m_members.own_record();
  if (!m_has_read || m_issue == 0 || own.addresses.empty() || m_keys.empty() || now < m_next_write) {
    return false;
  }
  if (!m_own) {
    return !m_full && has_budget(now);
  }
  const bool read_lately = m_last_read && now - *m_last_read < registry::last_pause;
  const bool wanted =
      !m_own->sealed_with_first || !says_the_same(m_own->published, own) || (is_refresh_due() && read_lately);
  return wanted && has_budget(now);
}

bool Registry::has_budget(base::MonoTime now) {
  while (!m_writes.empty() && now - m_writes.front() >= registry::budget_period) {
    m_writes.pop_front();
  }
  return m_writes.size() < registry::most_writes;
}

base::Millis Registry::jitter(base::Millis range) {
  return base::Millis{static_cast<std::int64_t>(m_random() % static_cast<std::uint64_t>(range.count() + 1))};
}

void Registry::set_keys(std::vector<base::SecretBytes> keys) {
  const bool same_first = !keys.empty() && !m_keys.empty() && keys.front().equals(m_keys.front().bytes());
  m_keys = std::move(keys);
  if (m_own && !same_first) {
    m_own->sealed_with_first = false;
  }
  // Records sealed with a key that is new here could not be read before.
  m_next_read = std::min(m_next_read, m_clock.mono() + jitter(registry::first_pause));
}

RegistryStatus Registry::status() const {
  RegistryStatus status;
  status.problem = m_problem;
  status.issue = m_issue;
  status.published = m_own.has_value();
  status.last_read = m_last_read.value_or(base::MonoTime{});
  for (const auto& [id, published] : m_seen) {
    status.peers += id != m_members.self() && is_current(published) ? 1 : 0;
  }
  return status;
}

}  // namespace ghoard::mesh
