#include "core/peer/bootstrap.hpp"

#include <doctest/doctest.h>

#include "tests/core/peer/examples.hpp"

using namespace ghoard;
using Entries = std::vector<std::string>;

namespace {

const peer::PeerId self = testing::id_of_seed(200);

std::string address(std::uint8_t seed, int host = 1) {
  return "/ip4/192.0.2." + std::to_string(host) + "/tcp/9100/p2p/" + testing::id_of_seed(seed).text();
}

}  // namespace

TEST_CASE("of eleven peers the first ten are dialled, in their order") {
  Entries entries;
  for (std::uint8_t i = 1; i <= 11; ++i) {
    entries.push_back(address(i));
  }
  const peer::BootstrapPlan plan = peer::plan_bootstrap(entries, self);
  REQUIRE(plan.peers.size() == 10);
  for (std::uint8_t i = 1; i <= 10; ++i) {
    CHECK(plan.peers[i - 1U].id == testing::id_of_seed(i));
    CHECK(plan.peers[i - 1U].addresses.size() == 1);
  }
  REQUIRE(plan.rejected.size() == 1);
  CHECK(plan.rejected[0].entry == address(11));
  CHECK(plan.rejected[0].reason == "more than 10 peers");
}

TEST_CASE("what is bad, self or repeated is dropped before the cap and takes nobody's place") {
  Entries entries{address(1), "nonsense", address(200), address(1) + "/"};
  for (std::uint8_t i = 2; i <= 10; ++i) {
    entries.push_back("");
    entries.push_back(address(i));
  }
  const peer::BootstrapPlan plan = peer::plan_bootstrap(entries, self);
  CHECK(plan.peers.size() == 10);
  REQUIRE(plan.rejected.size() == 12);
  CHECK(plan.rejected[0].reason == "does not begin with /");
  CHECK(plan.rejected[1].reason == "this agent itself");
  CHECK(plan.rejected[2].entry == address(1) + "/");
  CHECK(plan.rejected[2].reason == "repeated");
  CHECK(plan.rejected[3].reason == "empty");
}

TEST_CASE("addresses of one peer are gathered, at most four of them, and a full list still takes known peers") {
  Entries entries;
  for (std::uint8_t i = 1; i <= 10; ++i) {
    entries.push_back(address(i));
  }
  for (int host = 2; host <= 6; ++host) {
    entries.push_back(address(3, host));
  }
  entries.push_back(address(11));
  entries.push_back(address(11));
  const peer::BootstrapPlan plan = peer::plan_bootstrap(entries, self);
  REQUIRE(plan.peers.size() == 10);
  REQUIRE(plan.peers[2].addresses.size() == 4);
  CHECK(plan.peers[2].addresses[3].host == "192.0.2.4");
  REQUIRE(plan.rejected.size() == 4);
  CHECK(plan.rejected[0].reason == "more than 4 addresses of this peer");
  CHECK(plan.rejected[1].entry == address(3, 6));
  CHECK(plan.rejected[2].reason == "more than 10 peers");
  CHECK(plan.rejected[3].reason == "repeated");
}

TEST_CASE("a rejected entry is told in printable characters and not at length") {
  const Entries entries{"\x1b[31m/ip4\n\xff", std::string(5000, 'x')};
  const peer::BootstrapPlan plan = peer::plan_bootstrap(entries, self);
  REQUIRE(plan.rejected.size() == 2);
  CHECK(plan.rejected[0].entry == "?[31m/ip4??");
  CHECK(plan.rejected[1].entry == std::string(512, 'x'));
}

TEST_CASE("nobody to begin with is a plan too") {
  const peer::BootstrapPlan plan = peer::plan_bootstrap({}, self);
  CHECK(plan.peers.empty());
  CHECK(plan.rejected.empty());
}
