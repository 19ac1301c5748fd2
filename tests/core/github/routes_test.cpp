#include "core/github/routes.hpp"

#include <doctest/doctest.h>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace ghoard;
using namespace ghoard::github;
using namespace std::chrono_literals;
using base::Seconds;

namespace {

const std::string sha(40, 'a');
constexpr LifetimeContext context{};

Resource resource(std::string path, std::string query = {}, std::string accept = std::string(default_accept)) {
  return {"api.github.com", std::move(path), std::move(query), std::move(accept), std::string(default_api_version)};
}

const RouteClass& route(std::string path, std::string query = {}) {
  return classify(resource(std::move(path), std::move(query)));
}

std::optional<Seconds> lifetime(std::string path, int status, const http::Headers& headers = {},
                                std::string_view body = {}, const LifetimeContext& how = context) {
  const Resource what = resource(std::move(path));
  return lifetime_of(classify(what), what, status, headers, body, how);
}

/// Every GET route that GitHub documents, its placeholders filled in.
std::vector<std::string> documented_routes() {
  std::ifstream stream(GHOARD_SOURCE_DIR "/tests/data/github_routes.tsv");
  std::vector<std::string> paths;
  for (std::string line; std::getline(stream, line);) {
    std::istringstream columns(line);
    std::string method;
    std::string path;
    if (line.starts_with('#') || !std::getline(columns, method, '\t') || !std::getline(columns, path, '\t') ||
        method != "GET") {
      continue;
    }
    for (std::size_t open = path.find('{'); open != std::string::npos; open = path.find('{')) {
      const std::size_t close = path.find('}', open);
      const bool is_sha = path.substr(open, close - open).ends_with("sha");
      path.replace(open, close - open + 1, is_sha ? sha : "x1");
    }
    paths.push_back(path);
  }
  return paths;
}

bool begins(std::string_view path, std::initializer_list<std::string_view> heads) {
  for (const std::string_view head : heads) {
    if (path == head || path.starts_with(std::string(head) + "/")) {
      return true;
    }
  }
  return false;
}

bool has(std::string_view path, std::string_view part) {
  return path.find(part) != std::string_view::npos;
}

std::string array_of(int count) {
  std::string text = "[";
  for (int i = 0; i < count; ++i) {
    text += i == 0 ? "" : ", ";
    text += R"({"a":[1,2,{"b":"],[,\"\\"}],"c":"}"})";
  }
  return text + "]";
}

}  // namespace

TEST_CASE("the freshness table holds") {
  CHECK(route("/repos/o/r").uses_default_ttl);
  CHECK(route("/orgs/o").uses_default_ttl);
  CHECK(route("/users/u").uses_default_ttl);
  CHECK(route("/something/new").uses_default_ttl);
  CHECK(route("/repos/o/r/branches").lifetime == 60s);
  CHECK(route("/repos/o/r/branches/feature/x").lifetime == 60s);
  CHECK(route("/repos/o/r/issues/1").lifetime == 60s);
  CHECK(route("/repos/o/r/issues/1/comments").lifetime == 60s);
  CHECK(route("/repos/o/r/pulls/1").lifetime == 30s);
  CHECK(route("/repos/o/r/pulls").lifetime == 30s);
  CHECK(route("/repos/o/r/pulls/comments/1").lifetime == 60s);
  CHECK(route("/repos/o/r/actions/runs").lifetime == 10s);
  CHECK(route("/repos/o/r/actions/runs/1/attempts/2/jobs").lifetime == 10s);
  CHECK(route("/repos/o/r/actions/workflows/w.yml/runs").lifetime == 10s);
  CHECK(route("/repos/o/r/actions/jobs/1").lifetime == 10s);
  CHECK(route("/repos/o/r/actions/runners").lifetime == 15s);
  CHECK(route("/orgs/o/actions/runners/1").lifetime == 15s);
  CHECK(route("/repos/o/r/commits/" + sha).lifetime == 3600s);
  CHECK(route("/repos/o/r/commits/main").lifetime == 60s);
  CHECK(route("/repos/o/r/commits").lifetime == 60s);
  CHECK(route("/repos/o/r/deployments/1/statuses").lifetime == 30s);
  CHECK(route("/repos/o/r/releases/latest").lifetime == 600s);
  CHECK(route("/repos/o/r/tags").lifetime == 600s);
}

