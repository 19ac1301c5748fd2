// The engine asks its peers before upstream: what it asks, and what each kind of answer means for its callers.

#include <doctest/doctest.h>

#include "tests/core/cache/peers_rig.hpp"

using namespace ghoard;
using ghoard::testing::PeersRig;
using namespace ghoard::testing::scene;
using namespace std::chrono_literals;

TEST_CASE("peers are asked before upstream, and callers join the question") {
  PeersRig rig;
  const auto first = rig.get(repo, token_a, {{"Cache-Control", "max-age=120"}});
  const auto second = rig.get(repo, token_a);
  REQUIRE(rig.peers.asked() == 1);
  CHECK(rig.upstream.count() == 0);
  const cache::PeerQuestion& question = rig.peers.question(0);
  CHECK(question.resource == PeersRig::resource());
  CHECK(question.key == PeersRig::key());
  CHECK(question.fingerprint == PeersRig::fingerprint_of(token_a));
  CHECK(question.max_age == 120s);
  CHECK_FALSE(question.renew);
  rig.peers.release(0);
  REQUIRE(rig.upstream.count() == 1);
  rig.answer(0, token_a, body_1);
  CHECK(first->body == body_1);
  CHECK(second->body == body_1);
  CHECK(rig.engine.metrics().misses == 1);
  CHECK(rig.engine.metrics().coalesced == 1);
  CHECK(rig.sums_to(2));
}

TEST_CASE("what passes through is not asked of peers") {
  PeersRig rig;
  (void)rig.get(repo, token_a, {{"Cache-Control", "no-store"}});
  (void)rig.get("/rate_limit", token_a);
  CHECK(rig.upstream.count() == 2);
  CHECK(rig.peers.asked() == 0);
}

TEST_CASE("a peer's answer for the same token is a peer hit once, then a hit, and costs no request") {
  PeersRig rig;
  const auto first = rig.get(repo, token_a);
  const auto joined = rig.get(repo, token_a);
  rig.peers.answer(0, rig.value(token_a, body_1, 20s));
  CHECK(first->status == 200);
  CHECK(first->body == body_1);
  CHECK(says(first, "ghoard; hit"));
  CHECK(says(first, "detail=peer"));
  CHECK(first->headers.get("Age") == "20");
  CHECK(first->headers.get("ETag") == PeersRig::github_headers(token_a, body_1).get("ETag"));
  CHECK(joined->body == body_1);
  const auto later = rig.get(repo, token_a);
  CHECK(later->body == body_1);
  CHECK(says(later, "detail=local"));
  CHECK(later->headers.get("Age") == "20");
  CHECK(rig.upstream.count() == 0);
  CHECK(rig.peers.asked() == 1);
  const cache::Metrics& metrics = rig.engine.metrics();
  CHECK(metrics.peer_hits == 1);
  CHECK(metrics.coalesced == 1);
  CHECK(metrics.hits == 1);
  CHECK(metrics.api_calls_saved() == 3);
  CHECK(rig.sums_to(3));
  CHECK(rig.memory.size().entries == 1);
  CHECK(rig.engine.flights() == 0);
}

TEST_CASE("the age of a peer's answer counts against its lifetime here") {
  PeersRig rig;
  (void)rig.get(repo, token_a);
  rig.peers.answer(0, rig.value(token_a, body_1, 290s));
  rig.clock.advance(11s);
  (void)rig.get(repo, token_a);
  CHECK(rig.peers.asked() == 2);
}

