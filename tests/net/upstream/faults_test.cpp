// Servers that break off, lie, stall and vanish.

#include <algorithm>
#include <doctest/doctest.h>

#include "tests/net/upstream/helpers.hpp"

namespace ghoard::upstream_test {

namespace {

using base::ErrorCode;

/// What one GET meets at a server that answers with `bytes` and then closes, or resets.
Client::Call meet(std::string bytes, bool reset = false, upstream::Options options = {}) {
  RawServer server([&](Peer& peer, int) {
    peer.read_head();
    peer.send(bytes);
    if (reset) {
      peer.reset();
    }
  });
  Client client(std::move(options));
  Client::Call call = client.fetch(get(server.origin(), "/secret-path", {{"Authorization", "token s3cret"}}));
  REQUIRE(call.probe->ends == 1);
  if (call.probe->failure) {
    const std::string& message = call.probe->failure->message;
    CHECK(message.find("s3cret") == std::string::npos);
    CHECK(message.find("secret-path") == std::string::npos);
    CHECK(message.find(server.origin().url()) != std::string::npos);
    CHECK_FALSE(message.ends_with("."));
  }
  call.exchange.reset();
  return call;
}

}  // namespace

TEST_CASE("upstream: a body cut short is a failure, however it was framed and cut") {
  for (const char* bytes : {
           "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive!",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfive!\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nfive!",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfive!\r\n0\r\n",
       }) {
    const Client::Call call = meet(bytes);
    CAPTURE(bytes);
    REQUIRE(call.probe->failure);
    CHECK(call.probe->failure->code == ErrorCode::truncated);
    CHECK(call.probe->body == "five!");
    CHECK(call.probe->head->status == 200);
  }
}

TEST_CASE("upstream: a connection reset in the middle of a body is a failure") {
  std::atomic<bool> go = false;
  for (const char* framing : {"Content-Length: 10", "Transfer-Encoding: chunked", "X-Until: close"}) {
    go = false;
    RawServer server([&](Peer& peer, int) {
      peer.read_head();
      peer.send("HTTP/1.1 200 OK\r\n" + std::string(framing) + "\r\n\r\n5\r\n12");
      (void)eventually([&] { return go.load(); });
      peer.reset();
    });
    Client client;
    Client::Call call = client.start(get(server.origin()));
    REQUIRE(client.run_until([&] { return call.probe->size > 0; }));
    go = true;
    REQUIRE(client.run_until([&] { return call.probe->ends == 1; }));
    CAPTURE(framing);
    REQUIRE(call.probe->failure);
    CHECK(call.probe->failure->code == ErrorCode::truncated);
  }
}

TEST_CASE("upstream: a gzip body that ends early or is damaged is a failure though its length was right") {
  const std::string whole = gzip("hello, hello, hello");
  const Client::Call cut = meet(answer(whole.substr(0, whole.size() - 4), "Content-Encoding: gzip\r\n"));
  REQUIRE(cut.probe->failure);
  CHECK(cut.probe->failure->code == ErrorCode::truncated);
  std::string damaged = whole;
  damaged[whole.size() - 10] = '!';
  const Client::Call bad = meet(answer(damaged, "Content-Encoding: gzip\r\n"));
  REQUIRE(bad.probe->failure);
  CHECK(bad.probe->failure->code == ErrorCode::invalid_input);
}

TEST_CASE("upstream: what is not HTTP is a failure without a head") {
  for (const char* bytes : {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 101 Switching\r\n\r\n", "HTTP/1.1 9\r\n\r\n",
                            "HTTP/1.1 700 Strange\r\n\r\n", "garbage"}) {
    const Client::Call call = meet(bytes);
    CAPTURE(bytes);
    REQUIRE(call.probe->failure);
    CHECK(call.probe->failure->code == ErrorCode::invalid_input);
    CHECK_FALSE(call.probe->head);
  }
}

TEST_CASE("upstream: a head that breaks off is no answer") {
  for (const char* bytes : {"", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
                            "HTTP/1.1 100 Continue\r\n\r\n"}) {
    const Client::Call call = meet(bytes);
    CAPTURE(bytes);
    REQUIRE(call.probe->failure);
    CHECK(call.probe->failure->code == ErrorCode::unavailable);
    CHECK(call.probe->failure->message.ends_with(" closed the connection before answering"));
    CHECK_FALSE(call.probe->head);
  }
}

TEST_CASE("upstream: the head of an answer is capped, interim answers included") {
  upstream::Options options;
  options.max_header_bytes = 8 * 1024;
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 1000; ++i) {
    many += "X-Field-" + std::to_string(i) + ": value\r\n";
  }
  std::string interim;
  for (int i = 0; i < 1000; ++i) {
    interim += "HTTP/1.1 102 Processing\r\n\r\n";
  }
  for (const std::string& bytes :
       {many + "\r\n", "HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n", interim}) {
    const Client::Call call = meet(bytes, false, options);
    REQUIRE(call.probe->failure);
    CHECK(call.probe->failure->code == ErrorCode::too_large);
    CHECK(call.probe->failure->message.ends_with(": the head of the answer is larger than 8 KiB"));
  }
}

