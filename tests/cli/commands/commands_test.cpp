#include "cli/commands/commands.hpp"

#include <array>
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands/doctor.hpp"
#include "cli/commands/endpoint.hpp"
#include "cli/commands/report.hpp"
#include "core/base/version.hpp"
#include "core/peer/network_key.hpp"
#include "store/sqlite_store.hpp"
#include "tests/cli/agent_home.hpp"
#include "tests/cli/run_command.hpp"

using namespace ghoard;
using nlohmann::json;
using testing::AgentHome;
using testing::Ran;

namespace {

Ran run(const AgentHome& home, link::CommandFunction command, const std::vector<std::string>& arguments,
        const std::string& input = {}) {
  return testing::run_command(home, home.program(), command, arguments, input);
}

std::set<std::string> keys(const json& object) {
  std::set<std::string> result;
  for (const auto& [key, value] : object.items()) {
    result.insert(key);
  }
  return result;
}

void put_entry(const AgentHome& home) {
  const auto request =
      github::canonicalise("GET", "/repos/octo/cat?state=open", http::Headers{{"Host", "api.github.com"}}, {});
  REQUIRE(request);
  cache::Entry entry;
  entry.response.body = std::make_shared<const std::string>("[]");
  entry.response.fetched_at = std::chrono::floor<base::Millis>(std::chrono::system_clock::now());
  entry.response.lifetime = base::Seconds{300};
  entry.grant = {request->credential.fingerprint, entry.response.fetched_at, ""};
  REQUIRE(store::SqliteStore::open(home.root() / "cache", {})->put(request->resource, request->key, entry));
}

const std::set<std::string> stats_keys{"since",
                                       "requests",
                                       "hits",
                                       "peer_hits",
                                       "coalesced",
                                       "revalidated",
                                       "misses",
                                       "bypassed",
                                       "errors",
                                       "stale_served",
                                       "api_calls_made",
                                       "api_calls_saved",
                                       "upstream_requests",
                                       "connected_peers",
                                       "evictions",
                                       "cache_entries",
                                       "cache_bytes",
                                       "leases"};

}  // namespace

TEST_CASE("agent start returns once it is ready and says what status says; status exits 1 when none runs") {
  AgentHome home;
  const Ran none = run(home, commands::run_agent, {"status", "--json"});
  CHECK(none.code == 1);
  CHECK(none.out == "");
  CHECK(none.err == "ghoard: no agent runs\n");
  const Ran started = run(home, commands::run_agent, {"start", "--json"});
  REQUIRE(started.code == 0);
  const json status = json::parse(started.out);
  for (const char* key : {"pid", "version", "socket", "peer_id", "listen"}) {
    CHECK(status.contains(key));
  }
  CHECK(status["socket"] == (home.root() / "run/agent.sock").string());
  CHECK(status["peer_id"] == "");
  CHECK(status["listen"] == json::array());
  CHECK(run(home, commands::run_agent, {"status", "--json"}).out == started.out);
  CHECK(run(home, commands::run_agent, {"status"}).out.find("agent fake runs\n") == 0);
  CHECK(run(home, commands::run_agent, {"start"}).code == 0);
  CHECK(home.starts() == 1);
}

TEST_CASE("agent stop and restart wait for the lock") {
  AgentHome home;
  CHECK(run(home, commands::run_agent, {"stop"}).out == "no agent runs\n");
  const json first = json::parse(run(home, commands::run_agent, {"restart", "--json"}).out);
  const json second = json::parse(run(home, commands::run_agent, {"restart", "--json"}).out);
  CHECK(first["pid"] != second["pid"]);
  CHECK(json::parse(run(home, commands::run_agent, {"stop", "--json"}).out)["stopped"] == true);
  CHECK(run(home, commands::run_agent, {"status"}).code == 1);
}

