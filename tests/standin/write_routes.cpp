// POST, PATCH, PUT and DELETE: who may, and which row of the tables it is.

#include "tests/standin/text.hpp"
#include "tests/standin/writes.hpp"

namespace ghoard::standin {

namespace {

std::optional<Json> parsed_body(const Request& request) {
  if (request.body.empty()) {
    return Json::object();
  }
  Json body = Json::parse(request.body, nullptr, false);
  return body.is_object() || body.is_array() ? std::optional(std::move(body)) : std::nullopt;
}

Answer run(const WriteRow& row, Write& write) {
  if (row.right == Right::write && !write.at.repository.writable_by(write.at.call.who)) {
    return error_answer(403, "Must have admin rights to Repository.");
  }
  try {
    return row.handler(write);
  } catch (const Json::exception&) {
    return error_answer(422, "Invalid request.");
  }
}

Answer write_below(RepoCall& at, const Json& body) {
  for (const std::span<const WriteRow> rows : {issue_writes(), repository_writes()}) {
    for (const WriteRow& row : rows) {
      if (row.method == at.call.request.method && matches(row.pattern, at.rest)) {
        Write write{at, body};
        Answer answer = run(row, write);
        answer.accepted_scopes = "repo";
        return answer;
      }
    }
  }
  return not_found();
}

/// POST /orgs/acme/repos and /user/repos.
Answer new_repository(Call& call, const std::string& owner, const Json& body) {
  const std::string name = body.value("name", "");
  if (call.who.login != "user-1" && owner == "acme") {
    return error_answer(403, "You need admin access to the organization before adding a repository to it.");
  }
  if (name.empty()) {
    return validation_failed("Repository", "name", "missing_field");
  }
  if (call.world.find_repository(owner, name) != nullptr) {
    return validation_failed("Repository", "name", "already_exists");
  }
  const Repository& repository =
      create_repository(call.world, owner, name, body.value("private", false), call.who.login);
  return created(repository_view(call, repository));
}

}  // namespace

Answer created(const Json& value) {
  Answer answer = json_answer(201, value);
  answer.max_age = -1;
  if (value.contains("url") && value["url"].is_string()) {
    answer.extra.push_back({"Location", value["url"].get<std::string>()});
  }
  return answer;
}

Answer changed(const Json& value) {
  Answer answer = json_answer(200, value);
  answer.max_age = -1;
  return answer;
}

Answer remove_stored(Write& write) {
  if (write.world().document(write.at.key()) == nullptr) {
    return not_found();
  }
  write.world().remove(write.at.key());
  return no_content();
}

void change_state(const Write& write, Json& value) {
  if (!write.has_text("state") || write.body["state"] == value["state"]) {
    return;
  }
  value["state"] = write.body["state"];
  value["closed_at"] = value["state"] == "closed" ? Json(write.world().now()) : Json(nullptr);
}

Answer write_route(Call& call) {
  if (call.who.anonymous()) {
    return error_answer(401, "Requires authentication");
  }
  const std::optional<Json> body = parsed_body(call.request);
  if (!body) {
    return error_answer(400, "Problems parsing JSON");
  }
  if (const std::optional<Place> place = find_place(call.world, call.request.path)) {
    if (place->repository == nullptr || !place->repository->visible_to(call.who)) {
      return not_found();
    }
    if (place->moved) {
      return moved_answer(call, *place);
    }
    RepoCall at{call, *place->repository, place->rest};
    return write_below(at, *body);
  }
  const std::vector<std::string> segments = path_segments(call.request.path);
  if (call.request.method == "POST" && body->is_object() &&
      (matches("user/repos", segments) || matches("orgs/acme/repos", segments))) {
    return new_repository(call, segments[0] == "user" ? call.who.login : "acme", *body);
  }
  return not_found();
}

}  // namespace ghoard::standin
