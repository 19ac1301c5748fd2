#include "net/overlay/transport.hpp"

#include <doctest/doctest.h>
#include <numeric>

#include "tests/net/overlay/rig.hpp"
#include "tests/support/manual_clock.hpp"

namespace ghoard::overlay::testing {

namespace {

using boost::asio::io_context;
using mesh::LinkEnd;

struct Pair {
  io_context loop;
  Station a;
  Station b;

  explicit Pair(const Limits& limits = {}, const std::string& keys = "a", const base::Clock* clock = nullptr)
      : a(loop, {1, keys, limits, {}, clock}), b(loop, {2, keys, limits, {}, clock}) {}

  Station& lower() { return a.id() < b.id() ? a : b; }
  Station& higher() { return a.id() < b.id() ? b : a; }
  [[nodiscard]] bool link() {
    a.dial(b);
    return run_until(loop, [&] { return a.is_linked(b) && b.is_linked(a); });
  }
  [[nodiscard]] bool is_quiet() { return a.transport().links() == 1 && b.transport().links() == 1; }
};

std::vector<std::uint32_t> first_numbers(std::uint32_t count) {
  std::vector<std::uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 1U);
  return numbers;
}

}  // namespace

TEST_SUITE("net/overlay/transport") {
  TEST_CASE("a dial makes one link on both sides and messages arrive in order") {
    Pair pair;
    REQUIRE(pair.link());
    for (const std::uint32_t number : first_numbers(100)) {
      pair.a.send(pair.b, mesh::Ping{number, 7});
      pair.b.send(pair.a, mesh::Ping{number, 8});
    }
    REQUIRE(
        run_until(pair.loop, [&] { return pair.b.pings(pair.a).size() == 100 && pair.a.pings(pair.b).size() == 100; }));
    CHECK(pair.b.pings(pair.a) == first_numbers(100));
    CHECK(pair.a.pings(pair.b) == first_numbers(100));
    CHECK(pair.a.told(pair.b).ups == 1);
    CHECK(pair.b.told(pair.a).ups == 1);
    CHECK(pair.a.told(pair.b).inbound_ups == 0);
    CHECK(pair.b.told(pair.a).inbound_ups == 1);
  }

  TEST_CASE("figures of a link say who dialled, under which key, with which software, and how many bytes") {
    Pair pair;
    REQUIRE(pair.link());
    pair.a.send(pair.b, mesh::Ping{1, 0});
    REQUIRE(run_until(pair.loop, [&] { return pair.b.pings(pair.a).size() == 1; }));
    const std::vector<LinkFigures> at_a = pair.a.transport().figures();
    const std::vector<LinkFigures> at_b = pair.b.transport().figures();
    REQUIRE(at_a.size() == 1);
    REQUIRE(at_b.size() == 1);
    CHECK(at_a[0].peer == pair.b.id());
    CHECK_FALSE(at_a[0].inbound);
    CHECK(at_b[0].inbound);
    CHECK(at_a[0].remote == "127.0.0.1:" + std::to_string(pair.b.port()));
    CHECK(at_a[0].software == "test/2");
    CHECK(at_a[0].key_index == 0);
    CHECK(at_b[0].bytes_in > 0);
    CHECK(at_b[0].bytes_out == at_a[0].bytes_in);
  }

  TEST_CASE("bodies arrive whole with their messages") {
    Pair pair;
    REQUIRE(pair.link());
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{70'000}, std::size_t{16} << 20}) {
      CAPTURE(size);
      const std::size_t before = pair.b.bodies(pair.a).size();
      pair.a.send(pair.b, value_with(size, 'q'));
      REQUIRE(run_until(pair.loop, [&] { return pair.b.bodies(pair.a).size() == before + 1; }));
      CHECK(*pair.b.bodies(pair.a).back() == std::string(size, 'q'));
    }
  }

  TEST_CASE("a body for which there is no room is told, with its message, where it should have come") {
    Limits narrow;
    narrow.body_bytes = 100'000;
    Pair pair(narrow);
    REQUIRE(pair.link());
    pair.a.send(pair.b, value_with(200'000));
    REQUIRE(run_until(pair.loop, [&] { return !pair.b.told(pair.a).lost.empty(); }));
    CHECK(mesh::name_of(pair.b.told(pair.a).lost.front()) == "value");
    CHECK(pair.b.bodies(pair.a).empty());
    pair.a.send(pair.b, value_with(50'000));
    REQUIRE(run_until(pair.loop, [&] { return pair.b.bodies(pair.a).size() == 1; }));
    CHECK(pair.b.told(pair.a).lost.size() == 1);
  }

  TEST_CASE("a message that is too long for one is told as not delivered") {
    Pair pair;
    REQUIRE(pair.link());
    mesh::Message message = value_with(1);
    for (int i = 0; i < 6; ++i) {
      std::get<mesh::Value>(message).value.headers.add("Warning", std::string(4'000, 'x'));
    }
    pair.a.send(pair.b, message);
    REQUIRE(run_until(pair.loop, [&] { return pair.a.told(pair.b).undelivered.size() == 1; }));
    CHECK(pair.a.is_linked(pair.b));
  }

  TEST_CASE("a ping overtakes a body of 16 MiB") {
    Pair pair;
    REQUIRE(pair.link());
    pair.a.send(pair.b, value_with(std::size_t{16} << 20));
    REQUIRE(run_until(pair.loop, [&] { return pair.b.transport().figures()[0].bytes_in > std::size_t{1} << 20; }));
    pair.a.send(pair.b, mesh::Ping{1, 0});
    REQUIRE(run_until(pair.loop, [&] { return !pair.b.pings(pair.a).empty(); }));
    CHECK(pair.b.bodies(pair.a).empty());
    REQUIRE(run_until(pair.loop, [&] { return pair.b.bodies(pair.a).size() == 1; }));
  }

  TEST_CASE("simultaneous dials end in one link, dialled by the lower id, and lose no message") {
    for (int round = 0; round < 20; ++round) {
      CAPTURE(round);
      Pair pair;
      pair.a.dial(pair.b);
      pair.b.dial(pair.a);
      std::uint32_t sent_a = 0;
      std::uint32_t sent_b = 0;
      REQUIRE(run_until(pair.loop, [&] {
        if (pair.a.is_linked(pair.b) && sent_a < 50) {
          pair.a.send(pair.b, mesh::Ping{++sent_a, 0});
        }
        if (pair.b.is_linked(pair.a) && sent_b < 50) {
          pair.b.send(pair.a, mesh::Ping{++sent_b, 0});
        }
        return pair.a.pings(pair.b).size() >= 50 && pair.b.pings(pair.a).size() >= 50 && pair.is_quiet();
      }));
      std::vector<std::uint32_t> got = pair.a.pings(pair.b);
      std::sort(got.begin(), got.end());
      CHECK(got == first_numbers(50));
      got = pair.b.pings(pair.a);
      std::sort(got.begin(), got.end());
      CHECK(got == first_numbers(50));
      CHECK(pair.a.told(pair.b).downs.empty());
      CHECK(pair.b.told(pair.a).downs.empty());
      CHECK_FALSE(pair.lower().transport().figures()[0].inbound);
      CHECK(pair.higher().transport().figures()[0].inbound);
      CHECK_FALSE(pair.a.was_misled());
      CHECK_FALSE(pair.b.was_misled());
    }
  }

  TEST_CASE("a dial back over an existing link tells the dialled side and leaves one link") {
    Pair pair;
    REQUIRE(pair.link());
    SUBCASE("from the side that was dialled") {
      pair.b.transport().dial_back(pair.a.id(), {pair.a.address()});
      REQUIRE(run_until(pair.loop, [&] { return pair.a.told(pair.b).inbound_ups == 1; }));
    }
    SUBCASE("from the side that dialled") {
      pair.a.transport().dial_back(pair.b.id(), {pair.b.address()});
      REQUIRE(run_until(pair.loop, [&] { return pair.b.told(pair.a).inbound_ups == 2; }));
    }
    REQUIRE(run_until(pair.loop, [&] { return pair.is_quiet(); }));
    pair.a.send(pair.b, mesh::Ping{1, 0});
    pair.b.send(pair.a, mesh::Ping{1, 0});
    REQUIRE(run_until(pair.loop, [&] { return pair.a.pings(pair.b).size() == 1 && pair.b.pings(pair.a).size() == 1; }));
    CHECK(pair.a.told(pair.b).downs.empty());
    CHECK(pair.b.told(pair.a).downs.empty());
    CHECK(pair.a.transport().figures()[0].inbound != pair.b.transport().figures()[0].inbound);
  }

  TEST_CASE("whoever stops says good-bye, so that peers know at once that it has gone") {
    Pair pair;
    REQUIRE(pair.link());
    pair.b.end();
    REQUIRE(run_until(pair.loop, [&] { return !pair.a.is_linked(pair.b); }));
    CHECK(pair.a.told(pair.b).downs == std::vector{LinkEnd::closed});
  }

  TEST_CASE("a link that the user closes ends on both sides and is told to the other one alone") {
    Pair pair;
    REQUIRE(pair.link());
    pair.a.transport().close(pair.b.id());
    REQUIRE(run_until(pair.loop, [&] { return !pair.b.is_linked(pair.a); }));
    CHECK(pair.b.told(pair.a).downs == std::vector{LinkEnd::failed});
    REQUIRE(run_until(pair.loop, [&] { return pair.a.transport().links() == 0 && pair.b.transport().links() == 0; }));
    CHECK(pair.a.told(pair.b).downs.empty());
    pair.a.told(pair.b).linked = false;
    CHECK(pair.link());
  }

  TEST_CASE("a wake is one tick, later") {
    Pair pair;
    pair.a.transport().wake();
    pair.a.transport().wake();
    CHECK(pair.a.ticks() == 0);
    REQUIRE(run_until(pair.loop, [&] { return pair.a.ticks() > 0; }));
    pair.loop.poll();
    CHECK(pair.a.ticks() == 1);
  }

  TEST_CASE("the network key is replaced under traffic without losing a message") {
    Limits limits;
    limits.upkeep = base::Millis{20};
    Pair pair(limits, "a");
    REQUIRE(pair.link());
    std::uint32_t sent = 0;
    std::size_t sent_bodies = 0;
    const auto traffic = [&] {
      if (sent - pair.b.pings(pair.a).size() < 20 && sent - pair.a.pings(pair.b).size() < 20) {
        ++sent;
        pair.a.send(pair.b, mesh::Ping{sent, 0});
        pair.b.send(pair.a, mesh::Ping{sent, 0});
      }
      if (sent_bodies == pair.b.bodies(pair.a).size() && sent_bodies == pair.a.bodies(pair.b).size()) {
        ++sent_bodies;
        pair.a.send(pair.b, value_with(300'000));
        pair.b.send(pair.a, value_with(300'000));
      }
    };
    const auto both_use = [&](std::size_t index) {
      const std::vector<LinkFigures> at_a = pair.a.transport().figures();
      const std::vector<LinkFigures> at_b = pair.b.transport().figures();
      return at_a.size() == 1 && at_b.size() == 1 && at_a[0].key_index == index && at_b[0].key_index == index;
    };
    const auto step = [&](Station& station, const std::string& keys, auto done) {
      station.transport().set_keys(keys_of(keys));
      const std::uint32_t until = sent + 50;
      REQUIRE(run_until(pair.loop, [&] {
        traffic();
        return sent >= until && done();
      }));
    };
    const auto at_once = [] { return true; };
    step(pair.a, "ab", at_once);
    step(pair.b, "ab", at_once);
    step(pair.b, "ba", at_once);
    step(pair.a, "ba", [&] { return both_use(0) && pair.is_quiet(); });
    step(pair.a, "b", at_once);
    step(pair.b, "b", [&] { return both_use(0); });
    REQUIRE(run_until(pair.loop, [&] {
      return pair.a.pings(pair.b).size() >= sent && pair.b.pings(pair.a).size() >= sent &&
             pair.a.bodies(pair.b).size() >= sent_bodies && pair.b.bodies(pair.a).size() >= sent_bodies;
    }));
    for (std::vector<std::uint32_t> got : {pair.a.pings(pair.b), pair.b.pings(pair.a)}) {
      std::sort(got.begin(), got.end());
      CHECK(got == first_numbers(sent));
    }
    CHECK(pair.a.bodies(pair.b).size() == sent_bodies);
    CHECK(pair.a.told(pair.b).downs.empty());
    CHECK(pair.b.told(pair.a).downs.empty());
    CHECK_FALSE(pair.a.was_misled());
    CHECK_FALSE(pair.b.was_misled());
  }

  TEST_CASE("a link under a key that was dropped ends") {
    Pair pair({}, "a");
    REQUIRE(pair.link());
    pair.a.transport().set_keys(keys_of("b"));
    REQUIRE(run_until(pair.loop, [&] { return !pair.a.is_linked(pair.b) && !pair.b.is_linked(pair.a); }));
    CHECK(pair.a.told(pair.b).downs.size() == 1);
  }

  TEST_CASE("after a day the side that dialled shakes hands anew, and the link stays up") {
    ghoard::testing::ManualClock clock;
    Limits limits;
    limits.upkeep = base::Millis{5};
    Pair pair(limits, "a", &clock);
    REQUIRE(pair.link());
    const base::MonoTime before = pair.a.transport().figures()[0].since;
    clock.advance(std::chrono::hours(24));
    REQUIRE(run_until(pair.loop, [&] {
      return pair.a.transport().figures()[0].since > before && pair.b.transport().figures()[0].since > before &&
             pair.is_quiet();
    }));
    CHECK(pair.a.told(pair.b).downs.empty());
    CHECK(pair.b.told(pair.a).downs.empty());
  }

  TEST_CASE("links come and go a hundred times and leave no descriptor behind") {
    Pair pair;
    REQUIRE(pair.link());
    const std::size_t before = open_descriptors();
    for (std::size_t round = 0; round < 100; ++round) {
      Station& closer = round % 2 == 0 ? pair.a : pair.b;
      Station& other = round % 2 == 0 ? pair.b : pair.a;
      closer.transport().close(other.id());
      closer.told(other).linked = false;
      REQUIRE(run_until(pair.loop, [&] { return !other.is_linked(closer); }));
      other.dial(closer);
      REQUIRE(run_until(pair.loop, [&] { return other.is_linked(closer) && closer.is_linked(other); }));
    }
    REQUIRE(run_until(pair.loop, [&] { return pair.is_quiet(); }));
    CHECK(open_descriptors() == before);
    CHECK_FALSE(pair.a.was_misled());
    CHECK_FALSE(pair.b.was_misled());
  }
}

}  // namespace ghoard::overlay::testing
