// Who is too slow to own keys: members_latency.cpp.

#include <doctest/doctest.h>

#include "tests/core/mesh/member_mesh.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using base::Millis;

namespace {

/// So many others count it as an owner.
std::size_t believers(const MemberMesh& mesh, std::uint64_t number) {
  return static_cast<std::size_t>(std::count_if(mesh.processes.begin(), mesh.processes.end(), [&](const auto& entry) {
    return entry.second->owns(test_peer(number));
  }));
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

/// Six processes, and to 2 a line of its own: round trips are known exactly from the first one on.
void grow_around(MemberMesh& mesh, Millis delay, Millis line) {
  mesh.network.shortest_delay = delay;
  mesh.network.delay_range = Millis{0};
  mesh.network.attach(test_peer(2));
  mesh.network.set_line(test_peer(2), line);
  REQUIRE(mesh.grow(6));
}

bool goes_out(Millis delay, Millis line) {
  MemberMesh mesh;
  grow_around(mesh, delay, line);
  mesh.network.run_for(Millis{120'000});
  CHECK(mesh.agrees());
  return is_slow(mesh, 2);
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
    CHECK(*out > Millis{22'000});  // three looks
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
  CHECK_FALSE(goes_out(Millis{1}, Millis{11}));  // 24 ms, and the others 2
  CHECK(goes_out(Millis{1}, Millis{12}));        // 26 ms
}

TEST_CASE("up to four times the others' round trips cost nobody its keys, and more do") {
  CHECK_FALSE(goes_out(Millis{10}, Millis{30}));  // 80 ms, and the others 20
  CHECK(goes_out(Millis{10}, Millis{31}));        // 82 ms
}

TEST_CASE("whoever took itself out comes back under three times the others' round trips, or under 18 ms") {
  struct Case {
    Millis delay;
    Millis still_slow;
    Millis fast_enough;
  };
  for (const Case& lines : {Case{Millis{1}, Millis{8}, Millis{7}}, Case{Millis{10}, Millis{20}, Millis{19}}}) {
    CAPTURE(lines.delay.count());
    MemberMesh mesh;
    grow_around(mesh, lines.delay, Millis{50});
    REQUIRE(mesh.network.run_until([&] { return believers(mesh, 2) == 0; }, Millis{60'000}, Millis{100}));
    mesh.network.set_line(test_peer(2), lines.still_slow);
    mesh.network.run_for(Millis{180'000});
    CHECK(is_slow(mesh, 2));
    mesh.network.set_line(test_peer(2), lines.fast_enough);
    CHECK(mesh.network.run_until([&] { return mesh.is_whole(); }, Millis{120'000}, Millis{100}));
  }
}

TEST_CASE("two places of about equal size, far apart, keep all their owners") {
  for (const std::uint64_t count : {5, 8}) {
    CAPTURE(count);
    MemberMesh mesh;
    REQUIRE(mesh.grow(count));
    for (std::uint64_t far = count - count / 2; far < count; ++far) {
      mesh.network.set_line(test_peer(far), Millis{100});  // to each other, too: the worst case
    }
    mesh.network.run_for(Millis{180'000});
    CHECK(mesh.is_whole());
  }
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
  mesh.network.on_send = [&](const mesh::PeerId&, const mesh::PeerId&, const mesh::Message&) {
    CHECK_FALSE(is_slow(mesh, 1));
  };
  for (int i = 0; i < 30; ++i) {
    for (const std::uint64_t client : {2, 3, 4}) {
      mesh.network.attach(test_peer(client)).send(test_peer(1), mesh::Ping{0, 0, Millis{2}});
    }
    mesh.network.run_for(Millis{5'000});
  }
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

TEST_CASE("whoever still counts a slow peer among the owners is shown its record, and nobody else is") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(5));
  mesh.network.set_line(test_peer(4), Millis{100});
  REQUIRE(mesh.network.run_until([&] { return believers(mesh, 4) == 0; }, Millis{120'000}, Millis{100}));
  mesh.network.run_for(Millis{30'000});
  std::vector<mesh::PeerRecord> told;
  mesh.network.on_send = [&](const mesh::PeerId&, const mesh::PeerId& to, const mesh::Message& message) {
    if (const auto* records = std::get_if<mesh::Records>(&message); records != nullptr && to == test_peer(0)) {
      told.insert(told.end(), records->records.begin(), records->records.end());
    }
  };
  mesh::View view{{test_peer(0), test_peer(1), test_peer(2), test_peer(3)}};
  mesh.network.attach(test_peer(0)).send(test_peer(1), view);
  mesh.network.run_for(Millis{1'000});
  CHECK(told.empty());
  view.members.push_back(test_peer(4));
  mesh.network.attach(test_peer(0)).send(test_peer(1), view);
  mesh.network.run_for(Millis{1'000});
  CHECK(told == std::vector{mesh.at(4).members.own_record()});
  CHECK(told.front().slow);
}

TEST_CASE("who has lost its link to a slow peer hears from others that it owns nothing") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(6));
  mesh.network.set_reach([](const mesh::PeerId& from, const mesh::PeerId& to) {
    return !(from == test_peer(0) && to == test_peer(5)) && !(from == test_peer(5) && to == test_peer(0));
  });
  mesh.network.break_link(test_peer(0), test_peer(5));
  mesh.network.run_for(Millis{60'000});
  REQUIRE_FALSE(mesh.at(0).members.is_linked(test_peer(5)));
  REQUIRE(mesh.at(0).owns(test_peer(5)));
  mesh.network.set_line(test_peer(5), Millis{100});
  REQUIRE(mesh.network.run_until([&] { return is_slow(mesh, 5); }, Millis{120'000}));
  mesh.network.run_for(Millis{1'000});
  CHECK_FALSE(mesh.at(0).owns(test_peer(5)));
  CHECK(mesh.agrees());
}
