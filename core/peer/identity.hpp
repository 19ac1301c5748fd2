#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "core/base/result.hpp"
#include "core/base/secret.hpp"
#include "core/peer/peer_id.hpp"

namespace ghoard::peer {

using Signature = std::array<std::uint8_t, 64>;

/// An Ed25519 key pair (RFC 8032): what makes this agent the peer of its id. Move-only; the secret half is in locked
/// memory.
class Identity {
 public:
  static constexpr std::size_t seed_size = 32;

  /// The same seed is the same identity. system: no locked memory.
  static base::Result<Identity> create(std::span<const std::uint8_t, seed_size> seed);

  [[nodiscard]] const PeerId& id() const { return m_id; }
  /// Deterministic. What is signed begins with a label of its own, so that no signature means something elsewhere.
  [[nodiscard]] Signature sign(std::string_view message) const;

 private:
  Identity(base::SecretBytes secret, const PeerId& id) : m_secret(std::move(secret)), m_id(id) {}

  base::SecretBytes m_secret;  // libsodium's form: seed and public key
  PeerId m_id;
};

/// True when `signer` signed the message. Keys of small order, outside the prime-order group or not canonical, and
/// signatures that are not canonical, verify nothing: for such keys one signature may hold for many messages.
[[nodiscard]] bool verify(const PeerId& signer, std::string_view message,
                          std::span<const std::uint8_t, sizeof(Signature)> signature);

}  // namespace ghoard::peer
