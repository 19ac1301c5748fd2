#include "cli/agent/front.hpp"

#include <doctest/doctest.h>

#include "tests/cli/agent/fake_sink.hpp"
#include "tests/support/manual_clock.hpp"

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
  agent::TokenKeeper tokens = *agent::TokenKeeper::create(clock);
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
  CHECK(rig.tokens.find("h", "") == "token a");
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

TEST_CASE("a kept token is not used for callers with another gh configuration") {
  Rig rig;
  rig.ask({{"Host", "h"}, {"Authorization", "token work"}, {"Ghoard-Token", "keep; config=0aa0"}});
  CHECK(rig.ask({{"Host", "h"}, {"Ghoard-Token", "kept; config=0bb0"}})->status() == 401);
  CHECK(rig.ask({{"Host", "h"}, {"Ghoard-Token", "kept"}})->status() == 401);
  CHECK(rig.engine.requests.size() == 1);
  CHECK(rig.ask({{"Host", "h"}, {"Ghoard-Token", "kept; config=0aa0"}})->status() == 200);
  CHECK(rig.engine.requests.back().headers.get("Authorization") == "token work");
  rig.engine.status = 401;
  rig.ask({{"Host", "h"}, {"Ghoard-Token", "kept; config=0aa0"}});
  CHECK(rig.tokens.size() == 0);
}

TEST_CASE("a configuration's mark is at most 64 lower-case hexadecimal digits") {
  using Kind = agent::TokenWish::Kind;
  CHECK(agent::parse_token_wish("kept")->kind == Kind::kept);
  CHECK(agent::parse_token_wish("keep ;  config=0f")->kind == Kind::keep);
  CHECK(agent::parse_token_wish("keep ;  config=0f")->config == "0f");
  CHECK(agent::parse_token_wish("kept; config=")->config.empty());
  CHECK(agent::parse_token_wish("kept; config=" + std::string(64, 'a'))->config == std::string(64, 'a'));
  for (const std::string& wrong :
       {std::string(""), std::string("Kept"), std::string("kept;"), std::string("kept; x=1"),
        std::string("kept; config=0F"), std::string("kept; config=0f; more"), "kept; config=" + std::string(65, 'a')}) {
    CAPTURE(wrong);
    CHECK_FALSE(agent::parse_token_wish(wrong));
  }
}
