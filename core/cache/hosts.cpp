#include "core/cache/hosts.hpp"

#include <algorithm>

#include "core/http/uri.hpp"

namespace ghoard::cache {

namespace {

constexpr std::size_t capacity = 256;
constexpr base::Seconds redirect_memory{600};

bool is_api_host(std::string_view host) {
  return host == "api.github.com" || host == "uploads.github.com" || host.ends_with(".ghe.com");
}

bool is_asset_host(std::string_view host) {
  return host == "codeload.github.com" || host == "github.com" || host.ends_with(".githubusercontent.com");
}

}  // namespace

AllowedHosts::AllowedHosts(github::OriginMap origins, std::vector<std::string> extra)
    : m_origins(std::move(origins)), m_extra(std::move(extra)) {
  for (std::string& host : m_extra) {
    host = http::to_lower(host);
  }
}

AllowedHosts::Decision AllowedHosts::decide(std::string_view host, base::MonoTime now) {
  const std::string name = http::to_lower(host);
  const auto origin = m_origins.origin_of(name);
  if (!origin.has_value()) {
    return {};
  }
  if (*origin == m_origins.github_api) {
    return {Trust::api, *origin};
  }
  const bool is_public = origin->port == 443;
  if ((is_public && is_api_host(origin->host)) || std::find(m_extra.begin(), m_extra.end(), name) != m_extra.end()) {
    return {Trust::api, *origin};
  }
  if (is_public && is_asset_host(origin->host)) {
    return {Trust::asset, *origin};
  }
  const auto learned = std::find_if(m_learned.begin(), m_learned.end(), [&](const Learned& candidate) {
    return candidate.until > now && candidate.origin.authority() == name;
  });
  if (learned != m_learned.end()) {
    return {Trust::asset, learned->origin};
  }
  return {};
}

void AllowedHosts::learn_redirect(const http::Origin& target, base::MonoTime now) {
  // A redirect must not open the way to plain http elsewhere, nor to services of this machine unless upstream is one
  // too.
  const bool upstream_is_local = http::is_loopback_host(m_origins.github_api.host);
  if ((target.scheme != "https" || http::is_loopback_host(target.host)) && !upstream_is_local) {
    return;
  }
  std::erase_if(m_learned, [&](const Learned& known) { return known.until <= now || known.origin == target; });
  if (m_learned.size() >= capacity) {
    m_learned.erase(m_learned.begin());
  }
  m_learned.push_back({target, now + redirect_memory});
}

}  // namespace ghoard::cache
