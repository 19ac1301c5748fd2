// The small parts of net/overlay that need no socket, or only one.

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>
#include <set>

#include "net/overlay/endpoints.hpp"
#include "net/overlay/half_open_slots.hpp"
#include "net/overlay/key_ring.hpp"
#include "net/overlay/quiet_log.hpp"
#include "tests/net/overlay/rig.hpp"
#include "tests/support/manual_clock.hpp"

namespace ghoard::overlay::testing {

namespace {

Tcp::endpoint endpoint(const std::string& address, std::uint16_t port = 9100) {
  return {boost::asio::ip::make_address(address), port};
}

HalfOpenSlots slots_of(std::size_t unproven, std::size_t proven, std::size_t per_address) {
  Limits limits;
  limits.unproven = unproven;
  limits.proven = proven;
  limits.proven_per_address = per_address;
  return HalfOpenSlots(limits, [](std::size_t below) { return below / 2; });
}

}  // namespace

TEST_SUITE("net/overlay/half_open_slots") {
  TEST_CASE("a stranger too many pushes out another one, never itself") {
    HalfOpenSlots slots = slots_of(3, 2, 2);
    std::set<HalfOpenSlots::Id> inside;
    for (HalfOpenSlots::Id id = 1; id <= 50; ++id) {
      if (const auto evicted = slots.enter(id)) {
        CHECK(inside.erase(*evicted) == 1);
      }
      inside.insert(id);
      CHECK(slots.strangers() == inside.size());
      CHECK(inside.size() <= 3);
    }
  }

  TEST_CASE("the proven ones have slots of their own, by address and in all") {
    HalfOpenSlots slots = slots_of(8, 3, 2);
    for (HalfOpenSlots::Id id = 1; id <= 6; ++id) {
      CHECK_FALSE(slots.enter(id).has_value());
    }
    CHECK(slots.prove(1, "x"));
    CHECK(slots.prove(2, "x"));
    CHECK_FALSE(slots.prove(3, "x"));
    CHECK(slots.prove(4, "y"));
    CHECK_FALSE(slots.prove(5, "z"));
    CHECK(slots.proven() == 3);
    CHECK(slots.strangers() == 3);
    slots.leave(1);
    CHECK(slots.prove(3, "x"));
  }

  TEST_CASE("exempt addresses count in all alone") {
    HalfOpenSlots slots = slots_of(8, 3, 1);
    for (HalfOpenSlots::Id id = 1; id <= 3; ++id) {
      CHECK_FALSE(slots.enter(id).has_value());
      CHECK(slots.prove(id, ""));
    }
    CHECK(slots.enter(4) == std::nullopt);
    CHECK_FALSE(slots.prove(4, ""));
  }

  TEST_CASE("whoever fails after all is a stranger again") {
    HalfOpenSlots slots = slots_of(1, 1, 1);
    CHECK_FALSE(slots.enter(1).has_value());
    CHECK(slots.prove(1, "x"));
    CHECK_FALSE(slots.enter(2).has_value());
    CHECK(slots.disprove(1) == std::optional<HalfOpenSlots::Id>(2));
    CHECK(slots.proven() == 0);
    CHECK(slots.strangers() == 1);
    CHECK(slots.disprove(1) == std::nullopt);
  }

  TEST_CASE("more than half of either kind is load") {
    HalfOpenSlots slots = slots_of(4, 2, 2);
    CHECK_FALSE(slots.enter(1).has_value());
    CHECK_FALSE(slots.enter(2).has_value());
    CHECK_FALSE(slots.under_load());
    CHECK_FALSE(slots.enter(3).has_value());
    CHECK(slots.under_load());
    slots.leave(1);
    CHECK(slots.prove(2, ""));
    CHECK_FALSE(slots.under_load());
    CHECK(slots.prove(3, ""));
    CHECK(slots.under_load());
  }
}

TEST_SUITE("net/overlay/endpoints") {
  TEST_CASE("a mapped address is the IPv4 one") {
    CHECK(plain(endpoint("::ffff:192.0.2.7")) == endpoint("192.0.2.7"));
    CHECK(host_text(endpoint("::ffff:192.0.2.7")) == "192.0.2.7");
    CHECK(text_of(endpoint("2001:db8::1")) == "[2001:db8::1]:9100");
    CHECK(text_of(endpoint("192.0.2.7", 80)) == "192.0.2.7:80");
  }

  TEST_CASE("addresses are counted by IPv4 address and by IPv6 /64") {
    CHECK(group_of(endpoint("192.0.2.7"), true) == group_of(endpoint("::ffff:192.0.2.7"), true));
    CHECK(group_of(endpoint("192.0.2.7"), true) != group_of(endpoint("192.0.2.8"), true));
    CHECK(group_of(endpoint("2001:db8::1"), true) == group_of(endpoint("2001:db8::ffff"), true));
    CHECK(group_of(endpoint("2001:db8::1"), true) != group_of(endpoint("2001:db8:0:1::1"), true));
    CHECK(group_of(endpoint("127.0.0.1"), true).empty());
    CHECK(group_of(endpoint("::1"), true).empty());
    CHECK_FALSE(group_of(endpoint("127.0.0.1"), false).empty());
  }

  TEST_CASE("names have no literal endpoint, addresses have") {
    CHECK(literal(loopback(80)) == endpoint("127.0.0.1", 80));
    peer::Multiaddr address;
    address.kind = peer::Multiaddr::Kind::dns;
    address.host = "localhost";
    address.port = 80;
    CHECK_FALSE(literal(address).has_value());
    address.kind = peer::Multiaddr::Kind::ip6;
    address.host = "fe80::1";
    address.zone = "no-such-zone";
    CHECK_FALSE(literal(address).has_value());
    address.zone = "lo";
    REQUIRE(literal(address).has_value());
    CHECK(literal(address)->address().to_v6().scope_id() != 0);
  }

  TEST_CASE("a port that is taken is passed over unless it was asked for") {
    boost::asio::io_context loop;
    base::Result<Tcp::acceptor> first = open_listener(loop, {"127.0.0.1", 0, false});
    REQUIRE(first);
    const std::uint16_t port = first->local_endpoint().port();
    const base::Result<Tcp::acceptor> refused = open_listener(loop, {"127.0.0.1", port, true});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == base::ErrorCode::busy);
    const base::Result<Tcp::acceptor> next = open_listener(loop, {"127.0.0.1", port, false});
    // Some test beside this one may have them all.
    if (next) {
      CHECK(next->local_endpoint().port() > port);
      CHECK(next->local_endpoint().port() <= port + 20);
    } else {
      CHECK(next.error().code == base::ErrorCode::busy);
    }
    CHECK(open_listener(loop, {"nonsense", 0, false}).error().code == base::ErrorCode::invalid_input);
  }

