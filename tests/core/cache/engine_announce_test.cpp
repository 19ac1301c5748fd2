// Writes are announced to the peers before they leave and again before their answer shows.

#include <algorithm>
#include <doctest/doctest.h>

#include "tests/core/cache/peers_rig.hpp"

using namespace ghoard;
using ghoard::testing::PeersRig;
using namespace ghoard::testing::scene;
using namespace std::chrono_literals;

namespace {

constexpr const char* mutation = R"({"query":"mutation { addStar { id } }"})";

bool names(const std::vector<cache::Change>& changes, const std::string& prefix) {
  const cache::Change wanted = github::Tag{"api.github.com", prefix};
  return std::find(changes.begin(), changes.end(), wanted) != changes.end();
}

/// Beyond what a relay gathers, so that the answer is streamed.
const std::string large(300'000, 'x');

/// A write whose answer has begun and is too long to be gathered.
std::shared_ptr<testing::FakeSink> streamed_write(PeersRig& rig) {
  std::shared_ptr<testing::FakeSink> write = rig.send("PATCH", repo, token_a, {}, "{}");
  rig.upstream.send_head(0, 200, {});
  rig.upstream.send_data(0, large);
  return write;
}

}  // namespace

TEST_CASE("a write is announced before it leaves, and its end shows when the peers have been told again") {
  PeersRig rig;
  const auto write = rig.send("PATCH", repo, token_a, {}, "{}");
  REQUIRE(rig.peers.announced() == 1);
  CHECK(names(rig.peers.changes(0), repo));
  CHECK_FALSE(rig.peers.wants_acknowledgement(0));
  REQUIRE(rig.upstream.count() == 1);
  rig.upstream.respond(0, 200, {}, body_2);
  REQUIRE(rig.peers.announced() == 2);
  CHECK(rig.peers.changes(1) == rig.peers.changes(0));
  CHECK(write->answers == 0);
  rig.peers.acknowledge(1);
  CHECK(write->status == 200);
  CHECK(write->body == body_2);
  CHECK(write->answers == 1);
  CHECK(rig.engine.metrics().bypassed == 1);
  CHECK(rig.sums_to(1));
}

TEST_CASE("the marks are made again before the second announcement") {
  PeersRig rig;
  (void)rig.send("PATCH", repo, token_a, {}, "{}");
  rig.fetch(token_a, body_1);
  rig.upstream.respond(0, 200, {}, body_2);
  CHECK_FALSE(rig.found(token_a).has_value());
}

TEST_CASE("a write whose outcome is unknown is announced too, and its failure waits") {
  PeersRig rig;
  const auto write = rig.send("PATCH", repo, token_a, {}, "{}");
  rig.upstream.fail(0, base::Error{base::ErrorCode::timeout, "no answer within 60 s"});
  REQUIRE(rig.peers.announced() == 2);
  CHECK(write->answers == 0);
  rig.peers.acknowledge(1);
  CHECK(write->status == 504);
}

TEST_CASE("a write that may have taken effect late is announced again when it cannot any more") {
  PeersRig rig;
  (void)rig.send("PATCH", repo, token_a, {}, "{}");
  rig.upstream.fail(0, base::Error{base::ErrorCode::timeout, "no answer within 60 s"});
  rig.clock.advance(119s);
  rig.engine.tick();
  CHECK(rig.peers.announced() == 2);
  rig.clock.advance(1s);
  rig.engine.tick();
  REQUIRE(rig.peers.announced() == 3);
  CHECK(rig.peers.changes(2) == rig.peers.changes(0));
  rig.engine.tick();
  CHECK(rig.peers.announced() == 3);
}

TEST_CASE("what was fetched while a write lingered is confirmed after its end, wherever it was fetched") {
  PeersRig rig;
  (void)rig.send("PATCH", repo, PeersRig::token_b, {}, "{}");
  rig.upstream.fail(0, base::Error{base::ErrorCode::timeout, "no answer within 60 s"});
  rig.clock.advance(119s);
  rig.engine.tick();
  SUBCASE("here") {
    (void)rig.get(repo, token_a);
    rig.peers.release(rig.peers.asked() - 1);
    REQUIRE(rig.upstream.count() == 2);
    rig.clock.advance(1s);
    rig.engine.tick();
    rig.answer(1, token_a, body_1);
  }
  SUBCASE("at a peer") {
    rig.clock.advance(1s);
    rig.engine.tick();
    rig.clock.advance(1s);
    rig.keep(rig.value(token_a, body_1, 60s));
  }
  CHECK_FALSE(rig.found(token_a).has_value());
}

TEST_CASE("a streamed answer to a write shows neither its head nor its end before the peers have been told") {
  PeersRig rig;
  const auto write = streamed_write(rig);
  CHECK(rig.upstream.paused(0));
  CHECK(write->answers == 0);
  REQUIRE(rig.peers.announced() == 2);
  rig.peers.acknowledge(1);
  CHECK(write->streamed);
  CHECK(write->body.size() == large.size());
  CHECK_FALSE(rig.upstream.paused(0));
  rig.upstream.send_data(0, "more");
  rig.upstream.finish(0);
  CHECK(write->body.size() == large.size() + 4);
  CHECK_FALSE(write->ended);
  REQUIRE(rig.peers.announced() == 3);
  rig.peers.acknowledge(2);
  CHECK(write->ended);
  CHECK_FALSE(write->failure.has_value());
}

TEST_CASE("a client too slow for what was held back still holds upstream back") {
  PeersRig rig;
  const auto write = streamed_write(rig);
  write->full = true;
  rig.peers.acknowledge(1);
  CHECK(rig.upstream.paused(0));
  write->full = false;
  write->on_drained();
  CHECK_FALSE(rig.upstream.paused(0));
}

TEST_CASE("a client that leaves while its answer is held back costs nothing") {
  PeersRig rig;
  const auto write = rig.send("PATCH", repo, token_a, {}, "{}");
  SUBCASE("before the end") {
    rig.upstream.respond(0, 200, {}, body_2);
    write->client_gone = true;
    rig.peers.acknowledge(1);
  }
  SUBCASE("before the head") {
    rig.upstream.send_head(0, 200, {});
    rig.upstream.send_data(0, large);
    write->client_gone = true;
    rig.peers.acknowledge(1);
    CHECK_FALSE(write->streamed);
    REQUIRE(rig.peers.announced() == 3);
    rig.peers.acknowledge(2);
  }
  SUBCASE("in the middle") {
    rig.upstream.send_head(0, 200, {});
    rig.upstream.send_data(0, large);
    rig.peers.acknowledge(1);
    write->on_gone();
    REQUIRE(rig.peers.announced() == 3);
    rig.peers.acknowledge(2);
  }
  CHECK(rig.upstream.in_flight() == 0);
  CHECK(rig.sums_to(1));
}

TEST_CASE("an exchange that fails after its head was held back is told as a failure, once") {
  PeersRig rig;
  const auto write = streamed_write(rig);
  rig.peers.acknowledge(1);
  rig.upstream.fail(0, base::Error{base::ErrorCode::truncated, "the body ended early"});
  rig.peers.acknowledge(1);
  CHECK_FALSE(write->ended);
  rig.peers.acknowledge(2);
  CHECK(write->ended);
  CHECK(write->failure.has_value());
  CHECK(write->answers == 1);
}

TEST_CASE("an acknowledgement that never comes delays an answer, no more, and one that comes late does nothing") {
  PeersRig rig;
  const auto write = rig.send("PATCH", repo, token_a, {}, "{}");
  rig.upstream.respond(0, 200, {}, body_2);
  rig.engine.tick();
  rig.engine.tick();
  CHECK(write->answers == 0);
  rig.engine.tick();
  CHECK(write->body == body_2);
  rig.peers.acknowledge(1);
  CHECK(write->answers == 1);
}

TEST_CASE("a late acknowledgement for the head does not let the end pass") {
  PeersRig rig;
  const auto write = streamed_write(rig);
  for (int i = 0; i < 3; ++i) {
    rig.engine.tick();
  }
  CHECK(write->streamed);
  rig.upstream.finish(0);
  REQUIRE(rig.peers.announced() == 3);
  rig.peers.acknowledge(1);
  CHECK_FALSE(write->ended);
  rig.peers.acknowledge(2);
  CHECK(write->ended);
}

TEST_CASE("an acknowledgement that comes after the engine's end does nothing") {
  testing::FakePeers peers;
  std::shared_ptr<testing::FakeSink> write;
  {
    testing::EngineRig rig;
    rig.engine.use_peers(&peers);
    write = rig.send("PATCH", repo, token_a, {}, "{}");
    rig.upstream.respond(0, 200, {}, body_2);
  }
  peers.acknowledge(1);
  CHECK(write->answers == 0);
}

TEST_CASE("what is held back still counts as under way, and is given back") {
  cache::EngineOptions options;
  options.max_exchanges = 1;
  PeersRig rig(options);
  (void)rig.send("PATCH", repo, token_a, {}, "{}");
  rig.upstream.respond(0, 200, {}, body_2);
  CHECK(rig.get(repo, token_a)->status == 503);
  rig.peers.acknowledge(1);
  CHECK(rig.get(repo, token_a)->answers == 0);
}

TEST_CASE("a GraphQL mutation announces its token's fingerprint, a query nothing") {
  PeersRig rig;
  const auto query = rig.send("POST", "/graphql", token_a, {}, R"({"query":"query { viewer { login } }"})");
  rig.upstream.respond(0, 200, {}, "{}");
  CHECK(rig.peers.announced() == 0);
  CHECK(query->answers == 1);
  (void)rig.send("POST", "/graphql", token_a, {}, mutation);
  REQUIRE(rig.peers.announced() == 1);
  CHECK(rig.peers.changes(0) == std::vector<cache::Change>{PeersRig::fingerprint_of(token_a)});
}

TEST_CASE("a token that does not share announces its writes' tags, and never itself") {
  cache::EngineOptions options;
  options.may_share = [](const cache::Fingerprint&) { return false; };
  PeersRig rig(options);
  (void)rig.send("PATCH", repo, token_a, {}, "{}");
  REQUIRE(rig.peers.announced() == 1);
  CHECK(names(rig.peers.changes(0), repo));
  const auto write = rig.send("POST", "/graphql", token_a, {}, mutation);
  rig.upstream.respond(1, 200, {}, "{}");
  CHECK(write->answers == 1);
  CHECK(rig.peers.announced() == 1);
}

TEST_CASE("a write that cannot be marked is not announced") {
  PeersRig rig;
  rig.store.fail_call(1);
  CHECK(rig.send("PATCH", repo, token_a, {}, "{}")->status == 503);
  CHECK(rig.peers.announced() == 0);
}
