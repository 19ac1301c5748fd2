#include "cli/link/link.hpp"

#include <chrono>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/link/direct_read.hpp"
#include "cli/link/gh.hpp"
#include "store/sqlite_store.hpp"
#include "tests/cli/agent_home.hpp"

using namespace ghoard;
using link::ApiCall;
using link::Spawn;
using nlohmann::json;
using testing::AgentHome;

namespace {

struct Got {
  int heads = 0;
  std::string body;
  base::Result<link::Answer> answer = base::fail(base::ErrorCode::system, "not asked");

  [[nodiscard]] json echo() const { return json::parse(body); }
};

Got send(link::Link& link, const ApiCall& call) {
  Got got;
  got.answer = link.call(
      call, [&](const link::Answer&) { ++got.heads; },
      [&](std::string_view bytes) {
        got.body += bytes;
        return true;
      });
  return got;
}

ApiCall make(std::string target = "/user", std::string method = "GET") {
  ApiCall call;
  call.method = std::move(method);
  call.origin.host = "api.github.com";
  call.target = std::move(target);
  return call;
}

/// An overlay is asked for, so that the database is not read directly.
void want_overlay(AgentHome& home) {
  home.variables["GHOARD_LISTEN_PORT"] = "0";
  home.variables["GHOARD_NETWORK_KEY"] = "told";  // else gh is asked for a token to make one from
}

base::WallTime now() {
  return std::chrono::floor<base::Millis>(std::chrono::system_clock::now());
}

/// Puts a fresh answer for GET /user into the database, granted to `token`.
void put_answer(const AgentHome& home, const std::string& token, base::Seconds age = base::Seconds{1},
                bool unverified = false) {
  http::Headers headers{{"Host", "api.github.com"}};
  if (!token.empty()) {
    headers.add("Authorization", "token " + token);
  }
  const auto request = github::canonicalise("GET", "/user", headers, {});
  REQUIRE(request);
  cache::Entry entry;
  entry.response.headers.add("Content-Type", "application/json");
  entry.response.body = std::make_shared<const std::string>("{\"login\":\"mona\"}");
  entry.response.fetched_at = now() - age;
  entry.response.lifetime = base::Seconds{300};
  entry.grant = {request->credential.fingerprint, now() - age, "\"abc\"", unverified};
  const auto store = store::SqliteStore::open(home.root() / "cache", {});
  REQUIRE(store->put(request->resource, request->key, entry));
}

}  // namespace

TEST_CASE("a call starts an agent, which later calls use, over one connection") {
  AgentHome home;
  want_overlay(home);
  home.variables["GH_TOKEN"] = "tok";
  const link::Program program = home.program();
  link::Link link(program, Spawn::allowed);
  const Got first = send(link, make("/repos/o/r?x=1"));
  REQUIRE(first.answer);
  CHECK(first.heads == 1);
  CHECK(first.answer->status == 200);
  CHECK(first.echo()["host"] == "api.github.com");
  CHECK(first.echo()["target"] == "/repos/o/r?x=1");
  CHECK(first.echo()["authorization"] == "token tok");
  CHECK(send(link, make()).echo()["pid"] == first.echo()["pid"]);
  link::Link other(program, Spawn::forbidden);  // a running agent is still used
  CHECK(send(other, make()).echo()["pid"] == first.echo()["pid"]);
  CHECK(home.starts() == 1);
}

TEST_CASE("credentials of the caller's own are left alone, and none are sent where none are wanted") {
  AgentHome home;
  want_overlay(home);
  home.variables["GH_TOKEN"] = "tok";
  const link::Program program = home.program();
  link::Link link(program, Spawn::allowed);
  ApiCall own = make();
  own.headers.add("authorization", "Basic xyz");
  CHECK(send(link, own).echo()["authorization"] == "Basic xyz");
  ApiCall empty = make();
  empty.headers.add("Authorization", "");
  CHECK(send(link, empty).echo()["authorization"] == "token tok");
  ApiCall none = make();
  none.authorise = false;
  none.origin.host = "objects.example";
  CHECK(send(link, none).echo()["authorization"] == "");
  CHECK(send(link, none).echo()["host"] == "objects.example");
}

