// The engine among peers: callers with different wishes, fetches that failed elsewhere, and the end of waiting.

#include <doctest/doctest.h>

#include "tests/core/cache/peers_rig.hpp"

using namespace ghoard;
using ghoard::testing::PeersRig;
using namespace ghoard::testing::scene;
using namespace std::chrono_literals;

namespace {

const http::Headers refresh{{"Cache-Control", "no-cache"}};

}  // namespace

TEST_CASE("callers with different wishes: who is satisfied is answered, the others ask anew") {
  PeersRig rig;
  const auto lax = rig.get(repo, token_a);
  const auto strict = rig.get(repo, token_a, {{"Cache-Control", "max-age=5"}});
  const auto stricter = rig.get(repo, token_a, {{"Cache-Control", "max-age=4"}});
  rig.peers.answer(0, rig.value(token_a, body_1, 20s));
  CHECK(lax->body == body_1);
  CHECK(strict->answers == 0);
  REQUIRE(rig.peers.asked() == 2);
  CHECK(rig.peers.question(1).max_age == 4s);
  rig.peers.release(1);
  rig.answer(0, token_a, body_2);
  CHECK(strict->body == body_2);
  CHECK(stricter->body == body_2);
  CHECK(rig.engine.metrics().peer_hits == 1);
  CHECK(rig.engine.metrics().misses == 1);
  CHECK(rig.engine.metrics().coalesced == 1);
  CHECK(rig.sums_to(3));
}

TEST_CASE("a refresh asks for a fetch after its question, and takes what comes of that") {
  PeersRig rig;
  const auto caller = rig.get(repo, token_a, refresh);
  CHECK(rig.peers.question(0).renew);
  CHECK_FALSE(rig.peers.question(0).max_age.has_value());
  rig.clock.advance(3s);
  rig.peers.answer(0, rig.value(token_a, body_1, 2s));
  CHECK(caller->body == body_1);
  CHECK(rig.upstream.count() == 0);
  CHECK(rig.engine.metrics().peer_hits == 1);
}

TEST_CASE("a refresh does not join a question that was asked before it") {
  PeersRig rig;
  const auto early = rig.get(repo, token_a);
  const auto late = rig.get(repo, token_a, refresh);
  REQUIRE(rig.peers.asked() == 1);
  SUBCASE("a peer's answer is not for it") {
    rig.peers.answer(0, rig.value(token_a, body_1));
    CHECK(early->body == body_1);
    CHECK(late->answers == 0);
    REQUIRE(rig.peers.asked() == 2);
    CHECK(rig.peers.question(1).renew);
  }
  SUBCASE("a fetch of this machine that begins now is") {
    rig.peers.release(0);
    rig.answer(0, token_a, body_2);
    CHECK(late->body == body_2);
    CHECK(rig.peers.asked() == 1);
    CHECK(rig.engine.metrics().coalesced == 1);
  }
}

TEST_CASE("how another machine's fetch failed is told as if it had been the own one") {
  PeersRig rig;
  rig.fetch(token_a, body_1);
  rig.clock.advance(301s);
  const auto caller = rig.get(repo, token_a);
  const http::Headers offline{{"Cache-Control", "only-if-cached, max-stale"}};
  SUBCASE("a refusal withdraws the grant") {
    rig.peers.answer(1, PeersRig::outcome(404, R"({"message":"Not Found"})"));
    CHECK(caller->status == 404);
    CHECK(caller->body == R"({"message":"Not Found"})");
    CHECK(says(caller, "detail=peer"));
    CHECK(rig.engine.metrics().peer_hits == 1);
    CHECK(rig.get(repo, token_a, offline)->status == 504);
  }
  SUBCASE("a bad token loses everything") {
    rig.fetch(token_a, body_1, "/repos/acme/other");
    rig.peers.answer(1, PeersRig::outcome(401));
    CHECK(caller->status == 401);
    CHECK(rig.get("/repos/acme/other", token_a, offline)->status == 504);
  }
  SUBCASE("an exhausted limit is bridged") {
    rig.peers.answer(1, PeersRig::outcome(403, "{}", {{"x-ratelimit-remaining", "0"}}));
    CHECK(caller->status == 200);
    CHECK(caller->body == body_1);
    CHECK(rig.engine.metrics().stale_served == 1);
  }
  SUBCASE("no answer is bridged too") {
    rig.peers.answer(1, PeersRig::no_answer());
    CHECK(caller->body == body_1);
    CHECK(says(caller, "detail=stale"));
  }
  CHECK(rig.upstream.count() == (rig.peers.asked() == 3 ? 2 : 1));
}

