#include "core/base/secret.hpp"

#include <algorithm>
#include <cstring>
#include <sodium.h>
#include <utility>

namespace ghoard::base {

void wipe(std::string& text) {
  sodium_memzero(text.data(), text.size());
  text.clear();
}

void SecretBytes::Free::operator()(std::uint8_t* bytes) const {
  sodium_free(bytes);
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : m_bytes(std::move(other.m_bytes)), m_size(std::exchange(other.m_size, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  m_bytes = std::move(other.m_bytes);
  m_size = std::exchange(other.m_size, 0);
  return *this;
}

Result<SecretBytes> SecretBytes::create(std::size_t size) {
  if (size > longest) {
    return fail(ErrorCode::too_large, "a secret of " + std::to_string(size) + " bytes is too long");
  }
  // Guards are placed with what sodium_init finds out; called again it does nothing.
  if (sodium_init() < 0) {
    return fail(ErrorCode::system, "libsodium cannot be initialised");
  }
  SecretBytes secret;
  secret.m_bytes.reset(static_cast<std::uint8_t*>(sodium_malloc(std::max<std::size_t>(size, 1))));
  if (!secret.m_bytes) {
    return fail(ErrorCode::system, "there is no locked memory left");
  }
  secret.m_size = size;
  sodium_memzero(secret.m_bytes.get(), size);
  return secret;
}

Result<SecretBytes> SecretBytes::copy(std::span<const std::uint8_t> bytes) {
  Result<SecretBytes> secret = create(bytes.size());
  if (secret && !bytes.empty()) {
    std::memcpy(secret->m_bytes.get(), bytes.data(), bytes.size());
  }
  return secret;
}

Result<SecretBytes> SecretBytes::copy(std::string_view bytes) {
  return copy(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

bool SecretBytes::equals(std::span<const std::uint8_t> other) const {
  return m_size == other.size() && (m_size == 0 || sodium_memcmp(m_bytes.get(), other.data(), m_size) == 0);
}

}  // namespace ghoard::base
