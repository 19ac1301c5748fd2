#pragma once

#include <array>
#include <memory>
#include <sodium.h>

#include "net/channel/handshake.hpp"

namespace ghoard::channel {

inline constexpr base::WallTime wall_now{std::chrono::hours(24 * 365 * 55)};
inline constexpr base::MonoTime mono_now{std::chrono::hours(1)};

/// A process with a random identity of its own, and with nothing said of its versions.
inline std::shared_ptr<Self> fresh_self() {
  const noise::Secret ready = noise::Secret::zeros();  // libsodium is initialised with the first one
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret{};
  auto self = std::make_shared<Self>();
  crypto_sign_keypair(self->identity.data(), secret.data());
  self->sign = [secret](ByteView message, Signature& signature) {
    return crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), secret.data()) == 0;
  };
  self->static_key = std::make_shared<const noise::KeyPair>(noise::KeyPair::generate());
  return self;
}

}  // namespace ghoard::channel
