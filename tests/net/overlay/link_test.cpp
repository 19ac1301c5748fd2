// Peers that hold a network key and behave badly all the same.

#include "net/overlay/link.hpp"

#include <algorithm>
#include <doctest/doctest.h>

#include "tests/net/overlay/caller.hpp"
#include "tests/net/overlay/rig.hpp"

namespace ghoard::overlay::testing {

namespace {

using boost::asio::io_context;
using mesh::LinkEnd;

struct Scene {
  io_context loop;
  Station station;
  HandPeer peer;

  explicit Scene(const Limits& limits = {})
      : station(loop, {1, "a", limits, {}, nullptr}), peer(station.port(), 5, 'a') {
    peer.send_first();
    REQUIRE(run_until(loop, [&] { return peer.step() && told().linked && !peer.messages().empty(); }));
  }
  Told& told() { return station.told(peer.id()); }
  [[nodiscard]] bool ended() {
    return run_until(loop, [&] {
      peer.step();
      return !told().linked;
    });
  }
};

}  // namespace

// Idle, a link may take 4 KiB in all; the rest is asio's and its keys.
static_assert(sizeof(Link) <= 1536);

TEST_SUITE("net/overlay/link") {
  TEST_CASE("the side that was dialled begins with a welcome of one byte") {
    Scene scene;
    REQUIRE(scene.peer.messages().size() == 1);
    CHECK(scene.peer.messages()[0].payload == "\x01");
  }

  TEST_CASE("a message that cannot be read closes the link and is said once") {
    Scene scene;
    scene.peer.channel().send({"this is no CBOR", nullptr});
    REQUIRE(scene.ended());
    CHECK(scene.told().downs == std::vector{LinkEnd::failed});
    REQUIRE(run_until(scene.loop, [&] {
      scene.peer.step();
      return scene.peer.closed().has_value();
    }));
    CHECK(*scene.peer.closed() == channel::CloseReason::protocol);
    CHECK(std::count_if(scene.station.lines().begin(), scene.station.lines().end(),
                        [](const std::string& line) { return line.find("cannot be read") != std::string::npos; }) == 1);
  }

  TEST_CASE("words of the links' own that nobody says close the link") {
    for (const char word : {'\0', '\1', '\3', '\x7f'}) {
      CAPTURE(static_cast<int>(word));
      Scene scene;
      scene.peer.channel().send({std::string(1, word), nullptr});
      CHECK(scene.ended());
    }
  }

  TEST_CASE("bytes that are no record close the link") {
    Scene scene;
    scene.peer.caller.send(std::string(8192, '\x11'));
    REQUIRE(scene.ended());
    CHECK(scene.told().downs == std::vector{LinkEnd::failed});
  }

  TEST_CASE("a peer killed in the middle of a body is reset, and nothing of the body is told") {
    Scene scene;
    SUBCASE("by a reset") {
      scene.peer.channel().send({mesh::encode(value_with(1 << 20)), std::make_shared<const std::string>(1 << 20, 'x')});
      scene.peer.flush();
      scene.peer.caller.cut();
    }
    SUBCASE("by an end without a good-bye") {
      scene.peer.channel().send({mesh::encode(value_with(1 << 20)), std::make_shared<const std::string>(1 << 20, 'x')});
      scene.peer.flush();
      scene.peer.caller.end();
    }
    REQUIRE(run_until(scene.loop, [&] { return !scene.told().linked; }));
    CHECK(scene.told().downs == std::vector{LinkEnd::reset});
    CHECK(scene.told().messages.empty());
    REQUIRE(run_until(scene.loop, [&] { return scene.station.transport().links() == 0; }));
  }

  TEST_CASE("a body that does not come to its end is given up when its time is over") {
    Limits limits;
    limits.body_deadline = base::Millis{50};
    Scene scene(limits);
    scene.peer.channel().send({mesh::encode(value_with(1 << 20)), std::make_shared<const std::string>(1 << 20, 'x')});
    std::string out;
    scene.peer.channel().next_output(out, 40'000);  // the message and a part of the body; the rest is kept back
    scene.peer.caller.send(out);
    REQUIRE(run_until(scene.loop, [&] { return scene.told().lost.size() == 1; }));
    CHECK(scene.told().linked);
    CHECK(scene.told().messages.empty());
    REQUIRE(run_until(scene.loop, [&] {
      scene.peer.step();
      return scene.peer.cancelled() == 1;
    }));
    CHECK(scene.told().lost.size() == 1);
  }

  TEST_CASE("a good-bye is told as one") {
    Scene scene;
    scene.peer.channel().close(channel::CloseReason::leaving);
    REQUIRE(scene.ended());
    CHECK(scene.told().downs == std::vector{LinkEnd::closed});
  }

  TEST_CASE("a peer that reads nothing loses its link once too much waits for it") {
    Limits limits;
    limits.linger = base::Millis{50};
    Scene scene(limits);
    std::uint32_t sent = 0;
    REQUIRE(run_until(scene.loop, [&] {
      for (int i = 0; i < 100; ++i) {
        scene.station.transport().send(scene.peer.id(), mesh::Ping{++sent, 0});
      }
      for (int i = 0; i < 5; ++i) {
        scene.station.transport().send(scene.peer.id(), value_with(100'000));
      }
      return !scene.told().linked;
    }));
    CHECK(scene.told().downs == std::vector{LinkEnd::silent});
    REQUIRE(run_until(scene.loop, [&] { return scene.station.transport().links() == 0; }));
  }

  TEST_CASE("a peer that connects again and again keeps no more than four links") {
    io_context loop;
    Station station(loop, {1, "a", {}, {}, nullptr});
    std::vector<std::unique_ptr<HandPeer>> same;
    for (int i = 0; i < 12; ++i) {
      same.push_back(std::make_unique<HandPeer>(station.port(), 5, 'a'));
      same.back()->send_first();
      REQUIRE(run_until(loop, [&] { return same.back()->step() && !same.back()->messages().empty(); }));
    }
    REQUIRE(run_until(loop, [&] { return station.transport().links() <= 4; }));
    CHECK(station.told(same.back()->id()).linked);
    // The latest is the one in use.
    station.transport().send(same.back()->id(), mesh::Ping{1, 0});
    REQUIRE(run_until(loop, [&] {
      same.back()->step();
      return same.back()->messages().size() == 2;
    }));
  }

  TEST_CASE("beyond so many peers a further one is turned away and the others stay") {
    io_context loop;
    Limits limits;
    limits.links = 2;
    Station station(loop, {1, "a", limits, {}, nullptr});
    std::vector<std::unique_ptr<HandPeer>> peers;
    for (std::uint8_t i = 0; i < 3; ++i) {
      peers.push_back(std::make_unique<HandPeer>(station.port(), static_cast<std::uint8_t>(20 + i), 'a'));
      peers.back()->send_first();
      REQUIRE(run_until(loop, [&] { return peers.back()->step() && !peers.back()->messages().empty(); }));
    }
    REQUIRE(run_until(loop, [&] { return peers[2]->caller.look() != Caller::State::open; }));
    CHECK(station.told(peers[0]->id()).linked);
    CHECK(station.told(peers[1]->id()).linked);
    CHECK(station.told(peers[2]->id()).ups == 0);
  }

  TEST_CASE("when the used link of two breaks, the other one takes its place and the loss is told") {
    io_context loop;
    Station station(loop, {1, "a", {}, {}, nullptr});
    HandPeer first(station.port(), 5, 'a');
    first.send_first();
    REQUIRE(run_until(loop, [&] { return first.step() && station.told(first.id()).linked; }));
    HandPeer second(station.port(), 5, 'a');
    second.send_first();
    REQUIRE(run_until(loop, [&] { return second.step() && station.told(first.id()).ups == 2; }));
    second.caller.cut();
    REQUIRE(run_until(loop, [&] { return station.told(first.id()).ups == 3; }));
    CHECK(station.told(first.id()).downs == std::vector{LinkEnd::reset});
    CHECK(station.told(first.id()).linked);
    CHECK_FALSE(station.was_misled());
  }

  TEST_CASE("a link that is replaced and never drained ends when its time is over") {
    io_context loop;
    Limits limits;
    limits.drain = base::Millis{50};
    limits.linger = base::Millis{50};
    Station station(loop, {1, "a", limits, {}, nullptr});
    HandPeer first(station.port(), 5, 'a');
    HandPeer second(station.port(), 5, 'a');
    for (HandPeer* peer : {&first, &second}) {
      peer->send_first();
      REQUIRE(run_until(loop, [&] { return peer->step() && !peer->messages().empty(); }));
    }
    REQUIRE(run_until(loop, [&] { return station.transport().links() == 1; }));
    CHECK(station.told(second.id()).linked);
  }
}

}  // namespace ghoard::overlay::testing
