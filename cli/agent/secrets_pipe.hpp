#pragma once

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "net/local/start_secrets.hpp"

namespace ghoard::agent {

/// Reads what the starter of this agent tells it, up to the end of the stream; `descriptor` stays open. timeout: that
/// takes more than `patience`; too_large; corrupted; system.
[[nodiscard]] base::Result<local::StartSecrets> read_start_secrets(int descriptor,
                                                                   base::Millis patience = base::Seconds{5});

/// GH_TOKEN or GITHUB_TOKEN, for an agent that a service manager starts. The variables that hold secrets are wiped,
/// GHOARD_NETWORK_KEY among them: whoever may read this process's environment finds none.
[[nodiscard]] base::Result<local::StartSecrets> take_environment_secrets();

}  // namespace ghoard::agent
