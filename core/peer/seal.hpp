#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/secret.hpp"

namespace ghoard::peer {

inline constexpr std::size_t seal_key_size = 32;
inline constexpr std::size_t seal_nonce_size = 24;

/// Text that only holders of `key` can read or make: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) of `plain`, bound to
/// `context`, as base64url without padding of nonce ‖ ciphertext ‖ tag. `key` has seal_key_size bytes; `nonce` is
/// random, and 192 bits are enough to draw it anew each time. Nothing: a key of another size.
[[nodiscard]] std::optional<std::string> seal(const base::SecretBytes& key, std::string_view context,
                                              std::string_view plain,
                                              std::span<const std::uint8_t, seal_nonce_size> nonce);

/// What was sealed; nothing if this key and this context did not seal it, or it is longer than `longest` bytes.
[[nodiscard]] std::optional<std::string> open_sealed(const base::SecretBytes& key, std::string_view context,
                                                     std::string_view text, std::size_t longest);

}  // namespace ghoard::peer
