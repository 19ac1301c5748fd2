#include "core/github/canonical.hpp"

#include <doctest/doctest.h>
#include <set>

using namespace ghoard;
using namespace ghoard::github;

namespace {

http::Headers with(std::initializer_list<http::Header> more) {
  http::Headers headers{{"Host", "api.github.com"}};
  for (const http::Header& field : more) {
    headers.add(field.name, field.value);
  }
  return headers;
}

CanonicalRequest get(std::string_view target, const http::Headers& headers = with({}), const OriginMap& origins = {}) {
  return canonicalise("GET", target, headers, origins).value();
}

std::string path_of(std::string_view target) {
  return get(target).resource.path;
}
std::string query_of(std::string_view query) {
  return get("/repos/o/r/issues?" + std::string(query)).resource.query;
}
ResourceKey key(std::string_view target) {
  return get(target).key;
}

const OriginMap proxied{{"http", "127.0.0.1", 8080}, "/base"};
const OriginMap enterprise{{"https", "ghe.example", 443}, "/api/v3"};

}  // namespace

TEST_CASE("a plain request has the form that the design describes") {
  const CanonicalRequest request = get("/repos/Octo/Hello-World/issues?state=open&page=1",
                                       with({{"Authorization", "Bearer ghp_x"}, {"Accept", "*/*"}}));
  CHECK(request.method == "GET");
  CHECK(request.origin == http::Origin{"https", "api.github.com", 443});
  CHECK(request.target == "/repos/Octo/Hello-World/issues?state=open&page=1");
  CHECK(request.resource == Resource{"api.github.com", "/repos/octo/hello-world/issues", "state=open",
                                     "application/vnd.github+json", "2022-11-28"});
  CHECK(request.key == key_of(request.resource));
  CHECK(request.credential.authorization == "token ghp_x");
  CHECK(request.bypass == Bypass::none);
  CHECK(request.is_read());
}

TEST_CASE("only names that GitHub compares without case are lower-cased") {
  CHECK(path_of("/repos/O/R/contents/README.md") == "/repos/o/r/contents/README.md");
  CHECK(path_of("/orgs/O/teams/T") == "/orgs/o/teams/T");
  CHECK(path_of("/users/U/repos") == "/users/u/repos");
  CHECK(path_of("/networks/O/R/events") == "/networks/o/r/events");
  CHECK(path_of("/repositories/12/issues/A") == "/repositories/12/issues/A");
  CHECK(path_of("/gists/ABC") == "/gists/ABC");
  CHECK(path_of("/Repos/O/R") == "/Repos/O/R");
  CHECK(get("/api/v3/repos/O/R/X", {{"Host", "ghe.example"}}).resource.path == "/api/v3/repos/o/r/X");
}

TEST_CASE("percent-encoding has one spelling, and what is reserved stays encoded") {
  CHECK(path_of("/repos/o/%72/contents/a%2fb%7e c") == "/repos/o/r/contents/a%2Fb~%20c");
  CHECK(key("/repos/o/r/contents/%61") == key("/repos/o/r/contents/a"));
  CHECK(key("/repos/o/r/contents/a%2Fb") != key("/repos/o/r/contents/a/b"));
  CHECK(key("/repos/o/r/labels/a+b") != key("/repos/o/r/labels/a%20b"));
  CHECK(query_of("q=a+b") == "q=a%20b");
  CHECK(query_of("q=a%20b") == "q=a%20b");
  CHECK(query_of("q=a b:c%3ac/\xC3\xA9") == "q=a%20b%3Ac%3Ac%2F%C3%A9");
  CHECK(query_of("q=a%2Bb%26c") == "q=a%2Bb%26c");
}

TEST_CASE("odd slashes never make two resources one") {
  CHECK(path_of("/user/") == "/user");
  CHECK(path_of("/") == "/");
  CHECK(path_of("/user//") == "/user//");
  CHECK(key("/repos//o/r") != key("/repos/o/r"));
}

TEST_CASE("targets that servers may read in several ways are not cached") {
  for (const char* target :
       {"/user/", "/repos/o/r/git/matching-refs/heads/fe/", "//user", "/user//", "/repos/o//r", "/repos/o/r/../s",
        "/repos/o/r/./s", "/repos/o/r/%2e%2E/s", "/a%zz", "/a%4", "/user?q=%", "/user?%zz=1"}) {
    CAPTURE(target);
    CHECK(get(target).bypass == Bypass::route);
  }
}

