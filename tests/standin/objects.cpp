// The objects of acme, in GitHub's shapes.

#include <array>

#include "tests/standin/text.hpp"
#include "tests/standin/world.hpp"

namespace ghoard::standin {

namespace {

long user_id(const std::string& login) {
  if (login == "acme") {
    return 9000;
  }
  return login == "acme-ci[bot]" ? 190 : 100 + parse_number(login.substr(login.find('-') + 1)).value_or(0);
}

std::string repo_url(const Repository& repository, const std::string& rest = {}) {
  return api_url("/repos/" + repository.full_name() + rest);
}

std::string html_url(const Repository& repository, const std::string& rest = {}) {
  return "https://github.com/" + repository.full_name() + rest;
}

Json make_repository(World& world, const Repository& repository) {
  const std::string when = world.now();
  return Json{{"id", repository.id},
              {"node_id", "R_" + std::to_string(repository.id)},
              {"name", repository.name},
              {"full_name", repository.full_name()},
              {"private", repository.is_private},
              {"owner", simple_user(repository.owner)},
              {"html_url", html_url(repository)},
              {"description", "The repository " + repository.name},
              {"fork", false},
              {"url", repo_url(repository)},
              {"issues_url", repo_url(repository, "/issues{/number}")},
              {"pulls_url", repo_url(repository, "/pulls{/number}")},
              {"contents_url", repo_url(repository, "/contents/{+path}")},
              {"created_at", when},
              {"updated_at", when},
              {"pushed_at", when},
              {"clone_url", html_url(repository, ".git")},
              {"size", 128},
              {"stargazers_count", 7},
              {"watchers_count", 7},
              {"language", "C++"},
              {"has_issues", true},
              {"forks_count", 1},
              {"archived", false},
              {"disabled", false},
              {"open_issues_count", 0},
              {"topics", Json::array()},
              {"visibility", repository.is_private ? "private" : "public"},
              {"default_branch", repository.default_branch}};
}

Json make_run(World& world, const Repository& repository, long id, const std::string& event) {
  const std::string path = "/actions/runs/" + std::to_string(id);
  const Commit* head = repository.find_commit({});
  const std::string when = world.now();
  return Json{{"id", id},
              {"name", "build"},
              {"node_id", "WFR_" + std::to_string(id)},
              {"head_branch", repository.default_branch},
              {"head_sha", head != nullptr ? head->sha : ""},
              {"path", ".github/workflows/build.yml"},
              {"run_number", id % 1000},
              {"event", event},
              {"status", "queued"},
              {"conclusion", nullptr},
              {"workflow_id", repository.id * 10 + 1},
              {"url", repo_url(repository, path)},
              {"html_url", html_url(repository, path)},
              {"created_at", when},
              {"updated_at", when},
              {"actor", simple_user("user-1")},
              {"run_attempt", 1},
              {"run_started_at", when},
              {"jobs_url", repo_url(repository, path + "/jobs")},
              {"logs_url", repo_url(repository, path + "/logs")},
              {"artifacts_url", repo_url(repository, path + "/artifacts")}};
}

Json make_job(const Repository& repository, long id, const Json& run, const std::string& name) {
  return Json{{"id", id},
              {"run_id", run["id"]},
              {"run_attempt", run["run_attempt"]},
              {"node_id", "CR_" + std::to_string(id)},
              {"head_sha", run["head_sha"]},
              {"url", repo_url(repository, "/actions/jobs/" + std::to_string(id))},
              {"status", "queued"},
              {"conclusion", nullptr},
              {"started_at", run["created_at"]},
              {"completed_at", nullptr},
              {"name", name},
              {"steps", Json::array()},
              {"labels", Json::array({"ubuntu-latest"})},
              {"runner_id", nullptr},
              {"workflow_name", "build"}};
}

Json make_check(const Repository& repository, long id, const Json& run, const std::string& name) {
  return Json{{"id", id},
              {"name", name},
              {"node_id", "CR_" + std::to_string(id)},
              {"head_sha", run["head_sha"]},
              {"url", repo_url(repository, "/check-runs/" + std::to_string(id))},
              {"status", "queued"},
              {"conclusion", nullptr},
              {"started_at", run["created_at"]},
              {"completed_at", nullptr},
              {"output", Json{{"title", nullptr}, {"summary", nullptr}, {"annotations_count", 0}}}};
}

bool advance(Json& value, const std::string& when) {
  if (value["status"] == "queued") {
    value["status"] = "in_progress";
  } else if (value["status"] == "in_progress") {
    value["status"] = "completed";
    value["conclusion"] = value["id"].get<long>() % 4 == 0 ? "failure" : "success";
    if (value.contains("completed_at")) {
      value["completed_at"] = when;
    }
  } else {
    return false;
  }
  if (value.contains("updated_at")) {
    value["updated_at"] = when;
  }
  return true;
}

}  // namespace

Json simple_user(const std::string& login) {
  const std::string path = encode_component(login);
  return Json{{"login", login},
              {"id", user_id(login)},
              {"node_id", "U_" + std::to_string(user_id(login))},
              {"avatar_url", "https://avatars.githubusercontent.com/u/" + std::to_string(user_id(login)) + "?v=4"},
              {"url", api_url("/users/" + path)},
              {"html_url", "https://github.com/" + path},
              {"type", login == "acme"            ? "Organization"
                       : login.ends_with("[bot]") ? "Bot"
                                                  : "User"},
              {"site_admin", false}};
}

Json make_issue(World& world, const Repository& repository, long number, const std::string& title, const Json& body,
                const std::string& author) {
  const std::string path = "/issues/" + std::to_string(number);
  const std::string when = world.now();
  return Json{{"url", repo_url(repository, path)},
              {"repository_url", repo_url(repository)},
              {"labels_url", repo_url(repository, path + "/labels{/name}")},
              {"comments_url", repo_url(repository, path + "/comments")},
              {"events_url", repo_url(repository, path + "/events")},
              {"html_url", html_url(repository, path)},
              {"id", repository.id * 100'000 + number},
              {"node_id", "I_" + std::to_string(repository.id) + "_" + std::to_string(number)},
              {"number", number},
              {"title", title},
              {"user", simple_user(author)},
              {"labels", Json::array()},
              {"state", "open"},
              {"locked", false},
              {"assignee", nullptr},
              {"assignees", Json::array()},
              {"milestone", nullptr},
              {"comments", 0},
              {"created_at", when},
              {"updated_at", when},
              {"closed_at", nullptr},
              {"author_association", "MEMBER"},
              {"active_lock_reason", nullptr},
              {"body", body},
              {"timeline_url", repo_url(repository, path + "/timeline")},
              {"state_reason", nullptr}};
}

Json make_comment(World& world, const Repository& repository, long issue, const std::string& body,
                  const std::string& author) {
  const long id = world.next_id();
  const std::string when = world.now();
  return Json{
      {"url", repo_url(repository, "/issues/comments/" + std::to_string(id))},
      {"html_url", html_url(repository, "/issues/" + std::to_string(issue) + "#issuecomment-" + std::to_string(id))},
      {"issue_url", repo_url(repository, "/issues/" + std::to_string(issue))},
      {"id", id},
      {"node_id", "IC_" + std::to_string(id)},
      {"user", simple_user(author)},
      {"created_at", when},
      {"updated_at", when},
      {"author_association", "MEMBER"},
      {"body", body}};
}

Json make_label(World& world, const Repository& repository, const std::string& name, const std::string& color,
                const Json& description) {
  const long id = world.next_id();
  return Json{{"id", id},
              {"node_id", "LA_" + std::to_string(id)},
              {"url", repo_url(repository, "/labels/" + encode_component(name))},
              {"name", name},
              {"color", color},
              {"default", false},
              {"description", description}};
}

Json make_pull(World& world, const Repository& repository, long number, const std::string& title,
               const std::string& author, const std::string& head) {
  const std::string path = "/pulls/" + std::to_string(number);
  const Commit* commit = repository.find_commit(head);
  const Commit* base = repository.find_commit({});
  const std::string when = world.now();
  return Json{{"url", repo_url(repository, path)},
              {"id", repository.id * 100'000 + number},
              {"node_id", "PR_" + std::to_string(repository.id) + "_" + std::to_string(number)},
              {"html_url", html_url(repository, "/pull/" + std::to_string(number))},
              {"diff_url", html_url(repository, "/pull/" + std::to_string(number) + ".diff")},
              {"number", number},
              {"state", "open"},
              {"locked", false},
              {"title", title},
              {"user", simple_user(author)},
              {"body", "Changes " + title},
              {"created_at", when},
              {"updated_at", when},
              {"closed_at", nullptr},
              {"merged_at", nullptr},
              {"merge_commit_sha", nullptr},
              {"labels", Json::array()},
              {"draft", false},
              {"head", Json{{"ref", head}, {"sha", commit != nullptr ? commit->sha : ""}}},
              {"base", Json{{"ref", repository.default_branch}, {"sha", base != nullptr ? base->sha : ""}}},
              {"merged", false},
              {"mergeable", true},
              {"comments", 0},
              {"commits", 1},
              {"additions", 1},
              {"deletions", 0},
              {"changed_files", 1}};
}

Json make_release(World& world, const Repository& repository, const std::string& tag, const std::string& author) {
  const long id = world.next_id();
  const std::string path = "/releases/" + std::to_string(id);
  const std::string when = world.now();
  return Json{{"url", repo_url(repository, path)},
              {"assets_url", repo_url(repository, path + "/assets")},
              {"html_url", html_url(repository, "/releases/tag/" + tag)},
              {"id", id},
              {"author", simple_user(author)},
              {"node_id", "RE_" + std::to_string(id)},
              {"tag_name", tag},
              {"target_commitish", repository.default_branch},
              {"name", tag},
              {"draft", false},
              {"prerelease", false},
              {"created_at", when},
              {"published_at", when},
              {"assets", Json::array()},
              {"tarball_url", repo_url(repository, "/tarball/" + tag)},
              {"zipball_url", repo_url(repository, "/zipball/" + tag)},
              {"body", "What changed in " + tag}};
}

long add_run(World& world, Repository& repository, const std::string& event) {
  const long id = world.next_id();
  const std::string path = "actions/runs/" + std::to_string(id);
  const Json run = make_run(world, repository, id, event);
  world.append(repository.key("actions/runs"), repository.key(path), run);
  world.collections[repository.key("actions/workflows/" + std::to_string(repository.id * 10 + 1) + "/runs")]
      .members.push_back(repository.key(path));
  world.put(repository.key(path + "/attempts/1"), run);
  world.collections[repository.key(path + "/jobs")].wrapper = "jobs";
  world.collections[repository.key(path + "/attempts/1/jobs")].wrapper = "jobs";
  world.collections[repository.key(path + "/artifacts")].wrapper = "artifacts";
  const std::string checks = repository.key("commits/" + run["head_sha"].get<std::string>() + "/check-runs");
  world.collections[checks].wrapper = "check_runs";
  for (const char* name : {"compile", "test"}) {
    const long job = world.next_id();
    const std::string key = repository.key("actions/jobs/" + std::to_string(job));
    world.append(repository.key(path + "/jobs"), key, make_job(repository, job, run, name));
    world.collections[repository.key(path + "/attempts/1/jobs")].members.push_back(key);
    world.collections[repository.key("check-runs/" + std::to_string(job) + "/annotations")];
    world.append(checks, repository.key("check-runs/" + std::to_string(job)), make_check(repository, job, run, name));
  }
  return id;
}

void advance_runs(World& world, const Repository& repository) {
  const std::string when = world.now();
  for (auto& [key, value] : world.documents) {
    if (!key.starts_with(repository.key() + "/")) {
      continue;
    }
    if (key.find("/actions/runs/") != std::string::npos || key.find("/actions/jobs/") != std::string::npos ||
        key.find("/check-runs/") != std::string::npos) {
      advance(value, when);
    }
  }
}

long add_issue(World& world, Repository& repository, const std::string& title, const Json& body,
               const std::string& author) {
  const long number = repository.next_number++;
  const std::string path = "issues/" + std::to_string(number);
  world.append(repository.key("issues"), repository.key(path),
               make_issue(world, repository, number, title, body, author));
  world.collections[repository.key(path + "/comments")];
  world.collections[repository.key(path + "/events")];
  if (Json* base = world.document(repository.key())) {
    (*base)["open_issues_count"] = (*base)["open_issues_count"].get<long>() + 1;
  }
  return number;
}

Repository& create_repository(World& world, const std::string& owner, const std::string& name, bool is_private,
                              const std::string& creator) {
  struct List {
    const char* path;
    const char* wrapper;
    bool newest_first;
  };
  constexpr std::array<List, 15> lists{{{"issues", "", true},
                                        {"pulls", "", true},
                                        {"labels", "", false},
                                        {"issues/comments", "", false},
                                        {"milestones", "", false},
                                        {"releases", "", true},
                                        {"deployments", "", true},
                                        {"events", "", true},
                                        {"collaborators", "", false},
                                        {"contributors", "", false},
                                        {"invitations", "", false},
                                        {"actions/runs", "workflow_runs", true},
                                        {"actions/workflows", "workflows", false},
                                        {"actions/runners", "runners", false},
                                        {"actions/artifacts", "artifacts", true}}};
  Repository& repository = world.add_repository(owner, name, is_private);
  repository.readers = {"user-1", creator};
  repository.writers = {"user-1", creator};
  world.put(repository.key(), make_repository(world, repository));
  for (const List& list : lists) {
    world.collections[repository.key(list.path)] = Collection{list.wrapper, list.newest_first, {}};
  }
  world.put(repository.key("languages"), Json{{"C++", 70000}, {"CMake", 1200}});
  return repository;
}

}  // namespace ghoard::standin
