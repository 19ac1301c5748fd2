#include "core/http/cache_control.hpp"

#include <doctest/doctest.h>

using namespace ghoard;
using namespace ghoard::http;
using base::Seconds;

namespace {

RequestDirectives request(std::string value) {
  return parse_request_directives(Headers{{"Cache-Control", std::move(value)}});
}
ResponseDirectives response(std::string value) {
  return parse_response_directives(Headers{{"cache-control", std::move(value)}});
}

}  // namespace

TEST_CASE("every request directive is read") {
  const RequestDirectives read =
      request("no-cache, NO-STORE,only-if-cached , max-age=1, max-stale=2, min-fresh=3, stale-if-error=4");
  CHECK(read == RequestDirectives{true, true, true, Seconds{1}, Seconds{2}, Seconds{3}, Seconds{4}});
  CHECK(request("") == RequestDirectives{});
  CHECK(request("unknown, other=5, no-transform") == RequestDirectives{});
}

TEST_CASE("max-stale without an argument has no bound") {
  CHECK(request("max-stale").max_stale == Seconds::max());
  CHECK(request("max-stale=x").max_stale == std::nullopt);
  CHECK(request("max-stale=-1").max_stale == std::nullopt);
}

TEST_CASE("a malformed number is 0, a huge one saturates") {
  for (const char* bad :
       {"max-age", "max-age=", "max-age=-1", "max-age=+1", "max-age=1x", "max-age=\"1", "max-age=1.5"}) {
    CAPTURE(bad);
    CHECK(request(bad).max_age == Seconds{0});
  }
  CHECK(request("min-fresh=x").min_fresh == Seconds{0});
  CHECK(request("stale-if-error=x").stale_if_error == Seconds{0});
  CHECK(request("max-age=2147483649").max_age == Seconds{2147483648});
  CHECK(request("max-age=99999999999999999999999").max_age == Seconds{2147483648});
  CHECK(request("max-age=\"7\"").max_age == Seconds{7});
}

TEST_CASE("a directive given twice counts in its stricter form") {
  CHECK(request("max-age=5, max-age=3").max_age == Seconds{3});
  CHECK(request("min-fresh=5, min-fresh=30").min_fresh == Seconds{30});
  CHECK(request("max-stale, max-stale=3").max_stale == Seconds{3});
  const Headers two{{"Cache-Control", "max-age=9"}, {"Cache-Control", "max-age=8, no-cache"}};
  CHECK(parse_request_directives(two) == RequestDirectives{.no_cache = true, .max_age = Seconds{8}});
}

TEST_CASE("commas and names inside quotes are not directives") {
  CHECK(request("ext=\"no-store, max-age=1\", max-age=2") == RequestDirectives{.max_age = Seconds{2}});
  CHECK(request("ext=\"a\\\", no-store\"") == RequestDirectives{});
}

TEST_CASE("Pragma counts only without Cache-Control") {
  CHECK(parse_request_directives(Headers{{"Pragma", "x, No-Cache"}}).no_cache);
  CHECK_FALSE(parse_request_directives(Headers{{"Pragma", "no-cache"}, {"Cache-Control", "max-age=1"}}).no_cache);
  CHECK_FALSE(parse_request_directives(Headers{{"Pragma", "other"}}).no_cache);
}

TEST_CASE("what is written is read back the same") {
  const RequestDirectives samples[] = {
      {},
      {.no_cache = true},
      {.max_age = Seconds{60}, .max_stale = Seconds::max(), .stale_if_error = Seconds{86400}},
      {true, true, true, Seconds{0}, Seconds{2147483648}, Seconds{3}, Seconds{4}}};
  for (const RequestDirectives& sample : samples) {
    CHECK(request(format_request_directives(sample)) == sample);
  }
  CHECK(format_request_directives({}).empty());
  CHECK(format_request_directives(samples[2]) == "max-age=60, max-stale, stale-if-error=86400");
}

TEST_CASE("response directives are read, GitHub's among them") {
  CHECK(response("private, max-age=60, s-maxage=60") == ResponseDirectives{.max_age = Seconds{60}});
  CHECK(response("no-store") == ResponseDirectives{.no_store = true});
  CHECK(response("no-cache=\"set-cookie, x\", max-age=oops") ==
        ResponseDirectives{.no_cache = true, .max_age = Seconds{0}});
  CHECK(parse_response_directives({}) == ResponseDirectives{});
}
