#include "core/cache/holder_headers.hpp"

#include <array>

namespace ghoard::cache {

namespace {

constexpr std::size_t capacity = 256;
constexpr std::array<std::string_view, 3> names{"X-OAuth-Scopes", "X-OAuth-Client-Id",
                                                "github-authentication-token-expiration"};

}  // namespace

void HolderHeaders::observe(const Fingerprint& fingerprint, const http::Headers& received) {
  http::Headers told;
  for (const std::string_view name : names) {
    if (const std::string* value = received.find(name); value != nullptr) {
      told.add(std::string(name), *value);
    }
  }
  if (told.empty()) {
    return;
  }
  if (m_known.insert_or_assign(fingerprint, std::move(told)).second) {
    m_order.push_back(fingerprint);
  }
  if (m_order.size() > capacity) {
    m_known.erase(m_order.front());
    m_order.pop_front();
  }
}

void HolderHeaders::add_to(http::Headers& answer, const Fingerprint& fingerprint) const {
  const auto found = m_known.find(fingerprint);
  if (found == m_known.end()) {
    return;
  }
  for (const http::Header& field : found->second) {
    answer.set(field.name, field.value);
  }
}

}  // namespace ghoard::cache