TEST_CASE("upstream: a refused connection is told by name and reason") {
  std::uint16_t port = 0;
  {
    const RawServer gone([](Peer&, int) {});
    port = gone.port();
  }
  Client client;
  const Client::Call call = client.fetch(get({"http", "127.0.0.1", port}));
  REQUIRE(call.probe->failure);
  CHECK(call.probe->failure->code == ErrorCode::unavailable);
  CHECK(call.probe->failure->message ==
        "cannot connect to http://127.0.0.1:" + std::to_string(port) + ": connection refused");
}

TEST_CASE("upstream: a server that does not answer is given up after the deadline for the head") {
  upstream::Options options;
  options.first_byte_deadline = base::Millis(150);
  RawServer server([](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-Slow: ");
    peer.wait_closed();
  });
  Client client(options);
  const Client::Call call = client.fetch(get(server.origin()));
  REQUIRE(call.probe->failure);
  CHECK(call.probe->failure->code == ErrorCode::timeout);
  CHECK(call.probe->failure->message == server.origin().url() + " did not answer within 0.1 s");
  CHECK(server.heads().size() == 1);
}

TEST_CASE("upstream: a body that stalls is given up, and what came before was delivered") {
  upstream::Options options;
  options.stall_deadline = base::Millis(150);
  RawServer server([](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    peer.wait_closed();
  });
  Client client(options);
  const Client::Call call = client.fetch(get(server.origin()));
  REQUIRE(call.probe->failure);
  CHECK(call.probe->failure->code == ErrorCode::timeout);
  CHECK(call.probe->body == "half");
}

TEST_CASE("upstream: an endless drip is ended by the deadline of the whole") {
  upstream::Options options;
  options.total_deadline = base::Millis(200);
  RawServer server([](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    while (peer.send("x")) {
    }
  });
  Client client(options);
  Client::Call call;
  call.probe->keep_body = false;
  client.start(call, get(server.origin()));
  REQUIRE(client.run_until([&] { return call.probe->ends == 1; }));
  REQUIRE(call.probe->failure);
  CHECK(call.probe->failure->code == ErrorCode::timeout);
  CHECK(call.probe->size > 0);
}

TEST_CASE("upstream: a connection that nobody accepts is given up after the deadline for connecting") {
  // The server is mute, so that the TLS handshake never ends.
  upstream::Options options;
  options.connect_deadline = base::Millis(200);
  RawServer server([](Peer& peer, int) { peer.wait_closed(); });
  Client client(options);
  const Client::Call call = client.fetch(get({"https", "127.0.0.1", server.port()}));
  REQUIRE(call.probe->failure);
  CHECK(call.probe->failure->code == ErrorCode::timeout);
  CHECK(call.probe->failure->message ==
        "https://127.0.0.1:" + std::to_string(server.port()) + " accepted no connection within 0.2 s");
}

