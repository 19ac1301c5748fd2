// Deadlines, numbers of connections, draining. Small limits; conditions are polled.

#include <cstring>
#include <grp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/net/server/server_rig.hpp"
#include "tests/support/fork.hpp"

using namespace ghoard;
using namespace ghoard::testing;

namespace {

server::Limits quick() {
  server::Limits limits;
  limits.header_deadline = base::Millis{80};
  limits.idle_deadline = base::Millis{80};
  limits.body_deadline = base::Millis{80};
  return limits;
}

ScriptedHandler::Script keep(std::shared_ptr<cache::ReplySink>& sink) {
  return [&sink](cache::IncomingRequest&, const std::shared_ptr<cache::ReplySink>& given) { sink = given; };
}

}  // namespace

TEST_CASE("a head that keeps trickling in is cut off at its deadline") {
  ServerRig rig(quick());
  const auto client = rig.connect();
  client->send("GET / HTTP/1.1\r\n");
  REQUIRE(rig.until([&] {
    client->send("X");  // progress does not help
    client->receive();
    return client->ended();
  }));
  CHECK(client->received().starts_with("HTTP/1.1 408 "));
  CHECK(rig.handler.requests.empty());
}

TEST_CASE("a connection without a request is closed silently at its deadline") {
  ServerRig rig(quick());
  const auto client = rig.connect();
  REQUIRE(rig.until_received(*client, ""));
  CHECK(client->received().empty());
  CHECK(rig.until([&] { return rig.closed == 1; }));
}

TEST_CASE("a kept-alive connection is closed silently at its deadline") {
  ServerRig rig(quick());
  const auto client = rig.connect();
  const std::string answer = rig.exchange(*client, get, "ok");
  REQUIRE(rig.until_received(*client, ""));
  CHECK(client->received() == answer);
}

TEST_CASE("a body that stops coming is cut off") {
  ServerRig rig(quick());
  const auto client = rig.connect();
  client->send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  REQUIRE(rig.until_received(*client, ""));
  CHECK(client->received().starts_with("HTTP/1.1 408 "));
}

TEST_CASE("a streamed body that stops coming is lost") {
  server::Limits limits = quick();
  limits.buffered_body_bytes = 2;
  ServerRig rig(limits);
  std::shared_ptr<cache::ReplySink> sink;
  rig.handler.script = keep(sink);
  const auto client = rig.connect();
  client->send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  REQUIRE(rig.until([&] { return sink != nullptr; }));
  REQUIRE(rig.until([&] { return sink->gone(); }));
  char byte = 0;
  CHECK(rig.handler.requests.at(0).stream->read({&byte, 1}).state == cache::BodySource::State::lost);
}

TEST_CASE("a client that does not read its answer is cut off") {
  ServerRig rig(quick());
  rig.handler.script = [](cache::IncomingRequest&, const std::shared_ptr<cache::ReplySink>& sink) {
    sink->send(text_reply(200, std::string(5'000'000, 'x')));
  };
  const auto client = rig.connect();
  client->send(get);
  CHECK(rig.until([&] { return rig.closed == 1; }));
}

TEST_CASE("waiting for the handler is no fault of the client") {
  ServerRig rig(quick());
  std::shared_ptr<cache::ReplySink> sink;
  rig.handler.script = keep(sink);
  const auto client = rig.connect();
  client->send(get);
  REQUIRE(rig.until([&] { return sink != nullptr; }));
  const auto other = rig.connect();  // a second connection idles away: more than its deadline passes
  REQUIRE(rig.until([&] { return rig.closed == 1; }));
  CHECK_FALSE(sink->gone());
  sink->send(text_reply(200, "late"));
  CHECK(rig.until_received(*client, "late"));
}

TEST_CASE("one request has a total deadline") {
  server::Limits limits;
  limits.total_deadline = base::Millis{60};
  ServerRig rig(limits);
  std::shared_ptr<cache::ReplySink> sink;
  int gone = 0;
  rig.handler.script = [&](cache::IncomingRequest&, const std::shared_ptr<cache::ReplySink>& given) {
    sink = given;
    sink->begin(
        200, {}, [] {}, [&] { ++gone; });
  };
  const auto client = rig.connect();
  client->send(get);
  REQUIRE(rig.until_received(*client, ""));
  CHECK(rig.until([&] { return gone == 1; }));
}

TEST_CASE("a request that the handler drops is answered all the same") {
  ServerRig rig;
  rig.handler.script = [](cache::IncomingRequest&, const std::shared_ptr<cache::ReplySink>&) {};
  const auto client = rig.connect();
  rig.exchange(*client, get, "}\n");
  CHECK(client->received().starts_with("HTTP/1.1 500 "));
}

TEST_CASE("at the limit of connections the one that has been idle longest makes room") {
  server::Limits limits;
  limits.connections = 3;
  ServerRig rig(limits);
  rig.listen();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(rig.dial());
    rig.exchange(*clients.back(), get, "ok");
    CHECK(rig.server->connections() <= 3);
  }
  CHECK(rig.until_received(*clients[0], ""));
}

