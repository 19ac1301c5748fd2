#include "cli/agent/works.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <malloc.h>
#include <utility>

#include "core/base/version.hpp"

namespace ghoard::agent {

namespace {

constexpr base::Seconds rest_after{30};

std::string user_agent() {
  return std::string(github::user_agent_prefix) + std::string(base::version);
}

cache::EngineOptions engine_options(const settings::Settings& settings, const Sharing& sharing, Log& log) {
  cache::EngineOptions options;
  options.origins = settings::origin_map(settings);
  options.default_ttl = base::Seconds(settings.number("default_ttl"));
  options.user_agent = user_agent();
  options.allowed_hosts = settings.list("allowed_hosts");
  options.may_share = [&sharing](const cache::Fingerprint& token) { return sharing.may_share(token); };
  options.log = [&log](const std::string& line) { log.info(line); };
  return options;
}

}  // namespace

base::Result<std::unique_ptr<Works>> Works::create(boost::asio::io_context& loop, Configuration& configuration,
                                                   std::unique_ptr<cache::Store> store, const base::Clock& clock,
                                                   Log& log, std::function<void()> stop) {
  base::Result<TokenKeeper> tokens = TokenKeeper::create(clock);
  if (!tokens) {
    return tl::unexpected(tokens.error());
  }
  upstream::Options options;
  options.user_agent = user_agent();
  base::Result<std::unique_ptr<upstream::CurlUpstream>> upstream = upstream::CurlUpstream::create(loop, options);
  if (!upstream) {
    return tl::unexpected(upstream.error());
  }
  std::unique_ptr<Works> works(new Works(std::move(store), *std::move(tokens), clock));
  works->m_upstream = *std::move(upstream);
  works->m_sharing = std::make_unique<Sharing>(Sharing::Surroundings{loop, clock, log, configuration.paths},
                                               configuration.settings, std::move(configuration.secrets));
  configuration.settings.forget_secret("network_key");
  works->m_engine = std::make_unique<cache::Engine>(*works->m_store, *works->m_upstream, clock,
                                                    engine_options(configuration.settings, *works->m_sharing, log));
  ControlContext context{*works->m_store, works->m_engine->metrics(), works->m_engine->rates(), *works->m_sharing,
                         clock, configuration.record, [raw = works.get()] { return raw->m_server->connections(); },
                         [raw = works.get()] { raw->m_engine->forget_memory(); },
                         // From the loop: a drain within a request would come back into that request's connection.
                         [&loop, stop = std::move(stop)] { boost::asio::post(loop, stop); },
                         [raw = works.get()] { return raw->m_engine->clock_ahead(); }};
  works->m_control = std::make_unique<Control>(std::move(context));
  works->m_front = std::make_unique<Front>(*works->m_control, *works->m_engine, works->m_tokens);
  const std::string agent_header = std::string(base::version) + "; protocol=" + std::to_string(base::local_protocol);
  works->m_server = std::make_unique<server::Server>(loop, *works->m_front, server::Limits{}, agent_header);
  return works;
}

/// The overlay uses the engine, and the engine the overlay; requests that wait for peers are still answered.
Works::~Works() {
  if (m_sharing) {
    m_sharing->stop();
  }
}

void Works::tick() {
  m_engine->tick();
  m_sharing->tick();
  if (m_sharing->linked() > 0) {
    m_last_company = m_clock.mono();
  }
  m_tokens.tick();
  rest_when_idle();
}

/// An agent that nobody asks anything gives its memory back; what it kept at hand, the store still has.
void Works::rest_when_idle() {
  const bool idle = m_clock.mono() - last_activity() > rest_after;
  if (idle && !m_at_rest) {
    m_engine->forget_memory();
    ::malloc_trim(0);
  }
  m_at_rest = idle;
}

base::MonoTime Works::last_use() const {
  return std::max(last_activity(), m_last_company);
}

base::MonoTime Works::last_activity() const {
  return m_engine->flights() > 0 ? m_clock.mono() : m_server->last_activity();
}

}  // namespace ghoard::agent
