#include "core/base/digest.hpp"

#include <sodium.h>

namespace ghoard::base {

namespace {

crypto_hash_sha256_state* state_of(std::array<unsigned char, 104>& storage) {
  static_assert(sizeof(crypto_hash_sha256_state) <= 104);
  return reinterpret_cast<crypto_hash_sha256_state*>(storage.data());
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string Digest::hex() const {
  std::string text(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return text;
}

std::string Digest::base64() const {
  std::string text(sodium_base64_ENCODED_LEN(sizeof bytes, sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();
  return text;
}

Sha256::Sha256() {
  crypto_hash_sha256_init(state_of(m_state));
}

Sha256& Sha256::update(std::string_view bytes) {
  crypto_hash_sha256_update(state_of(m_state), bytes_of(bytes), bytes.size());
  return *this;
}

Digest Sha256::finish() {
  Digest digest;
  crypto_hash_sha256_final(state_of(m_state), digest.bytes.data());
  return digest;
}

Digest sha256(std::string_view bytes) {
  Digest digest;
  crypto_hash_sha256(digest.bytes.data(), bytes_of(bytes), bytes.size());
  return digest;
}

}  // namespace ghoard::base