TEST_CASE("checks and statuses stay below a minute, whatever names their commit") {
  for (const std::string& ref : {sha, std::string("main"), std::string("heads/feature/x")}) {
    for (const char* kind : {"check-runs", "check-suites", "status", "statuses"}) {
      CHECK(route("/repos/o/r/commits/" + ref + "/" + kind).lifetime == 30s);
    }
  }
  CHECK(route("/repos/o/r/check-runs/1/annotations").lifetime == 30s);
}

TEST_CASE("git objects are immutable by hash only") {
  for (const char* kind : {"commits", "trees", "blobs", "tags"}) {
    const std::string base = "/repos/o/r/git/" + std::string(kind) + "/";
    CHECK(route(base + sha).immutable);
    CHECK_FALSE(route(base + "main").immutable);
    CHECK_FALSE(route(base + sha.substr(1)).immutable);
    CHECK_FALSE(route(base + sha + "a").immutable);
    CHECK_FALSE(route(base + sha.substr(1) + "g").immutable);
  }
  CHECK_FALSE(route("/repos/o/r/git/ref/heads/" + sha).immutable);
  CHECK_FALSE(route("/repos/o/r/commits/" + sha).immutable);
}

TEST_CASE("contents are immutable at a commit, and move with a branch") {
  CHECK(route("/repos/o/r/contents/a/b.txt", "ref=" + sha).immutable);
  CHECK(route("/repos/o/r/contents", "ref=" + sha).immutable);
  CHECK_FALSE(route("/repos/o/r/contents/a", "ref=main").immutable);
  CHECK_FALSE(route("/repos/o/r/contents/a", "xref=" + sha).immutable);
  CHECK_FALSE(route("/repos/o/r/contents/a", "ref=" + sha + "&ref=main").immutable);
  CHECK(route("/repos/o/r/contents/a").lifetime == 60s);
}

TEST_CASE("the alias by number has the classes of the name") {
  CHECK(&route("/repositories/1/pulls/1") == &route("/repos/o/r/pulls/1"));
  CHECK(&route("/repositories/1") == &route("/repos/o/r"));
  CHECK(&route("/organizations/1/actions/runners") == &route("/orgs/o/actions/runners"));
}

TEST_CASE("enterprise prefixes do not hide a route") {
  CHECK(&route("/api/v3/repos/o/r/pulls/1") == &route("/repos/o/r/pulls/1"));
  CHECK(route("/api/v3/rate_limit").never);
  CHECK(route("/api/v3/user").identity_relative);
  CHECK(&route("/api/v31/user") == &route("/something/new"));
}

TEST_CASE("every documented route that speaks of the caller is relative to the identity") {
  const std::vector<std::string> routes = documented_routes();
  REQUIRE(routes.size() == 639);
  for (const std::string& path : routes) {
    const RouteClass& found = route(path);
    if (!found.never && begins(path, {"/user", "/notifications", "/installation", "/search", "/issues", "/app"})) {
      CHECK_MESSAGE(found.identity_relative, path);
    }
    if (begins(path, {"/users", "/repos/x1/x1/pulls", "/repos/x1/x1/git", "/orgs/x1/repos"}) &&
        !has(path, "installation")) {
      CHECK_MESSAGE(!found.identity_relative, path);
    }
  }
}

TEST_CASE("no documented download, log, archive or token is kept, and nothing else is refused") {
  std::set<std::string> never;
  for (const std::string& path : documented_routes()) {
    if (route(path).never && !path.starts_with("/user/codespaces")) {  // all of those: they can hold connection tokens
      never.insert(path);
    }
  }
  CHECK(route("/user/codespaces/x1").never);
  CHECK(route("/copilot_internal/v2/token").never);
  CHECK(never == std::set<std::string>{
                     "/feeds", "/orgs/x1/actions/runners/downloads", "/orgs/x1/migrations/x1/archive", "/rate_limit",
                     "/repos/x1/x1/actions/artifacts/x1/x1", "/repos/x1/x1/actions/jobs/x1/logs",
                     "/repos/x1/x1/actions/runners/downloads", "/repos/x1/x1/actions/runs/x1/attempts/x1/logs",
                     "/repos/x1/x1/actions/runs/x1/logs", "/repos/x1/x1/dependency-graph/sbom/fetch-report/x1",
                     "/repos/x1/x1/dependency-graph/sbom/generate-report", "/repos/x1/x1/tarball/x1",
                     "/repos/x1/x1/zipball/x1", "/user/migrations/x1/archive"});
}

