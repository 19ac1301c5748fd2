#include "core/cache/hosts.hpp"

#include <algorithm>
#include <array>

#include "core/http/uri.hpp"

namespace ghoard::cache {

namespace {

constexpr std::size_t capacity = 256;
constexpr base::Seconds redirect_memory{600};

bool is_github_host(std::string_view host) {
  static constexpr std::array<std::string_view, 4> names{"api.github.com", "uploads.github.com", "codeload.github.com",
                                                         "github.com"};
  static constexpr std::array<std::string_view, 2> suffixes{".githubusercontent.com", ".ghe.com"};
  return std::find(names.begin(), names.end(), host) != names.end() ||
         std::any_of(suffixes.begin(), suffixes.end(), [&](std::string_view suffix) { return host.ends_with(suffix); });
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
  if ((is_github_host(origin->host) && origin->port == 443) ||
      std::find(m_extra.begin(), m_extra.end(), name) != m_extra.end()) {
    return {Trust::api, *origin};
  }
  const auto learned = std::find_if(m_learned.begin(), m_learned.end(), [&](const Learned& candidate) {
    return candidate.until > now && candidate.origin.authority() == name;
  });
  if (learned != m_learned.end()) {
    return {Trust::redirect_target, learned->origin};
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
