#include "core/mesh/flood.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <optional>

#include "tests/core/mesh/flood_rig.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using base::Millis;
using mesh::PeerId;

TEST_CASE("whoever was not asked cannot say that nothing was missed, or that something is gone") {
  FloodRig rig;
  rig.start();
  REQUIRE(rig.host.distrusts);
  rig.link(rig.lower);  // it is to begin, and does not
  rig.flood->receive(rig.lower, mesh::LogEnd{false});
  rig.flood->receive(rig.lower, mesh::LogEnd{true});
  CHECK(rig.host.distrusts);
  CHECK(rig.flood->counters().gaps == 0);
  CHECK(rig.flood->counters().unasked == 2);
  SUBCASE("it can when it has this side's list") {
    rig.flood->receive(rig.lower, mesh::LogDigest{{}, false, false, 0});
    REQUIRE(rig.to<mesh::LogDigest>(rig.lower).size() == 1);
    rig.flood->receive(rig.lower, mesh::LogEnd{false});
    CHECK_FALSE(rig.host.distrusts);
    rig.flood->receive(rig.lower, mesh::LogEnd{true});
    CHECK_MESSAGE(rig.flood->counters().gaps == 0, "one end for each question");
  }
  SUBCASE("nor before it has shown its own list") {
    rig.link(rig.upper);
    REQUIRE(rig.to<mesh::LogDigest>(rig.upper).size() == 1);
    rig.flood->receive(rig.upper, mesh::LogEnd{false});
    CHECK(rig.host.distrusts);
    rig.flood->receive(rig.upper, mesh::LogDigest{{}, true, false, 0});
    rig.flood->receive(rig.upper, mesh::LogEnd{false});
    CHECK_FALSE(rig.host.distrusts);
  }
  SUBCASE("nor by what was asked over an earlier link") {
    rig.link(rig.upper);
    rig.flood->receive(rig.upper, mesh::LogDigest{{}, true, false, 0});
    rig.flood->link_down(rig.upper);
    rig.link(rig.upper);
    rig.flood->receive(rig.upper, mesh::LogEnd{false});
    CHECK(rig.host.distrusts);
  }
}

