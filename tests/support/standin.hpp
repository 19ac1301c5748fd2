#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/http/message.hpp"
#include "tests/standin/tokens.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/process.hpp"

namespace ghoard::testing {

namespace tokens = ghoard::standin::tokens;

/// What `GET /_standin/counters` says.
struct StandInCounters {
  struct Route {
    std::uint64_t count = 0;
    std::map<int, std::uint64_t> statuses;
  };
  struct User {
    std::uint64_t requests = 0;
    std::uint64_t quota_spent = 0;
    std::uint64_t not_modified = 0;
  };
  std::uint64_t requests = 0;
  std::uint64_t quota_spent = 0;
  std::uint64_t not_modified = 0;
  std::uint64_t connections = 0;
  std::uint64_t concurrent = 0;
  std::uint64_t concurrent_max = 0;
  std::uint64_t held = 0;
  std::uint64_t asset_requests = 0;
  std::uint64_t asset_with_authorization = 0;
  std::map<std::string, Route> routes;           ///< "GET /path"
  std::map<std::string, std::uint64_t> targets;  ///< "GET /path?query"
  std::map<std::string, User> users;             ///< by login; "anonymous"

  /// Requests for "GET /path"; 0 if there was none.
  [[nodiscard]] std::uint64_t count(const std::string& route) const;
  [[nodiscard]] User user(const std::string& login) const;
};

/// One arranged failure; tests/standin/main.cpp explains the kinds.
struct StandInFault {
  std::string kind;
  std::string path_prefix = "*";
  std::string method = "*";
  int status = 500;
  long count = 1;
  long delay_ms = 0;
  std::optional<bool> process;
  std::string body;
  std::map<std::string, std::string> headers;
};

/// A stand-in GitHub of its own process for the life of this object. Control failures throw std::runtime_error.
class StandIn {
 public:
  StandIn();

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(m_port); }
  [[nodiscard]] std::uint16_t port() const { return m_port; }
  [[nodiscard]] const std::string& asset_url() const { return m_asset_url; }

  /// One request on a connection of its own; `token` empty: anonymous.
  HttpAnswer request(std::string_view method, std::string_view target, std::string_view token = {},
                     http::Headers headers = {}, std::string_view body = {}) const;
  HttpAnswer get(std::string_view target, std::string_view token = {}, http::Headers headers = {}) const;

  [[nodiscard]] StandInCounters counters() const;
  void config(const nlohmann::json& settings) const { control("config", settings); }
  void set_latency(base::Millis latency) const { config({{"latency_ms", latency.count()}}); }
  void fault(const StandInFault& fault) const;
  void clear_faults() const { control("fault", {{"kind", "none"}}); }
  /// Lets go what faults of kind `hold` and `hang` keep.
  void release() const { control("release", nlohmann::json::object()); }
  /// Merges `patch` into the object that GET `path` shows.
  void mutate(const std::string& path, const nlohmann::json& patch) const;
  /// An operation such as {{"op", "rename_repo"}, {"repo", "acme/widgets"}, {"name", "gizmos"}}; returns its answer.
  nlohmann::json operation(const nlohmann::json& command) const { return control("mutate", command); }
  void reset() const { control("reset", nlohmann::json::object()); }
  void reset_counters() const { control("reset?only=counters", nlohmann::json::object()); }
  void set_logging(bool on) const { control(on ? "log?on=1" : "log?on=0", nlohmann::json::object()); }
  [[nodiscard]] nlohmann::json log() const;

 private:
  nlohmann::json control(const std::string& command, const nlohmann::json& body) const;

  Process m_process;
  std::uint16_t m_port = 0;
  std::string m_asset_url;
};

}  // namespace ghoard::testing
