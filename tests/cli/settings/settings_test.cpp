#include "cli/settings/settings.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "cli/settings/settings_file.hpp"
#include "tests/cli/home.hpp"

using namespace ghoard;
using testing::Home;

namespace {

settings::Paths paths_of(Home& home) {
  home.variables["GHOARD_HOME"] = home.root().string();
  return settings::find_paths(home.environment()).value();
}

std::string failure(Home& home, const std::map<std::string, std::string>& flags = {}) {
  const auto loaded = settings::Settings::load(paths_of(home), home.environment(), flags);
  return loaded ? "(no error)" : loaded.error().message;
}

}  // namespace

TEST_CASE("a flag beats the environment, that beats the file, and that the default") {
  Home home;
  const settings::Paths paths = paths_of(home);
  const auto load = [&](const std::map<std::string, std::string>& flags = {}) {
    return settings::Settings::load(paths, home.environment(), flags).value();
  };
  CHECK(load().number("default_ttl") == 300);
  CHECK(load().value("default_ttl").origin == "default");
  CHECK_FALSE(load().is_explicit("default_ttl"));

  home.write("config/config.toml", "# mine\ndefault_ttl = 60\n");
  CHECK(load().number("default_ttl") == 60);
  CHECK(load().value("default_ttl").origin == (home.root() / "config/config.toml").string() + ":2");

  home.variables["CACHE_DEFAULT_TTL"] = "70";
  CHECK(load().number("default_ttl") == 70);
  CHECK(load().value("default_ttl").origin == "CACHE_DEFAULT_TTL");

  home.variables["GHOARD_DEFAULT_TTL"] = "80";
  CHECK(load().value("default_ttl").origin == "GHOARD_DEFAULT_TTL");
  CHECK(load().number("default_ttl") == 80);

  CHECK(load({{"default_ttl", "2m"}}).number("default_ttl") == 120);
  CHECK(load({{"default_ttl", "2m"}}).value("default_ttl").origin == "--default-ttl");
}

TEST_CASE("set but empty means unset, in a variable, the file and a flag") {
  Home home;
  const settings::Paths paths = paths_of(home);
  home.write("config/config.toml", "default_ttl = \"\"\n");
  home.variables["GHOARD_DEFAULT_TTL"] = "";
  home.variables["CACHE_DEFAULT_TTL"] = "  ";
  const auto loaded = settings::Settings::load(paths, home.environment(), {{"default_ttl", ""}});
  REQUIRE(loaded);
  CHECK(loaded->value("default_ttl").source == settings::Source::built_in);
}

TEST_CASE("every kind of value is read from config.toml") {
  Home home;
  home.write(
      "config/config.toml",
      "enable_p2p = false\nmax_cache_size = \"1MiB\"\nlisten_port = 9105\n"
      "allowed_hosts = [\"a.example\",\n  \"b.example\"]\nidle_timeout = \"5m\"\nnetwork_name = \"lab \\\"1\\\"\"\n");
  const auto loaded = settings::Settings::load(paths_of(home), home.environment());
  REQUIRE(loaded);
  CHECK_FALSE(loaded->boolean("enable_p2p"));
  CHECK(loaded->number("max_cache_size") == 1048576);
  CHECK(loaded->number("listen_port") == 9105);
  CHECK(loaded->list("allowed_hosts") == std::vector<std::string>{"a.example", "b.example"});
  CHECK(loaded->number("idle_timeout") == 300);
  CHECK(loaded->text("network_name") == "lab \"1\"");
}

TEST_CASE("a wrong config.toml is named with its line and what to do") {
  Home home;
  const std::string file = (home.root() / "config/config.toml").string();
  home.write("config/config.toml", "default_ttl = 60\ndefualt_ttl = 70\n");
  CHECK(failure(home) == file + ":2: unknown key \"defualt_ttl\"; `ghoard config list` shows the known ones");
  home.write("config/config.toml", "\n[peers]\nx = 1\n");
  CHECK(failure(home) == file + ":2: config.toml has no tables, only lines such as `default_ttl = 300`");
  home.write("config/config.toml", "peers.x = 1\n");
  CHECK(failure(home).starts_with(file + ":1: malformed TOML: a line is KEY = VALUE"));
  home.write("config/config.toml", "\nlisten_port = 1.5\n");
  CHECK(failure(home) == file + ":2: listen_port needs a port number");
  home.write("config/config.toml", "listen_port = true\n");
  CHECK(failure(home) == file + ":1: listen_port needs a port number");
  home.write("config/config.toml", "allowed_hosts = [1]\n");
  CHECK(failure(home).starts_with(file + ":1: an array holds strings here"));
  home.write("config/config.toml", "default_ttl = 60\nlisten_port = \n");
  CHECK(failure(home).starts_with(file + ":2: malformed TOML"));
  home.write("config/config.toml", "listen_port = 70000\n");
  CHECK(failure(home).starts_with(file + ":1: \"70000\" is no port"));
  home.write("config/config.toml", std::string(1100 * 1024, '#'));
  CHECK(failure(home) == file + ": larger than 1 MiB");
}

