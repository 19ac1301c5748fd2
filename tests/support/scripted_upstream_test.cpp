#include "tests/support/scripted_upstream.hpp"

#include <doctest/doctest.h>

using namespace ghoard;

namespace {

struct Recorder final : cache::ResponseObserver {
  void on_head(cache::ResponseHead head) override { events += "head " + std::to_string(head.status) + ";"; }
  bool on_data(std::string_view chunk) override {
    events += "data " + std::string(chunk) + ";";
    return !pause;
  }
  void on_end(std::optional<base::Error> failure) override { events += failure ? "failed;" : "end;"; }

  std::string events;
  bool pause = false;
};

}  // namespace

TEST_CASE("nothing is delivered until the test says so, and requests are recorded") {
  testing::FakeUpstream upstream;
  const auto first = std::make_shared<Recorder>();
  const auto second = std::make_shared<Recorder>();
  const auto one = upstream.start({.method = "GET", .target = "/a"}, first);
  const auto two = upstream.start({.method = "POST", .target = "/b", .body = "B"}, second);
  CHECK(first->events.empty());
  CHECK(upstream.count() == 2);
  CHECK(upstream.in_flight() == 2);
  CHECK(upstream.request(1).target == "/b");
  CHECK(upstream.read_body(1).bytes == "B");
  upstream.respond(1, 201, {}, "made");
  upstream.fail(0, {base::ErrorCode::timeout, "too slow"});
  CHECK(second->events == "head 201;data made;end;");
  CHECK(first->events == "failed;");
  CHECK(upstream.in_flight() == 0);
}

TEST_CASE("a paused observer gets the rest after resume and pump, not within resume") {
  testing::FakeUpstream upstream;
  const auto observer = std::make_shared<Recorder>();
  observer->pause = true;
  const auto exchange = upstream.start({.method = "GET"}, observer);
  upstream.send_head(0, 200);
  upstream.send_data(0, "a");
  upstream.send_data(0, "b");
  upstream.finish(0);
  CHECK(upstream.paused(0));
  CHECK(observer->events == "head 200;data a;");
  observer->pause = false;
  exchange->resume();
  CHECK(observer->events == "head 200;data a;");
  upstream.pump();
  CHECK(observer->events == "head 200;data a;data b;end;");
}

TEST_CASE("a destroyed exchange calls its observer no more") {
  testing::FakeUpstream upstream;
  const auto observer = std::make_shared<Recorder>();
  auto exchange = upstream.start({.method = "GET"}, observer);
  upstream.send_head(0, 200);
  exchange.reset();
  upstream.send_data(0, "late");
  upstream.finish(0);
  CHECK(observer->events == "head 200;");
  CHECK(upstream.cancelled(0));
  CHECK(observer.use_count() == 1);
}
