#include "core/http/message.hpp"

#include <doctest/doctest.h>

using namespace ghoard::http;

TEST_CASE("header names compare without case and values join in order") {
  Headers headers{{"Accept", "a"}, {"X", "1"}, {"accept", "b"}};
  CHECK(headers.get("ACCEPT") == "a");
  CHECK(headers.joined("Accept") == "a, b");
  CHECK(headers.joined("none").empty());
  headers.set("aCCEPT", "c");
  CHECK(headers.joined("Accept") == "c");
  CHECK(headers.size() == 2);
  headers.remove("accept");
  CHECK_FALSE(headers.contains("Accept"));
}

TEST_CASE("trim takes spaces and tabs only") {
  CHECK(trim(" \ta b\t ") == "a b");
  CHECK(trim(" \t").empty());
  CHECK(trim("\na") == "\na");
}

TEST_CASE("loopback is an address or localhost, not a name that looks like one") {
  for (const char* host : {"localhost", "LOCALHOST", "127.0.0.1", "127.255.0.3", "[::1]"}) {
    CHECK(is_loopback_host(host));
  }
  for (const char* host : {"127.0.0.1.example", "localhost.example", "128.0.0.1", "127.1", "[::2]", ""}) {
    CHECK_FALSE(is_loopback_host(host));
  }
}

TEST_CASE("an authority leaves the default port out") {
  CHECK(Origin{"https", "h", 443}.authority() == "h");
  CHECK(Origin{"http", "h", 443}.authority() == "h:443");
  CHECK(Origin{"http", "h", 80}.url() == "http://h");
}
