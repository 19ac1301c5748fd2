// POST /graphql: viewer, repository, organization, repositoryOwner, node, rateLimit; addComment, updateIssue,
// closeIssue, createIssue.

#include "tests/standin/graphql.hpp"

#include <algorithm>

#include "tests/standin/routes.hpp"
#include "tests/standin/text.hpp"

namespace ghoard::standin {

namespace {

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

Json actor(const Json& user) {
  return Json{
      {"__typename", user["type"]}, {"login", user["login"]}, {"id", user["node_id"]}, {"url", user["html_url"]}};
}

Json issue_node(World& world, const Repository& repository, const Json& issue) {
  Json labels = Json::array();
  for (const Json& label : issue["labels"]) {
    labels.push_back(Json{{"id", label["node_id"]}, {"name", label["name"]}, {"color", label["color"]}});
  }
  Json comments = Json::array();
  const std::string number = std::to_string(issue["number"].get<long>());
  for (const Json* comment : world.members(repository.key("issues/" + number + "/comments"))) {
    comments.push_back(Json{{"id", (*comment)["node_id"]},
                            {"body", (*comment)["body"]},
                            {"author", actor((*comment)["user"])},
                            {"createdAt", (*comment)["created_at"]},
                            {"url", (*comment)["html_url"]}});
  }
  return Json{{"__typename", "Issue"},
              {"id", issue["node_id"]},
              {"number", issue["number"]},
              {"title", issue["title"]},
              {"body", issue["body"]},
              {"state", upper(issue["state"])},
              {"url", issue["html_url"]},
              {"author", actor(issue["user"])},
              {"createdAt", issue["created_at"]},
              {"updatedAt", issue["updated_at"]},
              {"closedAt", issue["closed_at"]},
              {"labels", labels},
              {"assignees", Json::array()},
              {"comments", comments}};
}

Json pull_node(const Json& pull) {
  const bool merged = pull["merged"] == true;
  return Json{{"__typename", "PullRequest"},
              {"id", pull["node_id"]},
              {"number", pull["number"]},
              {"title", pull["title"]},
              {"body", pull["body"]},
              {"state", merged ? "MERGED" : upper(pull["state"])},
              {"url", pull["html_url"]},
              {"author", actor(pull["user"])},
              {"createdAt", pull["created_at"]},
              {"updatedAt", pull["updated_at"]},
              {"headRefName", pull["head"]["ref"]},
              {"headRefOid", pull["head"]["sha"]},
              {"baseRefName", pull["base"]["ref"]},
              {"isDraft", pull["draft"]},
              {"isCrossRepository", false},
              {"headRepositoryOwner", Json{{"id", "U_9000"}, {"login", "acme"}}},
              {"labels", Json::array()}};
}

Json repository_node(World& world, const Repository& repository) {
  const Json& base = *world.document(repository.key());
  Json issues = Json::array();
  for (const Json* issue : world.members(repository.key("issues"))) {
    issues.push_back(issue_node(world, repository, *issue));
  }
  Json pulls = Json::array();
  for (const Json* pull : world.members(repository.key("pulls"))) {
    pulls.push_back(pull_node(*pull));
  }
  Json releases = Json::array();
  for (const Json* release : world.members(repository.key("releases"))) {
    releases.push_back(Json{{"name", (*release)["name"]},
                            {"tagName", (*release)["tag_name"]},
                            {"isDraft", false},
                            {"isLatest", releases.empty()},
                            {"isPrerelease", false},
                            {"createdAt", (*release)["created_at"]},
                            {"publishedAt", (*release)["published_at"]}});
  }
  return Json{{"__typename", "Repository"},
              {"id", base["node_id"]},
              {"databaseId", repository.id},
              {"name", repository.name},
              {"nameWithOwner", repository.full_name()},
              {"owner", Json{{"login", repository.owner}, {"id", "U_9000"}}},
              {"description", base["description"]},
              {"url", base["html_url"]},
              {"isPrivate", repository.is_private},
              {"isArchived", false},
              {"hasIssuesEnabled", true},
              {"viewerPermission", "WRITE"},
              {"stargazerCount", base["stargazers_count"]},
              {"createdAt", base["created_at"]},
              {"updatedAt", base["updated_at"]},
              {"defaultBranchRef", Json{{"name", repository.default_branch}}},
              {"issues", issues},
              {"pullRequests", pulls},
              {"releases", releases}};
}

/// What a cursor names: the position of the last node of the page before.
std::string cursor_of(std::size_t position) {
  return base64_encode("cursor:" + std::to_string(position));
}

std::size_t position_of(const Json& cursor) {
  const std::string text = cursor.is_string() ? base64_decode(cursor.get<std::string>()).value_or("") : "";
  return text.starts_with("cursor:") ? static_cast<std::size_t>(parse_number(text.substr(7)).value_or(0)) : 0;
}

class Executor {
 public:
  Executor(Call& call, const GraphqlDocument& document) : m_call(call), m_document(document) {}