  TEST_CASE("a listener says where it is reached, which on all interfaces is never the unspecified address") {
    boost::asio::io_context loop;
    const base::Result<Tcp::acceptor> one = open_listener(loop, {"127.0.0.1", 0, false});
    REQUIRE(one);
    CHECK(reachable_at(one->local_endpoint()) == std::vector{loopback(one->local_endpoint().port())});
    const base::Result<Tcp::acceptor> all = open_listener(loop, {"", 0, false});
    REQUIRE(all);
    const std::vector<peer::Multiaddr> addresses = reachable_at(all->local_endpoint());
    REQUIRE_FALSE(addresses.empty());
    for (const peer::Multiaddr& address : addresses) {
      CAPTURE(address.text());
      CHECK(peer::parse_multiaddr(address.text(), peer::PeerPart::optional));
      CHECK((addresses.size() == 1 || !address.host.starts_with("127.")));
    }
  }
}

TEST_SUITE("net/overlay/key_ring") {
  TEST_CASE("a key keeps its number while it stays, whatever its place") {
    KeyRing ring(std::make_shared<const noise::KeyPair>(noise::KeyPair::generate()));
    CHECK(ring.empty());
    ring.set(keys_of("a"));
    const KeyRing::Serial a = ring.first_serial();
    ring.set(keys_of("ba"));
    CHECK(ring.index_of(a) == 1);
    CHECK(ring.first_serial() != a);
    const auto held = ring.accepted();
    ring.set(keys_of("b"));
    CHECK_FALSE(ring.index_of(a).has_value());
    CHECK(held->serials.at(1) == a);
    ring.set(keys_of("ba"));
    CHECK(ring.index_of(a) == std::nullopt);
  }

  TEST_CASE("a fifth key is left out") {
    KeyRing ring(std::make_shared<const noise::KeyPair>(noise::KeyPair::generate()));
    ring.set(keys_of("abcde"));
    CHECK(ring.accepted()->serials.size() == 4);
  }
}

TEST_SUITE("net/overlay/quiet_log") {
  TEST_CASE("one line per cause and interval, and the next one counts what was left out") {
    ghoard::testing::ManualClock clock;
    std::vector<std::string> lines;
    QuietLog log([&](std::string_view line) { lines.emplace_back(line); }, clock, base::Seconds(10));
    for (int i = 0; i < 5; ++i) {
      log.say("x", "an x");
    }
    log.say("y", "a y");
    CHECK(lines == std::vector<std::string>{"an x", "a y"});
    clock.advance(base::Seconds(10));
    log.say("x", "an x");
    CHECK(lines.back() == "an x (and 4 more like it)");
    clock.advance(base::Seconds(10));
    log.say("x", "an x");
    CHECK(lines.back() == "an x");
  }

  TEST_CASE("causes are few") {
    ghoard::testing::ManualClock clock;
    std::size_t lines = 0;
    QuietLog log([&](std::string_view) { ++lines; }, clock, base::Seconds(10));
    for (std::size_t i = 0; i < 2 * QuietLog::most_causes; ++i) {
      log.say(std::to_string(i), "line");
    }
    CHECK(lines == QuietLog::most_causes);
  }
}

}  // namespace ghoard::overlay::testing
