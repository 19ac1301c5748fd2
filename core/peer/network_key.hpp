#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/secret.hpp"
#include "core/peer/github_token.hpp"

namespace ghoard::peer {

using base::SecretBytes;

/// What a network's keys are derived from. It is part of the derivation: the same bytes as the other one give other
/// keys.
enum class KeySource { network_key, github_token };

/// What the members of a network have in common. None of it leaves the process.
struct NetworkKey {
  KeySource source = KeySource::network_key;
  SecretBytes noise_psk;     ///< 32 bytes; for the handshake and nothing else
  SecretBytes registry_key;  ///< 32 bytes; seals what is published in the discovery repository

  /// Eight hexadecimal digits by which people see whether two agents have the same key, for status and log. A MAC under
  /// the registry key: it confirms no guess that the handshake would not, and tells nothing else.
  [[nodiscard]] std::string id() const;
};

inline constexpr std::size_t network_secret_size = 32;
inline constexpr std::size_t longest_network_name = 64;
inline constexpr std::size_t most_network_keys = 4;

/// PRK = HMAC-SHA256("ghoard/psk/v1", source ‖ 0 ‖ secret), keys = HMAC-SHA256(PRK, label ‖ 0 ‖ network_name ‖ 1).
/// `secret`: what check_network_key answers, or a stable token. invalid_input: a secret that is neither, or a network
/// name that is empty, too long or not printable ASCII; system: no locked memory. Errors never hold the secret.
[[nodiscard]] base::Result<NetworkKey> derive_network_key(KeySource source, std::string_view secret,
                                                          std::string_view network_name);

/// The 32 secret bytes of a network key as it is written down: "ghnk1_" and the base32, in either case, of those bytes
/// and of the first four of their SHA-256. invalid_input: anything else, with the advice to run `ghoard network
/// new-key`: a word that people make up can be guessed offline. The error does not hold the text.
[[nodiscard]] base::Result<SecretBytes> check_network_key(std::string_view text);

/// Up to four keys separated by commas, blanks around each allowed; the first one sends. Empty text: no keys.
/// invalid_input: as check_network_key, naming the key by its number; more than four; the same one twice.
[[nodiscard]] base::Result<std::vector<SecretBytes>> parse_network_keys(std::string_view text);

/// A network key as it is written down. `random` comes from the system's random generator. The text is a secret: its
/// owner wipes it.
[[nodiscard]] std::string make_network_key(std::span<const std::uint8_t, network_secret_size> random);

}  // namespace ghoard::peer