TEST_CASE("a wrong variable or flag is named, and a secret is not shown") {
  Home home;
  home.variables["GHOARD_ENABLE_P2P"] = "perhaps";
  CHECK(failure(home) == "GHOARD_ENABLE_P2P: \"perhaps\" is no boolean: use true or false");
  home.variables.clear();
  home.variables["GHOARD_NETWORK_KEY"] = "s3cret\x01";
  CHECK(failure(home).find("s3cret") == std::string::npos);
  CHECK(failure(home).find("GHOARD_NETWORK_KEY") != std::string::npos);
  home.variables.clear();
  CHECK(failure(home, {{"listen_port", "x"}}).starts_with("--listen-port: "));
}

TEST_CASE("paths are GHOARD_HOME's four or XDG's") {
  Home home;
  const settings::Paths own = paths_of(home);
  CHECK(own.config == home.root() / "config");
  CHECK(own.cache == home.root() / "cache");
  CHECK(own.state == home.root() / "state");
  CHECK(own.run == home.root() / "run");
  CHECK(own.socket() == home.root() / "run/agent.sock");

  const std::filesystem::path user = home.root() / "user";
  home.variables = {{"HOME", user.string()}, {"XDG_RUNTIME_DIR", home.root().string()}};
  const settings::Paths xdg = settings::find_paths(home.environment()).value();
  CHECK(xdg.config == user / ".config/ghoard");
  CHECK(xdg.cache == user / ".cache/ghoard");
  CHECK(xdg.state == user / ".local/state/ghoard");
  CHECK(xdg.run == home.root() / "ghoard");

  home.variables["XDG_CONFIG_HOME"] = (home.root() / "c").string();
  home.variables["XDG_STATE_HOME"] = "relative";  // does not count
  CHECK(settings::find_paths(home.environment())->config == home.root() / "c/ghoard");
  CHECK(settings::find_paths(home.environment())->state == user / ".local/state/ghoard");

  home.variables["XDG_RUNTIME_DIR"] = "relative";
  CHECK(settings::find_paths(home.environment())->run != "relative/ghoard");
  home.variables["XDG_RUNTIME_DIR"] = home.root() / "absent";
  CHECK(settings::find_paths(home.environment())->run != home.root() / "absent/ghoard");
}

TEST_CASE("without HOME the error names what to set") {
  Home home;
  const auto paths = settings::find_paths(home.environment());
  REQUIRE_FALSE(paths);
  CHECK(paths.error().message.find("GHOARD_HOME") != std::string::npos);
}

TEST_CASE("a socket path that does not fit sockaddr_un is refused with the fix") {
  CHECK(settings::check_socket_path("/" + std::string(106, 'a')));
  const auto result = settings::check_socket_path("/" + std::string(107, 'a'));
  REQUIRE_FALSE(result);
  CHECK(result.error().message.find("GHOARD_HOME") != std::string::npos);
}

TEST_CASE("a private directory is made 0700 and one that others may write is refused") {
  Home home;
  const auto mode = [](const std::filesystem::path& path) {
    struct stat status {};
    ::stat(path.c_str(), &status);
    return status.st_mode & 0777;
  };
  CHECK(settings::ensure_private_directory(home.root() / "a/b"));
  CHECK(mode(home.root() / "a/b") == 0700);
  CHECK(mode(home.root() / "a") == 0700);
  ::chmod((home.root() / "a/b").c_str(), 0770);
  CHECK_FALSE(settings::ensure_private_directory(home.root() / "a/b"));
  home.write("file", "x");
  CHECK_FALSE(settings::ensure_private_directory(home.root() / "file"));
  CHECK_FALSE(settings::ensure_private_directory(home.root() / "file/below"));
}

