// Starting and stopping the agent. Whoever does either holds start.lock, so that parallel first calls yield one agent
// and a stop is never raced by a start.

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include "cli/link/agent_secrets.hpp"
#include "cli/link/link.hpp"
#include "cli/link/lock_holder.hpp"
#include "cli/link/probe.hpp"
#include "cli/link/processes.hpp"

namespace ghoard::link {

namespace {

using SteadyClock = std::chrono::steady_clock;
using Deadline = SteadyClock::time_point;

constexpr std::chrono::seconds ready_deadline{10};
constexpr std::chrono::seconds lock_deadline{30};
constexpr std::chrono::seconds release_deadline{40};
constexpr std::chrono::seconds signal_deadline{3};
constexpr std::size_t max_status_bytes = 4096;

enum class Waited { done, answered, timeout };

/// Tries again and again, ever more slowly, until `done` or `answered` says so. Kernel locks tell nobody when they are
/// released, so this is a poll.
Waited wait_until(Deadline deadline, const std::function<bool()>& done, const std::function<bool()>& answered) {
  int pause = 1;
  for (;;) {
    if (done()) {
      return Waited::done;
    }
    if (answered()) {
      return Waited::answered;
    }
    if (SteadyClock::now() >= deadline) {
      return Waited::timeout;
    }
    ::poll(nullptr, 0, pause);
    pause = std::min(pause * 2, 20);
  }
}

bool never() {
  return false;
}

/// True when no process holds the agent's lock. The look takes it shared for an instant; start.lock keeps starters
/// away.
bool is_released(const Program& program) {
  const Descriptor file(::open(program.paths.agent_record().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  return !file.is_open() || ::flock(file.get(), LOCK_SH | LOCK_NB) == 0;
}

base::Result<Descriptor> open_start_lock(const Program& program) {
  const base::Result<void> directory = settings::ensure_private_directory(program.paths.state);
  if (!directory) {
    return tl::unexpected(directory.error());
  }
  Descriptor lock(::open(program.paths.start_lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.is_open()) {
    return base::fail(base::ErrorCode::system, program.paths.start_lock().string() + ": " + std::strerror(errno));
  }
  return lock;
}

bool try_lock(const Descriptor& lock) {
  return ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0;
}

base::Error locked_too_long(const Program& program) {
  return {base::ErrorCode::busy, "another command has been starting or stopping the agent for too long; see " +
                                     program.paths.agent_log().string()};
}

/// The line the agent writes into the status pipe, or nothing when it ends or is late.
std::string read_status(int descriptor, Deadline deadline, bool& late) {
  std::string text;
  char buffer[256];
  while (text.find('\n') == std::string::npos && text.size() < max_status_bytes) {
    const auto left = std::chrono::ceil<base::Millis>(deadline - SteadyClock::now()).count();
    pollfd entry{descriptor, POLLIN, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready < 0 && errno == EINTR) {
      continue;
    }
    late = ready == 0;
    const ssize_t size = ready > 0 ? ::read(descriptor, buffer, sizeof buffer) : 0;
    if (size <= 0) {
      break;
    }
    text.append(buffer, static_cast<std::size_t>(size));
  }
  return text.substr(0, text.find('\n'));
}

base::Result<void> judge_status(const Program& program, std::string_view status, bool late) {
  if (status == "ready") {
    return {};
  }
  if (status.starts_with("error ")) {
    return base::fail(base::ErrorCode::unavailable, std::string(status.substr(6)));
  }
  const std::string what = late ? "the agent was not ready within 10 seconds" : "the agent ended before it was ready";
  return base::fail(late ? base::ErrorCode::timeout : base::ErrorCode::unavailable,
                    what + "; see " + program.paths.agent_log().string());
}

base::Result<void> spawn_agent(const Program& program) {
  const base::Result<std::filesystem::path> agent = find_helper(program, "ghoard-agent", "GHOARD_AGENT");
  if (!agent) {
    return tl::unexpected(agent.error());
  }
  const base::Result<Descriptor> log = open_log(program.paths.agent_log());
  if (!log) {
    return tl::unexpected(log.error());
  }
  base::Result<Descriptor> told = tell_secrets(program);
  if (!told) {
    return tl::unexpected(told.error());
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return base::fail(base::ErrorCode::system, std::string("pipe: ") + std::strerror(errno));
  }
  const Descriptor read_end(ends[0]);
  Descriptor write_end(ends[1]);
  std::vector<std::string> words{agent->string(), "run", "--status-fd", "3"};
  if (told->is_open()) {
    words.insert(words.end(), {"--secrets-fd", "4"});
  }
  const base::Result<void> spawned =
      spawn_detached(words, agent_environment(program, whole_environment()), log->get(), write_end.get(), told->get());
  if (!spawned) {
    return spawned;
  }
  write_end.close();
  bool late = false;
  const std::string status = read_status(read_end.get(), SteadyClock::now() + ready_deadline, late);
  return judge_status(program, status, late);
}

/// Under start.lock: the running agent's socket, or a new one's.
base::Result<std::string> start_locked(const Program& program) {
  std::string socket;
  const auto answered = [&] {
    const std::optional<local::AgentRecord> record = running_agent(program);
    socket = record ? record->socket : std::string();
    return record.has_value();
  };
  if (answered()) {
    return socket;
  }
  // An agent that is still draining, or that somebody is starting by hand, holds the lock.
  const Waited waited = wait_until(
      SteadyClock::now() + release_deadline, [&] { return is_released(program); }, answered);
  if (waited == Waited::answered) {
    return socket;
  }
  if (waited == Waited::timeout) {
    return base::fail(base::ErrorCode::busy, "an agent holds " + program.paths.agent_record().string() +
                                                 " but does not answer; see " + program.paths.agent_log().string());
  }
  const base::Result<void> spawned = spawn_agent(program);
  if (answered()) {
    return socket;
  }
  return spawned
             ? base::fail(base::ErrorCode::unavailable, "the agent said that it was ready but does not answer; see " +
                                                            program.paths.agent_log().string())
             : tl::unexpected(spawned.error());
}

}  // namespace

std::optional<local::AgentRecord> running_agent(const Program& program) {
  base::Result<std::optional<Contact>> contact = contact_agent(program);
  return contact && *contact ? std::optional(std::move((*contact)->record)) : std::nullopt;
}

base::Result<std::string> start_agent(const Program& program) {
  const base::Result<void> path = settings::check_socket_path(program.paths.socket());
  if (!path) {
    return tl::unexpected(path.error());
  }
  const base::Result<Descriptor> lock = open_start_lock(program);
  if (!lock) {
    return tl::unexpected(lock.error());
  }
  std::string socket;
  const Waited waited = wait_until(
      SteadyClock::now() + lock_deadline, [&] { return try_lock(*lock); },
      [&] {
        const std::optional<local::AgentRecord> record = running_agent(program);
        socket = record ? record->socket : std::string();
        return record.has_value();
      });
  if (waited == Waited::answered) {
    return socket;
  }
  return waited == Waited::done ? start_locked(program) : tl::unexpected(locked_too_long(program));
}

namespace {

/// The agent is asked to go. False: it does not answer.
base::Result<bool> ask_to_stop(Contact& contact) {
  const base::Result<local::ClientResponse> answer =
      control_request(contact.connection, "POST", "/v1/stop", {}, sign_of_life_deadline);
  if (answer && answer->status >= 300) {
    return base::fail(base::ErrorCode::refused,
                      "the agent answered " + std::to_string(answer->status) + " when asked to stop");
  }
  // An agent that was already on its way out may close without an answer.
  return answer || answer.error().code != base::ErrorCode::timeout;
}

/// Ends an agent that does not answer, provided that the kernel says the recorded process holds the lock.
base::Result<void> end_by_force(const Program& program, const local::AgentRecord& record) {
  const base::Result<LockHolder> holder = LockHolder::open(record.pid, program.paths.agent_record());
  if (!holder) {
    return base::fail(base::ErrorCode::timeout,
                      "the agent (pid " + std::to_string(record.pid) +
                          ") does not answer, and it cannot be ended from here: " + holder.error().message +
                          "; look at it, then run `kill -9 " + std::to_string(record.pid) + "`");
  }
  for (const int signal : {SIGTERM, SIGKILL}) {
    if (const base::Result<void> sent = holder->send(signal); !sent) {
      return sent;
    }
    if (wait_until(
            SteadyClock::now() + signal_deadline, [&] { return is_released(program); }, never) == Waited::done) {
      return {};
    }
  }
  return base::fail(base::ErrorCode::timeout, "the agent (pid " + std::to_string(record.pid) +
                                                  ") has not ended although it was killed; it may wait for a disk");
}

}  // namespace

base::Result<bool> stop_agent(const Program& program) {
  const base::Result<Descriptor> lock = open_start_lock(program);
  if (!lock) {
    return tl::unexpected(lock.error());
  }
  if (wait_until(
          SteadyClock::now() + lock_deadline, [&] { return try_lock(*lock); }, never) == Waited::timeout) {
    return tl::unexpected(locked_too_long(program));
  }
  const base::Result<std::optional<local::AgentRecord>> record = read_record(program);
  if (!record) {
    return tl::unexpected(record.error());
  }
  base::Result<std::optional<Contact>> contact = contact_agent(program);
  if (!contact && contact.error().code != base::ErrorCode::timeout) {
    return tl::unexpected(contact.error());
  }
  const bool ran = !contact || contact->has_value();
  if (ran) {
    const base::Result<bool> asked = contact ? ask_to_stop(**contact) : false;
    if (!asked) {
      return tl::unexpected(asked.error());
    }
    const base::Result<void> ended =
        *asked || !*record ? base::Result<void>() : end_by_force(program, contact ? (*contact)->record : **record);
    if (!ended) {
      return tl::unexpected(ended.error());
    }
    contact = std::optional<Contact>();
  }
  const Waited released = wait_until(
      SteadyClock::now() + release_deadline, [&] { return is_released(program); }, never);
  if (released == Waited::timeout) {
    return base::fail(base::ErrorCode::timeout,
                      "the agent has not ended within 40 seconds; see " + program.paths.agent_log().string());
  }
  return ran;
}

}  // namespace ghoard::link
