#include "cli/agent/token_keeper.hpp"

#include <doctest/doctest.h>

#include "tests/support/manual_clock.hpp"

using namespace ghoard;
using agent::TokenKeeper;
using testing::ManualClock;

namespace {

struct Keeping {
  ManualClock clock;
  TokenKeeper keeper = *TokenKeeper::create(clock);
};

}  // namespace

TEST_CASE("a token is kept per host, whatever the case of its name") {
  Keeping kept;
  CHECK_FALSE(kept.keeper.find("api.github.com", ""));
  kept.keeper.keep("API.github.com", "", "token one");
  kept.keeper.keep("ghe.example:8443", "", "token two");
  CHECK(kept.keeper.find("api.GitHub.com", "") == "token one");
  CHECK(kept.keeper.find("ghe.example:8443", "") == "token two");
  CHECK_FALSE(kept.keeper.find("ghe.example", ""));
  kept.keeper.keep("api.github.com", "", "token three");
  CHECK(kept.keeper.find("api.github.com", "") == "token three");
  CHECK(kept.keeper.size() == 2);
}

TEST_CASE("a token goes after ten minutes without use, and every use counts") {
  Keeping kept;
  kept.keeper.keep("h", "", "t");
  kept.clock.advance(base::Seconds(599));
  CHECK(kept.keeper.find("h", ""));
  kept.clock.advance(base::Seconds(599));
  CHECK(kept.keeper.find("h", ""));
  kept.clock.advance(base::Seconds(601));
  SUBCASE("noticed when asked for") {
    CHECK_FALSE(kept.keeper.find("h", ""));
  }
  SUBCASE("noticed by the tick") {
    kept.keeper.tick();
  }
  CHECK(kept.keeper.size() == 0);
}

TEST_CASE("the tick leaves tokens in use alone") {
  Keeping kept;
  kept.keeper.keep("h", "", "t");
  kept.clock.advance(base::Seconds(600));
  kept.keeper.tick();
  CHECK(kept.keeper.size() == 1);
}

TEST_CASE("callers with another gh configuration get another token, or none") {
  Keeping kept;
  kept.keeper.keep("h", "aa", "one account");
  CHECK_FALSE(kept.keeper.find("h", "bb"));
  CHECK_FALSE(kept.keeper.find("h", ""));
  kept.keeper.keep("h", "bb", "another account");
  CHECK(kept.keeper.find("h", "aa") == "one account");
  CHECK(kept.keeper.find("h", "bb") == "another account");
  kept.keeper.drop("h", "bb", "one account");
  kept.keeper.drop("h", "aa", "one account");
  CHECK_FALSE(kept.keeper.find("h", "aa"));
  CHECK(kept.keeper.find("h", "bb"));
}

TEST_CASE("dropping forgets that very token and no later one") {
  Keeping kept;
  kept.keeper.keep("h", "", "old");
  kept.keeper.keep("h", "", "new");
  kept.keeper.drop("h", "", "old");
  CHECK(kept.keeper.find("h", "") == "new");
  kept.keeper.drop("H", "", "new");
  CHECK_FALSE(kept.keeper.find("h", ""));
}

TEST_CASE("at most 64 tokens are kept, whatever the hosts and configurations, and the longest unused goes") {
  Keeping kept;
  for (int i = 0; i < 64; ++i) {
    kept.keeper.keep("host" + std::to_string(i), "", "t");
    kept.clock.advance(base::Millis(10));
  }
  CHECK(kept.keeper.find("host0", ""));
  kept.clock.advance(base::Millis(10));
  kept.keeper.keep("host0", "ab", "t");
  CHECK(kept.keeper.size() == 64);
  CHECK(kept.keeper.find("host0", ""));
  CHECK_FALSE(kept.keeper.find("host1", ""));
}

TEST_CASE("nothing and too much are not kept") {
  Keeping kept;
  kept.keeper.keep("h", "", "");
  kept.keeper.keep("h", "", std::string(TokenKeeper::longest + 1, 'x'));
  kept.keeper.keep("h", std::string(TokenKeeper::longest_config + 1, 'a'), "t");
  CHECK(kept.keeper.size() == 0);
  kept.keeper.keep("h", "", std::string(TokenKeeper::longest, 'x'));
  CHECK(kept.keeper.size() == 1);
}
