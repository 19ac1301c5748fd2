// What strangers meet: silence, whatever they try, and a reset at a deadline that nothing moves.

#include <algorithm>
#include <doctest/doctest.h>
#include <sys/resource.h>

#include "tests/net/overlay/caller.hpp"
#include "tests/net/overlay/rig.hpp"

namespace ghoard::overlay::testing {

namespace {

using boost::asio::io_context;
using State = Caller::State;

Limits with_handshake_deadline(int millis) {
  Limits limits;
  limits.handshake_deadline = base::Millis{millis};
  return limits;
}

/// Of a peer with the right key, as somebody on the way would have recorded it.
std::string recorded_first_message(io_context& loop, Station& station) {
  HandPeer peer(station.port(), 77, 'a', station.id());
  peer.send_first();
  REQUIRE(run_until(loop, [&] { return peer.step(); }));
  return peer.first_message();
}

bool can_join(io_context& loop, Station& station, std::uint8_t seed = 90) {
  Station other(loop, {seed, "a", {}, {}, nullptr});
  other.dial(station);
  return run_until(loop, [&] { return other.is_linked(station) && station.is_linked(other); });
}

}  // namespace

TEST_SUITE("net/overlay/handshakes") {
  TEST_CASE("every failure looks alike: no byte, and a reset when the deadline of its acceptance has come") {
    io_context loop;
    Station station(loop, {1, "a", with_handshake_deadline(300), {}, nullptr});
    const std::string replayed = recorded_first_message(loop, station);
    const std::string garbage(300, '\x42');
    HandPeer wrong_key(station.port(), 5, 'b');
    HandPeer wrong_target(station.port(), 5, 'a', identity_of(33)->id());
    std::string flipped = replayed;
    flipped[60] = static_cast<char>(flipped[60] ^ 1);
    // Each stands between two that say nothing.
    const std::vector<std::string> attempts{garbage,
                                            wrong_key.first_message(),
                                            replayed,
                                            wrong_target.first_message(),
                                            flipped,
                                            std::string("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                                            std::string("\x00\x7e", 2),
                                            replayed.substr(0, 127)};
    std::vector<Caller> callers;
    for (const std::string& attempt : attempts) {
      callers.emplace_back(station.port());
      callers.emplace_back(station.port());
      CHECK(callers.back().send(attempt));
    }
    callers.emplace_back(station.port());
    std::vector<std::size_t> order;
    REQUIRE(run_until(loop, [&] {
      for (std::size_t i = 0; i < callers.size(); ++i) {
        if (callers[i].look() != State::open && std::find(order.begin(), order.end(), i) == order.end()) {
          order.push_back(i);
        }
      }
      return order.size() == callers.size();
    }));
    for (Caller& caller : callers) {
      CHECK(caller.look() == State::reset);
      CHECK(caller.got().empty());
    }
    // In the order in which they were accepted, whatever they had sent.
    CHECK(std::is_sorted(order.begin(), order.end()));
    CHECK(station.transport().half_open().strangers() == 0);
    CHECK(can_join(loop, station));
  }

  TEST_CASE("a message 1 a byte at a time is over at the deadline, which no byte moves") {
    io_context loop;
    Station station(loop, {1, "a", with_handshake_deadline(150), {}, nullptr});
    HandPeer slow(station.port(), 5, 'a');
    std::size_t sent = 0;
    REQUIRE(run_until(loop, [&] {
      if (slow.caller.look() != State::open) {
        return true;
      }
      // Always more to come: after its own message whatever else.
      slow.caller.send(sent < 100 ? slow.first_message().substr(sent, 1) : "x");
      ++sent;
      return false;
    }));
    CHECK(slow.caller.look() == State::reset);
    CHECK(slow.caller.got().empty());
  }

  TEST_CASE("a stranger that ends its side is reset without a byte") {
    io_context loop;
    Station station(loop, {1, "a", {}, {}, nullptr});
    Caller silent(station.port());
    Caller garbled(station.port());
    garbled.send(std::string(200, 'z'));
    silent.end();
    garbled.end();
    REQUIRE(run_until(loop, [&] { return silent.look() != State::open && garbled.look() != State::open; }));
    CHECK(silent.look() == State::reset);
    CHECK(garbled.look() == State::reset);
    CHECK(garbled.got().empty());
  }

  TEST_CASE("a recorded handshake played back gets no answer") {
    io_context loop;
    Station station(loop, {1, "a", with_handshake_deadline(100), {}, nullptr});
    const std::string replayed = recorded_first_message(loop, station);
    Caller thief(station.port());
    thief.send(replayed);
    REQUIRE(run_until(loop, [&] { return thief.look() != State::open; }));
    CHECK(thief.got().empty());
    CHECK(std::any_of(station.lines().begin(), station.lines().end(),
                      [](const std::string& line) { return line.find("replayed") != std::string::npos; }));
  }

  TEST_CASE("messages of two handshakes do not go together") {
    io_context loop;
    Station station(loop, {1, "a", with_handshake_deadline(100), {}, nullptr});
    HandPeer first(station.port(), 5, 'a');
    HandPeer second(station.port(), 6, 'a');
    first.send_first();
    second.send_first();
    REQUIRE(run_until(loop, [&] {
      first.caller.look();
      second.caller.look();
      return first.caller.got().size() == 512 && second.caller.got().size() == 512;
    }));
    CHECK(HandPeer(station.port(), 7, 'a').answer_to(first.caller.got()).empty());
    const std::string third = second.answer_to(second.caller.got());
    REQUIRE(third.size() == 512);
    first.caller.send(third);
    REQUIRE(run_until(loop, [&] { return first.caller.look() != State::open; }));
    CHECK(first.caller.look() == State::reset);
    CHECK(station.told(first.id()).ups == 0);
    CHECK(station.told(second.id()).ups == 0);
  }

  TEST_CASE("strangers beyond their slots push out one another, and a peer still comes in") {
    io_context loop;
    Limits limits;
    limits.unproven = 8;
    Station station(loop, {1, "a", limits, {}, nullptr});
    std::vector<Caller> crowd;
    for (int i = 0; i < 30; ++i) {
      crowd.emplace_back(station.port());
    }
    const auto gone = [&] {
      return static_cast<std::size_t>(
          std::count_if(crowd.begin(), crowd.end(), [](Caller& caller) { return caller.look() != State::open; }));
    };
    REQUIRE(run_until(loop, [&] { return gone() == 22; }));
    CHECK(station.transport().half_open().strangers() == 8);
    CHECK(can_join(loop, station));
  }

  TEST_CASE("two thousand silent sockets leave 1,024 slots taken and a peer still comes in") {
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    const rlimit before = limit;
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 8192);
    if (limit.rlim_cur < 4096 || ::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
      MESSAGE("too few descriptors are allowed here");
      return;
    }
    {
      io_context loop;
      Limits limits;
      limits.handshake_deadline = base::Millis{120'000};
      Station station(loop, {1, "a", limits, {}, nullptr});
      std::vector<Caller> crowd;
      crowd.reserve(2000);
      for (int i = 0; i < 2000; ++i) {
        crowd.emplace_back(station.port());
        if (i % 100 == 99) {
          loop.restart();
          loop.poll();
        }
      }
      REQUIRE(run_until(loop, [&] { return station.transport().half_open().strangers() == 1024; }));
      CHECK(station.transport().half_open().under_load());
      CHECK(can_join(loop, station));
      CHECK(station.transport().half_open().strangers() <= 1024);
    }
    ::setrlimit(RLIMIT_NOFILE, &before);
  }

  TEST_CASE("proven callers of one address have so many slots, and what is over them waits in vain") {
    io_context loop;
    Limits limits;
    limits.proven_per_address = 2;
    limits.loopback_is_exempt = false;
    limits.handshake_deadline = base::Millis{400};
    Station station(loop, {1, "a", limits, {}, nullptr});
    std::vector<std::unique_ptr<HandPeer>> peers;
    for (std::uint8_t i = 0; i < 3; ++i) {
      peers.push_back(std::make_unique<HandPeer>(station.port(), static_cast<std::uint8_t>(10 + i), 'a'));
      peers.back()->send_first();
      REQUIRE(run_until(loop, [&] {
        return station.transport().half_open().proven() + station.transport().half_open().strangers() == peers.size();
      }));
    }
    REQUIRE(run_until(loop, [&] {
      peers[0]->caller.look();
      peers[1]->caller.look();
      return !peers[0]->caller.got().empty() && !peers[1]->caller.got().empty();
    }));
    CHECK(station.transport().half_open().proven() == 2);
    REQUIRE(run_until(loop, [&] { return peers[2]->caller.look() != State::open; }));
    CHECK(peers[2]->caller.got().empty());
    CHECK(can_join(loop, station));
  }
}

}  // namespace ghoard::overlay::testing
