#include <sys/socket.h>
#include <unistd.h>

#include "net/server/peer.hpp"
#include "tests/net/server/server_rig.hpp"

using namespace ghoard;
using namespace ghoard::testing;

TEST_CASE("an answer has its length, a date, the agent's name and the body") {
  ServerRig rig;
  const auto client = rig.connect();
  const std::string answer = rig.exchange(*client, get, "\r\n\r\nok");
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(has_line(answer, "Content-Length: 2"));
  CHECK(has_line(answer, "Ghoard-Agent: 9.9.9; protocol=7"));
  CHECK(has_line(answer, "Content-Type: text/plain"));
  CHECK(answer.find("\r\nDate: ") != std::string::npos);
  CHECK(answer.find("Connection:") == std::string::npos);
}

TEST_CASE("a connection serves one request after the other") {
  ServerRig rig;
  const auto client = rig.connect();
  for (int i = 1; i <= 5; ++i) {
    rig.exchange(*client, get, "\r\n\r\nok");
    CHECK(rig.handler.requests.size() == static_cast<std::size_t>(i));
  }
  CHECK_FALSE(client->ended());
}

TEST_CASE("requests in one packet are answered in order, also when the first answer takes time") {
  ServerRig rig;
  std::shared_ptr<cache::ReplySink> first;
  rig.handler.script = [&](cache::IncomingRequest& request, const std::shared_ptr<cache::ReplySink>& sink) {
    if (request.target == "/1") {
      first = sink;
    } else {
      sink->send(text_reply(200, request.target));
    }
  };
  const auto client = rig.connect();
  const std::string all =
      "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 HTTP/1.1\r\nHost: h\r\n\r\n";
  REQUIRE(client->send(all) == all.size());
  REQUIRE(rig.until([&] { return first != nullptr; }));
  rig.turn();
  CHECK(rig.handler.requests.size() == 1);
  first->send(text_reply(200, "/1"));
  REQUIRE(rig.until_received(*client, "\r\n\r\n/3"));
  CHECK(client->received().find("\r\n\r\n/1") < client->received().find("\r\n\r\n/2"));
}

TEST_CASE("a handler is never called from within its own call to a sink") {
  ServerRig rig;
  std::shared_ptr<cache::ReplySink> first;
  bool sending = false;
  bool nested = false;
  rig.handler.script = [&](cache::IncomingRequest&, const std::shared_ptr<cache::ReplySink>& sink) {
    nested = nested || sending;
    if (!first) {
      first = sink;
    } else {
      sink->send(text_reply(200, "second"));
    }
  };
  const auto client = rig.connect();
  client->send(std::string(get) + std::string(get));
  REQUIRE(rig.until([&] { return first != nullptr; }));
  sending = true;
  first->send(text_reply(200, "first"));
  sending = false;
  REQUIRE(rig.until_received(*client, "second"));
  CHECK_FALSE(nested);
}

TEST_CASE("a request that comes byte by byte is answered") {
  ServerRig rig;
  const auto client = rig.connect();
  for (const char byte : get) {
    client->send({&byte, 1});
    rig.turn();
  }
  CHECK(rig.until_received(*client, "\r\n\r\nok"));
}

TEST_CASE("raw spaces in the target reach the handler encoded") {
  ServerRig rig;
  const auto client = rig.connect();
  rig.exchange(*client, "GET /search?q=a b HTTP/1.1\r\nHost: h\r\n\r\n", "ok");
  REQUIRE(rig.handler.requests.size() == 1);
  CHECK(rig.handler.requests[0].target == "/search?q=a%20b");
}

TEST_CASE("HEAD, 204 and 304 are answered without a body and do not disturb what follows") {
  ServerRig rig;
  rig.handler.script = [](cache::IncomingRequest& request, const std::shared_ptr<cache::ReplySink>& sink) {
    if (request.target == "/streamed") {
      sink->begin(
          200, {{"Content-Length", "77"}}, [] {}, [] {});
      sink->write("not to be seen");
      sink->end(std::nullopt);
    } else if (request.target == "/named") {
      sink->send({200, {{"Content-Length", "55"}}, nullptr});
    } else {
      sink->send(text_reply(request.target == "/" ? 200 : std::stoi(request.target.substr(1)), "four"));
    }
  };
  const auto client = rig.connect();
  const std::string host = " HTTP/1.1\r\nHost: h\r\n\r\n";
  CHECK(has_line(rig.exchange(*client, "HEAD /" + host, "\r\n\r\n"), "Content-Length: 4"));
  CHECK(has_line(rig.exchange(*client, "HEAD /named" + host, "\r\n\r\n"), "Content-Length: 55"));
  CHECK(has_line(rig.exchange(*client, "HEAD /streamed" + host, "\r\n\r\n"), "Content-Length: 77"));
  for (const char* status : {"204", "304"}) {
    const std::string answer = rig.exchange(*client, "GET /" + std::string(status) + host, "\r\n\r\n");
    CHECK(answer.find("Content-Length") == std::string::npos);
  }
  CHECK(rig.exchange(*client, "GET /" + host, "four").ends_with("\r\n\r\nfour"));
}