TEST_CASE("a peer's answer that is too old, or whose proof is, is confirmed upstream and is a peer hit then") {
  PeersRig rig;
  http::Headers wants;
  cache::SharedValue value = rig.value(token_a, body_1, 20s);
  SUBCASE("for the route") {
    value.age = 301s;
  }
  SUBCASE("its proof") {
    value.proof_age = 301s;
  }
  SUBCASE("for the caller") {
    wants.add("Cache-Control", "max-age=10");
  }
  const auto caller = rig.get(repo, token_a, wants);
  const auto joined = rig.get(repo, token_a, wants);
  rig.peers.answer(0, value);
  CHECK(caller->answers == 0);
  REQUIRE(rig.upstream.count() == 1);
  CHECK(rig.sent(0).get("If-None-Match") == value.etag);
  rig.upstream.respond(0, 304, {}, "");
  CHECK(caller->body == body_1);
  CHECK(says(caller, "fwd-status=304"));
  CHECK(says(caller, "detail=peer"));
  CHECK(rig.engine.metrics().peer_hits == 1);
  CHECK(rig.engine.metrics().coalesced == 1);
  CHECK(rig.engine.metrics().api_calls_made == 0);
  CHECK(rig.sums_to(2));
}

TEST_CASE("bytes that do not match their derivable ETag under the own token are never used") {
  std::vector<std::string> log;
  cache::EngineOptions options;
  options.log = [&](const std::string& line) { log.push_back(line); };
  PeersRig rig(options);
  const auto caller = rig.get(repo, token_a);
  rig.peers.answer(0, rig.forged());
  REQUIRE(rig.upstream.count() == 1);
  CHECK_FALSE(rig.sent(0).contains("If-None-Match"));
  CHECK(caller->answers == 0);
  REQUIRE(log.size() == 1);
  CHECK(log[0].find("ETag") != std::string::npos);
  rig.answer(0, token_a, body_1);
  CHECK(caller->body == body_1);
  CHECK(rig.engine.metrics().misses == 1);
}

TEST_CASE("a malformed value from a peer is as good as none") {
  PeersRig rig;
  cache::SharedValue value = rig.value(token_a, body_1);
  SUBCASE("no body") {
    value.body = nullptr;
  }
  SUBCASE("another status") {
    value.status = 404;
  }
  SUBCASE("an age below zero") {
    value.age = -1ms;
  }
  SUBCASE("an age beyond all time") {
    value.proof_age = base::Millis::max();
  }
  SUBCASE("a header that would become two") {
    value.headers.add("Link", "a\r\nSet-Cookie: x=y");
  }
  SUBCASE("an ETag that is none") {
    value.etag = "W/unquoted";
  }
  SUBCASE("no-store") {
    value.headers.add("Cache-Control", "no-store");
  }
  SUBCASE("Vary: *") {
    value.vary = "*";
  }
  const auto caller = rig.get(repo, token_a);
  rig.peers.answer(0, value);
  REQUIRE(rig.upstream.count() == 1);
  CHECK_FALSE(rig.sent(0).contains("If-None-Match"));
  CHECK(caller->answers == 0);
}

TEST_CASE("headers outside the allow-list do not come from a peer") {
  PeersRig rig;
  cache::SharedValue value = rig.value(token_a, body_1);
  value.headers.add("Set-Cookie", "session=1");
  value.headers.add("X-OAuth-Scopes", "admin:org");
  value.headers.add("Link", "<https://api.github.com/x?page=2>; rel=\"next\"");
  const auto caller = rig.get(repo, token_a);
  rig.peers.answer(0, value);
  CHECK_FALSE(caller->headers.contains("Set-Cookie"));
  CHECK_FALSE(caller->headers.contains("X-OAuth-Scopes"));
  CHECK(caller->headers.contains("Link"));
}

