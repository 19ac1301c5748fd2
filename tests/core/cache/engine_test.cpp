// The engine's rules, each driven through handle() with a scripted upstream: hits, coalescing, proofs, writes,
// failures.

#include <doctest/doctest.h>

#include "tests/core/cache/engine_rig.hpp"

using namespace ghoard;
using ghoard::testing::EngineRig;
using namespace ghoard::testing::scene;
using namespace std::chrono_literals;

TEST_CASE("the second caller of a token gets a hit, marked with its age and remaining freshness") {
  EngineRig rig;
  const auto first = rig.get(repo, EngineRig::token_a);
  REQUIRE(rig.upstream.count() == 1);
  CHECK_FALSE(rig.sent(0).contains("If-None-Match"));
  rig.answer(0, EngineRig::token_a, body_1);
  CHECK(first->status == 200);
  CHECK(first->body == body_1);
  CHECK(first->headers.contains("X-RateLimit-Remaining"));

  rig.clock.advance(10s);
  const auto second = rig.get(repo, EngineRig::token_a);
  CHECK(rig.upstream.count() == 1);
  CHECK(second->body == body_1);
  CHECK(second->headers.get("Age") == "10");
  CHECK(second->cache_status().find("ghoard; hit") != std::string::npos);
  CHECK(second->cache_status().find("ttl=290") != std::string::npos);
  CHECK_FALSE(second->headers.contains("X-RateLimit-Remaining"));
  CHECK(second->headers.get("X-OAuth-Scopes") == "repo");  // said of this very token
  CHECK(second->headers.get("ETag") == first->headers.get("ETag"));
  CHECK(rig.engine.metrics().hits == 1);
  CHECK(rig.engine.metrics().misses == 1);
  CHECK(rig.engine.metrics().api_calls_made == 1);
  CHECK(rig.sums_to(2));
}

TEST_CASE("callers of one token share a fetch") {
  EngineRig rig;
  std::vector<std::shared_ptr<testing::FakeSink>> sinks;
  for (int i = 0; i < 10; ++i) {
    sinks.push_back(rig.get(repo, EngineRig::token_a));
  }
  REQUIRE(rig.upstream.count() == 1);
  rig.answer(0, EngineRig::token_a, body_1);
  for (const auto& sink : sinks) {
    CHECK(sink->answers == 1);
    CHECK(sink->body == body_1);
  }
  CHECK(rig.engine.metrics().misses == 1);
  CHECK(rig.engine.metrics().coalesced == 9);
  CHECK(rig.sums_to(10));
  CHECK(rig.engine.flights() == 0);
}

TEST_CASE("another token waits for the fetch, then proves itself with an ETag derived under its own token") {
  EngineRig rig;
  const auto a = rig.get(repo, EngineRig::token_a);
  const auto b = rig.get(repo, EngineRig::token_b);
  REQUIRE(rig.upstream.count() == 1);
  rig.answer(0, EngineRig::token_a, body_1);
  REQUIRE(rig.upstream.count() == 2);
  CHECK(b->answers == 0);
  const http::Headers expected = EngineRig::github_headers(EngineRig::token_b, body_1);
  CHECK("W/" + std::string(rig.sent(1).get("If-None-Match")) == expected.get("ETag"));
  CHECK(rig.sent(1).get("Authorization") == "token " + EngineRig::token_b);

  rig.upstream.respond(1, 304, {{"ETag", std::string(expected.get("ETag"))}, {"X-RateLimit-Remaining", "77"}}, "");
  CHECK(b->status == 200);
  CHECK(b->body == body_1);
  CHECK(b->headers.get("X-RateLimit-Remaining") == "77");
  CHECK(b->headers.get("ETag") == expected.get("ETag"));
  CHECK(rig.engine.metrics().api_calls_made == 1);
  CHECK(rig.engine.metrics().revalidated == 1);
  CHECK(rig.get(repo, EngineRig::token_b)->ended);
  CHECK(rig.upstream.count() == 2);
  CHECK(rig.sums_to(3));
}

TEST_CASE("what GitHub said of one token is never told to another") {
  EngineRig rig;
  (void)rig.get(repo, EngineRig::token_a);
  rig.answer(0, EngineRig::token_a, body_1);
  const auto b = rig.get(repo, EngineRig::token_b);
  rig.upstream.respond(1, 304, {}, "");
  CHECK(b->status == 200);
  CHECK_FALSE(b->headers.contains("X-OAuth-Scopes"));
  CHECK_FALSE(rig.get(repo, EngineRig::token_b)->headers.contains("X-OAuth-Scopes"));
}

