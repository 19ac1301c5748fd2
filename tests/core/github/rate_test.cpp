#include "core/github/rate.hpp"

#include <doctest/doctest.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

using namespace ghoard;
using namespace ghoard::github;
using namespace std::chrono_literals;

namespace {

const base::WallTime now{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};
const Fingerprint one = base::sha256("one");
const Fingerprint two = base::sha256("two");

RateObservation seen(std::int64_t remaining, base::WallTime reset, std::string resource = "core") {
  return {std::move(resource), 5000, remaining, 5000 - remaining, reset};
}

http::Headers headers(std::string limit, std::string remaining, std::string reset = "1767229200") {
  return {{"X-RateLimit-Limit", std::move(limit)},
          {"X-RateLimit-Remaining", std::move(remaining)},
          {"X-RateLimit-Reset", std::move(reset)}};
}

}  // namespace

TEST_CASE("the headers of a budget are read") {
  http::Headers all = headers("5000", "4987");
  all.add("x-ratelimit-used", "13");
  all.add("x-ratelimit-resource", "search");
  const std::optional<RateObservation> rate = parse_rate(all);
  REQUIRE(rate.has_value());
  CHECK(rate->resource == "search");
  CHECK(rate->limit == 5000);
  CHECK(rate->remaining == 4987);
  CHECK(rate->used == 13);
  CHECK(rate->reset == now + 1h);
}

TEST_CASE("what is missing has a default, what is malformed says nothing") {
  CHECK(parse_rate(headers("60", "50"))->resource == "core");
  CHECK(parse_rate(headers("60", "50"))->used == 10);
  CHECK_FALSE(parse_rate({}).has_value());
  CHECK_FALSE(parse_rate(headers("", "1")).has_value());
  CHECK_FALSE(parse_rate(headers("-1", "1")).has_value());
  CHECK_FALSE(parse_rate(headers("60", "1x")).has_value());
  CHECK_FALSE(parse_rate(headers("60", "99999999999999999999")).has_value());
  CHECK(parse_rate(headers("60", "50", "99999999999999999"))->reset == base::WallTime{253402300799s});
  http::Headers odd = headers("60", "50");
  odd.add("x-ratelimit-resource", std::string(5000, 'x'));
  CHECK(parse_rate(odd)->resource == "core");
}

TEST_CASE("every recorded answer that names a budget is read") {
  const auto recorded = nlohmann::json::parse(std::ifstream(GHOARD_SOURCE_DIR "/tests/data/recorded_github.json"));
  std::set<std::string> resources;
  for (const auto& exchange : recorded.at("exchanges")) {
    http::Headers fields;
    for (const auto& field : exchange.at("headers")) {
      fields.add(field.at(0), field.at(1));
    }
    const std::optional<RateObservation> rate = parse_rate(fields);
    CHECK(rate.has_value() == fields.contains("x-ratelimit-limit"));
    if (rate) {
      CHECK(rate->used == rate->limit - rate->remaining);
      resources.insert(rate->resource);
    }
  }
  CHECK(resources == std::set<std::string>{"core", "search"});
}

TEST_CASE("observations of one window merge conservatively, whatever their order") {
  RateBook book;
  book.observe("h", one, seen(100, now + 1h), now);
  book.observe("h", one, seen(90, now + 1h), now + 1s);
  book.observe("h", one, seen(95, now + 1h), now + 2s);
  book.observe("h", one, seen(97, now + 1h + 1s), now + 3s);
  REQUIRE(book.lines().size() == 1);
  CHECK(book.lines()[0].rate.remaining == 90);
  CHECK(book.lines()[0].rate.used == 4910);
  CHECK(book.lines()[0].rate.reset == now + 1h + 1s);
  CHECK(book.lines()[0].seen == now + 3s);
}

