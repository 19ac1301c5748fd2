// Bodies in both directions: pausing, resuming, large ones in bounded memory.

#include <algorithm>
#include <doctest/doctest.h>

#include "tests/net/upstream/helpers.hpp"

namespace ghoard::upstream_test {

namespace {

/// `size` bytes in which every position is recognisable.
std::string pattern(std::size_t size, std::size_t from = 0) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t at = from + i;
    text[i] = static_cast<char>('a' + (at * 7 + at / 251) % 26);
  }
  return text;
}

/// Counts what it could send, so that a test sees the client holding back.
struct Flood {
  std::atomic<std::size_t> sent = 0;
  std::atomic<bool> done = false;
  std::size_t total = 0;

  void operator()(Peer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(total) + "\r\n\r\n");
    while (sent < total) {
      const std::string piece = pattern(std::min<std::size_t>(64 * 1024, total - sent), sent);
      if (!peer.send(piece)) {
        return;
      }
      sent += piece.size();
    }
    done = true;
    peer.wait_closed();
  }
};

}  // namespace

TEST_CASE("upstream: a paused answer stops the server, and every byte comes once after resuming") {
  Flood flood;
  flood.total = 32 * 1024 * 1024;
  RawServer server([&](Peer& peer, int) { flood(peer); });
  Client client;
  Client::Call call;
  bool pausing = true;
  int calls = 0;
  call.probe->at_data = [&](std::string_view) {
    ++calls;
    return !pausing;
  };
  client.start(call, get(server.origin()));
  REQUIRE(client.run_until([&] { return calls == 1; }));
  // The server fills the buffers on the way and then stands still.
  std::size_t before = 0;
  do {
    before = flood.sent;
    client.settle(40);
  } while (flood.sent != before);
  CHECK(calls == 1);
  CHECK_FALSE(flood.done);

  for (int i = 0; i < 5; ++i) {
    const int seen = calls;
    call.exchange->resume();
    REQUIRE(client.run_until([&] { return calls == seen + 1; }));
    client.settle(5);
    CHECK(calls == seen + 1);
  }
  pausing = false;
  call.exchange->resume();
  REQUIRE(client.run_until([&] { return call.probe->ends == 1; }));
  CHECK(call.probe->ok());
  CHECK(call.probe->body == pattern(flood.total));
}

TEST_CASE("upstream: the end waits for a paused observer, and so does a failure") {
  for (const char* length : {"5", "9"}) {
    RawServer server([&](Peer& peer, int) {
      peer.read_head();
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::string(length) + "\r\n\r\nhello");
    });
    Client client;
    Client::Call call;
    call.probe->at_data = [](std::string_view) { return false; };
    client.start(call, get(server.origin()));
    REQUIRE(client.run_until([&] { return server.closed() == 1; }));
    client.settle();
    CHECK(call.probe->ends == 0);
    call.exchange->resume();
    REQUIRE(client.run_until([&] { return call.probe->ends == 1; }));
    CHECK(call.probe->body == "hello");
    CHECK(call.probe->failure.has_value() == (std::string_view(length) == "9"));
  }
}

TEST_CASE("upstream: a paused observer is no stalled server") {
  upstream::Options options;
  options.stall_deadline = base::Millis(30);
  std::atomic<bool> go = false;
  RawServer server([&](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
    (void)eventually([&] { return go.load(); });
    peer.send("cd");
  });
  Client client(options);
  Client::Call call;
  call.probe->at_data = [](std::string_view) { return false; };
  client.start(call, get(server.origin()));
  REQUIRE(client.run_until([&] { return call.probe->size == 2; }));
  const auto until = std::chrono::steady_clock::now() + 4 * options.stall_deadline;
  REQUIRE(client.run_until([&] { return std::chrono::steady_clock::now() > until; }));
  CHECK(call.probe->ends == 0);
  go = true;
  REQUIRE(eventually([&] { return server.closed() == 1; }));
  call.probe->at_data = nullptr;
  call.exchange->resume();
  REQUIRE(client.run_until([&] { return call.probe->ends == 1; }));
  CHECK(call.probe->ok());
  CHECK(call.probe->body == "abcd");
}

