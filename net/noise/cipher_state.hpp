#pragma once

#include <cstdint>

#include "net/noise/secret.hpp"

namespace ghoard::noise {

/// CipherState of Noise (rev 34, section 5.1) with ChaChaPoly (section 12.3): a key and the nonce of the next message.
/// Without a key, encryption and decryption copy.
class CipherState {
 public:
  /// The nonce that only Rekey() may use (section 4.2): no message is sealed or opened under it.
  static constexpr std::uint64_t reserved_nonce = ~std::uint64_t{0};

  CipherState() = default;
  explicit CipherState(Secret key) : m_key(std::move(key)) {}

  [[nodiscard]] bool has_key() const { return !m_key.is_empty(); }
  [[nodiscard]] std::uint64_t nonce() const { return m_nonce; }
  void set_nonce(std::uint64_t nonce) { m_nonce = nonce; }
  /// How many bytes a tag adds: 16, or 0 without a key.
  [[nodiscard]] std::size_t overhead() const { return has_key() ? tag_bytes : 0; }

  /// Writes plaintext.size() + overhead() bytes to `out`, which may begin where `plaintext` does. False, with nothing
  /// written, once the nonces are used up.
  [[nodiscard]] bool encrypt(ByteView associated, ByteView plaintext, std::uint8_t* out);
  /// Writes ciphertext.size() - overhead() bytes to `out`, which may begin where `ciphertext` does. False when it is
  /// not authentic, too short, or the nonces are used up; then the nonce has not moved and a good message still opens.
  [[nodiscard]] bool decrypt(ByteView associated, ByteView ciphertext, std::uint8_t* out);
  /// Rekey() of section 4.2: a new key, made one way from the old; the nonce goes on. Needs a key.
  void rekey();

  [[nodiscard]] CipherState clone() const;

 private:
  Secret m_key;
  std::uint64_t m_nonce = 0;
};

}  // namespace ghoard::noise
