// Limits, faults, framing and counting.

#include <algorithm>
#include <doctest/doctest.h>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/eventually.hpp"
#include "tests/support/standin.hpp"

using namespace ghoard;
using nlohmann::json;
using testing::eventually;
using testing::HttpAnswer;
using testing::HttpClient;
using testing::StandIn;
using testing::StandInCounters;
namespace tokens = testing::tokens;

namespace {

const std::string path = "/repos/acme/widgets";

base::Result<HttpAnswer> try_get(const StandIn& github, const std::string& target) {
  base::Result<HttpClient> client = HttpClient::tcp(github.port());
  if (!client) {
    return tl::unexpected(client.error());
  }
  return client->exchange("GET", target, {{"Authorization", "token " + std::string(tokens::user_1)}});
}

}  // namespace

TEST_CASE("all tokens of a user share a budget, and other users have their own") {
  const StandIn github;
  CHECK(github.get(path, tokens::user_1).headers.get("X-RateLimit-Remaining") == "4999");
  CHECK(github.get(path, tokens::user_1_second).headers.get("X-RateLimit-Remaining") == "4998");
  CHECK(github.get(path, tokens::user_2).headers.get("X-RateLimit-Remaining") == "4999");
  CHECK(github.get("/search/issues?q=x", tokens::user_1).headers.get("X-RateLimit-Resource") == "search");
  CHECK(github.get(path).headers.get("X-RateLimit-Limit") == "60");
  const json limits = json::parse(github.get("/rate_limit", tokens::user_1).body);
  CHECK(limits["resources"]["core"]["used"] == 2);
  CHECK(limits["resources"]["search"]["remaining"] == 29);
  CHECK(github.counters().user("user-1").quota_spent == 3);
  CHECK(github.counters().user("user-1").requests == 4);
}

TEST_CASE("an exhausted primary budget is 403 or 429 and costs no more") {
  const StandIn github;
  github.config({{"rate_limit", 2}});
  CHECK(github.get(path, tokens::user_1).status == 200);
  CHECK(github.get(path, tokens::user_1_second).status == 200);
  const HttpAnswer refused = github.get(path, tokens::user_1);
  CHECK(refused.status == 403);
  CHECK(refused.headers.get("X-RateLimit-Remaining") == "0");
  CHECK(refused.body.find("API rate limit exceeded") != std::string::npos);
  github.config({{"limit_status", 429}});
  CHECK(github.get(path, tokens::user_1).status == 429);
  CHECK(github.get("/rate_limit", tokens::user_1).status == 200);
  CHECK(github.get(path, tokens::user_2).status == 200);
  CHECK(github.counters().user("user-1").quota_spent == 2);
  github.config({{"graphql_limit", 0}});
  const HttpAnswer graphql = github.request("POST", "/graphql", tokens::user_1, {}, R"({"query":"{viewer{login}}"})");
  CHECK(graphql.status == 200);
  CHECK(json::parse(graphql.body)["errors"][0]["type"] == "RATE_LIMITED");
}

TEST_CASE("the secondary limit counts points and says when to come back") {
  const StandIn github;
  github.config({{"secondary_points", 6}, {"retry_after_s", 7}});
  CHECK(github.request("POST", path + "/issues", tokens::user_1, {}, R"({"title":"five points"})").status == 201);
  CHECK(github.get(path, tokens::user_1).status == 200);
  const HttpAnswer refused = github.get(path, tokens::user_1);
  CHECK(refused.status == 403);
  CHECK(refused.headers.get("Retry-After") == "7");
  CHECK(refused.body.find("secondary rate limit") != std::string::npos);
  CHECK(github.get(path, tokens::user_2).status == 200);
}

TEST_CASE("the secondary limit counts requests at one time") {
  const StandIn github;
  github.config({{"secondary_concurrent", 1}});
  github.fault({.kind = "hold"});
  std::thread held([&] { CHECK(github.get(path, tokens::user_1).status == 200); });
  CHECK(eventually([&] { return github.counters().held == 1; }));
  CHECK(github.get(path, tokens::user_1).status == 403);
  github.release();
  held.join();
  CHECK(eventually([&] { return github.get(path, tokens::user_1).status == 200; }));
}

TEST_CASE("many callers are held together, counted on arrival, and let go together") {
  const StandIn github;
  github.fault({.kind = "hold", .path_prefix = path, .count = -1});
  constexpr std::size_t callers = 40;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < callers; ++i) {
    threads.emplace_back([&] { CHECK(github.get(path, tokens::user_1).status == 200); });
  }
  CHECK(eventually([&] { return github.counters().held == callers; }));
  const StandInCounters counters = github.counters();
  CHECK(counters.requests == callers);
  CHECK(counters.concurrent_max == callers);
  github.clear_faults();
  github.release();
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(eventually([&] { return github.counters().concurrent == 0; }));
}