  Answer run() {
    Json data = Json::object();
    for (const Selection& field : flattened(m_document.selections)) {
      data[field.alias] = field.name == "__typename" ? Json(m_document.mutation ? "Mutation" : "Query")
                          : m_document.mutation      ? mutation(field)
                                                     : query(field);
    }
    Json result{{"data", std::move(data)}};
    if (!m_errors.empty()) {
      result["errors"] = m_errors;
    }
    return json_answer(200, result);
  }

 private:
  std::vector<Selection> flattened(const std::vector<Selection>& selections, int depth = 0) {
    std::vector<Selection> result;
    for (const Selection& selection : selections) {
      if (selection.kind == Selection::Kind::field) {
        result.push_back(selection);
        continue;
      }
      const std::vector<Selection>* inner = &selection.selections;
      for (const auto& [name, fields] : m_document.fragments) {
        inner = selection.kind == Selection::Kind::spread && name == selection.name ? &fields : inner;
      }
      if (depth < 16) {
        const std::vector<Selection> more = flattened(*inner, depth + 1);
        result.insert(result.end(), more.begin(), more.end());
      }
    }
    return result;
  }

  Json error(const std::string& type, const Selection& field, const std::string& message) {
    m_errors.push_back(Json{{"type", type}, {"path", Json::array({field.alias})}, {"message", message}});
    return nullptr;
  }

  Json project(const Json& source, const Selection& field) {
    if (field.selections.empty() || source.is_null()) {
      return source;
    }
    const std::vector<Selection> fields = flattened(field.selections);
    if (source.is_array()) {
      return connection(source, field, fields);
    }
    return object(source, fields);
  }

  Json object(const Json& source, const std::vector<Selection>& fields) {
    Json result = Json::object();
    for (const Selection& field : fields) {
      const Json* one = numbered(source, field);
      result[field.alias] = one != nullptr                ? project(*one, field)
                            : source.contains(field.name) ? project(source[field.name], field)
                                                          : Json(nullptr);
    }
    return result;
  }

  /// issue(number: N), pullRequest(number: N) and issueOrPullRequest(number: N) of a repository; nullptr otherwise.
  static const Json* numbered(const Json& source, const Selection& field) {
    if (!field.arguments.contains("number")) {
      return nullptr;
    }
    for (const char* list : {"issues", "pullRequests"}) {
      const bool fits = field.name == "issueOrPullRequest" || std::string_view(list) == field.name + "s";
      if (!fits || !source.contains(list)) {
        continue;
      }
      for (const Json& item : source[list]) {
        if (item["number"] == field.arguments["number"]) {
          return &item;
        }
      }
    }
    return nullptr;
  }

