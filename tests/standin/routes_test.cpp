// What the stand-in shows to whom: visibility, pages, names, redirects, GraphQL, recorded answers, determinism.

#include <doctest/doctest.h>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "tests/support/standin.hpp"

using namespace ghoard;
using nlohmann::json;
using testing::HttpAnswer;
using testing::StandIn;
namespace tokens = testing::tokens;

namespace {

/// The target of the link with this relation, without this server's authority; empty if there is none.
std::string link(const StandIn& github, const HttpAnswer& answer, const std::string& relation) {
  const std::string field(answer.headers.get("Link"));
  const std::size_t at = field.find(">; rel=\"" + relation + "\"");
  if (at == std::string::npos) {
    return {};
  }
  const std::size_t open = field.rfind('<', at);
  const std::string url = field.substr(open + 1, at - open - 1);
  CHECK(url.starts_with(github.url() + "/"));
  return url.substr(github.url().size());
}

json graphql(const StandIn& github, std::string_view token, const json& body) {
  const HttpAnswer answer = github.request("POST", "/graphql", token, {}, body.dump());
  CHECK(answer.status == 200);
  return json::parse(answer.body);
}

}  // namespace

TEST_CASE("a private repository is 404 to whoever may not see it, and access can be given and taken") {
  const StandIn github;
  struct Row {
    std::string_view token;
    int secrets;
    int payroll;
  };
  for (const Row& row :
       {Row{tokens::user_1, 200, 200}, Row{tokens::user_1_second, 200, 200}, Row{tokens::user_1_fine_grained, 200, 200},
        Row{tokens::user_1_hex, 200, 200}, Row{tokens::user_1_oauth, 200, 200}, Row{tokens::user_1_app, 200, 200},
        Row{tokens::installation, 200, 200}, Row{tokens::user_1_no_scopes, 404, 404}, Row{tokens::user_2, 200, 404},
        Row{tokens::user_3, 404, 404}, Row{"", 404, 404}, Row{tokens::unknown, 401, 401}}) {
    CAPTURE(row.token);
    CHECK(github.get("/repos/acme/secrets/issues", row.token).status == row.secrets);
    CHECK(github.get("/repositories/1007", row.token).status == row.payroll);
  }
  github.operation({{"op", "grant"}, {"repo", "acme/payroll"}, {"user", "user-3"}});
  CHECK(github.get("/repos/acme/payroll", tokens::user_3).status == 200);
  github.operation({{"op", "revoke"}, {"repo", "acme/payroll"}, {"user", "user-3"}});
  CHECK(github.get("/repos/acme/payroll", tokens::user_3).status == 404);
  github.operation({{"op", "revoke_token"}, {"token", tokens::user_3}});
  CHECK(github.get("/repos/acme/widgets", tokens::user_3).status == 401);
}

TEST_CASE("lists show only what the caller may see") {
  const StandIn github;
  const auto names = [&](std::string_view token) {
    std::set<std::string> result;
    for (const json& repository : json::parse(github.get("/orgs/acme/repos?per_page=100", token).body)) {
      result.insert(repository["name"].get<std::string>());
    }
    return result;
  };
  CHECK(names(tokens::user_1).size() == 10);
  CHECK(names(tokens::user_2).size() == 9);
  CHECK(names(tokens::user_3).size() == 7);
  CHECK_FALSE(names({}).contains("secrets"));
  CHECK(json::parse(github.get("/search/repositories?q=secrets", tokens::user_3).body)["total_count"] == 0);
  CHECK(json::parse(github.get("/search/repositories?q=secrets", tokens::user_2).body)["total_count"] == 1);
}