TEST_CASE("a change is applied once by every peer before its announcer is told") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(8));
  bool told = false;
  mesh.at(2).flood.announce({change("r")}, [&] { told = true; });
  CHECK_FALSE(told);
  const auto took = mesh.network.run_until([&] { return told; }, Millis{1'000}, Millis{1});
  REQUIRE(took);
  CHECK(*took < Millis{50});
  for (const auto& [id, process] : mesh.processes) {
    if (id != test_peer(2)) {
      CHECK(process->host.times(change("r")) == 1);
    }
  }
  mesh.network.run_for(Millis{60'000});
  for (const auto& [id, process] : mesh.processes) {
    CHECK(process->host.times(change("r")) == (id == test_peer(2) ? 0 : 1));
  }
  CHECK(mesh.at(2).flood.counters().acknowledged_late == 0);
}

TEST_CASE("without peers the announcer is told by the next tick, and not from within its call") {
  MemberMesh mesh;
  mesh.start(0);
  bool told = false;
  mesh.at(0).flood.announce({change("r")}, [&] { told = true; });
  mesh.at(0).flood.announce({}, {});
  CHECK_FALSE(told);
  mesh.network.run_for(Millis{1});
  CHECK(told);
}

TEST_CASE("a peer that cannot make it durable does not acknowledge, and gets it again") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(3));
  mesh.at(1).host.failing = true;
  bool told = false;
  mesh.at(0).flood.announce({change("r")}, [&] { told = true; });
  mesh.network.run_for(Millis{200});
  CHECK_FALSE(told);
  mesh.network.run_for(Millis{60});
  CHECK(told);
  CHECK(mesh.at(0).flood.counters().acknowledged_late == 1);
  CHECK(mesh.at(1).host.applied.empty());
  mesh.at(1).host.failing = false;
  mesh.network.run_for(Millis{60'000});
  CHECK(mesh.at(1).host.times(change("r")) == 1);
}

TEST_CASE("a peer that is lost during an announcement is not waited for") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(3));
  bool told = false;
  mesh.at(1).host.failing = true;
  mesh.at(0).flood.announce({change("r")}, [&] { told = true; });
  mesh.network.run_for(Millis{20});
  CHECK_FALSE(told);
  mesh.network.break_link(test_peer(0), test_peer(1));
  mesh.network.run_for(Millis{20});
  CHECK(told);
  CHECK(mesh.at(0).flood.counters().acknowledged_late == 0);
}

TEST_CASE("a change reaches those that its announcer has no link to") {
  MemberMesh mesh;
  mesh.network.set_reach([](const PeerId& from, const PeerId& to) {
    const auto is_end = [](const PeerId& id) { return id == test_peer(0) || id == test_peer(2); };
    return !(is_end(from) && is_end(to));
  });
  mesh.start(1);
  mesh.start(0, {1});
  mesh.start(2, {1});
  mesh.network.run_for(Millis{2'000});
  REQUIRE_FALSE(mesh.at(0).members.is_linked(test_peer(2)));
  mesh.at(0).flood.announce({change("r")}, {});
  mesh.network.run_for(Millis{50});
  CHECK(mesh.at(2).host.times(change("r")) == 1);
}

TEST_CASE("changes of a partition are made good on healing, in both directions") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(6));
  const auto side = [](const PeerId& id) { return id == test_peer(0) || id == test_peer(1) ? 0 : 1; };
  mesh.network.set_reach([&](const PeerId& from, const PeerId& to) { return side(from) == side(to); });
  mesh.network.run_for(Millis{60'000});
  for (int i = 0; i < 500; ++i) {
    mesh.at(0).flood.announce({change("left" + std::to_string(i))}, {});
    mesh.at(5).flood.announce({change("right" + std::to_string(i))}, {});
  }
  mesh.network.run_for(Millis{60'000});
  CHECK(mesh.at(2).host.times(change("left0")) == 0);
  mesh.network.set_reach({});
  mesh.network.run_for(Millis{120'000});
  for (const std::uint64_t other : {2, 3, 4, 5}) {
    CHECK(mesh.at(other).host.times(change("left0")) == 1);
    CHECK(mesh.at(other).host.times(change("left499")) == 1);
  }
  for (const std::uint64_t other : {0, 1}) {
    CHECK(mesh.at(other).host.times(change("right0")) == 1);
    CHECK(mesh.at(other).host.times(change("right499")) == 1);
  }
  CHECK(mesh.at(2).flood.counters().gaps == 0);
}

TEST_CASE("an agent with peers distrusts what is older than itself until it has compared logs") {
  MemberMesh mesh;
  mesh.start(0);
  CHECK_FALSE(mesh.at(0).host.distrusts);
  mesh.at(0).flood.announce({change("r")}, {});
  mesh.network.attach(test_peer(2));
  CHECK(mesh.start(1, {2}).host.distrusts);
  mesh.network.run_for(Millis{30'000});
  CHECK(mesh.at(1).host.distrusts);
  MemberProcess& joiner = mesh.start(3, {0});
  CHECK(joiner.host.distrusts);
  mesh.network.run_for(Millis{1'000});
  CHECK_FALSE(joiner.host.distrusts);
  CHECK(joiner.host.times(change("r")) == 1);
}

TEST_CASE("agents that began together cannot tell each other that nothing was missed") {
  MemberMesh mesh;
  mesh.network.attach(test_peer(2));
  mesh.start(1, {2});
  mesh.start(2, {1});
  mesh.network.run_for(Millis{60'000});
  REQUIRE(mesh.at(1).members.is_linked(test_peer(2)));
  CHECK(mesh.at(1).host.distrusts);
  CHECK(mesh.at(2).host.distrusts);
  SUBCASE("who was there before can") {
    mesh.start(0);
    mesh.start(3, {0, 1});
    mesh.network.run_for(Millis{10'000});
  }
  SUBCASE("what they have from before has aged meanwhile") {
    mesh.network.run_for(Millis{280'000});
  }
  CHECK_FALSE(mesh.at(1).host.distrusts);
  CHECK_FALSE(mesh.at(2).host.distrusts);
}

TEST_CASE("what fell out of the log is a gap: what is older stays distrusted") {
  MemberMesh mesh;
  mesh.network.through_codec = false;
  mesh.start(0);
  for (int i = 0; i < 1'100; ++i) {
    mesh.at(0).flood.announce(std::vector<cache::Change>(64, change("r" + std::to_string(i))), {});
  }
  mesh.network.run_for(Millis{10});
  MemberProcess& joiner = mesh.start(1, {0});
  mesh.network.run_for(Millis{60'000});
  CHECK(joiner.host.distrusts);
  CHECK(joiner.flood.counters().gaps >= 1);
  CHECK(joiner.flood.counters().received == mesh::FloodLog::most_entries);
  CHECK(joiner.host.times(change("r1099")) >= 1);
  const std::uint64_t gaps = joiner.flood.counters().gaps;
  mesh.network.run_for(Millis{120'000});
  CHECK_MESSAGE(joiner.flood.counters().gaps == gaps, "a gap is told once");
  mesh.at(0).flood.announce({change("later")}, {});
  mesh.network.run_for(Millis{100});
  CHECK(joiner.host.times(change("later")) == 1);
}

TEST_CASE("tombstones may come twice and in any order") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(2));
  mesh::Links& other = mesh.network.attach(test_peer(1));
  for (const std::uint64_t sequence : {3, 1, 1, 2, 3, 5}) {
    other.send(test_peer(0), mesh::Tombstones{9, {stone(40, sequence)}});
  }
  mesh.network.run_for(Millis{100});
  for (const std::uint64_t sequence : {1, 2, 3, 5}) {
    CHECK(mesh.at(0).host.times(change("s" + std::to_string(sequence))) == 1);
  }
  other.send(test_peer(0), mesh::Tombstones{9, {stone(40, 4), stone(40, 4)}});
  mesh.network.run_for(Millis{100});
  CHECK(mesh.at(0).host.times(change("s4")) == 1);
}

TEST_CASE("a batch is applied at once") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(2));
  std::vector<cache::Change> changes;
  for (int i = 0; i < 64; ++i) {
    changes.push_back(change(std::to_string(i)));
  }
  mesh.at(0).flood.announce(changes, {});
  mesh.network.run_for(Millis{100});
  CHECK(mesh.at(1).host.batches == 1);
  CHECK(mesh.at(1).host.applied == changes);
}

TEST_CASE("a liar who claims to have later changes cannot make a peer ignore live ones") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(3));
  mesh.at(0).flood.announce({change("first")}, {});
  mesh.network.run_for(Millis{100});
  const mesh::LogExtent far{test_peer(0), mesh.at(0).incarnation, 1ULL << 40, 1ULL << 40};
  mesh.network.attach(test_peer(2)).send(test_peer(1), mesh::LogDigest{{far}, true, false, 0});
  mesh.network.run_for(Millis{100});
  CHECK(mesh.at(1).host.distrusts);
  mesh.at(0).flood.announce({change("second")}, {});
  mesh.network.run_for(Millis{100});
  CHECK(mesh.at(1).host.times(change("second")) == 1);
}

TEST_CASE("after a lie about later changes, true ones that were missed meanwhile still come by comparison") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(3));
  mesh.at(0).flood.announce({change("first")}, {});
  mesh.network.run_for(Millis{100});
  const std::uint64_t incarnation = mesh.at(0).incarnation;
  SUBCASE("by extents") {
    const mesh::LogExtent far{test_peer(0), incarnation, 1ULL << 40, 1ULL << 40};
    mesh.network.attach(test_peer(2)).send(test_peer(1), mesh::LogDigest{{far}, true, false, 0});
  }
  SUBCASE("by one tombstone") {
    mesh.network.attach(test_peer(2))
        .send(test_peer(1), mesh::Tombstones{0, {{test_peer(0), incarnation, 1ULL << 62, change("lie")}}});
  }
  SUBCASE("by many tombstones") {
    for (std::uint64_t number = 0; number < 2 * mesh::FloodLog::most_pieces; ++number) {
      const mesh::Tombstone lie{test_peer(0), incarnation, (1ULL << 40) + 2 * number, change("lie")};
      mesh.network.attach(test_peer(2)).send(test_peer(1), mesh::Tombstones{0, {lie}});
    }
  }
  mesh.network.run_for(Millis{30'000});
  mesh.network.set_reach(
      [](const PeerId& from, const PeerId& to) { return from == to || (from != test_peer(1) && to != test_peer(1)); });
  mesh.network.run_for(Millis{30'000});
  mesh.at(0).flood.announce({change("second"), change("third")}, {});
  mesh.network.run_for(Millis{30'000});
  CHECK(mesh.at(1).host.times(change("second")) == 0);
  mesh.network.set_reach({});
  mesh.network.run_for(Millis{120'000});
  CHECK(mesh.at(1).host.times(change("second")) == 1);
  CHECK(mesh.at(1).host.times(change("third")) == 1);
  const std::uint64_t gaps = mesh.at(1).flood.counters().gaps;
  mesh.network.run_for(Millis{120'000});
  CHECK_MESSAGE(mesh.at(1).flood.counters().gaps == gaps, "one lie is one gap");
}

TEST_CASE("whatever is claimed, what was not applied is not taken as applied, and is asked for") {
  mesh::FloodLog log;
  mesh::FloodLog honest;
  const mesh::Origin origin{test_peer(1), 77};
  for (std::uint64_t sequence = 1; sequence <= 8; ++sequence) {
    honest.add(stone(1, sequence));
  }
  log.add(stone(1, 1));
  log.add(stone(1, 4));
  const std::vector<mesh::LogExtent> lie{{test_peer(1), 77, 1ULL << 40, 1ULL << 41}};
  CHECK(log.give_up(lie, {test_peer(2), 1}));
  CHECK_FALSE(log.give_up(lie, {test_peer(2), 1}));
  const std::vector<mesh::LogExtent> told = log.extents();
  REQUIRE(told.size() == 1);
  CHECK(told[0].last == (1ULL << 40) - 1);
  CHECK(told[0].holes == std::vector<mesh::SequenceRange>{{2, 3}, {5, (1ULL << 40) - 1}});
  const mesh::FloodLog::Missing missing = honest.missing_there(told);
  CHECK_FALSE(missing.gap);
  REQUIRE(missing.names.size() == 6);
  for (const mesh::TombstoneName& name : missing.names) {
    CHECK_FALSE(log.is_applied(origin, name.sequence));
    log.add(*honest.find(name));
    CHECK(log.is_applied(origin, name.sequence));
  }
  CHECK(honest.missing_there(log.extents()).names.empty());
  // And from the other side of the lie.
  log.add(stone(1, 1ULL << 40));
  CHECK(log.extents()[0].last == 1ULL << 40);
  CHECK(log.extents()[0].holes == std::vector<mesh::SequenceRange>{{9, (1ULL << 40) - 1}});
}

TEST_CASE("numbers from anywhere take bounded room, and nothing true is lost for them") {
  mesh::FloodLog log;
  const mesh::Origin origin{test_peer(1), 77};
  SeededRandom random(3);
  for (std::uint64_t sequence = 1; sequence <= 10; ++sequence) {
    log.add(stone(1, sequence));
  }
  for (int i = 0; i < 20'000; ++i) {
    log.add(stone(1, 1 + (random() >> 2)));
  }
  for (std::uint64_t sequence = 1; sequence <= 10; ++sequence) {
    CHECK(log.is_applied(origin, sequence));
  }
  CHECK_FALSE(log.is_applied(origin, 11));
  const std::vector<mesh::LogExtent> told = log.extents();
  REQUIRE(told.size() == 1);
  REQUIRE(told[0].holes.size() == mesh::most_holes);
  CHECK(told[0].holes[0].first == 11);
  log.add(stone(1, 11));
  CHECK(log.is_applied(origin, 11));
  CHECK(log.extents()[0].holes[0].first == 12);
}

TEST_CASE("where a message has no room for holes, less is claimed") {
  mesh::FloodLog log;
  std::vector<mesh::LogExtent> lies;
  for (std::uint64_t origin = 0; origin < mesh::FloodLog::most_kept_origins; ++origin) {
    log.add({test_peer(origin), ~origin, 5, change("r")});
    lies.push_back({test_peer(origin), ~origin, 1ULL << 60, 1ULL << 61});
  }
  CHECK(log.give_up(lies, {}));
  const mesh::LogDigest digest{log.extents(), true, false, ~0ULL};
  CHECK(mesh::encode(digest).size() <= mesh::longest_message);
  std::size_t with_holes = 0;
  for (const mesh::LogExtent& extent : digest.extents) {
    with_holes += extent.holes.empty() ? 0 : 1;
    CHECK((extent.last == 0) == extent.holes.empty());
    CHECK(extent.first <= extent.last + 1);
  }
  CHECK(with_holes > 0);
  mesh::FloodLog honest;
  for (std::uint64_t sequence = 1; sequence <= 4; ++sequence) {
    for (std::uint64_t origin = 0; origin < mesh::FloodLog::most_kept_origins; ++origin) {
      honest.add({test_peer(origin), ~origin, sequence, change("r")});
    }
  }
  CHECK(honest.missing_there(digest.extents).names.size() == 4 * mesh::FloodLog::most_kept_origins);
}

TEST_CASE("what went while one before it was waited for cannot be handed out later") {
  mesh::FloodLog log;
  log.add(stone(1, 2));
  log.add(stone(1, 5));
  for (std::uint64_t sequence = 1; sequence <= mesh::FloodLog::most_entries - 1; ++sequence) {
    log.add(stone(2, sequence));
  }
  log.add(stone(1, 1));  // 2 and 5 have gone
  log.add(stone(1, 3));
  const std::vector<mesh::LogExtent> none{{test_peer(2), 77, 1, mesh::FloodLog::most_entries}};
  std::vector<mesh::LogExtent> told = log.extents();
  std::erase_if(told, [](const mesh::LogExtent& extent) { return extent.origin != test_peer(1); });
  REQUIRE(told.size() == 1);
  CHECK(told[0].first == 3);
  CHECK(told[0].last == 3);
  CHECK(log.missing_there(none).gap);
  log.add(stone(1, 4));
  told = log.extents();
  std::erase_if(told, [](const mesh::LogExtent& extent) { return extent.origin != test_peer(1); });
  CHECK(told[0].first == 6);
  CHECK(told[0].last == 5);
}

TEST_CASE("the log keeps what it promises, and says what is gone") {
  mesh::FloodLog log;
  const mesh::Origin origin{test_peer(1), 77};
  for (std::uint64_t sequence = 1; sequence <= mesh::FloodLog::most_entries + 10; ++sequence) {
    CHECK_FALSE(log.add(stone(1, sequence)));
  }
  CHECK(log.size() == mesh::FloodLog::most_entries);
  REQUIRE(log.extents().size() == 1);
  CHECK(log.extents()[0].first == 11);
  CHECK(log.extents()[0].last == mesh::FloodLog::most_entries + 10);
  CHECK(log.is_applied(origin, 1));
  CHECK_FALSE(log.is_applied(origin, mesh::FloodLog::most_entries + 11));
  CHECK_FALSE(log.is_applied({test_peer(1), 78}, 1));
  const std::vector<mesh::LogExtent> old{{test_peer(1), 77, 1, 9}};
  CHECK(log.missing_there(old).gap);
  const std::vector<mesh::LogExtent> nearly{{test_peer(1), 77, 1, 10}};
  CHECK_FALSE(log.missing_there(nearly).gap);
  CHECK(log.missing_there(nearly).names.size() == mesh::FloodLog::most_entries);
  CHECK_FALSE(log.missing_there(log.extents()).gap);
  CHECK(log.missing_there(log.extents()).names.empty());
}

TEST_CASE("the longest unused origin goes first, and that is counted") {
  mesh::FloodLog log;
  for (std::uint64_t origin = 0; origin < mesh::FloodLog::most_kept_origins + 1; ++origin) {
    log.add(stone(origin, 1));
  }
  CHECK(log.extents().size() == mesh::FloodLog::most_kept_origins);
  CHECK(log.forgotten() == 1);
  CHECK_FALSE(log.is_applied({test_peer(0), 77}, 1));
  CHECK(log.size() == mesh::FloodLog::most_kept_origins);
}

TEST_CASE("equal logs have equal summaries, however they came to be") {
  mesh::FloodLog one;
  mesh::FloodLog other;
  for (const std::uint64_t sequence : {1, 2, 3}) {
    one.add(stone(1, sequence));
    one.add(stone(2, sequence));
  }
  CHECK(one.summary() != other.summary());
  for (const std::uint64_t sequence : {3, 1, 2}) {
    other.add(stone(2, sequence));
    other.add(stone(1, sequence));
  }
  CHECK(one.summary() == other.summary());
}

TEST_CASE("logs that differ have different summaries, whatever they have in common") {
  mesh::FloodLog one;
  mesh::FloodLog other;
  for (mesh::FloodLog* log : {&one, &other}) {
    log->add(stone(1, 1));
  }
  REQUIRE(one.summary() == other.summary());
  one.add(stone(1, 3));  // one before it is waited for
  CHECK(one.summary() != other.summary());
  other.add(stone(1, 3));
  CHECK(one.summary() == other.summary());
  const std::vector<mesh::LogExtent> later{{test_peer(1), 77, 3, 3}};
  CHECK(one.give_up(later, {}));
  CHECK(one.summary() != other.summary());
  CHECK(other.give_up(later, {}));
  CHECK(one.summary() == other.summary());
  one.add(stone(1, 2));
  CHECK(one.summary() != other.summary());
  other.add(stone(1, 2));
  CHECK(one.summary() == other.summary());
  mesh::FloodLog third;
  for (const std::uint64_t sequence : {3, 2, 1}) {
    third.add(stone(1, sequence));
  }
  CHECK_MESSAGE(third.summary() == one.summary(), "what was given up and came after all is no difference");
}

TEST_CASE("what has left a log makes no difference to its summary") {
  mesh::FloodLog one;
  mesh::FloodLog other;
  for (std::uint64_t sequence = 1; sequence <= mesh::FloodLog::most_entries; ++sequence) {
    one.add(stone(2, sequence));
  }
  one.add(stone(1, 1));
  other.add(stone(1, 1));
  for (std::uint64_t sequence = 1; sequence <= mesh::FloodLog::most_entries; ++sequence) {
    other.add(stone(2, sequence));
  }
  REQUIRE(one.find({{test_peer(1), 77}, 1}).has_value());
  REQUIRE_FALSE(other.find({{test_peer(1), 77}, 1}).has_value());
  CHECK(one.summary() == other.summary());
}

TEST_CASE("a change that came out of turn to one of two peers comes to the other by comparison") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(2));
  mesh.network.run_for(Millis{60'000});
  mesh.at(0).flood.receive(test_peer(1), mesh::Tombstones{0, {stone(40, 1), stone(40, 3)}});
  mesh.at(1).flood.receive(test_peer(0), mesh::Tombstones{0, {stone(40, 1)}});
  mesh.network.run_for(Millis{60'000});
  CHECK(mesh.at(1).host.times(change("s1")) == 1);
  CHECK(mesh.at(1).host.times(change("s3")) == 1);
}

TEST_CASE("peers that have given up different changes compare summaries again once nothing is left to send") {
  MemberMesh mesh;
  mesh.network.through_codec = false;
  mesh.start(0);
  for (int i = 0; i < 1'100; ++i) {
    mesh.at(0).flood.announce(std::vector<cache::Change>(64, change("r" + std::to_string(i))), {});
  }
  mesh.network.run_for(Millis{10});
  MemberProcess& joiner = mesh.start(1, {0});
  mesh.network.run_for(Millis{120'000});
  REQUIRE(joiner.flood.counters().gaps >= 1);
  std::size_t lists = 0;
  std::size_t briefs = 0;
  mesh.network.on_send = [&](const PeerId&, const PeerId&, const mesh::Message& message) {
    if (const auto* digest = std::get_if<mesh::LogDigest>(&message)) {
      ++(digest->brief ? briefs : lists);
    }
  };
  mesh.network.run_for(Millis{120'000});
  CHECK(lists == 0);
  CHECK(briefs >= 14);
  mesh.at(0).flood.announce({change("later")}, {});
  mesh.network.run_for(Millis{60'000});
  CHECK(joiner.host.times(change("later")) == 1);
  CHECK(lists > 0);
}

TEST_CASE("whoever asks for the whole log again and again is sent it once") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(2));
  for (int i = 0; i < 20; ++i) {
    mesh.at(0).flood.announce(std::vector<cache::Change>(64, change("r" + std::to_string(i))), {});
  }
  mesh.network.run_for(Millis{1'000});
  std::size_t sent = 0;
  mesh.network.on_send = [&](const PeerId& from, const PeerId&, const mesh::Message& message) {
    sent += from == test_peer(0) && std::holds_alternative<mesh::Tombstones>(message) ? 1 : 0;
  };
  mesh.network.freeze(test_peer(1));  // it acknowledges nothing
  for (int i = 0; i < 10; ++i) {
    mesh.network.attach(test_peer(1)).send(test_peer(0), mesh::LogDigest{{}, true, false, 0});
  }
  mesh.network.run_for(Millis{100});
  CHECK(sent == 8);
}

TEST_CASE("an origin that comes back after it was forgotten is a new one") {
  mesh::FloodLog log;
  log.add(stone(1, 1));
  for (std::uint64_t origin = 2; origin < mesh::FloodLog::most_kept_origins + 2; ++origin) {
    log.add(stone(origin, 1));
  }
  REQUIRE_FALSE(log.is_applied({test_peer(1), 77}, 1));
  log.add(stone(1, 1));
  CHECK(log.is_applied({test_peer(1), 77}, 1));
  CHECK(log.size() == mesh::FloodLog::most_kept_origins);
  // However many names of forgotten ones are left, no more than all are kept, and the latest ones.
  for (std::uint64_t sequence = 2; sequence <= mesh::FloodLog::most_entries + 2; ++sequence) {
    log.add(stone(1, sequence));
  }
  CHECK(log.size() == mesh::FloodLog::most_entries);
  CHECK(log.find({{test_peer(1), 77}, mesh::FloodLog::most_entries + 2}).has_value());
  CHECK_FALSE(log.find({{test_peer(1), 77}, 2}).has_value());
}

TEST_CASE("what one peer pours out is passed on in measure, and what is left out comes by comparison") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(3));
  std::size_t passed_on = 0;
  mesh.network.on_send = [&](const PeerId& from, const PeerId& to, const mesh::Message& message) {
    passed_on +=
        from == test_peer(0) && to == test_peer(2) && std::holds_alternative<mesh::Tombstones>(message) ? 1 : 0;
  };
  for (std::uint64_t sequence = 1; sequence <= 1'000; ++sequence) {
    mesh.network.attach(test_peer(1)).send(test_peer(0), mesh::Tombstones{0, {stone(40, sequence)}});
  }
  mesh.network.run_for(Millis{500});
  CHECK(mesh.at(0).host.times(change("s1000")) == 1);
  CHECK(passed_on == 200);
  mesh.network.run_for(Millis{120'000});
  CHECK(mesh.at(2).host.times(change("s1000")) == 1);
}

TEST_CASE(
    "a peer that pours out changes has some applied, and the rest later: none is lost, none is acknowledged early") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(2));
  mesh.network.run_for(Millis{60'000});
  // As if its own log held them, and its engine had long applied them.
  mesh.network.set_reach([](const PeerId&, const PeerId&) { return false; });
  for (int i = 0; i < 100; ++i) {
    std::vector<cache::Change> changes;
    for (int k = 0; k < 64; ++k) {
      changes.push_back(change(std::to_string(i) + "x" + std::to_string(k)));
    }
    mesh.at(0).flood.announce(std::move(changes), {});
  }
  std::size_t acknowledged = 0;
  mesh.network.on_send = [&](const PeerId& from, const PeerId&, const mesh::Message& message) {
    acknowledged += from == test_peer(1) && std::holds_alternative<mesh::Acknowledge>(message) ? 1 : 0;
  };
  mesh.network.set_reach({});
  mesh.network.run_for(Millis{100});
  CHECK(acknowledged < 100);
  CHECK(acknowledged == static_cast<std::size_t>(mesh.at(1).host.batches));
  CHECK(mesh.at(1).host.applied.size() <= 2'000 + 64);
  CHECK(mesh.at(1).flood.counters().put_off > 0);
  mesh.network.run_for(Millis{60'000});
  for (int i = 0; i < 100; ++i) {
    CHECK(mesh.at(1).host.times(change(std::to_string(i) + "x0")) == 1);
  }
}

TEST_CASE("changes of whole hosts without end are applied in measure, and others beside them at once") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(3));
  mesh.network.run_for(Millis{60'000});
  const cache::Change whole = github::Tag{"api.github.com", ""};
  for (std::uint64_t sequence = 1; sequence <= 500; ++sequence) {
    mesh.network.attach(test_peer(1)).send(test_peer(0), mesh::Tombstones{0, {{test_peer(40), 77, sequence, whole}}});
  }
  mesh.network.run_for(Millis{500});
  CHECK(mesh.at(0).host.times(whole) == 160);
  bool told = false;
  mesh.at(1).flood.announce({whole, change("own")}, [&] { told = true; });
  mesh.at(2).flood.announce({change("other")}, {});
  mesh.network.run_for(Millis{50});
  CHECK(told);
  CHECK(mesh.at(0).host.times(whole) == 161);
  CHECK(mesh.at(0).host.times(change("own")) == 1);
  CHECK(mesh.at(0).host.times(change("other")) == 1);
}

TEST_CASE("while something had to wait, no comparison counts as complete") {
  FloodRig rig;
  rig.start();
  rig.link(rig.lower);
  rig.flood->receive(rig.lower, mesh::LogDigest{{}, false, false, 0});
  // All that may be caught up with, and one more.
  std::uint64_t sequence = 0;
  std::uint32_t number = 0;
  while (rig.flood->counters().put_off == 0) {
    std::vector<mesh::Tombstone> stones;
    while (stones.size() < mesh::most_tombstones) {
      stones.push_back(stone(40, ++sequence));
    }
    rig.flood->receive(rig.lower, mesh::Tombstones{++number, std::move(stones)});
  }
  CHECK(rig.to<mesh::Acknowledge>(rig.lower).size() == number - 1);
  rig.flood->receive(rig.lower, mesh::LogEnd{false});
  CHECK(rig.host.distrusts);
  // The next comparison is with that peer, and asks for it.
  rig.clock.advance(Millis{15'000});
  const std::size_t before = rig.to<mesh::LogDigest>(rig.lower).size();
  rig.flood->tick();
  const auto digests = rig.to<mesh::LogDigest>(rig.lower);
  REQUIRE(digests.size() > before);
  CHECK_FALSE(digests.back().brief);
  REQUIRE(digests.back().extents.size() == 1);
  CHECK(digests.back().extents[0].last == sequence - mesh::most_tombstones);
}
