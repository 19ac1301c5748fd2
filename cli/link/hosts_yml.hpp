#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace ghoard::link {

/// One host of gh's hosts.yml.
struct GhHost {
  std::string name;
  std::string oauth_token;  ///< empty when gh keeps it in a keyring. Secret.
  std::string user;
};

/// Reads gh's hosts.yml: a mapping of hosts to mappings. What is nested deeper is skipped. At most 1 MiB, 256 hosts and
/// 16 levels. Errors name a line and never a value.
[[nodiscard]] base::Result<std::vector<GhHost>> parse_hosts_yml(std::string_view text);

}  // namespace ghoard::link
