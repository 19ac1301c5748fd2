// The engine as a host of the overlay: what it hands out, keeps, and is told has changed.

#include <doctest/doctest.h>

#include "core/cache/peer_marks.hpp"
#include "tests/core/cache/peers_rig.hpp"

using namespace ghoard;
using ghoard::testing::PeersRig;
using namespace ghoard::testing::scene;
using namespace std::chrono_literals;

namespace {

const http::Headers offline{{"Cache-Control", "only-if-cached, max-stale"}};

}  // namespace

TEST_CASE("a fresh entry is handed out with its ages, from memory or from the store") {
  PeersRig rig;
  rig.fetch(token_a, body_1);
  rig.clock.advance(20s);
  SUBCASE("memory") {}
  SUBCASE("store") {
    rig.engine.forget_memory();
  }
  const auto value = rig.found(token_a);
  REQUIRE(value.has_value());
  CHECK(*value->body == body_1);
  CHECK(value->age == 20s);
  CHECK(value->proof_age == 20s);
  CHECK(value->fingerprint == PeersRig::fingerprint_of(token_a));
  CHECK(rig.found(token_a, 20s).has_value());
  CHECK_FALSE(rig.found(token_a, 19s).has_value());
}

TEST_CASE("another token is handed a shareable entry, under the name of the token that was answered with it") {
  PeersRig rig;
  rig.fetch(token_a, body_1);
  const auto value = rig.found(token_b);
  REQUIRE(value.has_value());
  CHECK(value->fingerprint == PeersRig::fingerprint_of(token_a));
  CHECK(value->shareable);
}

TEST_CASE("nothing is handed out that would not be served here as a hit") {
  PeersRig rig;
  rig.fetch(token_a, body_1);
  rig.clock.advance(1s);
  SUBCASE("stale") {
    rig.clock.advance(300s);
  }
  SUBCASE("the clock was set back") {
    rig.clock.jump_wall(-1h);
  }
  SUBCASE("marked by a change") {
    REQUIRE(rig.told(repo).has_value());
  }
  SUBCASE("a write is under way") {
    (void)rig.send("PATCH", repo, token_b, {}, "{}");
  }
  SUBCASE("changes may have been missed") {
    rig.engine.distrust_older(true);
  }
  SUBCASE("the store cannot be read") {
    rig.engine.forget_memory();
    rig.store.fail_call(1, true);
  }
  CHECK_FALSE(rig.found(token_a).has_value());
  CHECK_FALSE(rig.found(token_b).has_value());
}

TEST_CASE("a 404 that is kept here is not handed out") {
  PeersRig rig;
  (void)rig.get(repo, token_a);
  rig.peers.release(0);
  rig.upstream.respond(0, 404, {}, "{}");
  CHECK_FALSE(rig.found(token_a).has_value());
}

TEST_CASE("what a peer pushed is a peer hit for the first caller and a hit for the next") {
  PeersRig rig;
  rig.keep(rig.value(token_a, body_1, 20s));
  CHECK(rig.found(token_a).has_value());  // handing it on is no use of it here
  SUBCASE("from memory") {}
  SUBCASE("from the store") {
    rig.engine.forget_memory();
  }
  const auto first = rig.get(repo, token_a);
  CHECK(first->body == body_1);
  CHECK(first->headers.get("Age") == "20");
  CHECK(first->cache_status().find("detail=peer") != std::string::npos);
  const auto second = rig.get(repo, token_a);
  CHECK(second->cache_status().find("detail=local") != std::string::npos);
  CHECK(rig.engine.metrics().peer_hits == 1);
  CHECK(rig.engine.metrics().hits == 1);
  CHECK(rig.peers.asked() == 0);
  CHECK(rig.sums_to(2));
}

TEST_CASE("bytes that were pushed for another token are proven first, and are a peer hit then") {
  PeersRig rig;
  rig.keep(rig.value(token_a, body_1));
  const auto b = rig.get(repo, token_b);
  CHECK(b->answers == 0);
  rig.peers.release(0);
  REQUIRE(rig.upstream.count() == 1);
  rig.upstream.respond(0, 304, {}, "");
  CHECK(b->body == body_1);
  CHECK(rig.engine.metrics().peer_hits == 1);
  CHECK(rig.get(repo, token_a)->body == body_1);
  CHECK(rig.engine.metrics().hits == 1);
}

