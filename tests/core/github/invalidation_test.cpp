#include "core/github/invalidation.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "core/github/canonical.hpp"

using namespace ghoard::github;

namespace {

constexpr std::string_view api = "api.github.com";

/// Whether a write to `written` marks `read`.
bool touches(std::string_view written, std::string_view read, std::string_view host = api) {
  const std::vector<Tag> tags = affected_by_write(host, written);
  return std::any_of(tags.begin(), tags.end(), [&](const Tag& tag) { return tag.matches(host, read); });
}

bool touches_everything(std::string_view written) {
  return affected_by_write(api, written) == std::vector<Tag>{{std::string(api), ""}};
}

}  // namespace

TEST_CASE("a tag matches its path and what lies below, on its host") {
  const Tag tag{"h", "/repos/o/r"};
  CHECK(tag.matches("h", "/repos/o/r"));
  CHECK(tag.matches("h", "/repos/o/r/issues/1"));
  CHECK_FALSE(tag.matches("h", "/repos/o/r2"));
  CHECK_FALSE(tag.matches("h", "/repos/o"));
  CHECK_FALSE(tag.matches("g", "/repos/o/r"));
  CHECK(Tag{"h", ""}.matches("h", "/anything"));
  CHECK_FALSE(Tag{"h", ""}.matches("g", "/anything"));
}

TEST_CASE("a write inside a repository covers the resource, its parents and lists") {
  const char* written = "/repos/o/r/issues/1/comments";
  for (const char* read : {"/repos/o/r",
                           "/repos/o/r/issues",
                           "/repos/o/r/issues/1",
                           "/repos/o/r/issues/1/comments",
                           "/repos/o/r/events",
                           "/repos/o/r/git/ref/heads/main",
                           "/repositories/12/issues",
                           "/orgs/o/repos",
                           "/orgs/o",
                           "/users/o/repos",
                           "/organizations/3/repos",
                           "/user",
                           "/user/issues",
                           "/user/repos",
                           "/notifications",
                           "/issues",
                           "/search/issues",
                           "/installation/repositories",
                           "/repositories",
                           "/events",
                           "/networks/o/r/events",
                           "/teams/1/repos"}) {
    CAPTURE(read);
    CHECK(touches(written, read));
  }
}

TEST_CASE("a write inside a repository leaves other repositories and owners alone") {
  for (const char* read :
       {"/repos/o/r2", "/repos/o2/r", "/orgs/o2", "/users/u/repos", "/emojis", "/meta", "/licenses/mit", "/gists/1"}) {
    CAPTURE(read);
    CHECK_FALSE(touches("/repos/o/r/issues", read));
  }
}

TEST_CASE("a change of the repository itself covers names it may get or had") {
  CHECK(touches("/repos/o/r", "/repos/o/other"));
  CHECK_FALSE(touches("/repos/o/r", "/repos/p/other"));
}

TEST_CASE("writes whose effect has another name cover the whole host") {
  for (const char* written :
       {"/repositories/12/issues", "/repos/o/r/forks", "/repos/o/r/transfer", "/repos/o/r/generate", "/user/repos",
        "/user/repository_invitations/5", "/organizations/3/teams", "/teams/3/repos/o/r", "/enterprises/e/teams",
        "/unknown", "/", "", "/repos/o%2Fr/x/issues", "/repos/o/%20/issues", "/%72epos/o/r", "/orgs/%41/repos",
        "/repos/o/r/../s", "//x", "/repos//r/issues"}) {
    CAPTURE(written);
    CHECK(touches_everything(written));
  }
}

TEST_CASE("minting a token costs no revalidation") {
  for (const char* written :
       {"/app/installations/1/access_tokens", "/installation/token", "/applications/c/token", "/markdown",
        "/markdown/raw", "/repos/o/r/actions/runners/registration-token", "/repos/o/r/actions/runners/remove-token",
        "/orgs/o/actions/runners/registration-token", "/credentials/revoke"}) {
    CAPTURE(written);
    CHECK(touches(written, written));
    CHECK_FALSE(touches(written, "/repos/o/r"));
    CHECK_FALSE(touches(written, "/repos/o/r/actions/runners"));
    CHECK_FALSE(touches(written, "/user"));
  }
  CHECK(touches("/repos/o/r/actions/runners/generate-jitconfig", "/repos/o/r/actions/runners"));
  CHECK(touches("/repos/o/r/issues/registration-token", "/repos/o/r"));
  CHECK(touches("/app/installations/1/suspended", "/installation/repositories"));
}

