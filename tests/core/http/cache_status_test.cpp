#include "core/http/cache_status.hpp"

#include <doctest/doctest.h>

using namespace ghoard;
using namespace ghoard::http;
using base::Seconds;

TEST_CASE("a hit and a miss look as the design says") {
  CHECK(format_cache_status({.hit = true, .ttl = Seconds{212}, .detail = "local"}) ==
        "ghoard; hit; ttl=212; detail=local");
  CHECK(format_cache_status({.fwd = Forward::stale, .fwd_status = 304, .stored = true}) ==
        "ghoard; fwd=stale; fwd-status=304; stored");
  CHECK(format_cache_status({}) == "ghoard");
}

TEST_CASE("what is written is read back the same") {
  for (const Forward forward : {Forward::none, Forward::bypass, Forward::method, Forward::uri_miss, Forward::vary_miss,
                                Forward::miss, Forward::request, Forward::stale, Forward::partial}) {
    const CacheStatus status{
        .fwd = forward, .fwd_status = 200, .ttl = Seconds{-5}, .collapsed = true, .detail = "peer"};
    CHECK(parse_cache_status(format_cache_status(status)) == status);
  }
  const CacheStatus quoted{.hit = true, .detail = "with \"quotes\" and \\ and, commas; here"};
  CHECK(parse_cache_status(format_cache_status(quoted)) == quoted);
}

TEST_CASE("a detail that cannot be written is left out") {
  CHECK(format_cache_status({.detail = "a\r\nX: y"}) == "ghoard");
}

TEST_CASE("ghoard's entry is found among those of other caches, the last one if there are several") {
  CHECK(parse_cache_status("\"edge, one\"; fwd=miss; fwd-status=200, ghoard; hit") == CacheStatus{.hit = true});
  CHECK(parse_cache_status("ghoard; hit, other; x=1.5; y=:YQ==:; z=?0") == CacheStatus{.hit = true});
  CHECK(parse_cache_status("ghoard; hit, ghoard; fwd=miss") == CacheStatus{.fwd = Forward::miss});
  CHECK(parse_cache_status("ghoard;hit=?0;unknown=x;stored=?1") == CacheStatus{.stored = true});
  CHECK_FALSE(parse_cache_status("other; hit").has_value());
  CHECK_FALSE(parse_cache_status("").has_value());
}

TEST_CASE("a malformed field says nothing") {
  for (const char* text : {"ghoard; hit,",
                           "ghoard; ttl=",
                           "ghoard; ttl=x",
                           "ghoard; ttl=1234567890123456",
                           "ghoard; ttl=1.5",
                           "ghoard;",
                           "ghoard hit",
                           "ghoard; hit=1",
                           "ghoard; fwd=other",
                           "ghoard; fwd-status=99",
                           "ghoard; fwd-status=1000",
                           "ghoard; detail=\"open",
                           "ghoard; detail=\"\\x\"",
                           "ghoard; Hit",
                           "(ghoard); hit",
                           "ghoard; a=?2",
                           "ghoard; detail=5",
                           "ghoard; a=:b",
                           "1x, ghoard; hit",
                           "\x01"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_cache_status(text).has_value());
  }
}
