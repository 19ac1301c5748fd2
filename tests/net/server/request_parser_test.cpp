#include "net/server/request_parser.hpp"

#include <doctest/doctest.h>
#include <string>
#include <string_view>

using namespace ghoard;
using server::RequestParser;
using State = RequestParser::State;

namespace {

constexpr std::size_t limit = 1024;

struct Parsed {
  State state = State::head;
  int refused = 0;
  cache::IncomingRequest request;
  std::string body;
  std::size_t taken = 0;

  bool same_as(const Parsed& other) const {
    return state == other.state && refused == other.refused && request.method == other.request.method &&
           request.target == other.request.target && request.headers == other.request.headers && body == other.body &&
           taken == other.taken;
  }
};

/// Offers the bytes in pieces of `step`, always again what was not taken, as a connection does.
Parsed parse(std::string_view bytes, std::size_t step = std::string_view::npos) {
  RequestParser parser(limit);
  Parsed parsed;
  std::size_t arrived = 0;
  while (arrived < bytes.size() && (parser.state() == State::head || parser.state() == State::body)) {
    arrived = step > bytes.size() - arrived ? bytes.size() : arrived + step;
    for (std::size_t taken = 1; taken > 0 && parsed.taken < arrived;) {
      taken = parser.feed(bytes.substr(parsed.taken, arrived - parsed.taken));
      parsed.taken += taken;
      if (parser.state() == State::complete || parser.state() == State::failed) {
        break;
      }
    }
  }
  parsed.state = parser.state();
  parsed.refused = parsed.state == State::failed ? parser.refusal().status : 0;
  parsed.body = parser.take_body();
  parsed.request = std::move(parser.request());
  return parsed;
}

int refusal_of(const std::string& head) {
  const Parsed parsed = parse(head);
  return parsed.state == State::failed ? parsed.refused : 0;
}

const std::string get = "GET /repos/o/r?q=a b HTTP/1.1\r\nHost: api.github.com\r\nAccept: x\r\n\r\n";

}  // namespace

TEST_CASE("a request without a body is complete with its head, and what follows is left alone") {
  const Parsed parsed = parse(get + "GET /second");
  REQUIRE(parsed.state == State::complete);
  CHECK(parsed.taken == get.size());
  CHECK(parsed.request.method == "GET");
  CHECK(parsed.request.target == "/repos/o/r?q=a%20b");
  CHECK(parsed.request.headers == http::Headers{{"Host", "api.github.com"}, {"Accept", "x"}});
  CHECK_FALSE(parsed.request.content_length);
}

TEST_CASE("every way of splitting a request gives the same request") {
  const std::string requests[] = {
      get,
      "\r\n\r\nPOST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nhello world",
      "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;name=\"v\"\r\nhello\r\n1\r\n \r\n0005\r\nworld\r\n0\r\nX-Trailer: y\r\n\r\n",
      "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
  };
  for (const std::string& bytes : requests) {
    const Parsed whole = parse(bytes);
    CHECK(whole.state != State::head);
    for (std::size_t step = 1; step < bytes.size(); ++step) {
      CAPTURE(step);
      CHECK(parse(bytes, step).same_as(whole));
    }
  }
}

