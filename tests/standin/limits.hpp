#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "tests/standin/identity.hpp"
#include "tests/standin/message.hpp"

namespace ghoard::standin {

/// What `POST /_standin/config` can change.
struct Config {
  long latency_ms = 0;
  long rate_limit = 5000;     ///< core, each user
  long anonymous_limit = 60;  ///< core, without a token
  long search_limit = 30;     ///< a minute
  long graphql_limit = 5000;
  long rate_window_s = 3600;
  long secondary_concurrent = 0;  ///< requests at one time, all users together; 0: off
  long secondary_points = 0;      ///< points a minute and user; 0: off
  long retry_after_s = 60;        ///< of the secondary limit
  long limit_status = 403;        ///< 403 or 429
  bool gzip = true;
  bool chunked = false;
};

/// One primary budget: of a user and a resource.
struct Budget {
  long limit = 0;
  long used = 0;
  std::int64_t reset = 0;  ///< Unix seconds

  [[nodiscard]] long remaining() const { return limit > used ? limit - used : 0; }
};

/// Primary and secondary limits. One thread; time is an argument.
class Limits {
 public:
  /// The budget as it stands now; a passed window begins anew.
  Budget& budget(const Identity& who, const std::string& resource, const Config& config, std::int64_t now);
  /// True if these points still fit into the user's minute; they are then taken.
  bool take_points(const Identity& who, long points, const Config& config, std::int64_t now);
  void reset();

 private:
  std::map<std::pair<std::string, std::string>, Budget> m_budgets;
  std::map<std::string, std::deque<std::pair<std::int64_t, long>>> m_points;
};

[[nodiscard]] std::string resource_of(const Request& request);
[[nodiscard]] long points_of(const Request& request);
[[nodiscard]] Answer primary_limit_answer(const Identity& who, const Config& config, bool graphql);
[[nodiscard]] Answer secondary_limit_answer(const Config& config);
/// GET /rate_limit.
[[nodiscard]] Answer rate_limit_route(Limits& limits, const Identity& who, const Config& config, std::int64_t now);

}  // namespace ghoard::standin