  /// A stored array as a connection (GraphQL Cursor Connections): `first`, `after`, `last`, `states`.
  Json connection(const Json& source, const Selection& field, const std::vector<Selection>& fields) {
    Json wanted = Json::array();
    const Json states = field.arguments.value("states", Json(nullptr));
    for (const Json& item : source) {
      const bool fits = states.is_null() || states == item["state"] ||
                        (states.is_array() && std::find(states.begin(), states.end(), item["state"]) != states.end());
      if (fits) {
        wanted.push_back(item);
      }
    }
    const std::size_t begin = std::min(position_of(field.arguments.value("after", Json(nullptr))), wanted.size());
    const Json first = field.arguments.value("first", field.arguments.value("last", Json(100)));
    const std::size_t count = std::min<std::size_t>(first.is_number_unsigned() ? first.get<std::size_t>() : 100, 100);
    const std::size_t end = std::min(begin + count, wanted.size());
    Json page{{"totalCount", wanted.size()},
              {"pageInfo", Json{{"hasNextPage", end < wanted.size()},
                                {"endCursor", end > begin ? Json(cursor_of(end)) : Json(nullptr)},
                                {"hasPreviousPage", begin > 0},
                                {"startCursor", end > begin ? Json(cursor_of(begin + 1)) : Json(nullptr)}}}};
    Json result = Json::object();
    for (const Selection& part : fields) {
      if (part.name != "nodes" && part.name != "edges") {
        result[part.alias] = page.contains(part.name) ? project(page[part.name], part) : Json(nullptr);
        continue;
      }
      Json list = Json::array();
      for (std::size_t i = begin; i < end; ++i) {
        const Json edge{{"node", wanted[i]}, {"cursor", cursor_of(i + 1)}};
        list.push_back(object(part.name == "nodes" ? wanted[i] : edge, flattened(part.selections)));
      }
      result[part.alias] = std::move(list);
    }
    return result;
  }

  Json query(const Selection& field) {
    World& world = m_call.world;
    if (field.name == "viewer") {
      return project(
          Json{{"__typename", "User"}, {"login", m_call.who.login}, {"id", "U_" + std::to_string(m_call.who.id)}},
          field);
    }
    if (field.name == "rateLimit") {
      return project(m_call.graphql_rate, field);
    }
    if (field.name == "repository") {
      const std::string owner = field.arguments.value("owner", "");
      const std::string name = field.arguments.value("name", "");
      const Repository* repository = world.find_repository(owner, name);
      repository = repository == nullptr ? world.find_renamed(owner, name) : repository;
      if (repository == nullptr || !repository->visible_to(m_call.who)) {
        return error("NOT_FOUND", field,
                     "Could not resolve to a Repository with the name '" + owner + "/" + name + "'.");
      }
      return project(repository_node(world, *repository), field);
    }
    if (field.name == "repositoryOwner" && field.arguments.value("login", "") == "acme") {
      Json repositories = Json::array();
      for (const auto& [id, repository] : world.repositories) {
        if (repository.owner == "acme" && repository.visible_to(m_call.who)) {
          repositories.push_back(repository_node(world, repository));
        }
      }
      return project(Json{{"login", "acme"}, {"id", "U_9000"}, {"repositories", std::move(repositories)}}, field);
    }
    if (field.name == "organization" && field.arguments.value("login", "") == "acme") {
      return project(Json{{"__typename", "Organization"}, {"login", "acme"}, {"name", "acme"}, {"id", "U_9000"}},
                     field);
    }
    if (field.name == "node") {
      const std::string id = field.arguments.value("id", "");
      const Found found = find_issue(id);
      return found.issue == nullptr
                 ? error("NOT_FOUND", field, "Could not resolve to a node with the global id of '" + id + "'")
                 : project(issue_node(world, *found.repository, *found.issue), field);
    }
    return undefined(field, "Query");
  }

  Json undefined(const Selection& field, const std::string& type) {
    Json problem{{"path", Json::array({field.alias})},
                 {"extensions", Json{{"code", "undefinedField"}, {"typeName", type}, {"fieldName", field.name}}},
                 {"message", "Field '" + field.name + "' doesn't exist on type '" + type + "'"}};
    m_errors.push_back(std::move(problem));
    return nullptr;
  }

  struct Found {
    Repository* repository = nullptr;
    Json* issue = nullptr;
  };

  /// "I_1001_5": issue 5 of the repository 1001.
  Found find_issue(const std::string& id) {
    const std::vector<std::string> parts = split(id, '_');
    if (parts.size() != 3 || parts[0] != "I") {
      return {};
    }
    const auto found = m_call.world.repositories.find(parse_number(parts[1]).value_or(0));
    if (found == m_call.world.repositories.end() || !found->second.visible_to(m_call.who)) {
      return {};
    }
    return {&found->second, m_call.world.document(found->second.key("issues/" + parts[2]))};
  }

