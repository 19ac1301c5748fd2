#include <doctest/doctest.h>
#include <sys/stat.h>

#include "cli/link/gh.hpp"
#include "cli/link/link.hpp"
#include "tests/cli/agent_home.hpp"

using namespace ghoard;
using namespace std::chrono_literals;
using link::Credentials;
using testing::Home;

namespace {

struct GhHome : Home {
  GhHome() { variables["GH_CONFIG_DIR"] = (root() / "gh").string(); }

  Credentials find(std::string_view host, bool known = false) const {
    link::Program program;
    program.environment = environment();
    return link::find_credentials(program, host, known).value();
  }
  std::string token(std::string_view host, bool known = false) const { return find(host, known).token; }
};

}  // namespace

TEST_CASE("gh's host of an API origin is what hosts.yml calls it") {
  const auto of = [](std::string host, std::uint16_t port = 443) {
    return link::gh_host_of({"https", std::move(host), port});
  };
  CHECK(of("api.github.com") == "github.com");
  CHECK(of("uploads.github.com") == "github.com");
  CHECK(of("github.com") == "github.com");
  CHECK(of("api.github.localhost") == "github.localhost");
  CHECK(of("api.octo.ghe.com") == "octo.ghe.com");
  CHECK(of("octo.ghe.com") == "octo.ghe.com");
  CHECK(of("ghe.example") == "ghe.example");
  CHECK(of("ghe.example", 8443) == "ghe.example:8443");
  CHECK(of("api.github.com.evil.example") == "api.github.com.evil.example");
  CHECK(of("evilgithub.com") == "evilgithub.com");
}

TEST_CASE("tokens are looked up in gh's order: GH_TOKEN, GITHUB_TOKEN, hosts.yml") {
  GhHome home;
  CHECK(home.find("github.com").kind == Credentials::Kind::none);
  home.write("gh/hosts.yml", "github.com:\n    user: mona\n    oauth_token: gho_file\n");
  CHECK(home.token("github.com") == "gho_file");
  home.variables["GITHUB_TOKEN"] = "second";
  CHECK(home.token("github.com") == "second");
  home.variables["GH_TOKEN"] = " first ";
  CHECK(home.token("github.com") == "first");
  CHECK(home.token("octo.ghe.com") == "first");
  home.variables["GH_TOKEN"] = "";
  CHECK(home.token("github.com") == "second");
}

TEST_CASE("a host without a token in hosts.yml is asked of gh") {
  GhHome home;
  home.write("gh/hosts.yml", "github.com:\n  user: mona\nghe.example:\n");
  CHECK(home.find("github.com").kind == Credentials::Kind::from_gh);
  CHECK(home.find("GHE.example").kind == Credentials::Kind::from_gh);
  CHECK(home.find("other.example").kind == Credentials::Kind::none);
}

TEST_CASE("an Enterprise token of the environment never goes to a host that nobody named") {
  GhHome home;
  home.variables["GH_ENTERPRISE_TOKEN"] = "ent";
  home.variables["GH_TOKEN"] = "hub";
  CHECK(home.find("evil.example").kind == Credentials::Kind::none);
  CHECK(home.token("evil.example", true) == "ent");  // --hostname
  home.variables["GH_HOST"] = "ghe.example";
  CHECK(home.token("ghe.example") == "ent");
  CHECK(home.find("evil.example").kind == Credentials::Kind::none);
  home.variables.erase("GH_HOST");
  home.write("gh/hosts.yml", "listed.example:\n  oauth_token: filed\n");
  CHECK(home.token("listed.example") == "ent");
  CHECK(home.find("evil.example").kind == Credentials::Kind::none);
  home.variables.erase("GH_ENTERPRISE_TOKEN");
  CHECK(home.token("listed.example") == "filed");
  home.variables["GITHUB_ENTERPRISE_TOKEN"] = "ent2";
  CHECK(home.token("listed.example") == "ent2");
}

TEST_CASE("a token that could split a header is refused without being shown") {
  GhHome home;
  link::Program program;
  program.environment = home.environment();
  for (const char* token : {"s3cret\r\nX: y", "s3c ret", "s3cret\xff"}) {
    home.variables["GH_TOKEN"] = token;
    const auto found = link::find_credentials(program, "github.com", false);
    REQUIRE_FALSE(found);
    CHECK(found.error().message.find("s3c") == std::string::npos);
  }
  home.variables.erase("GH_TOKEN");
  home.write("gh/hosts.yml", "github.com:\n  oauth_token: \"s3cret\\nx\"\n");
  const auto found = link::find_credentials(program, "github.com", false);
  REQUIRE_FALSE(found);
  CHECK(found.error().message.find("s3c") == std::string::npos);
}