TEST_CASE("storing a setting keeps the rest of the file") {
  Home home;
  const settings::Paths paths = paths_of(home);
  CHECK(settings::store_setting(paths, "default_ttl", "2m"));
  CHECK(home.read("config/config.toml") == "default_ttl = 120\n");
  home.write("config/config.toml",
             "# caf\xc3\xa9\nallowed_hosts = [ \"a\",\n  \"b\" ] # two\ndefault_ttl = 60 # a minute\nno_spawn=true");
  CHECK(settings::store_setting(paths, "default_ttl", "90"));
  CHECK(settings::store_setting(paths, "allowed_hosts", "c, d"));
  CHECK(settings::store_setting(paths, "network_name", "a \"b\" \\c"));
  CHECK(settings::store_setting(paths, "no_spawn", ""));
  CHECK(home.read("config/config.toml") ==
        "# caf\xc3\xa9\nallowed_hosts = \"c,d\" # two\ndefault_ttl = 90 # a minute\nno_spawn=\"\"\n"
        "network_name = \"a \\\"b\\\" \\\\c\"\n");
  struct stat status {};
  ::stat(paths.config_file().c_str(), &status);
  CHECK((status.st_mode & 0777) == 0600);
  const auto loaded = settings::Settings::load(paths, home.environment());
  REQUIRE(loaded);
  CHECK(loaded->text("network_name") == "a \"b\" \\c");
}

TEST_CASE("storing refuses unknown keys, wrong values and a file it cannot read, and leaves the file alone") {
  Home home;
  const settings::Paths paths = paths_of(home);
  home.write("config/config.toml", "default_ttl = 60\n");
  CHECK_FALSE(settings::store_setting(paths, "nonsense", "1"));
  CHECK_FALSE(settings::store_setting(paths, "listen_port", "abc"));
  CHECK(home.read("config/config.toml") == "default_ttl = 60\n");
  home.write("config/config.toml", "default_ttl = \n");
  CHECK_FALSE(settings::store_setting(paths, "listen_port", "1"));
  CHECK(home.read("config/config.toml") == "default_ttl = \n");
}

TEST_CASE("the record's hash tells which explicit settings differ, and nothing of a secret's value") {
  Home home;
  const settings::Paths paths = paths_of(home);
  const auto load = [&] { return settings::Settings::load(paths, home.environment()).value(); };
  const std::string plain = load().fixed_hash();
  CHECK(load().differing(plain).empty());

  home.variables["GHOARD_DEFAULT_TTL"] = "60";
  CHECK(load().differing(plain) == std::vector<std::string_view>{"default_ttl"});
  CHECK(load().differing(load().fixed_hash()).empty());
  // The agent's own differs, but nobody here asked for anything.
  const std::string other = load().fixed_hash();
  home.variables.erase("GHOARD_DEFAULT_TTL");
  CHECK(load().differing(other).empty());
  CHECK(load().differing("").empty());
  CHECK(load().differing(",,:,default_ttl").empty());

  home.variables["GHOARD_NETWORK_KEY"] = "one";
  const std::string one = load().fixed_hash();
  home.variables["GHOARD_NETWORK_KEY"] = "two";
  CHECK(load().fixed_hash() == one);
  CHECK(load().differing(plain) == std::vector<std::string_view>{"network_key"});
  home.variables["GHOARD_NO_SPAWN"] = "1";  // is not fixed at start
  CHECK(load().fixed_hash() == one);
}

TEST_CASE("the server that stands for github.com comes from api_url") {
  Home home;
  const settings::Paths paths = paths_of(home);
  CHECK(settings::origin_map(settings::Settings::load(paths, home.environment()).value()).github_api.url() ==
        "https://api.github.com");
  home.variables["GHOARD_API_URL"] = "http://127.0.0.1:8080/base/";
  const github::OriginMap map = settings::origin_map(settings::Settings::load(paths, home.environment()).value());
  CHECK(map.github_api.url() == "http://127.0.0.1:8080");
  CHECK(map.github_prefix == "/base");
}

TEST_CASE("a FIFO in the place of config.toml is refused at once instead of being waited for") {
  const testing::Home home;
  const std::filesystem::path file = home.root() / "config.toml";
  REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
  CHECK(settings::read_settings_file(file).error().message == file.string() + " is no regular file");
}