TEST_CASE("only-if-cached sends nothing upstream, whatever is asked") {
  EngineRig rig;
  const http::Headers offline{{"Cache-Control", "only-if-cached, max-stale"}};
  CHECK(rig.get(repo, EngineRig::token_a, offline)->status == 504);
  CHECK(rig.get("/rate_limit", EngineRig::token_a, offline)->status == 504);
  CHECK(rig.send("POST", "/repos/acme/widget/issues", EngineRig::token_a, offline, "{}")->status == 504);
  CHECK(rig.send("POST", "/graphql", EngineRig::token_a, offline, R"({"query":"{ viewer { login } }"})")->status ==
        504);
  CHECK(rig.upstream.count() == 0);
  CHECK(rig.engine.metrics().errors == 4);
}

TEST_CASE("a refused token gets no byte, and the other token keeps its entry") {
  EngineRig rig;
  const auto a = rig.get(repo, EngineRig::token_a);
  const auto b = rig.get(repo, EngineRig::token_b);
  rig.answer(0, EngineRig::token_a, body_1);
  rig.upstream.respond(1, 404, {{"Content-Type", "application/json"}}, R"({"message":"Not Found"})");
  CHECK(b->status == 404);
  CHECK(b->body.find("widget") == std::string::npos);
  CHECK(rig.get(repo, EngineRig::token_a)->body == body_1);
  CHECK(rig.upstream.count() == 2);
}

TEST_CASE("a refused leader gives no false 404: the waiting token asks for itself") {
  EngineRig rig;
  const auto b = rig.get(repo, EngineRig::token_b);
  const auto a = rig.get(repo, EngineRig::token_a);
  REQUIRE(rig.upstream.count() == 1);
  rig.upstream.respond(0, 404, {}, R"({"message":"Not Found"})");
  CHECK(b->status == 404);
  REQUIRE(rig.upstream.count() == 2);
  rig.answer(1, EngineRig::token_a, body_1);
  CHECK(a->status == 200);
  CHECK(a->body == body_1);
}

TEST_CASE("after two refusals all waiting tokens are released at once") {
  EngineRig rig;
  std::vector<std::shared_ptr<testing::FakeSink>> sinks;
  for (char c = 'a'; c < 'g'; ++c) {
    sinks.push_back(rig.get(repo, "ghp_" + std::string(36, c)));
  }
  REQUIRE(rig.upstream.count() == 1);
  rig.upstream.respond(0, 404, {}, "{}");
  REQUIRE(rig.upstream.count() == 2);
  rig.upstream.respond(1, 404, {}, "{}");
  CHECK(rig.upstream.count() == 6);
}

TEST_CASE("identity-relative routes never wait for another token nor use its bytes") {
  EngineRig rig;
  const auto a = rig.get("/user", EngineRig::token_a);
  const auto b = rig.get("/user", EngineRig::token_b);
  REQUIRE(rig.upstream.count() == 2);
  rig.answer(0, EngineRig::token_a, R"({"login":"user-1"})");
  rig.answer(1, EngineRig::token_b, R"({"login":"user-2"})");
  CHECK(a->body == R"({"login":"user-1"})");
  CHECK(b->body == R"({"login":"user-2"})");
  (void)rig.get("/user", "ghp_" + std::string(36, 'c'));
  CHECK_FALSE(rig.sent(2).contains("If-None-Match"));
}

TEST_CASE("after the lifetime a 304 arms the entry again and costs no quota") {
  EngineRig rig;
  (void)rig.get(repo, EngineRig::token_a);
  rig.answer(0, EngineRig::token_a, body_1);
  rig.clock.advance(301s);
  const auto again = rig.get(repo, EngineRig::token_a);
  REQUIRE(rig.upstream.count() == 2);
  CHECK(rig.sent(1).get("If-None-Match") == EngineRig::github_headers(EngineRig::token_a, body_1).get("ETag"));
  rig.upstream.respond(1, 304, {}, "");
  CHECK(again->status == 200);
  CHECK(again->body == body_1);
  CHECK(rig.engine.metrics().revalidated == 1);
  CHECK(rig.engine.metrics().api_calls_made == 1);
  CHECK(rig.get(repo, EngineRig::token_a)->headers.get("Age") == "0");
  CHECK(rig.upstream.count() == 2);
}

TEST_CASE("an entry that was evicted while it was revalidated is stored again") {
  EngineRig rig;
  (void)rig.get(repo, EngineRig::token_a);
  rig.answer(0, EngineRig::token_a, body_1);
  rig.clock.advance(301s);
  (void)rig.get(repo, EngineRig::token_a);
  REQUIRE(rig.memory.clear().has_value());
  rig.upstream.respond(1, 304, {}, "");
  CHECK(rig.memory.size().entries == 1);
}

