#include "core/cache/engine.hpp"

#include "core/cache/answer.hpp"
#include "core/cache/shared.hpp"
#include "core/cache/upstream_request.hpp"
#include "core/github/invalidation.hpp"

namespace ghoard::cache {

namespace {

/// How long a write whose outcome is unknown may still take effect. GitHub's documentation says that it ends requests
/// after 10 s; the rest is margin.
constexpr base::Seconds unknown_write_lingers{120};
constexpr std::size_t longest_condition = 1024;

/// What of a waiting request its answer depends on. An absurdly long condition only costs its sender a 304.
http::Headers conditions_of(const http::Headers& request) {
  http::Headers result;
  for (const std::string_view name : {"If-None-Match", "If-Modified-Since"}) {
    if (const std::string* value = request.find(name); value != nullptr && value->size() <= longest_condition) {
      result.add(std::string(name), *value);
    }
  }
  return result;
}

/// What a write may change: what its path names, or, since a GraphQL document names nothing that could be relied on,
/// all that its token may see.
std::vector<Change> changes_of(const github::CanonicalRequest& request, bool graphql) {
  if (graphql) {
    return {request.credential.fingerprint};
  }
  std::vector<Change> changes;
  for (github::Tag& tag : github::affected_by_write(request.resource.host, request.resource.path)) {
    changes.emplace_back(std::move(tag));
  }
  return changes;
}

}  // namespace

Engine::Engine(Store& store, Upstream& upstream, const base::Clock& clock, EngineOptions options)
    : m_state(store, upstream, clock, std::move(options)), m_fetcher(m_state) {}

Engine::~Engine() {
  for (const auto& weak : m_relays) {
    if (const auto relay = weak.lock()) {
      relay->abandon();
    }
  }
}

void Engine::handle(IncomingRequest incoming, std::shared_ptr<ReplySink> sink) {
  auto request = github::canonicalise(incoming.method, incoming.target, incoming.headers, m_state.options.origins);
  if (!request.has_value()) {
    refuse(sink, 400, "invalid_request", request.error().message);
    return;
  }
  if (request->is_read() && request->bypass == github::Bypass::none &&
      (!incoming.body.empty() || incoming.stream != nullptr)) {
    request->bypass = github::Bypass::header;  // a body could make it another question
  }
  const std::string_view host = incoming.headers.get("Host");
  const AllowedHosts::Decision decision = m_state.hosts.decide(host, m_state.clock.mono());
  switch (decision.trust) {
    case AllowedHosts::Trust::none:
      refuse(sink, 403, "host_not_allowed",
             "the host " + std::string(host) +
                 " is not one that ghoard talks to; add it to allowed_hosts in "
                 "config.toml or GHOARD_ALLOWED_HOSTS, then run `ghoard agent restart`");
      return;
    case AllowedHosts::Trust::asset: {
      if (request->directives.only_if_cached) {
        refuse(sink, 504, "not_stored", "only-if-cached forbids asking, and downloads are never stored");
        return;
      }
      if (!request->is_read()) {
        refuse(sink, 403, "host_not_allowed", "a download host may only be read");
        return;
      }
      github::CanonicalRequest redirected = *request;
      redirected.origin = decision.origin;
      pass(redirected, std::move(incoming), std::move(sink), false);
      return;
    }
    case AllowedHosts::Trust::api: break;
  }
  if (request->directives.only_if_cached && (!request->is_read() || request->bypass != github::Bypass::none)) {
    refuse(sink, 504, "not_stored", "only-if-cached forbids asking, and the answer to such a request is never stored");
  } else if (!request->is_read()) {
    write(*request, std::move(incoming), std::move(sink));
  } else if (request->bypass != github::Bypass::none) {
    pass(*request, std::move(incoming), std::move(sink), true);
  } else {
    handle_read(*request, std::move(incoming.headers), std::move(sink));
  }
}

void Engine::handle_read(const github::CanonicalRequest& request, http::Headers headers,
                         std::shared_ptr<ReplySink> sink) {
  const bool head = request.method == "HEAD";
  std::shared_ptr<const Entry> entry = look_up(request);
  if (entry != nullptr) {
    const Judgement judgement = m_state.judged(*entry, request.directives);
    if (judgement.verdict != Verdict::revalidate) {
      answer_stored(request, headers, sink, *entry, judgement);
      return;
    }
  }
  if (request.directives.only_if_cached) {
    refuse(sink, 504, "not_stored", "nothing usable is stored for this request and only-if-cached forbids asking");
    return;
  }
  if (!has_room(sink, 0)) {
    return;
  }
  m_fetcher.join(request, Waiter{std::move(sink), conditions_of(headers), request.directives, head, false},
                 std::move(entry));
}

void Engine::answer_stored(const github::CanonicalRequest& request, const http::Headers& headers,
                           const std::shared_ptr<ReplySink>& sink, const Entry& entry, const Judgement& judgement) {
  const Fingerprint& fingerprint = request.credential.fingerprint;
  const bool stale = judgement.verdict == Verdict::stale && judgement.ttl <= base::Seconds{0};
  const bool from_peer = !stale && m_state.from_peers.take(request.key, fingerprint);
  m_state.count(*sink, from_peer ? Outcome::peer_hit : Outcome::hit, stale);
  m_state.served(entry);
  const std::string_view detail = from_peer ? "peer" : "local";
  Reply reply = answer_from(entry, judgement, headers, request.method == "HEAD", stale ? "stale" : detail);
  m_state.holders.add_to(reply.headers, fingerprint);
  sink->send(std::move(reply));
}

/// The entry granted to this token.
std::shared_ptr<const Entry> Engine::look_up(const github::CanonicalRequest& request) {
  std::shared_ptr<const Entry> entry = look_up_any(request);
  return entry != nullptr && entry->grant.unverified ? verified(request, *entry) : entry;
}

/// What a peer pushed was kept without the token; now that it is here, the ETag is held against the bytes.
std::shared_ptr<const Entry> Engine::verified(const github::CanonicalRequest& request, const Entry& pushed) {
  auto entry = std::make_shared<Entry>(pushed);
  if (verify(*entry, request.resource, request.credential.authorization)) {
    m_state.memory.put(request.resource, request.key, entry);
    return entry;
  }
  m_state.note("a peer's answer does not match its ETag, and is dropped");
  m_state.from_peers.take(request.key, request.credential.fingerprint);
  m_fetcher.forget(request);
  return nullptr;
}

/// The memory tier's unless another token's proof may have renewed the stored one.
std::shared_ptr<const Entry> Engine::look_up_any(const github::CanonicalRequest& request) {
  const Fingerprint& fingerprint = request.credential.fingerprint;
  std::shared_ptr<const Entry> known = m_state.memory.find(request.key, fingerprint);
  if (known != nullptr) {
    const Judgement judgement = m_state.judged(*known, request.directives);
    if (judgement.verdict == Verdict::fresh || request.directives.no_cache) {
      return known;
    }
  }
  auto stored = m_state.store.find(request.key, fingerprint);
  if (!stored.has_value()) {
    m_state.note("cannot read the cache: " + stored.error().message);
    return known;
  }
  if (!stored->has_value() || (known != nullptr && known->response.fetched_at >= (*stored)->response.fetched_at)) {
    return known;
  }
  auto entry = std::make_shared<const Entry>(std::move(**stored));
  m_state.memory.put(request.resource, request.key, entry);
  return entry;
}

bool Engine::has_room(const std::shared_ptr<ReplySink>& sink, std::uint64_t body_bytes) {
  if (m_state.budgets.exchanges.has(1) && m_state.budgets.bytes.has(body_bytes)) {
    return true;
  }
  refuse(sink, 503, "busy", "too many requests to GitHub are under way; try again");
  return false;
}

void Engine::pass(const github::CanonicalRequest& request, IncomingRequest incoming, std::shared_ptr<ReplySink> sink,
                  bool with_credential) {
  const auto done = [this, request, with_credential](const RelayResult& result) {
    // A server that was not shown the token says nothing about it.
    if (with_credential && result.head.has_value()) {
      m_state.withdraw_grants(request, *result.head, result.body);
    }
  };
  if (!has_room(sink, incoming.body.size())) {
    return;
  }
  relay(request, std::move(incoming), std::move(sink), with_credential, done, nullptr, nullptr);
}

void Engine::write(const github::CanonicalRequest& request, IncomingRequest incoming, std::shared_ptr<ReplySink> sink) {
  const bool graphql = github::is_graphql(request.method, request.resource.path);
  // A query string could carry a document of its own, so only a plain POST is known to be what its body says.
  if (graphql && incoming.stream == nullptr && request.resource.query.empty() &&
      github::graphql_operation(incoming.body) == github::GraphqlOperation::query) {
    pass(request, std::move(incoming), std::move(sink), true);
    return;
  }
  if (!has_room(sink, incoming.body.size())) {
    return;
  }
  const std::vector<Change> changes = changes_of(request, graphql);
  // The marks come first: whatever becomes of the write, nothing from before it is served as fresh afterwards.
  if (const auto marked = apply(changes); !marked.has_value()) {
    refuse(sink, 503, "cannot_invalidate",
           "the write was not sent, since the cache cannot be marked: " + marked.error().message);
    return;
  }
  announce(changes, nullptr);
  // While it is open, what is read is not kept as fresh: nobody knows whether it is from before or after.
  const InvalidationLog::OpenWrite open = m_state.log.open(changes);
  // Again before its answer shows, for what was read and kept in between.
  const auto mark = [this, changes] {
    if (const auto marked = apply(changes); !marked.has_value()) {
      m_state.note("cannot mark the cache after a write: " + marked.error().message);
    }
  };
  const auto done = [this, request, mark, open](const RelayResult& result) {
    mark();
    if (result.head.has_value() && result.head->status < 500) {
      m_state.log.close(open);
      m_state.withdraw_grants(request, *result.head, result.body);
    } else {
      m_state.log.linger(open, m_state.clock.mono() + unknown_write_lingers);
    }
  };
  // What was marked here is marked at the peers before the client sees it.
  const auto gate = [this, changes](std::function<void()> open_gate) { announce(changes, std::move(open_gate)); };
  relay(request, std::move(incoming), std::move(sink), true, done, mark, gate);
}

void Engine::announce(std::vector<Change> changes, std::function<void()> told) {
  std::erase_if(changes, [this](const Change& change) {
    const auto* fingerprint = std::get_if<Fingerprint>(&change);
    return fingerprint != nullptr && !m_state.shares(*fingerprint);  // peers hold nothing of a token that is not shared
  });
  if (m_state.peers != nullptr && !changes.empty()) {
    m_state.peers->announce(std::move(changes), std::move(told));
  } else if (told) {
    told();
  }
}

void Engine::relay(const github::CanonicalRequest& request, IncomingRequest incoming, std::shared_ptr<ReplySink> sink,
                   bool with_credential, Relay::Done done, Relay::BeforeHead before_head, Relay::Gate gate) {
  m_state.count(*sink, Outcome::bypassed);
  http::CacheStatus status;
  status.fwd = request.is_read() ? http::Forward::bypass : http::Forward::method;
  auto relay = std::make_shared<Relay>(
      std::move(sink), m_state.budgets, http::format_cache_status(status),
      [this, request, done = std::move(done)](const RelayResult& result) {
        m_state.account(request.origin, request.credential, request.resource.path,
                        result.head.has_value() ? &*result.head : nullptr, result.body);
        done(result);
      },
      std::move(before_head), std::move(gate));
  std::erase_if(m_relays, [](const std::weak_ptr<Relay>& weak) { return weak.expired(); });
  m_relays.push_back(relay);
  relay->hold(incoming.body.size());
  UpstreamRequest out = pass_request(request, incoming, m_state.options.user_agent, with_credential);
  relay->own(m_state.upstream.start(std::move(out), relay));
}

void Engine::refuse(const std::shared_ptr<ReplySink>& sink, int status, std::string_view code,
                    std::string_view message) {
  m_state.count(*sink, Outcome::error);
  sink->send(error_reply(status, code, message));
}

void Engine::tick() {
  m_fetcher.tick();
  for (std::size_t i = 0; i < m_relays.size(); ++i) {  // a relay that goes on may start another
    if (const auto relay = m_relays[i].lock()) {
      relay->tick();
    }
  }
  // Peers do not know of a write that lingers: what they read before it took effect, if it did, they have kept.
  if (std::vector<Change> ended = m_state.log.expire(m_state.clock.mono()); !ended.empty()) {
    if (const auto marked = apply(ended); !marked.has_value()) {
      m_state.note("cannot mark the cache after a write: " + marked.error().message);
    }
    announce(std::move(ended), nullptr);
  }
  flush();
}

void Engine::flush() {
  if (m_state.touched.empty()) {
    return;
  }
  const std::vector<ResponseId> ids(m_state.touched.begin(), m_state.touched.end());
  m_state.touched.clear();
  m_state.store.touch(ids, m_state.clock.wall());
}

}  // namespace ghoard::cache
