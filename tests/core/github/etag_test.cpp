#include "core/github/etag.hpp"

#include <doctest/doctest.h>
#include <string>

using namespace ghoard;
using namespace ghoard::github;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view body = R"({"users":[],"teams":[]})";
constexpr std::string_view full = "application/vnd.github.v3.full+json";
/// Received from api.github.com in 2021.
constexpr std::string_view real = "eebd7c14e85fe3c20c5c944d0f898a88d9f185a1bc9699c89b12d13fcb39e082";
const std::string vary = "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding";

std::string hash(std::string_view text) {
  return base::sha256(text).hex();
}

base::MonoTime at(base::Millis since) {
  return base::MonoTime{10h + since};
}

}  // namespace

TEST_CASE("a real ETag of GitHub is derived") {
  CHECK(derive_etag("Accept", {.accept = full}, body) == real);
  CHECK(derive_etag("Accept-Encoding, Accept, X-Requested-With", {.accept = full, .authorization = "token t"}, body) ==
        real);
}

TEST_CASE("Vary decides which headers enter, in GitHub's order") {
  const EtagInputs sent{"a/b", "token t", "c=d"};
  CHECK(derive_etag(vary, sent, body) == hash("a/b:token t:c=d:" + std::string(body)));
  CHECK(derive_etag("cookie,AUTHORIZATION ,\tAccept", sent, body) == derive_etag(vary, sent, body));
  CHECK(derive_etag("Authorization", sent, body) == hash("token t:" + std::string(body)));
  CHECK(derive_etag("", sent, body) == hash(body));
  CHECK(derive_etag("Accept-Encoding, X-Authorization", sent, body) == hash(body));
}

TEST_CASE("a header that was not sent does not enter") {
  CHECK(derive_etag(vary, {.accept = "a/b"}, body) == hash("a/b:" + std::string(body)));
}

TEST_CASE("another token has another ETag for the same bytes") {
  CHECK(derive_etag(vary, {.authorization = "token a"}, body) != derive_etag(vary, {.authorization = "token b"}, body));
  CHECK(derive_etag(vary, {.authorization = "token a"}, body) !=
        derive_etag(vary, {.authorization = "Bearer a"}, body));
}

TEST_CASE("an ETag field is taken apart") {
  CHECK(etag_value("\"x\"") == "x");
  CHECK(etag_value(" W/\"x y\" ").has_value() == false);
  CHECK(etag_value(" W/\"x-y\" ") == "x-y");
  for (const char* text : {"", "x", "\"", "\"\"", "W/\"\"", "w/\"x\"", "W/x", "\"x\"y", "\"a\"b\"", "\"a\nb\""}) {
    CAPTURE(text);
    CHECK_FALSE(etag_value(text).has_value());
  }
}

TEST_CASE("If-None-Match compares weakly, in lists too") {
  CHECK(if_none_match_matches("\"a\"", "W/\"a\""));
  CHECK(if_none_match_matches("W/\"a\"", "\"a\""));
  CHECK(if_none_match_matches("\"b\", W/\"a,c\" , \"a\"", "\"a\""));
  CHECK(if_none_match_matches("\"x,\", \"a,c\"", "\"a,c\""));
  CHECK(if_none_match_matches(" * ", "\"a\""));
  CHECK_FALSE(if_none_match_matches("\"b\"", "\"a\""));
  CHECK_FALSE(if_none_match_matches("\"A\"", "\"a\""));
  CHECK_FALSE(if_none_match_matches("a", "\"a\""));
  CHECK_FALSE(if_none_match_matches("", "\"a\""));
  CHECK_FALSE(if_none_match_matches("\"\"", "W/\"\""));
  CHECK_FALSE(if_none_match_matches("x \"a\"", "\"a\""));
  CHECK_FALSE(if_none_match_matches("\"a\"", ""));
}

TEST_CASE("ETags are classed by comparing, not by trusting") {
  const EtagInputs sent{.accept = full};
  const auto quoted = [](std::string_view text) { return '"' + std::string(text) + '"'; };
  CHECK(classify_etag(quoted(real), "Accept", sent, body) == EtagClass::derivable);
  CHECK(classify_etag("W/" + quoted(real), "Accept", sent, body) == EtagClass::derivable);
  CHECK(classify_etag(quoted(real), "Accept", sent, "other") == EtagClass::opaque);
  CHECK(classify_etag(quoted(real), "Accept", {.accept = "other"}, body) == EtagClass::opaque);
  CHECK(classify_etag(quoted("93a078d1c3f76aa1ca11def8f882a06df1d4a01b"), "", sent, body) == EtagClass::object_sha);
  CHECK(classify_etag(quoted("93a078d1c3f76aa1ca11def8f882a06d"), "", sent, body) == EtagClass::opaque);
  CHECK(classify_etag("W/\"\"", "", sent, body) == EtagClass::opaque);
  CHECK(classify_etag("", "", sent, body) == EtagClass::opaque);
}

TEST_CASE("over ten mismatches in a minute stop derivation for an hour") {
  DriftBreaker breaker;
  for (int i = 0; i < 10; ++i) {
    breaker.observe(EtagClass::derivable, EtagClass::opaque, at(i * 5s));
  }
  CHECK(breaker.may_derive(at(50s)));
  breaker.observe(EtagClass::derivable, EtagClass::opaque, at(50s));
  CHECK_FALSE(breaker.may_derive(at(51s)));
  CHECK_FALSE(breaker.may_derive(at(50s + 1h - 1ms)));
  CHECK(breaker.may_derive(at(50s + 1h)));
}

TEST_CASE("slow drift, matches and routes that never matched do not stop derivation") {
  DriftBreaker slow;
  DriftBreaker fine;
  DriftBreaker never_matched;
  for (int i = 0; i < 100; ++i) {
    slow.observe(EtagClass::derivable, EtagClass::opaque, at(i * 10s));
    fine.observe(EtagClass::derivable, EtagClass::derivable, at(i * 1ms));
    never_matched.observe(EtagClass::opaque, EtagClass::opaque, at(i * 1ms));
    never_matched.observe(EtagClass::object_sha, EtagClass::opaque, at(i * 1ms));
  }
  CHECK(slow.may_derive(at(1000s)));
  CHECK(fine.may_derive(at(1s)));
  CHECK(never_matched.may_derive(at(1s)));
}

TEST_CASE("after the pause the breaker counts anew") {
  DriftBreaker breaker;
  for (int i = 0; i < 50; ++i) {
    breaker.observe(EtagClass::derivable, EtagClass::opaque, at(i * 1ms));
  }
  const base::Millis later = 1h + 1s;
  CHECK(breaker.may_derive(at(later)));
  for (int i = 0; i < 10; ++i) {
    breaker.observe(EtagClass::derivable, EtagClass::opaque, at(later));
  }
  CHECK(breaker.may_derive(at(later)));
  breaker.observe(EtagClass::derivable, EtagClass::opaque, at(later));
  CHECK_FALSE(breaker.may_derive(at(later)));
}
