#include "tests/support/memory_store.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace ghoard::testing {

namespace {

/// What Tag::matches promises, said once more so that a mistake there does not agree with itself here.
bool covers(const github::Tag& tag, const cache::Resource& resource) {
  if (resource.host != tag.host) {
    return false;
  }
  const std::string_view path = resource.path;
  return tag.prefix.empty() || path == tag.prefix ||
         (path.starts_with(tag.prefix) && path.substr(tag.prefix.size()).starts_with('/'));
}

bool selects(const cache::Selection& selection, const cache::Resource& resource) {
  return (!selection.host || *selection.host == resource.host) &&
         (!selection.path || *selection.path == resource.path) &&
         (!selection.query || *selection.query == resource.query);
}

std::uint64_t header_bytes(const http::Headers& headers) {
  std::uint64_t size = 0;
  for (const http::Header& field : headers) {
    size += field.name.size() + field.value.size();
  }
  return size;
}

}  // namespace

base::Result<std::optional<cache::Entry>> MemoryStore::find(const cache::ResourceKey& key,
                                                            const cache::Fingerprint& fingerprint) {
  for (const auto& [id, stored] : m_responses) {
    const auto granted = stored.grants.find(fingerprint);
    if (stored.key == key && granted != stored.grants.end()) {
      return cache::Entry{stored.response, granted->second};
    }
  }
  return std::nullopt;
}

base::Result<std::vector<cache::Entry>> MemoryStore::candidates(const cache::ResourceKey& key, std::size_t limit) {
  std::vector<cache::Entry> entries;
  for (const auto& [id, stored] : m_responses) {
    if (stored.key == key && stored.response.shareable) {
      const auto latest = std::max_element(
          stored.grants.begin(), stored.grants.end(),
          [](const auto& left, const auto& right) { return left.second.proven_at < right.second.proven_at; });
      entries.push_back({stored.response, latest->second});
    }
  }
  std::stable_sort(entries.begin(), entries.end(), [](const cache::Entry& left, const cache::Entry& right) {
    return std::pair(left.response.fetched_at, left.response.id) >
           std::pair(right.response.fetched_at, right.response.id);
  });
  entries.resize(std::min(entries.size(), limit));
  return entries;
}

MemoryStore::Responses::iterator MemoryStore::same(const cache::ResourceKey& key, const cache::Response& response) {
  return std::find_if(m_responses.begin(), m_responses.end(), [&](const auto& one) {
    const Stored& stored = one.second;
    return stored.key == key && stored.response.status == response.status && *stored.response.body == *response.body;
  });
}

void MemoryStore::grant(Stored& stored, const cache::Entry& entry) {
  const cache::ResponseId id = stored.response.id;
  stored.response = entry.response;
  stored.response.id = id;
  stored.last_used = std::max(entry.response.fetched_at, entry.grant.proven_at);
  take_grant(stored.key, entry.grant.fingerprint);
  stored.grants[entry.grant.fingerprint] = entry.grant;
  drop_ungranted();
}

void MemoryStore::take_grant(const cache::ResourceKey& key, const cache::Fingerprint& fingerprint) {
  for (auto& [id, stored] : m_responses) {
    if (stored.key == key) {
      stored.grants.erase(fingerprint);
    }
  }
}

void MemoryStore::drop_ungranted() {
  std::erase_if(m_responses, [](const auto& one) { return one.second.grants.empty(); });
}

std::uint64_t MemoryStore::bytes() const {
  std::set<std::string_view> bodies;
  std::uint64_t size = 0;
  for (const auto& [id, stored] : m_responses) {
    size += header_bytes(stored.response.headers);
    size += bodies.insert(*stored.response.body).second ? stored.response.body->size() : 0;
  }
  return size;
}

void MemoryStore::evict(cache::ResponseId keep) {
  if (m_max_bytes == std::numeric_limits<std::uint64_t>::max()) {
    return;
  }
  while (m_responses.size() > 1 && bytes() > m_max_bytes) {
    auto oldest = m_responses.end();
    for (auto it = m_responses.begin(); it != m_responses.end(); ++it) {
      if (it->first != keep && (oldest == m_responses.end() || it->second.last_used < oldest->second.last_used)) {
        oldest = it;
      }
    }
    m_responses.erase(oldest);
    ++m_evictions;
  }
}

