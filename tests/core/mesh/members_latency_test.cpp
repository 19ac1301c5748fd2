// Who is too slow to own keys: members_latency.cpp.

#include <doctest/doctest.h>

#include "tests/core/mesh/member_mesh.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using base::Millis;

namespace {

/// So many others count it as an owner.
std::size_t believers(const MemberMesh& mesh, std::uint64_t number) {
  return static_cast<std::size_t>(
      std::count_if(mesh.processes.begin(), mesh.processes.end(),
                    [&](const auto& entry) { return entry.second->owns(test_peer(number)); }));
}

bool is_slow(MemberMesh& mesh, std::uint64_t number) {
  return mesh.at(number).members.own_record().slow;
}

/// Of the processes, the one that pings the fewest others.
std::uint64_t least_watchful(MemberMesh& mesh, std::uint64_t count) {
  std::map<mesh::PeerId, std::set<mesh::PeerId>> pinged;
  mesh.network.on_send = [&](const mesh::PeerId& from, const mesh::PeerId& to, const mesh::Message& message) {
    if (std::holds_alternative<mesh::Ping>(message)) {
      pinged[from].insert(to);
    }
  };
  mesh.network.run_for(Millis{5'000});
  mesh.network.on_send = {};
  std::uint64_t least = 0;
  for (std::uint64_t number = 1; number < count; ++number) {
    least = pinged[test_peer(number)].size() < pinged[test_peer(least)].size() ? number : least;
  }
  MESSAGE("process " << least << " of " << count << " watches " << pinged[test_peer(least)].size());
  return least;
}

/// Two owners, of which 1 has a slow line, and three clients.
void grow_clients(MemberMesh& mesh) {
  REQUIRE(mesh.grow(2));
  for (const std::uint64_t client : {2, 3, 4}) {
    mesh.network.attach(test_peer(client));
    mesh.network.set_dialable(test_peer(client), false);
    mesh.start(client, {0, 1});
  }
  REQUIRE(mesh.network.run_until([&] { return mesh.at(1).members.linked().size() == 4; }, Millis{30'000}));
}

}  // namespace

TEST_CASE("a process with a slow line takes itself out of the owners, and comes back when its line is fast") {
  for (const std::uint64_t count : {4, 8, 40}) {
    CAPTURE(count);
    MemberMesh mesh(count);
    REQUIRE(mesh.grow(count));
    mesh.network.run_for(Millis{70'000});  // what was measured while it was fast is old
    mesh.network.set_line(test_peer(3), Millis{100});
    const auto out = mesh.network.run_until([&] { return believers(mesh, 3) == 0; }, Millis{150'000}, Millis{100});
    REQUIRE(out);
    MESSAGE(count << " processes: out after " << out->count() << " virtual ms");
    CHECK(*out > Millis{20'000});
    mesh.network.run_for(Millis{60'000});
    CHECK(mesh.agrees());
    CHECK(mesh.deaths() == 0);
    for (const auto& [id, process] : mesh.processes) {
      CHECK(process->members.owners(mesh::SlotKey{}, 1'000).size() == count - 1);
    }
    mesh.network.set_line(test_peer(3), Millis{0});
    const auto back = mesh.network.run_until([&] { return mesh.is_whole(); }, Millis{150'000}, Millis{100});
    REQUIRE(back);
    MESSAGE(count << " processes: back after " << back->count() << " virtual ms");
  }
}

TEST_CASE("a process that watches hardly anybody learns that its line is slow all the same") {
  constexpr std::uint64_t count = 64;
  MemberMesh mesh(3);
  mesh.network.through_codec = false;
  REQUIRE(mesh.grow(count));
  const std::uint64_t number = least_watchful(mesh, count);
  mesh.network.run_for(Millis{70'000});
  mesh.network.set_line(test_peer(number), Millis{100});
  CHECK(mesh.network.run_until([&] { return believers(mesh, number) == 0; }, Millis{150'000}, Millis{100}));
  mesh.network.set_line(test_peer(number), Millis{0});
  CHECK(mesh.network.run_until([&] { return mesh.is_whole(); }, Millis{150'000}, Millis{100}));
}

TEST_CASE("round trips under 25 ms cost nobody its keys, however fast the others are") {
  MemberMesh mesh;
  mesh.network.delay_range = Millis{0};
  REQUIRE(mesh.grow(6));
  mesh.network.set_line(test_peer(2), Millis{11});  // 24 ms, twelve times the others
  mesh.network.run_for(Millis{180'000});
  CHECK(mesh.is_whole());
  mesh.network.set_line(test_peer(2), Millis{12});
  CHECK(mesh.network.run_until([&] { return believers(mesh, 2) == 0; }, Millis{60'000}, Millis{100}));
  mesh.network.set_line(test_peer(2), Millis{8});  // 18 ms, not yet under three quarters of that
  mesh.network.run_for(Millis{120'000});
  CHECK(is_slow(mesh, 2));
  mesh.network.set_line(test_peer(2), Millis{7});
  CHECK(mesh.network.run_until([&] { return mesh.is_whole(); }, Millis{60'000}, Millis{100}));
}

TEST_CASE("three times the others' round trips cost nobody its keys, and more than four times do") {
  MemberMesh mesh;
  mesh.network.shortest_delay = Millis{10};  // 20 ms
  mesh.network.delay_range = Millis{0};
  REQUIRE(mesh.grow(6));
  mesh.network.set_line(test_peer(2), Millis{30});  // 80 ms
  mesh.network.run_for(Millis{180'000});
  CHECK(mesh.is_whole());
  mesh.network.set_line(test_peer(2), Millis{31});  // 82 ms
  CHECK(mesh.network.run_until([&] { return believers(mesh, 2) == 0; }, Millis{120'000}, Millis{100}));
  mesh.network.set_line(test_peer(2), Millis{21});  // 62 ms
  mesh.network.run_for(Millis{180'000});
  CHECK(is_slow(mesh, 2));
  mesh.network.set_line(test_peer(2), Millis{19});  // 58 ms
  CHECK(mesh.network.run_until([&] { return mesh.is_whole(); }, Millis{120'000}, Millis{100}));
}

TEST_CASE("two places of equal size, far apart, keep all their owners") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(8));
  for (const std::uint64_t far : {4, 5, 6, 7}) {
    mesh.network.set_line(test_peer(far), Millis{100});  // to each other, too: the worst case
  }
  mesh.network.run_for(Millis{180'000});
  CHECK(mesh.is_whole());
}

TEST_CASE("a slow burst of less than three looks moves no keys") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(8));
  mesh.network.run_for(Millis{60'000});
  mesh.network.set_line(test_peer(3), Millis{20});
  mesh.network.run_for(Millis{15'000});
  mesh.network.set_line(test_peer(3), Millis{0});
  mesh.network.on_send = [&](const mesh::PeerId&, const mesh::PeerId&, const mesh::Message& message) {
    CHECK_FALSE(std::holds_alternative<mesh::Records>(message));
  };
  mesh.network.run_for(Millis{120'000});
  CHECK(mesh.is_whole());
}

TEST_CASE("nobody takes itself out where fewer than two other owners would remain") {
  MemberMesh mesh;
  grow_clients(mesh);
  mesh.network.set_line(test_peer(1), Millis{100});
  for (int i = 0; i < 30; ++i) {
    for (const std::uint64_t client : {2, 3, 4}) {
      mesh.network.attach(test_peer(client)).send(test_peer(1), mesh::Ping{0, 0, Millis{2}});
    }
    mesh.network.run_for(Millis{5'000});
  }
  CHECK_FALSE(is_slow(mesh, 1));
  CHECK(believers(mesh, 1) == 5);
}

TEST_CASE("whoever took itself out is back as soon as it is needed for two owners") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(4));
  mesh.network.set_line(test_peer(3), Millis{100});
  REQUIRE(mesh.network.run_until([&] { return believers(mesh, 3) == 0; }, Millis{120'000}, Millis{100}));
  mesh.kill(1);
  mesh.network.run_for(Millis{5'000});
  CHECK_MESSAGE(is_slow(mesh, 3), "two others remain");
  mesh.kill(2);
  CHECK(mesh.network.run_until([&] { return believers(mesh, 3) == 2; }, Millis{5'000}, Millis{100}));
}

TEST_CASE("one liar cannot shut out others by telling of tiny latencies") {
  MemberMesh mesh;
  mesh.network.shortest_delay = Millis{20};
  REQUIRE(mesh.grow(6));
  for (int i = 0; i < 60; ++i) {
    for (std::uint64_t other = 0; other < 5; ++other) {
      mesh.network.attach(test_peer(5)).send(test_peer(other), mesh::Ping{0, 0, Millis{0}});
    }
    mesh.network.run_for(Millis{2'000});
  }
  CHECK(mesh.is_whole());
}

TEST_CASE("the time for which a process got no service is no round trip") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(4));
  std::map<mesh::PeerId, std::uint32_t> numbers;
  mesh.network.on_send = [&](const mesh::PeerId& from, const mesh::PeerId& to, const mesh::Message& message) {
    if (const auto* ping = std::get_if<mesh::Ping>(&message); ping != nullptr && from == test_peer(3)) {
      numbers[to] = ping->number;
    }
  };
  mesh.network.run_for(Millis{5'000});
  mesh.network.clock.advance(Millis{8'000});
  for (const auto& [peer, number] : numbers) {
    mesh.at(3).members.receive(peer, mesh::Pong{number, 0, std::nullopt});
  }
  for (const mesh::MemberInfo& info : mesh.at(3).members.list()) {
    REQUIRE(info.round_trip);
    CHECK(*info.round_trip < Millis{10});
  }
}

TEST_CASE("who does not know yet that another one is slow learns it when views are compared") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(5));
  // 0 and 4 lose each other, so that 0 does not hear it from 4 itself; nor from others, since words to 0 are held back.
  mesh.network.set_line(test_peer(4), Millis{100});
  mesh::PeerRecord stale = mesh.at(4).members.own_record();
  REQUIRE(mesh.network.run_until([&] { return believers(mesh, 4) == 0; }, Millis{120'000}, Millis{100}));
  mesh.network.set_reach([](const mesh::PeerId& from, const mesh::PeerId& to) {
    const auto apart = [](const mesh::PeerId& a, const mesh::PeerId& b) {
      return a == test_peer(0) && b == test_peer(4);
    };
    return !apart(from, to) && !apart(to, from);
  });
  mesh.kill(0);
  REQUIRE(mesh.network.run_until([&] { return mesh.all_know_dead(0); }, Millis{5'000}));
  mesh::MemberOptions options = mesh.options(0, {1});
  stale.slow = false;
  options.remembered = {stale};
  mesh.start(std::move(options));
  mesh.network.run_for(Millis{120'000});
  CHECK_FALSE(mesh.at(0).members.is_linked(test_peer(4)));
  CHECK_FALSE(mesh.at(0).owns(test_peer(4)));
  CHECK(mesh.agrees());
}
