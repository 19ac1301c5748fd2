#include "cli/api/request.hpp"

#include <doctest/doctest.h>

#include "cli/api/exchange_log.hpp"
#include "cli/api/output.hpp"
#include "cli/api/progress.hpp"

using namespace ghoard;

namespace {

http::Headers headers_for(std::vector<std::string> words) {
  words.emplace_back("x");
  const auto arguments = api::parse_arguments(words);
  REQUIRE(arguments.has_value());
  return api::request_headers(*arguments, "Europe/Berlin").value();
}

std::string complaint(std::string header) {
  const auto arguments = api::parse_arguments(std::vector<std::string>{"-H", std::move(header), "x"});
  REQUIRE(arguments.has_value());
  const auto headers = api::request_headers(*arguments, "");
  return headers ? "accepted" : headers.error().message;
}

settings::Environment environment(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

}  // namespace

TEST_CASE("a request carries gh's headers and the API version") {
  const http::Headers headers = headers_for({});
  CHECK(headers.get("Accept") == "*/*");
  CHECK(headers.get("Content-Type") == "application/json; charset=utf-8");
  CHECK(headers.get("Time-Zone") == "Europe/Berlin");
  CHECK(headers.get("X-GitHub-Api-Version") == "2022-11-28");
  CHECK(headers.get("User-Agent").starts_with("ghoard/"));
  CHECK_FALSE(headers.contains("Authorization"));
  CHECK_FALSE(headers.contains("Cache-Control"));
}

TEST_CASE("-H adds headers, trims them and takes a default's place") {
  const http::Headers headers = headers_for({"-H", "Accept:  a ", "-H", "accept: b", "-H", "X-A:x:y", "-H",
                                             "X-GitHub-Api-Version: 2026-01-01", "-H", "Content-Type: text/plain"});
  CHECK(headers.joined("Accept") == "a, b");
  CHECK(headers.get("X-A") == "x:y");
  CHECK(headers.joined("X-GitHub-Api-Version") == "2026-01-01");
  CHECK(headers.joined("Content-Type") == "text/plain");
}

TEST_CASE("headers that would change where a request goes or how it is framed are left out") {
  const http::Headers headers = headers_for({"-H", "Host: evil", "-H", "Transfer-Encoding: chunked", "-H",
                                             "Content-Length: 3", "-H", "Authorization:", "-H", "Connection: x"});
  for (const char* name : {"Host", "Transfer-Encoding", "Content-Length", "Authorization", "Connection"}) {
    CHECK_FALSE_MESSAGE(headers.contains(name), name);
  }
  CHECK(headers_for({"-H", "Authorization: token abc"}).get("Authorization") == "token abc");
}

TEST_CASE("a malformed header is refused before anything is sent, without repeating its value") {
  CHECK(complaint("foo") == "header \"foo\" requires a value separated by ':'");
  CHECK(complaint("A B: c") == "invalid header field name \"A B\"");
  CHECK(complaint(": c") == "invalid header field name \"\"");
  CHECK(complaint("Authorization: a\nEvil: b") == "invalid header field value for \"Authorization\"");
  CHECK(complaint("A\r\nB: c") != "accepted");
}

TEST_CASE("previews become media types as gh spells them") {
  CHECK(api::preview_accept({"a", "b"}) == "application/vnd.github.a-preview+json, application/vnd.github.b-preview");
  CHECK(headers_for({"-p", "a,b"}).get("Accept") == api::preview_accept({"a", "b"}));
}

TEST_CASE("freshness flags are sent as Cache-Control") {
  CHECK(headers_for({"--refresh"}).get("Cache-Control") == "no-cache");
  CHECK(headers_for({"--offline"}).get("Cache-Control").find("only-if-cached") != std::string_view::npos);
}

TEST_CASE("the time zone is TZ's, in its three spellings") {
  CHECK(api::local_time_zone(environment({{"TZ", "Asia/Tokyo"}})) == "Asia/Tokyo");
  CHECK(api::local_time_zone(environment({{"TZ", ":Asia/Tokyo"}})) == "Asia/Tokyo");
  CHECK(api::local_time_zone(environment({{"TZ", "/usr/share/zoneinfo/Asia/Tokyo"}})) == "Asia/Tokyo");
  CHECK(api::local_time_zone(environment({{"TZ", "/elsewhere/x"}})).empty());
}

TEST_CASE("the terminal decides colours unless the environment does") {
  const auto colour = [](std::map<std::string, std::string> values, bool terminal) {
    return api::decide_terminal(environment(std::move(values)), terminal).colour;
  };
  CHECK(colour({}, true));
  CHECK_FALSE(colour({}, false));
  CHECK_FALSE(colour({{"NO_COLOR", "1"}}, true));
  CHECK_FALSE(colour({{"CLICOLOR", "0"}}, true));
  CHECK(colour({{"CLICOLOR_FORCE", "1"}}, false));
  CHECK_FALSE(colour({{"CLICOLOR_FORCE", "0"}}, false));
  CHECK(colour({{"CLICOLOR_FORCE", "1"}, {"NO_COLOR", "1"}}, false));
  CHECK(colour({{"GH_FORCE_TTY", "100%"}}, false));
  CHECK_FALSE(colour({{"GH_FORCE_TTY", "1"}, {"NO_COLOR", "1"}}, false));
}

TEST_CASE("-i prints canonical names, sorted and joined, without the agent's own") {
  CHECK(api::format_head(200, "OK", {{"x-b", "1"}, {"ETag", "e"}, {"X-B", "2"}, {"Ghoard-Agent", "1"}, {"Status", "s"}},
                         false) == "HTTP/1.1 200 OK\nEtag: e\r\nX-B: 1, 2\r\n\r\n");
  CHECK(api::format_head(404, "", {{"a", "b"}}, true) == "HTTP/1.1 404\n\x1b[1;34mA\x1b[m: b\r\n\r\n");
}

TEST_CASE("JSON is known by its content type") {
  for (const char* type : {"application/json", "application/json; charset=utf-8", "application/vnd.github.v3+json"}) {
    CHECK_MESSAGE(api::is_json_type(type), type);
  }
  for (const char* type : {"text/plain", "", "json", "application/jsonl", "application/xjson", "application/json2"}) {
    CHECK_FALSE_MESSAGE(api::is_json_type(type), type);
  }
}

TEST_CASE("the logged exchange hides credentials, whoever set them") {
  link::ApiCall call;
  call.origin.host = "api.github.com";
  call.target = "/user";
  call.headers = {{"Authorization", "Bearer ghp_secret"}, {"Cookie", "secret=1"}, {"X-A", "b"}};
  call.body = R"({"a":1})";
  const std::string text = api::describe_request(call, true, 0);
  CHECK(text.find("secret") == std::string::npos);
  CHECK(text.find("> Authorization: Bearer \u2588") != std::string::npos);
  CHECK(text.find("* Request to https://api.github.com/user\n> GET /user HTTP/1.1\n> Host: api.github.com\n") !=
        std::string::npos);
  CHECK(text.find("* Request at 1970-01-01 00:00:00 +0000 UTC\n") == 0);
  CHECK(text.ends_with("> X-A: b\n\n{\n  \"a\": 1\n}\n\n"));

  const link::Answer answer{404, "Not Found", {{"Set-Cookie", "secret"}}};
  CHECK(api::describe_answer(answer, "plain", 1.5) ==
        "< HTTP/1.1 404 Not Found\n< Set-Cookie: " +
            std::string("\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588"
                        "\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588") +
            "\n\nplain\n\n* Request took 1.500ms\n");
}

TEST_CASE("the last page's number is read from its link") {
  CHECK(api::last_page("<https://x/y?page=2>; rel=\"next\", <https://x/y?per_page=3&page=40>; rel=\"last\"") == 40);
  CHECK_FALSE(api::last_page("<https://x/y?page=2>; rel=\"next\""));
  CHECK_FALSE(api::last_page("<https://x/y?after=2>; rel=\"last\""));
}
