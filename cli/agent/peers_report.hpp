#pragma once

#include <nlohmann/json_fwd.hpp>

#include "cli/agent/sharing.hpp"
#include "core/base/time.hpp"

namespace ghoard::agent {

/// The documents about peers that the control endpoints answer with. All keys are there whether the overlay is on or
/// off. None holds a secret.

/// `GET /v1/peers`: {"peers": [...]}, linked ones first.
[[nodiscard]] nlohmann::ordered_json peers_document(const Sharing& sharing, const base::Clock& clock);
/// `GET /v1/network`.
[[nodiscard]] nlohmann::ordered_json network_document(const Sharing& sharing);
/// `leases` of `GET /v1/stats`: how the questions between peers went.
[[nodiscard]] nlohmann::ordered_json leases_document(const Sharing& sharing);
/// Where others reach this agent; empty while it has no overlay.
[[nodiscard]] nlohmann::ordered_json listen_document(const Sharing& sharing);

}  // namespace ghoard::agent
