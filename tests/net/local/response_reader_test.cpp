#include "net/local/response_reader.hpp"

#include <doctest/doctest.h>
#include <string>

using namespace ghoard;

namespace {

struct Outcome {
  int heads = 0;
  std::string body;
  bool complete = false;
  bool may_continue = false;
  std::string error;
  local::ClientResponse response;
  std::size_t used = 0;
};

/// Feeds `text` in pieces of `step` bytes, then ends the stream if `end`.
Outcome read(const std::string& text, std::size_t step, bool head_request = false, bool end = false) {
  Outcome outcome;
  local::ResponseReader reader(
      head_request,
      [&](const local::ClientResponse&) {
        ++outcome.heads;
        return true;
      },
      [&](std::string_view bytes) {
        outcome.body += bytes;
        return true;
      });
  std::string pending;
  for (std::size_t at = 0; at < text.size() && outcome.error.empty() && !reader.is_complete(); at += step) {
    pending += text.substr(at, step);
    const auto used = reader.feed(pending);
    outcome.error = used ? "" : used.error().message;
    pending.erase(0, used.value_or(0));
    outcome.used += used.value_or(0);
  }
  if (end && outcome.error.empty()) {
    const auto ended = reader.end_of_stream();
    outcome.error = ended ? "" : ended.error().message;
  }
  outcome.complete = reader.is_complete();
  outcome.may_continue = reader.may_continue();
  outcome.response = reader.response();
  return outcome;
}

}  // namespace

TEST_CASE("an answer reads the same however it is cut into pieces") {
  const std::string sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nX-A:  2 \r\n\r\nhello";
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: t\r\n\r\n";
  for (const std::string& text : {sized, chunked}) {
    for (std::size_t step = 1; step <= text.size(); ++step) {
      const Outcome outcome = read(text, step);
      CAPTURE(step);
      CHECK(outcome.error == "");
      CHECK(outcome.complete);
      CHECK(outcome.may_continue);
      CHECK(outcome.heads == 1);
      CHECK(outcome.body == "hello");
      CHECK(outcome.used == text.size());
    }
  }
  CHECK(read(sized, 7).response.headers.joined("x-a") == "1, 2");
  CHECK(read(sized, 7).response.reason == "OK");
}

TEST_CASE("an empty chunked body may come byte by byte, where Beast 1.81 asserted") {
  const std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    const Outcome outcome = read(text, step);
    CAPTURE(step);
    CHECK(outcome.complete);
    CHECK(outcome.body == "");
    CHECK(outcome.used == text.size());
  }
}

TEST_CASE("what follows an answer is left for the next one") {
  const std::string first = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab";
  CHECK(read(first + "HTTP/1.1 500 No\r\n", 4096).used == first.size());
}

TEST_CASE("HEAD, 204 and 304 have no body whatever their fields say") {
  CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", 4096, true).complete);
  CHECK(read("HTTP/1.1 204 No Content\r\n\r\n", 4096).complete);
  CHECK(read("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nETag: \"x\"\r\n\r\n", 3).complete);
}

TEST_CASE("without a length the body lasts until the connection ends, which then carries no more") {
  const std::string text = "HTTP/1.1 200 OK\r\n\r\nall of it";
  const Outcome open = read(text, 5);
  CHECK_FALSE(open.complete);
  const Outcome ended = read(text, 5, false, true);
  CHECK(ended.complete);
  CHECK(ended.body == "all of it");
  CHECK_FALSE(ended.may_continue);
}

TEST_CASE("a stream that ends early is told from an answer that never began") {
  CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", 4096, false, true).error ==
        "the answer ended before its announced end");
  CHECK(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n", 4096, false, true).error ==
        "the answer ended before its announced end");
  CHECK(read("HTTP/1.1 20", 4096, false, true).error == "the answer ended before its announced end");
  CHECK(read("", 1, false, true).error == "the connection was closed without an answer");
}

TEST_CASE("interim answers are passed over, but not for ever, and nothing switches protocols") {
  const std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
  const std::string final = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz";
  for (const std::size_t step : {1UL, 7UL, 4096UL}) {
    const Outcome outcome = read(interim + interim + final, step);
    CHECK(outcome.body == "z");
    CHECK(outcome.heads == 1);
    CHECK_FALSE(outcome.response.headers.contains("Link"));
  }
  std::string many;
  for (int i = 0; i < 20; ++i) {
    many += interim;
  }
  CHECK(read(many + final, 4096).error.starts_with("malformed answer"));
  CHECK(read("HTTP/1.1 101 Switching\r\n\r\n", 4096).error.starts_with("malformed answer"));
}

TEST_CASE("malformed answers are refused") {
  for (const char* text :
       {"garbage\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"}) {
    CAPTURE(text);
    CHECK(read(text, 4096).error.starts_with("malformed answer"));
  }
}

TEST_CASE("a head over 64 KiB is refused as too large") {
  const Outcome outcome = read("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'a') + "\r\n\r\n", 4096);
  CHECK(outcome.error == "the answer's head is larger than 64 KiB");
}

TEST_CASE("a sink that has had enough stops the reading") {
  std::size_t got = 0;
  local::ResponseReader reader(
      false, [](const local::ClientResponse&) { return true; },
      [&](std::string_view bytes) {
        got += bytes.size();
        return false;
      });
  const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + std::string(200'000, 'a');
  CHECK(reader.feed(text));
  CHECK(reader.is_stopped());
  CHECK(got > 0);
  CHECK(got < 200'000);
}
