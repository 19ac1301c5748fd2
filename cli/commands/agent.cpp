#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cli/commands/parse.hpp"
#include "cli/commands/report.hpp"
#include "cli/link/agent_secrets.hpp"
#include "cli/link/descriptor.hpp"
#include "cli/link/link.hpp"
#include "cli/link/probe.hpp"
#include "cli/link/processes.hpp"

namespace ghoard::commands {

namespace {

using Flags = std::map<std::string, std::string>;

/// What `status` tells. The record alone answers for an agent that does not speak as this version does.
Json status_of(const link::Program& program, const local::AgentRecord& record) {
  Json document = Json::object();
  document["pid"] = record.pid;
  document["version"] = record.version;
  document["protocol"] = record.protocol;
  document["socket"] = record.socket;
  document["peer_id"] = "";
  document["listen"] = Json::array();
  document["api_url"] = record.api_url;
  document["overlay"] = record.overlay ? "on" : "off";
  document["overlay_reason"] = "";
  const base::Result<std::optional<Json>> answer = ask_running_agent(program, "/v1/status");
  if (answer && *answer) {
    document.update(**answer);
  }
  return document;
}

std::string format(const Json& status) {
  std::string text = "agent " + text_in(status, "version") + " runs\n";
  const auto add = [&](const char* name, const std::string& value) {
    text += "  " + std::string(name) + std::string(12 - std::string_view(name).size(), ' ') + value + "\n";
  };
  add("pid", std::to_string(number_in(status, "pid")));
  add("socket", text_in(status, "socket"));
  add("asks", text_in(status, "api_url"));
  if (text_in(status, "overlay") == "on") {
    for (const std::string& address : texts_in(status, "listen")) {
      add("peers at", address);
    }
  } else {
    add("no peers", text_in(status, "overlay_reason"));
  }
  add("running for", format_seconds(number_in(status, "uptime_seconds")));
  add("connections", std::to_string(number_in(status, "connections")));
  const std::string degraded = text_in(status, "degraded");
  add("cache", degraded.empty() ? "kept on disk" : "in memory only: " + degraded);
  return text;
}

int report(const link::Program& program, const local::AgentRecord& record, bool json) {
  const Json status = status_of(program, record);
  return json ? print_json(program, status) : print_text(program, format(status));
}

/// For those that start an agent, which would not start with wrong settings.
base::Result<link::Program> with_flags(const link::Program& program, const Flags& flags) {
  if (program.problem) {
    return tl::unexpected(*program.problem);
  }
  link::Program changed = program;
  if (!flags.empty()) {
    base::Result<settings::Settings> settings = settings::Settings::load(program.paths, program.environment, flags);
    if (!settings) {
      return tl::unexpected(settings.error());
    }
    changed.settings = std::move(*settings);
  }
  return changed;
}

int start_and_report(const link::Program& program, bool json) {
  const base::Result<std::optional<link::Contact>> contact = link::contact_compatible_agent(program);
  if (!contact) {
    return print_failure(program, contact.error());
  }
  if (*contact) {
    if (const base::Result<void> same = link::check_settings(program, (*contact)->record); !same) {
      return print_failure(program, same.error());
    }
    return report(program, (*contact)->record, json);
  }
  const base::Result<std::string> started = link::start_agent(program);
  if (!started) {
    return print_failure(program, started.error());
  }
  const std::optional<local::AgentRecord> record = link::running_agent(program);
  if (!record) {
    print_error(program, "the agent ended right after its start; see " + program.paths.agent_log().string());
    return link::exit_failure;
  }
  return report(program, *record, json);
}

int start(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "agent start", "Starts an agent unless one runs, and returns once it is ready.");
  bool json = false;
  Flags flags;
  line.add_json_flag(json);
  line.add_setting_flags(flags);
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  const base::Result<link::Program> changed = with_flags(program, flags);
  return changed ? start_and_report(*changed, json) : print_failure(program, changed.error());
}

int restart(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "agent restart", "Stops the running agent, if there is one, and starts a new one.");
  bool json = false;
  Flags flags;
  line.add_json_flag(json);
  line.add_setting_flags(flags);
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  const base::Result<link::Program> changed = with_flags(program, flags);
  if (!changed) {
    return print_failure(program, changed.error());
  }
  const base::Result<bool> stopped = link::stop_agent(*changed);
  return stopped ? start_and_report(*changed, json) : print_failure(program, stopped.error());
}

int stop(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "agent stop", "Asks the running agent to finish and to go, and waits until it has.");
  bool json = false;
  line.add_json_flag(json);
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  const base::Result<bool> stopped = link::stop_agent(program);
  if (!stopped) {
    return print_failure(program, stopped.error());
  }
  if (json) {
    return print_json(program, Json{{"stopped", *stopped}});
  }
  return print_text(program, *stopped ? "the agent has stopped\n" : "no agent runs\n");
}

