#include "core/cache/invalidation_log.hpp"

#include <algorithm>

namespace ghoard::cache {

bool concerns(const Change& change, const Resource& resource, const Fingerprint& fingerprint) {
  if (const auto* tag = std::get_if<github::Tag>(&change)) {
    return tag->matches(resource.host, resource.path);
  }
  return std::get<Fingerprint>(change) == fingerprint;
}

InvalidationLog::OpenWrite InvalidationLog::open(std::vector<Change> changes) {
  m_open.push_back({++m_last_open, std::move(changes), base::MonoTime::max()});
  return m_last_open;
}

void InvalidationLog::close(OpenWrite write) {
  m_open.remove_if([&](const Open& open) { return open.number == write; });
}

void InvalidationLog::linger(OpenWrite write, base::MonoTime until) {
  for (Open& open : m_open) {
    if (open.number == write) {
      open.until = until;
    }
  }
}

bool InvalidationLog::is_open_for(const Resource& resource, const Fingerprint& fingerprint) const {
  return std::any_of(m_open.begin(), m_open.end(), [&](const Open& open) {
    return std::any_of(open.changes.begin(), open.changes.end(),
                       [&](const Change& change) { return cache::concerns(change, resource, fingerprint); });
  });
}

std::vector<Change> InvalidationLog::expire(base::MonoTime now) {
  std::vector<Change> changes;
  for (const Open& open : m_open) {
    if (open.until <= now) {
      changes.insert(changes.end(), open.changes.begin(), open.changes.end());
    }
  }
  m_open.remove_if([&](const Open& open) { return open.until <= now; });
  return changes;
}

void InvalidationLog::push(Record record) {
  m_records.push_back(std::move(record));
  ++m_next;
  if (m_records.size() > capacity) {
    m_forgotten = m_records.front().at;
    m_records.pop_front();
  }
}

void InvalidationLog::add(std::span<const github::Tag> tags, base::MonoTime now) {
  for (const github::Tag& tag : tags) {
    push({tag, now});
  }
}

void InvalidationLog::add(const Fingerprint& fingerprint, base::MonoTime now) {
  push({fingerprint, now});
}

bool InvalidationLog::concerns(Position since, const Resource& resource, const Fingerprint& fingerprint) const {
  const Position oldest = m_next - m_records.size();
  if (since < oldest) {
    return true;
  }
  for (Position at = since; at < m_next; ++at) {
    const Record& record = m_records[static_cast<std::size_t>(at - oldest)];
    if (cache::concerns(record.change, resource, fingerprint)) {
      return true;
    }
  }
  return false;
}

std::optional<base::MonoTime> InvalidationLog::last_concerning(const Resource& resource, const Fingerprint& fingerprint,
                                                               Position until) const {
  const Position later = std::min<Position>(m_next - std::min(m_next, until), m_records.size());
  const auto latest =
      std::find_if(m_records.rbegin() + static_cast<std::ptrdiff_t>(later), m_records.rend(),
                   [&](const Record& record) { return cache::concerns(record.change, resource, fingerprint); });
  return latest != m_records.rend() ? std::optional(latest->at) : m_forgotten;
}

}  // namespace ghoard::cache
