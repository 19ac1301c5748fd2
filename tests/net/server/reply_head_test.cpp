#include "net/server/reply_head.hpp"

#include <doctest/doctest.h>

using namespace ghoard;
using server::ConnectionField;
using server::Framing;

namespace {

std::string head(int status, const http::Headers& headers, const Framing& framing,
                 ConnectionField connection = ConnectionField::none) {
  std::string out;
  server::append_head(out, status, headers, framing, connection, "Ghoard-Agent: 1\r\n", "Date: now\r\n");
  return out;
}

}  // namespace

TEST_CASE("a head has its status, the common lines, the headers and the framing") {
  CHECK(head(200, {{"Age", "3"}}, {Framing::Kind::length, 12}) ==
        "HTTP/1.1 200 OK\r\nGhoard-Agent: 1\r\nAge: 3\r\nDate: now\r\nContent-Length: 12\r\n\r\n");
  CHECK(head(502, {}, {Framing::Kind::chunked, 0}, ConnectionField::close) ==
        "HTTP/1.1 502 Bad Gateway\r\nGhoard-Agent: 1\r\nDate: now\r\nTransfer-Encoding: chunked\r\n"
        "Connection: close\r\n\r\n");
  CHECK(head(304, {}, {Framing::Kind::none, 0}) == "HTTP/1.1 304 Not Modified\r\nGhoard-Agent: 1\r\nDate: now\r\n\r\n");
  CHECK(head(599, {}, {}).starts_with("HTTP/1.1 599 \r\n"));
}

TEST_CASE("a Date that the handler names is the only one") {
  const std::string text = head(200, {{"date", "then"}}, {});
  CHECK(text.find("date: then\r\n") != std::string::npos);
  CHECK(text.find("Date: now") == std::string::npos);
}

TEST_CASE("no header value can end a line, and no header name can be more than a token") {
  const std::string text = head(200,
                                {{"X", "a\r\nSet-Cookie: b"},
                                 {"Y", std::string("c\0d\x7f\te", 6)},
                                 {"Z: q\r\nInjected", "e"},
                                 {"", "f"},
                                 {"Sp ace", "g"}},
                                {});
  CHECK(text == "HTTP/1.1 200 OK\r\nGhoard-Agent: 1\r\nX: a  Set-Cookie: b\r\nY: c d \te\r\nDate: now\r\n\r\n");
}

TEST_CASE("fields that belong to the connection are the server's own") {
  const std::string text = head(200,
                                {{"Content-Length", "5"},
                                 {"transfer-encoding", "chunked"},
                                 {"Connection", "close"},
                                 {"Keep-Alive", "1"},
                                 {"Upgrade", "x"},
                                 {"Trailer", "x"},
                                 {"Proxy-Connection", "x"},
                                 {"Ghoard-Agent", "2"}},
                                {Framing::Kind::length, 7});
  CHECK(text == "HTTP/1.1 200 OK\r\nGhoard-Agent: 1\r\nDate: now\r\nContent-Length: 7\r\n\r\n");
}

TEST_CASE("only a plain number is a named length") {
  CHECK(server::named_length({{"content-length", "42"}}) == 42U);
  CHECK_FALSE(server::named_length({}));
  CHECK_FALSE(server::named_length({{"Content-Length", ""}}));
  CHECK_FALSE(server::named_length({{"Content-Length", "4x"}}));
  CHECK_FALSE(server::named_length({{"Content-Length", "-4"}}));
  CHECK_FALSE(server::named_length({{"Content-Length", "99999999999999999999999"}}));
}

TEST_CASE("a failure is one line of JSON") {
  CHECK(server::failure_json("timeout", "too slow") == "{\"message\":\"too slow\",\"ghoard_error\":\"timeout\"}\n");
}
