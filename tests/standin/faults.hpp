#pragma once

#include <list>
#include <optional>
#include <string>
#include <vector>

#include "tests/standin/message.hpp"

namespace ghoard::standin {

/// One arranged failure, as `POST /_standin/fault` describes it.
struct Fault {
  std::string path_prefix = "*";
  std::string method = "*";
  std::string kind;
  int status = 500;
  long count = 1;  ///< requests it hits; negative: all
  long delay_ms = 0;
  bool process = true;  ///< whether the request takes effect and is charged
  std::string body;
  std::vector<http::Header> headers;
};

/// Faults in the order they were arranged; the first that fits is used. One thread.
class Faults {
 public:
  /// Nothing: `command` is not understood.
  static std::optional<Fault> parse(const Json& command);
  void add(Fault fault) { m_faults.push_back(std::move(fault)); }
  [[nodiscard]] std::optional<Fault> take(const Request& request);
  void clear() { m_faults.clear(); }

 private:
  std::list<Fault> m_faults;
};

[[nodiscard]] std::optional<Delivery> delivery_of(const std::string& kind);

}  // namespace ghoard::standin
