#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>

#include "tests/standin/identity.hpp"
#include "tests/standin/message.hpp"

namespace ghoard::standin {

/// Counts every request that is not a control command, and keeps the last ones if told to. One thread.
class Ledger {
 public:
  void connected() { ++m_connections; }
  void begin();
  void end() { --m_concurrent; }
  /// `status` 0: nothing was answered (a fault).
  void count(const Request& request, const Identity& who, int status, long cost);
  void count_asset(const Request& request);

  [[nodiscard]] long concurrent() const { return m_concurrent; }
  [[nodiscard]] Json counters(long held) const;
  [[nodiscard]] Json log() const;
  void set_logging(bool on) { m_logging = on; }
  /// Zeroes the counters; requests under way stay counted as concurrent.
  void reset();

 private:
  struct Route {
    std::uint64_t count = 0;
    std::map<int, std::uint64_t> statuses;
  };
  struct User {
    std::uint64_t requests = 0;
    std::uint64_t quota_spent = 0;
    std::uint64_t not_modified = 0;
  };
  void record(const Request& request, const std::string& host, const std::string& user, int status);

  std::uint64_t m_requests = 0;
  std::uint64_t m_quota_spent = 0;
  std::uint64_t m_not_modified = 0;
  std::uint64_t m_connections = 0;
  std::uint64_t m_asset_requests = 0;
  std::uint64_t m_asset_with_authorization = 0;
  long m_concurrent = 0;
  long m_concurrent_max = 0;
  std::map<std::string, Route> m_routes;           // "GET /path", without the query
  std::map<std::string, std::uint64_t> m_targets;  // "GET /path?query"
  std::map<std::string, User> m_users;
  bool m_logging = false;
  std::deque<Json> m_log;
};

}  // namespace ghoard::standin
