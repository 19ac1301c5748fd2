#include "tests/standin/limits.hpp"

namespace ghoard::standin {

Budget& Limits::budget(const Identity& who, const std::string& resource, const Config& config, std::int64_t now) {
  Budget& budget = m_budgets[{who.login, resource}];
  if (budget.reset <= now) {
    budget.used = 0;
    budget.reset = now + (resource == "search" ? 60 : config.rate_window_s);
  }
  budget.limit = resource == "search"    ? config.search_limit
                 : resource == "graphql" ? config.graphql_limit
                 : who.anonymous()       ? config.anonymous_limit
                                         : config.rate_limit;
  return budget;
}

bool Limits::take_points(const Identity& who, long points, const Config& config, std::int64_t now) {
  if (config.secondary_points <= 0) {
    return true;
  }
  std::deque<std::pair<std::int64_t, long>>& taken = m_points[who.login];
  while (!taken.empty() && taken.front().first <= now - 60) {
    taken.pop_front();
  }
  long sum = points;
  for (const auto& [when, count] : taken) {
    sum += count;
  }
  if (sum > config.secondary_points) {
    return false;
  }
  taken.emplace_back(now, points);
  return true;
}

void Limits::reset() {
  m_budgets.clear();
  m_points.clear();
}

std::string resource_of(const Request& request) {
  if (request.path.starts_with("/search/")) {
    return "search";
  }
  return request.path == "/graphql" ? "graphql" : "core";
}

long points_of(const Request& request) {
  if (request.path == "/graphql") {
    return request.body.find("mutation") == std::string::npos ? 1 : 5;
  }
  return request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS" ? 1 : 5;
}

Answer primary_limit_answer(const Identity& who, const Config& config, bool graphql) {
  const std::string message = who.anonymous() ? "API rate limit exceeded for 192.0.2.1."
                                              : "API rate limit exceeded for user ID " + std::to_string(who.id) + ".";
  if (!graphql) {
    return error_answer(static_cast<int>(config.limit_status), message);
  }
  // GraphQL signals its limit with 200 and an error.
  Json errors = Json::array();
  errors.push_back(Json{{"type", "RATE_LIMITED"}, {"message", message}});
  Answer answer = json_answer(200, Json{{"errors", errors}});
  answer.max_age = -1;
  return answer;
}

Answer secondary_limit_answer(const Config& config) {
  Answer answer = error_answer(static_cast<int>(config.limit_status),
                               "You have exceeded a secondary rate limit. Please wait a few minutes before you try "
                               "again.");
  answer.extra.push_back({"Retry-After", std::to_string(config.retry_after_s)});
  return answer;
}

Answer rate_limit_route(Limits& limits, const Identity& who, const Config& config, std::int64_t now) {
  Json resources = Json::object();
  for (const char* resource : {"core", "search", "graphql"}) {
    const Budget& budget = limits.budget(who, resource, config, now);
    resources[resource] = Json{
        {"limit", budget.limit}, {"used", budget.used}, {"remaining", budget.remaining()}, {"reset", budget.reset}};
  }
  Answer answer = json_answer(200, Json{{"resources", resources}, {"rate", resources["core"]}});
  answer.max_age = 0;
  return answer;
}

}  // namespace ghoard::standin
