#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cli/agent/sharing.hpp"
#include "core/base/time.hpp"
#include "core/cache/metrics.hpp"
#include "core/cache/reply.hpp"
#include "core/cache/store.hpp"
#include "core/github/rate.hpp"
#include "net/local/agent_record.hpp"

namespace ghoard::agent {

/// What the control endpoints report on and act upon. References must outlive Control.
struct ControlContext {
  cache::Store& store;
  const cache::Metrics& metrics;
  const github::RateBook& rates;
  Sharing& sharing;
  const base::Clock& clock;
  local::AgentRecord record;
  std::function<std::size_t()> connections;
  std::function<void()> forget_memory;                        ///< after entries were removed from the store
  std::function<void()> stop;                                 ///< begins to drain; called after the answer was given
  std::function<std::optional<base::Seconds>()> clock_ahead;  ///< of GitHub's; nothing: not known
};

/// The paths of `Host: ghoard` (ARCHITECTURE.md, "The local protocol"). None of them is counted in the metrics.
class Control final : public cache::RequestHandler {
 public:
  explicit Control(ControlContext context) : m_context(std::move(context)), m_started(m_context.clock.mono()) {}

  void handle(cache::IncomingRequest request, std::shared_ptr<cache::ReplySink> sink) override;

 private:
  struct Endpoint;
  static const Endpoint* find(std::string_view path);

  [[nodiscard]] cache::Reply answer(const cache::IncomingRequest& request);
  cache::Reply status(const cache::IncomingRequest& request);
  cache::Reply stats(const cache::IncomingRequest& request);
  cache::Reply rate(const cache::IncomingRequest& request);
  cache::Reply list(const cache::IncomingRequest& request);
  cache::Reply remove(const cache::IncomingRequest& request);
  cache::Reply clear(const cache::IncomingRequest& request);
  cache::Reply stop(const cache::IncomingRequest& request);
  cache::Reply peers(const cache::IncomingRequest& request);
  cache::Reply network(const cache::IncomingRequest& request);
  cache::Reply add_peer(const cache::IncomingRequest& request);
  cache::Reply remove_peer(const cache::IncomingRequest& request);

  ControlContext m_context;
  base::MonoTime m_started;
  bool m_stopping = false;
};

}  // namespace ghoard::agent
