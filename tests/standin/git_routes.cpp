// Contents, commits, branches, tags and git objects.

#include <algorithm>
#include <set>

#include "core/base/digest.hpp"
#include "tests/standin/routes.hpp"
#include "tests/standin/text.hpp"

namespace ghoard::standin {

namespace {

constexpr std::size_t inline_limit = 1U << 20U;  // larger files have no content in JSON

std::string repo_url(const Repository& repository, const std::string& rest) {
  return api_url("/repos/" + repository.full_name() + rest);
}

std::string wrapped_base64(std::string_view bytes) {
  const std::string plain = base64_encode(bytes);
  std::string result;
  result.reserve(plain.size() + plain.size() / 60 + 1);
  for (std::size_t i = 0; i < plain.size(); i += 60) {
    result += plain.substr(i, 60);
    result += '\n';
  }
  return result;
}

bool is_sha(std::string_view text) {
  return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Answer git_answer(const Json& value, bool immutable) {
  Answer answer = resource_answer(value);
  answer.max_age = immutable ? 86'400 : 60;
  return answer;
}

Answer raw_answer(const http::Body& body, const std::string& sha, const std::string& accept) {
  Answer answer;
  answer.body = body;
  answer.content_type = accept + "; charset=utf-8";
  answer.etag = EtagKind::object_sha;
  answer.object_sha = sha;
  answer.media_param = "raw";
  return answer;
}

std::string accept_of(const RepoCall& at) {
  return std::string(at.call.request.headers.get("Accept"));
}

bool wants(const RepoCall& at, std::string_view format) {
  const std::string accept = accept_of(at);
  return accept.find("." + std::string(format)) != std::string::npos;
}

Answer file_answer(const RepoCall& at, const Commit& commit, const std::string& path) {
  const std::string& sha = commit.files.at(path);
  if (wants(at, "raw")) {
    return raw_answer(at.repository.blobs.at(sha), sha, accept_of(at));
  }
  Answer answer = resource_answer(file_json(at.call, at.repository, commit, path, true));
  answer.etag = EtagKind::object_sha;
  answer.object_sha = sha;
  answer.last_modified = commit.date;
  return answer;
}

Json directory_entry(const RepoCall& at, const std::string& path, const std::string& sha, bool is_directory) {
  return Json{{"name", path.substr(path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1)},
              {"path", path},
              {"sha", sha},
              {"size", is_directory ? 0 : at.repository.blobs.at(sha)->size()},
              {"url", repo_url(at.repository, "/contents/" + path)},
              {"git_url", repo_url(at.repository, (is_directory ? "/git/trees/" : "/git/blobs/") + sha)},
              {"type", is_directory ? "dir" : "file"}};
}

std::optional<Answer> directory_answer(const RepoCall& at, const Commit& commit, const std::string& path) {
  std::string tree = commit.tree;
  for (const std::string& name : path_segments(path)) {
    const Json& entries = at.repository.trees.at(tree)["tree"];
    const auto found = std::find_if(entries.begin(), entries.end(), [&](const Json& entry) {
      return entry["path"] == name && entry["type"] == "tree";
    });
    if (found == entries.end()) {
      return std::nullopt;
    }
    tree = (*found)["sha"].get<std::string>();
  }
  Json list = Json::array();
  for (const Json& entry : at.repository.trees.at(tree)["tree"]) {
    const std::string full = (path.empty() ? "" : path + "/") + entry["path"].get<std::string>();
    list.push_back(directory_entry(at, full, entry["sha"], entry["type"] == "tree"));
  }
  Answer answer = resource_answer(list);
  answer.etag = EtagKind::object_sha;
  answer.object_sha = tree;
  return answer;
}

Answer contents(const RepoCall& at, const std::string& path) {
  const Commit* commit = at.repository.find_commit(at.call.request.param("ref"));
  if (commit == nullptr) {
    return not_found();
  }
  if (commit->files.contains(path)) {
    return file_answer(at, *commit, path);
  }
  return directory_answer(at, *commit, path).value_or(not_found());
}

/// Diffs are invented; what matters is that their ETag follows no formula.
Answer text_view(const RepoCall& at, const std::string& subject, const char* format) {
  Answer answer;
  answer.body = std::make_shared<const std::string>("diff --git a/" + subject + " b/" + subject + "\n");
  answer.content_type = "application/vnd.github." + std::string(format) + "; charset=utf-8";
  answer.etag = EtagKind::opaque;
  answer.object_sha = base::sha256("text view:" + at.rest_path() + *answer.body).hex();
  answer.media_param = format;
  return answer;
}

Answer one_commit(const RepoCall& at, const std::string& ref) {
  const Commit* commit = at.repository.find_commit(ref);
  if (commit == nullptr) {
    return is_sha(ref) ? error_answer(422, "No commit found for SHA: " + ref) : not_found();
  }
  for (const char* format : {"diff", "patch"}) {
    if (wants(at, format)) {
      return text_view(at, commit->sha, format);
    }
  }
  Json value = commit_json(at.repository, *commit);
  value["stats"] = Json{{"total", 1}, {"additions", 1}, {"deletions", 0}};
  value["files"] = Json::array();
  Answer answer = resource_answer(value);
  answer.last_modified = commit->date;
  return answer;
}

Answer commit_list(const RepoCall& at) {
  std::vector<Json> list;
  const Commit* commit = at.repository.find_commit(at.call.request.param("sha"));
  while (commit != nullptr) {
    list.push_back(commit_json(at.repository, *commit));
    commit = commit->parent.empty() ? nullptr : at.repository.find_commit(commit->parent);
  }
  return paged(at.call, list, "/repositories/" + std::to_string(at.repository.id) + "/commits");
}

Json branch_json(const Repository& repository, const std::string& name, const std::string& sha, bool whole) {
  Json value{{"name", name}};
  value["commit"] = whole ? commit_json(repository, repository.commits.at(sha))
                          : Json{{"sha", sha}, {"url", repo_url(repository, "/commits/" + sha)}};
  value["protected"] = name == "main";
  return value;
}

Answer branch_list(const RepoCall& at) {
  std::vector<Json> list;
  for (const auto& [name, sha] : at.repository.branches) {
    list.push_back(branch_json(at.repository, name, sha, false));
  }
  return paged(at.call, list, "/repositories/" + std::to_string(at.repository.id) + "/branches");
}

Answer tag_list(const RepoCall& at) {
  std::vector<Json> list;
  for (const auto& [name, sha] : at.repository.tags) {
    list.push_back(Json{{"name", name},
                        {"commit", Json{{"sha", sha}, {"url", repo_url(at.repository, "/commits/" + sha)}}},
                        {"node_id", "REF_" + name}});
  }
  std::reverse(list.begin(), list.end());
  return paged(at.call, list, "/repositories/" + std::to_string(at.repository.id) + "/tags");
}

Answer ref_list(const RepoCall& at, const std::string& prefix) {
  std::vector<Json> list;
  for (const auto& [name, sha] : at.repository.branches) {
    if (("heads/" + name).starts_with(prefix)) {
      list.push_back(ref_json(at.repository, "refs/heads/" + name, sha));
    }
  }
  for (const auto& [name, sha] : at.repository.tags) {
    if (("tags/" + name).starts_with(prefix)) {
      list.push_back(ref_json(at.repository, "refs/tags/" + name, sha));
    }
  }
  Answer answer = paged(at.call, list, "/repositories/" + std::to_string(at.repository.id) + "/" + at.rest_path());
  answer.extra.push_back({"X-Poll-Interval", "300"});
  return answer;
}

Answer one_ref(const RepoCall& at, const std::string& name) {
  for (const auto& [prefix, refs] : {std::pair{"heads/", &at.repository.branches}, {"tags/", &at.repository.tags}}) {
    if (!name.starts_with(prefix)) {
      continue;
    }
    const auto found = refs->find(name.substr(std::string_view(prefix).size()));
    if (found != refs->end()) {
      Answer answer = resource_answer(ref_json(at.repository, "refs/" + name, found->second));
      answer.extra.push_back({"X-Poll-Interval", "300"});
      return answer;
    }
  }
  return not_found();
}

Answer git_object(const RepoCall& at, const std::string& kind, const std::string& sha) {
  if (kind == "commits") {
    const Commit* commit = is_sha(sha) ? at.repository.find_commit(sha) : nullptr;
    if (commit == nullptr) {
      return not_found();
    }
    Json value = commit_json(at.repository, *commit)["commit"];
    value["sha"] = sha;
    value["parents"] = commit_json(at.repository, *commit)["parents"];
    return git_answer(value, true);
  }
  if (kind == "trees") {
    const Commit* commit = at.repository.find_commit(sha);
    const auto tree = at.repository.trees.find(commit != nullptr ? commit->tree : sha);
    return tree == at.repository.trees.end() ? not_found() : git_answer(tree->second, is_sha(sha));
  }
  const auto blob = at.repository.blobs.find(sha);
  if (kind != "blobs" || blob == at.repository.blobs.end()) {
    return not_found();
  }
  if (wants(at, "raw")) {
    Answer answer = raw_answer(blob->second, sha, accept_of(at));
    answer.max_age = 86'400;
    return answer;
  }
  return git_answer(Json{{"sha", sha},
                         {"node_id", "B_" + sha},
                         {"size", blob->second->size()},
                         {"url", repo_url(at.repository, "/git/blobs/" + sha)},
                         {"content", wrapped_base64(*blob->second)},
                         {"encoding", "base64"}},
                    true);
}

Answer comparison(const RepoCall& at, const std::string& range) {
  const std::size_t dots = range.find("...");
  const Commit* base = at.repository.find_commit(range.substr(0, dots));
  const Commit* head = dots == std::string::npos ? nullptr : at.repository.find_commit(range.substr(dots + 3));
  if (base == nullptr || head == nullptr) {
    return not_found();
  }
  Json commits = Json::array();
  for (const Commit* at_commit = head; at_commit != nullptr && at_commit->sha != base->sha;) {
    commits.insert(commits.begin(), commit_json(at.repository, *at_commit));
    at_commit = at_commit->parent.empty() ? nullptr : at.repository.find_commit(at_commit->parent);
  }
  return resource_answer(Json{{"base_commit", commit_json(at.repository, *base)},
                              {"status", commits.empty() ? "identical" : "ahead"},
                              {"ahead_by", commits.size()},
                              {"behind_by", 0},
                              {"total_commits", commits.size()},
                              {"commits", commits}});
}

}  // namespace

Json commit_json(const Repository& repository, const Commit& commit) {
  const Json who{{"name", commit.author}, {"email", commit.author + "@example.com"}, {"date", commit.date}};
  Json parents = Json::array();
  if (!commit.parent.empty()) {
    parents.push_back(Json{{"sha", commit.parent}, {"url", repo_url(repository, "/commits/" + commit.parent)}});
  }
  return Json{
      {"sha", commit.sha},
      {"node_id", "C_" + commit.sha},
      {"commit", Json{{"author", who},
                      {"committer", who},
                      {"message", commit.message},
                      {"tree", Json{{"sha", commit.tree}, {"url", repo_url(repository, "/git/trees/" + commit.tree)}}},
                      {"url", repo_url(repository, "/git/commits/" + commit.sha)},
                      {"comment_count", 0}}},
      {"url", repo_url(repository, "/commits/" + commit.sha)},
      {"html_url", "https://github.com/" + repository.full_name() + "/commit/" + commit.sha},
      {"author", simple_user(commit.author)},
      {"committer", simple_user(commit.author)},
      {"parents", parents}};
}

Json ref_json(const Repository& repository, const std::string& ref, const std::string& sha) {
  return Json{{"ref", ref},
              {"node_id", "REF_" + ref},
              {"url", repo_url(repository, "/git/" + ref)},
              {"object", Json{{"sha", sha}, {"type", "commit"}, {"url", repo_url(repository, "/git/commits/" + sha)}}}};
}

Json file_json(const Call& call, const Repository& repository, const Commit& commit, const std::string& path,
               bool with_content) {
  const std::string& sha = commit.files.at(path);
  const http::Body& blob = repository.blobs.at(sha);
  std::string download = "https://raw.githubusercontent.com/" + repository.full_name() + "/main/" + path;
  if (repository.is_private) {
    // GitHub puts an access token of the caller into the URL of a private file.
    download += "?token=" + object_name("download", call.who.login + sha).substr(0, 29);
  }
  Json value{{"name", path.substr(path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1)},
             {"path", path},
             {"sha", sha},
             {"size", blob->size()},
             {"url", repo_url(repository, "/contents/" + path + "?ref=main")},
             {"git_url", repo_url(repository, "/git/blobs/" + sha)},
             {"html_url", "https://github.com/" + repository.full_name() + "/blob/main/" + path},
             {"download_url", download},
             {"type", "file"}};
  if (with_content) {
    const bool small = blob->size() <= inline_limit;
    value["content"] = small ? wrapped_base64(*blob) : "";
    value["encoding"] = small ? "base64" : "none";
  }
  return value;
}

std::optional<Answer> git_route(const RepoCall& at) {
  const std::vector<std::string>& rest = at.rest;
  const std::string& head = rest.front();
  if (head == "contents") {
    return contents(at, at.rest_path(1));
  }
  if (head == "readme" && rest.size() == 1) {
    return contents(at, "README.md");
  }
  if (head == "commits" && rest.size() == 1) {
    return commit_list(at);
  }
  if (head == "commits" && rest.size() == 2) {
    return one_commit(at, rest[1]);
  }
  if (head == "branches" && rest.size() == 1) {
    return branch_list(at);
  }
  if (head == "branches" && rest.size() == 2) {
    const auto branch = at.repository.branches.find(rest[1]);
    return branch == at.repository.branches.end()
               ? not_found()
               : resource_answer(branch_json(at.repository, branch->first, branch->second, true));
  }
  if (head == "tags" && rest.size() == 1) {
    return tag_list(at);
  }
  if (head == "compare" && rest.size() >= 2) {
    return comparison(at, at.rest_path(1));
  }
  if (matches("pulls/{}", rest) && (wants(at, "diff") || wants(at, "patch"))) {
    return at.call.world.document(at.key()) == nullptr ? not_found()
                                                       : text_view(at, rest[1], wants(at, "diff") ? "diff" : "patch");
  }
  if (matches("git/refs/{*}", rest) || matches("git/matching-refs/{*}", rest)) {
    return ref_list(at, at.rest_path(2));
  }
  if (matches("git/ref/{*}", rest)) {
    return one_ref(at, at.rest_path(2));
  }
  if (matches("git/{}/{}", rest)) {
    return git_object(at, rest[1], rest[2]);
  }
  return std::nullopt;
}

}  // namespace ghoard::standin
