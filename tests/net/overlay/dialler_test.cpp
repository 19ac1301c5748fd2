// Dialling peers that refuse, are silent, are others, or are we ourselves.

#include "net/overlay/dialler.hpp"

#include <doctest/doctest.h>

#include "tests/net/overlay/caller.hpp"
#include "tests/net/overlay/rig.hpp"

namespace ghoard::overlay::testing {

namespace {

using boost::asio::io_context;
using mesh::LinkEnd;

Limits with_dial_deadline(int millis) {
  Limits limits;
  limits.dial_deadline = base::Millis{millis};
  limits.handshake_deadline = base::Millis{millis / 2};
  return limits;
}

std::uint16_t closed_port() {
  return Trap().port();
}

}  // namespace

TEST_SUITE("net/overlay/dialler") {
  TEST_CASE("nobody listens: refused") {
    io_context loop;
    Station a(loop, {1, "a", {}, {}, nullptr});
    const mesh::PeerId nobody = identity_of(9)->id();
    a.transport().dial(nobody, {loopback(closed_port())});
    REQUIRE(run_until(loop, [&] { return !a.told(nobody).dials_failed.empty(); }));
    CHECK(a.told(nobody).dials_failed == std::vector{LinkEnd::refused});
  }

  TEST_CASE("without any address a dial fails, later") {
    io_context loop;
    Station a(loop, {1, "a", {}, {}, nullptr});
    const mesh::PeerId nobody = identity_of(9)->id();
    a.transport().dial(nobody, {});
    CHECK(a.told(nobody).dials_failed.empty());
    REQUIRE(run_until(loop, [&] { return !a.told(nobody).dials_failed.empty(); }));
  }

  TEST_CASE("the second address is tried when the first refuses, or says nothing for its share of the time") {
    io_context loop;
    Trap silent;
    Station a(loop, {1, "a", with_dial_deadline(2000), {}, nullptr});
    Station b(loop, {2, "a", {}, {}, nullptr});
    a.transport().dial(b.id(), {loopback(closed_port()), loopback(silent.port()), b.address()});
    REQUIRE(run_until(loop, [&] { return a.is_linked(b); }));
    CHECK(a.told(b).dials_failed.empty());
  }

  TEST_CASE("a listener that never answers: silent, and meanwhile others are linked") {
    io_context loop;
    Trap silent;
    Station a(loop, {1, "a", with_dial_deadline(500), {}, nullptr});
    Station b(loop, {2, "a", {}, {}, nullptr});
    const mesh::PeerId nobody = identity_of(9)->id();
    a.transport().dial(nobody, {loopback(silent.port())});
    a.dial(b);
    REQUIRE(run_until(loop, [&] { return a.is_linked(b); }));
    CHECK(a.told(nobody).dials_failed.empty());
    REQUIRE(run_until(loop, [&] { return !a.told(nobody).dials_failed.empty(); }));
    CHECK(a.told(nobody).dials_failed == std::vector{LinkEnd::silent});
  }

  TEST_CASE("more dials than may run at a time wait for their turn and all end") {
    io_context loop;
    Limits limits = with_dial_deadline(200);
    limits.dials = 2;
    Trap silent;
    Station a(loop, {1, "a", limits, {}, nullptr});
    for (std::uint8_t i = 10; i < 16; ++i) {
      a.transport().dial(identity_of(i)->id(), {loopback(silent.port())});
    }
    REQUIRE(run_until(loop, [&] {
      std::size_t ended = 0;
      for (std::uint8_t i = 10; i < 16; ++i) {
        ended += a.told(identity_of(i)->id()).dials_failed.size();
      }
      return ended == 6;
    }));
  }

  TEST_CASE("a second dial of the same peer changes nothing") {
    io_context loop;
    Station a(loop, {1, "a", {}, {}, nullptr});
    Station b(loop, {2, "a", {}, {}, nullptr});
    a.dial(b);
    a.dial(b);
    REQUIRE(run_until(loop, [&] { return a.is_linked(b) && b.is_linked(a); }));
    a.dial(b);
    REQUIRE(run_until(loop, [&] { return a.transport().links() == 1 && b.transport().links() == 1; }));
    CHECK(b.told(a).ups == 1);
  }

  TEST_CASE("another network key, another peer, ourselves: no link comes of it") {
    io_context loop;
    Station a(loop, {1, "a", with_dial_deadline(1000), {}, nullptr});
    Station b(loop, {2, "b", with_dial_deadline(200), {}, nullptr});
    Station c(loop, {3, "a", with_dial_deadline(200), {}, nullptr});
    const mesh::PeerId other = identity_of(9)->id();
    a.dial(b);
    a.transport().dial(other, {c.address()});
    a.transport().dial(a.id(), {a.address()});
    const auto over = [&](const mesh::PeerId& peer) { return a.told(peer).dials_failed.size() == 1; };
    REQUIRE(run_until(loop, [&] { return over(b.id()) && over(other) && over(a.id()); }));
    CHECK(a.told(b).dials_failed == std::vector{LinkEnd::failed});
    CHECK(a.told(b).ups + b.told(a).ups + c.told(a).ups + a.told(c).ups == 0);
    CHECK(a.transport().links() == 0);
  }

  TEST_CASE("an echo of our own handshake is no peer") {
    io_context loop;
    Trap mirror;
    Station a(loop, {1, "a", with_dial_deadline(500), {}, nullptr});
    const mesh::PeerId nobody = identity_of(9)->id();
    a.transport().dial(nobody, {loopback(mirror.port())});
    REQUIRE(run_until(loop, [&] {
      mirror.echo();
      return !a.told(nobody).dials_failed.empty();
    }));
    CHECK(a.told(nobody).ups == 0);
  }

  TEST_CASE("a peer that denies us gives no link, on either side") {
    io_context loop;
    Station a(loop, {1, "a", with_dial_deadline(1000), {}, nullptr});
    Station b(loop, {2, "a", with_dial_deadline(200), {identity_of(1)->id()}, nullptr});
    a.dial(b);
    REQUIRE(run_until(loop, [&] { return !a.told(b).dials_failed.empty(); }));
    CHECK(a.told(b).ups == 0);
    CHECK(b.told(a).ups == 0);
  }

  TEST_CASE("a peer put on the deny list loses its link and gets no other") {
    io_context loop;
    Station a(loop, {1, "a", with_dial_deadline(1000), {}, nullptr});
    Station b(loop, {2, "a", with_dial_deadline(200), {}, nullptr});
    a.dial(b);
    REQUIRE(run_until(loop, [&] { return a.is_linked(b) && b.is_linked(a); }));
    b.transport().set_denied({a.id()});
    REQUIRE(run_until(loop, [&] { return !a.is_linked(b) && !b.is_linked(a); }));
    a.dial(b);
    REQUIRE(run_until(loop, [&] { return !a.told(b).dials_failed.empty(); }));
    CHECK(b.told(a).ups == 1);
  }

  TEST_CASE("a dial under a key that is dropped while it is under way is reported as failed") {
    io_context loop;
    Station a(loop, {1, "a", {}, {}, nullptr});
    Station b(loop, {2, "a", {}, {}, nullptr});
    a.dial(b);
    // As far as the connection, so that message 1 goes out under the old key.
    REQUIRE(run_until(loop, [&] { return b.transport().half_open().strangers() == 1; }));
    a.transport().set_keys(keys_of("c"));
    REQUIRE(run_until(loop, [&] { return !a.told(b).dials_failed.empty() || a.is_linked(b); }));
    CHECK(a.told(b).ups == 0);
    CHECK(a.told(b).dials_failed.size() == 1);
  }

  TEST_CASE("names are resolved without holding up the loop") {
    io_context loop;
    Station a(loop, {1, "a", {}, {}, nullptr});
    Station b(loop, {2, "a", {}, {}, nullptr});
    peer::Multiaddr address = b.address();
    address.kind = peer::Multiaddr::Kind::dns4;
    address.host = "localhost";
    a.transport().dial(b.id(), {address});
    REQUIRE(run_until(loop, [&] { return a.is_linked(b); }));
  }

  TEST_CASE("an overlay that stops while it dials leaves nothing behind") {
    const std::size_t before = open_descriptors();
    {
      io_context loop;
      Trap silent;
      Station a(loop, {1, "a", {}, {}, nullptr});
      peer::Multiaddr name = loopback(silent.port());
      name.kind = peer::Multiaddr::Kind::dns4;
      name.host = "localhost";
      a.transport().dial(identity_of(8)->id(), {name});
      a.transport().dial(identity_of(9)->id(), {loopback(silent.port())});
      REQUIRE(run_until(loop, [&] {
        silent.look();
        return !silent.got().empty();
      }));
      a.end();
      loop.restart();
      loop.poll();
    }
    CHECK(open_descriptors() == before);
  }
}

}  // namespace ghoard::overlay::testing