TEST_CASE("at the limit of busy connections further ones wait and are served later") {
  server::Limits limits;
  limits.connections = 2;
  ServerRig rig(limits);
  rig.listen();
  std::vector<std::shared_ptr<cache::ReplySink>> sinks;
  rig.handler.script = [&](cache::IncomingRequest&, const std::shared_ptr<cache::ReplySink>& sink) {
    sinks.push_back(sink);
  };
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(rig.dial());
    clients.back()->send(get);
  }
  REQUIRE(rig.until([&] { return sinks.size() == 2; }));
  for (int i = 0; i < 20; ++i) {
    rig.turn();
  }
  CHECK(sinks.size() == 2);
  sinks[0]->send(text_reply(200, "first"));
  REQUIRE(rig.until([&] { return sinks.size() == 3; }));
  sinks[2]->send(text_reply(200, "third"));
  CHECK(rig.until_received(*clients[2], "third"));
}

TEST_CASE("running out of descriptors delays clients and loses none") {
  ServerRig rig;
  rig.listen();
  const auto held = rig.dial();
  std::shared_ptr<cache::ReplySink> sink;
  rig.handler.script = keep(sink);
  held->send(get);
  REQUIRE(rig.until([&] { return sink != nullptr; }));
  const auto waiting = rig.dial();
  waiting->send(get);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit none = before;
  none.rlim_cur = 3;  // every number below is taken, so accept has none to give
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  for (int i = 0; i < 20; ++i) {
    rig.turn();
  }
  CHECK(rig.server->connections() == 1);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  rig.handler.script = nullptr;
  CHECK(rig.until_received(*waiting, "ok"));
}

TEST_CASE("draining lets requests finish, closes idle connections and takes no new ones") {
  ServerRig rig;
  rig.listen();
  std::shared_ptr<cache::ReplySink> sink;
  rig.handler.script = keep(sink);
  const auto busy = rig.dial();
  const auto idle = rig.dial();
  busy->send(get);
  REQUIRE(rig.until([&] { return sink != nullptr && rig.server->connections() == 2; }));
  int drained = 0;
  rig.server->drain(base::Millis{10'000}, [&] { ++drained; });
  REQUIRE(rig.until_received(*idle, ""));
  CHECK(drained == 0);
  sink->send(text_reply(200, "last"));
  REQUIRE(rig.until_received(*busy, ""));
  CHECK(body_of(busy->received()) == "last");
  CHECK(has_line(busy->received(), "Connection: close"));
  REQUIRE(rig.until([&] { return drained > 0; }));
  CHECK(drained == 1);
  CHECK(rig.server->connections() == 0);
}

TEST_CASE("a request that arrived just before draining is answered") {
  ServerRig rig;
  const auto client = rig.connect();
  client->send(get);
  bool drained = false;
  rig.server->drain(base::Millis{10'000}, [&] { drained = true; });
  REQUIRE(rig.until([&] { return drained; }));
  REQUIRE(rig.until_received(*client, ""));
  CHECK(body_of(client->received()) == "ok");
}

TEST_CASE("draining ends after its grace, whatever is under way") {
  ServerRig rig;
  std::shared_ptr<cache::ReplySink> sink;
  rig.handler.script = keep(sink);
  const auto client = rig.connect();
  client->send(get);
  REQUIRE(rig.until([&] { return sink != nullptr; }));
  bool drained = false;
  rig.server->drain(base::Millis{50}, [&] { drained = true; });
  REQUIRE(rig.until([&] { return drained; }));
  CHECK(sink->gone());
}

TEST_CASE("a sink and a stream may outlive the server") {
  std::shared_ptr<cache::ReplySink> sink;
  std::shared_ptr<cache::BodySource> stream;
  {
    ServerRig rig;
    rig.handler.script = [&](cache::IncomingRequest& request, const std::shared_ptr<cache::ReplySink>& given) {
      sink = given;
      stream = request.stream;
    };
    const auto client = rig.connect();
    client->send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\nabc");
    REQUIRE(rig.until([&] { return sink != nullptr; }));
  }
  CHECK(sink->gone());
  sink->send(text_reply(200, "nobody"));
  char byte = 0;
  CHECK(stream->read({&byte, 1}).size <= 1);
}

TEST_CASE("a client of another uid is turned away" * doctest::skip(::geteuid() != 0)) {
  ServerRig rig;
  rig.listen();
  REQUIRE(::chmod(rig.socket.parent_path().c_str(), 0755) == 0);
  REQUIRE(::chmod(rig.socket.c_str(), 0666) == 0);
  const std::string path = rig.socket.string();
  const pid_t child = testing::fork_flushed();
  REQUIRE(child >= 0);
  if (child == 0) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
    char byte = 0;
    const bool connected = ::setgroups(0, nullptr) == 0 && ::setuid(65534) == 0 &&
                           ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    if (connected) {
      ::send(descriptor, get.data(), get.size(), MSG_NOSIGNAL);
    }
    ::_exit(connected && ::recv(descriptor, &byte, 1, 0) <= 0 ? 0 : 1);
  }
  int status = 1;
  REQUIRE(rig.until([&] { return ::waitpid(child, &status, WNOHANG) == child; }));
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(rig.handler.requests.empty());
}