base::Result<cache::ResponseId> MemoryStore::put(const cache::Resource& resource, const cache::ResourceKey& key,
                                                 const cache::Entry& entry) {
  if (entry.response.body == nullptr) {
    return base::fail(base::ErrorCode::invalid_input, "an answer without a body cannot be stored");
  }
  if (entry.response.body->size() > m_max_bytes / 4) {
    take_grant(key, entry.grant.fingerprint);
    drop_ungranted();
    return base::fail(base::ErrorCode::too_large, "the answer is too large to be stored");
  }
  auto stored = same(key, entry.response);
  if (stored == m_responses.end()) {
    stored = m_responses.emplace(++m_last_id, Stored{resource, key, entry.response, {}, {}}).first;
    stored->second.response.id = stored->first;
  }
  const cache::ResponseId id = stored->first;
  grant(stored->second, entry);
  evict(id);
  return id;
}

base::Result<void> MemoryStore::renew(const cache::ResourceKey& key, const cache::Entry& entry) {
  if (entry.response.body == nullptr) {
    return base::fail(base::ErrorCode::invalid_input, "an answer without a body cannot be stored");
  }
  const auto stored = same(key, entry.response);
  if (stored == m_responses.end() || (entry.response.id != 0 && entry.response.id != stored->first)) {
    return base::fail(base::ErrorCode::unavailable, "the response is not stored any more");
  }
  grant(stored->second, entry);
  return {};
}

base::Result<void> MemoryStore::revoke(const cache::ResourceKey& key, const cache::Fingerprint& fingerprint) {
  take_grant(key, fingerprint);
  drop_ungranted();
  return {};
}

base::Result<void> MemoryStore::revoke_all(const cache::Fingerprint& fingerprint) {
  for (auto& [id, stored] : m_responses) {
    stored.grants.erase(fingerprint);
  }
  drop_ungranted();
  return {};
}

base::Result<void> MemoryStore::invalidate(std::span<const github::Tag> tags) {
  for (auto& [id, stored] : m_responses) {
    if (std::any_of(tags.begin(), tags.end(), [&](const github::Tag& tag) { return covers(tag, stored.resource); })) {
      stored.response.must_revalidate = true;
    }
  }
  return {};
}

void MemoryStore::touch(std::span<const cache::ResponseId> ids, base::WallTime now) {
  for (const cache::ResponseId id : ids) {
    if (const auto stored = m_responses.find(id); stored != m_responses.end()) {
      stored->second.last_used = now;
    }
  }
}

base::Result<std::vector<cache::Listing>> MemoryStore::list(const cache::Selection& selection, std::size_t limit) {
  std::vector<cache::Listing> listings;
  for (const auto& [id, stored] : m_responses) {
    if (selects(selection, stored.resource)) {
      listings.push_back({id, stored.resource, stored.response.status, stored.response.body->size(),
                          stored.response.fetched_at, stored.response.lifetime, stored.last_used,
                          stored.response.must_revalidate, static_cast<std::uint32_t>(stored.grants.size()),
                          stored.response.etag_class});
    }
  }
  std::sort(listings.begin(), listings.end(), [](const cache::Listing& left, const cache::Listing& right) {
    return std::pair(left.last_used, left.id) > std::pair(right.last_used, right.id);
  });
  listings.resize(std::min(listings.size(), limit));
  return listings;
}

base::Result<std::uint64_t> MemoryStore::remove(const cache::Selection& selection) {
  return std::erase_if(m_responses, [&](const auto& one) { return selects(selection, one.second.resource); });
}

base::Result<void> MemoryStore::clear() {
  m_responses.clear();
  return {};
}

cache::StoreSize MemoryStore::size() const {
  return {m_responses.size(), bytes(), m_evictions};
}

}  // namespace ghoard::testing