TEST_CASE("flags of agent start reach the agent, and a running one with another server is named") {
  AgentHome home;
  const Ran started = run(home, commands::run_agent, {"start", "--json", "--api-url", "http://127.0.0.1:1/"});
  REQUIRE(started.code == 0);
  CHECK(json::parse(started.out)["api_url"] == "http://127.0.0.1:1");
  const Ran other = run(home, commands::run_agent, {"start", "--api-url=https://api.github.com"});
  CHECK(other.code == 1);
  CHECK(other.err.find("--api-url says https://api.github.com; run `ghoard agent restart`") != std::string::npos);
  CHECK(run(home, commands::run_agent, {"restart", "--default-ttl", "1m"}).code == 0);
  CHECK(home.read("state/environment").find("GHOARD_DEFAULT_TTL=60\n") != std::string::npos);
  const Ran wrong = run(home, commands::run_agent, {"start", "--listen-port", "x"});
  CHECK(wrong.code == 1);
  CHECK(wrong.err == "ghoard: --listen-port: \"x\" is no port: use a number from 0 to 65535\n");
}

TEST_CASE("agent start passes the agent's own error on") {
  AgentHome home;
  home.write("state/fake", "error");
  const Ran failed = run(home, commands::run_agent, {"start", "--json"});
  CHECK(failed.code == 1);
  CHECK(failed.out == "");
  CHECK(failed.err == "ghoard: the fake was told to fail\n");
}

TEST_CASE("agent logs prints the log, or says that there is none") {
  AgentHome home;
  CHECK(run(home, commands::run_agent, {"logs"}).code == 1);
  home.write("state/agent.log", "one\ntwo\n");
  CHECK(run(home, commands::run_agent, {"logs"}).out == "one\ntwo\n");
}

TEST_CASE("stats, rate and cache ls exit 0 with the same keys whether an agent runs or not") {
  AgentHome home;
  put_entry(home);
  const Ran stats = run(home, commands::run_stats, {"--json"});
  CHECK(stats.code == 0);
  CHECK(keys(json::parse(stats.out)) == stats_keys);
  CHECK(json::parse(stats.out)["cache_entries"] == 1);
  CHECK(json::parse(stats.out)["cache_bytes"] > 0);
  CHECK(run(home, commands::run_stats, {}).out.starts_with("no agent runs"));
  CHECK(json::parse(run(home, commands::run_rate, {"--json"}).out) == json{{"rate", json::array()}});
  const Ran listed = run(home, commands::run_cache, {"ls", "--json"});
  REQUIRE(listed.code == 0);
  const json line = json::parse(listed.out)["entries"][0];
  CHECK(keys(line) == std::set<std::string>{"host", "path", "query", "status", "bytes", "age", "ttl", "last_used",
                                            "must_revalidate", "grants", "etag_class", "accept"});
  CHECK(line["path"] == "/repos/octo/cat");
  CHECK(line["query"] == "state=open");
  CHECK(line["bytes"] == 2);
  CHECK(run(home, commands::run_cache, {"ls"}).out.find("api.github.com/repos/octo/cat?state=open") !=
        std::string::npos);
  CHECK(json::parse(run(home, commands::run_cache, {"ls", "--json", "repos/OCTO/cat"}).out)["entries"].size() == 1);
  CHECK(json::parse(run(home, commands::run_cache, {"ls", "--json", "repos/octo/dog"}).out)["entries"].empty());

  REQUIRE(run(home, commands::run_agent, {"start"}).code == 0);
  CHECK(json::parse(run(home, commands::run_stats, {"--json"}).out)["requests"] == 7);
  CHECK(run(home, commands::run_stats, {}).out.find("API calls saved     7 (100 % of the requests)") !=
        std::string::npos);
  CHECK(json::parse(run(home, commands::run_rate, {"--json"}).out)["rate"].size() == 1);
  CHECK(run(home, commands::run_rate, {}).out.find("4999") != std::string::npos);
  CHECK(run(home, commands::run_cache, {"ls", "-L", "5", "/repos/o/r?b=1&a=2"}).out == "the cache is empty\n");
  CHECK(home.read("state/listed") ==
        "/v1/cache?limit=5&host=api.github.com&path=%2Frepos%2Fo%2Fr&query=a%3D2%26b%3D1\n");
}