TEST_CASE("the server of GHOARD_API_URL gets github.com's token") {
  AgentHome home;
  want_overlay(home);
  home.variables["GH_TOKEN"] = "tok";
  home.variables["GHOARD_API_URL"] = "http://127.0.0.1:8080";
  const link::Program program = home.program();
  link::Link link(program, Spawn::allowed);
  ApiCall call = make();
  call.origin = {"http", "127.0.0.1", 8080};
  const Got got = send(link, call);
  CHECK(got.echo()["authorization"] == "token tok");
  CHECK(got.echo()["host"] == "127.0.0.1:8080");
  call.origin.port = 8081;
  CHECK(send(link, call).echo()["authorization"] == "");
}

TEST_CASE("without a token reads are anonymous and writes do not leave") {
  AgentHome home;
  want_overlay(home);
  const link::Program program = home.program();
  link::Link link(program, Spawn::allowed);
  CHECK(send(link, make()).echo()["authorization"] == "");
  CHECK_FALSE(link.lacked_credentials());
  const Got write = send(link, make("/user", "PATCH"));
  CHECK_FALSE(write.answer);
  CHECK(write.heads == 0);
  CHECK(link.lacked_credentials());
  CHECK(send(link, make()).answer);
  CHECK_FALSE(link.lacked_credentials());
}

TEST_CASE("a token in gh's keyring is asked of gh once and then kept by the agent") {
  AgentHome home;
  want_overlay(home);
  home.write(".config/gh/hosts.yml", "github.com:\n  user: mona\n");
  home.script("gh", "echo x >> \"" + (home.root() / "asked").string() + "\"; echo ring\n");
  const link::Program program = home.program();
  for (int i = 0; i < 3; ++i) {
    link::Link link(program, Spawn::allowed);
    const Got got = send(link, make("/user", i == 2 ? "POST" : "GET"));
    CHECK(got.echo()["authorization"] == "token ring");
    CHECK(got.echo()["wish"] == (i == 0 ? "keep" : "kept") + ("; config=" + link::gh_config_mark(program.environment)));
    CHECK(got.heads == 1);
  }
  CHECK(home.read("asked") == "x\n");
}

TEST_CASE("another gh configuration gets its own token, and a changed one is asked again") {
  AgentHome home;
  want_overlay(home);
  home.write("work/hosts.yml", "github.com:\n  user: mona\n");
  home.write("own/hosts.yml", "github.com:\n  user: hubot\n");
  home.script("gh", "echo \"${GH_CONFIG_DIR##*/}\"\n");
  const auto token_in = [&](const std::string& name) {
    // gh reads its own environment, not the injected one.
    const std::string directory = (home.root() / name).string();
    ::setenv("GH_CONFIG_DIR", directory.c_str(), 1);
    home.variables["GH_CONFIG_DIR"] = directory;
    const link::Program program = home.program();
    link::Link link(program, Spawn::allowed);
    const json echo = send(link, make()).echo();
    ::unsetenv("GH_CONFIG_DIR");
    return echo["authorization"].get<std::string>() + " " + echo["wish"].get<std::string>().substr(0, 4);
  };
  CHECK(token_in("work") == "token work keep");
  CHECK(token_in("own") == "token own keep");
  CHECK(token_in("work") == "token work kept");
  CHECK(token_in("own") == "token own kept");
  home.write("work/hosts.yml", "github.com:\n  user: another\n");
  CHECK(token_in("work") == "token work keep");
}

TEST_CASE("a body from a descriptor waits for gh's token, since it can be sent only once") {
  AgentHome home;
  want_overlay(home);
  home.write(".config/gh/hosts.yml", "github.com:\n  user: mona\n");
  home.script("gh", "echo ring\n");
  home.write("body", "words");
  const link::Program program = home.program();
  link::Link link(program, Spawn::allowed);
  ApiCall call = make("/user", "POST");
  call.body_fd = ::open((home.root() / "body").c_str(), O_RDONLY | O_CLOEXEC);
  const Got got = send(link, call);
  ::close(call.body_fd);
  CHECK(got.echo()["wish"] == "keep; config=" + link::gh_config_mark(program.environment));
  CHECK(got.echo()["body"] == "5\r\nwords\r\n0\r\n\r\n");
}

