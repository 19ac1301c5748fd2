#include "core/mesh/intake.hpp"

#include <doctest/doctest.h>

#include "tests/core/mesh/member_mesh.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using base::Millis;
using mesh::Intake;

namespace {

constexpr base::MonoTime begin{Millis{1'000'000}};
constexpr Millis long_linked = Intake::newcomer;

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
  CHECK(intake.admit({test_peer(1), long_linked, false}, stones(Intake::most_at_once, 1, narrow), begin));
  CHECK_FALSE(intake.admit({test_peer(1), long_linked, false}, stones(1, 1, narrow), begin));
  CHECK(intake.admit({test_peer(1), long_linked, false}, stones(Intake::most_at_once, 2, narrow), begin));
  CHECK_FALSE(intake.admit({test_peer(1), long_linked, false}, stones(1, 2, narrow), begin));
  CHECK_MESSAGE(intake.admit({test_peer(2), long_linked, false}, stones(1, 2, narrow), begin),
                "another link has its own");
  CHECK(intake.admit({test_peer(1), long_linked, false}, stones(200, 1, narrow), begin + Millis{1'000}));
  CHECK_FALSE(intake.admit({test_peer(1), long_linked, false}, stones(1, 1, narrow), begin + Millis{1'000}));
}

TEST_CASE("changes of a whole host are rarer") {
  Intake intake;
  for (std::size_t i = 0; i < Intake::most_wide_at_once; ++i) {
    CHECK(intake.admit({test_peer(1), long_linked, false}, stones(2, 1, wide), begin));
  }
  CHECK_FALSE(intake.admit({test_peer(1), long_linked, false}, stones(1, 1, wide), begin));
  CHECK(intake.admit({test_peer(1), long_linked, false}, stones(1, 1, narrow), begin));
  CHECK(intake.admit({test_peer(1), long_linked, false}, stones(1, 1, wide), begin + Intake::wide_refill));
  CHECK_FALSE(intake.admit({test_peer(1), long_linked, false}, stones(1, 1, wide), begin + Intake::wide_refill));
}

TEST_CASE("what was asked for has a measure of its own, that all links share") {
  Intake intake;
  std::size_t admitted = 0;
  while (intake.admit({test_peer(admitted % 2), long_linked, true}, stones(64, 9, narrow), begin)) {
    ++admitted;
  }
  CHECK(admitted == 2 * (Intake::most_at_once / 64) + Intake::most_caught_up / 64);
  CHECK(intake.admit({test_peer(3), long_linked, true}, stones(1, 9, narrow), begin));
}

TEST_CASE("a peer's use is forgotten when it does not matter any more") {
  Intake intake;
  for (std::uint64_t peer = 0; peer < 3 * Intake::most_peers; ++peer) {
    CHECK(intake.admit({test_peer(peer), long_linked, false}, stones(1, 1, narrow), begin));
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

TEST_CASE("what one member invents is applied in measure, however many links pass it on") {
  Intake intake;
  std::size_t admitted = 0;
  std::size_t wide_ones = 0;
  for (std::uint64_t attempt = 0; attempt < 2 * 256; ++attempt) {
    wide_ones += intake.admit({test_peer(attempt / 2), long_linked, false}, stones(1, 9'999, wide), begin) ? 1 : 0;
  }
  for (std::uint64_t attempt = 0; attempt < 31 * 256; ++attempt) {
    admitted += intake.admit({test_peer(attempt / 31), long_linked, false}, stones(64, 9'999, narrow), begin) ? 64 : 0;
  }
  CHECK(wide_ones == Intake::most_wide_passed_on);
  CHECK(admitted + wide_ones <= Intake::most_passed_on);
  CHECK(admitted + wide_ones > Intake::most_passed_on - 64);
  CHECK_FALSE(intake.admit({test_peer(300), long_linked, false}, stones(64, 9'999, narrow), begin));
  CHECK(intake.admit({test_peer(300), long_linked, false}, stones(64, 9'999, narrow), begin + Millis{64}));
  CHECK(intake.admit({test_peer(300), long_linked, false}, stones(2'000, 300, narrow), begin + Millis{64}));
}

TEST_CASE("what many newcomers say of themselves is applied in measure, and that of others beside it") {
  Intake intake;
  std::size_t admitted = 0;
  std::size_t wide_ones = 0;
  for (std::uint64_t id = 1; id <= 2'000; ++id) {
    admitted += intake.admit({test_peer(id), long_linked - Millis{1}, false}, stones(64, id, narrow), begin) ? 64 : 0;
    wide_ones += intake.admit({test_peer(id), Millis{0}, false}, stones(1, id, wide), begin) ? 1 : 0;
  }
  CHECK(admitted + wide_ones <= 4'000);
  CHECK(admitted > 3'700);
  CHECK(wide_ones <= Intake::most_wide_at_once);
  CHECK(intake.admit({test_peer(9'999), long_linked, false}, stones(2'000, 9'999, narrow), begin));
  const base::MonoTime later = begin + Millis{1'000};
  CHECK(intake.admit({test_peer(9'998), Millis{0}, false}, stones(400, 9'998, narrow), later));
  CHECK_FALSE(intake.admit({test_peer(9'998), Millis{0}, false}, stones(100, 9'998, narrow), later));
}

TEST_CASE("where more peers come than are remembered, the one that was silent for longest is forgotten") {
  Intake intake;
  const auto use_up = [&](std::uint64_t id, base::MonoTime now) {
    return intake.admit({test_peer(id), long_linked, false}, stones(Intake::most_at_once, id, narrow), now);
  };
  const base::MonoTime later = begin + Millis{1};
  CHECK(use_up(0, begin));
  CHECK(use_up(1, later));
  for (std::uint64_t id = 2; id < Intake::most_peers + 1; ++id) {
    CHECK(intake.admit({test_peer(id), long_linked, false}, stones(1, id, narrow), later));
  }
  CHECK(intake.peers() == Intake::most_peers);
  CHECK_FALSE(use_up(1, later));
  CHECK(use_up(0, later));
}
