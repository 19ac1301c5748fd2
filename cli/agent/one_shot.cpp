#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "cli/agent/agent_lock.hpp"
#include "cli/agent/configuration.hpp"
#include "cli/agent/resident.hpp"
#include "cli/agent/unlocked_store.hpp"
#include "store/sqlite_store.hpp"

namespace ghoard::agent {

namespace {

namespace asio = boost::asio;

constexpr base::Seconds lock_patience{10};
constexpr int lock_pause_ms = 20;

/// The agent's lock; with `patience`, another process is given that long to let go of it. Kernel locks tell nobody when
/// they are released, so this is a poll.
base::Result<AgentLock> take_lock(const std::filesystem::path& file, const base::Clock& clock, base::Seconds patience) {
  const base::MonoTime deadline = clock.mono() + patience;
  for (;;) {
    base::Result<AgentLock> taken = AgentLock::take(file);
    if (taken || taken.error().code != base::ErrorCode::busy || clock.mono() >= deadline) {
      return taken;
    }
    ::poll(nullptr, 0, lock_pause_ms);
  }
}

/// A lock that exists where files can be made, and still cannot be opened, is somebody else's: nothing tells whether it
/// is held.
bool may_be_held(const std::filesystem::path& lock) {
  struct stat found {};
  return ::lstat(lock.c_str(), &found) == 0 && ::access(lock.parent_path().c_str(), W_OK) == 0;
}

/// The database under the agent's lock. While another process holds that, its database is not touched: answers are kept
/// in memory, and nothing may be written, since the marks of a write have to be in the database before it leaves.
std::unique_ptr<cache::Store> open_store(const Configuration& configuration, const base::Clock& clock, bool exclusive,
                                         std::optional<AgentLock>& lock) {
  store::StoreOptions options;
  options.max_bytes = configuration.settings.number("max_cache_size");
  if (settings::ensure_private_directory(configuration.paths.cache)) {
    base::Result<AgentLock> taken =
        take_lock(configuration.paths.agent_record(), clock, exclusive ? lock_patience : base::Seconds{0});
    if (taken) {
      lock = *std::move(taken);
    } else if (taken.error().code == base::ErrorCode::busy || may_be_held(configuration.paths.agent_record())) {
      return std::make_unique<UnlockedStore>(store::SqliteStore::in_memory(options, taken.error().message));
    }
  }
  // Where no lock can be made there is none to respect; the store itself copes with a directory it cannot use.
  return store::SqliteStore::open(configuration.paths.cache, options);
}

/// The last agent of this cache had peers: since it went they may have told each other of changes.
bool missed_changes(const std::filesystem::path& record) {
  const server::Descriptor file(::open(record.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::array<char, 8 * 1024> buffer;
  const ssize_t size = file.open() ? ::read(file.get(), buffer.data(), buffer.size()) : 0;
  const base::Result<local::AgentRecord> read =
      local::parse_agent_record({buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0});
  return read && read->overlay;
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
  base::Result<Configuration> configuration = load_configuration({});
  if (!configuration) {
    log.error(configuration.error().message);
    return 1;
  }
  std::optional<AgentLock> lock;  // outlives the store
  asio::io_context loop(1);
  base::Result<std::unique_ptr<Works>> works =
      Works::create(loop, *configuration, open_store(*configuration, clock, arguments.exclusive, lock), clock, log,
                    [&loop] { loop.stop(); });
  if (!works) {
    log.error(works.error().message);
    return 1;
  }
  if (missed_changes(configuration->paths.agent_record())) {
    (*works)->distrust_stored();
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
