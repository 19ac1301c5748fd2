#include "core/mesh/intake.hpp"

#include <doctest/doctest.h>

#include "tests/core/mesh/member_mesh.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using base::Millis;
using mesh::Intake;

namespace {

constexpr base::MonoTime begin{Millis{1'000'000}};

std::vector<mesh::Tombstone> stones(std::size_t count, std::uint64_t origin, const cache::Change& change) {
  return std::vector<mesh::Tombstone>(count, {test_peer(origin), 1, 1, change});
}

const cache::Change narrow = github::Tag{"api.github.com", "/repos/o/r"};
const cache::Change wide = github::Tag{"api.github.com", ""};

}  // namespace

TEST_CASE("an allowance is spent at once or over time, and never exceeds itself") {
  mesh::Allowance allowance(10, Millis{5});
  CHECK(allowance.is_full(begin));
  CHECK_FALSE(allowance.take(11, begin));
  CHECK(allowance.take(10, begin));
  CHECK_FALSE(allowance.take(1, begin + Millis{4}));
  CHECK(allowance.take(1, begin + Millis{5}));
  CHECK_FALSE(allowance.is_full(begin + Millis{54}));
  CHECK(allowance.is_full(begin + Millis{55}));
  CHECK(allowance.take(10, begin + std::chrono::hours(1'000)));
  CHECK_FALSE(allowance.take(1, begin + std::chrono::hours(1'000)));
}

TEST_CASE("a link's own changes and those it passes on each have their measure") {
  Intake intake;
  CHECK(intake.admit(test_peer(1), stones(Intake::most_at_once, 1, narrow), false, begin));
  CHECK_FALSE(intake.admit(test_peer(1), stones(1, 1, narrow), false, begin));
  CHECK(intake.admit(test_peer(1), stones(Intake::most_at_once, 2, narrow), false, begin));
  CHECK_FALSE(intake.admit(test_peer(1), stones(1, 2, narrow), false, begin));
  CHECK_MESSAGE(intake.admit(test_peer(2), stones(1, 2, narrow), false, begin), "another link has its own");
  CHECK(intake.admit(test_peer(1), stones(200, 1, narrow), false, begin + Millis{1'000}));
  CHECK_FALSE(intake.admit(test_peer(1), stones(1, 1, narrow), false, begin + Millis{1'000}));
}

TEST_CASE("changes of a whole host are rarer") {
  Intake intake;
  for (std::size_t i = 0; i < Intake::most_wide_at_once; ++i) {
    CHECK(intake.admit(test_peer(1), stones(2, 1, wide), false, begin));
  }
  CHECK_FALSE(intake.admit(test_peer(1), stones(1, 1, wide), false, begin));
  CHECK(intake.admit(test_peer(1), stones(1, 1, narrow), false, begin));
  CHECK(intake.admit(test_peer(1), stones(1, 1, wide), false, begin + Intake::wide_refill));
  CHECK_FALSE(intake.admit(test_peer(1), stones(1, 1, wide), false, begin + Intake::wide_refill));
}

TEST_CASE("what was asked for has a measure of its own, that all links share") {
  Intake intake;
  std::size_t admitted = 0;
  while (intake.admit(test_peer(admitted % 2), stones(64, 9, narrow), true, begin)) {
    ++admitted;
  }
  CHECK(admitted == 2 * (Intake::most_at_once / 64) + Intake::most_caught_up / 64);
  CHECK(intake.admit(test_peer(3), stones(1, 9, narrow), true, begin));
}

TEST_CASE("a peer's use is forgotten when it does not matter any more") {
  Intake intake;
  for (std::uint64_t peer = 0; peer < 3 * Intake::most_peers; ++peer) {
    CHECK(intake.admit(test_peer(peer), stones(1, 1, narrow), false, begin));
    CHECK(intake.peers() <= Intake::most_peers);
  }
  intake.forget_full(begin);
  CHECK(intake.peers() > 0);
  intake.forget_full(begin + Millis{5});
  CHECK(intake.peers() == 0);
}

TEST_CASE("wide is what names a host, or as good as that") {
  for (const char* prefix :
       {"", "/", "/api", "/api/v3", "/api/v3/", "/api/uploads", "/repos", "/repos/", "/api/v3/repos"}) {
    CAPTURE(prefix);
    CHECK(mesh::is_wide(github::Tag{"ghe.example", prefix}));
  }
  for (const char* prefix : {"/repos/o", "/repos/o/r", "/user", "/users", "/api/v3/repos/o", "/teams"}) {
    CAPTURE(prefix);
    CHECK_FALSE(mesh::is_wide(github::Tag{"ghe.example", prefix}));
  }
  CHECK_FALSE(mesh::is_wide(base::sha256("token")));
}