TEST_CASE("a gh that has no token leaves reads anonymous and stops writes") {
  AgentHome home;
  want_overlay(home);
  home.write(".config/gh/hosts.yml", "github.com:\n  user: mona\n");
  home.script("gh", "exit 1\n");
  const link::Program program = home.program();
  link::Link link(program, Spawn::allowed);
  CHECK(send(link, make()).echo()["authorization"] == "");
  CHECK_FALSE(send(link, make("/user", "POST")).answer);
  CHECK(link.lacked_credentials());
}

TEST_CASE("a read whose agent dies is repeated once through a new one") {
  AgentHome home;
  want_overlay(home);
  const link::Program program = home.program();
  link::Link link(program, Spawn::allowed);
  const Got once = send(link, make("/die-once"));
  REQUIRE_MESSAGE(once.answer, once.answer.error().message);
  CHECK(once.heads == 1);
  CHECK(home.starts() == 2);
  CHECK_FALSE(send(link, make("/die")).answer);
  CHECK(home.starts() == 3);
}

TEST_CASE("a write whose agent dies is not repeated and may have happened") {
  AgentHome home;
  want_overlay(home);
  home.variables["GH_TOKEN"] = "tok";
  const link::Program program = home.program();
  link::Link link(program, Spawn::allowed);
  const Got got = send(link, make("/die-once", "POST"));
  REQUIRE_FALSE(got.answer);
  CHECK(got.answer.error().message.ends_with("the POST may have happened"));
  CHECK(home.starts() == 1);
}

TEST_CASE("an answer that breaks off after its head is not repeated") {
  AgentHome home;
  want_overlay(home);
  const link::Program program = home.program();
  link::Link link(program, Spawn::allowed);
  const Got got = send(link, make("/half"));
  REQUIRE_FALSE(got.answer);
  CHECK(got.answer.error().code == base::ErrorCode::truncated);
  CHECK(got.heads == 1);
  CHECK(got.body == "half");
  CHECK(home.starts() == 1);
}

TEST_CASE("where no agent may be started a one-shot one answers") {
  AgentHome home;
  want_overlay(home);
  const link::Program program = home.program();
  {
    link::Link link(program, Spawn::forbidden);
    const Got got = send(link, make());
    REQUIRE(got.answer);
    CHECK(got.echo()["one_shot"] == true);
    CHECK(send(link, make()).echo()["pid"] == got.echo()["pid"]);
    CHECK(home.starts() == 1);
  }
  home.variables["GHOARD_NO_SPAWN"] = "1";
  const link::Program settled = home.program();
  link::Link link(settled, Spawn::allowed);
  CHECK(send(link, make()).echo()["one_shot"] == true);
  CHECK_FALSE(link::running_agent(settled));
  const std::string descriptors = home.read("state/descriptors");
  CHECK(descriptors.find("3 socket:") != std::string::npos);
  CHECK(descriptors.find("0 /dev/null\n") != std::string::npos);
}

TEST_CASE("a one-shot agent for anything but a read is told to wait for the cache") {
  AgentHome home;
  want_overlay(home);
  home.variables["GH_TOKEN"] = "tok";
  const link::Program program = home.program();
  link::Link link(program, Spawn::forbidden);
  CHECK(send(link, make()).echo()["exclusive"] == false);
  const Got write = send(link, make("/user", "PATCH"));
  CHECK(write.echo()["one_shot"] == true);
  CHECK(write.echo()["exclusive"] == true);
  CHECK(send(link, make()).echo()["pid"] == write.echo()["pid"]);
  CHECK(send(link, make("/user", "DELETE")).echo()["pid"] == write.echo()["pid"]);
  CHECK(home.starts() == 2);
  link::Link other(program, Spawn::forbidden);
  CHECK(other.control_or_start("POST", "/v1/cache/clear", "{}")->status == 200);
  CHECK(home.read("state/starts").ends_with(" exclusive one-shot\n"));
}

TEST_CASE("an agent that cannot start is done without") {
  AgentHome home;
  want_overlay(home);
  home.write("state/fake", "error");
  const link::Program program = home.program();
  link::Link link(program, Spawn::allowed);
  const Got got = send(link, make());
  REQUIRE(got.answer);
  CHECK(got.echo()["one_shot"] == true);
}

