#include "core/cache/invalidation_log.hpp"

namespace ghoard::cache {

void InvalidationLog::push(Record record) {
  m_records.push_back(std::move(record));
  ++m_next;
  if (m_records.size() > capacity) {
    m_records.pop_front();
  }
}

void InvalidationLog::add(std::span<const github::Tag> tags) {
  for (const github::Tag& tag : tags) {
    push(Record{tag, {}});
  }
}

void InvalidationLog::add(const Fingerprint& fingerprint) {
  push(Record{std::nullopt, fingerprint});
}

bool InvalidationLog::concerns(Position since, const Resource& resource, const Fingerprint& fingerprint) const {
  const Position oldest = m_next - m_records.size();
  if (since < oldest) {
    return true;
  }
  for (Position at = since; at < m_next; ++at) {
    const Record& record = m_records[static_cast<std::size_t>(at - oldest)];
    const bool match =
        record.tag.has_value() ? record.tag->matches(resource.host, resource.path) : record.fingerprint == fingerprint;
    if (match) {
      return true;
    }
  }
  return false;
}

}  // namespace ghoard::cache
