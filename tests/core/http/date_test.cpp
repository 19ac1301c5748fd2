#include "core/http/date.hpp"

#include <doctest/doctest.h>

using namespace ghoard;
using namespace std::chrono_literals;
using http::format_http_date;
using http::parse_http_date;
using http::parse_retry_after;

namespace {

const base::WallTime example{std::chrono::sys_days{std::chrono::year{1994} / 11 / 6} + 8h + 49min + 37s};

}  // namespace

TEST_CASE("the three forms of RFC 9110's example name one moment") {
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == example);
  CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT") == example);
  CHECK(parse_http_date("Sun Nov  6 08:49:37 1994") == example);
}

TEST_CASE("dates are written in the preferred form and read back") {
  CHECK(format_http_date(example) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(format_http_date(example + 999ms) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(format_http_date(base::WallTime{}) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(format_http_date(base::WallTime{-1ms}) == "Wed, 31 Dec 1969 23:59:59 GMT");
  for (int days = -80'000; days < 80'000; days += 977) {
    const base::WallTime moment{std::chrono::days{days} + 3h + 2min + 1s};
    CHECK(parse_http_date(format_http_date(moment)) == moment);
  }
}

TEST_CASE("a year beyond four digits is held at the end of the form") {
  CHECK(format_http_date(base::WallTime::max()) == "Fri, 31 Dec 9999 23:59:59 GMT");
  CHECK(format_http_date(base::WallTime::min()) == "Sat, 01 Jan 0000 00:00:00 GMT");
}

TEST_CASE("a leap second and a leap day are dates, 29 February of a common year is none") {
  CHECK(parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT") == parse_http_date("Sun, 01 Jan 2017 00:00:00 GMT"));
  CHECK(parse_http_date("Thu, 29 Feb 2024 00:00:00 GMT").has_value());
  CHECK_FALSE(parse_http_date("Wed, 29 Feb 2023 00:00:00 GMT").has_value());
}

TEST_CASE("two-digit years turn at 69") {
  CHECK(parse_http_date("Friday, 01-Jan-99 00:00:00 GMT") == parse_http_date("Fri, 01 Jan 1999 00:00:00 GMT"));
  CHECK(parse_http_date("Wednesday, 01-Jan-20 00:00:00 GMT") == parse_http_date("Wed, 01 Jan 2020 00:00:00 GMT"));
}

TEST_CASE("anything else is no date") {
  for (const char* text :
       {"", "0", "-1", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ", " Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT", "Sun Nov 6 08:49:37 1994", "1994-11-06T08:49:37Z"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_http_date(text).has_value());
  }
}

TEST_CASE("Retry-After takes seconds and dates, within a day") {
  CHECK(parse_retry_after("0", example) == 0s);
  CHECK(parse_retry_after("120", example) == 120s);
  CHECK(parse_retry_after("86401", example) == 86400s);
  CHECK(parse_retry_after("99999999999999999999999999", example) == 86400s);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", example) == 60s);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", example + 1ms) == 60s);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", example) == 0s);
  CHECK(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", base::WallTime::min()) == 86400s);
}

TEST_CASE("a malformed Retry-After says nothing") {
  for (const char* text : {"", "-1", "+1", "1.5", "1s", " 1", "soon"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_retry_after(text, example).has_value());
  }
}