TEST_CASE("a caller's own validator is answered against the entry") {
  EngineRig rig;
  (void)rig.get(repo, EngineRig::token_a);
  rig.answer(0, EngineRig::token_a, body_1);
  const std::string etag(EngineRig::github_headers(EngineRig::token_a, body_1).get("ETag"));
  const auto same = rig.get(repo, EngineRig::token_a, {{"If-None-Match", etag}});
  CHECK(same->status == 304);
  CHECK(same->body.empty());
  const auto other = rig.get(repo, EngineRig::token_a, {{"If-None-Match", "\"something\""}});
  CHECK(other->status == 200);
  CHECK(other->body == body_1);
  CHECK(rig.upstream.count() == 1);
}

TEST_CASE("HEAD is answered from GET, with its length and without its body") {
  EngineRig rig;
  const auto first = rig.send("HEAD", repo, EngineRig::token_a);
  REQUIRE(rig.upstream.count() == 1);
  CHECK(rig.upstream.request(0).method == "GET");
  rig.answer(0, EngineRig::token_a, body_1);
  CHECK(first->body.empty());
  CHECK(first->headers.get("Content-Length") == std::to_string(body_1.size()));
  CHECK(rig.get(repo, EngineRig::token_a)->body == body_1);
  CHECK(rig.upstream.count() == 1);
}

TEST_CASE("a write marks its targets before it leaves and again at its end") {
  EngineRig rig;
  (void)rig.get(repo, EngineRig::token_a);
  rig.answer(0, EngineRig::token_a, body_1);
  const auto write = rig.send("PATCH", repo, EngineRig::token_a, {}, R"({"name":"gadget"})");
  REQUIRE(rig.upstream.count() == 2);
  CHECK(rig.upstream.request(1).method == "PATCH");

  SUBCASE("a read while the write is under way asks upstream, and its answer is not kept as fresh") {
    const auto during = rig.get(repo, EngineRig::token_a);
    REQUIRE(rig.upstream.count() == 3);
    rig.upstream.respond(1, 200, {}, body_2);
    rig.answer(2, EngineRig::token_a, body_1);  // read before the write took effect
    CHECK(during->body == body_1);
    const auto after = rig.get(repo, EngineRig::token_a);
    CHECK(rig.upstream.count() == 4);
    CHECK(after->answers == 0);
  }
  SUBCASE("a read that began before the write is not joined by one that comes after it") {
    (void)rig.get("/repos/acme/widget/issues", EngineRig::token_a);
    (void)rig.send("POST", "/repos/acme/widget/issues", EngineRig::token_a, {}, "{}");
    (void)rig.get("/repos/acme/widget/issues", EngineRig::token_a);
    CHECK(rig.upstream.count() == 5);
  }
  SUBCASE("a write whose outcome is unknown marks too") {
    rig.upstream.fail(1, base::Error{base::ErrorCode::truncated, "connection lost"});
    CHECK(write->status == 502);
    (void)rig.get(repo, EngineRig::token_a);
    CHECK(rig.upstream.count() == 3);
  }
}

TEST_CASE("a write that cannot be marked does not leave") {
  EngineRig rig;
  rig.store.fail_call(1);
  const auto write = rig.send("PATCH", repo, EngineRig::token_a, {}, "{}");
  CHECK(write->status == 503);
  CHECK((rig.upstream.count() == 0));
  CHECK(rig.engine.metrics().errors == 1);
}

TEST_CASE("GraphQL bypasses; a mutation drops what its token was granted, a query does not") {
  EngineRig rig;
  (void)rig.get(repo, EngineRig::token_a);
  rig.answer(0, EngineRig::token_a, body_1);
  (void)rig.send("POST", "/graphql", EngineRig::token_a, {}, R"({"query":"query { viewer { login } }"})");
  CHECK(rig.get(repo, EngineRig::token_a)->body == body_1);
  CHECK(rig.upstream.count() == 2);
  (void)rig.send("POST", "/graphql", EngineRig::token_a, {}, R"({"query":"mutation { addStar { id } }"})");
  (void)rig.get(repo, EngineRig::token_a);
  CHECK(rig.upstream.count() == 4);
  CHECK(rig.engine.metrics().bypassed == 2);
}

TEST_CASE("a refresh is never answered by a fetch that began before it, and refreshes share the next one") {
  EngineRig rig;
  const auto early = rig.get(repo, EngineRig::token_a);
  const auto one = rig.get(repo, EngineRig::token_a, {{"Cache-Control", "no-cache"}});
  const auto two = rig.get(repo, EngineRig::token_a, {{"Cache-Control", "no-cache"}});
  REQUIRE(rig.upstream.count() == 1);
  rig.answer(0, EngineRig::token_a, body_1);
  CHECK(early->body == body_1);
  CHECK(one->answers == 0);
  REQUIRE(rig.upstream.count() == 2);
  rig.answer(1, EngineRig::token_a, body_2);
  CHECK(one->body == body_2);
  CHECK(two->body == body_2);
  CHECK(rig.upstream.count() == 2);
  CHECK(rig.sums_to(3));
}

