#include "tests/standin/ledger.hpp"

#include <algorithm>

namespace ghoard::standin {

namespace {

constexpr std::size_t most_routes = 10'000;
constexpr std::size_t most_log_entries = 1000;

template <class Map>
auto* slot(Map& map, const std::string& key) {
  const auto found = map.find(key);
  if (found != map.end()) {
    return &found->second;
  }
  return map.size() < most_routes ? &map[key] : nullptr;
}

}  // namespace

void Ledger::begin() {
  ++m_concurrent;
  m_concurrent_max = std::max(m_concurrent_max, m_concurrent);
}

void Ledger::count(const Request& request, const Identity& who, int status, long cost) {
  ++m_requests;
  m_quota_spent += static_cast<std::uint64_t>(cost);
  m_not_modified += status == 304 ? 1 : 0;
  User& user = m_users[who.login];
  ++user.requests;
  user.quota_spent += static_cast<std::uint64_t>(cost);
  user.not_modified += status == 304 ? 1 : 0;
  if (Route* route = slot(m_routes, request.method + " " + request.path)) {
    ++route->count;
    ++route->statuses[status];
  }
  if (std::uint64_t* target = slot(m_targets, request.method + " " + request.target)) {
    ++*target;
  }
  record(request, "api", who.login, status);
}

void Ledger::count_asset(const Request& request) {
  ++m_asset_requests;
  m_asset_with_authorization += request.headers.contains("Authorization") ? 1 : 0;
  record(request, "asset", "", 200);
}

void Ledger::record(const Request& request, const std::string& host, const std::string& user, int status) {
  if (!m_logging) {
    return;
  }
  Json headers = Json::array();
  for (const http::Header& field : request.headers) {
    headers.push_back(Json::array({field.name, field.value}));
  }
  if (m_log.size() == most_log_entries) {
    m_log.pop_front();
  }
  m_log.push_back(Json{{"host", host},
                       {"method", request.method},
                       {"target", request.target},
                       {"headers", std::move(headers)},
                       {"body", request.body.substr(0, 64U << 10U)},
                       {"user", user},
                       {"status", status}});
}

Json Ledger::counters(long held) const {
  Json routes = Json::object();
  for (const auto& [name, route] : m_routes) {
    Json statuses = Json::object();
    for (const auto& [status, count] : route.statuses) {
      statuses[std::to_string(status)] = count;
    }
    routes[name] = Json{{"count", route.count}, {"statuses", std::move(statuses)}};
  }
  Json users = Json::object();
  for (const auto& [login, user] : m_users) {
    users[login] =
        Json{{"requests", user.requests}, {"quota_spent", user.quota_spent}, {"not_modified", user.not_modified}};
  }
  return Json{{"requests", m_requests},
              {"quota_spent", m_quota_spent},
              {"not_modified", m_not_modified},
              {"connections", m_connections},
              {"concurrent", m_concurrent},
              {"concurrent_max", m_concurrent_max},
              {"held", held},
              {"routes", std::move(routes)},
              {"targets", m_targets},
              {"users", std::move(users)},
              {"asset", Json{{"requests", m_asset_requests}, {"with_authorization", m_asset_with_authorization}}}};
}

Json Ledger::log() const {
  Json list = Json::array();
  for (const Json& entry : m_log) {
    list.push_back(entry);
  }
  return list;
}

void Ledger::reset() {
  const long under_way = m_concurrent;
  const bool logging = m_logging;
  *this = Ledger();
  m_concurrent = under_way;
  m_concurrent_max = under_way;
  m_logging = logging;
}

}  // namespace ghoard::standin