TEST_CASE("an agent that asks another server than the one set here is refused") {
  AgentHome home;
  want_overlay(home);
  const link::Program program = home.program();
  REQUIRE(link::start_agent(program));
  home.variables["GHOARD_API_URL"] = "http://127.0.0.1:1";
  const link::Program other = home.program();
  link::Link link(other, Spawn::allowed);
  const Got got = send(link, make());
  REQUIRE_FALSE(got.answer);
  CHECK(got.answer.error().message ==
        "the running agent asks https://api.github.com, but GHOARD_API_URL says http://127.0.0.1:1; "
        "run `ghoard agent restart`");
  CHECK(got.heads == 0);
}

TEST_CASE("github.com's token does not go to an agent that was started for another server") {
  AgentHome home;
  want_overlay(home);
  home.variables["GHOARD_API_URL"] = "http://127.0.0.1:1";
  REQUIRE(link::start_agent(home.program()));
  home.variables.erase("GHOARD_API_URL");
  home.variables["GH_TOKEN"] = "tok";
  const link::Program program = home.program();
  link::Link link(program, Spawn::allowed);
  const Got got = send(link, make());
  REQUIRE_FALSE(got.answer);
  CHECK(got.answer.error().code == base::ErrorCode::refused);
  CHECK(got.answer.error().message ==
        "the running agent asks http://127.0.0.1:1, but the default here is https://api.github.com; "
        "run `ghoard agent restart`");
  CHECK(got.heads == 0);
}

TEST_CASE("an agent that took the place of the one before is held against the settings, too") {
  AgentHome home;
  want_overlay(home);
  const link::Program program = home.program();
  link::Link link(program, Spawn::allowed);
  REQUIRE(send(link, make()).answer);
  REQUIRE(link::stop_agent(program));
  home.variables["GHOARD_API_URL"] = "http://127.0.0.1:1";
  REQUIRE(link::start_agent(home.program()));
  home.variables.erase("GHOARD_API_URL");
  const Got got = send(link, make());
  REQUIRE_FALSE(got.answer);
  CHECK(got.answer.error().code == base::ErrorCode::refused);
}

TEST_CASE("a fresh granted entry is answered from the database without an agent") {
  AgentHome home;
  put_answer(home, "tok");
  home.variables["GH_TOKEN"] = "tok";
  const link::Program program = home.program();
  link::Link link(program, Spawn::allowed);
  const Got got = send(link, make());
  REQUIRE(got.answer);
  CHECK(got.body == "{\"login\":\"mona\"}");
  CHECK(got.heads == 1);
  CHECK(got.answer->reason == "OK");
  const std::string status(got.answer->headers.get("Cache-Status"));
  CHECK(status.starts_with("ghoard; hit; ttl="));
  CHECK(status.ends_with("; detail=direct"));
  CHECK(got.answer->headers.get("ETag") == "\"abc\"");
  CHECK_FALSE(got.answer->headers.get("Age").empty());
  const Got head = send(link, make("/user", "HEAD"));
  REQUIRE(head.answer);
  CHECK(head.answer->status == 200);
  CHECK(head.body.empty());
  ApiCall conditional = make();
  conditional.headers.add("If-None-Match", "\"abc\"");
  const Got unchanged = send(link, conditional);
  REQUIRE(unchanged.answer);
  CHECK(unchanged.answer->status == 304);
  CHECK(home.starts() == 0);
}

TEST_CASE("what a peer pushed is not read directly before the agent has verified it") {
  AgentHome home;
  put_answer(home, "tok", base::Seconds{1}, true);
  home.variables["GH_TOKEN"] = "tok";
  const link::Program program = home.program();
  link::Link link(program, Spawn::allowed);
  const Got got = send(link, make());
  REQUIRE(got.answer);
  CHECK_FALSE(got.answer->headers.get("Cache-Status").ends_with("; detail=direct"));
  CHECK(home.starts() == 1);
}

TEST_CASE("the database is read directly only where no agent with peers may have missed a change") {
  struct Case {
    const char* record;  ///< of an agent that has gone; empty: none was ever there
    bool wants_overlay;
    bool reads;
  };
  for (const Case& c : {Case{"", false, true}, Case{"", true, false}, Case{"off", false, true}, Case{"off", true, true},
                        Case{"on", false, false}, Case{"on", true, false}, Case{"maybe", false, false}}) {
    CAPTURE(c.record);
    CAPTURE(c.wants_overlay);
    AgentHome home;
    put_answer(home, "tok");
    home.variables["GH_TOKEN"] = "tok";
    if (c.wants_overlay) {
      want_overlay(home);
    }
    if (*c.record != '\0') {
      home.write("cache/agent.lock",
                 "pid 1\nversion 0\nprotocol 1\nsocket /nowhere\noverlay " + std::string(c.record) + "\n");
    }
    const link::Program program = home.program();
    link::Link link(program, Spawn::forbidden);
    const Got got = send(link, make());
    REQUIRE(got.answer);
    CHECK(got.answer->headers.get("Cache-Status").ends_with("; detail=direct") == c.reads);
    CHECK((home.starts() == 0) == c.reads);
  }
}

