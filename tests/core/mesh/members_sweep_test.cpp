// Many seeds: other ids, other delays, other orders of the same events.

#include <doctest/doctest.h>
#include <set>

#include "tests/core/mesh/member_mesh.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using base::Millis;
using mesh::PeerId;

namespace {

std::set<std::uint64_t> digests(const MemberMesh& mesh, const std::function<bool(const PeerId&)>& included) {
  std::set<std::uint64_t> result;
  for (const auto& [id, process] : mesh.processes) {
    if (included(id)) {
      result.insert(process->members.view_digest());
    }
  }
  return result;
}

}  // namespace

TEST_CASE("whatever the seed, deaths are noticed, restarts are taken back, and partitions heal") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::uint64_t count = 3 + seed % 18;
    CAPTURE(seed);
    CAPTURE(count);
    MemberMesh mesh(seed);
    mesh.network.through_codec = false;
    mesh.network.delay_range = Millis{static_cast<std::int64_t>(seed % 4) * 30};
    REQUIRE(mesh.grow(count));
    mesh.network.run_for(Millis{5'000});
    CHECK(mesh.deaths() == 0);

    mesh.kill(count / 2);
    // A second, and the way there and back that it takes to ask.
    const Millis limit = Millis{1'000} + 2 * (mesh.network.shortest_delay + mesh.network.delay_range);
    CHECK(mesh.network.run_until([&] { return mesh.all_know_dead(count / 2); }, limit));
    mesh.start(count / 2, {0});
    CHECK(mesh.network.run_until([&] { return mesh.is_whole(); }, Millis{60'000}, Millis{100}));
    mesh.vanish(0);
    CHECK(mesh.network.run_until([&] { return mesh.all_know_dead(0); }, Millis{5'000}));

    const auto left = [](const PeerId& id) { return id.key[0] % 2 == 0; };
    mesh.network.set_reach([&](const PeerId& from, const PeerId& to) { return left(from) == left(to); });
    mesh.network.run_for(Millis{90'000});
    CHECK(digests(mesh, left).size() <= 1);
    CHECK(digests(mesh, [&](const PeerId& id) { return !left(id); }).size() <= 1);
    mesh.network.set_reach({});
    CHECK(mesh.network.run_until([&] { return mesh.is_whole(); }, Millis{120'000}, Millis{100}));
  }
}