TEST_CASE("a target with a secret in its query is not cached") {
  CHECK(get("/repos/o/r?access_token=x").bypass == Bypass::route);
  CHECK(get("/repos/o/r?a=b&client_secret=x").bypass == Bypass::route);
  CHECK(get("/repos/o/r?page_token=x").bypass == Bypass::none);
}

TEST_CASE("query pairs are sorted by name, and pairs of one name keep their order") {
  CHECK(query_of("b=2&a=1") == "a=1&b=2");
  CHECK(query_of("b=2&a=2&b=1&a=1") == "a=2&a=1&b=2&b=1");
  CHECK(query_of("&&a=1&&") == "a=1");
  // What a server assembles from several pairs is not taken apart.
  CHECK(query_of("x[][b]=1&x[][a]=2&x[][b]=3") == "x%5B%5D%5Bb%5D=1&x%5B%5D%5Ba%5D=2&x%5B%5D%5Bb%5D=3");
  CHECK(query_of("a=1=2") == "a=1%3D2");
  CHECK(query_of("a") != query_of("a="));
  CHECK(query_of("a=1;b=2") != query_of("a=1%3Bb=2"));
}

TEST_CASE("defaults are folded away where they say nothing") {
  CHECK(query_of("page=1&per_page=30&state=all") == "state=all");
  CHECK(key("/repos/o/r/issues?per_page=30") == key("/repos/o/r/issues"));
  CHECK(key("/repos/o/r/actions/variables?per_page=30") != key("/repos/o/r/actions/variables"));
  CHECK(key("/notifications?per_page=30") != key("/notifications"));
  CHECK(query_of("page=2&per_page=100") == "page=2&per_page=100");
  CHECK(query_of("page=01") == "page=01");
  // Of several the last counts, so none may be dropped.
  CHECK(query_of("page=2&page=1") == "page=2&page=1");
  CHECK(get("/repos/o/r/compare/a...b?page=1").resource.query == "page=1");
}

TEST_CASE("HEAD shares the key of GET") {
  const CanonicalRequest head = canonicalise("HEAD", "/user", with({}), {}).value();
  CHECK(head.method == "HEAD");
  CHECK(head.key == key("/user"));
  CHECK(head.bypass == Bypass::none);
}

TEST_CASE("no two resources run together in a key") {
  std::set<ResourceKey> keys;
  const Resource samples[] = {{"h", "/a", "b", "c", "d"}, {"h/", "a", "b", "c", "d"}, {"h", "/ab", "", "c", "d"},
                              {"h", "/a", "", "bc", "d"}, {"h", "/a", "b", "", "cd"}, {"h", "/a", "b", "cd", ""},
                              {"", "h/a", "b", "c", "d"}, {"h", "/a", "b", "c", "e"}};
  for (const Resource& sample : samples) {
    keys.insert(key_of(sample));
  }
  CHECK(keys.size() == std::size(samples));
}

TEST_CASE("media type and API version are part of the key, the token is not") {
  const ResourceKey plain = key("/user");
  CHECK(get("/user", with({{"Accept", "application/vnd.github.raw+json"}})).key != plain);
  CHECK(get("/user", with({{"X-GitHub-Api-Version", "2099-01-01"}})).key != plain);
  CHECK(get("/user", with({{"x-github-api-version", " 2022-11-28 "}})).key == plain);
  CHECK(get("/user", with({{"X-GitHub-Api-Version", ""}})).key == plain);
  CHECK(get("/user", with({{"Authorization", "token a"}})).key == plain);
}

TEST_CASE("the usual spellings of Accept are one") {
  for (const char* accept : {"", " ", "*/*", "application/json", "Application/JSON", "application/vnd.github+json",
                             "application/vnd.github.v3+json", " application/vnd.github.v3+json\t"}) {
    CHECK(canonical_accept(accept) == default_accept);
  }
  CHECK(canonical_accept(" application/vnd.github.diff ") == "application/vnd.github.diff");
  CHECK(canonical_accept("application/vnd.github.v3.full+json") == "application/vnd.github.v3.full+json");
}