TEST_CASE("another token's answer is only something to prove oneself by") {
  PeersRig rig;
  const auto caller = rig.get(repo, token_a);
  bool used = true;
  std::shared_ptr<const PeersRig::Lease> lease;
  SUBCASE("as the answer") {
    rig.peers.answer(0, rig.value(token_b, body_1));
  }
  SUBCASE("beside the lease") {
    lease = rig.peers.grant(0, rig.value(token_b, body_1));
  }
  SUBCASE("unless it says that it cannot be shared") {
    cache::SharedValue value = rig.value(token_b, body_1);
    value.shareable = false;
    rig.peers.answer(0, value);
    used = false;
  }
  REQUIRE(rig.upstream.count() == 1);
  CHECK(caller->answers == 0);
  if (!used) {
    CHECK_FALSE(rig.sent(0).contains("If-None-Match"));
    return;
  }
  const std::string mine(PeersRig::github_headers(token_a, body_1).get("ETag"));
  CHECK("W/" + std::string(rig.sent(0).get("If-None-Match")) == mine);
  rig.upstream.respond(0, 304, {{"ETag", mine}}, "");
  CHECK(caller->body == body_1);
  CHECK(rig.engine.metrics().peer_hits == 1);
  CHECK(rig.sums_to(1));
  const auto later = rig.get(repo, token_a);
  CHECK(says(later, "detail=local"));
  CHECK(rig.engine.metrics().hits == 1);
  if (lease != nullptr) {
    REQUIRE(lease->end == PeersRig::Lease::End::done);
    CHECK(lease->value->fingerprint == PeersRig::fingerprint_of(token_a));
  }
}

TEST_CASE("another token's answer to who asks decides nothing on identity-relative routes") {
  PeersRig rig;
  (void)rig.get("/user", token_a);
  rig.peers.release(0, rig.value(token_b, body_1));
  CHECK_FALSE(rig.sent(0).contains("If-None-Match"));
}

TEST_CASE("the own entry is the basis before another token's, a newer one of the own token before both") {
  PeersRig rig;
  rig.fetch(token_a, body_1);
  rig.clock.advance(400s);
  const auto caller = rig.get(repo, token_a);
  REQUIRE(rig.peers.asked() == 2);
  std::string expected;
  std::uint64_t peer_hits = 0;
  SUBCASE("another token's") {
    rig.peers.release(1, rig.value(token_b, body_2));
    expected = body_1;
  }
  SUBCASE("the own token's, newer") {
    rig.peers.release(1, rig.value(token_a, body_2, 350s));
    expected = body_2;
    peer_hits = 1;
  }
  SUBCASE("the own token's, older") {
    rig.peers.release(1, rig.value(token_a, body_2, 500s));
    expected = body_1;
  }
  REQUIRE(rig.upstream.count() == 2);
  CHECK(rig.sent(1).get("If-None-Match") == PeersRig::github_headers(token_a, expected).get("ETag"));
  rig.upstream.respond(1, 304, {}, "");
  CHECK(caller->body == expected);
  CHECK(rig.engine.metrics().peer_hits == peer_hits);
  CHECK(rig.engine.metrics().revalidated == 1 - peer_hits);
}

