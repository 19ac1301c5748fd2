// GitHub's rules for validators, as the stand-in keeps them.

#include <doctest/doctest.h>
#include <string>

#include "core/base/digest.hpp"
#include "tests/support/standin.hpp"

using namespace ghoard;
using testing::HttpAnswer;
using testing::StandIn;
namespace tokens = testing::tokens;

namespace {

std::string bearer(std::string_view token) {
  return "token " + std::string(token);
}

std::string weak(const std::string& hex) {
  return "W/\"" + hex + "\"";
}

}  // namespace

TEST_CASE("an ETag hashes Accept, Authorization and the body as they were sent") {
  const StandIn github;
  const std::string accept = "application/vnd.github+json";
  const HttpAnswer answer = github.get("/repos/acme/widgets", tokens::user_1, {{"Accept", accept}});
  CHECK(answer.status == 200);
  CHECK(answer.headers.joined("Vary").starts_with("Accept, Authorization, Cookie, X-GitHub-OTP"));
  CHECK(answer.headers.get("ETag") ==
        weak(base::sha256(accept + ":" + bearer(tokens::user_1) + ":" + answer.body).hex()));
}

TEST_CASE("an ETag leaves out headers that were not sent, and a cookie joins it when one was") {
  const StandIn github;
  const HttpAnswer plain = github.get("/repos/acme/widgets", tokens::user_1);
  CHECK(plain.headers.get("ETag") == weak(base::sha256(bearer(tokens::user_1) + ":" + plain.body).hex()));
  const HttpAnswer cookie = github.get("/repos/acme/widgets", tokens::user_1, {{"Cookie", "a=b"}});
  CHECK(cookie.headers.get("ETag") == weak(base::sha256(bearer(tokens::user_1) + ":a=b:" + plain.body).hex()));
}

TEST_CASE("an anonymous answer varies by Accept alone and is public") {
  const StandIn github;
  const HttpAnswer answer = github.get("/repos/acme/widgets", {}, {{"Cookie", "a=b"}});
  CHECK(answer.headers.get("Vary") == "Accept");
  CHECK(answer.headers.get("Cache-Control") == "public, max-age=60, s-maxage=60");
  CHECK(answer.headers.get("ETag") == weak(base::sha256(answer.body).hex()));
}

TEST_CASE("token and Bearer are different bytes, hence different ETags for one body") {
  const StandIn github;
  const HttpAnswer token = github.get("/repos/acme/widgets/issues/1", tokens::user_1);
  const HttpAnswer other =
      github.get("/repos/acme/widgets/issues/1", {}, {{"Authorization", "Bearer " + std::string(tokens::user_1)}});
  CHECK(other.status == 200);
  CHECK(token.body == other.body);
  CHECK(token.headers.get("ETag") != other.headers.get("ETag"));
}

TEST_CASE("contents carry the object's SHA, the same for every token") {
  const StandIn github;
  const HttpAnswer mine = github.get("/repos/acme/secrets/contents/README.md", tokens::user_1);
  const HttpAnswer other = github.get("/repos/acme/secrets/contents/README.md", tokens::user_2);
  const nlohmann::json file = nlohmann::json::parse(mine.body);
  CHECK(mine.headers.get("ETag") == weak(file["sha"].get<std::string>()));
  CHECK(other.headers.get("ETag") == mine.headers.get("ETag"));
  // The download URL of a private file carries a token of the caller.
  CHECK(file["download_url"].get<std::string>().find("?token=") != std::string::npos);
  CHECK(mine.body != other.body);
  const HttpAnswer folder = github.get("/repos/acme/widgets/contents/src", tokens::user_1);
  CHECK(folder.headers.get("ETag").size() == 40 + 4);
}

TEST_CASE("raw contents are the file's bytes") {
  const StandIn github;
  const HttpAnswer raw = github.get("/repos/acme/widgets/contents/src/main.cpp", tokens::user_1,
                                    {{"Accept", "application/vnd.github.raw"}});
  CHECK(raw.body == "int main() {\n  return 0;\n}\n");
  CHECK(raw.headers.get("Content-Type") == "application/vnd.github.raw; charset=utf-8");
  CHECK(raw.headers.get("X-GitHub-Media-Type") == "github.v3; param=raw");
}

TEST_CASE("diffs have an ETag of no formula, search and rate_limit have none, notifications an empty one") {
  const StandIn github;
  const std::string diff = "application/vnd.github.diff";
  const HttpAnswer pull = github.get("/repos/acme/widgets/pulls/251", tokens::user_1, {{"Accept", diff}});
  CHECK(pull.status == 200);
  CHECK(pull.headers.contains("ETag"));
  CHECK(pull.headers.get("ETag") != weak(base::sha256(diff + ":" + bearer(tokens::user_1) + ":" + pull.body).hex()));
  CHECK_FALSE(github.get("/search/issues?q=Issue", tokens::user_1).headers.contains("ETag"));
  CHECK_FALSE(github.get("/rate_limit", tokens::user_1).headers.contains("ETag"));
  CHECK(github.get("/notifications", tokens::user_1).headers.get("ETag") == "W/\"\"");
}

