#include "core/cache/state.hpp"

#include "core/http/uri.hpp"

namespace ghoard::cache {

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
