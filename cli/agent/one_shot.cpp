#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <signal.h>
#include <utility>

#include "cli/agent/agent_lock.hpp"
#include "cli/agent/configuration.hpp"
#include "cli/agent/resident.hpp"
#include "store/sqlite_store.hpp"

namespace ghoard::agent {

namespace {

namespace asio = boost::asio;

/// The database under the agent's lock; one in memory when another agent holds that.
std::unique_ptr<cache::Store> open_store(const Configuration& configuration, std::optional<AgentLock>& lock) {
  store::StoreOptions options;
  options.max_bytes = configuration.settings.number("max_cache_size");
  const base::Result<void> made = settings::ensure_private_directory(configuration.paths.state);
  if (!made) {
    return store::SqliteStore::in_memory(options, made.error().message);
  }
  base::Result<AgentLock> taken = AgentLock::take(configuration.paths.agent_record());
  if (!taken) {
    return store::SqliteStore::in_memory(options, taken.error().message);
  }
  lock = *std::move(taken);
  return store::SqliteStore::open(configuration.paths.cache, options);
}

/// Ticks once a second for as long as the loop runs.
void keep_ticking(asio::steady_timer& timer, Works& works) {
  timer.expires_after(base::Seconds{1});
  timer.async_wait([&timer, &works](const boost::system::error_code& failure) {
    if (!failure) {
      works.tick();
      keep_ticking(timer, works);
    }
  });
}

}  // namespace

int run_one_shot(const Arguments& arguments, const base::Clock& clock, Log& log) {
  const base::Result<Configuration> configuration = load_configuration();
  if (!configuration) {
    log.error(configuration.error().message);
    return 1;
  }
  std::optional<AgentLock> lock;  // outlives the store
  asio::io_context loop(1);
  base::Result<std::unique_ptr<Works>> works =
      Works::create(loop, *configuration, open_store(*configuration, lock), clock, log, [&loop] { loop.stop(); });
  if (!works) {
    log.error(works.error().message);
    return 1;
  }
  if (base::Result<void> serving = (*works)->server().serve(arguments.one_shot_fd, [&loop] { loop.stop(); });
      !serving) {
    log.error(serving.error().message);
    return 1;
  }
  asio::signal_set signals(loop, SIGTERM, SIGINT, SIGHUP);
  signals.async_wait([&loop](const boost::system::error_code&, int) { loop.stop(); });
  asio::steady_timer timer(loop);
  keep_ticking(timer, **works);
  loop.run();
  (*works)->flush();
  return 0;
}

}  // namespace ghoard::agent
