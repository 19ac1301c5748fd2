#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.hpp"
#include "core/github/canonical.hpp"

namespace ghoard::cache {

/// Which servers the agent talks to: without such a list it would be an open proxy for everyone who reaches its socket.
/// GitHub's API and upload hosts and those of the setting `allowed_hosts`; and, for reading without credentials,
/// GitHub's download hosts and, for ten minutes, the targets of redirects that such a server answered with. One thread.
class AllowedHosts {
 public:
  AllowedHosts(github::OriginMap origins, std::vector<std::string> extra);

  enum class Trust {
    none,
    asset,  ///< bytes behind signed URLs: read-only, no credentials, never kept, no quota
    api,
  };
  struct Decision {
    Trust trust = Trust::none;
    http::Origin origin;
  };
  /// What a request that names this Host may do.
  [[nodiscard]] Decision decide(std::string_view host, base::MonoTime now);

  /// Remembers the target of a redirect answered by a trusted server.
  void learn_redirect(const http::Origin& target, base::MonoTime now);

 private:
  struct Learned {
    http::Origin origin;
    base::MonoTime until{};
  };

  github::OriginMap m_origins;
  std::vector<std::string> m_extra;
  std::vector<Learned> m_learned;  // oldest first, at most `capacity`
};

}  // namespace ghoard::cache
