// The second half of Fetcher: what the answer to a flight means for the cache and for its waiters.

#include "core/cache/answer.hpp"
#include "core/cache/fetcher.hpp"
#include "core/github/routes.hpp"

namespace ghoard::cache {

namespace {

http::CacheStatus status_of(const Flight& flight, const Waiter& waiter) {
  http::CacheStatus status;
  if (waiter.directives.no_cache) {
    status.fwd = http::Forward::request;
  } else {
    status.fwd = flight.own != nullptr ? http::Forward::stale : http::Forward::uri_miss;
  }
  status.fwd_status = flight.head->status;
  status.collapsed = waiter.joined;
  if (flight.told_by_peer) {
    status.detail = "peer";
  }
  return status;
}

/// Entity fields stay as stored; everything else of a 304 is newer (RFC 9111 section 3.2, github-rules: live headers).
http::Headers merged_headers(const http::Headers& stored, const http::Headers& received) {
  http::Headers result = stored;
  const http::Headers fresh = kept_headers(received);
  const auto is_entity = [](const http::Header& field) {
    return http::to_lower(field.name).starts_with("content-") || http::iequals(field.name, "Last-Modified");
  };
  for (const http::Header& field : fresh) {
    if (!is_entity(field)) {
      result.remove(field.name);
    }
  }
  for (const http::Header& field : fresh) {
    if (!is_entity(field)) {
      result.add(field.name, field.value);
    }
  }
  return result;
}

}  // namespace

Fetcher::Lesson Fetcher::conclude(Flight& flight) {
  if (flight.failure.has_value() || !flight.head.has_value()) {
    answer_uncached(flight);
    return Lesson::refused;
  }
  if (flight.head->status == 304 && flight.basis != nullptr) {
    return conclude_not_modified(flight);
  }
  return conclude_answer(flight);
}

Fetcher::Lesson Fetcher::conclude_not_modified(Flight& flight) {
  auto entry = std::make_shared<Entry>(*flight.basis);
  Response& response = entry->response;
  response.headers = merged_headers(response.headers, flight.head->headers);
  response.fetched_at = flight.began;
  response.must_revalidate = may_predate_write(flight);
  const github::LifetimeContext context{m_state.options.default_ttl};
  response.lifetime = github::lifetime_of(github::classify(flight.request.resource), flight.request.resource,
                                          response.status, response.headers, *response.body, context)
                          .value_or(base::Seconds{0});
  const std::string_view received_etag = flight.head->headers.get("ETag");
  entry->grant = Grant{flight.request.credential.fingerprint, flight.began,
                       received_etag.empty() ? flight.sent_etag : std::string(received_etag)};
  if (flight.basis_from_peer) {
    m_state.from_peers.take(flight.request.key, flight.basis->grant.fingerprint);
  }
  answer_all(flight, *entry, true);
  keep(flight, entry, true);
  return response.shareable ? Lesson::shareable : Lesson::opaque;
}

Fetcher::Lesson Fetcher::conclude_answer(Flight& flight) {
  const ResponseHead& head = *flight.head;
  const github::Resource& resource = flight.request.resource;
  const github::RouteClass& route = github::classify(resource);
  m_state.withdraw_grants(flight.request, head, flight.body);

  const github::LifetimeContext context{m_state.options.default_ttl};
  const auto lifetime = github::lifetime_of(route, resource, head.status, head.headers, flight.body, context);
  if (!lifetime.has_value() || head.status == 304) {
    answer_uncached(flight);
    return head.status >= 400 ? Lesson::refused : Lesson::opaque;
  }

  auto entry = std::make_shared<Entry>();
  Response& response = entry->response;
  response.status = head.status;
  response.headers = kept_headers(head.headers);
  response.vary = head.headers.joined("Vary");
  response.fetched_at = flight.began;
  response.lifetime = *lifetime;
  response.immutable = route.immutable && head.status == 200;
  response.must_revalidate = may_predate_write(flight);
  entry->grant.fingerprint = flight.request.credential.fingerprint;
  entry->grant.proven_at = flight.began;
  // A body with a download token in it must come anew before that expires, and so must one whose 304 could hide a page.
  if (head.status == 200 && !github::may_hide_new_page(resource, head.headers, flight.body) &&
      !github::carries_download_token(resource, flight.body)) {
    const github::EtagInputs sent{resource.accept, flight.request.credential.authorization, {}};
    const std::string_view etag = head.headers.get("ETag");
    if (github::etag_value(etag).has_value()) {
      entry->grant.etag = etag;
    }
    response.last_modified = head.headers.get("Last-Modified");
    response.etag_class = github::classify_etag(entry->grant.etag, response.vary, sent, flight.body);
    response.shareable = response.etag_class != github::EtagClass::opaque && !route.identity_relative;
    // What a peer says of its bytes is no evidence of what GitHub did.
    if (flight.basis != nullptr && !flight.basis_from_peer) {
      m_state.drift.observe(flight.basis->response.etag_class, response.etag_class, m_state.clock.mono());
    }
  }
  response.body = std::make_shared<const std::string>(std::move(flight.body));
  answer_all(flight, *entry, false);
  keep(flight, entry, false);
  if (head.status >= 400) {
    return Lesson::refused;
  }
  return response.shareable ? Lesson::shareable : Lesson::opaque;
}

/// True when a write came, or is still under way, since the flight began: its bytes may be from before that write.
bool Fetcher::may_predate_write(const Flight& flight) const {
  const Resource& resource = flight.request.resource;
  const Fingerprint& fingerprint = flight.request.credential.fingerprint;
  return (flight.started() && m_state.log.concerns(flight.log_position, resource, fingerprint)) ||
         m_state.log.is_open_for(resource, fingerprint);
}

void Fetcher::keep(Flight& flight, const std::shared_ptr<Entry>& entry, bool renewed) {
  const github::CanonicalRequest& request = flight.request;
  // A renewal fails if the response was evicted meanwhile; then it is stored like a new one.
  if (!renewed || !m_state.store.renew(request.key, *entry).has_value()) {
    const auto id = m_state.store.put(request.resource, request.key, *entry);
    if (id.has_value()) {
      entry->response.id = *id;
    } else {
      entry->response.id = 0;
      m_state.note("cannot store an answer: " + id.error().message);
      forget(request);
    }
  }
  m_state.memory.put(request.resource, request.key, entry);
  m_state.from_peers.take(request.key, request.credential.fingerprint);
  flight.kept = entry;
}

void Fetcher::answer_all(const Flight& flight, const Entry& entry, bool revalidated) {
  const bool peers_bytes = revalidated && flight.basis_from_peer;
  for (const Waiter& waiter : flight.waiters) {
    http::CacheStatus status = status_of(flight, waiter);
    if (peers_bytes) {
      status.detail = "peer";
    }
    status.stored = true;
    status.ttl = entry.response.must_revalidate ? base::Seconds{0} : entry.response.lifetime;
    if (waiter.joined) {
      m_state.count(*waiter.sink, Outcome::coalesced);
    } else if (peers_bytes) {
      m_state.count(*waiter.sink, Outcome::peer_hit);
    } else {
      m_state.count(*waiter.sink, revalidated ? Outcome::revalidated : Outcome::miss);
    }
    waiter.sink->send(answer_with(entry, status, flight.head->headers, waiter.headers, waiter.head));
  }
}

/// An answer that is not kept, or none at all: stale where the caller accepts that, else what upstream said.
void Fetcher::answer_uncached(const Flight& flight) {
  const bool failed = flight.failure.has_value() || !flight.head.has_value();
  const bool upstream_trouble = failed || flight.head->status >= 500 ||
                                github::is_limited(flight.head->status, flight.head->headers, flight.body);
  const http::Body body = std::make_shared<const std::string>(flight.body);
  for (const Waiter& waiter : flight.waiters) {
    if (upstream_trouble && answer_stale(flight, waiter)) {
      continue;
    }
    if (failed) {
      m_state.count(*waiter.sink, Outcome::error);
      waiter.sink->send(upstream_error_reply(
          flight.failure.value_or(base::Error{base::ErrorCode::unavailable, "upstream sent no answer"})));
      continue;
    }
    const Outcome first = flight.told_by_peer ? Outcome::peer_hit : Outcome::miss;
    m_state.count(*waiter.sink, waiter.joined ? Outcome::coalesced : first);
    Reply reply;
    reply.status = flight.head->status;
    reply.headers = live_headers(flight.head->headers);
    reply.headers.add("Cache-Status", http::format_cache_status(status_of(flight, waiter)));
    if (waiter.head) {
      reply.headers.set("Content-Length", std::to_string(body->size()));
    } else {
      reply.body = body;
    }
    waiter.sink->send(std::move(reply));
  }
}

bool Fetcher::answer_stale(const Flight& flight, const Waiter& waiter) {
  if (flight.own == nullptr) {
    return false;
  }
  const Judgement judgement = m_state.judged(*flight.own, waiter.directives);
  if (!judgement.usable_on_error || may_predate_write(flight)) {
    return false;
  }
  m_state.count(*waiter.sink, Outcome::hit, true);
  m_state.served(*flight.own);
  waiter.sink->send(answer_from(*flight.own, judgement, waiter.headers, waiter.head, "stale"));
  return true;
}

}  // namespace ghoard::cache
