// Bodies in both directions: buffered, streamed, held back, cut.

#include <sys/socket.h>

#include "tests/net/server/server_rig.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using State = cache::BodySource::State;

namespace {

std::string post(const std::string& framing, const std::string& body = {}) {
  return "POST /x HTTP/1.1\r\nHost: h\r\n" + framing + "\r\n\r\n" + body;
}

/// Reads a stream as far as it goes now.
State read_all(cache::BodySource& stream, std::string& into) {
  char buffer[7000];
  for (;;) {
    const cache::BodySource::Read got = stream.read(buffer);
    if (got.state != State::data) {
      return got.state;
    }
    into.append(buffer, got.size);
  }
}

/// Sends all of `bytes` while the loop turns.
void send_all(ServerRig& rig, RawClient& client, std::string_view bytes) {
  REQUIRE(rig.until([&] {
    bytes.remove_prefix(client.send(bytes.substr(0, 50'000)));
    return bytes.empty();
  }));
}

/// A handler that keeps its sink, and what a streamed answer tells it.
struct Streaming {
  explicit Streaming(ServerRig& rig) {
    rig.handler.script = [this](cache::IncomingRequest& request, const std::shared_ptr<cache::ReplySink>& the_sink) {
      sink = the_sink;
      stream = request.stream;
    };
  }
  void begin(int status, http::Headers headers) {
    sink->begin(
        status, std::move(headers), [this] { ++drained; }, [this] { ++gone; });
  }
  std::shared_ptr<cache::ReplySink> sink;
  std::shared_ptr<cache::BodySource> stream;
  int drained = 0;
  int gone = 0;
};

}  // namespace

TEST_CASE("small bodies are handed over whole, counted or chunked") {
  ServerRig rig;
  const auto client = rig.connect();
  rig.exchange(*client, post("Content-Length: 5", "hello"), "ok");
  rig.exchange(*client, post("Transfer-Encoding: chunked", "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"), "ok");
  REQUIRE(rig.handler.requests.size() == 2);
  CHECK(rig.handler.requests[0].body == "hello");
  CHECK(rig.handler.requests[0].content_length == 5U);
  CHECK(rig.handler.requests[1].body == "hello!");
  CHECK_FALSE(rig.handler.requests[1].stream);
}

TEST_CASE("a client that expects it is told at once to go ahead") {
  ServerRig rig;
  const auto client = rig.connect();
  CHECK(rig.exchange(*client, post("Content-Length: 2\r\nExpect: 100-continue"), "\r\n\r\n") ==
        "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(rig.exchange(*client, "hi", "ok").starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(rig.handler.requests.at(0).body == "hi");
}

TEST_CASE("a client that did not wait is not told to go ahead") {
  ServerRig rig;
  const auto client = rig.connect();
  CHECK(rig.exchange(*client, post("Content-Length: 2\r\nExpect: 100-continue", "hi"), "ok")
            .starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("bodies over the limit are streamed with back-pressure") {
  server::Limits limits;
  limits.buffered_body_bytes = 10'000;
  limits.write_high_water = 50'000;
  ServerRig rig(limits);
  Streaming handler(rig);
  std::string body(3'000'000, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) {
    body[i] = static_cast<char>('a' + i % 23);
  }
  std::string request;
  std::optional<std::uint64_t> length;
  SUBCASE("counted") {
    request = post("Content-Length: " + std::to_string(body.size()), body);
    length = body.size();
  }
  SUBCASE("chunked") {
    request = post("Transfer-Encoding: chunked");
    for (std::size_t at = 0; at < body.size(); at += 100'000) {
      request += "186a0\r\n" + body.substr(at, 100'000) + "\r\n";
    }
    request += "0\r\n\r\n";
  }
  const auto client = rig.connect();
  std::size_t sent = 0;
  for (int quiet = 0; quiet < 50; ++quiet) {  // nobody reads: the server must stop taking more
    const std::size_t taken = client->send(std::string_view(request).substr(sent, 50'000));
    sent += taken;
    quiet = taken > 0 ? 0 : quiet;
    rig.turn();
  }
  CHECK(sent < 1'000'000);
  REQUIRE(handler.stream);
  CHECK(rig.handler.requests.at(0).content_length == length);
  std::string got;
  State state = read_all(*handler.stream, got);
  handler.stream->on_readable([&] { state = read_all(*handler.stream, got); });
  send_all(rig, *client, std::string_view(request).substr(sent));
  REQUIRE(rig.until([&] {
    state = read_all(*handler.stream, got);
    return state != State::wait;
  }));
  CHECK(state == State::end);
  CHECK(got == body);
  handler.sink->send(text_reply(201, "done"));
  REQUIRE(rig.until_received(*client, "done"));
  CHECK_FALSE(client->ended());
  handler.stream.reset();
  rig.handler.script = nullptr;
  rig.exchange(*client, get, "ok");
}

TEST_CASE("a streamed body whose client leaves is lost") {
  ServerRig rig;
  Streaming handler(rig);
  const auto client = rig.connect();
  client->send(post("Content-Length: 2000000", "beginning"));
  REQUIRE(rig.until([&] { return handler.stream != nullptr; }));
  std::string got;
  CHECK(read_all(*handler.stream, got) == State::wait);
  bool woken = false;
  handler.stream->on_readable([&] { woken = true; });
  SUBCASE("closed") {
    client->close();
  }
  SUBCASE("only stopped sending") {
    client->finish_sending();
  }
  REQUIRE(rig.until([&] { return woken; }));
  CHECK(read_all(*handler.stream, got) == State::lost);
}

TEST_CASE("an answer before the end of the body is given, and then the connection ends") {
  ServerRig rig;
  rig.handler.script = [](cache::IncomingRequest&, const std::shared_ptr<cache::ReplySink>& sink) {
    sink->send(text_reply(403, "no"));
  };
  const auto client = rig.connect();
  const std::string request = post("Content-Length: 2000000", std::string(100'000, 'x'));
  send_all(rig, *client, request);
  REQUIRE(rig.until_received(*client, ""));
  CHECK(client->received().starts_with("HTTP/1.1 403 Forbidden\r\n"));
  CHECK(has_line(client->received(), "Connection: close"));
  CHECK(body_of(client->received()) == "no");
}

TEST_CASE("a malformed chunk in a streamed body loses it") {
  server::Limits limits;
  limits.buffered_body_bytes = 10;
  ServerRig rig(limits);
  Streaming handler(rig);
  const auto client = rig.connect();
  client->send(post("Transfer-Encoding: chunked", "14\r\n01234567890123456789\r\n"));
  REQUIRE(rig.until([&] { return handler.stream != nullptr; }));
  client->send("nonsense\r\n");
  std::string got;
  REQUIRE(rig.until([&] { return read_all(*handler.stream, got) == State::lost; }));
  handler.sink->send(text_reply(400, "bad body"));
  REQUIRE(rig.until_received(*client, ""));
  CHECK(body_of(client->received()) == "bad body");
}

TEST_CASE("streamed answers are chunked, counted if the head names a length, bare for HTTP/1.0") {
  ServerRig rig;
  Streaming handler(rig);
  http::Headers headers;
  std::string request(get);
  std::string expected;
  SUBCASE("chunked") {
    expected = "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
  }
  SUBCASE("counted") {
    headers.add("Content-Length", "11");
    expected = "hello world";
  }
  SUBCASE("HTTP/1.0") {
    request = "GET / HTTP/1.0\r\n\r\n";
    expected = "hello world";
  }
  const auto client = rig.connect();
  client->send(request);
  REQUIRE(rig.until([&] { return handler.sink != nullptr; }));
  handler.begin(200, headers);
  CHECK(handler.sink->write("hello"));
  CHECK(handler.sink->write(""));
  CHECK(handler.sink->write(" world"));
  handler.sink->end(std::nullopt);
  REQUIRE(rig.until_received(*client, expected));
  CHECK(body_of(client->received()) == expected);
  CHECK(handler.gone == 0);
}

TEST_CASE("a large whole answer reaches a slow client complete") {
  ServerRig rig;
  const std::string large(5'000'000, 'y');
  rig.handler.script = [&](cache::IncomingRequest&, const std::shared_ptr<cache::ReplySink>& sink) {
    sink->send(text_reply(200, large));
  };
  const auto client = rig.connect();
  client->send(std::string(get) + std::string(get));
  REQUIRE(rig.until([&] {
    client->receive(30'000);
    return client->received().size() > 2 * large.size();
  }));
  CHECK(rig.handler.requests.size() == 2);
  CHECK(client->received().ends_with(large));
}

TEST_CASE("a streamed answer holds back above the high-water mark and goes on when there is room") {
  server::Limits limits;
  limits.write_high_water = 100'000;
  ServerRig rig(limits);
  Streaming handler(rig);
  const auto client = rig.connect();
  client->send(get);
  REQUIRE(rig.until([&] { return handler.sink != nullptr; }));
  handler.begin(200, {});
  const std::string piece(10'000, 'z');
  std::size_t written = 0;
  bool room = true;
  while (room && written < 5'000'000) {
    room = handler.sink->write(piece);
    written += piece.size();
  }
  CHECK_FALSE(room);
  CHECK(written < 2'000'000);
  CHECK(handler.drained == 0);
  REQUIRE(rig.until([&] {
    client->receive(20'000);
    return handler.drained > 0;
  }));
  CHECK(handler.drained == 1);
  CHECK(handler.sink->write("tail"));
  handler.sink->end(std::nullopt);
  REQUIRE(rig.until_received(*client, "4\r\ntail\r\n0\r\n\r\n"));
}

TEST_CASE("a failed streamed answer is visibly incomplete") {
  ServerRig rig;
  Streaming handler(rig);
  http::Headers headers;
  SUBCASE("chunked, failed") {}
  SUBCASE("counted, failed") {
    headers.add("Content-Length", "100");
  }
  const auto client = rig.connect();
  client->send(get);
  REQUIRE(rig.until([&] { return handler.sink != nullptr; }));
  handler.begin(200, headers);
  handler.sink->write("part");
  handler.sink->end(base::Error{base::ErrorCode::truncated, "upstream left"});
  REQUIRE(rig.until_received(*client, ""));
  CHECK_FALSE(client->received().ends_with("0\r\n\r\n"));
  CHECK(body_of(client->received()).size() < 100);
  CHECK(handler.gone == 0);
}

TEST_CASE("a counted answer that ends early or says too much is cut") {
  ServerRig rig;
  Streaming handler(rig);
  const auto client = rig.connect();
  client->send(get);
  REQUIRE(rig.until([&] { return handler.sink != nullptr; }));
  handler.begin(200, {{"Content-Length", "10"}});
  handler.sink->write("12345");
  SUBCASE("early end") {
    handler.sink->end(std::nullopt);
  }
  SUBCASE("too much") {
    handler.sink->write("678901");
    handler.sink->end(std::nullopt);
  }
  REQUIRE(rig.until_received(*client, ""));
  CHECK(body_of(client->received()) == "12345");
}

TEST_CASE("a client that leaves in the middle of a streamed answer is reported once") {
  ServerRig rig;
  Streaming handler(rig);
  const auto client = rig.connect();
  client->send(get);
  REQUIRE(rig.until([&] { return handler.sink != nullptr; }));
  handler.begin(200, {});
  handler.sink->write("part");
  client->close();
  SUBCASE("noticed by itself") {}
  SUBCASE("noticed by writing") {
    for (int i = 0; i < 3; ++i) {
      handler.sink->write("more");
      CHECK(handler.gone == 0);  // never from within a call
    }
  }
  REQUIRE(rig.until([&] { return handler.gone > 0; }));
  CHECK(handler.sink->gone());
  handler.sink->write("even more");
  handler.sink->end(std::nullopt);
  rig.turn();
  CHECK(handler.gone == 1);
  CHECK(rig.until([&] { return rig.server->connections() == 0; }));
}