TEST_CASE("documented routes of one kind share a lifetime") {
  for (const std::string& path : documented_routes()) {
    const RouteClass& found = route(path);
    CAPTURE(path);
    CHECK((found.never || found.uses_default_ttl || found.lifetime > 0s));
    CHECK(found.immutable == (has(path, "/git/") && has(path, sha)));
    if (found.never) {
      continue;
    }
    if (has(path, "/check-runs") || has(path, "/check-suites")) {
      CHECK(found.lifetime == 30s);
    }
    if (has(path, "/actions/runners") || has(path, "runner-groups")) {
      CHECK(found.lifetime == 15s);
    }
    if (has(path, "/actions/runs")) {
      CHECK(found.lifetime == 10s);
    }
    if (has(path, "/x1/releases")) {
      CHECK(found.lifetime == 600s);
    }
    if (path.ends_with("/events") && !has(path, "/issues/")) {
      CHECK(found.lifetime == 60s);
    }
  }
}

TEST_CASE("tokens are not kept even where GitHub only documents writes") {
  for (const char* path : {"/installation/token", "/app/installations/1/access_tokens", "/applications/1/token",
                           "/repos/o/r/actions/runners/registration-token", "/orgs/o/actions/runners/remove-token"}) {
    CHECK(route(path).never);
  }
}

TEST_CASE("bytes instead of JSON are passed through") {
  CHECK(classify(resource("/repos/o/r/releases/assets/1", "", "application/octet-stream")).never);
  CHECK(classify(resource("/unknown", "", "application/zip")).never);
  CHECK_FALSE(classify(resource("/repos/o/r/releases/assets/1")).never);
}

TEST_CASE("very deep paths are still contents") {
  std::string path = "/repos/o/r/contents";
  for (int i = 0; i < 500; ++i) {
    path += "/d";
  }
  CHECK(&route(path) == &route("/repos/o/r/contents/a"));
}

TEST_CASE("the status decides whether an answer is kept") {
  for (const int status : {200, 203}) {
    CHECK(lifetime("/repos/o/r/pulls/1", status) == 30s);
  }
  for (const int status : {201, 202, 204, 206, 300, 302, 303, 304, 307, 400, 401, 403, 422, 429, 500, 502, 503}) {
    CAPTURE(status);
    CHECK_FALSE(lifetime("/repos/o/r", status, {{"Location", "/x"}}).has_value());
  }
  CHECK(lifetime("/repos/o/r", 404) == 30s);
  CHECK(lifetime("/repos/o/r", 410) == 30s);
  CHECK(lifetime("/repos/o/r/actions/runs/1", 404) == 10s);
  CHECK(lifetime("/repos/o/r/git/blobs/" + sha, 404) == 30s);
}

TEST_CASE("moved repositories are remembered for at most 300 s, and inside the API only") {
  const auto moved = [](std::string location, int status) {
    return lifetime("/repos/o/r/tags", status, {{"Location", std::move(location)}});
  };
  CHECK(moved("https://api.github.com/repositories/515436299", 301) == 300s);
  CHECK(moved("/repositories/1", 308) == 300s);
  CHECK_FALSE(moved("https://codeload.github.com/x?token=1", 301).has_value());
  CHECK_FALSE(moved("//codeload.github.com/x", 301).has_value());
  CHECK_FALSE(moved("", 301).has_value());
}

TEST_CASE("the default TTL is the user's, for its own rows and unlisted routes only") {
  CHECK(lifetime("/repos/o/r", 200, {}, {}, {.default_ttl = 7s}) == 7s);
  CHECK(lifetime("/brand/new", 200, {}, {}, {.default_ttl = 7s}) == 7s);
  CHECK(lifetime("/repos/o/r/issues", 200, {}, {}, {.default_ttl = 7s}) == 60s);
  CHECK(lifetime("/repos/o/r", 200, {}, {}, {.default_ttl = -7s}) == 0s);
}

TEST_CASE("no-store, Vary: * and never-routes are not kept") {
  CHECK_FALSE(lifetime("/repos/o/r", 200, {{"Cache-Control", "no-store"}}).has_value());
  CHECK_FALSE(lifetime("/repos/o/r", 200, {{"Vary", " * "}}).has_value());
  CHECK_FALSE(lifetime("/rate_limit", 200).has_value());
  CHECK(lifetime("/repos/o/r", 200, {{"Cache-Control", "private, max-age=60, s-maxage=60"}}) == 300s);
}