TEST_CASE("pages link through the repository's id until all issues were seen once") {
  const StandIn github;
  std::set<long> numbers;
  std::string target = "/repos/acme/widgets/issues?state=all&per_page=100";
  int pages = 0;
  while (!target.empty() && pages < 10) {
    const HttpAnswer answer = github.get(target, tokens::user_1);
    ++pages;
    for (const json& issue : json::parse(answer.body)) {
      CHECK(numbers.insert(issue["number"].get<long>()).second);
    }
    if (pages == 1) {
      CHECK(link(github, answer, "last") == "/repositories/1001/issues?state=all&per_page=100&page=3");
      CHECK(link(github, answer, "prev").empty());
    }
    target = link(github, answer, "next");
  }
  CHECK(pages == 3);
  CHECK(numbers.size() == 250);
  CHECK(json::parse(github.get("/repos/acme/widgets/issues?per_page=1000", tokens::user_1).body).size() == 100);
  CHECK(json::parse(github.get("/repos/acme/widgets/issues", tokens::user_1).body).size() == 30);
  CHECK(json::parse(github.get("/repos/acme/widgets/issues?state=closed&per_page=100", tokens::user_1).body).size() ==
        50);
  CHECK(json::parse(github.get("/repos/acme/empty/issues", tokens::user_1).body).empty());
}

TEST_CASE("a former name answers 301 to reads and 307 to writes, until the name is used again") {
  const StandIn github;
  const HttpAnswer moved = github.get("/repos/acme/playground/issues?page=2", tokens::user_1);
  CHECK(moved.status == 301);
  CHECK(moved.headers.get("Location") == github.url() + "/repositories/1009/issues?page=2");
  CHECK(github.request("PATCH", "/repos/acme/playground", tokens::user_1, {}, "{}").status == 307);
  github.operation({{"op", "rename_repo"}, {"repo", "acme/widgets"}, {"name", "gizmos"}});
  CHECK(github.get("/repos/acme/widgets", tokens::user_1).headers.get("Location") ==
        github.url() + "/repositories/1001");
  const json renamed = json::parse(github.get("/repos/ACME/Gizmos/issues/1", tokens::user_1).body);
  CHECK(renamed["url"] == "https://api.github.com/repos/acme/gizmos/issues/1");
  CHECK(github.request("POST", "/orgs/acme/repos", tokens::user_1, {}, R"({"name":"widgets"})").status == 201);
  CHECK(github.get("/repos/acme/widgets", tokens::user_1).status == 200);
}

TEST_CASE("downloads are redirected to another authority, which notes whether credentials came along") {
  const StandIn github;
  const json releases = json::parse(github.get("/repos/acme/widgets/releases", tokens::user_1).body);
  const std::string asset =
      "/repos/acme/widgets/releases/assets/" + std::to_string(releases[2]["assets"][0]["id"].get<long>());
  CHECK(json::parse(github.get(asset, tokens::user_1).body)["size"] == 20 << 20);
  const HttpAnswer redirect = github.get(asset, tokens::user_1, {{"Accept", "application/octet-stream"}});
  CHECK(redirect.status == 302);
  const std::string location(redirect.headers.get("Location"));
  REQUIRE(location.starts_with(github.asset_url() + "/download/20971520/"));
  CHECK(github.get("/repos/acme/widgets/tarball/main", tokens::user_1).status == 302);
  const auto port =
      static_cast<std::uint16_t>(std::stoul(github.asset_url().substr(github.asset_url().rfind(':') + 1)));
  base::Result<testing::HttpClient> client = testing::HttpClient::tcp(port);
  REQUIRE(client.has_value());
  const base::Result<HttpAnswer> bytes = client->exchange("GET", location.substr(github.asset_url().size()));
  REQUIRE(bytes.has_value());
  CHECK(bytes->body.size() == 20U << 20U);
  CHECK(github.counters().asset_requests == 1);
  CHECK(github.counters().asset_with_authorization == 0);
  REQUIRE(client->exchange("GET", "/logs/x", {{"Authorization", "token x"}}).has_value());
  CHECK(github.counters().asset_with_authorization == 1);
  CHECK(github.counters().requests == 4);
}

