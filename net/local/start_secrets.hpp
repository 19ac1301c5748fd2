#pragma once

#include <string_view>

#include "core/base/result.hpp"
#include "core/base/secret.hpp"

namespace ghoard::local {

/// What whoever starts an agent tells it, and what no argument, environment or file may hold (ARCHITECTURE.md, "The
/// agent's record"). Empty: not told.
struct StartSecrets {
  base::SecretBytes network_keys;  ///< as the setting `network_key` has them
  base::SecretBytes token;         ///< github.com's, for a network key to be derived from
};

/// Both texts are shorter than this, and of one line.
inline constexpr std::size_t longest_start_secret = 16 * 1024;

/// Lines of `name value`. invalid_input: a text that is too long or of more than one line; system: no locked memory.
[[nodiscard]] base::Result<base::SecretBytes> format_start_secrets(const StartSecrets& secrets);
/// Lines of other names are ignored. corrupted: anything else than lines, or a text that is too long. Errors hold
/// nothing of the text.
[[nodiscard]] base::Result<StartSecrets> parse_start_secrets(std::string_view text);

}  // namespace ghoard::local
