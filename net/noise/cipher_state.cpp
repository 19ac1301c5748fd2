#include "net/noise/cipher_state.hpp"

#include <algorithm>
#include <sodium.h>

namespace ghoard::noise {

namespace {

using NonceBytes = std::array<std::uint8_t, crypto_aead_chacha20poly1305_ietf_NPUBBYTES>;

/// 32 zero bits and the nonce, little endian (section 12.3).
NonceBytes nonce_bytes(std::uint64_t nonce) {
  NonceBytes bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[4 + i] = static_cast<std::uint8_t>(nonce >> (8 * i));
  }
  return bytes;
}

}  // namespace

bool CipherState::encrypt(ByteView associated, ByteView plaintext, std::uint8_t* out) {
  if (!has_key()) {
    std::copy(plaintext.begin(), plaintext.end(), out);
    return true;
  }
  if (m_nonce == reserved_nonce) {
    return false;
  }
  crypto_aead_chacha20poly1305_ietf_encrypt(out, nullptr, plaintext.data(), plaintext.size(), associated.data(),
                                            associated.size(), nullptr, nonce_bytes(m_nonce).data(),
                                            m_key.bytes().data());
  ++m_nonce;
  return true;
}

bool CipherState::decrypt(ByteView associated, ByteView ciphertext, std::uint8_t* out) {
  if (!has_key()) {
    std::copy(ciphertext.begin(), ciphertext.end(), out);
    return true;
  }
  if (m_nonce == reserved_nonce || ciphertext.size() < tag_bytes) {
    return false;
  }
  if (crypto_aead_chacha20poly1305_ietf_decrypt(out, nullptr, nullptr, ciphertext.data(), ciphertext.size(),
                                                associated.data(), associated.size(), nonce_bytes(m_nonce).data(),
                                                m_key.bytes().data()) != 0) {
    return false;
  }
  ++m_nonce;
  return true;
}

void CipherState::rekey() {
  // REKEY(k): the first 32 bytes of ENCRYPT(k, 2^64-1, no associated data, 32 zero bytes).
  const std::array<std::uint8_t, Secret::size> zeros{};
  Wiped<Secret::size + tag_bytes> sealed;
  crypto_aead_chacha20poly1305_ietf_encrypt(sealed.bytes.data(), nullptr, zeros.data(), zeros.size(), nullptr, 0,
                                            nullptr, nonce_bytes(reserved_nonce).data(), m_key.bytes().data());
  std::copy_n(sealed.bytes.begin(), Secret::size, m_key.bytes().begin());
}

CipherState CipherState::clone() const {
  CipherState copy(m_key.clone());
  copy.m_nonce = m_nonce;
  return copy;
}

}  // namespace ghoard::noise
