#include "cli/commands/endpoint.hpp"

#include "core/github/canonical.hpp"
#include "core/http/uri.hpp"

namespace ghoard::commands {

namespace {

/// The base URL of a host's REST API, as gh has it.
std::string rest_base(std::string_view host) {
  if (host == "github.com") {
    return "https://api.github.com/";
  }
  if (host == "github.localhost") {
    return "http://api.github.localhost/";
  }
  if (host.ends_with(".ghe.com")) {
    return "https://api." + std::string(host) + "/";
  }
  return "https://" + std::string(host) + "/api/v3/";
}

}  // namespace

base::Result<cache::Selection> select_endpoint(const link::Program& program, std::string_view endpoint,
                                               std::string_view hostname) {
  std::string text(endpoint);
  if (text.find("://") == std::string::npos) {
    const std::string host =
        hostname.empty() ? program.environment("GH_HOST").value_or("github.com") : std::string(hostname);
    text = rest_base(http::to_lower(host)) + text.substr(text.starts_with('/') ? 1 : 0);
  }
  const base::Result<http::Url> url = http::parse_url(text);
  if (!url) {
    return tl::unexpected(url.error().with_context(endpoint));
  }
  const http::Headers headers{{"Host", url->origin.authority()}};
  const base::Result<github::CanonicalRequest> request =
      github::canonicalise("GET", url->target, headers, settings::origin_map(program.settings));
  if (!request) {
    return tl::unexpected(request.error().with_context(endpoint));
  }
  cache::Selection selection{request->resource.host, request->resource.path, std::nullopt};
  if (url->target.find('?') != std::string::npos) {
    selection.query = request->resource.query;
  }
  return selection;
}

}  // namespace ghoard::commands
