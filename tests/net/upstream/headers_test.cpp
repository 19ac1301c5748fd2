#include "net/upstream/headers.hpp"

#include <doctest/doctest.h>
#include <vector>

namespace ghoard::upstream_test {

namespace {

using upstream::HeadParser;

/// The head made from `lines` (each gets its line end), if they make one.
std::optional<cache::ResponseHead> parse(const std::vector<std::string>& lines, std::size_t cap = 4096) {
  HeadParser parser(cap);
  for (const std::string& line : lines) {
    const base::Result<HeadParser::State> state = parser.line(line + "\r\n");
    if (!state) {
      return std::nullopt;
    }
    if (*state == HeadParser::State::complete) {
      return parser.take();
    }
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("response head: status and fields, in order, without white space around") {
  const auto head = parse({"HTTP/2 404 ", "b:  2 ", "A: 1", "b: 3", "empty:", ""});
  REQUIRE(head);
  CHECK(head->status == 404);
  CHECK(head->headers == http::Headers{{"b", "2"}, {"A", "1"}, {"b", "3"}, {"empty", ""}});
}

TEST_CASE("response head: a status line that is none is refused") {
  for (const char* line :
       {"", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 20", "HTTP/1.1 2x0 OK", "HTTP/1.1 2000", "HTTP/1.1 099 No",
        "HTTP/1.1 600 No", "HTTP/1.1 101 Switching Protocols", "ICY 200 OK", "200 OK"}) {
    CAPTURE(line);
    CHECK_FALSE(parse({line, ""}));
  }
  CHECK(parse({"HTTP/1.1 200", ""}));
}

TEST_CASE("response head: an interim answer leaves no trace but its size") {
  const auto head =
      parse({"HTTP/1.1 100 Continue", "X: 1", "", "HTTP/1.1 103 Hints", "Link: </a>", "", "HTTP/1.1 200 OK", ""});
  REQUIRE(head);
  CHECK(head->status == 200);
  CHECK(head->headers.empty());
  CHECK_FALSE(parse({"HTTP/1.1 100 Continue", "X: " + std::string(60, 'x'), "", "HTTP/1.1 200 OK", ""}, 100));
}

TEST_CASE("response head: hostile bytes do not get through") {
  const auto head =
      parse({"HTTP/1.1 200 OK",
             std::string("X: a\rb\0c\x7f"
                         "d\te",
                         12),
             "Na me: 1", "Na\x01: 1", "Name : 1", ": 1", "plain", " folded onto nothing", "Y: a", "\tb", ""});
  REQUIRE(head);
  CHECK(head->headers == http::Headers{{"X", "a b c d\te"}, {"Y", "a b"}});
}

TEST_CASE("response head: fields of the connection end here, also those that Connection names") {
  const auto head = parse({"HTTP/1.1 200 OK", "Connection: Close , X-Hop", "connection: x-two", "X-Hop: 1", "X-TWO: 1",
                           "Keep-Alive: 1", "Transfer-Encoding: chunked", "Trailer: a", "TE: b", "Upgrade: c",
                           "Proxy-Connection: d", "Kept: 1", ""});
  REQUIRE(head);
  CHECK(head->headers == http::Headers{{"Kept", "1"}});
}

}  // namespace ghoard::upstream_test