TEST_CASE("a pushed entry that is only confirmed is a peer hit, and one that is replaced is a miss") {
  PeersRig rig;
  rig.keep(rig.value(token_a, body_1));
  rig.clock.advance(301s);
  (void)rig.get(repo, token_a);
  rig.peers.release(0);
  REQUIRE(rig.sent(0).contains("If-None-Match"));
  SUBCASE("confirmed") {
    rig.upstream.respond(0, 304, {}, "");
    CHECK(rig.engine.metrics().peer_hits == 1);
  }
  SUBCASE("replaced") {
    rig.answer(0, token_a, body_2);
    CHECK(rig.engine.metrics().misses == 1);
  }
  (void)rig.get(repo, token_a);
  CHECK(rig.engine.metrics().hits == 1);
}

TEST_CASE("pushed bytes that do not match their ETag are dropped when the token comes to them") {
  PeersRig rig;
  rig.keep(rig.forged());
  CHECK(rig.get(repo, token_a, offline)->status == 504);
  const auto caller = rig.get(repo, token_a);
  rig.peers.release(0);
  REQUIRE(rig.upstream.count() == 1);
  CHECK_FALSE(rig.sent(0).contains("If-None-Match"));
  rig.answer(0, token_a, body_1);
  CHECK(caller->body == body_1);
  CHECK(rig.engine.metrics().misses == 1);
}

TEST_CASE("pushed bytes are held against their ETag however long ago they came") {
  PeersRig rig;
  rig.keep(rig.forged());
  rig.keep(rig.value(token_a, body_1), "/repos/acme/other");
  cache::Engine next(rig.store, rig.upstream, rig.clock, PeersRig::with_defaults({}));  // the process was restarted
  const auto get = [&](const char* path) {
    auto sink = std::make_shared<ghoard::testing::FakeSink>();
    next.handle(PeersRig::request("GET", path, token_a, offline), sink);
    return sink;
  };
  CHECK(get(repo)->status == 504);
  CHECK(get("/repos/acme/other")->body == body_1);
}

TEST_CASE("an ETag that its token was never sent is no grant, whoever else has the bytes") {
  PeersRig rig;
  cache::SharedValue value = rig.value(token_b, body_1, 1s);
  value.etag = rig.value(token_a, body_1).etag;
  SUBCASE("another token's bytes are here already") {
    rig.fetch(token_a, body_1);
    rig.clock.advance(2s);
    rig.keep(value);
  }
  SUBCASE("they come later") {
    rig.keep(value);
    rig.clock.advance(2s);
    rig.fetch(token_a, body_1);
    rig.engine.forget_memory();
  }
  CHECK(rig.get(repo, token_b, offline)->status == 504);
  CHECK(rig.get(repo, token_a)->body == body_1);
  CHECK(rig.upstream.count() == 1);
}

TEST_CASE("what may not be kept is not kept, whoever sends it") {
  cache::EngineOptions options;
  options.object_limit = 1000;
  PeersRig rig(options);
  std::string path = repo;
  cache::SharedValue value = rig.value(token_a, body_1);
  SUBCASE("a route that is never cached") {
    path = "/rate_limit";
  }
  SUBCASE("another status") {
    value.status = 404;
  }
  SUBCASE("too large") {
    value = rig.value(token_a, std::string(1001, 'x'));
  }
  SUBCASE("an ETag that cannot be derived") {
    value.etag = "\"short\"";
  }
  SUBCASE("a git object's name that is none") {
    value.etag_class = github::EtagClass::object_sha;
  }
  rig.keep(value, path);
  CHECK(rig.memory.size().entries == 0);
  CHECK(rig.get(repo, token_a, offline)->status == 504);
}

TEST_CASE("a value under the key of another resource is refused") {
  PeersRig rig;
  rig.engine.keep_shared(PeersRig::resource("/repos/acme/other"), PeersRig::key(), rig.value(token_a, body_1));
  CHECK(rig.memory.size().entries == 0);
}

TEST_CASE("the lifetime of what is pushed is the own route table's") {
  PeersRig rig;
  rig.keep(rig.value(token_a, body_1, 299s));
  CHECK(rig.get(repo, token_a)->answers == 1);
  rig.clock.advance(1s);
  CHECK(rig.get(repo, token_a)->answers == 0);
}

