// What the flood of changes withstands: many origins, members that lie, and answers that come late.

#include <doctest/doctest.h>

#include "core/mesh/flood.hpp"
#include "core/mesh/rank.hpp"
#include "tests/core/mesh/flood_rig.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using base::Millis;

TEST_CASE("more than 256 runs that have written leave an honest network quiet") {
  MemberMesh mesh;
  REQUIRE(mesh.grow(3));
  int linked = 0;
  for (std::uint64_t restart = 0; restart < 300; ++restart) {
    const std::uint64_t who = 1 + restart % 2;
    mesh.kill(who);
    mesh.network.run_for(Millis{5'000});
    mesh::MemberOptions options = mesh.options(who, {0});
    options.self.sequence = restart + 10;
    mesh.start(std::move(options));
    const auto is_linked = [&] { return mesh.at(who).members.linked().size() == 2; };
    linked += mesh.network.run_until(is_linked, Millis{60'000}, Millis{100}).has_value() ? 1 : 0;
    mesh.network.run_for(Millis{2'000});
    mesh.at(who).flood.announce({change("r")}, nullptr);
    mesh.network.run_for(Millis{2'000});
  }
  CHECK(linked == 300);
  mesh.network.run_for(Millis{600'000});
  const auto state = [&] {
    std::vector<std::uint64_t> seen;
    for (const auto& [id, process] : mesh.processes) {
      seen.push_back(process->flood.counters().gaps);
      seen.push_back(static_cast<std::uint64_t>(process->host.told));
      seen.push_back(static_cast<std::uint64_t>(process->host.batches));
    }
    return seen;
  };
  const auto before = state();
  mesh.network.run_for(Millis{600'000});
  CHECK(state() == before);
}

TEST_CASE("a change that comes by comparison is as old as where it comes from, so that newcomers keep none young") {
  FloodRig rig;
  rig.start();
  rig.link(rig.lower);
  rig.flood->receive(rig.lower, mesh::LogDigest{{{test_peer(40), 77, 1, 2, {}, Millis{200'000}}}, false, false, 0});
  rig.flood->receive(rig.lower, mesh::Tombstones{1, {stone(40, 1), stone(40, 2)}});
  rig.flood->receive(rig.lower, mesh::Tombstones{0, {stone(41, 1)}});
  const auto handed_out = [&] {
    rig.links.sent.clear();
    rig.link(rig.upper);
    rig.flood->receive(rig.upper, mesh::LogDigest{{}, false, false, 0});
    std::size_t count = 0;
    for (const mesh::Tombstones& sent : rig.to<mesh::Tombstones>(rig.upper)) {
      count += sent.tombstones.size();
    }
    return count;
  };
  rig.clock.advance(Millis{99'999});
  CHECK(handed_out() == 3);
  CHECK(rig.to<mesh::LogDigest>(rig.upper).back().extents[0].idle >= Millis{99'999});
  rig.clock.advance(Millis{10'001});
  CHECK(handed_out() == 1);
  SUBCASE("unless another one followed") {
    rig.flood->receive(rig.lower, mesh::Tombstones{0, {stone(40, 3)}});
    rig.clock.advance(Millis{10'000});
    CHECK(handed_out() == 4);
  }
  SUBCASE("and in the end it is dropped") {
    rig.clock.advance(Millis{500'000});
    static_cast<void>(handed_out());
    CHECK(rig.to<mesh::LogDigest>(rig.upper).back().extents.empty());
  }
}

TEST_CASE("who has been silent for long numbers anew, since others have forgotten the numbers before") {
  FloodRig rig;
  rig.start();
  rig.link(rig.lower);
  const auto announced = [&] {
    rig.flood->announce({change("r")}, {});
    return rig.to<mesh::Tombstones>(rig.lower).back().tombstones.front();
  };
  const mesh::Tombstone first = announced();
  rig.clock.advance(Millis{299'999});
  const mesh::Tombstone second = announced();
  CHECK(second.incarnation == first.incarnation);
  CHECK(second.sequence == 2);
  rig.clock.advance(Millis{300'000});
  const mesh::Tombstone third = announced();
  CHECK(third.incarnation != first.incarnation);
  CHECK(third.sequence == 1);
}

TEST_CASE("what is gone and long idle is no gap, and what had to make room while young is told as one for a while") {
  mesh::FloodLog log;
  log.age(base::MonoTime{Millis{1'000'000}});
  const std::vector<mesh::LogExtent> old{{test_peer(1), 77, 5, 9, {}, mesh::longest_fresh}};
  CHECK_FALSE(log.give_up(old, {}));
  CHECK(log.extents().empty());
  for (std::uint64_t origin = 0; origin < mesh::FloodLog::most_kept_origins; ++origin) {
    log.add(stone(origin, 1), origin == 9 ? mesh::longest_fresh : Millis{0});
  }
  log.add(stone(1'000, 1));
  CHECK(log.forgotten() == 0);
  CHECK_FALSE(log.is_applied({test_peer(9), 77}, 1));
  log.add(stone(1'001, 1));
  CHECK(log.forgotten() == 1);
  CHECK(log.forgot_lately());
  log.age(base::MonoTime{Millis{1'300'000}});
  CHECK_FALSE(log.forgot_lately());
  CHECK_FALSE(log.extents().empty());
  log.age(base::MonoTime{Millis{1'600'000}});
  CHECK(log.extents().empty());
  CHECK(log.size() == 0);
}

TEST_CASE("the end of a comparison that put something off does not count because the next one began") {
  FloodRig rig;
  rig.start();
  rig.link(rig.lower);
  rig.flood->receive(rig.lower, mesh::LogDigest{{}, false, false, 0});
  std::uint64_t sequence = 0;
  while (rig.flood->counters().put_off == 0) {
    std::vector<mesh::Tombstone> stones;
    while (stones.size() < mesh::most_tombstones) {
      stones.push_back(stone(40, ++sequence));
    }
    rig.flood->receive(rig.lower, mesh::Tombstones{static_cast<std::uint32_t>(sequence), std::move(stones)});
  }
  rig.clock.advance(Millis{15'000});
  rig.flood->tick();                                   // the next one begins, before
  rig.flood->receive(rig.lower, mesh::LogEnd{false});  // the end of the first arrives
  CHECK(rig.host.distrusts);
  rig.flood->receive(rig.lower, mesh::LogDigest{{}, true, false, 0});
  CHECK(rig.host.distrusts);
  rig.flood->receive(rig.lower, mesh::LogEnd{false});
  CHECK_FALSE(rig.host.distrusts);
}

TEST_CASE("a brief digest that is answered by a list leaves no end due") {
  FloodRig rig;
  rig.start();
  rig.clock.advance(Millis{300'000});
  rig.link(rig.upper);
  REQUIRE(rig.to<mesh::LogDigest>(rig.upper).back().brief);
  rig.flood->receive(rig.upper, mesh::LogDigest{{}, false, false, 1});
  rig.flood->receive(rig.upper, mesh::LogEnd{false});
  rig.flood->receive(rig.upper, mesh::LogEnd{true});
  CHECK(rig.flood->counters().unasked == 1);
  CHECK(rig.flood->counters().gaps == 0);
}

namespace {

std::uint64_t inverse(std::uint64_t odd) {
  std::uint64_t x = odd;
  for (int i = 0; i < 6; ++i) {
    x *= 2 - odd * x;
  }
  return x;
}

std::uint64_t unmix(std::uint64_t mixed) {
  mixed ^= mixed >> 31 ^ mixed >> 62;
  mixed *= inverse(0x94d049bb133111eb);
  mixed ^= mixed >> 27 ^ mixed >> 54;
  mixed *= inverse(0xbf58476d1ce4e5b9);
  return mixed ^ mixed >> 30 ^ mixed >> 60;
}

}  // namespace

TEST_CASE("no invented change makes a log's summary that of one that has more, by undoing the mixing of ranks") {
  mesh::FloodLog full;
  mesh::FloodLog empty;
  for (std::uint64_t sequence = 1; sequence <= 100; ++sequence) {
    full.add(stone(50, sequence));
  }
  const std::uint64_t wanted = full.summary() - empty.summary();
  mesh::Tombstone forged = stone(60, 1);
  forged.incarnation = unmix(unmix(unmix(wanted) ^ 1) ^ 1) ^ mesh::rank_seed(forged.origin.key);
  empty.add(forged);
  CHECK(empty.summary() != full.summary());
}

TEST_CASE("a summary is what the protocol's manual page says") {
  const auto number = [](std::uint64_t value) {
    std::string bytes;
    for (int shift = 0; shift < 64; shift += 8) {
      bytes += static_cast<char>(value >> shift & 0xff);
    }
    return bytes;
  };
  const auto text = [](const auto& bytes) { return std::string(bytes.begin(), bytes.end()); };
  const std::string first = text(test_peer(1).key) + number(77) + number(1) + number(2) + number(9) + number(9);
  const std::string second = text(test_peer(2).key) + number(77) + number(6) + number(6) + number(5);
  std::vector<std::string> runs{first, second};
  std::sort(runs.begin(), runs.end());
  std::string digests;
  for (const std::string& run : runs) {
    digests += text(base::sha256(run).bytes);
  }
  const std::string whole = text(base::sha256(digests).bytes);
  mesh::FloodLog log;
  log.age(base::MonoTime{Millis{1'000'000}});
  log.add(stone(3, 1), mesh::longest_fresh);
  for (const std::uint64_t sequence : {9, 1, 2}) {
    log.add(stone(1, sequence));
  }
  CHECK(log.give_up(std::vector<mesh::LogExtent>{{test_peer(2), 77, 6, 6}}, {}));
  log.add(stone(2, 6));
  CHECK(number(log.summary()) == whole.substr(0, 8));
  log.age(base::MonoTime{Millis{1'300'000}});
  CHECK_MESSAGE(number(log.summary()) == text(base::sha256("").bytes).substr(0, 8), "all of it is idle now");
}

TEST_CASE("what a digest claims of invented origins pushes no true one out") {
  FloodRig rig;
  rig.start();
  rig.link(rig.upper);
  rig.flood->receive(rig.upper, mesh::Tombstones{1, {stone(50, 1)}});
  mesh::LogDigest lie{{}, false, false, 0};
  for (std::uint64_t origin = 1'000; origin < 1'256; ++origin) {
    lie.extents.push_back({test_peer(origin), 1, 9, 9, {}});
  }
  for (int i = 0; i < 100; ++i) {
    for (mesh::LogExtent& extent : lie.extents) {
      ++extent.incarnation;
    }
    rig.flood->receive(rig.upper, lie);
    rig.clock.advance(Millis{100});
  }
  rig.flood->receive(rig.upper, mesh::Tombstones{2, {stone(50, 1)}});
  CHECK_MESSAGE(rig.host.times(change("s1")) == 1, "it is still known as applied");
  CHECK(rig.flood->counters().gaps == 1);
}

TEST_CASE("of one peer two lists at once are read, and one a second") {
  FloodRig rig;
  rig.start();
  rig.link(rig.lower);
  for (int i = 0; i < 10; ++i) {
    rig.flood->receive(rig.lower, mesh::LogDigest{{}, false, false, 0});
  }
  CHECK(rig.to<mesh::LogDigest>(rig.lower).size() == 2);
  rig.flood->link_down(rig.lower);
  rig.link(rig.lower);
  rig.flood->receive(rig.lower, mesh::LogDigest{{}, false, false, 0});
  CHECK_MESSAGE(rig.to<mesh::LogDigest>(rig.lower).size() == 2, "a new link is no new allowance");
  rig.clock.advance(Millis{1'000});
  rig.flood->receive(rig.lower, mesh::LogDigest{{}, false, false, 0});
  rig.flood->receive(rig.lower, mesh::LogDigest{{}, true, false, 0});
  CHECK(rig.to<mesh::LogDigest>(rig.lower).size() == 3);
}

TEST_CASE("a peer makes everything older be distrusted every 15 s at most, and is heard in the end") {
  FloodRig rig;
  rig.start();
  rig.link(rig.upper);
  rig.link(rig.lower);
  const int before = rig.host.told;
  std::uint64_t claimed = 1;
  const auto claim = [&](const mesh::PeerId& from) {
    claimed *= 2;
    rig.flood->receive(from, mesh::LogDigest{{{test_peer(60), 1, claimed, claimed}}, false, false, 0});
    return rig.host.told - before;
  };
  CHECK(claim(rig.upper) == 1);
  rig.clock.advance(Millis{1'000});
  CHECK(claim(rig.upper) == 1);
  CHECK_MESSAGE(claim(rig.lower) == 2, "another peer is heard at once, and what waits with it");
  CHECK(rig.flood->next_deadline() == rig.clock.mono() + Millis{14'000});
  rig.clock.advance(Millis{10'000});
  CHECK(claim(rig.upper) == 2);
  rig.clock.advance(Millis{3'999});
  rig.flood->tick();
  CHECK(rig.host.told - before == 2);
  rig.clock.advance(Millis{1});
  rig.flood->tick();
  CHECK(rig.host.told - before == 3);
  CHECK(claim(rig.upper) == 3);
  rig.clock.advance(Millis{14'999});
  rig.flood->tick();
  CHECK(rig.host.told - before == 3);
  CHECK(rig.flood->counters().gaps == 3);
}

TEST_CASE("what waits for a number that never comes takes bounded memory, also once it has left the log") {
  mesh::FloodLog log;
  bool gap = false;
  std::size_t held = 0;
  for (std::uint64_t origin = 0; origin < 40; ++origin) {
    for (std::uint64_t sequence = 2; sequence <= mesh::FloodLog::most_beyond; ++sequence) {
      gap = log.add(stone(origin, sequence)) || gap;
    }
  }
  CHECK(log.size() == mesh::FloodLog::most_entries);
  CHECK(gap);
  for (const mesh::LogExtent& extent : log.extents()) {
    held += extent.last == 0 ? 1 : 0;
  }
  CHECK_MESSAGE(held < 40, "some are not waited for any more");
}