TEST_CASE("gh's configuration directory is GH_CONFIG_DIR, XDG's, or below HOME") {
  Home home;
  CHECK_FALSE(link::gh_config_directory(home.environment()));
  home.variables["HOME"] = "/h";
  CHECK(link::gh_config_directory(home.environment()).value() == "/h/.config/gh");
  home.variables["XDG_CONFIG_HOME"] = "/x";
  CHECK(link::gh_config_directory(home.environment()).value() == "/x/gh");
  home.variables["GH_CONFIG_DIR"] = "/g";
  CHECK(link::gh_config_directory(home.environment()).value() == "/g");
}

TEST_CASE("the sole host is told only when there is one") {
  GhHome home;
  link::Program program;
  program.environment = home.environment();
  CHECK_FALSE(link::sole_gh_host(program).value().has_value());
  home.write("gh/hosts.yml", "ghe.example:\n  user: x\n");
  CHECK(link::sole_gh_host(program).value() == "ghe.example");
  home.write("gh/hosts.yml", "ghe.example:\n  user: x\ngithub.com:\n  user: y\n");
  CHECK_FALSE(link::sole_gh_host(program).value().has_value());
  home.write("gh/hosts.yml", "a: [b\n");
  CHECK_FALSE(link::sole_gh_host(program).has_value());
}

TEST_CASE("hosts.yml is read as gh writes it, several users included") {
  const auto hosts = link::parse_hosts_yml(
      "github.com:\n    git_protocol: https\n    users:\n        mona:\n            oauth_token: inner\n"
      "        hubot:\n            oauth_token: inner2\n    oauth_token: outer\n    user: mona\n"
      "GHE.Example:\n    list: [oauth_token, x]\n    user: x\n");
  REQUIRE(hosts);
  REQUIRE(hosts->size() == 2);
  CHECK(hosts->at(0).oauth_token == "outer");
  CHECK(hosts->at(0).user == "mona");
  CHECK(hosts->at(1).name == "ghe.example");
  CHECK(hosts->at(1).oauth_token == "");
  CHECK(link::parse_hosts_yml("").value().empty());
  CHECK(link::parse_hosts_yml("# nobody\n").value().empty());
  CHECK(link::parse_hosts_yml("{}\n").value().empty());
}

TEST_CASE("a hosts.yml that is something else is an error that shows none of it") {
  for (const char* text : {"- s3cret\n", "s3cret\n", "a: [s3cret]\n", "a: {b: s3cret\n", "? [s3cret]\n: b\n",
                           "a: \"s3cret\n", "\"\": s3cret\n"}) {
    CAPTURE(text);
    const auto hosts = link::parse_hosts_yml(text);
    REQUIRE_FALSE(hosts);
    CHECK(hosts.error().message.find("s3cret") == std::string::npos);
  }
  std::string deep = "a: {b: ";
  for (int i = 0; i < 40; ++i) {
    deep += "[";
  }
  CHECK_FALSE(link::parse_hosts_yml(deep));
  std::string many;
  for (int i = 0; i < 300; ++i) {
    many += "h" + std::to_string(i) + ":\n";
  }
  CHECK_FALSE(link::parse_hosts_yml(many));
  CHECK_FALSE(link::parse_hosts_yml(std::string(1100 * 1024, '#')));
}

TEST_CASE("gh is asked for the host's token, with its output trimmed and bounded") {
  testing::AgentHome home;
  const auto ask = [&](base::Millis deadline = 5000ms) {
    return link::ask_gh_for_token(home.environment(), "ghe.example", deadline);
  };
  CHECK_FALSE(ask());  // there is no gh
  home.script("gh", "[ \"$*\" = 'auth token --hostname ghe.example' ] && echo \" tok \"\n");
  CHECK(ask() == "tok");
  home.script("gh", "echo tok; exit 1\n");
  CHECK_FALSE(ask());
  home.script("gh", "echo two words\n");
  CHECK_FALSE(ask());
  home.script("gh", ":\n");
  CHECK_FALSE(ask());
  home.script("gh", "exec /bin/cat /dev/zero\n");
  CHECK_FALSE(ask());
  home.script("gh", "exec /bin/sleep 100\n");
  CHECK_FALSE(ask(50ms));
}

TEST_CASE("a FIFO in the place of gh's hosts.yml is refused at once instead of being waited for") {
  testing::Home home;
  home.variables["GH_CONFIG_DIR"] = home.root().string();
  const std::filesystem::path file = home.root() / "hosts.yml";
  REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
  CHECK(link::read_gh_hosts(home.environment()).error().message == file.string() + " is no regular file");
}
