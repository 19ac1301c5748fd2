#include "cli/api/endpoint.hpp"

#include "cli/link/link.hpp"

namespace ghoard::api {

namespace {

constexpr std::string_view github_host = "github.com";
constexpr std::string_view local_host = "github.localhost";

// What stands before an endpoint's path, per kind of host.
std::string rest_prefix(std::string_view host) {
  const std::string name(host);
  if (http::iequals(host, github_host)) {
    return "https://api.github.com/";
  }
  if (http::iequals(host, local_host)) {
    return "http://api.github.localhost/";
  }
  if (http::to_lower(host).ends_with(".ghe.com")) {
    return "https://api." + name + "/";
  }
  return "https://" + name + "/api/v3/";
}

std::string graphql_url(std::string_view host) {
  const std::string prefix = rest_prefix(host);
  constexpr std::string_view version = "v3/";
  return prefix.ends_with(version) ? prefix.substr(0, prefix.size() - version.size()) + "graphql" : prefix + "graphql";
}

}  // namespace

base::Result<Host> choose_host(const link::Program& program, const std::optional<std::string>& hostname) {
  if (hostname) {
    return Host{*hostname, true};
  }
  if (const std::optional<std::string> named = program.environment("GH_HOST")) {
    return Host{*named, false};
  }
  const base::Result<std::optional<std::string>> sole = link::sole_gh_host(program);
  if (!sole) {
    return tl::unexpected(sole.error());
  }
  return Host{sole->value_or(std::string(github_host)), false};
}

base::Result<http::Url> endpoint_url(std::string_view endpoint, std::string_view host) {
  if (endpoint.find("://") != std::string_view::npos) {
    return http::parse_url(endpoint);
  }
  if (endpoint == "graphql") {
    return http::parse_url(graphql_url(host));
  }
  if (endpoint.starts_with('/')) {
    endpoint.remove_prefix(1);
  }
  return http::parse_url(rest_prefix(host) + std::string(endpoint));
}

http::Url as_named_by_callers(http::Url url, std::string_view api_url) {
  const base::Result<http::Url> upstream = http::parse_url(api_url);
  if (!upstream || url.origin != upstream->origin) {
    return url;
  }
  std::string_view prefix = upstream->target;
  while (prefix.ends_with('/')) {
    prefix.remove_suffix(1);
  }
  const std::string_view rest = std::string_view(url.target).substr(0, prefix.size());
  if (rest != prefix || (url.target.size() > prefix.size() && url.target[prefix.size()] != '/')) {
    return url;
  }
  std::string target = url.target.substr(prefix.size());
  return {http::Origin{"https", "api.github.com", 443}, target.empty() ? "/" : std::move(target)};
}

}  // namespace ghoard::api
