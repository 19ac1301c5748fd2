// Writes change what is read; what is malformed or forbidden changes nothing.

#include <doctest/doctest.h>
#include <string>

#include "tests/support/standin.hpp"

using namespace ghoard;
using nlohmann::json;
using testing::HttpAnswer;
using testing::StandIn;
namespace tokens = testing::tokens;

namespace {

struct Reply {
  int status = 0;
  json body;
};

Reply write(const StandIn& github, const char* method, const std::string& path, const json& body,
            std::string_view token = tokens::user_1) {
  const HttpAnswer answer = github.request(method, path, token, {}, body.is_null() ? "" : body.dump());
  return {answer.status, answer.body.empty() ? json() : json::parse(answer.body)};
}

json read(const StandIn& github, const std::string& path) {
  return json::parse(github.get(path, tokens::user_1).body);
}

}  // namespace

TEST_CASE("an issue is opened, changed, commented on, labelled, locked and closed") {
  const StandIn github;
  const std::string issues = "/repos/acme/docs/issues";
  const Reply created = write(github, "POST", issues, {{"title", "T"}, {"body", "B"}, {"labels", {"bug"}}});
  CHECK(created.status == 201);
  const std::string issue = issues + "/" + std::to_string(created.body["number"].get<long>());
  CHECK(read(github, issues)[0]["title"] == "T");
  CHECK(read(github, issue)["labels"][0]["name"] == "bug");
  CHECK(write(github, "POST", issue + "/comments", {{"body", "First"}}, tokens::user_3).status == 201);
  const long comment = read(github, issue + "/comments")[0]["id"];
  CHECK(write(github, "PATCH", issues + "/comments/" + std::to_string(comment), {{"body", "Second"}}).status == 200);
  CHECK(read(github, issue + "/comments")[0]["body"] == "Second");
  CHECK(write(github, "DELETE", issues + "/comments/" + std::to_string(comment), nullptr).status == 204);
  CHECK(read(github, issue + "/comments").empty());
  CHECK(write(github, "POST", issue + "/labels", {{"labels", {"question"}}}).body.size() == 2);
  CHECK(write(github, "DELETE", issue + "/labels/bug", nullptr).body.size() == 1);
  CHECK(write(github, "PUT", issue + "/lock", nullptr).status == 204);
  CHECK(read(github, issue)["locked"] == true);
  CHECK(write(github, "PATCH", issue, {{"state", "closed"}, {"title", "Done"}}).status == 200);
  CHECK(read(github, issue)["state"] == "closed");
  CHECK(read(github, issues)[0]["title"] != "Done");
}

TEST_CASE("malformed writes are 422 or 400 and change nothing") {
  const StandIn github;
  const std::string before = github.get("/repos/acme/docs/issues", tokens::user_1).body;
  const Reply missing = write(github, "POST", "/repos/acme/docs/issues", {{"body", "no title"}});
  CHECK(missing.status == 422);
  CHECK(missing.body["message"] == "Validation Failed");
  CHECK(missing.body["errors"][0] == json{{"resource", "Issue"}, {"code", "missing_field"}, {"field", "title"}});
  CHECK(write(github, "PATCH", "/repos/acme/docs/issues/1", {{"state", "ajar"}}).status == 422);
  CHECK(write(github, "POST", "/repos/acme/docs/labels", {{"name", "bug"}}).body["errors"][0]["code"] ==
        "already_exists");
  CHECK(write(github, "POST", "/repos/acme/docs/labels", {{"name", "n"}, {"color", "red"}}).status == 422);
  CHECK(github.request("POST", "/repos/acme/docs/issues", tokens::user_1, {}, "{\"title\":").status == 400);
  CHECK(github.get("/repos/acme/docs/issues", tokens::user_1).body == before);
}

TEST_CASE("who may not write gets 401, 403 or 404") {
  const StandIn github;
  CHECK(write(github, "POST", "/repos/acme/docs/issues", {{"title", "T"}}, {}).status == 401);
  CHECK(write(github, "POST", "/repos/acme/docs/labels", {{"name", "n"}}, tokens::user_3).status == 403);
  CHECK(write(github, "POST", "/repos/acme/secrets/issues", {{"title", "T"}}, tokens::user_3).status == 404);
  CHECK(write(github, "PATCH", "/repos/acme/docs", {{"name", "n"}}, tokens::user_1_no_scopes).status == 403);
}