TEST_CASE("a write to an organisation covers its repositories and lists") {
  for (const char* read : {"/orgs/o", "/orgs/o/teams", "/repos/o/r", "/teams/1", "/organizations/3", "/repositories/1",
                           "/user/orgs", "/users/o", "/search/users"}) {
    CAPTURE(read);
    CHECK(touches("/orgs/o/teams/t/memberships/u", read));
  }
  CHECK_FALSE(touches("/orgs/o/repos", "/orgs/p"));
}

TEST_CASE("stars and subscriptions touch the repository they name, in its canonical spelling") {
  for (const char* read : {"/repos/o/r", "/user/starred", "/users/me/starred", "/repositories/1"}) {
    CHECK(touches("/user/starred/O/R", read));
  }
  CHECK_FALSE(touches("/user/starred/O/R", "/repos/o/r2"));
  CHECK(touches("/user/subscriptions/o/r", "/repos/o/r/subscription"));
}

TEST_CASE("notifications, gists and the own profile touch what shows them") {
  CHECK(touches("/notifications/threads/1", "/notifications"));
  CHECK(touches("/notifications", "/repos/o/r/notifications"));
  CHECK(touches("/gists/1/comments", "/gists/1"));
  CHECK(touches("/gists", "/users/u/gists"));
  CHECK(touches("/user", "/users/me"));
  CHECK_FALSE(touches("/user/following/u", "/repos/o/r"));
  CHECK(touches("/agents/repos/O/R/tasks", "/repos/o/r/pulls"));
}

TEST_CASE("enterprise writes stay below their prefix") {
  const std::string_view host = "ghe.example";
  CHECK(touches("/api/v3/repos/o/r/issues", "/api/v3/repos/o/r/issues/1", host));
  CHECK(touches("/api/v3/repos/o/r/issues", "/api/v3/repositories/1", host));
  CHECK_FALSE(touches("/api/v3/repos/o/r/issues", "/api/v3/repos/o/r2", host));
  CHECK(touches("/api/v3/unknown", "/api/v3/repos/o/r", host));
  CHECK(touches("/api/uploads/repos/o/r/releases/1/assets", "/api/v3/repos/o/r/releases/1", host));
}

TEST_CASE("an upload beside the API shows in the API") {
  for (const auto& [upload, shown] :
       {std::pair("uploads.github.com", "api.github.com"), std::pair("uploads.acme.ghe.com", "api.acme.ghe.com")}) {
    const std::vector<Tag> tags = affected_by_write(upload, "/repos/o/r/releases/1/assets");
    CHECK(std::any_of(tags.begin(), tags.end(),
                      [&](const Tag& tag) { return tag.matches(shown, "/repos/o/r/releases/1/assets"); }));
  }
}

TEST_CASE("no tag is named twice") {
  for (const char* written : {"/repos/o/r", "/orgs/o", "/user/starred/o/r", "/notifications"}) {
    const std::vector<Tag> tags = affected_by_write(api, written);
    std::set<std::string> prefixes;
    for (const Tag& tag : tags) {
      CHECK(prefixes.insert(tag.prefix).second);
    }
  }
}

TEST_CASE("every recorded write marks the recorded reads of its scenario's repository") {
  const auto recorded = nlohmann::json::parse(std::ifstream(GHOARD_SOURCE_DIR "/tests/data/recorded_github.json"));
  int checked = 0;
  for (const auto& write : recorded.at("exchanges")) {
    if (write.at("method") == "GET" || !write.at("path").get<std::string>().starts_with("/repos/")) {
      continue;
    }
    for (const auto& read : recorded.at("exchanges")) {
      if (read.at("method") != "GET" || read.at("scenario") != write.at("scenario")) {
        continue;
      }
      const auto path = [](const nlohmann::json& exchange) {
        return canonicalise("GET", exchange.at("path").get<std::string>(), {{"Host", "api.github.com"}}, {})
            .value()
            .resource.path;
      };
      CAPTURE(path(write));
      CAPTURE(path(read));
      CHECK((touches(path(write), path(read)) || path(read).starts_with("/projects/")));
      ++checked;
    }
  }
  CHECK(checked > 10);
}