TEST_CASE("an answer that may be from before a change known here is confirmed, one from after it is not") {
  PeersRig rig;

  REQUIRE(rig.told(repo).has_value());
  rig.clock.advance(10s);
  const auto caller = rig.get(repo, token_a);
  SUBCASE("fetched surely after") {
    rig.peers.answer(0, rig.value(token_a, body_1, 9'999ms));
    CHECK(caller->body == body_1);
    CHECK(rig.upstream.count() == 0);
  }
  SUBCASE("fetched perhaps before") {
    rig.peers.answer(0, rig.value(token_a, body_1, 10s));
    CHECK(caller->answers == 0);
    CHECK(rig.upstream.count() == 1);
  }
  SUBCASE("young, but on its way for long") {
    cache::SharedValue value = rig.value(token_a, body_1, 1s);
    value.fetched_after -= 9s;
    rig.peers.answer(0, value);
    CHECK(caller->answers == 0);
    CHECK(rig.upstream.count() == 1);
  }
  SUBCASE("a change of something else does not matter") {
    REQUIRE(rig.told("/repos/acme/other").has_value());
    rig.peers.answer(0, rig.value(token_a, body_1, 9'999ms));
    CHECK(caller->body == body_1);
  }
  SUBCASE("a change that arrived while peers were asked") {
    REQUIRE(rig.told(repo).has_value());
    const auto later = rig.get(repo, token_a);
    rig.peers.answer(0, rig.value(token_a, body_1, 1s));
    CHECK(caller->body == body_1);
    CHECK(later->answers == 0);
    CHECK(rig.get(repo, token_a)->answers == 0);
    CHECK(rig.upstream.count() == 0);
  }
  SUBCASE("all that the token was granted changed meanwhile") {
    REQUIRE(rig.engine.apply({PeersRig::fingerprint_of(token_a)}).has_value());
    rig.peers.answer(0, rig.value(token_a, body_1, 1s));
    CHECK(caller->body == body_1);
    CHECK(rig.get(repo, token_a)->answers == 0);
  }
  SUBCASE("one that was overtaken at its holder's serves those who asked before they heard of the change") {
    cache::SharedValue value = rig.value(token_a, body_1, 1s);
    value.overtaken = true;
    SUBCASE("and no others") {
      rig.peers.answer(0, value);
      CHECK(caller->answers == 0);
      CHECK(rig.upstream.count() == 1);
    }
    SUBCASE("once") {
      REQUIRE(rig.told(repo).has_value());
      rig.peers.answer(0, value);
      CHECK(caller->body == body_1);
      CHECK(rig.get(repo, token_a)->answers == 0);
    }
  }
}

TEST_CASE("while a write of this machine is under way no peer's answer is served") {
  PeersRig rig;
  (void)rig.send("PATCH", repo, token_a, {}, "{}");
  rig.clock.advance(10s);
  const auto caller = rig.get(repo, token_a);
  rig.peers.answer(0, rig.value(token_a, body_1, 1s));
  CHECK(caller->answers == 0);
  CHECK(rig.upstream.count() == 2);
}

TEST_CASE("a mark of an earlier process is not lifted by an answer of unknown order") {
  PeersRig rig;
  rig.fetch(token_a, body_1);
  REQUIRE(rig.memory.invalidate(std::vector<github::Tag>{{"api.github.com", repo}}).has_value());
  rig.engine.forget_memory();
  rig.clock.advance(10s);
  const auto caller = rig.get(repo, token_a);
  rig.peers.answer(1, rig.value(token_a, body_2, 1s));
  CHECK(caller->answers == 0);
  CHECK(rig.upstream.count() == 2);
}

TEST_CASE("an answer older than what another token proved here is not served") {
  PeersRig rig;
  rig.fetch(token_a, body_2);
  rig.clock.advance(250s);
  (void)rig.get(repo, token_b);
  rig.peers.release(1);
  rig.upstream.respond(1, 304, {}, "");
  rig.clock.advance(60s);
  const auto caller = rig.get(repo, token_a);  // its grant is too old, what it was granted is not
  REQUIRE(rig.peers.asked() == 3);
  rig.peers.answer(2, rig.value(token_a, body_1, 100s));
  CHECK(caller->answers == 0);
  REQUIRE(rig.upstream.count() == 3);
  CHECK(rig.sent(2).get("If-None-Match") == PeersRig::github_headers(token_a, body_2).get("ETag"));
}

TEST_CASE("an answer older than what was shown here already is not served") {
  PeersRig rig;
  rig.fetch(token_a, body_2);
  rig.clock.advance(10s);
  const auto caller = rig.get(repo, token_a, {{"Cache-Control", "max-age=5"}});
  const auto other = rig.get(repo, token_a, {{"Cache-Control", "max-age=5"}});
  rig.peers.answer(1, rig.value(token_a, body_1, 11s));
  CHECK(caller->answers == 0);
  REQUIRE(rig.upstream.count() == 2);
  CHECK(rig.sent(1).get("If-None-Match") == PeersRig::github_headers(token_a, body_2).get("ETag"));
}
