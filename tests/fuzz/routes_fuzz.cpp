// Paths, queries and answers in any shape: lifetimes stay in bounds, and aliases have the class of the name.
// Input lines: path, query, Accept, header "name: value"; the rest is the body.
// links: ghoard_core_github

#include <algorithm>

#include "core/github/routes.hpp"
#include "tests/fuzz/require.hpp"

using namespace ghoard;
using base::Seconds;
using fuzz::require;

namespace {

void check_lifetimes(const github::Resource& resource, const http::Headers& headers, std::string_view body) {
  const github::RouteClass& route = github::classify(resource);
  for (const int status : {200, 202, 301, 302, 304, 307, 401, 403, 404, 410, 429, 500}) {
    const std::optional<Seconds> lifetime = github::lifetime_of(route, resource, status, headers, body, {Seconds{300}});
    if (!lifetime) {
      continue;
    }
    require(!route.never, "a never-route is not kept");
    require(status == 200 || status == 301 || status == 404 || status == 410, "only some statuses are kept");
    require(*lifetime >= Seconds{0} && *lifetime <= Seconds{365 * 24 * 3600}, "a lifetime is in bounds");
    require(status == 200 || *lifetime <= Seconds{300}, "redirects and absence are short-lived");
    require(*lifetime <= Seconds{60} || !github::carries_download_token(resource, body), "tokens are short-lived");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  github::Resource resource;
  resource.host = "api.github.com";
  resource.path = fuzz::take_line(rest);
  resource.query = fuzz::take_line(rest);
  resource.accept = github::canonical_accept(fuzz::take_line(rest));
  const std::string_view field = fuzz::take_line(rest);
  const std::size_t colon = std::min(field.find(':'), field.size());
  const http::Headers headers{
      {std::string(field.substr(0, colon)), std::string(field.substr(std::min(field.size(), colon + 1)))}};

  check_lifetimes(resource, headers, rest);
  if (github::may_hide_new_page(resource, headers, rest)) {
    require(std::count(rest.begin(), rest.end(), ',') <= 100 || rest.find_first_of("[{\"") != std::string_view::npos,
            "a page has at most 100 elements");
  }

  const std::string path = resource.path;
  if (path.starts_with('/')) {
    github::Resource named = resource;
    github::Resource numbered = resource;
    github::Resource enterprise = resource;
    named.path = "/repos/o/r" + path;
    numbered.path = "/repositories/1" + path;
    enterprise.path = "/api/v3/repos/o/r" + path;
    // Beyond the segments that are looked at, a name and a number may differ.
    if (std::count(path.begin(), path.end(), '/') < 40) {
      require(&github::classify(named) == &github::classify(numbered), "the alias has the class of the name");
      require(&github::classify(named) == &github::classify(enterprise), "the prefix changes no class");
    }
  }
  return 0;
}
