// The engine when something fails: upstream, limits, permissions, the store.

#include <doctest/doctest.h>

#include "tests/core/cache/engine_rig.hpp"

using namespace ghoard;
using ghoard::testing::EngineRig;
using namespace ghoard::testing::scene;
using namespace std::chrono_literals;

TEST_CASE("upstream failures are bridged by a stale answer unless the caller forbids it") {
  EngineRig rig;
  (void)rig.get(repo, EngineRig::token_a);
  rig.answer(0, EngineRig::token_a, body_1);
  rig.clock.advance(301s);
  http::Headers wants;
  bool stale = true;
  SUBCASE("no wish") {}
  SUBCASE("max-age within reach") {
    wants.add("Cache-Control", "max-age=600");
  }
  SUBCASE("max-age exceeded") {
    wants.add("Cache-Control", "max-age=60");
    stale = false;
  }
  SUBCASE("refresh") {
    wants.add("Cache-Control", "no-cache");
    stale = false;
  }
  SUBCASE("--cache accepts it beyond its own age") {
    wants.add("Cache-Control", "max-age=60, max-stale, stale-if-error=86400");
  }
  const auto answer = rig.get(repo, EngineRig::token_a, wants);
  REQUIRE(rig.upstream.count() == 2);
  rig.upstream.fail(1, base::Error{base::ErrorCode::timeout, "no answer within 60 s"});
  if (stale) {
    CHECK(answer->status == 200);
    CHECK(answer->body == body_1);
    CHECK(answer->cache_status().find("detail=stale") != std::string::npos);
    CHECK(answer->cache_status().find("ttl=-1") != std::string::npos);
    CHECK(rig.engine.metrics().stale_served == 1);
    CHECK(rig.engine.metrics().hits == 1);
  } else {
    CHECK(answer->status == 504);
    CHECK(rig.engine.metrics().errors == 1);
  }
  CHECK(rig.sums_to(2));
}

TEST_CASE("exhausted limits and server errors are bridged too, permission refusals are not") {
  EngineRig rig;
  (void)rig.get(repo, EngineRig::token_a);
  rig.answer(0, EngineRig::token_a, body_1);
  rig.clock.advance(301s);
  const auto answer = rig.get(repo, EngineRig::token_a);
  SUBCASE("429") {
    rig.upstream.respond(1, 429, {{"Retry-After", "30"}}, "{}");
    CHECK(answer->status == 200);
  }
  SUBCASE("502") {
    rig.upstream.respond(1, 502, {}, "bad gateway");
    CHECK(answer->status == 200);
  }
  SUBCASE("403 of an exhausted limit") {
    rig.upstream.respond(1, 403, {{"x-ratelimit-remaining", "0"}}, "{}");
    CHECK(answer->status == 200);
  }
  SUBCASE("403 of permission withdraws the grant") {
    rig.upstream.respond(1, 403, {{"x-ratelimit-remaining", "12"}}, R"({"message":"Must have admin rights"})");
    CHECK(answer->status == 403);
    const auto offline = rig.get(repo, EngineRig::token_a, {{"Cache-Control", "only-if-cached, max-stale"}});
    CHECK(offline->status == 504);
  }
  SUBCASE("401 withdraws all grants of the token") {
    rig.upstream.respond(1, 401, {}, R"({"message":"Bad credentials"})");
    CHECK(answer->status == 401);
    const auto offline = rig.get(repo, EngineRig::token_a, {{"Cache-Control", "only-if-cached, max-stale"}});
    CHECK(offline->status == 504);
  }
}

TEST_CASE("stale answers end with the grant's 24 hours") {
  EngineRig rig;
  (void)rig.get(repo, EngineRig::token_a);
  rig.answer(0, EngineRig::token_a, body_1);
  rig.clock.advance(23h);
  CHECK(rig.get(repo, EngineRig::token_a, {{"Cache-Control", "only-if-cached, max-stale"}})->status == 200);
  rig.clock.advance(2h);
  CHECK(rig.get(repo, EngineRig::token_a, {{"Cache-Control", "only-if-cached, max-stale"}})->status == 504);
}