TEST_CASE("bodies are decoded, and trailers say nothing") {
  const Parsed counted = parse("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET");
  CHECK(counted.state == State::complete);
  CHECK(counted.body == "abc");
  CHECK(counted.request.content_length == 3U);
  const Parsed chunked = parse(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: CHUNKED\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nHost: evil\r\n\r\n");
  CHECK(chunked.state == State::complete);
  CHECK(chunked.body == "abc");
  CHECK(chunked.request.headers == http::Headers{{"Host", "h"}});
}

TEST_CASE("fields of the connection do not reach the handler") {
  const Parsed parsed = parse(
      "POST / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: a\r\n"
      "Upgrade: h2c\r\nProxy-Connection: keep-alive\r\nExpect: 100-continue\r\nContent-Length: 0\r\nX-A: 1\r\n\r\n");
  REQUIRE(parsed.state == State::complete);
  CHECK(parsed.request.headers == http::Headers{{"Host", "h"}, {"X-A", "1"}});
}

TEST_CASE("what two readers could take differently is refused") {
  const std::string line = "POST / HTTP/1.1\r\n";
  const std::string host = line + "Host: h\r\n";
  CHECK(refusal_of(host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
  CHECK(refusal_of(host + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n") == 400);
  CHECK(refusal_of(host + "Content-Length: 3\r\nContent-Length: 4\r\n\r\n") == 400);
  CHECK(refusal_of(host + "Content-Length: 3\r\nContent-Length: 3\r\n\r\n") == 400);
  CHECK(refusal_of(host + "Content-Length: 3, 3\r\n\r\n") == 400);
  CHECK(refusal_of(host + "Content-Length: +3\r\n\r\n") == 400);
  CHECK(refusal_of(host + "Content-Length: -1\r\n\r\n") == 400);
  CHECK(refusal_of(host + "Content-Length: 99999999999999999999999\r\n\r\n") == 400);
  CHECK(refusal_of(host + "Content-Length: \r\n\r\n") == 400);
  CHECK(refusal_of(host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
  CHECK(refusal_of(host + "Transfer-Encoding: gzip, chunked\r\n\r\n") == 501);
  CHECK(refusal_of(host + "Transfer-Encoding: identity\r\n\r\n") == 501);
  CHECK(refusal_of(host + "Transfer-Encoding : chunked\r\n\r\n") == 400);
  CHECK(refusal_of("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
  CHECK(refusal_of(host + "Host: g\r\n\r\n") == 400);
  CHECK(refusal_of(line + "Accept: x\r\n\r\n") == 400);
  CHECK(refusal_of(host + "A: b\r\n c\r\n\r\n") == 400);
  CHECK(refusal_of("GET / HTTP/1.1\nHost: h\n\n") == 400);
  CHECK(refusal_of(host + "A: b\rc\r\n\r\n") == 400);
  CHECK(refusal_of(host + std::string("A: b\0c\r\n\r\n", 10)) == 400);
  CHECK(refusal_of(host + "no colon\r\n\r\n") == 400);
  CHECK(refusal_of("G(T / HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
  CHECK(refusal_of("GET /\r\nHost: h\r\n\r\n") == 400);
  CHECK(refusal_of("PRI * HTTP/2.0\r\n\r\n") == 505);
  CHECK(refusal_of(host + "Expect: 200-maybe\r\n\r\n") == 417);
}

TEST_CASE("a head over the limit is refused before it is complete, and one at the limit is taken") {
  const std::string line = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
  CHECK(refusal_of(line + std::string(limit, 'a')) == 431);
  CHECK(refusal_of(line + std::string(limit - line.size() - 3, 'a') + "\r\n\r\n") == 431);
  CHECK(parse(line + std::string(limit - line.size() - 4, 'a') + "\r\n\r\n").state == State::complete);
}

TEST_CASE("more than 256 fields are refused") {
  RequestParser parser(64 * 1024);
  std::string head = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 256; ++i) {
    head += "a:\r\n";
  }
  parser.feed(head + "\r\n");
  REQUIRE(parser.state() == State::failed);
  CHECK(parser.refusal().status == 431);
}

TEST_CASE("endless chunk extensions and trailers are refused") {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(refusal_of(head + "1;" + std::string(limit * 2, 'x')) == 400);
  CHECK(refusal_of(head + "0\r\nX: " + std::string(limit * 2, 'x')) == 400);
}

TEST_CASE("keep-alive follows version and Connection") {
  const auto keeps = [](const std::string& head) {
    RequestParser parser(limit);
    parser.feed(head);
    REQUIRE(parser.state() == State::complete);
    return parser.keep_alive();
  };
  CHECK(keeps("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK_FALSE(keeps("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
  CHECK_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  CHECK(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}
