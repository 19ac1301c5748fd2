#include "cli/commands/endpoint.hpp"

#include "cli/api/prepare.hpp"
#include "core/github/canonical.hpp"
#include "core/http/uri.hpp"

namespace ghoard::commands {

base::Result<cache::Selection> select_endpoint(const link::Program& program, std::string_view endpoint,
                                               std::string_view hostname) {
  const std::optional<std::string> named = hostname.empty() ? std::nullopt : std::optional(std::string(hostname));
  const base::Result<api::Host> host = api::choose_host(program, named);
  if (!host) {
    return tl::unexpected(host.error());
  }
  api::CurrentRepository repository(program, host->name);
  const base::Result<std::string> filled =
      api::fill_placeholders(endpoint, [&](api::Placeholder placeholder) { return repository.value(placeholder); });
  if (!filled) {
    return tl::unexpected(filled.error().with_context(endpoint));
  }
  base::Result<http::Url> url = api::endpoint_url(*filled, host->name);
  if (!url) {
    return tl::unexpected(url.error().with_context(endpoint));
  }
  *url = api::as_named_by_callers(std::move(*url), program.settings.text("api_url"));
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

base::Result<cache::Selection> select_host(const link::Program& program, std::string_view hostname) {
  base::Result<cache::Selection> selection = select_endpoint(program, "/", hostname);
  if (selection) {
    selection->path.reset();
  }
  return selection;
}

}  // namespace ghoard::commands