TEST_CASE("what is read while a write is under way is not kept as fresh, nor while its outcome is unknown") {
  EngineRig rig;
  const auto write = rig.send("PATCH", repo, EngineRig::token_a, {}, "{}");
  (void)rig.get(repo, EngineRig::token_b);
  rig.answer(1, EngineRig::token_b, body_1);  // the write has not taken effect yet
  (void)rig.get(repo, EngineRig::token_b);
  REQUIRE(rig.upstream.count() == 3);
  rig.answer(2, EngineRig::token_b, body_1);
  SUBCASE("it ends") {
    rig.upstream.respond(0, 200, {}, body_2);
    (void)rig.get(repo, EngineRig::token_b);
    REQUIRE(rig.upstream.count() == 4);
    rig.answer(3, EngineRig::token_b, body_2);
    CHECK(rig.get(repo, EngineRig::token_b)->body == body_2);
    CHECK(rig.upstream.count() == 4);
  }
  SUBCASE("its connection is lost") {
    rig.upstream.fail(0, base::Error{base::ErrorCode::unavailable, "connection lost"});
    CHECK(write->status == 502);
    (void)rig.get(repo, EngineRig::token_b);
    rig.answer(3, EngineRig::token_b, body_1);
    (void)rig.get(repo, EngineRig::token_b);
    CHECK(rig.upstream.count() == 5);
    rig.answer(4, EngineRig::token_b, body_2);
    rig.clock.advance(121s);
    rig.engine.tick();
    (void)rig.get(repo, EngineRig::token_b);
    rig.answer(5, EngineRig::token_b, body_2);
    CHECK(rig.get(repo, EngineRig::token_b)->body == body_2);
    CHECK(rig.upstream.count() == 6);
  }
}

TEST_CASE("refusals of requests that pass through withdraw grants too") {
  EngineRig rig;
  (void)rig.get(repo, EngineRig::token_a);
  rig.answer(0, EngineRig::token_a, body_1);
  (void)rig.get(repo, EngineRig::token_a, {{"Cache-Control", "no-store"}});
  const http::Headers offline{{"Cache-Control", "only-if-cached, max-stale"}};
  SUBCASE("404 of the resource") {
    rig.upstream.respond(1, 404, {}, "{}");
  }
  SUBCASE("401 of the token") {
    rig.upstream.respond(1, 401, {}, "{}");
  }
  CHECK(rig.get(repo, EngineRig::token_a, offline)->status == 504);
}

TEST_CASE("a download host that was not shown the token withdraws nothing from it") {
  EngineRig rig;
  (void)rig.get(repo, EngineRig::token_a);
  rig.answer(0, EngineRig::token_a, body_1);
  (void)rig.get("/x", EngineRig::token_a, {{"Host", "codeload.github.com"}});
  rig.upstream.respond(1, 401, {}, "{}");
  CHECK(rig.get(repo, EngineRig::token_a)->body == body_1);
  CHECK(rig.upstream.count() == 2);
}

TEST_CASE("there is a limit on what is under way, and it is given back") {
  cache::EngineOptions options;
  options.max_exchanges = 3;
  EngineRig rig(options);
  for (int i = 0; i < 3; ++i) {
    (void)rig.get("/repos/acme/widget/issues/" + std::to_string(i), EngineRig::token_a);
  }
  CHECK(rig.get("/repos/acme/widget/issues/9", EngineRig::token_a)->status == 503);
  CHECK(rig.send("POST", "/repos/acme/widget/issues", EngineRig::token_a, {}, "{}")->status == 503);
  rig.upstream.respond(0, 200, {}, "{}");
  CHECK(rig.get("/repos/acme/widget/issues/9", EngineRig::token_a)->answers == 0);
  CHECK(rig.upstream.count() == 4);
  CHECK(rig.sums_to(5 - 2));
}

TEST_CASE("request bodies under way share the budget of bytes") {
  cache::EngineOptions options;
  options.buffer_budget = 1000;
  EngineRig rig(options);
  (void)rig.send("POST", "/repos/acme/widget/issues", EngineRig::token_a, {}, std::string(900, 'x'));
  CHECK(rig.send("POST", "/repos/acme/widget/issues", EngineRig::token_a, {}, std::string(900, 'x'))->status == 503);
  CHECK(rig.upstream.count() == 1);
  CHECK(rig.engine.metrics().upstream_requests == 0);  // what was refused was never sent
}

