#include "tests/support/standin.hpp"

#include <stdexcept>

namespace ghoard::testing {

namespace {

using Json = nlohmann::json;

Command standin_command() {
  Command command;
  command.arguments = {program("ghoard-standin"), "--exit-on-stdin-eof"};
  command.keep_input_open = true;
  return command;
}

HttpAnswer answer_or_throw(base::Result<HttpAnswer> answer, std::string_view what) {
  if (!answer) {
    throw std::runtime_error("stand-in: " + std::string(what) + ": " + answer.error().message);
  }
  return std::move(*answer);
}

}  // namespace

std::uint64_t StandInCounters::count(const std::string& route) const {
  const auto found = routes.find(route);
  return found == routes.end() ? 0 : found->second.count;
}

StandInCounters::User StandInCounters::user(const std::string& login) const {
  const auto found = users.find(login);
  return found == users.end() ? User{} : found->second;
}

StandIn::StandIn() : m_process(standin_command()) {
  const std::string listening = m_process.read_line(base::Seconds(30)).value_or("");
  const std::string assets = m_process.read_line(base::Seconds(30)).value_or("");
  const std::size_t colon = listening.rfind(':');
  const std::size_t space = assets.rfind(' ');
  if (colon == std::string::npos || space == std::string::npos) {
    throw std::runtime_error("stand-in did not start: " + m_process.err());
  }
  m_port = static_cast<std::uint16_t>(std::stoul(listening.substr(colon + 1)));
  m_asset_url = assets.substr(space + 1);
}

HttpAnswer StandIn::request(std::string_view method, std::string_view target, std::string_view token,
                            http::Headers headers, std::string_view body) const {
  base::Result<HttpClient> client = HttpClient::tcp(m_port);
  if (!client) {
    throw std::runtime_error("stand-in: " + client.error().message);
  }
  if (!token.empty()) {
    headers.add("Authorization", "token " + std::string(token));
  }
  return answer_or_throw(client->exchange(method, target, headers, body), target);
}

HttpAnswer StandIn::get(std::string_view target, std::string_view token, http::Headers headers) const {
  return request("GET", target, token, std::move(headers));
}

Json StandIn::control(const std::string& command, const Json& body) const {
  const HttpAnswer answer = request("POST", "/_standin/" + command, {}, {}, body.dump());
  if (answer.status != 200) {
    throw std::runtime_error("stand-in: " + command + ": " + answer.body);
  }
  return Json::parse(answer.body);
}

void StandIn::fault(const StandInFault& fault) const {
  Json body{
      {"kind", fault.kind},   {"path_prefix", fault.path_prefix}, {"method", fault.method}, {"status", fault.status},
      {"count", fault.count}, {"delay_ms", fault.delay_ms},       {"body", fault.body},     {"headers", fault.headers}};
  if (fault.headers.empty()) {
    body["headers"] = Json::object();
  }
  if (fault.process) {
    body["process"] = *fault.process;
  }
  control("fault", body);
}

void StandIn::mutate(const std::string& path, const Json& patch) const {
  control("mutate", {{"path", path}, {"patch", patch}});
}

Json StandIn::log() const {
  return Json::parse(get("/_standin/log").body);
}

StandInCounters StandIn::counters() const {
  const Json body = Json::parse(get("/_standin/counters").body);
  StandInCounters counters;
  counters.requests = body["requests"];
  counters.quota_spent = body["quota_spent"];
  counters.not_modified = body["not_modified"];
  counters.connections = body["connections"];
  counters.concurrent = body["concurrent"];
  counters.concurrent_max = body["concurrent_max"];
  counters.held = body["held"];
  counters.asset_requests = body["asset"]["requests"];
  counters.asset_with_authorization = body["asset"]["with_authorization"];
  for (const auto& [name, route] : body["routes"].items()) {
    StandInCounters::Route& into = counters.routes[name];
    into.count = route["count"];
    for (const auto& [status, count] : route["statuses"].items()) {
      into.statuses[std::stoi(status)] = count;
    }
  }
  if (body["targets"].is_object()) {
    counters.targets = body["targets"].get<std::map<std::string, std::uint64_t>>();
  }
  for (const auto& [login, user] : body["users"].items()) {
    counters.users[login] = {user["requests"], user["quota_spent"], user["not_modified"]};
  }
  return counters;
}

}  // namespace ghoard::testing
