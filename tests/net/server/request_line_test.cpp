#include "net/server/request_line.hpp"

#include <doctest/doctest.h>
#include <string>
#include <utility>

using namespace ghoard::server;
using State = HeadScanner::State;

namespace {

State scan(const std::string& bytes) {
  return HeadScanner().scan(bytes);
}

}  // namespace

TEST_CASE("the scanner finds the end of a head however it is split") {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\nAccept: b\r\n\r\n";
  const std::string bytes = head + "GET /next";
  for (std::size_t split = 0; split <= bytes.size(); ++split) {
    HeadScanner scanner;
    State state = scanner.scan(bytes.substr(0, split));
    CHECK((state == State::complete) == (split >= head.size()));
    if (state == State::partial) {
      state = scanner.scan(bytes);
    }
    REQUIRE(state == State::complete);
    CHECK(scanner.size() == head.size());
  }
}

TEST_CASE("the scanner finds the end of a head that comes byte by byte") {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  HeadScanner scanner;
  for (std::size_t size = 1; size < head.size(); ++size) {
    REQUIRE(scanner.scan(head.substr(0, size)) == State::partial);
  }
  CHECK(scanner.scan(head) == State::complete);
}

TEST_CASE("the scanner refuses bare line feeds and folded lines as soon as they are seen") {
  CHECK(scan("GET / HTTP/1.1\n") == State::malformed);
  CHECK(scan("\n") == State::malformed);
  CHECK(scan("GET / HTTP/1.1\r\nHost: a\nX: b\r\n") == State::malformed);
  CHECK(scan("GET / HTTP/1.1\r\n\nHost: a\r\n\r\n") == State::malformed);
  CHECK(scan("GET / HTTP/1.1\r\nA: b\r\n c\r\n") == State::malformed);
  CHECK(scan("GET / HTTP/1.1\r\n\tHost: a\r\n") == State::malformed);
}

TEST_CASE("spaces, controls and bytes above ASCII in a target are percent-encoded") {
  const std::pair<const char*, const char*> cases[] = {
      {"GET /search?q=a b HTTP/1.1", "GET /search?q=a%20b HTTP/1.1"},
      {"GET /a\tb HTTP/1.0", "GET /a%09b HTTP/1.0"},
      {"GET /\xc3\xa9 HTTP/1.1", "GET /%C3%A9 HTTP/1.1"},
      {"GET /x HTTP/1.1 HTTP/1.1", "GET /x%20HTTP/1.1 HTTP/1.1"},
      {"GET /\x7f HTTP/1.1", "GET /%7F HTTP/1.1"},
      {"GET  /x HTTP/1.1", "GET %20/x HTTP/1.1"},
  };
  for (const auto& [line, expected] : cases) {
    CAPTURE(line);
    CHECK(encode_request_line(line) == std::string(expected));
  }
}

TEST_CASE("request lines that need nothing, or are none, stay as they are") {
  for (const char* line : {"GET /a%20b?q=%zz HTTP/1.1", "GET / HTTP/1.1", "GET HTTP/1.1", "GET  HTTP/1.1", "", " ",
                           " HTTP/1.1", "GET /a b", "GET /a b HTTP/2.0", "GET /a b HTTP/1. ", "GET /a\rb HTTP/1.1"}) {
    CAPTURE(line);
    CHECK_FALSE(encode_request_line(line));
  }
  CHECK_FALSE(encode_request_line(std::string_view("GET /a\0b HTTP/1.1", 17)));
}
