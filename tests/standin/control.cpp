// The control endpoints below /_standin/; main.cpp documents them.

#include "tests/standin/site.hpp"
#include "tests/standin/text.hpp"

namespace ghoard::standin {

namespace {

Answer bad_command(const std::string& why) {
  return json_answer(400, Json{{"error", why}});
}

Answer done() {
  return json_answer(200, Json{{"ok", true}});
}

Repository* repository_of(World& world, const Json& command) {
  return world.find_repository(command.value("repo", ""));
}

std::string login_of(const Json& command) {
  return command.value("user", "");
}

Answer grant(World& world, Repository& repository, const Json& command, bool allow) {
  if (allow) {
    repository.readers.insert(login_of(command));
    repository.writers.insert(login_of(command));
  } else {
    repository.readers.erase(login_of(command));
    repository.writers.erase(login_of(command));
  }
  world.touch();
  return done();
}

Answer commit_file(World& world, Repository& repository, const Json& command) {
  const Commit& commit = world.commit(repository, command.value("branch", repository.default_branch),
                                      {{command.value("path", "pushed.txt"), command.value("content", "pushed\n")}},
                                      command.value("message", "Push"), command.value("user", "user-1"));
  return json_answer(200, Json{{"ok", true}, {"sha", commit.sha}});
}

/// Commands about one repository; nothing if the operation is another.
std::optional<Answer> repository_command(World& world, const std::string& operation, const Json& command) {
  Repository* repository = repository_of(world, command);
  if (repository == nullptr) {
    return std::nullopt;
  }
  if (operation == "rename_repo") {
    world.rename(*repository, command.value("name", "renamed"));
    return json_answer(200, Json{{"ok", true}, {"id", repository->id}});
  }
  if (operation == "grant" || operation == "revoke") {
    return grant(world, *repository, command, operation == "grant");
  }
  if (operation == "add_issue") {
    const long number = add_issue(world, *repository, command.value("title", "Added"), command.value("body", "Added"),
                                  command.value("user", "user-1"));
    return json_answer(200, Json{{"ok", true}, {"number", number}});
  }
  if (operation == "add_run") {
    return json_answer(200, Json{{"ok", true}, {"id", add_run(world, *repository, command.value("event", "push"))}});
  }
  if (operation == "advance_runs") {
    advance_runs(world, *repository);
    return done();
  }
  if (operation == "set_private") {
    repository->is_private = command.value("private", true);
    Json& base = *world.document(repository->key());
    base["private"] = repository->is_private;
    base["visibility"] = repository->is_private ? "private" : "public";
    world.touch();
    return done();
  }
  return operation == "commit" ? std::optional<Answer>(commit_file(world, *repository, command)) : std::nullopt;
}

template <class T>
bool take(const Json& command, const char* name, T& value) {
  if (command.contains(name)) {
    value = command[name].get<T>();
  }
  return command.contains(name);
}

}  // namespace

Answer Site::configure(const Json& command) {
  std::size_t taken = 0;
  for (const auto& [name, value] : {std::pair{"latency_ms", &m_config.latency_ms},
                                    {"rate_limit", &m_config.rate_limit},
                                    {"anonymous_limit", &m_config.anonymous_limit},
                                    {"search_limit", &m_config.search_limit},
                                    {"graphql_limit", &m_config.graphql_limit},
                                    {"rate_window_s", &m_config.rate_window_s},
                                    {"secondary_concurrent", &m_config.secondary_concurrent},
                                    {"secondary_points", &m_config.secondary_points},
                                    {"retry_after_s", &m_config.retry_after_s},
                                    {"limit_status", &m_config.limit_status}}) {
    taken += take(command, name, *value) ? 1 : 0;
  }
  taken += take(command, "gzip", m_config.gzip) ? 1 : 0;
  taken += take(command, "chunked", m_config.chunked) ? 1 : 0;
  return taken == command.size() ? done() : bad_command("unknown setting");
}

Answer Site::merge(const Json& command) {
  const std::string path = command.value("path", "");
  const std::optional<Place> place = find_place(m_world, path);
  std::string key = path;
  if (place) {
    if (place->repository == nullptr) {
      return bad_command("no such repository");
    }
    std::string rest;
    for (const std::string& segment : place->rest) {
      rest += (rest.empty() ? "" : "/") + segment;
    }
    key = place->repository->key(rest);
  }
  Json* value = m_world.document(key);
  if (value == nullptr) {
    return bad_command("nothing stored at " + path);
  }
  value->merge_patch(command.value("patch", Json::object()));
  m_world.touch();
  return done();
}

Answer Site::mutate(const Json& command) {
  const std::string operation = command.value("op", "");
  if (operation.empty()) {
    return merge(command);
  }
  if (operation == "set_clock") {
    m_world.set_clock(command.value("now", std::int64_t{0}));
    return done();
  }
  if (operation == "revoke_token") {
    m_identities.revoke(command.value("token", ""));
    return done();
  }
  if (operation == "advance_runs" && !command.contains("repo")) {
    for (const auto& [id, repository] : m_world.repositories) {
      advance_runs(m_world, repository);
    }
    return done();
  }
  return repository_command(m_world, operation, command).value_or(bad_command("unknown op or repo"));
}

void Site::reset(bool counters_only) {
  m_ledger.reset();
  if (counters_only) {
    return;
  }
  m_config = Config();
  m_identities.reset();
  m_limits.reset();
  m_faults.clear();
  m_world = World();
  m_prepared.clear();
  m_prepared_version = m_world.version();
  m_next_request_id = 0;
  m_ledger.set_logging(false);
  if (m_release) {
    m_release();
  }
}

Answer Site::control_answer(const Request& request) {
  const std::string command = request.path.substr(std::string_view("/_standin/").size());
  if (request.method == "GET") {
    if (command == "counters") {
      return json_answer(200, m_ledger.counters(m_held));
    }
    return command == "log" ? json_answer(200, m_ledger.log()) : bad_command("unknown command");
  }
  if (command == "log") {
    m_ledger.set_logging(request.param("on", "1") == "1");
    return done();
  }
  if (command == "reset") {
    reset(request.param("only") == "counters");
    return done();
  }
  if (command == "release") {
    m_release();
    return done();
  }
  const Json body = request.body.empty() ? Json::object() : Json::parse(request.body, nullptr, false);
  if (!body.is_object()) {
    return bad_command("the body is no JSON object");
  }
  if (command == "config") {
    return configure(body);
  }
  if (command == "mutate") {
    return mutate(body);
  }
  if (command == "fault") {
    if (body.value("kind", "") == "none") {
      m_faults.clear();
      return done();
    }
    const std::optional<Fault> fault = Faults::parse(body);
    if (fault) {
      m_faults.add(*fault);
    }
    return fault ? done() : bad_command("unknown kind");
  }
  return bad_command("unknown command");
}

Response Site::control(const Request& request) {
  Answer answer;
  try {
    answer = control_answer(request);
  } catch (const Json::exception& error) {
    answer = bad_command(error.what());
  }
  Response response;
  response.status = answer.status;
  response.body = answer.body;
  response.fields = "Content-Type: application/json\r\nCache-Control: no-store\r\n";
  return response;
}

}  // namespace ghoard::standin