TEST_CASE("every route of the table in main.cpp answers") {
  const StandIn github;
  const std::string sha =
      json::parse(github.get("/repos/acme/widgets/commits/main", tokens::user_1).body)["sha"].get<std::string>();
  const std::string tree =
      json::parse(github.get("/repos/acme/widgets/git/commits/" + sha, tokens::user_1).body)["tree"]["sha"];
  const json run = json::parse(github.get("/repos/acme/widgets/actions/runs", tokens::user_1).body)["workflow_runs"][0];
  const std::string runs = "/actions/runs/" + std::to_string(run["id"].get<long>());
  for (const std::string& path : std::vector<std::string>{"",
                                                          "/issues/1",
                                                          "/issues/5/comments",
                                                          "/issues/1/labels",
                                                          "/issues/1/events",
                                                          "/issues/comments",
                                                          "/labels",
                                                          "/labels/good%20first%20issue",
                                                          "/pulls",
                                                          "/pulls/251",
                                                          "/pulls/251/files",
                                                          "/pulls/251/commits",
                                                          "/pulls/251/reviews",
                                                          "/pulls/251/comments",
                                                          "/pulls/252/merge",
                                                          "/commits",
                                                          "/commits/main/status",
                                                          "/commits/main/statuses",
                                                          "/commits/main/check-runs",
                                                          "/compare/v1.0.0...main",
                                                          "/branches",
                                                          "/branches/main",
                                                          "/tags",
                                                          "/readme",
                                                          "/contents",
                                                          "/contents/docs",
                                                          "/git/refs",
                                                          "/git/ref/heads/main",
                                                          "/git/matching-refs/heads/feature",
                                                          "/git/trees/" + tree,
                                                          "/releases/latest",
                                                          "/releases/tags/v1.1.0",
                                                          "/actions/runs",
                                                          runs,
                                                          runs + "/jobs",
                                                          runs + "/attempts/1",
                                                          runs + "/attempts/1/jobs",
                                                          runs + "/artifacts",
                                                          "/actions/workflows",
                                                          "/actions/workflows/10011",
                                                          "/actions/workflows/10011/runs",
                                                          "/actions/runners",
                                                          "/actions/artifacts",
                                                          "/events",
                                                          "/languages",
                                                          "/topics",
                                                          "/milestones",
                                                          "/deployments",
                                                          "/collaborators",
                                                          "/contributors"}) {
    CAPTURE(path);
    const int status = github.get("/repos/acme/widgets" + path, tokens::user_1).status;
    CHECK((status == 200 || (path.ends_with("/merge") && status == 204)));
    CHECK(github.get("/repositories/1001" + path, tokens::user_1).status == status);
  }
  for (const char* path : {"/user", "/user/repos", "/user/orgs", "/users/user-1", "/users/user-1/events", "/orgs/acme",
                           "/orgs/acme/members", "/orgs/acme/actions/runners", "/events", "/meta", "/zen",
                           "/search/issues?q=repo:acme/widgets+is:open", "/notifications"}) {
    CAPTURE(path);
    CHECK(github.get(path, tokens::user_1).status == 200);
  }
  CHECK(github.get("/repos/acme/widgets/stats/contributors", tokens::user_1).status == 202);
  CHECK(github.get("/repos/acme/widgets/stats/contributors", tokens::user_1).status == 200);
  CHECK(github.get("/repos/acme/widgets/nothing", tokens::user_1).status == 404);
}

TEST_CASE("who may not is told so without a limit being hinted at") {
  const StandIn github;
  CHECK(github.get("/user").status == 401);
  CHECK(github.get("/user", tokens::installation).status == 403);
  const HttpAnswer runners = github.get("/orgs/acme/actions/runners", tokens::user_2);
  CHECK(runners.status == 403);
  CHECK(runners.headers.get("X-Accepted-OAuth-Scopes") == "admin:org");
  CHECK(runners.headers.get("X-OAuth-Scopes") == "read:org, repo");
  CHECK_FALSE(runners.headers.contains("Retry-After"));
  CHECK(runners.headers.get("X-RateLimit-Remaining") == "4999");
}