TEST_CASE("the database is not read for another token, a stale entry, or a caller who wants it new") {
  AgentHome home;
  put_answer(home, "tok");
  const auto asks_agent = [&](const char* token, const char* cache_control, const std::string& method = "GET") {
    home.variables["GH_TOKEN"] = token;
    const link::Program program = home.program();
    link::Link link(program, Spawn::forbidden);
    ApiCall call = make("/user", method);
    call.headers.add("Cache-Control", cache_control);
    const long before = home.starts();
    CHECK(send(link, call).answer);
    return home.starts() > before;
  };
  CHECK_FALSE(asks_agent("tok", "max-age=60"));
  CHECK(asks_agent("other", "max-age=60"));
  CHECK(asks_agent("tok", "no-cache"));
  CHECK(asks_agent("tok", "no-store"));
  CHECK(asks_agent("tok", "max-age=0"));
  CHECK(asks_agent("tok", "", "PATCH"));
  put_answer(home, "tok", base::Seconds{1000});
  CHECK(asks_agent("tok", ""));
  CHECK_FALSE(asks_agent("tok", "only-if-cached, max-stale"));
}

TEST_CASE("with the overlay on the agent is asked first, since peers may know better") {
  AgentHome home;
  put_answer(home, "");
  want_overlay(home);
  const link::Program program = home.program();
  CHECK_FALSE(link::is_overlay_off(program.settings));
  link::Link link(program, Spawn::allowed);
  CHECK(send(link, make()).echo()["one_shot"] == false);
  home.variables["GHOARD_ENABLE_P2P"] = "no";
  CHECK(link::is_overlay_off(home.program().settings));
}

TEST_CASE("a damaged database is passed over") {
  AgentHome home;
  put_answer(home, "");
  home.write("cache/cache.db", "this is no database");
  const link::Program program = home.program();
  link::Link link(program, Spawn::forbidden);
  CHECK(send(link, make()).echo()["one_shot"] == true);
  CHECK(link::stored_size(program).entries == 0);
  CHECK(link::list_stored(program, {}, 10).empty());
}

TEST_CASE("control requests need a running agent, unless one may be started for them") {
  AgentHome home;
  const link::Program program = home.program();
  link::Link link(program, Spawn::forbidden);
  const auto none = link.control("GET", "/v1/stats");
  REQUIRE_FALSE(none);
  CHECK(none.error().code == base::ErrorCode::unavailable);
  CHECK(link.control_or_start("POST", "/v1/cache/clear", "{}")->status == 200);
  CHECK(home.read("state/starts").ends_with(" one-shot\n"));
  link::Link starting(program, Spawn::allowed);
  CHECK(starting.control_or_start("POST", "/v1/cache/clear", "{}")->status == 200);
  CHECK(starting.control("GET", "/v1/stats")->status == 200);
  CHECK(home.starts() == 2);
}

TEST_CASE("where the agent's record cannot be read, a request is answered without an agent, and that is said once") {
  AgentHome home;
  want_overlay(home);
  // As unreadable to root as another user's file is to others.
  std::filesystem::create_directories(home.root() / "cache");
  std::filesystem::create_symlink("agent.lock", home.root() / "cache/agent.lock");
  const link::Program program = home.program();
  link::Link link(program, Spawn::allowed);
  const Got got = send(link, make());
  REQUIRE(got.answer);
  CHECK(got.echo()["one_shot"] == true);
  CHECK(send(link, make()).answer);
  CHECK(home.starts() == 1);
  // What is to be removed from the cache cannot be: that must not look like success.
  CHECK_FALSE(link::Link(program, Spawn::allowed).control_or_start("POST", "/v1/cache/clear"));
  std::filesystem::remove(home.root() / "cache/agent.lock");
}