TEST_CASE("opaque tokens become token, JWTs keep Bearer, anything else stays") {
  const std::string jwt = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOjF9.c2ln-_A";
  CHECK(canonical_credential("bearer  ghp_1 ").authorization == "token ghp_1");
  CHECK(canonical_credential("TOKEN ghp_1").authorization == "token ghp_1");
  CHECK(canonical_credential("token " + jwt).authorization == "Bearer " + jwt);
  CHECK(canonical_credential("Bearer eyJ.b").authorization == "token eyJ.b");
  CHECK(canonical_credential("Bearer abc.def.ghi").authorization == "token abc.def.ghi");
  CHECK(canonical_credential(" Basic dTpw ").authorization == "Basic dTpw");
  CHECK(canonical_credential("token a b").authorization == "token a b");
  CHECK(canonical_credential("token").authorization == "token");
}

TEST_CASE("a fingerprint is that of the token alone, or of the whole value") {
  CHECK(canonical_credential("token ghp_1").fingerprint == base::sha256("ghp_1"));
  CHECK(canonical_credential("Bearer ghp_1").fingerprint == base::sha256("ghp_1"));
  CHECK(canonical_credential("Basic dTpw").fingerprint == base::sha256("Basic dTpw"));
  CHECK(canonical_credential("").fingerprint == anonymous_fingerprint());
  CHECK(canonical_credential("  ").authorization.empty());
  CHECK(canonical_credential("x").fingerprint != anonymous_fingerprint());
}

TEST_CASE("headers that change no byte of the answer do not matter") {
  const http::Headers headers = with({{"User-Agent", "curl/8"},
                                      {"Content-Type", "application/json; charset=utf-8"},
                                      {"Time-Zone", "Europe/Berlin"},
                                      {"Accept-Encoding", "gzip"},
                                      {"Cache-Control", "max-age=5"},
                                      {"If-None-Match", "\"x\""},
                                      {"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"},
                                      {"Connection", "close"},
                                      {"Content-Length", "0"},
                                      {"TE", "trailers"},
                                      {"Ghoard-Token", "kept"},
                                      {"X-GH-CACHE-TTL", "1h"},
                                      {"Accept-Language", "*"},
                                      {"Sec-Fetch-Mode", "cors"}});
  const CanonicalRequest request = get("/user", headers);
  CHECK(request.bypass == Bypass::none);
  CHECK(request.key == key("/user"));
  CHECK(request.directives.max_age == base::Seconds{5});
}

TEST_CASE("a request that asks for something unknown bypasses the cache, and says why") {
  const auto why = [](std::string name, std::string value) {
    return get("/user", with({{std::move(name), std::move(value)}})).bypass;
  };
  CHECK(why("X-Custom", "1") == Bypass::header);
  CHECK(why("Cookie", "a=b") == Bypass::header);
  CHECK(why("If-Match", "\"x\"") == Bypass::header);
  CHECK(why("Accept-Language", "de") == Bypass::header);
  CHECK(why("Content-Length", "2") == Bypass::header);
  CHECK(why("Transfer-Encoding", "chunked") == Bypass::header);
  CHECK(why("Range", "bytes=0-1") == Bypass::range);
  CHECK(why("Cache-Control", "no-store") == Bypass::no_store);
  CHECK(get("/rate_limit").bypass == Bypass::route);
  CHECK(get("/repos/o/r/tarball/main").bypass == Bypass::route);
  CHECK(canonicalise("POST", "/user", with({}), {}).value().bypass == Bypass::method);
  CHECK(canonicalise("get", "/user", with({}), {}).value().bypass == Bypass::method);
}

TEST_CASE("a write has no key but a path to invalidate by") {
  const CanonicalRequest request = canonicalise("PATCH", "/repos/O/R/issues/1", with({}), {}).value();
  CHECK_FALSE(request.is_read());
  CHECK(request.key == ResourceKey{});
  CHECK(request.resource.path == "/repos/o/r/issues/1");
}