TEST_CASE("500 connections are served at one time") {
  const StandIn github;
  std::vector<HttpClient> clients;
  for (int i = 0; i < 500; ++i) {
    base::Result<HttpClient> client = HttpClient::tcp(github.port());
    REQUIRE(client.has_value());
    clients.push_back(std::move(*client));
  }
  for (HttpClient& client : clients) {
    REQUIRE(client.send("GET /zen HTTP/1.1\r\nHost: x\r\nAuthorization: token " + std::string(tokens::user_1) +
                        "\r\n\r\n"));
  }
  for (HttpClient& client : clients) {
    const base::Result<HttpAnswer> answer = client.receive();
    REQUIRE(answer.has_value());
    CHECK(answer->status == 200);
  }
  CHECK(github.counters().count("GET /zen") == 500);
}

TEST_CASE("a fault of kind status hits as often as told, where told") {
  const StandIn github;
  github.fault({.kind = "status",
                .path_prefix = path,
                .method = "GET",
                .status = 502,
                .count = 2,
                .body = "bad gateway",
                .headers = {{"Retry-After", "3"}}});
  CHECK(github.get("/zen", tokens::user_1).status == 200);
  for (int i = 0; i < 2; ++i) {
    const HttpAnswer answer = github.get(path, tokens::user_1);
    CHECK(answer.status == 502);
    CHECK(answer.body == "bad gateway");
    CHECK(answer.headers.get("Retry-After") == "3");
  }
  CHECK(github.get(path, tokens::user_1).status == 200);
}

TEST_CASE("connections break before the head, within the body and after a part of it") {
  const StandIn github;
  const std::string target = path + "/contents/data/big.txt";
  github.fault({.kind = "reset_before_head"});
  const base::Result<HttpAnswer> before = try_get(github, target);
  REQUIRE_FALSE(before.has_value());
  CHECK(before.error().code == base::ErrorCode::unavailable);
  CHECK(github.counters().quota_spent == 0);
  CHECK(github.counters().routes.at("GET " + target).statuses.at(0) == 1);
  github.fault({.kind = "reset_mid_body"});
  CHECK_FALSE(try_get(github, target).has_value());
  github.fault({.kind = "truncate"});
  const base::Result<HttpAnswer> cut = try_get(github, target);
  REQUIRE_FALSE(cut.has_value());
  CHECK(cut.error().code == base::ErrorCode::truncated);
  CHECK(github.counters().quota_spent == 2);
  CHECK(try_get(github, target).has_value());
}

TEST_CASE("a write whose answer is lost may have happened, if so arranged") {
  const StandIn github;
  github.fault({.kind = "reset_before_head", .method = "POST", .process = true});
  base::Result<HttpClient> client = HttpClient::tcp(github.port());
  REQUIRE(client.has_value());
  CHECK_FALSE(client
                  ->exchange("POST", "/repos/acme/tools/issues",
                             {{"Authorization", "token " + std::string(tokens::user_1)}}, R"({"title":"Lost"})")
                  .has_value());
  CHECK(json::parse(github.get("/repos/acme/tools/issues", tokens::user_1).body)[0]["title"] == "Lost");
}

TEST_CASE("a hanging request ends when released, a slow one completes") {
  const StandIn github;
  github.fault({.kind = "hang", .path_prefix = "/zen"});
  std::thread hanging([&] { CHECK_FALSE(try_get(github, "/zen").has_value()); });
  CHECK(eventually([&] { return github.counters().held == 1; }));
  github.release();
  hanging.join();
  github.fault({.kind = "slow_body", .delay_ms = 1});
  const base::Result<HttpAnswer> slow = try_get(github, path);
  REQUIRE(slow.has_value());
  CHECK(slow->body == try_get(github, path)->body);
}

TEST_CASE("bodies come with a length, chunked, or compressed, as asked") {
  const StandIn github;
  const HttpAnswer plain = github.get(path + "/issues", tokens::user_1);
  CHECK(plain.headers.get("Content-Length") == std::to_string(plain.body.size()));
  const HttpAnswer small = github.get(path + "/issues", tokens::user_1, {{"Accept-Encoding", "gzip"}});
  CHECK(small.headers.get("Content-Encoding") == "gzip");
  CHECK(small.body.size() < plain.body.size() / 4);
  CHECK(small.headers.get("ETag") == plain.headers.get("ETag"));
  github.config({{"chunked", true}, {"gzip", false}});
  const HttpAnswer chunked = github.get(path + "/issues", tokens::user_1, {{"Accept-Encoding", "gzip"}});
  CHECK(chunked.headers.get("Transfer-Encoding") == "chunked");
  CHECK_FALSE(chunked.headers.contains("Content-Encoding"));
  CHECK(chunked.body == plain.body);
}