TEST_CASE("a body beyond the object limit is streamed uncached, each waiter with its own exchange") {
  cache::EngineOptions options;
  options.object_limit = 1000;
  EngineRig rig(options);
  const auto a = rig.get(repo, EngineRig::token_a);
  const auto b = rig.get(repo, EngineRig::token_a);
  rig.upstream.send_head(0, 200, {{"Content-Type", "application/octet-stream"}});
  rig.upstream.send_data(0, std::string(900, 'x'));
  rig.upstream.send_data(0, std::string(200, 'y'));
  CHECK(a->streamed);
  REQUIRE(rig.upstream.count() == 2);
  a->full = true;
  rig.upstream.send_data(0, "z");
  CHECK(rig.upstream.paused(0));
  a->full = false;
  a->on_drained();
  CHECK_FALSE(rig.upstream.paused(0));
  rig.upstream.finish(0);
  CHECK(a->body.size() == 1101);
  CHECK(a->ended);
  CHECK_FALSE(a->failure.has_value());
  rig.upstream.respond(1, 200, {}, "short");
  CHECK(b->body == "short");
  (void)rig.get(repo, EngineRig::token_a);
  CHECK(rig.upstream.count() == 3);
  CHECK(rig.engine.metrics().bypassed == 2);
}

TEST_CASE("a body cut short is an error and is never stored") {
  EngineRig rig;
  const auto cut = rig.get(repo, EngineRig::token_a);
  rig.upstream.send_head(0, 200, EngineRig::github_headers(EngineRig::token_a, body_1));
  rig.upstream.send_data(0, body_1.substr(0, 5));
  rig.upstream.fail(0, base::Error{base::ErrorCode::truncated, "the body ended early"});
  CHECK(cut->status == 502);
  CHECK(cut->body.find("the body ended early") != std::string::npos);
  (void)rig.get(repo, EngineRig::token_a);
  CHECK(rig.upstream.count() == 2);
}

TEST_CASE("hosts outside the list are refused; a redirect's target is open for reading without credentials") {
  EngineRig rig;
  CHECK(rig.get("/secret", EngineRig::token_a, {{"Host", "evil.example"}})->status == 403);
  CHECK((rig.upstream.count() == 0));
  const auto moved = rig.get("/repos/acme/widget/tarball/main", EngineRig::token_a);
  rig.upstream.respond(0, 302, {{"Location", "https://objects.example/archive?sig=1"}}, "");
  CHECK(moved->status == 302);
  const auto fetched = rig.get("/archive?sig=1", EngineRig::token_a, {{"Host", "objects.example"}});
  REQUIRE(rig.upstream.count() == 2);
  CHECK(rig.upstream.request(1).origin.url() == "https://objects.example");
  CHECK_FALSE(rig.sent(1).contains("Authorization"));
  CHECK(rig.send("POST", "/archive", EngineRig::token_a, {{"Host", "objects.example"}})->status == 403);
  rig.upstream.respond(1, 200, {}, "bytes");
  CHECK(fetched->body == "bytes");
  rig.clock.advance(601s);
  CHECK(rig.get("/archive?sig=1", EngineRig::token_a, {{"Host", "objects.example"}})->status == 403);
}

TEST_CASE("a set-back clock makes entries stale, never fresher") {
  EngineRig rig;
  (void)rig.get(repo, EngineRig::token_a);
  rig.answer(0, EngineRig::token_a, body_1);
  rig.clock.jump_wall(-1h);
  (void)rig.get(repo, EngineRig::token_a);
  CHECK(rig.upstream.count() == 2);
}

TEST_CASE("private headers and the caller's validators never reach upstream on a cacheable fetch") {
  EngineRig rig;
  (void)rig.get(repo, EngineRig::token_a,
                {{"If-None-Match", "\"theirs\""},
                 {"Cache-Control", "max-age=5"},
                 {"Ghoard-Token", "keep"},
                 {"X-Gh-Cache-Ttl", "1h"},
                 {"User-Agent", "curl/8"}});
  REQUIRE(rig.upstream.count() == 1);
  CHECK_FALSE(rig.sent(0).contains("If-None-Match"));
  CHECK_FALSE(rig.sent(0).contains("Cache-Control"));
  CHECK_FALSE(rig.sent(0).contains("Ghoard-Token"));
  CHECK_FALSE(rig.sent(0).contains("X-Gh-Cache-Ttl"));
  CHECK(rig.sent(0).get("User-Agent") == "ghoard/test");
}
