// GET and HEAD: where a path leads, and the routes that are more than a stored document or list.

#include <algorithm>

#include "tests/standin/routes.hpp"
#include "tests/standin/text.hpp"

namespace ghoard::standin {

namespace {

Answer to_asset_host(const Call& call, const std::string& path) {
  Answer answer;
  answer.status = 302;
  answer.content_type = "text/html;charset=utf-8";
  answer.body = std::make_shared<const std::string>();
  answer.max_age = -1;
  answer.extra.push_back({"Location", call.asset_base + path + "?signature=" + object_name("sign", path)});
  return answer;
}

Answer document_answer(const Json& value) {
  Answer answer = resource_answer(value);
  if (value.is_object() && value.contains("updated_at") && value["updated_at"].is_string()) {
    answer.last_modified = value["updated_at"].get<std::string>();
  }
  return answer;
}

Answer release_by(const RepoCall& at, const std::string& tag) {
  for (const Json* release : at.call.world.members(at.repository.key("releases"))) {
    if (tag.empty() ? !(*release)["prerelease"].get<bool>() : (*release)["tag_name"] == tag) {
      return document_answer(*release);
    }
  }
  return not_found();
}

Answer release_asset(const RepoCall& at) {
  const Json* asset = at.call.world.document(at.key());
  if (asset == nullptr) {
    return not_found();
  }
  if (at.call.request.headers.get("Accept") == "application/octet-stream") {
    return to_asset_host(at.call, "/download/" + std::to_string((*asset)["size"].get<long>()) + "/" +
                                      encode_component((*asset)["name"].get<std::string>()));
  }
  return document_answer(*asset);
}

Answer statistics(const RepoCall& at) {
  // GitHub computes statistics in the background and answers 202 until they are there.
  if (at.call.world.computed_statistics.insert(at.repository.id).second) {
    Answer answer = json_answer(202, Json::object());
    answer.max_age = -1;
    return answer;
  }
  Json list = Json::array();
  list.push_back(Json{{"total", at.repository.commits.size()}, {"author", simple_user("user-1")}});
  return resource_answer(list);
}

Answer combined_status(const RepoCall& at) {
  const Commit* commit = at.repository.find_commit(at.rest[1]);
  if (commit == nullptr) {
    return not_found();
  }
  Json statuses = Json::array();
  for (const Json* status : at.call.world.members(at.repository.key("commits/" + commit->sha + "/statuses"))) {
    statuses.push_back(*status);
  }
  const Json state = statuses.empty() ? Json("pending") : statuses.back()["state"];
  return resource_answer(
      Json{{"state", state}, {"statuses", statuses}, {"sha", commit->sha}, {"total_count", statuses.size()}});
}

/// The lists below a commit are kept under its SHA, and asked for by branch, too.
Answer commit_list_of(const RepoCall& at) {
  const Commit* commit = at.repository.find_commit(at.rest[1]);
  if (commit == nullptr) {
    return not_found();
  }
  const std::string key = at.repository.key("commits/" + commit->sha + "/" + at.rest[2]);
  Collection& collection = at.call.world.collections[key];
  if (at.rest[2] == "check-runs") {
    collection.wrapper = "check_runs";
  }
  return list_route(at.call, key, "/repositories/" + std::to_string(at.repository.id) + "/" + at.rest_path());
}

Answer repository_list(const Call& call, const std::string& owner, const std::string& link_path) {
  std::vector<Json> list;
  for (const auto& [id, repository] : call.world.repositories) {
    if (repository.visible_to(call.who) && (owner.empty() || repository.owner == owner)) {
      list.push_back(repository_view(call, repository));
    }
  }
  return paged(call, list, link_path);
}

Answer notifications(const Call& call) {
  Json list = Json::array();
  list.push_back(Json{{"id", "1"}, {"reason", "subscribed"}, {"unread", true}, {"updated_at", "2024-01-01T00:00:00Z"}});
  Answer answer = json_answer(200, list);
  answer.etag = EtagKind::empty;
  answer.last_modified = "2024-01-01T00:00:00Z";
  answer.extra.push_back({"X-Poll-Interval", "60"});
  answer.accepted_scopes = "notifications, repo";
  return call.who.installation ? error_answer(403, "Resource not accessible by integration") : answer;
}

std::optional<Answer> personal_route(const Call& call, const std::vector<std::string>& segments) {
  if (segments[0] != "user" && segments[0] != "notifications") {
    return std::nullopt;
  }
  if (call.who.anonymous()) {
    return error_answer(401, "Requires authentication");
  }
  if (segments[0] == "notifications" && segments.size() == 1) {
    return notifications(call);
  }
  if (call.who.installation) {
    return error_answer(403, "Resource not accessible by integration");
  }
  if (segments.size() == 1) {
    Json user = *call.world.document("/users/" + call.who.login);
    user["total_private_repos"] =
        std::count_if(call.world.repositories.begin(), call.world.repositories.end(),
                      [&](const auto& entry) { return entry.second.is_private && entry.second.visible_to(call.who); });
    user["two_factor_authentication"] = true;
    return document_answer(user);
  }
  if (segments[1] == "repos") {
    return repository_list(call, {}, "/user/repos");
  }
  if (segments[1] == "orgs") {
    return paged(call, std::vector<Json>{simple_user("acme")}, "/user/orgs");
  }
  return not_found();
}

std::optional<Answer> global_route(const Call& call, const std::vector<std::string>& segments) {
  if (matches("search/{}", segments)) {
    return search_route(call, segments[1]);
  }
  if (matches("orgs/{}/repos", segments) || matches("users/{}/repos", segments)) {
    return repository_list(call, http::to_lower(segments[1]),
                           segments[0] == "orgs" ? "/organizations/9000/repos" : call.request.path);
  }
  if (matches("orgs/acme/actions/runners", segments) && !list_has(call.who.scopes, "admin:org")) {
    Answer answer = error_answer(403, "Must have admin rights to Organization.");
    answer.accepted_scopes = "admin:org";
    return answer;
  }
  if (matches("zen", segments)) {
    Answer answer;
    answer.body = std::make_shared<const std::string>("Ask once, share often.");
    answer.content_type = "text/plain;charset=utf-8";
    answer.etag = EtagKind::formula;
    return answer;
  }
  if (matches("meta", segments)) {
    return resource_answer(Json{{"verifiable_password_authentication", false}, {"api", Json::array({"192.0.2.0/24"})}});
  }
  return std::nullopt;
}

Answer stored_route(Call& call, const std::string& key, const std::string& link_path) {
  if (const Json* value = call.world.document(key)) {
    return document_answer(*value);
  }
  if (call.world.collections.contains(key)) {
    return list_route(call, key, link_path);
  }
  return not_found();
}

Answer repository_read(RepoCall& at) {
  Answer answer;
  if (at.rest.empty()) {
    answer = document_answer(repository_view(at.call, at.repository));
  } else if (std::optional<Answer> found = git_route(at)) {
    answer = std::move(*found);
  } else if (std::optional<Answer> special = repository_route(at)) {
    answer = std::move(*special);
  } else {
    answer =
        stored_route(at.call, at.key(), "/repositories/" + std::to_string(at.repository.id) + "/" + at.rest_path());
  }
  if (answer.accepted_scopes.empty()) {
    answer.accepted_scopes = "repo";
  }
  return answer;
}

}  // namespace

std::string RepoCall::rest_path(std::size_t from) const {
  std::string path;
  for (std::size_t i = from; i < rest.size(); ++i) {
    path += (path.empty() ? "" : "/") + rest[i];
  }
  return path;
}

std::vector<std::string> path_segments(std::string_view path) {
  std::vector<std::string> segments;
  for (const std::string& part : split(path, '/')) {
    if (!part.empty()) {
      segments.push_back(decode_percent(part, false));
    }
  }
  return segments;
}

std::optional<Place> find_place(World& world, std::string_view path) {
  const std::vector<std::string> segments = path_segments(path);
  Place place;
  std::ptrdiff_t used = 0;
  if (segments.size() >= 3 && segments[0] == "repos") {
    used = 3;
    place.repository = world.find_repository(segments[1], segments[2]);
    if (place.repository == nullptr) {
      place.repository = world.find_renamed(segments[1], segments[2]);
      place.moved = place.repository != nullptr;
    }
  } else if (segments.size() >= 2 && segments[0] == "repositories") {
    used = 2;
    const auto found = world.repositories.find(parse_number(segments[1]).value_or(0));
    place.repository = found == world.repositories.end() ? nullptr : &found->second;
  } else {
    return std::nullopt;
  }
  place.rest.assign(segments.begin() + used, segments.end());
  return place;
}

Answer moved_answer(const Call& call, const Place& place) {
  std::string path = "/repositories/" + std::to_string(place.repository->id);
  for (const std::string& segment : place.rest) {
    path += "/" + encode_component(segment);
  }
  if (!call.request.query.empty()) {
    path += "?" + call.request.query;
  }
  const bool read = call.request.method == "GET" || call.request.method == "HEAD";
  Answer answer = json_answer(read ? 301 : 307, Json{{"message", read ? "Moved Permanently" : "Temporary Redirect"},
                                                     {"url", call.base + path},
                                                     {"documentation_url", "https://docs.github.com/rest"}});
  answer.max_age = -1;
  answer.extra.push_back({"Location", call.base + path});
  return answer;
}

bool matches(std::string_view pattern, const std::vector<std::string>& segments) {
  if (pattern.empty()) {
    return segments.empty();
  }
  const std::vector<std::string> parts = split(pattern, '/');
  const bool open = parts.back() == "{*}";
  const std::size_t fixed = parts.size() - (open ? 1 : 0);
  if (open ? segments.size() < fixed : segments.size() != fixed) {
    return false;
  }
  for (std::size_t i = 0; i < fixed; ++i) {
    if (parts[i] != "{}" && parts[i] != segments[i]) {
      return false;
    }
  }
  return true;
}

Json repository_view(const Call& call, const Repository& repository) {
  Json view = *call.world.document(repository.key());
  if (!call.who.anonymous()) {
    const bool writes = repository.writable_by(call.who);
    view["permissions"] = Json{{"admin", call.who.login == "user-1" && writes}, {"push", writes}, {"pull", true}};
  }
  return view;
}

std::optional<Answer> repository_route(const RepoCall& at) {
  const std::vector<std::string>& rest = at.rest;
  World& world = at.call.world;
  if (matches("releases/latest", rest)) {
    return release_by(at, {});
  }
  if (matches("releases/tags/{}", rest)) {
    return release_by(at, rest[2]);
  }
  if (matches("releases/assets/{}", rest)) {
    return release_asset(at);
  }
  if (matches("tarball/{*}", rest) || matches("zipball/{*}", rest)) {
    return to_asset_host(at.call, "/archive/" + at.repository.full_name() + "/" + at.rest_path());
  }
  if (matches("actions/jobs/{}/logs", rest) || matches("actions/runs/{}/logs", rest)) {
    const bool known = world.document(at.repository.key("actions/" + rest[1] + "/" + rest[2])) != nullptr;
    return known ? to_asset_host(at.call, "/logs/" + at.repository.full_name() + "/" + rest[2]) : not_found();
  }
  if (rest.front() == "commits" && rest.size() == 3) {
    return rest[2] == "status" ? combined_status(at) : commit_list_of(at);
  }
  if (matches("issues/{}/labels", rest)) {
    const Json* issue = world.document(at.repository.key("issues/" + rest[1]));
    return issue == nullptr ? not_found() : resource_answer((*issue)["labels"]);
  }
  if (matches("pulls/{}/merge", rest)) {
    const Json* pull = world.document(at.repository.key("pulls/" + rest[1]));
    return pull != nullptr && (*pull)["merged"] == true ? no_content() : not_found();
  }
  if (matches("pulls/{}/commits", rest)) {
    const Json* pull = world.document(at.repository.key("pulls/" + rest[1]));
    const Commit* commit =
        pull == nullptr ? nullptr : at.repository.find_commit((*pull)["head"]["sha"].get<std::string>());
    return commit == nullptr
               ? not_found()
               : paged(at.call, std::vector<Json>{commit_json(at.repository, *commit)}, at.call.request.path);
  }
  if (matches("topics", rest)) {
    return resource_answer(Json{{"names", (*world.document(at.repository.key()))["topics"]}});
  }
  if (matches("stats/contributors", rest)) {
    return statistics(at);
  }
  if (rest.front() == "actions" && rest.size() >= 2 && rest[1] == "runners" &&
      !at.repository.writable_by(at.call.who)) {
    return error_answer(403, "Must have admin rights to Repository.");
  }
  return std::nullopt;
}

Answer read_route(Call& call) {
  if (const std::optional<Place> place = find_place(call.world, call.request.path)) {
    if (place->repository == nullptr || !place->repository->visible_to(call.who)) {
      return not_found();
    }
    if (place->moved) {
      return moved_answer(call, *place);
    }
    RepoCall at{call, *place->repository, place->rest};
    return repository_read(at);
  }
  std::vector<std::string> segments = path_segments(call.request.path);
  if (segments.size() >= 2 && segments[0] == "organizations" && segments[1] == "9000") {
    segments[0] = "orgs";
    segments[1] = "acme";
  }
  if (segments.empty()) {
    return not_found();
  }
  if (std::optional<Answer> personal = personal_route(call, segments)) {
    return std::move(*personal);
  }
  if (std::optional<Answer> global = global_route(call, segments)) {
    return std::move(*global);
  }
  std::string key;
  for (const std::string& segment : segments) {
    key += "/" + http::to_lower(segment);
  }
  return stored_route(call, key, call.request.path);
}

}  // namespace ghoard::standin