TEST_CASE("a file is created, replaced only under its SHA, and removed; the branch moves along") {
  const StandIn github;
  const std::string file = "/repos/acme/docs/contents/new/file.txt";
  const std::string head = read(github, "/repos/acme/docs/branches/main")["commit"]["sha"];
  CHECK(write(github, "PUT", file, {{"message", "m"}, {"content", "aGVsbG8="}}).status == 201);
  const json stored = read(github, file);
  CHECK(stored["content"] == "aGVsbG8=\n");
  CHECK(read(github, "/repos/acme/docs/branches/main")["commit"]["sha"] != head);
  CHECK(github.get(file + "?ref=" + head, tokens::user_1).status == 404);
  CHECK(write(github, "PUT", file, {{"message", "m"}, {"content", "eA=="}}).status == 409);
  CHECK(write(github, "PUT", file, {{"message", "m"}, {"content", "eA=="}, {"sha", stored["sha"]}}).status == 200);
  const json sha = read(github, file)["sha"];
  CHECK(sha != stored["sha"]);
  CHECK(write(github, "DELETE", file, {{"message", "m"}, {"sha", sha}}).status == 200);
  CHECK(github.get(file, tokens::user_1).status == 404);
}

TEST_CASE("references, releases, pull requests and statuses are written") {
  const StandIn github;
  const std::string docs = "/repos/acme/docs";
  const std::string sha = read(github, docs + "/branches/main")["commit"]["sha"];
  CHECK(write(github, "POST", docs + "/git/refs", {{"ref", "refs/heads/topic"}, {"sha", sha}}).status == 201);
  CHECK(write(github, "POST", docs + "/git/refs", {{"ref", "refs/heads/topic"}, {"sha", sha}}).status == 422);
  CHECK(read(github, docs + "/branches/topic")["commit"]["sha"] == sha);
  const Reply pull = write(github, "POST", docs + "/pulls", {{"title", "P"}, {"head", "feature-1"}, {"base", "main"}});
  CHECK(pull.status == 201);
  const std::string path = docs + "/pulls/" + std::to_string(pull.body["number"].get<long>());
  CHECK(github.get(path + "/merge", tokens::user_1).status == 404);
  CHECK(write(github, "PUT", path + "/merge", json::object()).body["merged"] == true);
  CHECK(write(github, "PUT", path + "/merge", json::object()).status == 405);
  CHECK(read(github, path)["merged"] == true);
  CHECK(write(github, "DELETE", docs + "/git/refs/heads/topic", nullptr).status == 204);
  CHECK(write(github, "POST", docs + "/releases", {{"tag_name", "v9"}, {"name", "Nine"}}).status == 201);
  CHECK(write(github, "POST", docs + "/releases", {{"tag_name", "v9"}}).status == 422);
  CHECK(read(github, docs + "/releases/latest")["name"] == "Nine");
  CHECK(write(github, "POST", docs + "/statuses/" + sha, {{"state", "success"}}).status == 201);
  CHECK(read(github, docs + "/commits/" + sha + "/status")["state"] == "success");
}

TEST_CASE("a repository is created, described, renamed and removed") {
  const StandIn github;
  CHECK(write(github, "POST", "/user/repos", {{"name", "mine"}}, tokens::user_2).status == 201);
  CHECK(write(github, "PATCH", "/repos/user-2/mine", {{"description", "D"}, {"name", "ours"}}, tokens::user_2).status ==
        200);
  CHECK(read(github, "/repos/user-2/ours")["description"] == "D");
  CHECK(github.get("/repos/user-2/mine", tokens::user_2).status == 301);
  CHECK(write(github, "DELETE", "/repos/user-2/ours", nullptr, tokens::user_2).status == 204);
  CHECK(github.get("/repos/user-2/mine", tokens::user_2).status == 404);
}

TEST_CASE("runs advance, are cancelled, rerun and dispatched") {
  const StandIn github;
  const std::string runs = "/repos/acme/widgets/actions/runs";
  const json list = read(github, runs)["workflow_runs"];
  CHECK(list[0]["status"] == "queued");
  CHECK(list[1]["status"] == "in_progress");
  CHECK(list[2]["status"] == "completed");
  const std::string newest = runs + "/" + std::to_string(list[0]["id"].get<long>());
  github.operation({{"op", "advance_runs"}, {"repo", "acme/widgets"}});
  CHECK(read(github, newest)["status"] == "in_progress");
  CHECK(read(github, newest + "/jobs")["jobs"][0]["status"] == "in_progress");
  CHECK(read(github, newest + "/attempts/1")["status"] == "in_progress");
  CHECK(write(github, "POST", newest + "/cancel", nullptr).status == 202);
  CHECK(read(github, newest)["conclusion"] == "cancelled");
  CHECK(write(github, "POST", newest + "/rerun", nullptr).status == 201);
  CHECK(read(github, newest)["run_attempt"] == 2);
  CHECK(write(github, "POST", "/repos/acme/widgets/actions/workflows/10011/dispatches", {{"ref", "main"}}).status ==
        204);
  CHECK(read(github, runs)["workflow_runs"][0]["event"] == "workflow_dispatch");
  CHECK(read(github, runs)["total_count"] == 36);
  CHECK(read(github, runs + "?status=queued")["total_count"] == 2);
  CHECK(write(github, "POST", "/repos/acme/widgets/actions/runners/registration-token", nullptr).status == 201);
}
