#include "cli/api/endpoint.hpp"

#include <doctest/doctest.h>
#include <vector>

#include "cli/api/fields.hpp"
#include "cli/api/placeholders.hpp"
#include "cli/api/query.hpp"

using namespace ghoard;

namespace {

std::string url_of(std::string_view endpoint, std::string_view host = "github.com") {
  const base::Result<http::Url> url = api::endpoint_url(endpoint, host);
  return url ? url->origin.url() + url->target : "error";
}

api::Value::Object fields(const std::vector<std::string>& raw, const std::vector<std::string>& typed = {}) {
  const api::FieldSources sources{[](const std::string&) -> base::Result<std::string> { return std::string(); },
                                  [](std::string_view text) -> base::Result<std::string> { return std::string(text); }};
  return api::parse_fields(raw, typed, sources).value();
}

std::string filled(std::string_view text) {
  const base::Result<std::string> result =
      api::fill_placeholders(text, [](api::Placeholder placeholder) -> base::Result<std::string> {
        switch (placeholder) {
          case api::Placeholder::owner: return "o";
          case api::Placeholder::repo: return "r";
          case api::Placeholder::branch: break;
        }
        return base::fail(base::ErrorCode::invalid_input, "no branch");
      });
  return result ? *result : "error: " + result.error().message;
}

}  // namespace

TEST_CASE("an endpoint is a path below the host's API") {
  CHECK(url_of("user") == "https://api.github.com/user");
  CHECK(url_of("/user") == "https://api.github.com/user");
  CHECK(url_of("//user") == "https://api.github.com//user");
  CHECK(url_of("user", "x.ghe.com") == "https://api.x.ghe.com/user");
  CHECK(url_of("user", "github.localhost") == "http://api.github.localhost/user");
  CHECK(url_of("user", "git.example:8443") == "https://git.example:8443/api/v3/user");
}

TEST_CASE("exactly `graphql` is GraphQL") {
  CHECK(url_of("graphql") == "https://api.github.com/graphql");
  CHECK(url_of("graphql", "x.ghe.com") == "https://api.x.ghe.com/graphql");
  CHECK(url_of("graphql", "git.example") == "https://git.example/api/graphql");
  CHECK(url_of("/graphql", "git.example") == "https://git.example/api/v3/graphql");
}

TEST_CASE("a whole URL is used as it is, without its fragment") {
  CHECK(url_of("https://api.github.com/a?b#c") == "https://api.github.com/a?b");
  CHECK(url_of("x#frag") == "https://api.github.com/x");
  CHECK(url_of("ftp://x/") == "error");
  CHECK(url_of("https://u:p@x/") == "error");
}

TEST_CASE("what cannot stand raw in a request is encoded, the query's spaces too") {
  CHECK(url_of("a b/\u00e9?x=a b") == "https://api.github.com/a%20b/%C3%A9?x=a%20b");
  CHECK(url_of("x%2Fy") == "https://api.github.com/x%2Fy");
}

TEST_CASE("a URL of the configured upstream stands for api.github.com") {
  const auto mapped = [](std::string_view url, std::string_view upstream) {
    const http::Url result = api::as_named_by_callers(http::parse_url(url).value(), upstream);
    return result.origin.url() + result.target;
  };
  CHECK(mapped("http://127.0.0.1:99/a?b", "http://127.0.0.1:99") == "https://api.github.com/a?b");
  CHECK(mapped("http://127.0.0.1:99/p/a", "http://127.0.0.1:99/p/") == "https://api.github.com/a");
  CHECK(mapped("http://127.0.0.1:99/pq/a", "http://127.0.0.1:99/p") == "http://127.0.0.1:99/pq/a");
  CHECK(mapped("http://127.0.0.1:98/a", "http://127.0.0.1:99") == "http://127.0.0.1:98/a");
}

TEST_CASE("placeholders are filled where they stand, others stay") {
  CHECK(filled("repos/{owner}/{repo}/x") == "repos/o/r/x");
  CHECK(filled(":owner/:repo:owner") ==
        "o/r"
        "o");
  CHECK(filled(":repos/{repos}/:repo_x/:repo-x/{x}/:") == ":repos/{repos}/:repo_x/r-x/{x}/:");
  CHECK(filled("{owner") == "{owner");
  CHECK(filled("") == "");
  CHECK(filled("x/{branch}") == "error: no branch");
}

TEST_CASE("parameters of a GET go into the query, sorted") {
  CHECK(api::add_query("x", fields({"b=c d/\u00e9", "a&=;"}, {"n=null", "t=true"})) ==
        "x?a%26=%3B&b=c+d%2F%C3%A9&n=&t=true");
  CHECK(api::add_query("x?q=1", fields({"a=b"})) == "x?q=1&a=b");
  CHECK(api::add_query("x", fields({"k[]=2", "k[]=1", "o[b]=1"})) == "x?b=1&k%5B%5D=2&k%5B%5D=1");
  CHECK(api::add_query("x", {}) == "x");
}

TEST_CASE("--paginate asks for full pages unless told otherwise") {
  CHECK(api::add_per_page("x", {}) == "x?per_page=100");
  CHECK(api::add_per_page("x?a=1", {}) == "x?a=1&per_page=100");
  CHECK(api::add_per_page("x?per_page=5", {}) == "x?per_page=5");
  CHECK(api::add_per_page("x?per_page=", {}) == "x?per_page=&per_page=100");
  CHECK(api::add_per_page("x", fields({"per_page=7"})) == "x");
}
