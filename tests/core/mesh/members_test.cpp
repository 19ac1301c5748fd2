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

TEST_CASE("a process that says good-bye is known to be dead by all within a second") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(8));
  for (const PeerId& peer : mesh.at(3).members.linked()) {
    mesh.network.attach(test_peer(3)).close(peer);
  }
  mesh.kill(3);
  const auto took = mesh.network.run_until([&] { return mesh.all_know_dead(3); }, Millis{10'000});
  REQUIRE(took);
  CHECK(*took <= Millis{1'000});
  CHECK(mesh.deaths() == 7);
}

TEST_CASE("a process that got no time for ten seconds accuses nobody, and is back soon") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(8));
  mesh.network.freeze(test_peer(3));
  mesh.network.run_for(Millis{10'000});
  int accusations = 0;
  mesh.network.on_send = [&](const PeerId& from, const PeerId&, const mesh::Message& message) {
    accusations += from == test_peer(3) && std::holds_alternative<mesh::Suspect>(message) ? 1 : 0;
  };
  mesh.network.thaw(test_peer(3));
  CHECK(mesh.at(3).members.stretch() > 4);
  mesh.network.run_for(Millis{20'000});
  CHECK(accusations == 0);
  CHECK(mesh.at(3).members.linked().size() == 7);
  CHECK(mesh.network.run_until([&] { return mesh.is_whole(); }, Millis{60'000}));
  CHECK(mesh.at(3).members.stretch() < 1.1);
}

TEST_CASE("a peer back from the dead owns nothing for 30 s") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(5));
  mesh.kill(2);
  REQUIRE(mesh.network.run_until([&] { return mesh.all_know_dead(2); }, Millis{5'000}));
  CHECK_FALSE(mesh.at(0).owns(test_peer(2)));
  mesh.start(2, {0});
  REQUIRE(mesh.network.run_until([&] { return mesh.at(2).members.linked().size() == 4; }, Millis{5'000}));
  mesh.network.run_for(Millis{20'000});
  for (const std::uint64_t other : {0, 1, 3, 4}) {
    CHECK(mesh.at(other).members.is_linked(test_peer(2)));
    CHECK_FALSE(mesh.at(other).owns(test_peer(2)));
  }
  mesh.network.run_for(Millis{15'000});
  CHECK(mesh.at(0).owns(test_peer(2)));
  CHECK(mesh.is_whole());
}

TEST_CASE("a partition longer than every timeout heals without an operator") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(10));
  const auto side = [](const PeerId& id) {
    for (std::uint64_t number = 0; number < 5; ++number) {
      if (id == test_peer(number)) {
        return 0;
      }
    }
    return 1;
  };
  mesh.network.set_reach([&](const PeerId& from, const PeerId& to) { return side(from) == side(to); });
  mesh.network.run_for(Millis{120'000});
  for (const auto& [id, process] : mesh.processes) {
    CHECK(process->members.owners(mesh::SlotKey{}, 100).size() == 5);
    CHECK(process->members.linked().size() == 4);
  }
  CHECK(mesh.at(0).members.view_digest() == mesh.at(4).members.view_digest());
  CHECK(mesh.at(5).members.view_digest() == mesh.at(9).members.view_digest());
  mesh.network.set_reach({});
  const auto took = mesh.network.run_until([&] { return mesh.is_whole(); }, Millis{300'000}, Millis{100});
  REQUIRE(took);
  MESSAGE("healed, quarantine included, after " << took->count() << " virtual ms");
}

TEST_CASE("an isolated process, whose peers are all remembered and none is a bootstrap peer, finds back") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(4));
  mesh::MemberOptions options = mesh.options(3, {});
  options.remembered = mesh.at(3).members.to_remember();
  CHECK(options.remembered.size() == 3);
  mesh.kill(3);
  mesh.network.run_for(Millis{10'000});
  mesh.network.set_reach(
      [](const PeerId& from, const PeerId& to) { return from != test_peer(3) && to != test_peer(3); });
  mesh.start(std::move(options));
  mesh.network.run_for(Millis{300'000});
  CHECK(mesh.at(3).members.linked().empty());
  mesh.network.set_reach({});
  CHECK(mesh.network.run_until([&] { return mesh.is_whole(); }, Millis{120'000}, Millis{100}));
}

TEST_CASE("a client that cannot be dialled is linked to all and never an owner") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(4));
  mesh.network.attach(test_peer(4));
  mesh.network.set_dialable(test_peer(4), false);
  MemberProcess& client = mesh.start(4, {0});
  mesh.network.run_for(Millis{180'000});
  CHECK(client.members.linked().size() == 4);
  CHECK_FALSE(client.members.own_record().reachable);
  for (const auto& [id, process] : mesh.processes) {
    CHECK_FALSE(process->owns(test_peer(4)));
    CHECK(process->members.owners(mesh::SlotKey{}, 100).size() == 4);
  }
  CHECK(mesh.agrees());
}

TEST_CASE("a peer that only dialled out becomes an owner by being dialled back") {
  MemberMesh mesh;
  mesh.start(0);
  MemberProcess& second = mesh.start(1, {0});
  CHECK_FALSE(second.owns(test_peer(1)));
  REQUIRE(mesh.network.run_until([&] { return second.owns(test_peer(1)); }, Millis{2'000}));
  mesh.network.run_for(Millis{100});
  CHECK(mesh.at(0).owns(test_peer(1)));
}

TEST_CASE("the address that others see is announced with the port that is listened on") {
  MemberMesh mesh;
  mesh.start(0);
  mesh::MemberOptions options = mesh.options(1, {0});
  options.self.addresses.clear();
  options.announce_observed = true;
  options.listen_port = 9107;
  MemberProcess& second = mesh.start(std::move(options));
  mesh.network.run_for(Millis{1'000});
  REQUIRE(second.members.own_record().addresses.size() == 1);
  CHECK(second.members.own_record().addresses[0].text() == "/ip4/192.0.2.1/tcp/9107");
  CHECK(second.members.own_record().reachable);
  REQUIRE(mesh.at(0).members.list().size() == 1);
  CHECK(mesh.at(0).members.list()[0].record == second.members.own_record());
}

TEST_CASE("ten bootstrap peers that never answer harm nothing") {
  MemberMesh mesh;
  mesh.start(0, {100, 101, 102, 103, 104, 105, 106, 107, 108, 109});
  mesh.network.run_for(Millis{500});
  mesh.start(1, {0});
  CHECK(mesh.network.run_until([&] { return mesh.is_whole(); }, Millis{2'000}));
  mesh.network.run_for(Millis{120'000});
  CHECK(mesh.is_whole());
  CHECK(mesh.deaths() == 0);
}

TEST_CASE("a bootstrap peer that starts later is joined") {
  MemberMesh mesh;
  mesh.network.attach(test_peer(1));
  mesh.start(0, {1});
  mesh.network.run_for(Millis{600'000});
  mesh.start(1);
  CHECK(mesh.network.run_until([&] { return mesh.is_whole(); }, Millis{61'000}));
}

TEST_CASE("a peer that is added is joined, and one that is removed is not dialled again") {
  MemberMesh mesh;
  mesh.start(0);
  mesh.start(1);
  mesh.network.run_for(Millis{1'000});
  mesh.at(0).members.add({test_peer(1), {test_address(1)}});
  CHECK(mesh.network.run_until([&] { return mesh.at(1).members.is_linked(test_peer(0)); }, Millis{1'000}));
  mesh.at(0).members.remove(test_peer(1));
  CHECK(mesh.at(0).members.list().empty());
  CHECK(mesh.at(0).died == std::vector<PeerId>{test_peer(1)});
}

TEST_CASE("false claims of one liar kill nobody") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(8));
  mesh::Links& liar = mesh.network.attach(test_peer(5));
  for (int round = 0; round < 20; ++round) {
    for (const auto& [id, process] : mesh.processes) {
      for (std::uint64_t victim = 0; victim < 5; ++victim) {
        liar.send(id, mesh::Suspect{test_peer(victim), 1ULL << (round * 3)});
      }
    }
    mesh.network.run_for(Millis{700});
  }
  CHECK(mesh.deaths() == 0);
  CHECK(mesh.network.run_until([&] { return mesh.is_whole(); }, Millis{5'000}));
}

TEST_CASE("two liars cannot kill a peer that answers") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(8));
  for (int round = 0; round < 10; ++round) {
    for (const std::uint64_t liar : {5, 6}) {
      for (const auto& [id, process] : mesh.processes) {
        mesh.network.attach(test_peer(liar)).send(id, mesh::Suspect{test_peer(1), 1ULL << 61});
      }
    }
    mesh.network.run_for(Millis{700});
  }
  CHECK(mesh.deaths() == 0);
}

TEST_CASE("what others say of a process about itself is never adopted, but topped") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(3));
  mesh.network.attach(test_peer(2))
      .send(test_peer(0), mesh::Records{{{test_peer(0), 5'000, {test_address(66)}, false}}});
  mesh.network.run_for(Millis{2'000});
  CHECK(mesh.at(0).members.own_record().addresses == std::vector<peer::Multiaddr>{test_address(0)});
  CHECK(mesh.at(0).members.own_record().reachable);
  CHECK(mesh.at(0).members.own_record().sequence > 5'000);
  CHECK(mesh.is_whole());
}

TEST_CASE("strangers named by one liar own nothing, and their number is bounded") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(4));
  for (std::uint64_t batch = 0; batch < 20; ++batch) {
    mesh::Records records;
    for (std::uint64_t i = 0; i < mesh::most_records; ++i) {
      const std::uint64_t number = 1'000 + batch * mesh::most_records + i;
      records.records.push_back({test_peer(number), 1, {test_address(number)}, true});
    }
    mesh.network.attach(test_peer(3)).send(test_peer(0), records);
  }
  mesh.network.run_for(Millis{10});
  CHECK(mesh.at(0).members.list().size() <= 256 + 3);
  CHECK(mesh.at(0).members.owners(mesh::SlotKey{}, 1'000).size() == 4);
  mesh.network.run_for(Millis{3'600'000});
  CHECK_MESSAGE(mesh.at(0).members.list().size() == 3, "strangers that nobody can reach are dropped");
  CHECK(mesh.is_whole());
}

TEST_CASE("a process that was started anew with an older sequence is believed and gets above its old one") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(3));
  mesh.network.attach(test_peer(1)).send(test_peer(0), mesh::Records{{{test_peer(1), 900, {test_address(1)}, true}}});
  mesh.network.run_for(Millis{100});
  mesh.kill(1);
  mesh.network.run_for(Millis{2'000});
  mesh.start(1, {0});
  mesh.network.run_for(Millis{40'000});
  CHECK(mesh.at(1).members.own_record().sequence > 900);
  CHECK(mesh.is_whole());
}

TEST_CASE("whoever waits for a peer closely learns of its silence in a little over three seconds") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(2));
  mesh.at(0).members.watch_closely(test_peer(1), true);
  mesh.vanish(1);
  const auto took = mesh.network.run_until([&] { return !mesh.at(0).lost.empty(); }, Millis{10'000});
  REQUIRE(took);
  CHECK(*took <= Millis{4'100});
}

TEST_CASE("a peer that missed its budget is passed over until it answers a ping") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(3));
  mesh.at(0).members.missed_budget(test_peer(1));
  CHECK(mesh.at(0).members.is_passed_over(test_peer(1)));
  CHECK_MESSAGE(mesh.at(0).owns(test_peer(1)), "views do not depend on it");
  mesh.network.run_for(Millis{20});
  CHECK_FALSE(mesh.at(0).members.is_passed_over(test_peer(1)));
}

TEST_CASE("an idle process costs each of its machines at most 1.6 KB/s") {
  MemberMesh mesh;
  mesh.network.through_codec = false;
  REQUIRE(mesh.grow(64));
  mesh.network.run_for(Millis{15'000});
  mesh.network.counting_bytes = true;
  mesh.network.run_for(Millis{60'000});
  // Each process sends its pings to the peers it watches and its pongs to its own watchers, six of each on average
  // whatever the number of processes is. A record adds its length, its tag and the frame's head: 28 bytes.
  const double per_second = static_cast<double>(mesh.network.messages) / 64 / 60;
  const double bytes = static_cast<double>(mesh.network.bytes + 28 * mesh.network.messages) / 64 / 60;
  MESSAGE("64 processes at rest: each sends " << per_second << " messages and " << bytes << " bytes per second");
  CHECK(per_second < 14);
  CHECK(2 * bytes <= 1'600);  // sent and received
}

TEST_CASE("owners follow rendezvous hashing: who joins or leaves moves only its own share") {
  std::vector<PeerId> peers;
  for (std::uint64_t number = 0; number < 20; ++number) {
    peers.push_back(test_peer(number));
  }
  const auto owner = [&](const mesh::SlotKey& slot, std::size_t count) {
    return *std::max_element(
        peers.begin(), peers.begin() + static_cast<std::ptrdiff_t>(count),
        [&](const PeerId& a, const PeerId& b) { return mesh::rank(slot, a) < mesh::rank(slot, b); });
  };
  std::map<PeerId, int> shares;
  int moved = 0;
  for (int i = 0; i < 4'000; ++i) {
    const mesh::SlotKey slot = base::sha256("slot " + std::to_string(i));
    const PeerId with_all = owner(slot, 20);
    const PeerId without_last = owner(slot, 19);
    ++shares[with_all];
    moved += with_all != without_last ? 1 : 0;
    CHECK((with_all == without_last || with_all == peers[19]));
  }
  CHECK(moved == shares[peers[19]]);
  for (const auto& [id, share] : shares) {
    CHECK(share > 120);
    CHECK(share < 290);
  }
}

TEST_CASE("ranks are the same on every machine") {
  mesh::SlotKey slot;
  PeerId peer;
  for (std::uint8_t i = 0; i < 32; ++i) {
    slot.bytes[i] = i;
    peer.key[i] = static_cast<std::uint8_t>(255 - i);
  }
  CHECK(mesh::rank(slot, peer) == 0x8f9a3fcc3533954d);
}