int status(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "agent status", "Tells about the running agent; exits 1 when none runs.");
  bool json = false;
  line.add_json_flag(json);
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  if (const base::Result<std::optional<local::AgentRecord>> readable = link::read_record(program); !readable) {
    print_error(program, "the agent's record cannot be read: " + readable.error().message,
                "run `ghoard doctor` to see what is wrong");
    return link::exit_failure;
  }
  base::Result<std::optional<link::Contact>> contact = link::contact_agent(program);
  if (contact && *contact) {
    const base::Result<void> alive = link::check_alive((*contact)->connection, (*contact)->record);
    return alive ? report(program, (*contact)->record, json) : print_failure(program, alive.error());
  }
  if (!contact) {
    return print_failure(program, contact.error());
  }
  print_error(program, "no agent runs");
  return link::exit_failure;
}

/// Becomes the agent, in the foreground: for service managers and for looking at it.
int run(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "agent run", "Runs an agent in the foreground.");
  Flags flags;
  line.add_setting_flags(flags);
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  const base::Result<link::Program> changed = with_flags(program, flags);
  if (!changed) {
    return print_failure(program, changed.error());
  }
  const base::Result<std::filesystem::path> agent = link::find_helper(program, "ghoard-agent", "GHOARD_AGENT");
  if (!agent) {
    return print_failure(program, agent.error());
  }
  std::vector<std::string> words{agent->string(), "run"};
  if (::isatty(STDIN_FILENO) == 1) {
    words.emplace_back("--foreground");  // a closed terminal ends it; elsewhere a hang-up re-reads keys
  }
  const base::Result<link::Descriptor> told = link::tell_secrets(*changed);
  if (!told) {
    return print_failure(program, told.error());
  }
  if (told->is_open()) {
    words.insert(words.end(), {"--secrets-fd", std::to_string(told->get())});
    ::fcntl(told->get(), F_SETFD, 0);
  }
  return print_failure(program,
                       link::replace_process(words, link::agent_environment(*changed, link::whole_environment())));
}

/// Copies what the log has, and then what is added until somebody interrupts.
int copy_log(const link::Program& program, const link::Descriptor& log, bool follow) {
  const link::Descriptor watch(follow ? ::inotify_init1(IN_CLOEXEC) : -1);
  if (follow) {
    ::inotify_add_watch(watch.get(), program.paths.agent_log().c_str(), IN_MODIFY | IN_MOVE_SELF | IN_DELETE_SELF);
  }
  std::array<char, 16 * 1024> buffer;
  for (;;) {
    const ssize_t size = ::read(log.get(), buffer.data(), buffer.size());
    if (size > 0) {
      if (!link::write_out(program, {buffer.data(), static_cast<std::size_t>(size)})) {
        return link::exit_failure;
      }
      continue;
    }
    if (size < 0 && errno != EINTR) {
      print_error(program, program.paths.agent_log().string() + ": " + std::strerror(errno));
      return link::exit_failure;
    }
    if (!follow || ::read(watch.get(), buffer.data(), buffer.size()) <= 0) {
      return link::exit_ok;
    }
  }
}

int logs(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "agent logs", "Prints the agent's log.");
  bool follow = false;
  line.add_flag("-f,--follow", follow, "go on printing what is added");
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  const std::filesystem::path file = program.paths.agent_log();
  const link::Descriptor log(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (log.is_open()) {
    return copy_log(program, log, follow);
  }
  print_error(program,
              errno == ENOENT ? "there is no log yet: " + file.string() : file.string() + ": " + std::strerror(errno));
  return link::exit_failure;
}

constexpr std::array<link::Command, 6> group{
    {{"start", "start an agent unless one runs; returns once it is ready", start},
     {"stop", "ask the agent to go, and wait until it has", stop},
     {"restart", "stop and start", restart},
     {"status", "what runs; exits 1 when nothing does", status},
     {"run", "run an agent in the foreground", run},
     {"logs", "print the agent's log", logs}}};

}  // namespace

int run_agent(const link::Program& program, Arguments arguments) {
  // A wrong config.toml must not keep anybody from looking at the agent or stopping it: paths are enough for that.
  const bool asks_for_help = std::find_if(arguments.begin(), arguments.end(), [](const std::string& word) {
                               return word == "-h" || word == "--help" || word == "help";
                             }) != arguments.end();
  if (program.problem && program.paths.state.empty() && !asks_for_help) {
    return print_failure(program, *program.problem);
  }
  return run_group(program, "agent", group, arguments);
}

}  // namespace ghoard::commands
