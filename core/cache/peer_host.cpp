// The engine as the overlay sees it: what this machine hands out, keeps for others, and is told has changed.

#include <algorithm>
#include <variant>

#include "core/cache/engine.hpp"
#include "core/cache/shared.hpp"

namespace ghoard::cache {

namespace {

/// Of the answers of other tokens, so many are looked at for one that may travel and is fresh.
constexpr std::size_t looked_at = 8;

bool has_same_body(const Entry& left, const Entry& right) {
  return left.response.status == right.response.status && *left.response.body == *right.response.body;
}

}  // namespace

void Engine::use_peers(PeerNetwork* peers) {
  m_state.peers = peers;
  if (peers == nullptr) {
    m_fetcher.leave_peers();
  }
}

std::optional<SharedValue> Engine::offer(const Resource& resource, const Entry& entry,
                                         std::optional<base::Seconds> max_age) {
  http::RequestDirectives wants;
  wants.max_age = max_age;
  if (entry.response.status != 200 || entry.response.body->size() > m_state.options.object_limit ||
      !m_state.shares(entry.grant.fingerprint) || m_state.log.is_open_for(resource, entry.grant.fingerprint) ||
      m_state.judged(entry, wants).verdict != Verdict::fresh) {
    return std::nullopt;
  }
  m_state.served(entry);
  return to_shared(entry, m_state.clock.wall());
}

std::optional<SharedValue> Engine::find_shared(const Resource& resource, const ResourceKey& key,
                                               const Fingerprint& fingerprint, std::optional<base::Seconds> max_age) {
  if (!m_state.shares(fingerprint)) {
    return std::nullopt;
  }
  std::optional<SharedValue> value;
  if (const auto known = m_state.memory.find(key, fingerprint); known != nullptr) {
    value = offer(resource, *known, max_age);
  }
  if (!value.has_value()) {
    const auto stored = m_state.store.find(key, fingerprint);
    if (stored.has_value() && stored->has_value()) {
      value = offer(resource, **stored, max_age);
    }
  }
  if (value.has_value()) {
    return value;
  }
  const auto others = m_state.store.candidates(key, looked_at);
  if (!others.has_value()) {
    return std::nullopt;
  }
  for (const Entry& other : *others) {
    if (value = other.response.shareable ? offer(resource, other, max_age) : std::nullopt; value.has_value()) {
      return value;
    }
  }
  return std::nullopt;
}

/// Brings what came from a peer into line with what is stored. False: that is newer, or cannot be read.
bool Engine::reconcile(const Resource& resource, const ResourceKey& key, Entry& entry) {
  Response& response = entry.response;
  const auto stored = m_state.store.find(key, entry.grant.fingerprint);
  const auto others = m_state.store.candidates(key, looked_at);
  if (!stored.has_value() || !others.has_value() ||
      (stored->has_value() && (*stored)->response.fetched_at >= response.fetched_at)) {
    return false;
  }
  // A mark of an earlier process has no known time: nothing can be told to be newer than it.
  const bool marks_are_known = m_state.log.last_concerning(resource, entry.grant.fingerprint).has_value();
  const auto is_marked = [](const Entry& other) { return other.response.must_revalidate; };
  if (!marks_are_known &&
      ((stored->has_value() && is_marked(**stored)) || std::any_of(others->begin(), others->end(), is_marked))) {
    response.must_revalidate = true;
  }
  // The same bytes are one response, whoever was granted them: what was proven of it later stays so.
  for (const Entry& other : *others) {
    if (has_same_body(other, entry) && other.response.fetched_at > response.fetched_at) {
      response.fetched_at = other.response.fetched_at;
      response.must_revalidate = other.response.must_revalidate;
    }
  }
  return true;
}

void Engine::keep_shared(const Resource& resource, const ResourceKey& key, const SharedValue& value) {
  if (!m_state.shares(value.fingerprint) || key != github::key_of(resource)) {
    return;
  }
  SharedValue aged = value;
  if (value.fetched_after != base::MonoTime{}) {
    // It may have lain about on its way here. Later it is handed out as no older than this.
    const base::Millis longest = m_state.clock.mono() - value.fetched_after;
    aged.age = std::max(aged.age, longest);
    aged.proof_age = std::max(aged.proof_age, longest);
  }
  const github::LifetimeContext context{m_state.options.default_ttl};
  std::optional<Entry> entry = entry_from(aged, resource, context, m_state.clock.wall(), m_state.options.object_limit);
  if (!entry.has_value()) {
    return;
  }
  const base::MonoTime fetched = value.fetched_after;
  entry->grant.unverified = true;  // its token is not here
  entry->response.must_revalidate = value.overtaken || m_state.may_predate_change(resource, value.fingerprint, fetched);
  if (m_state.distrusts(fetched)) {
    entry->response.fetched_at = std::min(entry->response.fetched_at, m_state.distrusted_until->wall);
  }
  if (!reconcile(resource, key, *entry)) {
    return;
  }
  const auto id = m_state.store.put(resource, key, *entry);
  if (!id.has_value()) {
    m_state.note("cannot store a peer's answer: " + id.error().message);
    return;
  }
  entry->response.id = *id;
  m_state.from_peers.add(key, value.fingerprint);
  m_state.memory.put(resource, key, std::make_shared<const Entry>(std::move(*entry)));
}

base::Result<void> Engine::apply(const std::vector<Change>& changes) {
  std::vector<github::Tag> tags;
  base::Result<void> result;
  for (const Change& change : changes) {
    if (const auto* tag = std::get_if<github::Tag>(&change); tag != nullptr) {
      tags.push_back(*tag);
    } else if (auto dropped = m_state.drop_granted(std::get<Fingerprint>(change)); !dropped.has_value()) {
      result = std::move(dropped);
    }
  }
  if (!tags.empty()) {
    if (auto marked = m_state.mark_changed(tags); !marked.has_value()) {
      result = std::move(marked);
    }
  }
  return result;
}

void Engine::distrust_older(bool distrust) {
  m_state.distrusted_until.reset();
  if (distrust) {
    m_state.distrusted_until = State::Watermark{m_state.clock.wall(), m_state.clock.mono()};
  }
}

}  // namespace ghoard::cache