TEST_CASE("upstream: a large body passes in constant memory") {
  Flood flood;
  flood.total = 300 * 1024 * 1024;
  RawServer server([&](Peer& peer, int) { flood(peer); });
  Client client;
  Client::Call call;
  call.probe->keep_body = false;
  std::size_t largest = 0;
  std::size_t most_on_the_way = 0;
  call.probe->at_data = [&](std::string_view chunk) {
    largest = std::max(largest, chunk.size());
    const std::size_t sent = flood.sent;
    most_on_the_way = std::max(most_on_the_way, sent - std::min(sent, call.probe->size));
    return true;
  };
  client.start(call, get(server.origin()));
  REQUIRE(client.run_until([&] { return call.probe->ends == 1; }));
  CHECK(call.probe->ok());
  CHECK(call.probe->size == flood.total);
  CHECK(largest <= 64 * 1024);
  // Whatever was sent and not yet handed on lies in a buffer: the kernel's or ours.
  CHECK(most_on_the_way < 24 * 1024 * 1024);
}

TEST_CASE("upstream: a gzip body that grows a thousandfold comes in pieces and can be paused between them") {
  // One deflate block of 258-byte matches of one zero: built by repeating gzip members of stored zeros would not grow,
  // so this is a fixed-Huffman block written by hand: literal 0, then matches of length 258 at distance 1.
  std::string bits;
  std::uint32_t hold = 0;
  int held = 0;
  const auto put = [&](std::uint32_t value, int count) {
    hold |= value << held;
    held += count;
    for (; held >= 8; held -= 8, hold >>= 8) {
      bits += static_cast<char>(hold & 0xFF);
    }
  };
  constexpr int k_matches = 40'000;
  put(1, 1);     // last block
  put(1, 2);     // fixed Huffman codes
  put(0x0C, 8);  // literal 0: code 00110000, most significant bit first
  for (int i = 0; i < k_matches; ++i) {
    put(0xA3, 8);  // length 258: code 11000101, most significant bit first
    put(0, 5);     // distance 1
  }
  put(0, 7);  // end of block
  put(0, 7);  // up to the byte
  const std::size_t size = 1 + 258UL * k_matches;
  const std::string zeros(size, '\0');
  const std::string trailer = gzip(zeros);
  const std::string file = std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10) + bits + trailer.substr(trailer.size() - 8);
  REQUIRE(file.size() * 100 < size);

  RawServer server([&](Peer& peer, int) {
    peer.read_head();
    peer.send(answer(file, "Content-Encoding: gzip\r\n"));
  });
  Client client;
  Client::Call call;
  call.probe->at_data = [&](std::string_view chunk) {
    CHECK(chunk.size() <= 64 * 1024);
    return false;
  };
  client.start(call, get(server.origin()));
  REQUIRE(client.run_until([&] { return call.probe->size > 0; }));
  client.settle();
  CHECK(call.probe->size <= 64 * 1024);
  while (call.probe->ends == 0) {
    const std::size_t before = call.probe->size;
    call.exchange->resume();
    REQUIRE(client.run_until([&] { return call.probe->size > before || call.probe->ends == 1; }));
  }
  CHECK(call.probe->ok());
  CHECK(call.probe->body == zeros);
}

TEST_CASE("upstream: bodies from memory arrive whole with their length, small or large") {
  for (const std::size_t size : {1UL, 1000UL, 64UL * 1024, 64UL * 1024 + 1, 5'000'000UL}) {
    std::string received;
    RawServer server([&](Peer& peer, int) {
      const std::string head = peer.read_head();
      received = peer.read_bytes(std::stoul(field(head, "Content-Length").value_or("0")));
      peer.send(answer("ok"));
    });
    Client client;
    const Client::Call call =
        client.fetch(request("POST", server.origin(), pattern(size), {{"Content-Type", "application/json"}}));
    REQUIRE(call.probe->ok());
    CHECK(call.probe->body == "ok");
    CHECK(received == pattern(size));
    CHECK(field(server.heads().at(0), "Content-Type") == "application/json");
    CHECK_FALSE(field(server.heads().at(0), "Expect"));
    CHECK_FALSE(field(server.heads().at(0), "Transfer-Encoding"));
  }
}

