#include "tests/standin/faults.hpp"

namespace ghoard::standin {

std::optional<Delivery> delivery_of(const std::string& kind) {
  struct Row {
    const char* kind;
    Delivery delivery;
  };
  constexpr Row table[] = {{"status", Delivery::normal},
                           {"delay", Delivery::normal},
                           {"reset_before_head", Delivery::reset_before_head},
                           {"reset_mid_body", Delivery::reset_mid_body},
                           {"slow_body", Delivery::slow_body},
                           {"hang", Delivery::hang},
                           {"truncate", Delivery::truncate},
                           {"hold", Delivery::hold}};
  for (const Row& row : table) {
    if (kind == row.kind) {
      return row.delivery;
    }
  }
  return std::nullopt;
}

std::optional<Fault> Faults::parse(const Json& command) {
  if (!command.is_object()) {
    return std::nullopt;
  }
  Fault fault;
  fault.kind = command.value("kind", "");
  if (!delivery_of(fault.kind)) {
    return std::nullopt;
  }
  fault.path_prefix = command.value("path_prefix", "*");
  fault.method = command.value("method", "*");
  fault.status = command.value("status", 500);
  fault.count = command.value("count", 1L);
  fault.delay_ms = command.value("delay_ms", 0L);
  // A connection that is lost before the head, or hangs, has usually lost the request, too.
  fault.process = command.value("process", fault.kind != "reset_before_head" && fault.kind != "hang");
  fault.body = command.value("body", "");
  const Json headers = command.value("headers", Json::object());
  for (const auto& [name, value] : headers.items()) {
    fault.headers.push_back({name, value.get<std::string>()});
  }
  return fault;
}

std::optional<Fault> Faults::take(const Request& request) {
  for (auto fault = m_faults.begin(); fault != m_faults.end(); ++fault) {
    const bool fits = (fault->path_prefix == "*" || request.target.starts_with(fault->path_prefix)) &&
                      (fault->method == "*" || fault->method == request.method);
    if (!fits) {
      continue;
    }
    Fault result = *fault;
    if (fault->count > 0 && --fault->count == 0) {
      m_faults.erase(fault);
    }
    return result;
  }
  return std::nullopt;
}

}  // namespace ghoard::standin
