// Messages and hints were observed on gh 2.23.

#include "cli/api/error_text.hpp"

#include <doctest/doctest.h>

using namespace ghoard;

namespace {

std::string message(std::string_view body, int status = 404) {
  const auto text = api::read_error_body(body);
  return text ? api::error_message(*text, status) : "unreadable";
}

std::string hint(std::string accepted, std::string held, int status = 404) {
  return api::scope_hint(
      status, {{"X-Accepted-OAuth-Scopes", std::move(accepted)}, {"X-OAuth-Scopes", std::move(held)}}, "github.com");
}

}  // namespace

TEST_CASE("the message is taken from where GitHub puts it") {
  CHECK(message(R"({"message":"Not Found"})") == "Not Found (HTTP 404)");
  CHECK(message(R"({"message":"M","errors":"E"})", 422) == "E (M)");
  CHECK(message(R"({"errors":"E"})", 422) == "E");
  CHECK(message(R"({"message":"M","errors":["a",{"message":"b"}]})", 422) == "M (HTTP 422)");
  CHECK(message(R"({"errors":["a",{"message":"b"},{"code":"c"},5,["x"],null]})", 422) == "a\nb");
  CHECK(message(R"({"Message":"caps"})") == "caps (HTTP 404)");
}

TEST_CASE("a body that names no error gives no message") {
  CHECK(message(R"({"data":{"errors":"deep","message":"deep"}})").empty());
  CHECK(message(R"({"message":5,"errors":{}})").empty());
  CHECK(message("{}").empty());
  for (const char* body : {"[]", "", "{", "{\"message\":\"x\"", "\"message\"", "{\"message\":\"x\"} 1"}) {
    CHECK_MESSAGE(message(body) == "unreadable", body);
  }
}

TEST_CASE("the agent's own failures are told apart") {
  const auto text = api::read_error_body(R"({"message":"GitHub did not answer","ghoard_error":"upstream"})");
  REQUIRE(text.has_value());
  CHECK(text->ghoard_error == "upstream");
  CHECK(api::read_error_body(R"({"x":{"ghoard_error":"upstream"}})")->ghoard_error.empty());
}

TEST_CASE("a missing scope is named") {
  const std::string read_org =
      "This API operation needs the \"read:org\" scope. To request it, run:  gh auth refresh -h github.com -s read:org";
  CHECK(hint("repo,read:org", "repo") == read_org);
  CHECK(hint("read:org", "repo, gist", 403) == read_org);
  CHECK(hint("gist,repo", "repo").find("\"gist\"") != std::string::npos);
}

TEST_CASE("no scope is named where none is missing or known") {
  CHECK(hint("read:org", "admin:org").empty());
  CHECK(hint("write:org", "admin:org").empty());
  CHECK(hint("public_repo", "repo").empty());
  CHECK(hint("read:org", "repo", 422).empty());
  CHECK(hint("read:org", "repo", 500).empty());
  CHECK(hint("read:org", "").empty());
  CHECK(hint("", "repo").empty());
}
