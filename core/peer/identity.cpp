#include "core/peer/identity.hpp"

#include <sodium.h>

namespace ghoard::peer {

namespace {

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

base::Result<Identity> Identity::create(std::span<const std::uint8_t, seed_size> seed) {
  static_assert(crypto_sign_ed25519_SEEDBYTES == seed_size);
  static_assert(crypto_sign_ed25519_PUBLICKEYBYTES == sizeof(PeerId::key));
  static_assert(crypto_sign_ed25519_BYTES == sizeof(Signature));
  base::Result<base::SecretBytes> secret = base::SecretBytes::create(crypto_sign_ed25519_SECRETKEYBYTES);
  if (!secret) {
    return tl::unexpected(secret.error());
  }
  PeerId id;
  crypto_sign_ed25519_seed_keypair(id.key.data(), secret->writable().data(), seed.data());
  return Identity(std::move(*secret), id);
}

Signature Identity::sign(std::string_view message) const {
  Signature signature{};
  crypto_sign_ed25519_detached(signature.data(), nullptr, bytes_of(message), message.size(), m_secret.bytes().data());
  return signature;
}

bool verify(const PeerId& signer, std::string_view message,
            std::span<const std::uint8_t, sizeof(Signature)> signature) {
  return is_valid_key(signer) && crypto_sign_ed25519_verify_detached(signature.data(), bytes_of(message),
                                                                     message.size(), signer.key.data()) == 0;
}

}  // namespace ghoard::peer