TEST_CASE("a 304 costs a token nothing and an anonymous caller one call") {
  const StandIn github;
  const std::string path = "/repos/acme/widgets";
  for (const std::string_view token : {tokens::user_1, std::string_view()}) {
    github.reset();
    const HttpAnswer first = github.get(path, token);
    const HttpAnswer again =
        github.get(path, token, {{"If-None-Match", "\"x\", " + std::string(first.headers.get("ETag"))}});
    CHECK(again.status == 304);
    CHECK(again.body.empty());
    CHECK_FALSE(again.headers.contains("Content-Type"));
    CHECK_FALSE(again.headers.contains("Content-Length"));
    CHECK(again.headers.get("ETag") == first.headers.get("ETag"));
    const testing::StandInCounters counters = github.counters();
    CHECK(counters.quota_spent == (token.empty() ? 2 : 1));
    CHECK(counters.not_modified == 1);
    CHECK(again.headers.get("X-RateLimit-Used") == (token.empty() ? "2" : "1"));
    CHECK(counters.routes.at("GET " + path).statuses.at(304) == 1);
  }
}

TEST_CASE("a derived ETag of another token proves that the token sees the same bytes") {
  const StandIn github;
  const std::string path = "/repos/acme/secrets/issues/1";
  const HttpAnswer mine = github.get(path, tokens::user_1);
  const std::string derived = "\"" + base::sha256(bearer(tokens::user_2) + ":" + mine.body).hex() + "\"";
  CHECK(github.get(path, tokens::user_2, {{"If-None-Match", derived}}).status == 304);
  const std::string useless = "\"" + base::sha256(bearer(tokens::user_3) + ":" + mine.body).hex() + "\"";
  CHECK(github.get(path, tokens::user_3, {{"If-None-Match", useless}}).status == 404);
  CHECK(github.get(path, tokens::unknown, {{"If-None-Match", useless}}).status == 401);
}

TEST_CASE("If-Modified-Since validates where there is a Last-Modified, unless If-None-Match is there") {
  const StandIn github;
  const HttpAnswer first = github.get("/users/user-2", tokens::user_1);
  const std::string date(first.headers.get("Last-Modified"));
  REQUIRE_FALSE(date.empty());
  CHECK(github.get("/users/user-2", tokens::user_1, {{"If-Modified-Since", date}}).status == 304);
  CHECK(github.get("/users/user-2", tokens::user_1, {{"If-Modified-Since", "Mon, 01 Jan 1990 00:00:00 GMT"}}).status ==
        200);
  CHECK(github.get("/users/user-2", tokens::user_1, {{"If-Modified-Since", date}, {"If-None-Match", "\"x\""}}).status ==
        200);
  const HttpAnswer inbox = github.get("/notifications", tokens::user_1);
  CHECK(github
            .get("/notifications", tokens::user_1,
                 {{"If-None-Match", "W/\"\""}, {"If-Modified-Since", std::string(inbox.headers.get("Last-Modified"))}})
            .status == 304);
}

TEST_CASE("a change makes the old ETag useless, and only of what changed") {
  const StandIn github;
  const std::string issue(github.get("/repos/acme/widgets/issues/7", tokens::user_1).headers.get("ETag"));
  const std::string other(github.get("/repos/acme/widgets/issues/8", tokens::user_1).headers.get("ETag"));
  github.mutate("/repos/acme/widgets/issues/7", {{"title", "Changed"}});
  const HttpAnswer changed = github.get("/repos/acme/widgets/issues/7", tokens::user_1, {{"If-None-Match", issue}});
  CHECK(changed.status == 200);
  CHECK(nlohmann::json::parse(changed.body)["title"] == "Changed");
  CHECK(github.get("/repos/acme/widgets/issues/8", tokens::user_1, {{"If-None-Match", other}}).status == 304);
}

TEST_CASE("the ETag of a full last page does not change when a next page appears") {
  const StandIn github;
  const std::string page = "/repos/acme/tools/issues?state=all&direction=asc&per_page=12";
  const HttpAnswer before = github.get(page, tokens::user_1);
  CHECK_FALSE(before.headers.contains("Link"));
  github.operation({{"op", "add_issue"}, {"repo", "acme/tools"}});
  const HttpAnswer after = github.get(page, tokens::user_1);
  CHECK(after.headers.get("Link").find("rel=\"next\"") != std::string::npos);
  CHECK(after.headers.get("ETag") == before.headers.get("ETag"));
}