TEST_CASE("upstream: a server that speaks no TLS is told as such") {
  RawServer server([](Peer& peer, int) {
    peer.read_bytes(8);
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  Client client;
  const Client::Call call = client.fetch(get({"https", "127.0.0.1", server.port()}));
  REQUIRE(call.probe->failure);
  CHECK(call.probe->failure->code == ErrorCode::unavailable);
  CHECK(call.probe->failure->message.starts_with("TLS handshake with https://127.0.0.1:"));
}

// ---- repeating: counted at the server ------------------------------------------------------------

namespace {

/// Serves one good answer per connection, then reads `after` more requests and closes without a word (or resets).
struct Closing {
  int good_connections = 1;  ///< connections that serve one answer before they turn nasty
  bool reset = false;
  std::string partial;  ///< sent before closing
};

auto closing(Closing how) {
  return [how](Peer& peer, int index) {
    if (index >= how.good_connections) {
      while (!peer.read_head().empty()) {
        peer.send(answer("fresh"));
      }
      return;
    }
    peer.read_head();
    peer.send(answer("first"));
    peer.read_head();
    peer.send(how.partial);
    if (how.reset) {
      peer.reset();
    }
  };
}

std::size_t count(const RawServer& server, const std::string& start) {
  const std::vector<std::string> heads = server.heads();
  return static_cast<std::size_t>(
      std::count_if(heads.begin(), heads.end(), [&](const std::string& head) { return head.starts_with(start); }));
}

}  // namespace

TEST_CASE("upstream: a GET on a reused connection that dies without a word is repeated once, on a new one") {
  for (const bool reset : {false, true}) {
    RawServer server(closing({1, reset, ""}));
    Client client;
    REQUIRE(client.fetch(get(server.origin(), "/one")).probe->ok());
    const Client::Call second = client.fetch(get(server.origin(), "/two"));
    REQUIRE(second.probe->ok());
    CHECK(second.probe->body == "fresh");
    CHECK(count(server, "GET /two ") == 2);
    CHECK(server.connections() == 2);
  }
}

TEST_CASE("upstream: a repeated GET is not repeated again") {
  RawServer server([](Peer& peer, int index) {
    peer.read_head();
    if (index == 0) {
      peer.send(answer("first"));
      peer.read_head();
    }
  });
  Client client;
  REQUIRE(client.fetch(get(server.origin(), "/one")).probe->ok());
  const Client::Call second = client.fetch(get(server.origin(), "/two"));
  REQUIRE(second.probe->failure);
  CHECK(second.probe->failure->code == ErrorCode::unavailable);
  CHECK(count(server, "GET /two ") == 2);
}

TEST_CASE("upstream: a GET on a new connection is not repeated") {
  RawServer server([](Peer& peer, int) { peer.read_head(); });
  Client client;
  CHECK(client.fetch(get(server.origin())).probe->failure);
  CHECK(server.heads().size() == 1);
}

TEST_CASE("upstream: a GET is not repeated once a line of an answer came") {
  RawServer server(closing({1, false, "HTTP/1.1 200 OK\r\n"}));
  Client client;
  REQUIRE(client.fetch(get(server.origin(), "/one")).probe->ok());
  const Client::Call second = client.fetch(get(server.origin(), "/two"));
  CHECK(second.probe->failure);
  CHECK(count(server, "GET /two ") == 1);
}

TEST_CASE("upstream: a write is never sent twice, whenever its connection dies") {
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
    for (const bool reset : {false, true}) {
      for (const std::size_t size : {0UL, 10UL, 100'000UL}) {
        CAPTURE(method);
        CAPTURE(size);
        RawServer server(closing({1, reset, ""}));
        Client client;
        REQUIRE(client.fetch(get(server.origin(), "/one")).probe->ok());
        const Client::Call write = client.fetch(request(method, server.origin(), std::string(size, 'x')));
        REQUIRE(write.probe->failure);
        CHECK(write.probe->failure->code == ErrorCode::unavailable);
        CHECK(write.probe->failure->message == server.origin().url() +
                                                   " closed the connection before answering; the request may have been "
                                                   "carried out");
        CHECK(count(server, std::string(method) + " / ") == 1);
        CHECK(server.connections() == 1);
        // The next one finds a way again.
        CHECK(client.fetch(request(method, server.origin(), "x")).probe->ok());
      }
    }
  }
}

TEST_CASE("upstream: a streamed write is never sent twice") {
  RawServer server([](Peer& peer, int index) {
    peer.read_head();
    if (index == 0) {
      peer.send(answer("first"));
      peer.read_head();
      peer.read_bytes(3);
    } else {
      peer.send(answer("fresh"));
    }
  });
  Client client;
  REQUIRE(client.fetch(get(server.origin(), "/one")).probe->ok());
  auto source = std::make_shared<ManualSource>();
  source->push("abc");
  cache::UpstreamRequest upload = request("POST", server.origin(), "");
  upload.stream = source;
  const Client::Call write = client.start(std::move(upload));
  REQUIRE(eventually([&] { return client.settle(1), server.closed() == 1; }));
  source->push("def");
  source->finish();
  REQUIRE(client.run_until([&] { return write.probe->ends == 1; }));
  REQUIRE(write.probe->failure);
  CHECK(write.probe->failure->message.ends_with("; the request may have been carried out"));
  CHECK(count(server, "POST / ") == 1);
}

TEST_CASE("upstream: a write that meets an idle connection already closed goes over a new one") {
  RawServer server([](Peer& peer, int) {
    peer.read_head();
    peer.send(answer("bye"));
  });
  Client client;
  for (int i = 0; i < 5; ++i) {
    REQUIRE(client.fetch(get(server.origin())).probe->ok());
    REQUIRE(eventually([&] { return server.closed() == 2 * i + 1; }));
    CHECK(client.fetch(request("POST", server.origin(), "x")).probe->ok());
  }
  CHECK(count(server, "POST / ") == 5);
}

}  // namespace ghoard::upstream_test
