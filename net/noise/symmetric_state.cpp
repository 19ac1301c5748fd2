#include "net/noise/symmetric_state.hpp"

#include <algorithm>
#include <sodium.h>

#include "net/noise/hkdf.hpp"

namespace ghoard::noise {

SymmetricState::SymmetricState(std::string_view protocol_name) : m_chaining_key(Secret::zeros()) {
  if (protocol_name.size() <= hash_bytes) {
    std::copy(protocol_name.begin(), protocol_name.end(), m_hash.begin());
  } else {
    crypto_hash_sha256(m_hash.data(), view_of(protocol_name).data(), protocol_name.size());
  }
  std::copy(m_hash.begin(), m_hash.end(), m_chaining_key.bytes().begin());
}

void SymmetricState::mix_key(ByteView input) {
  Secret key = Secret::zeros();
  hkdf(m_chaining_key.bytes(), input, m_chaining_key.bytes(), key.bytes());
  m_cipher = CipherState(std::move(key));
}

void SymmetricState::mix_hash(ByteView data) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, m_hash.data(), m_hash.size());
  crypto_hash_sha256_update(&state, data.data(), data.size());
  crypto_hash_sha256_final(&state, m_hash.data());
}

void SymmetricState::mix_key_and_hash(ByteView input) {
  Secret key = Secret::zeros();
  Wiped<hash_bytes> mixed;
  hkdf(m_chaining_key.bytes(), input, m_chaining_key.bytes(), mixed.bytes, key.bytes().data());
  mix_hash(mixed.bytes);
  m_cipher = CipherState(std::move(key));
}

bool SymmetricState::encrypt_and_hash(ByteView plaintext, std::uint8_t* out) {
  if (!m_cipher.encrypt(m_hash, plaintext, out)) {
    return false;
  }
  mix_hash({out, plaintext.size() + overhead()});
  return true;
}

bool SymmetricState::decrypt_and_hash(ByteView ciphertext, std::uint8_t* out) {
  if (!m_cipher.decrypt(m_hash, ciphertext, out)) {
    return false;
  }
  mix_hash(ciphertext);
  return true;
}

std::pair<CipherState, CipherState> SymmetricState::split() const {
  Secret first = Secret::zeros();
  Secret second = Secret::zeros();
  hkdf(m_chaining_key.bytes(), {}, first.bytes(), second.bytes());
  return {CipherState(std::move(first)), CipherState(std::move(second))};
}

SymmetricState SymmetricState::clone() const {
  SymmetricState copy;
  copy.m_cipher = m_cipher.clone();
  copy.m_chaining_key = m_chaining_key.clone();
  copy.m_hash = m_hash;
  return copy;
}

}  // namespace ghoard::noise
