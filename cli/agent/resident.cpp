#include "cli/agent/resident.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fcntl.h>
#include <optional>
#include <signal.h>
#include <string>
#include <unistd.h>
#include <utility>

#include "cli/agent/agent_lock.hpp"
#include "cli/agent/configuration.hpp"
#include "cli/agent/local_listener.hpp"
#include "cli/agent/secrets_pipe.hpp"
#include "cli/agent/status_pipe.hpp"
#include "store/sqlite_store.hpp"

namespace ghoard::agent {

namespace {

namespace asio = boost::asio;

constexpr base::Millis drain_grace{5'000};
constexpr base::Seconds tick_interval{1};

/// The resident agent between its start and its exit.
class Resident {
 public:
  Resident(const base::Clock& clock, Log& log, bool foreground)
      : m_clock(clock),
        m_log(log),
        m_foreground(foreground),
        m_signals(m_loop, SIGTERM, SIGINT, SIGHUP),
        m_timer(m_loop) {}

  base::Result<void> start(local::StartSecrets secrets);
  void run() { m_loop.run(); }

 private:
  base::Result<void> make_directories();
  void watch_signals();
  void on_signal(int number);
  void reopen_log();
  void reload();
  void schedule_tick();
  void tick();
  void drain(const std::string& why);
  void finish();

  const base::Clock& m_clock;
  Log& m_log;
  const bool m_foreground;
  std::optional<Configuration> m_configuration;
  std::optional<AgentLock> m_lock;  // released last
  asio::io_context m_loop{1};
  asio::signal_set m_signals;
  asio::steady_timer m_timer;
  std::unique_ptr<Works> m_works;
  std::optional<LocalListener> m_listener;
  base::Seconds m_idle_timeout{0};
  bool m_logs_to_file = false;
  bool m_draining = false;
};

base::Result<void> Resident::make_directories() {
  for (const std::filesystem::path& directory :
       {m_configuration->paths.cache, m_configuration->paths.state, m_configuration->paths.run}) {
    if (base::Result<void> made = settings::ensure_private_directory(directory); !made) {
      return made;
    }
  }
  return {};
}

base::Result<void> Resident::start(local::StartSecrets secrets) {
  base::Result<Configuration> configuration = load_configuration(std::move(secrets));
  if (!configuration) {
    return tl::unexpected(configuration.error());
  }
  m_configuration = *std::move(configuration);
  const settings::Paths& paths = m_configuration->paths;
  if (base::Result<void> made = make_directories(); !made) {
    return made;
  }
  base::Result<AgentLock> lock = AgentLock::take(paths.agent_record());
  if (!lock) {
    return tl::unexpected(lock.error());
  }
  m_lock = *std::move(lock);
  base::Result<LocalListener> listener = LocalListener::bind(paths.socket());
  if (!listener) {
    return tl::unexpected(listener.error());
  }
  m_listener = *std::move(listener);
  store::StoreOptions options;
  options.max_bytes = m_configuration->settings.number("max_cache_size");
  options.notice = [this](const std::string& line) { m_log.warning(line); };
  std::unique_ptr<store::SqliteStore> store = store::SqliteStore::open(paths.cache, options);
  if (const std::string reason = store->degraded(); !reason.empty()) {
    m_log.warning("nothing is kept on disk: " + reason);
  }
  base::Result<std::unique_ptr<Works>> works = Works::create(m_loop, *m_configuration, std::move(store), m_clock, m_log,
                                                             [this] { drain("a client asked for it"); });
  if (!works) {
    m_listener->remove();
    return tl::unexpected(works.error());
  }
  m_works = *std::move(works);
  // Peers are heard of only when the loop runs: the record says before that that there may be some.
  m_works->share();
  m_configuration->record.overlay = m_works->sharing().is_on();
  base::Result<void> listening = m_works->server().listen(m_listener->release());
  if (listening) {
    listening = m_lock->write(m_configuration->record);
  }
  if (!listening) {
    m_listener->remove();
    return listening;
  }
  m_idle_timeout = base::Seconds(m_configuration->settings.number("idle_timeout"));
  m_logs_to_file = is_same_file(STDERR_FILENO, paths.agent_log());
  watch_signals();
  schedule_tick();
  m_log.info("agent " + m_configuration->record.version + " listens on " + paths.socket().string());
  return {};
}

void Resident::watch_signals() {
  m_signals.async_wait([this](const boost::system::error_code& failure, int number) {
    if (!failure) {
      watch_signals();
      on_signal(number);
    }
  });
}

void Resident::on_signal(int number) {
  if (number == SIGHUP && !m_foreground) {
    reopen_log();
    reload();
    return;
  }
  if (m_draining) {
    m_log.info("signal " + std::to_string(number) + " again: exiting at once");
    finish();
    return;
  }
  drain("signal " + std::to_string(number));
}

/// After the log file was moved away. Whatever else stderr is (a terminal, a service manager's pipe) stays.
void Resident::reopen_log() {
  if (!m_logs_to_file) {
    return;
  }
  const server::Descriptor log(
      ::open(m_configuration->paths.agent_log().c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (log.open()) {
    ::dup2(log.get(), STDERR_FILENO);
    m_log.info("log reopened");
  }
}

/// Network keys and denied peers, as config.toml has them now. All else stays as it was at the start.
void Resident::reload() {
  if (m_draining) {
    return;
  }
  base::Result<Configuration> fresh = load_configuration({});
  if (!fresh) {
    m_log.warning("nothing is read again: " + fresh.error().message);
    return;
  }
  Sharing& sharing = m_works->sharing();
  sharing.reload(fresh->settings);
  fresh->settings.forget_secret("network_key");
  local::AgentRecord& record = m_configuration->record;
  record.overlay = sharing.is_on();
  record.settings = sharing.settings().fixed_hash();
  if (const base::Result<void> written = m_lock->write(record); !written) {
    m_log.warning("the agent's record cannot be written, doing without peers: " + written.error().message);
    sharing.stop();
  }
}

void Resident::schedule_tick() {
  m_timer.expires_after(tick_interval);
  m_timer.async_wait([this](const boost::system::error_code& failure) {
    if (!failure) {
      schedule_tick();
      tick();
    }
  });
}

void Resident::tick() {
  m_works->tick();
  if (m_draining) {
    return;
  }
  if (!m_listener->still_ours()) {
    drain("its socket is gone");
  } else if (!m_lock->still_ours()) {
    drain("its lock file is gone");
  } else if (m_idle_timeout.count() > 0 && m_clock.mono() - m_works->last_use() > m_idle_timeout) {
    drain("no requests and no peers for " + std::to_string(m_idle_timeout.count()) + " seconds");
  }
}

/// Takes no new clients from here on, so that they need not find that out by themselves; finishes what is under way.
void Resident::drain(const std::string& why) {
  if (std::exchange(m_draining, true)) {
    return;
  }
  m_log.info("draining: " + why);
  m_listener->remove();
  // At once: who owns keys hands them over, and requests under way go upstream by themselves.
  m_works->sharing().stop();
  m_works->server().drain(drain_grace, [this] { finish(); });
}

void Resident::finish() {
  m_works->flush();
  m_log.info("agent ends");
  m_loop.stop();
}

/// The environment's, too, are taken, so that nobody finds them there.
base::Result<local::StartSecrets> take_secrets(const Arguments& arguments) {
  base::Result<local::StartSecrets> secrets = take_environment_secrets();
  if (!secrets || arguments.secrets_fd < 0) {
    return secrets;
  }
  server::Descriptor own(arguments.secrets_fd == arguments.status_fd ? -1 : arguments.secrets_fd);
  return read_start_secrets(arguments.secrets_fd);
}

}  // namespace

int run_resident(const Arguments& arguments, const base::Clock& clock, Log& log) {
  base::Result<local::StartSecrets> secrets = take_secrets(arguments);
  StatusPipe status(arguments.status_fd);
  Resident resident(clock, log, arguments.foreground);
  if (base::Result<void> started =
          secrets ? resident.start(*std::move(secrets)) : base::Result<void>(tl::unexpected(secrets.error()));
      !started) {
    log.error(started.error().message);
    status.error(started.error().message);
    return 1;
  }
  status.ready();
  resident.run();
  return 0;
}

}  // namespace ghoard::agent