TEST_CASE("a client that left before the head costs no download") {
  cache::EngineOptions options;
  options.object_limit = 1000;
  EngineRig rig(options);
  const auto left = rig.get("/repos/acme/widget/contents/x", EngineRig::token_a);
  left->client_gone = true;
  rig.upstream.send_head(0, 200, {});
  rig.upstream.send_data(0, std::string(2000, 'x'));
  CHECK(rig.upstream.cancelled(0));
  const auto zip = rig.get("/repos/acme/widget/zipball/main", EngineRig::token_a);
  zip->client_gone = true;
  rig.upstream.send_head(1, 200, {});
  rig.upstream.send_data(1, std::string(300'000, 'x'));
  CHECK(rig.upstream.cancelled(1));
  CHECK(rig.engine.flights() == 0);
}

TEST_CASE("a caller with a max-age does not join a fetch that is older") {
  EngineRig rig;
  (void)rig.get(repo, EngineRig::token_a);
  rig.clock.advance(4s);
  const auto strict = rig.get(repo, EngineRig::token_a, {{"Cache-Control", "max-age=2"}});
  const auto lax = rig.get(repo, EngineRig::token_a, {{"Cache-Control", "max-age=10"}});
  rig.answer(0, EngineRig::token_a, body_1);
  CHECK(lax->body == body_1);
  CHECK(strict->answers == 0);
  rig.answer(1, EngineRig::token_a, body_2);
  CHECK(strict->body == body_2);
}

TEST_CASE("validators that say nothing are not sent") {
  EngineRig rig;
  (void)rig.get("/notifications", EngineRig::token_a);
  rig.upstream.respond(0, 200, {{"ETag", "W/\"\""}, {"Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT"}}, "[]");
  rig.clock.advance(3601s);
  (void)rig.get("/notifications", EngineRig::token_a);
  CHECK_FALSE(rig.sent(1).contains("If-None-Match"));
  CHECK(rig.sent(1).get("If-Modified-Since") == "Thu, 01 Jan 2026 00:00:00 GMT");
}

TEST_CASE("whichever call of the store fails, every answer is right and a write is marked or not sent") {
  bool any_failed = true;
  std::uint64_t n = 1;
  for (; any_failed && n < 100; ++n) {
    CAPTURE(n);
    EngineRig rig;
    rig.store.fail_call(n);
    std::string upstream_body = body_1;
    std::size_t answered = 0;
    const auto settle = [&] {
      for (; answered < rig.upstream.count(); ++answered) {
        const cache::UpstreamRequest request = rig.upstream.request(answered);
        if (request.method == "PATCH") {
          upstream_body = body_2;
          rig.upstream.respond(answered, 200, {}, body_2);
          continue;
        }
        const std::string token = std::string(request.headers.get("Authorization")).substr(6);
        const std::string etag(EngineRig::github_headers(token, upstream_body).get("ETag"));
        const std::string_view condition = request.headers.get("If-None-Match");
        if (!condition.empty() && github::if_none_match_matches(condition, etag)) {
          rig.upstream.respond(answered, 304, {{"ETag", etag}}, "");
        } else {
          rig.answer(answered, token, upstream_body);
        }
      }
    };
    for (int round = 0; round < 3; ++round) {
      for (const std::string& token : {EngineRig::token_a, EngineRig::token_b}) {
        const auto sink = rig.get(repo, token);
        settle();
        REQUIRE(sink->answers == 1);
        CHECK(sink->body == upstream_body);
      }
      rig.engine.tick();
      if (round == 1) {
        const auto write = rig.send("PATCH", repo, EngineRig::token_a, {}, "{}");
        settle();
        CHECK((write->status == 200 || write->status == 503));
      }
      rig.clock.advance(200s);
    }
    any_failed = rig.store.failed();
  }
  CHECK(n > 5);
  CHECK_FALSE(any_failed);
}