TEST_CASE("a push does not overwrite what is newer here") {
  PeersRig rig;
  rig.fetch(token_a, body_2);
  rig.clock.advance(10s);
  SUBCASE("older") {
    rig.keep(rig.value(token_a, body_1, 11s));
    CHECK(rig.get(repo, token_a)->body == body_2);
  }
  SUBCASE("newer") {
    rig.keep(rig.value(token_a, body_1, 9s));
    CHECK(rig.get(repo, token_a)->body == body_1);
  }
  CHECK(rig.upstream.count() == 1);
}

TEST_CASE("an older push of the same bytes takes nothing from another token's newer proof") {
  PeersRig rig;
  rig.clock.advance(1h);
  rig.fetch(token_b, body_1);
  rig.keep(rig.value(token_a, body_1, 200s));
  rig.engine.forget_memory();
  rig.clock.advance(150s);
  CHECK(rig.get(repo, token_b)->answers == 1);
}

TEST_CASE("a push that may be from before a change is kept to be revalidated") {
  PeersRig rig;
  bool known = false;
  SUBCASE("a peer's change") {
    REQUIRE(rig.told(repo).has_value());
  }
  SUBCASE("an own write under way") {
    (void)rig.send("PATCH", repo, token_b, {}, "{}");
  }
  SUBCASE("a mark of an earlier process") {
    rig.fetch(token_b, body_1);
    REQUIRE(rig.memory.invalidate(std::vector<github::Tag>{{"api.github.com", repo}}).has_value());
    rig.engine.forget_memory();
    rig.clock.advance(10s);
  }
  SUBCASE("none") {
    known = true;
  }
  rig.keep(rig.value(token_a, body_1));
  CHECK((rig.get(repo, token_a)->answers == 1) == known);
}

TEST_CASE("a push from after the last change is fresh") {
  PeersRig rig;
  REQUIRE(rig.told(repo).has_value());
  rig.clock.advance(10s);
  rig.keep(rig.value(token_a, body_1, 9s));
  CHECK(rig.get(repo, token_a)->body == body_1);
}

TEST_CASE("a push that cannot be stored is not kept in memory either") {
  PeersRig rig;
  rig.store.fail_call(3);
  rig.keep(rig.value(token_a, body_1));
  REQUIRE(rig.store.failed());
  CHECK(rig.get(repo, token_a)->answers == 0);
}

TEST_CASE("a peer's changes mark or drop what they name, durably, and are not announced again") {
  PeersRig rig;
  rig.fetch(token_a, body_1);
  rig.fetch(token_b, body_2, "/repos/acme/other");
  REQUIRE(rig.engine.apply({github::Tag{"api.github.com", repo}, PeersRig::fingerprint_of(token_b)}).has_value());
  CHECK(rig.get(repo, token_a)->answers == 0);
  CHECK(rig.get("/repos/acme/other", token_b, offline)->status == 504);
  CHECK(rig.peers.announced() == 0);
  // Marked, not gone: it may be confirmed.
  rig.peers.release(2);
  CHECK(rig.sent(2).contains("If-None-Match"));
}

TEST_CASE("a change that cannot be made durable is a failure, and the others are applied") {
  PeersRig rig;
  rig.fetch(token_a, body_1);
  rig.store.fail_call(1);
  CHECK_FALSE(rig.engine.apply({PeersRig::fingerprint_of(token_b), github::Tag{"api.github.com", repo}}).has_value());
  CHECK(rig.get(repo, token_a)->answers == 0);
}