TEST_CASE("requests that cannot be understood are refused") {
  const auto code = [](std::string_view method, std::string_view target, const http::Headers& headers) {
    const base::Result<CanonicalRequest> request = canonicalise(method, target, headers, {});
    return request ? std::optional<base::ErrorCode>() : request.error().code;
  };
  constexpr base::ErrorCode invalid = base::ErrorCode::invalid_input;
  CHECK(code("GET", "/user", {}) == invalid);
  CHECK(code("GET", "/user", {{"Host", ""}}) == invalid);
  CHECK(code("GET", "/user", {{"Host", "a b"}}) == invalid);
  CHECK(code("GET", "/user", {{"Host", "u@h"}}) == invalid);
  CHECK(code("GET", "/user", {{"Host", "a"}, {"host", "b"}}) == invalid);
  CHECK(code("GET", "/user", with({{"Authorization", "token a"}, {"authorization", "token b"}})) == invalid);
  CHECK(code("GET", "", with({})) == invalid);
  CHECK(code("GET", "user", with({})) == invalid);
  CHECK(code("OPTIONS", "*", with({})) == invalid);
  CHECK(code("CONNECT", "h:443", with({})) == invalid);
  CHECK(code("GET", "ftp://h/", with({})) == invalid);
  CHECK(code("", "/user", with({})) == invalid);
  CHECK(code("GE T", "/user", with({})) == invalid);
  CHECK(code("GET", "/" + std::string(70'000, 'a'), with({})) == base::ErrorCode::too_large);
}

TEST_CASE("errors do not repeat the token") {
  const auto request = canonicalise("GET", "nonsense", with({{"Authorization", "token sesame"}}), {});
  REQUIRE_FALSE(request.has_value());
  CHECK(request.error().message.find("sesame") == std::string::npos);
}

TEST_CASE("an absolute target has to name the server that Host names") {
  const CanonicalRequest request =
      canonicalise("GET", "https://GHE.example:443/api/v3/user?b&a", {{"Host", "ghe.example"}}, {}).value();
  CHECK(request.origin.authority() == "ghe.example");
  CHECK(request.target == "/api/v3/user?b&a");
  CHECK(get("http://api.github.com/user").key == key("/user"));
  CHECK_FALSE(canonicalise("GET", "https://evil.example/steal", {{"Host", "api.github.com"}}, {}).has_value());
  CHECK_FALSE(canonicalise("GET", "https://api.github.com:444/user", {{"Host", "api.github.com"}}, {}).has_value());
}

TEST_CASE("hosts have one spelling, and all but the configured server are reached by https") {
  const OriginMap plain;
  CHECK(plain.origin_of("API.GitHub.com:443").value() == plain.github_api);
  CHECK(plain.origin_of("ghe.example:8443").value() == http::Origin{"https", "ghe.example", 8443});
  CHECK(plain.origin_of("127.0.0.1:80").value().scheme == "https");
  CHECK_FALSE(plain.origin_of("").has_value());
  CHECK(proxied.origin_of("api.github.com").value() == proxied.github_api);
  CHECK(proxied.origin_of("127.0.0.1:8080").value() == proxied.github_api);
  CHECK(proxied.origin_of("127.0.0.1:8081").value() == http::Origin{"https", "127.0.0.1", 8081});
}

TEST_CASE("the configured base URL's path goes upstream and stays out of resources") {
  const CanonicalRequest named = get("/repos/O/R?x=1", with({}), proxied);
  CHECK(named.target == "/base/repos/O/R?x=1");
  CHECK(named.resource.host == "127.0.0.1:8080");
  CHECK(named.resource.path == "/repos/o/r");
  CHECK(named.bypass == Bypass::none);
  // The same by the server's own name, as its Link headers have it.
  const CanonicalRequest direct = get("/base/repos/O/R?x=1", {{"Host", "127.0.0.1:8080"}}, proxied);
  CHECK(direct.target == named.target);
  CHECK(direct.key == named.key);
}

TEST_CASE("a neighbour of the base URL is never taken for what lies below it") {
  const http::Headers direct{{"Host", "127.0.0.1:8080"}};
  CHECK(get("/repos/o/r", direct, proxied).bypass == Bypass::route);
  CHECK(get("/basement/repos/o/r", direct, proxied).bypass == Bypass::route);
  CHECK(canonicalise("POST", "/elsewhere/x", direct, proxied).value().resource.path == "/");
}

TEST_CASE("an enterprise base URL keeps its prefix, so that uploads and GraphQL are on the same server") {
  CHECK(get("/user", with({}), enterprise).target == "/api/v3/user");
  CHECK(get("/user", with({}), enterprise).resource.path == "/api/v3/user");
  CHECK(get("/rate_limit", with({}), enterprise).bypass == Bypass::route);
  const http::Headers direct{{"Host", "ghe.example"}};
  CHECK(get("/api/v3/user", direct, enterprise).key == get("/user", with({}), enterprise).key);
  CHECK(canonicalise("POST", "/api/graphql", direct, enterprise).value().resource.path == "/api/graphql");
}
