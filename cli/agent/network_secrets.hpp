#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/github/canonical.hpp"
#include "core/peer/network_key.hpp"

namespace ghoard::agent {

/// The keys that let this agent into a network of peers, and what they were made from. Texts are gone once these are
/// made. Move-only.
struct NetworkSecrets {
  std::vector<peer::NetworkKey> keys;     ///< the first one sends; none: see `problem`
  std::optional<peer::KeySource> source;  ///< of `keys`
  /// With keys made from a token, only that token's answers may be shared (design: trust).
  std::optional<github::Fingerprint> only_token;
  std::string problem;  ///< why there are none, one line with the way out
};

/// From the setting `network_key`, if it is set, else from the token, if it is one that all machines of a fleet can
/// have. `texts` and `token` may be empty.
[[nodiscard]] NetworkSecrets derive_secrets(std::string_view texts, std::string_view token,
                                            const std::string& network_name);

/// The same keys once more. system: no locked memory.
[[nodiscard]] base::Result<NetworkSecrets> copy_of(const NetworkSecrets& secrets);

}  // namespace ghoard::agent
