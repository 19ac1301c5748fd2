// How a fetch that was leased to this machine ends for its peers.

#include <doctest/doctest.h>

#include "tests/core/cache/peers_rig.hpp"

using namespace ghoard;
using ghoard::testing::PeersRig;
using namespace ghoard::testing::scene;
using namespace std::chrono_literals;
using End = ghoard::testing::FakePeers::Lease::End;

TEST_CASE("what a leased fetch brought is handed to the peers with its age, without what is the token's") {
  PeersRig rig;
  (void)rig.get(repo, token_a);
  const auto lease = rig.peers.grant(0);
  rig.clock.advance(700ms);
  CHECK(lease->end == End::none);
  rig.answer(0, token_a, body_1);
  REQUIRE(lease->end == End::done);
  const cache::SharedValue& value = *lease->value;
  CHECK(value.status == 200);
  CHECK(*value.body == body_1);
  CHECK(value.fingerprint == PeersRig::fingerprint_of(token_a));
  CHECK(value.etag == PeersRig::github_headers(token_a, body_1).get("ETag"));
  CHECK(value.etag_class == github::EtagClass::derivable);
  CHECK(value.shareable);
  CHECK(value.age == 700ms);
  CHECK(value.proof_age == 700ms);
  CHECK(value.headers.contains("Content-Type"));
  CHECK_FALSE(value.headers.contains("X-OAuth-Scopes"));
  CHECK_FALSE(value.headers.contains("X-RateLimit-Remaining"));
  CHECK_FALSE(value.headers.contains("ETag"));
}

TEST_CASE("a confirmed entry is handed on too") {
  PeersRig rig;
  rig.fetch(token_a, body_1);
  rig.clock.advance(301s);
  (void)rig.get(repo, token_a);
  const auto lease = rig.peers.grant(1);
  rig.upstream.respond(1, 304, {}, "");
  REQUIRE(lease->end == End::done);
  CHECK(*lease->value->body == body_1);
  CHECK(lease->value->age == 0ms);
}

TEST_CASE("answers to who asks, and those with an opaque ETag, go to the same token elsewhere") {
  PeersRig rig;
  (void)rig.get("/user", token_a);
  const auto lease = rig.peers.grant(0);
  SUBCASE("identity-relative") {
    rig.answer(0, token_a, R"({"login":"user-1"})");
  }
  SUBCASE("opaque") {
    rig.upstream.respond(0, 200, {{"ETag", "\"something\""}}, "{}");
  }
  REQUIRE(lease->end == End::done);
  CHECK_FALSE(lease->value->shareable);
}

TEST_CASE("what failed is told as it was") {
  PeersRig rig;
  (void)rig.get(repo, token_a);
  const auto lease = rig.peers.grant(0);
  SUBCASE("refused") {
    rig.upstream.respond(0, 404, {{"Content-Type", "application/json"}, {"Set-Cookie", "x"}}, R"({"message":"no"})");
    REQUIRE(lease->end == End::failed);
    CHECK(lease->outcome->head->status == 404);
    CHECK(lease->outcome->head->headers.contains("Content-Type"));
    CHECK_FALSE(lease->outcome->head->headers.contains("Set-Cookie"));
    CHECK(*lease->outcome->body == R"({"message":"no"})");
  }
  SUBCASE("a limit") {
    rig.upstream.respond(0, 429, {{"Retry-After", "30"}}, "{}");
    REQUIRE(lease->end == End::failed);
    CHECK(lease->outcome->head->headers.get("Retry-After") == "30");
  }
  SUBCASE("a large error page loses its body") {
    rig.upstream.respond(0, 502, {}, std::string(65'537, 'x'));
    REQUIRE(lease->end == End::failed);
    CHECK(lease->outcome->head->status == 502);
    CHECK(lease->outcome->body == nullptr);
  }
  SUBCASE("no answer") {
    rig.upstream.fail(0, base::Error{base::ErrorCode::timeout, "no answer within 60 s"});
    REQUIRE(lease->end == End::failed);
    CHECK_FALSE(lease->outcome->head.has_value());
    CHECK(lease->outcome->error.code == base::ErrorCode::timeout);
  }
  SUBCASE("a body cut short") {
    rig.upstream.send_head(0, 200, {});
    rig.upstream.fail(0, base::Error{base::ErrorCode::truncated, "the body ended early"});
    REQUIRE(lease->end == End::failed);
    CHECK_FALSE(lease->outcome->head.has_value());
  }
}

TEST_CASE("what cannot be shared releases the others") {
  cache::EngineOptions options;
  options.object_limit = 1000;
  PeersRig rig(options);
  (void)rig.get(repo, token_a);
  const auto lease = rig.peers.grant(0);
  SUBCASE("no-store") {
    rig.upstream.respond(0, 200, {{"Cache-Control", "no-store"}}, "{}");
  }
  SUBCASE("Vary: *") {
    rig.upstream.respond(0, 200, {{"Vary", "*"}}, "{}");
  }
  SUBCASE("a redirect") {
    rig.upstream.respond(0, 302, {{"Location", "https://objects.example/x"}}, "");
  }
  SUBCASE("a lasting redirect") {
    rig.upstream.respond(0, 301, {{"Location", "/repositories/1"}}, "{}");
  }
  SUBCASE("too large") {
    rig.upstream.send_head(0, 200, {});
    rig.upstream.send_data(0, std::string(1001, 'x'));
  }
  SUBCASE("headers that do not fit a message") {
    rig.upstream.respond(0, 200, {{"Link", std::string(5000, 'x')}}, "{}");
  }
  CHECK(lease->end == End::passed);
}

TEST_CASE("what a change overtook goes to those who wait, marked") {
  PeersRig rig;
  (void)rig.get(repo, token_a);
  const auto lease = rig.peers.grant(0);
  std::size_t fetch = 0;
  SUBCASE("by a peer's change") {
    REQUIRE(rig.told(repo).has_value());
  }
  SUBCASE("by a write of this machine") {
    (void)rig.send("PATCH", repo, token_b, {}, "{}");
  }
  SUBCASE("by changes that may have been missed") {
    rig.engine.distrust_older(true);
  }
  rig.answer(fetch, token_a, body_1);
  REQUIRE(lease->end == End::done);
  CHECK(lease->value->overtaken);
}

TEST_CASE("what is fetched while a write of this machine is open is not handed on as current") {
  PeersRig rig;
  (void)rig.send("PATCH", repo, token_b, {}, "{}");
  (void)rig.get(repo, token_a);
  const auto lease = rig.peers.grant(0);
  rig.answer(1, token_a, body_1);
  REQUIRE(lease->end == End::done);
  CHECK(lease->value->overtaken);
}

TEST_CASE("a peer's change overtakes a fetch: who waited is answered, nobody joins any more, nothing stays fresh") {
  PeersRig rig;
  const auto early = rig.get(repo, token_a);
  rig.peers.release(0);
  REQUIRE(rig.told(repo).has_value());
  (void)rig.get(repo, token_a);
  REQUIRE(rig.peers.asked() == 2);
  rig.answer(0, token_a, body_1);
  CHECK(early->body == body_1);
  CHECK_FALSE(rig.found(token_a).has_value());
}