TEST_CASE("curl decodes the compressed body to the plain one") {
  const StandIn github;
  testing::Command command;
  command.arguments = {"curl",
                       "-s",
                       "--compressed",
                       "-H",
                       "Authorization: token " + std::string(tokens::user_1),
                       github.url() + path + "/contents/data/big.txt"};
  const testing::ProcessResult result = testing::run(command);
  CHECK(result.exit_code == 0);
  CHECK(result.out == github.get(path + "/contents/data/big.txt", tokens::user_1).body);
  CHECK(result.out.size() > 600'000);
}

TEST_CASE("HEAD is GET without a body, and a connection serves many requests") {
  const StandIn github;
  base::Result<HttpClient> client = HttpClient::tcp(github.port());
  REQUIRE(client.has_value());
  const base::Result<HttpAnswer> get = client->exchange("GET", path);
  const base::Result<HttpAnswer> head = client->exchange("HEAD", path);
  REQUIRE(get.has_value());
  REQUIRE(head.has_value());
  CHECK(head->body.empty());
  CHECK(head->headers.get("Content-Length") == get->headers.get("Content-Length"));
  CHECK(head->headers.get("ETag") == get->headers.get("ETag"));
  const base::Result<HttpAnswer> last = client->exchange("GET", path, {{"Connection", "close"}});
  REQUIRE(last.has_value());
  CHECK(client->at_end());
  CHECK(github.counters().routes.at("GET " + path).count == 2);
  CHECK(github.counters().routes.at("HEAD " + path).count == 1);
}

TEST_CASE("Expect: 100-continue is answered before the body is sent") {
  const StandIn github;
  base::Result<HttpClient> client = HttpClient::tcp(github.port());
  REQUIRE(client.has_value());
  const std::string body = R"({"title":"Expected"})";
  REQUIRE(client->send("POST /repos/acme/tools/issues HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: " +
                       std::to_string(body.size()) + "\r\nAuthorization: token " + std::string(tokens::user_1) +
                       "\r\n\r\n"));
  // The client passes over the 100; the body may follow without waiting for it.
  REQUIRE(client->send(body));
  const base::Result<HttpAnswer> answer = client->receive();
  REQUIRE(answer.has_value());
  CHECK(answer->status == 201);
}

TEST_CASE("the log shows requests with their headers, and nothing when it is off") {
  const StandIn github;
  github.get("/zen", tokens::user_1);
  CHECK(github.log().empty());
  github.set_logging(true);
  github.get("/zen?x=1", tokens::user_1, {{"Accept", "text/plain"}});
  const json log = github.log();
  REQUIRE(log.size() == 1);
  CHECK(log[0]["target"] == "/zen?x=1");
  CHECK(log[0]["user"] == "user-1");
  CHECK(log[0]["status"] == 200);
  const json expected = {"Authorization", "token " + std::string(tokens::user_1)};
  CHECK(std::find(log[0]["headers"].begin(), log[0]["headers"].end(), expected) != log[0]["headers"].end());
}

TEST_CASE("reset brings back the beginning, and control commands are not counted") {
  const StandIn github;
  const std::string before = github.get(path + "/issues", tokens::user_1).body;
  github.operation({{"op", "add_issue"}, {"repo", "acme/widgets"}});
  github.config({{"rate_limit", 3}});
  github.fault({.kind = "status", .count = -1});
  CHECK(github.get(path, tokens::user_1).status == 500);
  github.reset_counters();
  CHECK(github.counters().requests == 0);
  CHECK(github.get(path, tokens::user_1).status == 500);
  github.reset();
  CHECK(github.counters().requests == 0);
  const HttpAnswer after = github.get(path + "/issues", tokens::user_1);
  CHECK(after.body == before);
  CHECK(after.headers.get("X-RateLimit-Limit") == "5000");
  CHECK(github.counters().requests == 1);
  CHECK(github.counters().targets.at("GET " + path + "/issues") == 1);
}

TEST_CASE("commands that are not understood are refused") {
  const StandIn github;
  for (const auto& [command, body] : {std::pair{"/_standin/config", R"({"nonsense":1})"},
                                      {"/_standin/config", "[]"},
                                      {"/_standin/config", R"({"gzip":"x"})"},
                                      {"/_standin/fault", R"({"kind":"nonsense"})"},
                                      {"/_standin/mutate", R"({"path":"/repos/acme/none"})"},
                                      {"/_standin/mutate", R"({"op":"nonsense","repo":"acme/docs"})"},
                                      {"/_standin/nonsense", "{}"}}) {
    CAPTURE(command);
    CHECK(github.request("POST", command, {}, {}, body).status == 400);
  }
}
