#include "core/cache/state.hpp"

#include "core/http/date.hpp"
#include "core/http/uri.hpp"

namespace ghoard::cache {

Judgement State::judged(const Entry& entry, const http::RequestDirectives& directives) const {
  if (!distrusts(entry.response.fetched_at)) {
    return judge(entry, directives, clock.wall());
  }
  Entry distrusted = entry;
  distrusted.response.must_revalidate = true;
  return judge(distrusted, directives, clock.wall());
}

bool State::may_predate_change(const Resource& resource, const Fingerprint& fingerprint, base::MonoTime fetched) const {
  const std::optional<base::MonoTime> last = log.last_concerning(resource, fingerprint);
  return (last.has_value() && fetched <= *last) || log.is_open_for(resource, fingerprint);
}

base::Result<void> State::mark_changed(std::span<const github::Tag> tags) {
  log.add(tags, clock.mono());
  memory.drop_matching(tags);
  return store.invalidate(tags);
}

base::Result<void> State::drop_granted(const Fingerprint& fingerprint) {
  log.add(fingerprint, clock.mono());
  memory.drop_all(fingerprint);
  return store.revoke_all(fingerprint);
}

void State::withdraw_grants(const github::CanonicalRequest& request, const ResponseHead& head, std::string_view body) {
  const Fingerprint& fingerprint = request.credential.fingerprint;
  const bool refused = head.status == 404 || head.status == 410 || head.status == 451 ||
                       (head.status == 403 && !github::is_limited(head.status, head.headers, body));
  base::Result<void> done;
  if (head.status == 401) {
    memory.drop_all(fingerprint);
    done = store.revoke_all(fingerprint);
  } else if (refused && request.is_read()) {
    memory.drop(request.key, fingerprint);
    done = store.revoke(request.key, fingerprint);
  }
  if (!done.has_value()) {
    note("cannot withdraw grants: " + done.error().message);
  }
}

void State::account(const http::Origin& origin, const github::Credential& credential, std::string_view path,
                    const ResponseHead* head, std::string_view body) {
  ++metrics.upstream_requests;
  if (head == nullptr) {
    return;
  }
  if (hosts.decide(origin.authority(), clock.mono()).trust == AllowedHosts::Trust::api) {
    // What a limit refuses is not charged.
    if (!github::is_limited(head->status, head->headers, body) &&
        github::costs_quota(head->status, credential.authorization.empty(), path)) {
      ++metrics.api_calls_made;
    }
    if (const auto date = http::parse_http_date(head->headers.get("Date")); date.has_value()) {
      clock_ahead = std::chrono::round<base::Seconds>(clock.wall() - *date);
    }
    if (head->status != 401) {
      holders.observe(credential.fingerprint, head->headers);
    }
    if (auto rate = github::parse_rate(head->headers); rate.has_value()) {
      rates.observe(origin.authority(), credential.fingerprint, std::move(*rate), clock.wall());
    }
  }
  if (head->status < 300 || head->status > 399 || head->status == 304) {
    return;
  }
  if (const std::string* location = head->headers.find("Location"); location != nullptr) {
    if (const auto target = http::resolve(http::Url{origin, std::string(path)}, *location); target.has_value()) {
      hosts.learn_redirect(target->origin, clock.mono());
    }
  }
}

}  // namespace ghoard::cache
