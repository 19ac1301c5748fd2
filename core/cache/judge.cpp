#include "core/cache/judge.hpp"

#include <algorithm>

namespace ghoard::cache {

namespace {

using base::Seconds;
using http::RequestDirectives;

/// Age of something that began at `since`. A time in the future (the clock was set back) counts as too old for
/// anything.
constexpr Seconds unknown_age = Seconds::max();

Seconds age_since(base::WallTime since, base::WallTime now) {
  return since > now ? unknown_age : std::chrono::floor<Seconds>(now - since);
}

Seconds grant_life(const Response& response) {
  return response.immutable ? immutable_grant_life : std::min(response.lifetime, max_grant_life);
}

bool within_max_age(Seconds age, const RequestDirectives& wants) {
  return !wants.max_age.has_value() || age <= *wants.max_age;
}

bool is_fresh(const Response& response, Seconds age, const RequestDirectives& wants) {
  // min-fresh asks that it stay fresh for that much longer (RFC 9111 section 5.2.1.3).
  const Seconds margin = wants.min_fresh.value_or(Seconds{0});
  return !response.must_revalidate && margin <= response.lifetime && age < response.lifetime - margin;
}

/// max-stale (RFC 9111 section 5.2.1.2). What a write may have changed goes only to callers who want no request
/// upstream.
bool accepts_stale(const Response& response, Seconds age, const RequestDirectives& wants) {
  if (!wants.max_stale.has_value() || response.status >= 400 || (response.must_revalidate && !wants.only_if_cached)) {
    return false;
  }
  return *wants.max_stale == Seconds::max() || age - response.lifetime <= *wants.max_stale;
}

/// RFC 5861 section 4. A caller who says stale-if-error accepts it beyond his own max-age; for all others max-age
/// holds.
bool usable_on_error(const Response& response, Seconds age, const RequestDirectives& wants) {
  if (wants.no_cache || response.must_revalidate || response.status >= 400) {
    return false;
  }
  if (!wants.stale_if_error.has_value()) {
    return within_max_age(age, wants) && age - response.lifetime <= max_stale_age;
  }
  const Seconds fresh_for = std::min(response.lifetime, wants.max_age.value_or(response.lifetime));
  return age - fresh_for <= std::min(*wants.stale_if_error, max_stale_age);
}

}  // namespace

Judgement judge(const Entry& entry, const RequestDirectives& wants, base::WallTime now) {
  const Response& response = entry.response;
  const Seconds age = age_since(response.fetched_at, now);
  const Seconds grant_age = age_since(entry.grant.proven_at, now);
  if (age == unknown_age || grant_age == unknown_age) {
    return {Verdict::revalidate, Seconds{0}, Seconds{0} - response.lifetime, false};
  }
  Judgement result;
  result.age = age;
  result.ttl = response.must_revalidate ? std::min(Seconds{0}, response.lifetime - age) : response.lifetime - age;
  const bool grant_holds_stale = grant_age < max_stale_age;
  result.usable_on_error = grant_holds_stale && usable_on_error(response, age, wants);
  if (wants.no_cache || !within_max_age(age, wants)) {
    return result;
  }
  if (is_fresh(response, age, wants) && grant_age < grant_life(response)) {
    result.verdict = Verdict::fresh;
  } else if (grant_holds_stale && accepts_stale(response, age, wants)) {
    result.verdict = Verdict::stale;
  }
  return result;
}

}  // namespace ghoard::cache