TEST_CASE("upstream: a streamed body of unknown length goes out in chunks as it comes") {
  std::atomic<int> phase = 0;
  std::optional<std::string> received;
  RawServer server([&](Peer& peer, int) {
    const std::string head = peer.read_head();
    CHECK(field(head, "Transfer-Encoding") == "chunked");
    ++phase;
    received = peer.read_chunked();
    peer.send(answer("ok"));
  });
  Client client;
  auto source = std::make_shared<ManualSource>();
  cache::UpstreamRequest upload = request("PUT", server.origin(), "");
  upload.stream = source;
  const Client::Call call = client.start(std::move(upload));
  REQUIRE(client.run_until([&] { return phase == 1 && source->waits == 1; }));
  std::size_t sent = 0;
  for (int i = 0; i < 20; ++i) {
    const int waits = source->waits;
    source->push(pattern(100'000, sent));
    sent += 100'000;
    REQUIRE(client.run_until([&] { return source->waits > waits; }));
    CHECK(source->taken == sent);
  }
  source->finish();
  REQUIRE(client.run_until([&] { return call.probe->ends == 1; }));
  CHECK(call.probe->ok());
  CHECK(received == pattern(sent));
}

TEST_CASE("upstream: a streamed body of known length carries it, and never more than that") {
  std::string received;
  RawServer server([&](Peer& peer, int) {
    const std::string head = peer.read_head();
    CHECK(field(head, "Content-Length") == "10");
    CHECK_FALSE(field(head, "Transfer-Encoding"));
    received = peer.read_bytes(10);
    peer.send(answer("ok"));
    received += peer.read_bytes(1);
  });
  Client client;
  auto source = std::make_shared<ManualSource>();
  source->push("0123456789GET /smuggled HTTP/1.1\r\n\r\n");
  source->finish();
  cache::UpstreamRequest upload = request("POST", server.origin(), "");
  upload.stream = source;
  upload.content_length = 10;
  const Client::Call call = client.fetch(std::move(upload));
  CHECK(call.probe->ok());
  client.upstream.reset();
  REQUIRE(eventually([&] { return server.closed() == 1; }));
  CHECK(received == "0123456789");
}

TEST_CASE("upstream: an upload whose producer goes away, or ends too early, is given up") {
  for (const bool lost : {true, false}) {
    std::atomic<bool> broken = false;
    RawServer server([&](Peer& peer, int) {
      peer.read_head();
      broken = peer.read_bytes(10).size() < 10;
    });
    Client client;
    auto source = std::make_shared<ManualSource>();
    source->push("abc");
    cache::UpstreamRequest upload = request("POST", server.origin(), "");
    upload.stream = source;
    upload.content_length = 10;
    const Client::Call call = client.start(std::move(upload));
    REQUIRE(client.run_until([&] { return source->waits == 1; }));
    if (lost) {
      source->lose();
    } else {
      source->finish();
    }
    REQUIRE(client.run_until([&] { return call.probe->ends == 1; }));
    REQUIRE(call.probe->failure);
    CHECK(call.probe->failure->code == base::ErrorCode::truncated);
    CHECK(call.probe->failure->message.starts_with("request to " + server.origin().url() + " given up: "));
    CHECK(eventually([&] { return broken.load(); }));
  }
}

TEST_CASE("upstream: an exchange dropped while its producer waits leaves nothing behind") {
  RawServer server([](Peer& peer, int) { peer.wait_closed(); });
  Client client;
  auto source = std::make_shared<ManualSource>();
  cache::UpstreamRequest upload = request("POST", server.origin(), "");
  upload.stream = source;
  Client::Call call = client.start(std::move(upload));
  REQUIRE(client.run_until([&] { return source->waits == 1; }));
  call.exchange.reset();
  source->push("late");
  source->finish();
  client.settle();
  CHECK(source->taken == 0);
  CHECK(call.probe->ends == 0);
  CHECK(source.use_count() == 1);
}

TEST_CASE("upstream: an early refusal of an upload is an answer") {
  RawServer server([](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
    peer.wait_closed();
  });
  Client client;
  auto source = std::make_shared<ManualSource>();
  source->push("abc");
  cache::UpstreamRequest upload = request("POST", server.origin(), "");
  upload.stream = source;
  const Client::Call call = client.start(std::move(upload));
  REQUIRE(client.run_until([&] { return call.probe->ends == 1; }));
  CHECK(call.probe->ok());
  CHECK(call.probe->head->status == 413);
  CHECK(call.probe->body == "big");
}

}  // namespace ghoard::upstream_test
