#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands/doctor.hpp"
#include "cli/commands/examine_network.hpp"
#include "cli/commands/report.hpp"
#include "cli/link/gh.hpp"
#include "cli/link/link.hpp"
#include "cli/link/probe.hpp"
#include "cli/link/processes.hpp"
#include "core/base/version.hpp"

namespace ghoard::commands {

namespace fs = std::filesystem;

namespace {

Check check_helper(const link::Program& program, const char* name, const char* variable, const char* without) {
  const base::Result<fs::path> helper = link::find_helper(program, name, variable);
  if (helper) {
    return {name, true, helper->string(), {}};
  }
  return {name, false, helper.error().message, without};
}

Check check_settings_file(const link::Program& program) {
  if (program.problem) {
    return {"settings", false, program.problem->message, "correct that line or variable"};
  }
  const bool exists = ::access(program.paths.config_file().c_str(), F_OK) == 0;
  return {"settings",
          true,
          program.paths.config_file().string() + (exists ? " is valid" : " does not exist; defaults"),
          {}};
}

constexpr const char* another_home = "choose another directory with GHOARD_HOME";

/// What is absent is made when it is needed, if its nearest ancestor that is there lets us.
Check check_absent(const char* name, const fs::path& directory) {
  fs::path ancestor = directory.parent_path();
  while (::access(ancestor.c_str(), F_OK) != 0 && errno == ENOENT && ancestor != ancestor.parent_path()) {
    ancestor = ancestor.parent_path();
  }
  if (::faccessat(AT_FDCWD, ancestor.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return {
        name, false,
        directory.string() + " does not exist and cannot be made: " + ancestor.string() + ": " + std::strerror(errno),
        another_home};
  }
  return {name, true, directory.string() + " does not exist yet", {}};
}

Check check_directory(const char* name, const fs::path& directory) {
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) {
    return errno == ENOENT ? check_absent(name, directory)
                           : Check{name, false, directory.string() + ": " + std::strerror(errno), another_home};
  }
  if (!S_ISDIR(status.st_mode)) {
    return {name, false, directory.string() + " is no directory", another_home};
  }
  if (status.st_uid != ::geteuid()) {
    return {name, false, directory.string() + " belongs to another user", another_home};
  }
  if ((status.st_mode & 0077) != 0) {
    return {name, false, directory.string() + " is open to other users", "run `chmod 700 " + directory.string() + "`"};
  }
  if (::access(directory.c_str(), W_OK | X_OK) != 0) {
    return {name, false, directory.string() + " cannot be written", "run `chmod 700 " + directory.string() + "`"};
  }
  return {name, true, directory.string(), {}};
}

/// Databases that were moved aside as damaged or of a later version (ARCHITECTURE.md, "The database").
void check_set_aside(const fs::path& cache, std::vector<Check>& checks) {
  constexpr int most = 10'000;
  std::set<std::string> names;
  std::error_code failure;
  int seen = 0;
  for (fs::directory_iterator entry(cache, failure); !failure && entry != fs::directory_iterator() && seen < most;
       entry.increment(failure), ++seen) {
    const std::string name = entry->path().filename().string();
    const bool is_log = name.ends_with("-wal") || name.ends_with("-shm");
    if ((name.starts_with("cache.db.corrupt-") || name.starts_with("cache.db.schema-")) && !is_log) {
      names.insert(name);
    }
  }
  for (const std::string& name : names) {
    const bool damaged = name.starts_with("cache.db.corrupt-");
    checks.push_back({"old database", true,
                      (cache / name).string() +
                          " was moved aside: " + (damaged ? "it was damaged" : "it is of a later version of ghoard"),
                      "remove it once nobody needs it"});
  }
}

Check check_socket(const link::Program& program) {
  const base::Result<void> length = settings::check_socket_path(program.paths.socket());
  if (!length) {
    return {"socket", false, length.error().message, "set GHOARD_HOME or XDG_RUNTIME_DIR to a shorter directory"};
  }
  return {"socket", true, program.paths.socket().string(), {}};
}

/// GitHub's clock tells more than ours can know of itself.
Check check_clock(const Json& status) {
  constexpr long long tolerance = 600;
  const long long ahead = number_in(status, "clock_ahead_seconds");
  if (ahead > tolerance || ahead < -tolerance) {
    return {"clock against GitHub", false,
            "it is " + format_seconds(ahead > 0 ? ahead : -ahead) + (ahead > 0 ? " ahead" : " behind"),
            "set the system's clock"};
  }
  return {"clock against GitHub", true, "agrees, as far as an answer told", {}};
}

void check_agent(const link::Program& program, std::vector<Check>& checks) {
  if (const base::Result<std::optional<local::AgentRecord>> readable = link::read_record(program); !readable) {
    checks.push_back({"agent", false, "its record cannot be read: " + readable.error().message,
                      "make that file yours, remove it, or " + std::string(another_home)});
    return;
  }
  const base::Result<std::optional<link::Contact>> contact = link::contact_agent(program);
  if (!contact) {
    checks.push_back({"agent", false, contact.error().message, "run `ghoard agent restart`"});
    return;
  }
  const local::AgentRecord* record = *contact ? &(*contact)->record : nullptr;
  if (record == nullptr) {
    checks.push_back({"agent", true, "none runs; the next `api` starts one if it needs one", {}});
    check_network_settings(program.settings, checks);
    return;
  }
  const std::string who = "version " + record->version + " runs (pid " + std::to_string(record->pid) + ")";
  if (record->protocol != base::local_protocol) {
    checks.push_back({"agent", false, who + ", which speaks another protocol", "run `ghoard agent restart`"});
    return;
  }
  checks.push_back({"agent", true, who + (record->version == base::version ? "" : ", another version"), {}});
  if (const std::optional<std::string> other = link::other_server(program, *record)) {
    checks.push_back({"agent settings", false, "it " + *other, "run `ghoard agent restart`"});
  } else if (const std::optional<std::string> others = link::other_settings(program, *record)) {
    checks.push_back({"agent settings", false, "it " + *others, "run `ghoard agent restart`"});
  }
  const base::Result<std::optional<Json>> status = ask_running_agent(program, "/v1/status");
  if (!status || !*status) {
    checks.push_back({"agent status", false, status ? "it went away" : status.error().message,
                      "run `ghoard agent logs` and `ghoard agent restart`"});
    return;
  }
  checks.push_back({"agent status", true, "it answers, and asks " + text_in(**status, "api_url"), {}});
  checks.push_back(check_clock(**status));
  if (const base::Result<std::optional<Json>> network = ask_running_agent(program, "/v1/network");
      network && *network) {
    const base::Result<std::optional<Json>> peers = ask_running_agent(program, "/v1/peers");
    check_network(**network, peers && *peers ? **peers : Json::object(), checks);
  }
  const std::string degraded = text_in(**status, "degraded");
  checks.push_back(degraded.empty()
                       ? Check{"database", true, "answers are kept on disk", {}}
                       : Check{"database", false, "answers are kept in memory only: " + degraded,
                               "make " + program.paths.cache.string() + " writable, then `ghoard agent restart`"});
}

/// The last lines of the log that speak of errors.
Check check_log(const link::Program& program) {
  constexpr off_t tail = 16 * 1024;
  const link::Descriptor log(::open(program.paths.agent_log().c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!log.is_open() || ::fstat(log.get(), &status) != 0) {
    return {"log", true, "there is none yet", {}};
  }
  std::array<char, tail> buffer;
  const off_t from = status.st_size > tail ? status.st_size - tail : 0;
  const ssize_t size = ::pread(log.get(), buffer.data(), buffer.size(), from);
  std::string_view text(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  std::string last;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    last = line.find("error") != std::string_view::npos ? std::string(line.substr(0, 200)) : last;
  }
  if (last.empty()) {
    return {"log", true, "no errors in " + program.paths.agent_log().string(), {}};
  }
  for (char& c : last) {
    c = static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return {"log", true, "the latest error: " + last, "`ghoard agent logs` shows the rest"};
}

/// Which variable or file has the token for github.com; never the token.
Check check_token(const link::Program& program) {
  const base::Result<link::Credentials> found = link::find_credentials(program, "github.com", false);
  if (!found) {
    return {"token", false, found.error().message, "correct it, or run `gh auth login`"};
  }
  switch (found->kind) {
    case link::Credentials::Kind::none:
      return {"token", true, "none for github.com: reads go out anonymously, with 60 calls an hour",
              "run `gh auth login`, or set GH_TOKEN"};
    case link::Credentials::Kind::from_gh: return {"token", true, "gh keeps the one for github.com in its keyring", {}};
    case link::Credentials::Kind::token: break;
  }
  for (const char* name : {"GH_TOKEN", "GITHUB_TOKEN"}) {
    if (!program.environment(name).value_or(std::string()).empty()) {
      return {"token", true, std::string("the one for github.com is in ") + name, {}};
    }
  }
  return {"token", true, "the one for github.com is in gh's hosts.yml", {}};
}

Check check_clock() {
  using std::chrono::sys_days;
  using std::chrono::year;
  const auto now = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  if (now < sys_days{year{2025} / 1 / 1} || now > sys_days{year{2100} / 1 / 1}) {
    return {"clock", false, "it cannot be right, so nothing can be judged fresh", "set the system's clock"};
  }
  return {"clock", true, "plausible", {}};
}

Check check_proxies(const link::Program& program) {
  std::string set;
  for (const char* name :
       {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"}) {
    // The values may hold passwords.
    if (!program.environment(name).value_or(std::string()).empty()) {
      set += set.empty() ? name : std::string(", ") + name;
    }
  }
  return {"proxies", true, set.empty() ? "none" : set + " set; an agent keeps those it was started with", {}};
}

}  // namespace

std::vector<Check> examine(const link::Program& program) {
  std::vector<Check> checks;
  checks.push_back(check_helper(program, "ghoard-agent", "GHOARD_AGENT", "install all of ghoard's programs together"));
  checks.push_back(check_helper(program, "ghoard-jq", "", "install it; only `api -q` needs it"));
  checks.push_back(check_settings_file(program));
  if (!program.paths.state.empty()) {
    checks.push_back(check_directory("configuration directory", program.paths.config));
    checks.push_back(check_directory("cache directory", program.paths.cache));
    check_set_aside(program.paths.cache, checks);
    checks.push_back(check_directory("state directory", program.paths.state));
    checks.push_back(check_directory("run directory", program.paths.run));
    checks.push_back(check_socket(program));
  }
  if (!program.problem) {
    check_agent(program, checks);
  }
  if (!program.paths.state.empty()) {
    checks.push_back(check_log(program));
  }
  checks.push_back(check_token(program));
  checks.push_back(check_clock());
  checks.push_back(check_proxies(program));
  return checks;
}

}  // namespace ghoard::commands
