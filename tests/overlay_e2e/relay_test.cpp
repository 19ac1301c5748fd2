#include "tests/overlay_e2e/relay.hpp"

#include <cerrno>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/net/overlay/caller.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/loopback.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using overlay::testing::Caller;

namespace {

/// A connection through a relay, seen from both ends.
struct Line {
  int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Relay relay;
  std::optional<Caller> caller;
  int called = -1;

  Line() {
    sockaddr_in address = loopback_address(0);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener, 1) == 0);
    REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    caller.emplace(relay.open(ntohs(address.sin_port)));
    called = ::accept(listener, nullptr, nullptr);
    REQUIRE(called >= 0);
  }
  ~Line() {
    ::close(listener);
    if (called >= 0) {
      ::close(called);
    }
  }
  /// What the one who was called has received; "(reset)" once the connection is.
  [[nodiscard]] std::string received() const {
    std::string bytes(100, '\0');
    const ssize_t size = ::recv(called, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (size < 0) {
      return errno == ECONNRESET ? "(reset)" : "(nothing)";
    }
    bytes.resize(static_cast<std::size_t>(size));
    return size == 0 ? "(end)" : bytes;
  }
};

}  // namespace

TEST_CASE("a relay carries bytes and the end of them both ways") {
  Line line;
  REQUIRE(line.caller->send("there"));
  CHECK(eventually([&] { return line.received() == "there"; }));
  REQUIRE(::send(line.called, "back", 4, MSG_NOSIGNAL) == 4);
  CHECK(eventually([&] { return line.caller->look() == Caller::State::open && line.caller->got() == "back"; }));
  line.caller->end();
  CHECK(eventually([&] { return line.received() == "(end)"; }));
  ::shutdown(line.called, SHUT_WR);
  CHECK(eventually([&] { return line.caller->look() == Caller::State::ended; }));
}

TEST_CASE("a relay passes on a reset as one, whichever side it comes from") {
  Line line;
  SUBCASE("from who called") {
    line.caller->cut();
    CHECK(eventually([&] { return line.received() == "(reset)"; }));
  }
  SUBCASE("from who was called") {
    const linger at_once{1, 0};
    ::setsockopt(line.called, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(std::exchange(line.called, -1));
    CHECK(eventually([&] { return line.caller->look() == Caller::State::reset; }));
  }
}