TEST_CASE("cache rm and clear go to the agent, and to a one-shot one where none may be started") {
  AgentHome home;
  const Ran removed = run(home, commands::run_cache, {"rm", "--json", "repos/o/r", "/user?x=1"});
  REQUIRE(removed.code == 0);
  CHECK(json::parse(removed.out)["removed"] == 4);
  CHECK(home.read("state/removed") ==
        "/v1/cache/remove {\"host\":\"api.github.com\",\"path\":\"/repos/o/r\"}\n"
        "/v1/cache/remove {\"host\":\"api.github.com\",\"path\":\"/user\",\"query\":\"x=1\"}\n");
  CHECK(run(home, commands::run_agent, {"stop"}).code == 0);
  home.variables["GHOARD_NO_SPAWN"] = "1";
  CHECK(run(home, commands::run_cache, {"clear"}).out == "removed 2 entries\n");
  CHECK(home.read("state/starts").ends_with(" one-shot\n"));
  CHECK(run(home, commands::run_cache, {"rm"}).code == 1);
}

TEST_CASE("an endpoint selects what api would ask for") {
  AgentHome home;
  const auto select = [&](std::string_view endpoint, std::string_view host = {}) {
    return commands::select_endpoint(home.program(), endpoint, host).value();
  };
  CHECK(select("user").host == "api.github.com");
  CHECK(select("/Repos/O/R").path == select("/Repos/O/R").path);
  CHECK_FALSE(select("user").query.has_value());
  CHECK(select("repos/o/r/issues?page=1").query == "");
  CHECK(select("https://api.github.com/user").path == "/user");
  CHECK(select("user", "ghe.example").host == "ghe.example");
  CHECK(select("user", "ghe.example").path == "/api/v3/user");
  CHECK(select("user", "octo.ghe.com").host == "api.octo.ghe.com");
  home.variables["GH_REPO"] = "octo/cat";
  CHECK(select("repos/{owner}/{repo}").path == "/repos/octo/cat");
  CHECK(select("repos/:owner/:repo/pulls").path == "/repos/octo/cat/pulls");
  CHECK(commands::select_host(home.program(), "nope.example")->host == "nope.example");
  CHECK_FALSE(commands::select_host(home.program(), "nope.example")->path.has_value());
  home.write(".config/gh/hosts.yml", "sole.example:\n  oauth_token: t\n");
  CHECK(select("user").host == "sole.example");
  std::filesystem::remove(home.root() / ".config/gh/hosts.yml");
  home.variables["GHOARD_API_URL"] = "http://127.0.0.1:8080";
  CHECK(select("user").host == "127.0.0.1:8080");
  CHECK(select("http://127.0.0.1:8080/user").path == "/user");
  CHECK_FALSE(commands::select_endpoint(home.program(), "ftp://x/y", ""));
}

TEST_CASE("config shows every setting with its origin, and never a secret") {
  AgentHome home;
  home.variables["GHOARD_NETWORK_KEY"] = "s3cret";
  home.variables["CACHE_DEFAULT_TTL"] = "9";
  const Ran listed = run(home, commands::run_config, {"list", "--json"});
  const json document = json::parse(listed.out);
  CHECK(document.size() == settings::table().size());
  CHECK(document["default_ttl"] == json{{"value", "9"}, {"source", "environment"}, {"origin", "CACHE_DEFAULT_TTL"}});
  CHECK(document["network_key"]["value"] == "(set)");
  CHECK(document["api_url"]["source"] == "default");
  CHECK((listed.out + run(home, commands::run_config, {"list"}).out).find("s3cret") == std::string::npos);
  CHECK(run(home, commands::run_config, {"get", "network_key"}).out == "(set)\n");
  CHECK(run(home, commands::run_config, {"get", "default_ttl"}).out == "9\n");
  CHECK(run(home, commands::run_config, {"get", "nonsense"}).code == 1);
  CHECK(run(home, commands::run_config, {"path"}).out == (home.root() / "config/config.toml").string() + "\n");
}

