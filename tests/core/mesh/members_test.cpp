#include "core/mesh/members.hpp"

#include <doctest/doctest.h>

#include "tests/core/mesh/member_mesh.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using base::Millis;
using mesh::PeerId;

TEST_CASE("processes that know one of them become a full mesh with equal views") {
  for (const std::uint64_t count : {2, 5, 64}) {
    CAPTURE(count);
    MemberMesh mesh(count);
    mesh.network.through_codec = count < 64;
    CHECK(mesh.grow(count));
    MESSAGE(count << " processes were whole after "
                  << (mesh.network.clock.mono() - base::MonoTime{Millis{1'000'000}}).count() << " virtual ms");
    CHECK(mesh.deaths() == 0);
    const mesh::SlotKey slot = base::sha256("a resource");
    for (const auto& [id, process] : mesh.processes) {
      CHECK(process->members.owners(slot, 2) == mesh.at(0).members.owners(slot, 2));
    }
  }
}

TEST_CASE("a killed process is known to be dead by all within a second") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(16));
  mesh.kill(7);
  const auto took = mesh.network.run_until([&] { return mesh.all_know_dead(7); }, Millis{10'000});
  REQUIRE(took);
  MESSAGE("killed, 16 processes: known after " << took->count() << " virtual ms");
  CHECK(*took <= Millis{1'000});
  CHECK(mesh.agrees());
  CHECK(mesh.deaths() == 15);
}

TEST_CASE("a vanished machine is known to be dead by all within five seconds, however many there are") {
  for (const std::uint64_t count : {16, 100, 256}) {
    CAPTURE(count);
    MemberMesh mesh(count);
    mesh.network.through_codec = false;
    REQUIRE(mesh.grow(count));
    mesh.vanish(count / 2);
    const auto took = mesh.network.run_until([&] { return mesh.all_know_dead(count / 2); }, Millis{30'000});
    REQUIRE(took);
    MESSAGE("vanished, " << count << " processes: known after " << took->count() << " virtual ms");
    CHECK(*took <= Millis{5'000});
    CHECK(mesh.agrees());
    CHECK(mesh.deaths() == count - 1);
  }
}
