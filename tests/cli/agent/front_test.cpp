#include "cli/agent/front.hpp"

#include <doctest/doctest.h>
#include <fstream>

#include "cli/agent/gh_files.hpp"
#include "tests/cli/agent/fake_sink.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/temporary_home.hpp"

using namespace ghoard;
using testing::FakeSink;

namespace {

class Recorder final : public cache::RequestHandler {
 public:
  void handle(cache::IncomingRequest request, std::shared_ptr<cache::ReplySink> sink) override {
    requests.push_back(request);
    if (streamed) {
      sink->begin(
          status, {}, [] {}, [] {});
      sink->write("x");
      sink->end(std::nullopt);
    } else {
      sink->send({status, {}, nullptr});
    }
  }
  std::vector<cache::IncomingRequest> requests;
  int status = 200;
  bool streamed = false;
};

struct Rig {
  testing::ManualClock clock;
  agent::TokenKeeper tokens = *agent::TokenKeeper::create(clock, [] { return std::string(); });
  Recorder control;
  Recorder engine;
  agent::Front front{control, engine, tokens};

  std::shared_ptr<FakeSink> ask(http::Headers headers) {
    auto sink = std::make_shared<FakeSink>();
    cache::IncomingRequest request;
    request.method = "GET";
    request.target = "/user";
    request.headers = std::move(headers);
    front.handle(std::move(request), sink);
    return sink;
  }
};

}  // namespace

TEST_CASE("the control host goes to control, every other to the engine") {
  Rig rig;
  rig.ask({{"Host", "Ghoard"}});
  CHECK(rig.control.requests.size() == 1);
  rig.ask({{"Host", "api.github.com"}});
  rig.ask({{"Host", "ghoard:80"}});
  rig.ask({});
  CHECK(rig.control.requests.size() == 1);
  CHECK(rig.engine.requests.size() == 3);
}

TEST_CASE("a kept token that is not known is answered 401 without asking the engine") {
  Rig rig;
  const auto sink = rig.ask({{"Host", "api.github.com"}, {"Ghoard-Token", "kept"}});
  REQUIRE(sink->status() == 401);
  CHECK(sink->reply->headers.get("Ghoard-Token") == "unknown");
  CHECK(sink->json()["ghoard_error"] == "token_unknown");
  CHECK(rig.engine.requests.empty());
}

TEST_CASE("a token given to keep is used for those who ask for it, and only for its host") {
  Rig rig;
  rig.ask({{"Host", "api.github.com"}, {"Authorization", "token secret"}, {"Ghoard-Token", "keep"}});
  rig.ask({{"Host", "api.github.com"}, {"Ghoard-Token", "kept"}});
  REQUIRE(rig.engine.requests.size() == 2);
  for (const cache::IncomingRequest& request : rig.engine.requests) {
    CHECK(request.headers.get("Authorization") == "token secret");
    CHECK_FALSE(request.headers.contains("Ghoard-Token"));
  }
  CHECK(rig.ask({{"Host", "ghe.example"}, {"Ghoard-Token", "kept"}})->status() == 401);
  CHECK(rig.ask({{"Host", "api.github.com"}})->status() == 200);
  CHECK_FALSE(rig.engine.requests.back().headers.contains("Authorization"));
}

TEST_CASE("a caller's own token is not replaced by a kept one, nor kept unasked") {
  Rig rig;
  rig.ask({{"Host", "h"}, {"Authorization", "token a"}});
  CHECK(rig.tokens.size() == 0);
  rig.ask({{"Host", "h"}, {"Authorization", "token a"}, {"Ghoard-Token", "keep"}});
  rig.ask({{"Host", "h"}, {"Authorization", "token b"}, {"Ghoard-Token", "kept"}});
  CHECK(rig.engine.requests.back().headers.get("Authorization") == "token b");
  CHECK(rig.tokens.find("h") == "token a");
}

TEST_CASE("other values of Ghoard-Token mean nothing and go no further") {
  Rig rig;
  rig.ask({{"Host", "h"}, {"Authorization", "token a"}, {"Ghoard-Token", "whatever"}});
  rig.ask({{"Host", "h"}, {"Ghoard-Token", "keep"}});
  CHECK(rig.tokens.size() == 0);
  REQUIRE(rig.engine.requests.size() == 2);
  CHECK_FALSE(rig.engine.requests[0].headers.contains("Ghoard-Token"));
}

TEST_CASE("a kept token that is refused is forgotten, whole answer or streamed") {
  Rig rig;
  rig.ask({{"Host", "h"}, {"Authorization", "token a"}, {"Ghoard-Token", "keep"}});
  rig.engine.status = 403;
  rig.ask({{"Host", "h"}, {"Ghoard-Token", "kept"}});
  CHECK(rig.tokens.size() == 1);
  rig.engine.status = 401;
  SUBCASE("whole") {}
  SUBCASE("streamed") {
    rig.engine.streamed = true;
  }
  rig.ask({{"Host", "h"}, {"Ghoard-Token", "kept"}});
  CHECK(rig.tokens.size() == 0);
}

TEST_CASE("gh's hosts.yml is looked for where gh looks") {
  std::map<std::string, std::string> variables;
  const settings::Environment environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  CHECK(agent::gh_hosts_file(environment).empty());
  variables["HOME"] = "/h";
  CHECK(agent::gh_hosts_file(environment) == "/h/.config/gh/hosts.yml");
  variables["XDG_CONFIG_HOME"] = "/x";
  CHECK(agent::gh_hosts_file(environment) == "/x/gh/hosts.yml");
  variables["GH_CONFIG_DIR"] = "/g";
  CHECK(agent::gh_hosts_file(environment) == "/g/hosts.yml");
}

TEST_CASE("a file's stamp changes when it is made, replaced and removed") {
  const testing::TemporaryHome home;
  const std::filesystem::path file = home.path() / "hosts.yml";
  const std::string absent = agent::file_stamp(file);
  std::ofstream(file) << "one";
  const std::string first = agent::file_stamp(file);
  CHECK(first != absent);
  CHECK(agent::file_stamp(file) == first);
  std::ofstream(home.path() / "new") << "two, longer";
  std::filesystem::rename(home.path() / "new", file);
  CHECK(agent::file_stamp(file) != first);
  std::filesystem::remove(file);
  CHECK(agent::file_stamp(file) == absent);
}