TEST_CASE("Connection: close and HTTP/1.0 end the connection, HTTP/1.0 with keep-alive does not") {
  ServerRig rig;
  const auto closing = rig.connect();
  CHECK(has_line(rig.exchange(*closing, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", ""),
                 "Connection: close"));
  const auto old = rig.connect();
  CHECK(rig.exchange(*old, "GET / HTTP/1.0\r\n\r\n", "").ends_with("\r\n\r\nok"));
  const auto kept = rig.connect();
  const std::string request = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  CHECK(has_line(rig.exchange(*kept, request, "ok"), "Connection: keep-alive"));
  CHECK(rig.exchange(*kept, request, "ok").ends_with("\r\n\r\nok"));
  CHECK(rig.until([&] { return rig.closed == 2; }));
}

TEST_CASE("a client that has stopped sending still gets its answer") {
  ServerRig rig;
  std::shared_ptr<cache::ReplySink> sink_of_request;
  rig.handler.script = [&](cache::IncomingRequest&, const std::shared_ptr<cache::ReplySink>& sink) {
    sink_of_request = sink;
  };
  const auto client = rig.connect();
  client->send(get);
  client->finish_sending();
  REQUIRE(rig.until([&] { return sink_of_request != nullptr; }));
  for (int i = 0; i < 20; ++i) {
    rig.turn();
  }
  CHECK_FALSE(sink_of_request->gone());
  sink_of_request->send(text_reply(200, "late"));
  REQUIRE(rig.until_received(*client, ""));
  CHECK(body_of(client->received()) == "late");
}

TEST_CASE("a client that leaves makes its sink gone, and answering it does nothing") {
  ServerRig rig;
  std::shared_ptr<cache::ReplySink> sink_of_request;
  rig.handler.script = [&](cache::IncomingRequest&, const std::shared_ptr<cache::ReplySink>& sink) {
    sink_of_request = sink;
  };
  const auto client = rig.connect();
  client->send(get);
  REQUIRE(rig.until([&] { return sink_of_request != nullptr; }));
  client->close();
  REQUIRE(rig.until([&] { return sink_of_request->gone(); }));
  sink_of_request->send(text_reply(200, "nobody"));
  CHECK(rig.until([&] { return rig.closed == 1 && rig.server->connections() == 0; }));
}

TEST_CASE("a request that its client sent before leaving is still handed on") {
  ServerRig rig;
  const auto client = rig.connect();
  client->send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
  client->close();
  REQUIRE(rig.until([&] { return rig.closed == 1; }));
  REQUIRE(rig.handler.requests.size() == 1);
  CHECK(rig.handler.requests[0].body == "hi");
}

TEST_CASE("malformed and oversized heads are answered with one line of JSON, and the connection ends") {
  ServerRig rig;
  const std::pair<std::string, const char*> cases[] = {
      {"GARBAGE\r\n\r\n", "HTTP/1.1 400 "},
      {"GET / HTTP/1.1\nHost: h\n\n", "HTTP/1.1 400 "},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 400 "},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(70'000, 'a'), "HTTP/1.1 431 "},
  };
  for (const auto& [request, expected] : cases) {
    const auto client = rig.connect();
    CHECK(client->send(request) == request.size());
    REQUIRE(rig.until_received(*client, ""));
    CHECK(client->received().starts_with(expected));
    CHECK(has_line(client->received(), "Connection: close"));
    CHECK(has_line(client->received(), "Content-Type: application/json"));
    const std::string body = body_of(client->received());
    CHECK(body.starts_with("{\"message\":\""));
    CHECK(body.find('\n') == body.size() - 1);
  }
  CHECK(rig.handler.requests.empty());
}

TEST_CASE("peers of another uid are told apart") {
  int ends[2] = {-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const server::Descriptor left(ends[0]);
  const server::Descriptor right(ends[1]);
  CHECK(server::peer_has_uid(left.get(), ::geteuid()));
  CHECK_FALSE(server::peer_has_uid(left.get(), ::geteuid() + 1));
  CHECK_FALSE(server::peer_has_uid(-1, ::geteuid()));
}

TEST_CASE("the listening socket serves its own uid") {
  ServerRig rig;
  rig.listen();
  const auto client = rig.dial();
  CHECK(rig.exchange(*client, get, "ok").starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(rig.server->connections() == 1);
}

TEST_CASE("activity is now while a request is under way, and its end afterwards") {
  ServerRig rig;
  std::shared_ptr<cache::ReplySink> sink_of_request;
  rig.handler.script = [&](cache::IncomingRequest&, const std::shared_ptr<cache::ReplySink>& sink) {
    sink_of_request = sink;
  };
  const auto client = rig.connect();
  client->send(get);
  REQUIRE(rig.until([&] { return sink_of_request != nullptr; }));
  const base::MonoTime begun = rig.server->last_activity();
  REQUIRE(rig.until([&] { return rig.server->last_activity() > begun; }));
  sink_of_request->send(text_reply(200, "x"));
  const base::MonoTime ended = rig.server->last_activity();
  REQUIRE(rig.until_received(*client, "x"));
  for (int i = 0; i < 10; ++i) {
    rig.turn();
  }
  CHECK(rig.server->last_activity() == ended);
}