TEST_CASE("events and references say how often they may be polled") {
  const StandIn github;
  CHECK(github.get("/repos/acme/widgets/events", tokens::user_1).headers.get("X-Poll-Interval") == "60");
  CHECK(github.get("/repos/acme/widgets/git/refs", tokens::user_1).headers.get("X-Poll-Interval") == "300");
}

TEST_CASE("immutable git objects may be kept for a day") {
  const StandIn github;
  const json commit = json::parse(github.get("/repos/acme/widgets/commits/main", tokens::user_1).body);
  const HttpAnswer tree =
      github.get("/repos/acme/widgets/git/trees/" + commit["commit"]["tree"]["sha"].get<std::string>(), tokens::user_1);
  CHECK(tree.headers.get("Cache-Control") == "private, max-age=86400, s-maxage=86400");
  CHECK(github.get("/repos/acme/widgets/branches/main", tokens::user_1).headers.get("Cache-Control") ==
        "private, max-age=60, s-maxage=60");
}

TEST_CASE("recorded answers are served byte by byte, with links that can be followed") {
  const StandIn github;
  std::ifstream stream(std::string(GHOARD_SOURCE_DIR) + "/tests/data/recorded_github.json");
  const nlohmann::ordered_json recorded = nlohmann::ordered_json::parse(stream);
  std::set<std::string> seen;
  for (const auto& exchange : recorded["exchanges"]) {
    const std::string path = exchange["path"];
    if (exchange["method"] != "GET" || !seen.insert(path).second) {
      continue;
    }
    CAPTURE(path);
    const HttpAnswer answer = github.get(path, tokens::user_3);
    CHECK(answer.status == exchange["status"].get<int>());
    CHECK(answer.body ==
          (exchange["body"].is_string() ? exchange["body"].get<std::string>() : exchange["body"].dump()));
  }
  CHECK(seen.size() > 20);
  std::string target =
      "/repos/octokit-fixture-org/tmp-scenario-paginate-issues-20220719043836917-izyoe/issues?per_page=3";
  int pages = 0;
  while (!target.empty() && pages < 10) {
    target = link(github, github.get(target, tokens::user_3), "next");
    ++pages;
  }
  CHECK(pages == 5);
}

TEST_CASE("GraphQL pages through issues with variables, fragments and aliases") {
  const StandIn github;
  const std::string query =
      "query All($name: String!, $endCursor: String) {\n"
      "  r: repository(owner: \"acme\", name: $name) {\n"
      "    issues(first: 20, after: $endCursor, states: [OPEN]) {\n"
      "      totalCount nodes { ...fields } pageInfo { hasNextPage endCursor }\n"
      "    }\n"
      "  }\n"
      "}\n"
      "fragment fields on Issue { number state author { login } }";
  std::set<long> numbers;
  json cursor = nullptr;
  for (int page = 0; page < 5; ++page) {
    const json answer = graphql(github, tokens::user_2,
                                {{"query", query}, {"variables", {{"name", "secrets"}, {"endCursor", cursor}}}});
    const json& issues = answer["data"]["r"]["issues"];
    CHECK(issues["totalCount"] == 32);
    for (const json& issue : issues["nodes"]) {
      CHECK(issue["state"] == "OPEN");
      numbers.insert(issue["number"].get<long>());
    }
    cursor = issues["pageInfo"]["endCursor"];
    if (!issues["pageInfo"]["hasNextPage"].get<bool>()) {
      break;
    }
  }
  CHECK(numbers.size() == 32);
}

