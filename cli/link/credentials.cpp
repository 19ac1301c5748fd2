// Where a token comes from, in gh's order (gh: "environment", hosts.yml, keyring).

#include <algorithm>

#include "cli/link/gh.hpp"
#include "cli/link/link.hpp"

namespace ghoard::link {

namespace {

bool is_github_owned(std::string_view host) {
  return host == "github.com" || host == "github.localhost" || host.ends_with(".ghe.com");
}

/// The first of two variables that is set. A value that cannot be a token is an error that does not show it.
base::Result<std::optional<std::string>> from_environment(const Program& program, const char* first,
                                                          const char* second) {
  for (const char* name : {first, second}) {
    const std::optional<std::string> value = program.environment(name);
    const std::string_view token = http::trim(value ? std::string_view(*value) : std::string_view());
    if (token.empty()) {
      continue;
    }
    if (!is_token_text(token)) {
      return base::fail(base::ErrorCode::invalid_input, std::string(name) + " holds characters no token has");
    }
    return std::optional(std::string(token));
  }
  return std::nullopt;
}

/// "api.github.com" -> "github.com": the name with everything before the last `keep` labels cut off.
std::string last_labels(std::string_view host, int keep) {
  std::size_t at = host.size();
  for (int i = 0; i < keep && at != std::string_view::npos && at > 0; ++i) {
    at = host.rfind('.', at - 1);
  }
  return std::string(at == std::string_view::npos || at == 0 ? host : host.substr(at + 1));
}

const GhHost* find_host(const std::vector<GhHost>& hosts, std::string_view name) {
  const auto found =
      std::find_if(hosts.begin(), hosts.end(), [&](const GhHost& host) { return http::iequals(host.name, name); });
  return found == hosts.end() ? nullptr : &*found;
}

}  // namespace

std::string gh_host_of(const http::Origin& origin) {
  if (origin.host.ends_with(".github.com")) {
    return "github.com";
  }
  if (origin.host.ends_with(".github.localhost")) {
    return "github.localhost";
  }
  if (origin.host.ends_with(".ghe.com")) {
    return last_labels(origin.host, 3);
  }
  return origin.host == "github.localhost" ? origin.host : origin.authority();
}

base::Result<std::optional<std::string>> sole_gh_host(const Program& program) {
  const base::Result<std::vector<GhHost>> hosts = read_gh_hosts(program.environment);
  if (!hosts) {
    return tl::unexpected(hosts.error());
  }
  return hosts->size() == 1 ? std::optional(hosts->front().name) : std::nullopt;
}

base::Result<Credentials> find_credentials(const Program& program, std::string_view host, bool host_is_known) {
  const bool github = is_github_owned(host);
  const base::Result<std::optional<std::string>> variable =
      github ? from_environment(program, "GH_TOKEN", "GITHUB_TOKEN")
             : from_environment(program, "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN");
  if (!variable) {
    return tl::unexpected(variable.error());
  }
  const bool named = github || host_is_known || http::iequals(program.environment("GH_HOST").value_or(""), host);
  if (*variable && named) {
    return Credentials{Credentials::Kind::token, **variable};
  }
  const base::Result<std::vector<GhHost>> hosts = read_gh_hosts(program.environment);
  if (!hosts) {
    return tl::unexpected(hosts.error());
  }
  const GhHost* entry = find_host(*hosts, host);
  if (entry == nullptr) {
    return Credentials{};
  }
  if (*variable) {
    return Credentials{Credentials::Kind::token, **variable};
  }
  if (entry->oauth_token.empty()) {
    return Credentials{Credentials::Kind::from_gh, {}};
  }
  if (!is_token_text(entry->oauth_token)) {
    return base::fail(base::ErrorCode::invalid_input, "gh's hosts.yml holds characters no token has");
  }
  return Credentials{Credentials::Kind::token, entry->oauth_token};
}

}  // namespace ghoard::link