TEST_CASE("while changes may have been missed, older entries are revalidated and none is told as current") {
  PeersRig rig;
  rig.fetch(token_a, body_1);
  rig.clock.advance(10s);
  rig.engine.distrust_older(true);
  rig.clock.advance(10s);

  SUBCASE("until it is known that none was missed") {
    CHECK(rig.get(repo, token_a, offline)->status == 200);
    rig.engine.distrust_older(false);
    CHECK(rig.get(repo, token_a)->body == body_1);
    CHECK(rig.upstream.count() == 1);
  }
  SUBCASE("a confirmed entry is trusted again") {
    const auto caller = rig.get(repo, token_a);
    CHECK(caller->answers == 0);
    rig.peers.release(1);
    rig.upstream.respond(1, 304, {}, "");
    CHECK(rig.get(repo, token_a)->body == body_1);
    CHECK(rig.upstream.count() == 2);
  }
  SUBCASE("a peer's answer from before it is not served, one from after it is") {
    const auto caller = rig.get("/repos/acme/other", token_a);
    rig.peers.answer(1, rig.value(token_a, body_1, 10s));
    CHECK(caller->answers == 0);
    const auto later = rig.get("/repos/acme/third", token_a);
    rig.peers.answer(2, rig.value(token_a, body_1, 9s));
    CHECK(later->body == body_1);
  }
  SUBCASE("nor is one that may have been sent before it") {
    const auto caller = rig.get("/repos/acme/other", token_a);
    cache::SharedValue value = rig.value(token_a, body_1, 5s);
    value.fetched_after -= 5s;
    rig.peers.answer(1, value);
    CHECK(caller->answers == 0);
  }
  SUBCASE("a push from before it waits for the end of the distrust") {
    cache::SharedValue value = rig.value(token_a, body_1, 5s);
    value.fetched_after -= 10s;
    rig.keep(value, "/repos/acme/other");
    CHECK(rig.get("/repos/acme/other", token_a)->answers == 0);
    rig.engine.distrust_older(false);
    rig.peers.release(1);
    rig.upstream.fail(1, base::Error{base::ErrorCode::unavailable, "connection lost"});
    CHECK(rig.get("/repos/acme/other", token_a)->body == body_1);
  }
}

TEST_CASE("a fetch that began before the distrust is not joined") {
  PeersRig rig;
  const auto early = rig.get(repo, token_a);
  rig.peers.release(0);
  rig.clock.advance(1s);
  rig.engine.distrust_older(true);
  rig.clock.advance(1s);
  const auto late = rig.get(repo, token_a);
  CHECK(rig.peers.asked() == 2);
  rig.answer(0, token_a, body_1);
  CHECK(early->body == body_1);
  CHECK(late->answers == 0);
}

TEST_CASE("the log tells the last time of a change, and of forgotten ones assumes the worst") {
  cache::InvalidationLog log;
  const cache::Resource widget = PeersRig::resource();
  const cache::Fingerprint a = PeersRig::fingerprint_of(token_a);
  const std::vector<github::Tag> tags{{"api.github.com", repo}};
  const std::vector<github::Tag> others{{"api.github.com", "/repos/acme/other"}};
  const auto at = [](int n) { return base::MonoTime{base::Millis{n}}; };
  CHECK_FALSE(log.last_concerning(widget, a).has_value());
  log.add(tags, at(1));
  log.add(others, at(2));
  CHECK(log.last_concerning(widget, a) == at(1));
  log.add(a, at(3));
  CHECK(log.last_concerning(widget, a) == at(3));
  CHECK(log.last_concerning(widget, PeersRig::fingerprint_of(token_b)) == at(1));
  for (int n = 4; n < 4 + 4096; ++n) {
    log.add(others, at(n));
  }
  CHECK(log.last_concerning(widget, a) == at(3));
  log.add(others, at(5000));
  CHECK(log.last_concerning(widget, a) == at(4));
}

TEST_CASE("marks of what came from peers are taken once and are bounded") {
  cache::PeerMarks marks;
  const auto key = [](std::size_t n) { return base::sha256(std::to_string(n)); };
  const cache::Fingerprint a = PeersRig::fingerprint_of(token_a);
  marks.add(key(0), a);
  CHECK(marks.has(key(0), a));
  CHECK_FALSE(marks.has(key(0), PeersRig::fingerprint_of(token_b)));
  CHECK(marks.take(key(0), a));
  CHECK_FALSE(marks.take(key(0), a));
  for (std::size_t n = 1; n <= cache::PeerMarks::capacity + 10; ++n) {
    marks.add(key(n), a);
  }
  CHECK(marks.size() == cache::PeerMarks::capacity);
  CHECK_FALSE(marks.has(key(10), a));
  CHECK(marks.has(key(11), a));
}

TEST_CASE("what lay about on its way here is handed out as old as it may be") {
  PeersRig rig;
  cache::SharedValue value = rig.value(token_a, body_1, 1s);
  value.fetched_after -= 20s;  // the lease was granted then; the push waited while this process was stopped
  rig.keep(value);
  const auto found = rig.found(token_a);
  REQUIRE(found.has_value());
  CHECK(found->age == 21s);
  CHECK(found->proof_age == 21s);
}
