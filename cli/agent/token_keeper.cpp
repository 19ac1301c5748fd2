#include "cli/agent/token_keeper.hpp"

#include <algorithm>
#include <sodium.h>
#include <utility>

#include "core/http/message.hpp"

namespace ghoard::agent {

base::Result<TokenKeeper> TokenKeeper::create(const base::Clock& clock) {
  if (sodium_init() < 0) {
    return base::fail(base::ErrorCode::system, "libsodium cannot be initialised");
  }
  return TokenKeeper(clock);
}

TokenKeeper::Name TokenKeeper::name_of(std::string_view host, std::string_view config) {
  return {http::to_lower(host), std::string(config)};
}

void TokenKeeper::keep(std::string_view host, std::string_view config, std::string_view authorization) {
  if (authorization.empty() || authorization.size() > longest || config.size() > longest_config) {
    return;
  }
  Name name = name_of(host, config);
  base::Result<base::SecretBytes> bytes = base::SecretBytes::copy(authorization);
  m_kept.erase(name);
  if (!bytes) {
    return;  // no memory of that kind left: the callers go on asking gh
  }
  if (m_kept.size() >= most_kept) {
    m_kept.erase(std::min_element(m_kept.begin(), m_kept.end(), [](const auto& left, const auto& right) {
      return left.second.used < right.second.used;
    }));
  }
  m_kept.emplace(std::move(name), Kept{std::move(*bytes), m_clock->mono()});
}

std::optional<std::string> TokenKeeper::find(std::string_view host, std::string_view config) {
  const auto found = m_kept.find(name_of(host, config));
  if (found == m_kept.end()) {
    return std::nullopt;
  }
  const base::MonoTime now = m_clock->mono();
  if (now - found->second.used > keep_unused) {
    m_kept.erase(found);
    return std::nullopt;
  }
  found->second.used = now;
  return std::string(found->second.authorization.view());
}

void TokenKeeper::drop(std::string_view host, std::string_view config, std::string_view authorization) {
  const auto found = m_kept.find(name_of(host, config));
  if (found != m_kept.end() && found->second.authorization.view() == authorization) {
    m_kept.erase(found);
  }
}

void TokenKeeper::tick() {
  const base::MonoTime now = m_clock->mono();
  std::erase_if(m_kept, [&](const auto& entry) { return now - entry.second.used > keep_unused; });
}

}  // namespace ghoard::agent