TEST_CASE("a new window replaces, an expired one is ignored") {
  RateBook book;
  book.observe("h", one, seen(5, now + 1min), now);
  book.observe("h", one, seen(4999, now + 1h), now + 2min);
  CHECK(book.lines()[0].rate.remaining == 4999);
  book.observe("h", one, seen(4, now + 1min), now + 3min);
  CHECK(book.lines()[0].rate.remaining == 4999);
}

TEST_CASE("a reset that no window can have does not block later answers") {
  RateBook book;
  book.observe("h", one, seen(1, now + 24h * 3650), now);
  book.observe("h", one, seen(50, now + 1h), now + 1s);
  CHECK(book.lines()[0].rate.remaining == 50);
}

TEST_CASE("tokens, hosts and resources have their own lines") {
  RateBook book;
  book.observe("h", one, seen(1, now + 1h), now);
  book.observe("h", two, seen(2, now + 1h), now);
  book.observe("g", one, seen(3, now + 1h), now);
  book.observe("h", one, seen(4, now + 1h, "search"), now);
  CHECK(book.lines().size() == 4);
}

TEST_CASE("the book is bounded, and the token heard of least recently goes first") {
  RateBook book;
  for (int token = 0; token < 300; ++token) {
    const Fingerprint fingerprint = base::sha256(std::to_string(token));
    book.observe("h", fingerprint, seen(1, now + 1h), now + base::Seconds{token});
    book.observe("h", base::sha256("0"), seen(1, now + 1h, "search"), now + base::Seconds{token});
  }
  std::set<Fingerprint> tokens;
  for (const RateBook::Line& line : book.lines()) {
    tokens.insert(line.fingerprint);
  }
  CHECK(tokens.size() == 256);
  CHECK(tokens.contains(base::sha256("299")));
  CHECK(tokens.contains(base::sha256("0")));
  CHECK_FALSE(tokens.contains(base::sha256("1")));
}

TEST_CASE("one token's resources are bounded, and the oldest goes first") {
  RateBook book;
  for (int i = 0; i < 100; ++i) {
    book.observe("h", one, seen(1, now + 1h, "r" + std::to_string(i)), now + base::Seconds{i});
  }
  const std::vector<RateBook::Line> lines = book.lines();
  CHECK(lines.size() == 32);
  CHECK(lines.front().rate.resource == "r68");
  CHECK(lines.back().rate.resource == "r99");
}

TEST_CASE("limits are told from missing permissions") {
  CHECK(is_limited(429, {}, ""));
  CHECK(is_limited(403, {{"Retry-After", "60"}}, ""));
  CHECK(is_limited(403, {{"x-ratelimit-remaining", "0"}}, ""));
  CHECK(is_limited(403, {}, R"({"message":"You have exceeded a Secondary Rate Limit. Please wait"})"));
  CHECK(is_limited(403, {}, R"({"message":"You have triggered an abuse detection mechanism"})"));
  CHECK(is_limited(403, {}, R"({"message":"API rate limit exceeded for 1.2.3.4"})"));
  CHECK_FALSE(is_limited(403, {{"x-ratelimit-remaining", "12"}}, R"({"message":"Must have admin rights"})"));
  CHECK_FALSE(is_limited(403, {}, std::string(4096, ' ') + "secondary rate limit"));
  CHECK_FALSE(is_limited(200, {{"x-ratelimit-remaining", "0"}}, "secondary rate limit"));
  CHECK_FALSE(is_limited(404, {{"Retry-After", "60"}}, ""));
}

TEST_CASE("answers cost primary quota unless GitHub says otherwise") {
  CHECK(costs_quota(200, false, "/user"));
  CHECK(costs_quota(404, false, "/user"));
  CHECK_FALSE(costs_quota(304, false, "/user"));
  CHECK(costs_quota(304, true, "/repos/o/r"));
  CHECK_FALSE(costs_quota(200, false, "/rate_limit"));
  CHECK_FALSE(costs_quota(200, false, "/api/v3/rate_limit"));
}
