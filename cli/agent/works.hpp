#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "cli/agent/control.hpp"
#include "cli/agent/front.hpp"
#include "cli/agent/log.hpp"
#include "cli/agent/sharing.hpp"
#include "cli/agent/token_keeper.hpp"
#include "cli/settings/settings.hpp"
#include "core/cache/engine.hpp"
#include "net/server/server.hpp"
#include "net/upstream/curl_upstream.hpp"

namespace ghoard::agent {

/// Where one agent lives and what it was told.
struct Configuration {
  settings::Paths paths;
  settings::Settings settings;
  local::AgentRecord record;
  local::StartSecrets secrets;  ///< given away to Works
};

/// Everything that answers requests, wired together: store, upstream, engine, tokens, control, server. The same for the
/// resident agent and for --one-shot, which has no peers. One loop, one thread.
class Works {
 public:
  /// `stop` is called, from the loop, when a client asks the agent to stop.
  static base::Result<std::unique_ptr<Works>> create(boost::asio::io_context& loop, Configuration& configuration,
                                                     std::unique_ptr<cache::Store> store, const base::Clock& clock,
                                                     Log& log, std::function<void()> stop);

  ~Works();
  Works(const Works&) = delete;
  Works& operator=(const Works&) = delete;

  /// Joins the network of peers, if there is one for this agent. Before that, and without it, it has none.
  void share() { m_sharing->start(*m_engine); }
  Sharing& sharing() { return *m_sharing; }
  /// What is stored may have missed changes, so that it is revalidated before it is served.
  void distrust_stored() { m_engine->distrust_older(true); }

  server::Server& server() { return *m_server; }
  cache::Store& store() { return *m_store; }
  /// To be called about once a second.
  void tick();
  /// Writes what is only in memory; before exit.
  void flush() { m_engine->flush(); }
  /// When the last request began or ended, or a peer was linked; now, while any is under way.
  [[nodiscard]] base::MonoTime last_use() const;
  /// The same of requests alone.
  [[nodiscard]] base::MonoTime last_activity() const;

 private:
  Works(std::unique_ptr<cache::Store> store, TokenKeeper tokens, const base::Clock& clock)
      : m_clock(clock), m_store(std::move(store)), m_tokens(std::move(tokens)) {}
  void rest_when_idle();

  // In the order of construction: each may use those above it.
  const base::Clock& m_clock;
  std::unique_ptr<cache::Store> m_store;
  TokenKeeper m_tokens;
  std::unique_ptr<Sharing> m_sharing;
  std::unique_ptr<upstream::CurlUpstream> m_upstream;
  std::unique_ptr<cache::Engine> m_engine;
  std::unique_ptr<Control> m_control;
  std::unique_ptr<Front> m_front;
  std::unique_ptr<server::Server> m_server;
  base::MonoTime m_last_company{};
  bool m_at_rest = false;
};

}  // namespace ghoard::agent