TEST_CASE("without anything to bridge, a failure elsewhere is an error here, and nothing of it is kept") {
  PeersRig rig;
  const auto caller = rig.get(repo, token_a);
  const auto joined = rig.get(repo, token_a);
  SUBCASE("no answer") {
    rig.peers.answer(0, PeersRig::no_answer());
    CHECK(caller->status == 504);
    CHECK(joined->status == 504);
    CHECK(rig.engine.metrics().errors == 2);
  }
  SUBCASE("a 404") {
    rig.peers.answer(0, PeersRig::outcome(404));
    CHECK(caller->status == 404);
    CHECK(rig.engine.metrics().peer_hits == 1);
    CHECK(rig.engine.metrics().coalesced == 1);
  }
  CHECK(rig.upstream.count() == 0);
  CHECK(rig.memory.size().entries == 0);
  CHECK(rig.sums_to(2));
  (void)rig.get(repo, token_a);
  CHECK(rig.peers.asked() == 2);
}

TEST_CASE("an outcome that no failed fetch can have, or that a change has overtaken, sends the flight upstream") {
  PeersRig rig;
  const auto caller = rig.get(repo, token_a);
  SUBCASE("a success") {
    rig.peers.answer(0, PeersRig::outcome(200, body_2));
  }
  SUBCASE("a redirect") {
    rig.peers.answer(0, PeersRig::outcome(302, "", {{"Location", "https://evil.example/"}}));
  }
  SUBCASE("too large") {
    rig.peers.answer(0, PeersRig::outcome(404, std::string(65'537, 'x')));
  }
  SUBCASE("from before a write that may have created it") {
    REQUIRE(rig.told(repo).has_value());
    rig.peers.answer(0, PeersRig::outcome(404));
  }
  CHECK(caller->answers == 0);
  CHECK(rig.upstream.count() == 1);
}

TEST_CASE("a network that breaks its promise to answer hangs nobody") {
  PeersRig rig;
  const auto caller = rig.get(repo, token_a);
  rig.clock.advance(30s);
  rig.engine.tick();
  CHECK(rig.upstream.count() == 0);
  rig.clock.advance(2s);
  rig.engine.tick();
  REQUIRE(rig.upstream.count() == 1);
  CHECK(rig.peers.given_up(0));
  rig.peers.answer(0, rig.value(token_a, body_1));
  rig.answer(0, token_a, body_2);
  CHECK(caller->body == body_2);
}

TEST_CASE("questions and leases are given up when the engine leaves its peers or ends") {
  testing::FakePeers peers;
  std::shared_ptr<const PeersRig::Lease> lease;
  {
    testing::EngineRig rig;
    rig.engine.use_peers(&peers);
    (void)rig.get(repo, token_a);
    (void)rig.get("/repos/acme/other", token_a);
    lease = peers.grant(1);
    SUBCASE("leaves") {
      rig.engine.use_peers(nullptr);
      CHECK(rig.upstream.count() == 2);
    }
    SUBCASE("ends") {}
  }
  CHECK(peers.given_up(0));
  CHECK(lease->end == PeersRig::Lease::End::dropped);
}

TEST_CASE("tokens that do not share neither ask nor are answered") {
  cache::EngineOptions options;
  options.may_share = [](const cache::Fingerprint& fingerprint) {
    return fingerprint == PeersRig::fingerprint_of(token_b);
  };
  PeersRig rig(options);
  (void)rig.get(repo, token_a);
  CHECK(rig.peers.asked() == 0);
  rig.answer(0, token_a, body_1);
  CHECK_FALSE(rig.found(token_a).has_value());
  CHECK_FALSE(rig.found(token_b).has_value());
  rig.keep(rig.value(token_a, body_2));
  CHECK(rig.get(repo, token_a)->body == body_1);
  (void)rig.get("/user", token_b);
  CHECK(rig.peers.asked() == 1);
}

TEST_CASE("another local token waits for a peer's answer as for a fetch, then proves itself by it") {
  PeersRig rig;
  const auto a = rig.get(repo, token_a);
  const auto b = rig.get(repo, token_b);
  REQUIRE(rig.peers.asked() == 1);
  rig.peers.answer(0, rig.value(token_a, body_1));
  CHECK(a->body == body_1);
  REQUIRE(rig.peers.asked() == 2);
  rig.peers.release(1);
  REQUIRE(rig.upstream.count() == 1);
  CHECK("W/" + std::string(rig.sent(0).get("If-None-Match")) == PeersRig::github_headers(token_b, body_1).get("ETag"));
  rig.upstream.respond(0, 304, {}, "");
  CHECK(b->body == body_1);
  CHECK(rig.engine.metrics().revalidated == 1);  // those bytes were a peer hit before
  CHECK(rig.sums_to(2));
}

TEST_CASE("a refusal that may be from before a change is not believed, even if it was asked for after it") {
  PeersRig rig;
  REQUIRE(rig.told(repo).has_value());
  SUBCASE("just told") {
    rig.clock.advance(20s);
    const auto caller = rig.get(repo, token_a);
    rig.peers.answer(0, PeersRig::outcome(404));
    CHECK(caller->answers == 0);
    CHECK(rig.upstream.count() == 1);
  }
  SUBCASE("long ago") {
    rig.clock.advance(61s);
    const auto caller = rig.get(repo, token_a);
    rig.peers.answer(0, PeersRig::outcome(404));
    CHECK(caller->status == 404);
    CHECK(rig.upstream.count() == 0);
  }
}