TEST_CASE("GraphQL gives one issue or pull request by its number, and an owner's repositories") {
  const StandIn github;
  const json answer = graphql(github, tokens::user_2,
                              {{"query",
                                "{ repository(owner: \"acme\", name: \"widgets\") { issue(number: 4) { title }"
                                " pullRequest(number: 252) { state } issueOrPullRequest(number: 253) { id } }"
                                " repositoryOwner(login: \"acme\") { repositories(first: 3) { totalCount } } }"}});
  CHECK(answer["data"]["repository"]["issue"]["title"] == "Issue 4 of widgets");
  CHECK(answer["data"]["repository"]["pullRequest"]["state"] == "MERGED");
  CHECK(answer["data"]["repository"]["issueOrPullRequest"]["id"] == "PR_1001_253");
  CHECK(answer["data"]["repositoryOwner"]["repositories"]["totalCount"] == 9);
}

TEST_CASE("GraphQL answers errors with 200, hides private repositories and knows its viewer and rate") {
  const StandIn github;
  const json answer = graphql(github, tokens::user_3,
                              {{"query",
                                "{ viewer { login } rateLimit { limit cost remaining }"
                                " repository(owner: \"acme\", name: \"secrets\") { id } }"}});
  CHECK(answer["data"]["viewer"]["login"] == "user-3");
  CHECK(answer["data"]["rateLimit"] == json{{"limit", 5000}, {"cost", 1}, {"remaining", 5000}});
  CHECK(answer["data"]["repository"].is_null());
  CHECK(answer["errors"][0]["type"] == "NOT_FOUND");
  CHECK(graphql(github, tokens::user_3, {{"query", "{ viewer { login "}}).contains("errors"));
  CHECK(graphql(github, tokens::user_3, {{"query", "{ nonsense }"}})["errors"][0]["extensions"]["code"] ==
        "undefinedField");
  CHECK(github.request("POST", "/graphql", {}, {}, "{}").status == 401);
}

TEST_CASE("a GraphQL mutation changes what REST shows") {
  const StandIn github;
  const std::string mutation =
      "mutation($id: ID!) { addComment(input: {subjectId: $id, body: \"Hi\"}) { commentEdge { node { body } } }"
      " updateIssue(input: {id: $id, title: \"New\", state: CLOSED}) { issue { title state } } }";
  const json answer = graphql(github, tokens::user_2, {{"query", mutation}, {"variables", {{"id", "I_1001_9"}}}});
  CHECK(answer["data"]["addComment"]["commentEdge"]["node"]["body"] == "Hi");
  CHECK(answer["data"]["updateIssue"]["issue"]["state"] == "CLOSED");
  const json issue = json::parse(github.get("/repos/acme/widgets/issues/9", tokens::user_1).body);
  CHECK(issue["title"] == "New");
  CHECK(issue["state"] == "closed");
  CHECK(issue["comments"] == 1);
  CHECK(json::parse(github.get("/repos/acme/widgets/issues/9/comments", tokens::user_1).body)[0]["body"] == "Hi");
}

TEST_CASE("the same commands give the same bytes") {
  const StandIn first;
  const StandIn second;
  for (const StandIn* github : {&first, &second}) {
    github->operation({{"op", "advance_runs"}});
    github->operation({{"op", "add_issue"}, {"repo", "acme/gadgets"}});
    github->request("POST", "/repos/acme/gadgets/issues", tokens::user_1, {}, R"({"title":"Same"})");
  }
  for (const char* path : {"/repos/acme/gadgets/issues?per_page=100", "/repos/acme/widgets/actions/runs",
                           "/repos/acme/widgets/git/refs", "/user", "/repos/acme/secrets/contents/README.md"}) {
    const HttpAnswer one = first.get(path, tokens::user_1);
    const HttpAnswer two = second.get(path, tokens::user_1);
    CHECK(one.body == two.body);
    CHECK(one.headers.get("ETag") == two.headers.get("ETag"));
  }
}
