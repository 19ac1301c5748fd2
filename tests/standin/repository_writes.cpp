#include <algorithm>
#include <array>

#include "tests/standin/text.hpp"
#include "tests/standin/writes.hpp"

namespace ghoard::standin {

namespace {

Answer update_repository(Write& write) {
  if (write.has_text("name") && write.body["name"] != write.at.repository.name) {
    if (write.world().find_repository(write.at.repository.owner, write.body["name"].get<std::string>()) != nullptr) {
      return validation_failed("Repository", "name", "already_exists");
    }
    write.world().rename(write.at.repository, write.body["name"]);
  }
  Json& base = *write.world().document(write.at.repository.key());
  for (const char* field : {"description", "archived", "has_issues"}) {
    base[field] = write.body.value(field, base[field]);
  }
  if (write.body.contains("private")) {
    write.at.repository.is_private = write.body["private"].get<bool>();
    base["private"] = write.body["private"];
    base["visibility"] = write.at.repository.is_private ? "private" : "public";
  }
  write.touch(base);
  return changed(repository_view(write.at.call, write.at.repository));
}

Answer remove_repository(Write& write) {
  write.world().remove_repository(write.at.repository.id);
  return no_content();
}

Answer put_file(Write& write) {
  const std::string path = write.at.rest_path(1);
  const std::optional<std::string> content = base64_decode(write.body.value("content", ""));
  if (!write.has_text("message") || !content) {
    return validation_failed("Commit", content ? "message" : "content", content ? "missing_field" : "invalid");
  }
  const std::string branch = write.body.value("branch", write.at.repository.default_branch);
  const Commit* head = write.at.repository.find_commit(branch);
  const bool existed = head != nullptr && head->files.contains(path);
  if (existed && write.body.value("sha", "") != head->files.at(path)) {
    const std::string& is = head->files.at(path);
    return error_answer(409, path + " does not match " + (write.has_text("sha") ? is : "\"sha\""));
  }
  const Commit& commit =
      write.world().commit(write.at.repository, branch, {{path, *content}}, write.body["message"], write.login());
  const Json result{{"content", file_json(write.at.call, write.at.repository, commit, path, false)},
                    {"commit", commit_json(write.at.repository, commit)}};
  return existed ? changed(result) : created(result);
}

Answer remove_file(Write& write) {
  const std::string path = write.at.rest_path(1);
  const std::string branch = write.body.value("branch", write.at.repository.default_branch);
  const Commit* head = write.at.repository.find_commit(branch);
  if (head == nullptr || !head->files.contains(path)) {
    return not_found();
  }
  if (write.body.value("sha", "") != head->files.at(path)) {
    return validation_failed("Commit", "sha", "missing_field");
  }
  const Commit& commit = write.world().commit(write.at.repository, branch, {{path, std::nullopt}},
                                              write.body.value("message", "Delete " + path), write.login());
  return changed(Json{{"content", nullptr}, {"commit", commit_json(write.at.repository, commit)}});
}

Answer create_ref(Write& write) {
  const std::string ref = write.body.value("ref", "");
  const std::string sha = write.body.value("sha", "");
  if (!ref.starts_with("refs/heads/") || !write.at.repository.commits.contains(sha)) {
    return validation_failed("Reference", ref.starts_with("refs/heads/") ? "sha" : "ref", "invalid");
  }
  if (!write.at.repository.branches.emplace(ref.substr(11), sha).second) {
    return error_answer(422, "Reference already exists");
  }
  write.world().touch();
  return created(ref_json(write.at.repository, ref, sha));
}

Answer update_ref(Write& write) {
  const auto branch = write.at.repository.branches.find(write.at.rest_path(3));
  const std::string sha = write.body.value("sha", "");
  if (branch == write.at.repository.branches.end()) {
    return error_answer(422, "Reference does not exist");
  }
  if (!write.at.repository.commits.contains(sha)) {
    return validation_failed("Reference", "sha", "invalid");
  }
  branch->second = sha;
  write.world().touch();
  return changed(ref_json(write.at.repository, "refs/heads/" + branch->first, sha));
}

Answer remove_ref(Write& write) {
  if (write.at.repository.branches.erase(write.at.rest_path(3)) == 0) {
    return error_answer(422, "Reference does not exist");
  }
  write.world().touch();
  return no_content();
}

Answer create_release(Write& write) {
  if (!write.has_text("tag_name")) {
    return validation_failed("Release", "tag_name", "missing_field");
  }
  Repository& repository = write.at.repository;
  const std::string tag = write.body["tag_name"];
  for (const Json* release : write.world().members(write.key("releases"))) {
    if ((*release)["tag_name"] == tag) {
      return validation_failed("Release", "tag_name", "already_exists");
    }
  }
  if (const Commit* head = repository.find_commit(write.body.value("target_commitish", ""))) {
    repository.tags.try_emplace(tag, head->sha);
  }
  Json release = make_release(write.world(), repository, tag, write.login());
  for (const char* field : {"name", "body", "draft", "prerelease"}) {
    release[field] = write.body.value(field, release[field]);
  }
  const std::string key = write.key("releases/" + std::to_string(release["id"].get<long>()));
  write.world().collections[key + "/assets"];
  write.world().append(write.key("releases"), key, release);
  return created(release);
}

Answer update_release(Write& write) {
  Json* release = write.world().document(write.at.key());
  if (release == nullptr) {
    return not_found();
  }
  for (const char* field : {"name", "body", "draft", "prerelease", "tag_name"}) {
    (*release)[field] = write.body.value(field, (*release)[field]);
  }
  write.world().touch();
  return changed(*release);
}

Answer create_pull(Write& write) {
  Repository& repository = write.at.repository;
  for (const char* field : {"title", "head", "base"}) {
    if (!write.has_text(field)) {
      return validation_failed("PullRequest", field, "missing_field");
    }
  }
  if (repository.find_commit(write.body["head"].get<std::string>()) == nullptr) {
    return validation_failed("PullRequest", "head", "invalid");
  }
  const long number = repository.next_number++;
  const std::string path = "pulls/" + std::to_string(number);
  Json pull = make_pull(write.world(), repository, number, write.body["title"], write.login(), write.body["head"]);
  pull["body"] = write.body.value("body", Json(nullptr));
  for (const char* list : {"/files", "/comments", "/reviews"}) {
    write.world().collections[write.key(path + list)];
  }
  write.world().append(write.key("pulls"), write.key(path), pull);
  return created(pull);
}

Answer update_pull(Write& write) {
  Json* pull = write.world().document(write.at.key());
  if (pull == nullptr) {
    return not_found();
  }
  for (const char* field : {"title", "body"}) {
    (*pull)[field] = write.body.value(field, (*pull)[field]);
  }
  change_state(write, *pull);
  write.touch(*pull);
  return changed(*pull);
}

Answer merge_pull(Write& write) {
  Json* pull = write.world().document(write.key("pulls/" + write.segment(1)));
  if (pull == nullptr) {
    return not_found();
  }
  if ((*pull)["state"] != "open") {
    return error_answer(405, "Pull Request is not mergeable");
  }
  Repository& repository = write.at.repository;
  const std::string sha = (*pull)["head"]["sha"];
  repository.branches[repository.default_branch] = sha;
  (*pull)["state"] = "closed";
  (*pull)["merged"] = true;
  write.touch(*pull);
  (*pull)["merged_at"] = (*pull)["updated_at"];
  (*pull)["closed_at"] = (*pull)["updated_at"];
  (*pull)["merge_commit_sha"] = sha;
  return changed(Json{{"sha", sha}, {"merged", true}, {"message", "Pull Request successfully merged"}});
}

Answer create_status(Write& write) {
  const std::string sha = write.segment(1);
  if (!write.at.repository.commits.contains(sha)) {
    return error_answer(422, "No commit found for SHA: " + sha);
  }
  const std::string list = write.key("commits/" + sha + "/statuses");
  const long id = write.world().next_id();
  const Json status{{"id", id},
                    {"state", write.body.value("state", "pending")},
                    {"context", write.body.value("context", "default")},
                    {"description", write.body.value("description", Json(nullptr))},
                    {"creator", simple_user(write.login())},
                    {"created_at", write.world().now()}};
  write.world().append(list, list + "/" + std::to_string(id), status);
  return created(status);
}

Answer rerun(Write& write) {
  const std::string key = write.key("actions/runs/" + write.segment(2));
  Json* run = write.world().document(key);
  if (run == nullptr) {
    return not_found();
  }
  (*run)["status"] = "queued";
  (*run)["conclusion"] = nullptr;
  (*run)["run_attempt"] = (*run)["run_attempt"].get<long>() + 1;
  write.touch(*run);
  const Json copy = *run;
  write.world().put(key + "/attempts/" + std::to_string(copy["run_attempt"].get<long>()), copy);
  return json_answer(201, Json::object());
}

Answer cancel_run(Write& write) {
  Json* run = write.world().document(write.key("actions/runs/" + write.segment(2)));
  if (run == nullptr) {
    return not_found();
  }
  if ((*run)["status"] == "completed") {
    return error_answer(409, "Cannot cancel a workflow run that is completed.");
  }
  (*run)["status"] = "completed";
  (*run)["conclusion"] = "cancelled";
  write.touch(*run);
  return json_answer(202, Json::object());
}

Answer dispatch(Write& write) {
  if (!write.has_text("ref")) {
    return error_answer(422, "Invalid request.\n\n\"ref\" wasn't supplied.");
  }
  add_run(write.world(), write.at.repository, "workflow_dispatch");
  return no_content();
}

Answer registration_token(Write& write) {
  const long id = write.world().next_id();
  return created(Json{{"token", "STANDIN" + std::to_string(id)}, {"expires_at", write.world().now()}});
}

constexpr std::array<WriteRow, 21> rows{
    {{"PATCH", "", Right::write, update_repository},
     {"DELETE", "", Right::write, remove_repository},
     {"PUT", "contents/{*}", Right::write, put_file},
     {"DELETE", "contents/{*}", Right::write, remove_file},
     {"POST", "git/refs", Right::write, create_ref},
     {"PATCH", "git/refs/heads/{*}", Right::write, update_ref},
     {"DELETE", "git/refs/heads/{*}", Right::write, remove_ref},
     {"POST", "releases", Right::write, create_release},
     {"PATCH", "releases/{}", Right::write, update_release},
     {"DELETE", "releases/{}", Right::write, remove_stored},
     {"POST", "pulls", Right::read, create_pull},
     {"PATCH", "pulls/{}", Right::write, update_pull},
     {"PUT", "pulls/{}/merge", Right::write, merge_pull},
     {"POST", "statuses/{}", Right::write, create_status},
     {"POST", "actions/runs/{}/rerun", Right::write, rerun},
     {"POST", "actions/runs/{}/cancel", Right::write, cancel_run},
     {"DELETE", "actions/runs/{}", Right::write, remove_stored},
     {"POST", "actions/workflows/{}/dispatches", Right::write, dispatch},
     {"POST", "actions/runners/registration-token", Right::write, registration_token},
     {"POST", "actions/runners/remove-token", Right::write, registration_token},
     {"DELETE", "actions/runners/{}", Right::write, remove_stored}}};

}  // namespace

std::span<const WriteRow> repository_writes() {
  return rows;
}

}  // namespace ghoard::standin