  Json mutation(const Selection& field) {
    World& world = m_call.world;
    const Json input = field.arguments.value("input", Json::object());
    if (field.name == "createIssue") {
      return create_issue(field, input);
    }
    const std::string id = input.value("id", input.value("issueId", input.value("subjectId", "")));
    const Found found = find_issue(id);
    if (found.issue == nullptr) {
      return error("NOT_FOUND", field, "Could not resolve to a node with the global id of '" + id + "'");
    }
    Json& issue = *found.issue;
    if (field.name == "addComment") {
      const long number = issue["number"].get<long>();
      const Json comment = make_comment(world, *found.repository, number, input.value("body", ""), m_call.who.login);
      const std::string key = found.repository->key("issues/comments/" + std::to_string(comment["id"].get<long>()));
      issue["comments"] = issue["comments"].get<long>() + 1;
      world.append(found.repository->key("issues/" + std::to_string(number) + "/comments"), key, comment);
      world.collections[found.repository->key("issues/comments")].members.push_back(key);
      const Json node{{"id", comment["node_id"]}, {"body", comment["body"]}};
      return project(Json{{"commentEdge", Json{{"node", node}}}, {"subject", Json{{"id", id}}}}, field);
    }
    if (field.name != "updateIssue" && field.name != "closeIssue") {
      return undefined(field, "Mutation");
    }
    issue["title"] = input.value("title", issue["title"]);
    issue["body"] = input.value("body", issue["body"]);
    issue["state"] =
        field.name == "closeIssue" ? "closed" : http::to_lower(input.value("state", issue["state"].get<std::string>()));
    issue["updated_at"] = world.now();
    return project(Json{{"issue", issue_node(world, *found.repository, issue)}}, field);
  }

  Json create_issue(const Selection& field, const Json& input) {
    const std::string id = input.value("repositoryId", "");
    const auto found = m_call.world.repositories.find(
        id.starts_with("R_") ? parse_number(std::string_view(id).substr(2)).value_or(0) : 0);
    if (found == m_call.world.repositories.end() || !found->second.visible_to(m_call.who)) {
      return error("NOT_FOUND", field, "Could not resolve to a node with the global id of '" + id + "'");
    }
    Repository& repository = found->second;
    const long number = add_issue(m_call.world, repository, input.value("title", ""),
                                  input.value("body", Json(nullptr)), m_call.who.login);
    const Json& issue = *m_call.world.document(repository.key("issues/" + std::to_string(number)));
    return project(Json{{"issue", issue_node(m_call.world, repository, issue)}}, field);
  }

  Call& m_call;
  const GraphqlDocument& m_document;
  Json m_errors = Json::array();
};

Answer graphql_error(const std::string& message) {
  Json errors = Json::array();
  errors.push_back(Json{{"message", message}});
  return json_answer(200, Json{{"errors", errors}});
}

}  // namespace

Answer graphql_route(Call& call) {
  if (call.who.anonymous()) {
    return error_answer(401, "This endpoint requires you to be authenticated.");
  }
  if (call.request.method != "POST") {
    return not_found();
  }
  const Json body = Json::parse(call.request.body, nullptr, false);
  if (!body.is_object()) {
    return error_answer(400, "Problems parsing JSON");
  }
  if (!body.contains("query") || !body["query"].is_string()) {
    return graphql_error("A query attribute must be specified and must be a string.");
  }
  const Json variables =
      body.contains("variables") && body["variables"].is_object() ? body["variables"] : Json::object();
  const std::string query = body["query"].get<std::string>();
  const std::optional<GraphqlDocument> document = parse_graphql(query, variables);
  if (!document) {
    return graphql_error("Parse error on \"" + query.substr(0, 32) + "\"");
  }
  Answer answer;
  try {
    answer = Executor(call, *document).run();
  } catch (const Json::exception&) {
    answer = graphql_error("An argument has the wrong type");
  }
  answer.max_age = 0;
  return answer;
}

}  // namespace ghoard::standin
