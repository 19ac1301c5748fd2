#include "store/row.hpp"

#include <doctest/doctest.h>
#include <set>
#include <string>

using namespace ghoard;

namespace {

std::string stored_field(std::string_view name, std::string_view value) {
  std::string bytes{static_cast<char>(name.size() & 0xff),          static_cast<char>(name.size() >> 8),
                    static_cast<char>(value.size() & 0xff),         static_cast<char>((value.size() >> 8) & 0xff),
                    static_cast<char>((value.size() >> 16) & 0xff), static_cast<char>(value.size() >> 24)};
  return bytes.append(name).append(value);
}

}  // namespace

TEST_CASE("stored headers come back in order, with their names as they were") {
  const http::Headers headers{
      {"Content-Type", "application/json"}, {"link", ""}, {"Link", "<x>; rel=\"next\"\t\xc3\xa4"}};
  const auto bytes = store::encode_headers(headers);
  REQUIRE(bytes.has_value());
  CHECK(*bytes == stored_field("Content-Type", "application/json") + stored_field("link", "") +
                      stored_field("Link", "<x>; rel=\"next\"\t\xc3\xa4"));
  const auto back = store::decode_headers(*bytes);
  REQUIRE(back.has_value());
  CHECK(*back == headers);
  CHECK(store::decode_headers("")->empty());
}

TEST_CASE("headers that could smuggle a line or end a string are neither stored nor read") {
  for (const std::string& value :
       {std::string("a\r\nX: y"), std::string("a\nb"), std::string("a\0b", 3), std::string("\x7f")}) {
    CHECK_FALSE(store::encode_headers({{"A", value}}).has_value());
    CHECK_FALSE(store::decode_headers(stored_field("A", value)).has_value());
  }
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string("a:"), std::string("a\n"), std::string("\xc3\xa4")}) {
    CHECK_FALSE(store::encode_headers({{name, "v"}}).has_value());
    CHECK_FALSE(store::decode_headers(stored_field(name, "v")).has_value());
  }
}

TEST_CASE("every cut through stored headers that is not between two fields is refused") {
  const std::string bytes = stored_field("A", "1") + stored_field("Bc", "23");
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    CHECK(store::decode_headers(bytes.substr(0, size)).has_value() == (size == stored_field("A", "1").size()));
  }
}

TEST_CASE("announced lengths beyond the bytes or the caps are refused") {
  std::string bytes = stored_field("A", "1");
  bytes[2] = '\xff';
  bytes[5] = '\xff';
  CHECK_FALSE(store::decode_headers(bytes).has_value());
  CHECK_FALSE(store::decode_headers(stored_field(std::string(257, 'a'), "1")).has_value());
  CHECK_FALSE(store::decode_headers(stored_field("A", std::string(store::max_field_value + 1, 'x'))).has_value());
  std::string many;
  http::Headers headers;
  for (std::size_t i = 0; i <= store::max_header_fields; ++i) {
    many += stored_field("A", "1");
    headers.add("A", "1");
  }
  CHECK_FALSE(store::decode_headers(many).has_value());
  const auto refused = store::encode_headers(headers);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == base::ErrorCode::too_large);
  http::Headers large;
  for (int i = 0; i < 5; ++i) {
    large.add("A", std::string(store::max_field_value, 'x'));
  }
  CHECK_FALSE(store::encode_headers(large).has_value());
}

TEST_CASE("the checksum changes with every bit of the bytes, with their length, and with where they are split") {
  const std::string bytes = "The quick brown fox jumps over the lazy dog";
  std::set<std::int64_t> seen{store::Checksum().add(bytes).value()};
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    CHECK(seen.insert(store::Checksum().add(changed).value()).second);
  }
  for (std::size_t size = 0; size < 20; ++size) {
    CHECK(seen.insert(store::Checksum().add(std::string(size, '\0')).value()).second);
  }
  CHECK(store::Checksum().add("ab").add("c").value() != store::Checksum().add("a").add("bc").value());
}

TEST_CASE("times are milliseconds, and those that no clock shows are refused") {
  CHECK(store::to_stored(base::WallTime(base::Millis(1'767'225'600'123))) == 1'767'225'600'123);
  CHECK(store::time_of(1'767'225'600'123) == base::WallTime(base::Millis(1'767'225'600'123)));
  CHECK_FALSE(store::time_of(-1).has_value());
  CHECK_FALSE(store::time_of(253'402'300'800'000).has_value());
}

TEST_CASE("an answer that no row can hold is refused, and lifetimes are kept within bounds") {
  cache::Response response;
  response.status = 99;
  CHECK_FALSE(store::to_row(response, "").has_value());
  response.status = 200;
  response.fetched_at = base::WallTime(base::Millis(-5));
  CHECK_FALSE(store::to_row(response, "").has_value());
  response.fetched_at = {};
  response.vary = "a\nb";
  CHECK_FALSE(store::to_row(response, "").has_value());
  response.vary = std::string(store::max_text + 1, 'x');
  CHECK_FALSE(store::to_row(response, "").has_value());
  response.vary.clear();
  response.lifetime = base::Seconds::max();
  CHECK(store::to_row(response, "")->lifetime == 10'000'000'000);
  response.lifetime = base::Seconds(-7);
  CHECK(store::to_row(response, "")->lifetime == 0);
}
