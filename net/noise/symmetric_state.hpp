#pragma once

#include <string_view>
#include <utility>

#include "net/noise/cipher_state.hpp"

namespace ghoard::noise {

/// SymmetricState of Noise (rev 34, section 5.2) with SHA256.
class SymmetricState {
 public:
  /// InitializeSymmetric.
  explicit SymmetricState(std::string_view protocol_name);

  void mix_key(ByteView input);
  void mix_hash(ByteView data);
  void mix_key_and_hash(ByteView input);
  /// EncryptAndHash: writes plaintext.size() + overhead() bytes. False once the nonces are used up.
  [[nodiscard]] bool encrypt_and_hash(ByteView plaintext, std::uint8_t* out);
  /// DecryptAndHash: writes ciphertext.size() - overhead() bytes. A failure changes nothing. `out` must not overlap.
  [[nodiscard]] bool decrypt_and_hash(ByteView ciphertext, std::uint8_t* out);
  [[nodiscard]] std::size_t overhead() const { return m_cipher.overhead(); }
  [[nodiscard]] const Hash& handshake_hash() const { return m_hash; }
  /// Split: the initiator's sending state, then the responder's.
  [[nodiscard]] std::pair<CipherState, CipherState> split() const;

  [[nodiscard]] SymmetricState clone() const;

 private:
  SymmetricState() = default;

  CipherState m_cipher;
  Secret m_chaining_key;
  Hash m_hash{};
};

}  // namespace ghoard::noise