TEST_CASE("X-Poll-Interval is a floor") {
  CHECK(lifetime("/repos/o/r/git/ref/heads/main", 200, {{"X-Poll-Interval", "300"}}) == 300s);
  CHECK(lifetime("/events", 200, {{"X-Poll-Interval", "10"}}) == 60s);
  CHECK(lifetime("/events", 200, {{"X-Poll-Interval", "-300"}}) == 60s);
  CHECK(lifetime("/events", 200, {{"X-Poll-Interval", "many"}}) == 60s);
  CHECK(lifetime("/events", 200, {{"X-Poll-Interval", "99999999999"}}) == 3600s);
}

TEST_CASE("contents with an access token in download_url are bound and short-lived") {
  const std::string with = R"({"sha":"x","download_url": "https://raw.example/o/r/main/a?token=T"})";
  const std::string without = R"({"download_url":"https://raw.example/o/r/main/a","url":"https://x?ref=main"})";
  const Resource file = resource("/repos/o/r/contents/a", "ref=" + sha);
  CHECK(carries_download_token(file, with));
  CHECK_FALSE(carries_download_token(file, without));
  CHECK_FALSE(carries_download_token(file, R"({"download_url":null})"));
  CHECK(carries_download_token(file, "[" + without + "," + with + "]"));
  CHECK(carries_download_token(file, R"({"download_url":"https://x/a\u003ftoken=T"})"));
  CHECK(carries_download_token(resource("/repositories/1/readme"), with));
  CHECK(carries_download_token(resource("/api/v3/repos/o/r/contents/a"), with));
  CHECK_FALSE(carries_download_token(resource("/repos/o/r/issues"), with));
  CHECK_FALSE(carries_download_token(file, R"({"content":"\"download_url\":\"x?y\"","download_url":"x"})"));
  CHECK_FALSE(carries_download_token(resource("/repos/o/r/contents/a", "", "application/vnd.github.raw"), with));
  CHECK(lifetime_of(classify(file), file, 200, {}, with, context) == 60s);
  CHECK(*lifetime_of(classify(file), file, 200, {}, without, context) > 24h);
}

TEST_CASE("a truncated body with download_url is read to its end and no further") {
  const std::string text = R"({"download_url": "https://x/a?t)";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const bool carries = carries_download_token(resource("/repos/o/r/contents/a"), text.substr(0, size));
    CHECK(carries == (size > text.find('?')));
  }
}

TEST_CASE("a full last page could hide a new one behind a 304") {
  const http::Headers last{{"Link", "<https://api.github.com/x?page=1>; rel=\"prev\""}};
  const http::Headers middle{{"Link", "<https://api.github.com/x?page=3>; rel=\"next\""}};
  const Resource page = resource("/repos/o/r/issues");
  CHECK(may_hide_new_page(page, {}, array_of(30)));
  CHECK(may_hide_new_page(page, last, array_of(30)));
  CHECK_FALSE(may_hide_new_page(page, middle, array_of(30)));
  CHECK_FALSE(may_hide_new_page(page, last, array_of(29)));
  CHECK_FALSE(may_hide_new_page(page, {}, array_of(31)));
}

TEST_CASE("the page size is the caller's, within GitHub's bounds") {
  const auto full = [](std::string query, int count) {
    return may_hide_new_page(resource("/repos/o/r/issues", std::move(query)), {}, array_of(count));
  };
  CHECK(full("per_page=3", 3));
  CHECK_FALSE(full("per_page=3", 30));
  CHECK(full("per_page=500", 100));
  CHECK(full("per_page=x", 30));
  CHECK(full("per_page=0", 30));
  CHECK(full("page=2&per_page=1&q=x", 1));
}

TEST_CASE("only whole arrays are counted") {
  const auto full = [](std::string_view body) {
    return may_hide_new_page(resource("/repos/o/r/issues", "per_page=1"), {}, body);
  };
  CHECK(full("[1]"));
  CHECK(full(" \n[ {} ]\n"));
  CHECK(full("[\"a,b\"]"));
  CHECK(full("[[1,2,3]]"));
  for (const char* body : {"", " ", "[]", "[ ]", "[1,2]", "[1", "{\"a\":[1]}", "1", "[\"]", "null"}) {
    CAPTURE(body);
    CHECK_FALSE(full(body));
  }
}