TEST_CASE("config set writes config.toml, from an argument or standard input") {
  AgentHome home;
  const std::string key = peer::make_network_key(std::array<std::uint8_t, 32>{1});
  CHECK(run(home, commands::run_config, {"set", "no_spawn", "yes"}).code == 0);
  CHECK(run(home, commands::run_config, {"set", "network_key", "-"}, key + "\n").code == 0);
  CHECK(home.read("config/config.toml") == "no_spawn = true\nnetwork_key = \"" + key + "\"\n");
  const Ran guessable = run(home, commands::run_config, {"set", "network_key", "k3y"});
  CHECK(guessable.code == 1);
  CHECK(guessable.err.find("k3y") == std::string::npos);
  const Ran wrong = run(home, commands::run_config, {"set", "listen_port", "abc"});
  CHECK(wrong.code == 1);
  CHECK(wrong.err == "ghoard: listen_port: \"abc\" is no port: use a number from 0 to 65535\n");
}

TEST_CASE("version and completion print what they are asked for") {
  AgentHome home;
  CHECK(run(home, commands::run_version, {}).out == "ghoard version " + std::string(base::version) + "\n");
  CHECK(json::parse(run(home, commands::run_version, {"--json"}).out)["protocol"] == base::local_protocol);
  for (const auto& [shell, file] :
       {std::pair("bash", "ghoard.bash"), std::pair("zsh", "_ghoard"), std::pair("fish", "ghoard.fish")}) {
    std::ifstream stream(std::string(GHOARD_SOURCE_DIR) + "/completions/" + file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    CHECK(run(home, commands::run_completion, {shell}).out == text);
  }
  CHECK(run(home, commands::run_completion, {"tcsh"}).code == 1);
  CHECK(run(home, commands::run_completion, {}).code == 1);
}

TEST_CASE("a wrong flag gives its message, a blank line and the usage, and exits 1") {
  AgentHome home;
  for (const link::CommandFunction command :
       {commands::run_stats, commands::run_rate, commands::run_version, commands::run_doctor}) {
    const Ran ran = run(home, command, {"--nonsense"});
    CHECK(ran.code == 1);
    CHECK(ran.out == "");
    CHECK(ran.err.starts_with("ghoard: "));
    CHECK(ran.err.find("--nonsense\n\n") != std::string::npos);
    CHECK(ran.err.find("Usage: ghoard ") != std::string::npos);
  }
  CHECK(run(home, commands::run_stats, {"extra"}).code == 1);
  CHECK(run(home, commands::run_stats, {"--help"}).code == 0);
  CHECK(run(home, commands::run_cache, {}).code == 1);
  CHECK(run(home, commands::run_cache, {"nonsense"}).err.starts_with("ghoard: unknown command \"nonsense\""));
  CHECK(run(home, commands::run_cache, {"--help"}).out.starts_with("usage: ghoard cache COMMAND"));
}

TEST_CASE("doctor finds what is wrong, says what to do and never shows a token") {
  AgentHome home;
  home.variables["GH_TOKEN"] = "s3cret";
  home.variables["HTTPS_PROXY"] = "http://u:s3cret@p";
  home.script("ghoard-jq", "");
  home.script("ghoard-agent", "");
  link::Program program = home.program();
  program.directory = home.root() / "bin";
  const auto find = [&](const std::string& name) {
    for (const commands::Check& check : commands::examine(program)) {
      CHECK((check.detail + check.fix).find("s3cret") == std::string::npos);
      if (check.name == name) {
        return check;
      }
    }
    return commands::Check{name, false, "(not looked at)", ""};
  };
  for (const commands::Check& check : commands::examine(program)) {
    CAPTURE(check.name);
    CAPTURE(check.detail);
    CHECK(check.ok);
  }
  CHECK(find("token").detail == "the one for github.com is in GH_TOKEN");
  CHECK(find("proxies").detail.starts_with("HTTPS_PROXY"));

  ::chmod((home.root() / "state").c_str(), 0755);
  CHECK_FALSE(find("state directory").ok);
  ::chmod((home.root() / "state").c_str(), 0700);
  home.write("state/agent.log", "fine\nerror: it broke\n");
  CHECK(find("log").detail == "the latest error: error: it broke");
  program.directory = home.root();
  home.variables.erase("GHOARD_AGENT");
  CHECK_FALSE(find("ghoard-agent").ok);
  CHECK_FALSE(find("ghoard-jq").ok);
  home.variables["GH_TOKEN"] = "two words";
  CHECK_FALSE(find("token").ok);
  program.problem = base::Error{base::ErrorCode::invalid_input, "config.toml:1: wrong"};
  CHECK(find("settings").detail == "config.toml:1: wrong");
}

TEST_CASE("doctor tells a degraded agent and one with other settings, and exits 1") {
  AgentHome home;
  home.write("state/fake", "degraded");
  REQUIRE(run(home, commands::run_agent, {"start"}).code == 0);
  home.variables["GHOARD_DEFAULT_TTL"] = "77";
  const Ran ran = run(home, commands::run_doctor, {"--json"});
  CHECK(ran.code == 1);
  const json document = json::parse(ran.out);
  CHECK(document["ok"] == false);
  std::set<std::string> problems;
  for (const json& check : document["checks"]) {
    CHECK(keys(check) == std::set<std::string>{"name", "ok", "detail", "fix"});
    if (check["ok"] == false) {
      problems.insert(check["name"]);
    }
  }
  CHECK(problems.contains("database"));
  CHECK(problems.contains("agent settings"));
  const std::string text = run(home, commands::run_doctor, {}).out;
  CHECK(text.find("problem  database") != std::string::npos);
  CHECK(text.find("agent settings: it was started with other settings (default_ttl)\n") != std::string::npos);
}

TEST_CASE("gh runs with a configuration of ours that names the socket and links to the real hosts") {
  AgentHome home;
  home.script("gh",
              "echo \"$GH_CONFIG_DIR\"; /bin/cat \"$GH_CONFIG_DIR/config.yml\"; echo --; "
              "/bin/cat \"$GH_CONFIG_DIR/hosts.yml\"; echo \"args: $*\"; exit 7\n");
  home.write(".config/gh/config.yml", "version: 1\nhttp_unix_socket: /old\nprompt: disabled\n");
  home.write(".config/gh/hosts.yml", "github.com:\n  oauth_token: t0ken\n");
  const Ran ran = run(home, commands::run_gh, {"pr", "list", "--limit", "3"});
  CHECK(ran.code == 7);
  const std::string directory = ran.out.substr(0, ran.out.find('\n'));
  CHECK(directory.starts_with((home.root() / "run/gh-").string()));
  CHECK(ran.out.substr(directory.size() + 1) ==
        "version: 1\nprompt: disabled\nhttp_unix_socket: \"" + (home.root() / "run/agent.sock").string() +
            "\"\n--\ngithub.com:\n  oauth_token: t0ken\nargs: pr list --limit 3\n");
  CHECK(home.starts() == 1);
  CHECK(std::filesystem::is_symlink(directory + "/hosts.yml"));
  struct stat status {};
  ::stat(directory.c_str(), &status);
  CHECK((status.st_mode & 0777) == 0700);
}

TEST_CASE("gh auth works on gh's real configuration and needs no agent") {
  AgentHome home;
  home.script("gh", "echo \"[$GH_CONFIG_DIR]\"\n");
  for (const char* word : {"auth", "config", "alias"}) {
    CHECK(run(home, commands::run_gh, {word, "x"}).out == "[]\n");
  }
  CHECK(home.starts() == 0);
  home.variables["GHOARD_NO_SPAWN"] = "1";
  CHECK(run(home, commands::run_gh, {"pr", "list"}).code == 1);
  home.variables["PATH"] = "/absent";
  CHECK(run(home, commands::run_gh, {"pr"}).err.starts_with("ghoard: gh is not in PATH"));
}

TEST_CASE("numbers are written for people") {
  CHECK(commands::format_bytes(1023) == "1023 B");
  CHECK(commands::format_bytes(4096) == "4.0 KiB");
  CHECK(commands::format_bytes(536870912) == "512.0 MiB");
  CHECK(commands::format_seconds(119) == "119 s");
  CHECK(commands::format_seconds(-600) == "-10 min");
  CHECK(commands::format_seconds(7200) == "2 h");
  CHECK(commands::format_seconds(172800) == "2 d");
  CHECK(commands::format_table({{"A", "BB"}, {"caf\xc3\xa9", "x\x1b"}}) == "A     BB\ncaf\xc3\xa9  x?\n");
}

namespace {

const commands::Check& check_named(const std::vector<commands::Check>& checks, const std::string& name) {
  const auto found =
      std::find_if(checks.begin(), checks.end(), [&](const commands::Check& check) { return check.name == name; });
  REQUIRE(found != checks.end());
  return *found;
}

}  // namespace

TEST_CASE("status and doctor say that the agent's record cannot be read") {
  AgentHome home;
  std::filesystem::create_directories(home.root() / "cache");
  std::filesystem::create_symlink("agent.lock", home.root() / "cache/agent.lock");
  const Ran status = run(home, commands::run_agent, {"status"});
  CHECK(status.code == 1);
  CHECK(status.err.starts_with("ghoard: the agent's record cannot be read: " + home.root().string()));
  const std::vector<commands::Check> checks = commands::examine(home.program());
  CHECK_FALSE(check_named(checks, "agent").ok);
  std::filesystem::remove(home.root() / "cache/agent.lock");
}

TEST_CASE("doctor tells a directory that is not there yet from one that can never be") {
  AgentHome home;
  CHECK(check_named(commands::examine(home.program()), "cache directory").ok);
  link::Program nowhere = home.program();
  nowhere.paths.cache = "/dev/null/cache";
  CHECK_FALSE(check_named(commands::examine(nowhere), "cache directory").ok);
  nowhere.paths.cache = "/dev/null";
  CHECK(check_named(commands::examine(nowhere), "cache directory").detail == "/dev/null is no directory");
  nowhere.paths.cache = "/ghoard-absent/cache";
  constexpr uid_t nobody = 65534;
  const uid_t before = ::geteuid();
  const bool dropped = before != 0 || ::seteuid(nobody) == 0;  // root may write anywhere
  const std::vector<commands::Check> checks = commands::examine(nowhere);
  REQUIRE(::seteuid(before) == 0);
  REQUIRE(dropped);
  CHECK(check_named(checks, "cache directory").detail ==
        "/ghoard-absent/cache does not exist and cannot be made: /: Permission denied");
}

TEST_CASE("cache ls --hostname lists that host's answers and no others") {
  AgentHome home;
  put_entry(home);
  const auto listed = [&](const std::string& host) {
    return json::parse(run(home, commands::run_cache, {"ls", "--json", "--hostname", host}).out)["entries"].size();
  };
  CHECK(listed("nope.example") == 0);
  CHECK(listed("github.com") == 1);
}

TEST_CASE("doctor lists databases that were moved aside, as no problem") {
  AgentHome home;
  home.write("cache/cache.db.corrupt-1", "x");
  home.write("cache/cache.db.corrupt-1-wal", "x");
  home.write("cache/cache.db.schema-9", "x");
  std::filesystem::permissions(home.root() / "cache", std::filesystem::perms::owner_all);
  std::vector<std::string> notes;
  for (const commands::Check& check : commands::examine(home.program())) {
    if (check.name == "old database") {
      CHECK(check.ok);
      notes.push_back(check.detail);
    }
  }
  const std::string directory = (home.root() / "cache").string();
  CHECK(notes ==
        std::vector<std::string>{directory + "/cache.db.corrupt-1 was moved aside: it was damaged",
                                 directory + "/cache.db.schema-9 was moved aside: it is of a later version of ghoard"});
}
