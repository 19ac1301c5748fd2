// What goes over the wire and what comes back, against a raw TCP server.

#include <algorithm>
#include <doctest/doctest.h>
#include <stdlib.h>

#include "tests/net/upstream/helpers.hpp"

namespace ghoard::upstream_test {

namespace {

/// Answers every request of every connection with `bytes`.
auto always(std::string bytes) {
  return [bytes = std::move(bytes)](Peer& peer, int) {
    while (!peer.read_head().empty()) {
      peer.send(bytes);
    }
  };
}

/// Environment variables of this process, put back at the end.
class Environment {
 public:
  explicit Environment(const std::vector<std::pair<std::string, std::string>>& values) {
    for (const auto& [name, value] : values) {
      const char* before = ::getenv(name.c_str());
      m_before.emplace_back(name, before != nullptr ? std::optional<std::string>(before) : std::nullopt);
      ::setenv(name.c_str(), value.c_str(), 1);
    }
  }
  ~Environment() {
    for (const auto& [name, value] : m_before) {
      value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::vector<std::pair<std::string, std::optional<std::string>>> m_before;
};

}  // namespace

TEST_CASE("upstream: a GET brings head and body, and its request is exactly what was asked for") {
  RawServer server(always(answer("hello", "ETag: \"x\"\r\nX-Two: a\r\nX-Two: b\r\n")));
  upstream::Options options;
  options.user_agent = "ghoard-test";
  Client client(options);
  const Client::Call call =
      client.fetch(get(server.origin(), "/a/../b?q=%20x&e",
                       {{"Accept", "application/json"}, {"Authorization", "token t"}, {"X-Empty", ""}}));

  REQUIRE(call.probe->ok());
  CHECK(call.probe->head->status == 200);
  CHECK(call.probe->head->headers.get("etag") == "\"x\"");
  CHECK(call.probe->head->headers.joined("x-two") == "a, b");
  CHECK(call.probe->head->headers.get("content-length") == "5");
  CHECK(call.probe->body == "hello");
  REQUIRE(server.heads().size() == 1);
  CHECK(server.heads()[0] == "GET /a/../b?q=%20x&e HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                                 "\r\nAccept: application/json\r\nAuthorization: token t\r\nX-Empty:\r\n"
                                 "User-Agent: ghoard-test\r\nAccept-Encoding: gzip\r\n\r\n");
}

TEST_CASE("upstream: fields of the connection are not passed on in either direction") {
  RawServer server(
      always("HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
             "Transfer-Encoding: chunked\r\nTrailer: X-After\r\nX-Stays: 1\r\n\r\n"
             "5\r\nhello\r\n0\r\nX-After: 1\r\n\r\n"));
  Client client;
  const Client::Call call = client.fetch(get(server.origin(), "/",
                                             {{"Host", "evil.example"},
                                              {"Content-Length", "7"},
                                              {"Transfer-Encoding", "chunked"},
                                              {"Connection", "close"},
                                              {"Expect", "100-continue"},
                                              {"Accept-Encoding", "br"}}));
  REQUIRE(call.probe->ok());
  CHECK(call.probe->body == "hello");
  CHECK(call.probe->head->headers == http::Headers{{"X-Stays", "1"}});
  const std::string head = server.heads().at(0);
  CHECK(field(head, "Host") == "127.0.0.1:" + std::to_string(server.port()));
  CHECK(field(head, "Accept-Encoding") == "gzip");
  for (const char* name : {"Content-Length", "Transfer-Encoding", "Connection", "Expect", "Accept", "User-Agent"}) {
    CHECK_MESSAGE(!field(head, name), name);
  }
}

TEST_CASE("upstream: start never calls the observer, not even for what is refused at once") {
  Client client;
  Client::Call call = client.start(get({"http", "example.com", 80}));
  CHECK(call.probe->ends == 0);
  REQUIRE(client.run_until([&] { return call.probe->ends == 1; }));
  REQUIRE(call.probe->failure);
  CHECK(call.probe->failure->code == base::ErrorCode::refused);
  CHECK(call.probe->failure->message ==
        "plain http to example.com refused: only https is accepted beyond this machine");
}

TEST_CASE("upstream: what could inject or smuggle is refused and nothing is sent") {
  RawServer server(always(answer("")));
  Client client;
  std::vector<cache::UpstreamRequest> bad;
  for (const std::string& value : {std::string("a\r\nEvil: 1"), std::string("a\nb"), std::string("a\0b", 3)}) {
    bad.push_back(get(server.origin(), "/", {{"X-Secret", value}}));
  }
  bad.push_back(get(server.origin(), "/", {{"Bad Name", "1"}}));
  bad.push_back(get(server.origin(), "/", {{"", "1"}}));
  for (const char* target : {"", "x", "/a b", "/a\r\nX: 1", "/\xc3\xa4", "/a#b", "http://evil.example/"}) {
    bad.push_back(get(server.origin(), target));
  }
  for (const char* method : {"", "GET / HTTP/1.1\r\nX: 1\r\n\r\n", "G T"}) {
    bad.push_back(request(method, server.origin(), ""));
  }
  for (const char* host : {"", "a b", "user@127.0.0.1", "127.0.0.1/x", "[::1", "127.0.0.1:80"}) {
    bad.push_back(get({"https", host, 443}));
  }
  bad.push_back(get({"ftp", "127.0.0.1", 21}));
  bad.push_back(get({"https", "127.0.0.1", 0}));
  for (const cache::UpstreamRequest& each : bad) {
    const Client::Call call = client.fetch(each);
    REQUIRE(call.probe->failure);
    CHECK(call.probe->failure->code == base::ErrorCode::invalid_input);
    CHECK_FALSE(call.probe->head);
    CHECK(call.probe->failure->message.find("Evil") == std::string::npos);
  }
  CHECK(server.connections() == 0);
}

TEST_CASE("upstream: one connection serves one request after the other") {
  RawServer server(always(answer("x")));
  Client client;
  for (int i = 0; i < 10; ++i) {
    CHECK(client.fetch(get(server.origin())).probe->ok());
  }
  CHECK(server.connections() == 1);
  CHECK(server.heads().size() == 10);
}

TEST_CASE("upstream: interim answers are skipped") {
  RawServer server(always("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + answer("x")));
  Client client;
  const Client::Call call = client.fetch(get(server.origin()));
  REQUIRE(call.probe->ok());
  CHECK(call.probe->head->status == 200);
  CHECK_FALSE(call.probe->head->headers.contains("Link"));
}

TEST_CASE("upstream: redirects and cookies are left to the caller") {
  RawServer server(always("HTTP/1.1 302 Found\r\nLocation: /other\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"));
  Client client;
  CHECK(client.fetch(get(server.origin())).probe->head->status == 302);
  CHECK(client.fetch(get(server.origin())).probe->head->headers.get("location") == "/other");
  REQUIRE(server.heads().size() == 2);
  CHECK_FALSE(field(server.heads()[1], "Cookie"));
}

TEST_CASE("upstream: HEAD has a head and no body") {
  RawServer server(always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"));
  Client client;
  for (int i = 0; i < 2; ++i) {
    const Client::Call call = client.fetch(request("HEAD", server.origin(), ""));
    REQUIRE(call.probe->ok());
    CHECK(call.probe->head->headers.get("content-length") == "5");
    CHECK(call.probe->size == 0);
  }
  CHECK(server.connections() == 1);
  CHECK(server.heads().at(0).starts_with("HEAD / HTTP/1.1\r\n"));
}

TEST_CASE("upstream: answers that have no body end with their head") {
  for (const char* head : {"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n",
                           "HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\nContent-Encoding: gzip\r\n\r\n"}) {
    RawServer server(always(head));
    Client client;
    CHECK(client.fetch(get(server.origin())).probe->ok());
    CHECK(client.fetch(get(server.origin())).probe->ok());
    CHECK(server.connections() == 1);
  }
}

TEST_CASE("upstream: any method goes out as it is, and only POST, PUT and PATCH announce an empty body") {
  RawServer server(always(answer("x")));
  Client client;
  for (const char* method : {"DELETE", "PURGE", "OPTIONS", "M-SEARCH", "POST", "PUT", "PATCH"}) {
    REQUIRE(client.fetch(request(method, server.origin(), "")).probe->ok());
    const std::string head = server.heads().back();
    CHECK(head.starts_with(std::string(method) + " / HTTP/1.1\r\n"));
    const std::string name = method;
    const bool announces = name == "POST" || name == "PUT" || name == "PATCH";
    CHECK(field(head, "Content-Length") == (announces ? std::optional<std::string>("0") : std::nullopt));
    CHECK_FALSE(field(head, "Content-Type"));
  }
}

TEST_CASE("upstream: a gzip body is decoded and loses the fields that described it") {
  const std::string text(200'000, 'a');
  RawServer server(always(answer(gzip(text), "Content-Encoding: gzip\r\nETag: W/\"x\"\r\n")));
  Client client;
  const Client::Call call = client.fetch(get(server.origin()));
  REQUIRE(call.probe->ok());
  CHECK(call.probe->body == text);
  CHECK(call.probe->head->headers == http::Headers{{"ETag", "W/\"x\""}});
}

TEST_CASE("upstream: a coding that was not asked for passes as it is") {
  RawServer server(always(answer("zzz", "Content-Encoding: br\r\n")));
  Client client;
  const Client::Call call = client.fetch(get(server.origin()));
  REQUIRE(call.probe->ok());
  CHECK(call.probe->body == "zzz");
  CHECK(call.probe->head->headers.get("content-encoding") == "br");
}

TEST_CASE("upstream: a range is asked for without gzip, since it counts encoded bytes") {
  RawServer server(always("HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\nContent-Range: bytes 0-1/9\r\n\r\nab"));
  Client client;
  CHECK(client.fetch(get(server.origin(), "/", {{"Range", "bytes=0-1"}})).probe->body == "ab");
  CHECK_FALSE(field(server.heads().at(0), "Accept-Encoding"));
}

TEST_CASE("upstream: an answer without a length is complete when the connection closes") {
  RawServer server([](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.0 200 OK\r\nX-Old: 1\r\n\r\nold style");
  });
  Client client;
  const Client::Call call = client.fetch(get(server.origin()));
  REQUIRE(call.probe->ok());
  CHECK(call.probe->body == "old style");
}

TEST_CASE("upstream: control characters in answers never get further") {
  RawServer server(always(answer("", "X-Bad: a\rSet-Cookie: x\x01y\r\nBad Name: 1\r\nX-Folded: a\r\n  b\r\n")));
  Client client;
  const Client::Call call = client.fetch(get(server.origin()));
  REQUIRE(call.probe->ok());
  CHECK(call.probe->head->headers ==
        http::Headers{{"Content-Length", "0"}, {"X-Bad", "a Set-Cookie: x y"}, {"X-Folded", "a b"}});
}

TEST_CASE("upstream: an exchange may be started, resumed and dropped from within any callback") {
  RawServer server(always(answer(std::string(300'000, 'x'))));
  Client client;
  Client::Call first;
  Client::Call second;
  Client::Call third;
  first.probe->at_head = [&] { client.start(second, get(server.origin(), "/second")); };
  second.probe->at_data = [&](std::string_view) {
    if (first.exchange) {
      first.exchange->resume();
    }
    second.exchange.reset();
    return true;
  };
  first.probe->at_end = [&] {
    first.exchange.reset();
    client.start(third, get(server.origin(), "/third"));
  };
  third.probe->at_head = [&] { third.exchange.reset(); };
  client.start(first, get(server.origin(), "/first"));
  REQUIRE(client.run_until([&] { return third.probe->head.has_value() && second.probe->size > 0; }));
  client.settle();
  CHECK(first.probe->ok());
  CHECK(first.probe->size == 300'000);
  CHECK(second.probe->ends == 0);
  CHECK(third.probe->ends == 0);
  CHECK(third.probe->size == 0);
}

TEST_CASE("upstream: the upstream itself may be destroyed from within a callback, with others under way") {
  RawServer server(always(answer("x")));
  Client client;
  std::vector<Client::Call> calls;
  calls.reserve(8);
  int heads = 0;
  for (int i = 0; i < 8; ++i) {
    calls.push_back(client.start(get(server.origin())));
    calls.back().probe->at_head = [&] {
      ++heads;
      client.upstream.reset();
    };
  }
  REQUIRE(client.run_until([&] { return heads > 0; }));
  client.settle();
  CHECK(heads == 1);
  for (const Client::Call& call : calls) {
    CHECK(call.probe->ends == 0);
  }
}

TEST_CASE("upstream: a dropped exchange is silent and closes its connection") {
  std::atomic<bool> closed = false;
  RawServer server([&](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    closed = peer.wait_closed();
  });
  Client client;
  Client::Call call = client.start(get(server.origin()));
  REQUIRE(client.run_until([&] { return call.probe->size == 4; }));
  call.exchange.reset();
  CHECK(eventually([&] { return closed.load(); }));
  client.settle();
  CHECK(call.probe->ends == 0);
  CHECK(call.probe.use_count() == 1);
}

TEST_CASE("upstream: the observer is let go at the end") {
  RawServer server(always(answer("x")));
  Client client;
  const Client::Call call = client.fetch(get(server.origin()));
  CHECK(call.probe.use_count() == 1);
  CHECK(call.probe->ends == 1);
}

TEST_CASE("upstream: many at once keep to the limit of connections") {
  RawServer server(always(answer("x")));
  upstream::Options options;
  options.max_connections_per_host = 4;
  Client client(options);
  std::vector<Client::Call> calls;
  for (int i = 0; i < 100; ++i) {
    calls.push_back(client.start(get(server.origin(), "/" + std::to_string(i))));
  }
  REQUIRE(client.run_until([&] {
    return std::all_of(calls.begin(), calls.end(), [](const Client::Call& call) { return call.probe->ok(); });
  }));
  CHECK(server.connections() <= 4);
  CHECK(server.heads().size() == 100);
}

TEST_CASE("upstream: a proxy from the environment is used, learns no header, and never carries loopback") {
  RawServer proxy([](Peer& peer, int) {
    while (!peer.read_head().empty()) {
      peer.send("HTTP/1.1 403 Forbidden\r\nX-Proxy: 1\r\nContent-Length: 0\r\n\r\n");
    }
  });
  RawServer server(always(answer("direct")));
  const std::string address = "http://127.0.0.1:" + std::to_string(proxy.port());
  const Environment environment(
      {{"https_proxy", address}, {"http_proxy", address}, {"no_proxy", ""}, {"NO_PROXY", ""}});
  Client client;
  CHECK(client.fetch(get(server.origin())).probe->body == "direct");
  CHECK(proxy.connections() == 0);
  const Client::Call call =
      client.fetch(get({"https", "api.example.invalid", 443}, "/", {{"Authorization", "token s3cret"}}));
  REQUIRE(call.probe->failure);
  CHECK(call.probe->failure->code == base::ErrorCode::unavailable);
  CHECK(call.probe->failure->message.starts_with("cannot connect to https://api.example.invalid: "));
  CHECK_FALSE(call.probe->head);
  REQUIRE(proxy.heads().size() == 1);
  CHECK(proxy.heads()[0].starts_with("CONNECT api.example.invalid:443 HTTP/1.1\r\n"));
  CHECK(proxy.heads()[0].find("s3cret") == std::string::npos);
}

}  // namespace ghoard::upstream_test
