#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/link/program.hpp"
#include "core/http/uri.hpp"

namespace ghoard::api {

/// The GitHub host a command talks to, and whether the caller named it.
struct Host {
  std::string name;            ///< "github.com", "X.ghe.com", "enterprise.example:8443"
  bool named_by_flag = false;  ///< --hostname
};

/// --hostname, GH_HOST, the sole host of hosts.yml, github.com.
[[nodiscard]] base::Result<Host> choose_host(const link::Program& program, const std::optional<std::string>& hostname);

/// The URL an endpoint with its placeholders filled stands for: a whole URL as it is, `graphql`, or a path below the
/// host's API. The path is percent-encoded, the query's spaces too; a fragment is dropped.
[[nodiscard]] base::Result<http::Url> endpoint_url(std::string_view endpoint, std::string_view host);

/// A URL of the configured upstream (GHOARD_API_URL) as the URL of api.github.com that it stands for; others stay. The
/// upstream writes its own name into Link and Location.
[[nodiscard]] http::Url as_named_by_callers(http::Url url, std::string_view api_url);

}  // namespace ghoard::api
