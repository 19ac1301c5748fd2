// Whole commands against a scripted carrier: redirects, pages, errors, output. No agent, no network.

#include "cli/api/session.hpp"

#include <array>
#include <deque>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/api/endpoint.hpp"
#include "cli/api/fields.hpp"
#include "cli/api/query.hpp"
#include "cli/api/request.hpp"

using namespace ghoard;

namespace {

struct Scripted {
  int status = 200;
  http::Headers headers;
  std::string body;
  std::optional<base::Error> failure;  // after the body
};

class ScriptedCarrier final : public api::Carrier {
 public:
  base::Result<link::Answer> call(const link::ApiCall& call, const link::HeadCallback& on_head,
                                  const local::BodyCallback& on_body) override {
    calls.push_back(call);
    if (answers.empty()) {
      return base::fail(base::ErrorCode::unavailable, "the script is over");
    }
    const Scripted next = answers.front();
    answers.pop_front();
    const link::Answer answer{next.status, next.status == 200 ? "OK" : "Other", next.headers};
    on_head(answer);
    for (std::size_t at = 0; at < next.body.size(); at += 100000) {
      if (!on_body(std::string_view(next.body).substr(at, 100000))) {
        return base::fail(base::ErrorCode::refused, "the caller wants no more");
      }
    }
    if (next.failure) {
      return tl::unexpected(*next.failure);
    }
    return answer;
  }

  std::deque<Scripted> answers;
  std::vector<link::ApiCall> calls;
};

// An unnamed file that stands in for standard output or error.
class Capture {
 public:
  Capture() {
    std::string name = "/tmp/ghoard-out-XXXXXX";
    m_descriptor = ::mkstemp(name.data());
    REQUIRE(m_descriptor >= 0);
    ::unlink(name.c_str());
  }
  ~Capture() { ::close(m_descriptor); }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  [[nodiscard]] int descriptor() const { return m_descriptor; }
  [[nodiscard]] std::string text() const {
    std::string text(static_cast<std::size_t>(::lseek(m_descriptor, 0, SEEK_END)), '\0');
    REQUIRE(::pread(m_descriptor, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    return text;
  }

 private:
  int m_descriptor = -1;
};

struct Ran {
  int exit_code = 0;
  std::string out;
  std::string error;
  std::vector<link::ApiCall> calls;
};

const http::Headers json{{"Content-Type", "application/json"}};

http::Headers json_with(std::string name, std::string value) {
  http::Headers headers = json;
  headers.add(std::move(name), std::move(value));
  return headers;
}

http::Headers next_link(const std::string& url) {
  return json_with("Link", "<" + url + ">; rel=\"next\"");
}

// What prepare() builds, without files, git or environment.
api::Prepared prepared_for(const api::Arguments& arguments) {
  api::Prepared prepared;
  const api::FieldSources sources{[](const std::string&) -> base::Result<std::string> { return std::string(); },
                                  [](std::string_view text) -> base::Result<std::string> { return std::string(text); }};
  prepared.parameters = api::parse_fields(arguments.raw_fields, arguments.fields, sources).value();
  const http::Url url = api::endpoint_url(arguments.endpoint, "github.com").value();
  link::ApiCall& call = prepared.call;
  call.origin = url.origin;
  call.target = url.target;
  call.headers = api::request_headers(arguments, "UTC").value();
  call.method = arguments.method_given || prepared.parameters.empty() ? arguments.method : "POST";
  if (!prepared.parameters.empty() && call.method != "GET") {
    call.body = arguments.is_graphql() ? api::to_json(api::group_graphql_variables(prepared.parameters))
                                       : api::to_json(api::Value{prepared.parameters});
  }
  return prepared;
}

struct Options {
  bool colour = false;
  bool debug = false;
  bool lacked_credentials = false;
  int body_fd = -1;
  std::function<base::Result<void>(std::string_view)> filter;
};

Ran run(const std::vector<std::string>& words, std::deque<Scripted> answers, const Options& options = {}) {
  const auto arguments = api::parse_arguments(words);
  REQUIRE_MESSAGE(arguments.has_value(), arguments.error().message);
  ScriptedCarrier carrier;
  carrier.answers = std::move(answers);
  const Capture out_file;
  const Capture error_file;
  api::Output out(out_file.descriptor());
  api::Output error(error_file.descriptor());
  std::string messages;
  api::Surroundings surroundings{
      .api_url = "http://127.0.0.1:99",
      .colour = options.colour,
      .debug = options.debug,
      .has_credential = [](const link::ApiCall& call) { return call.authorise; },
      .lacked_credentials = [&] { return options.lacked_credentials; },
      .report =
          [&](std::string_view message, std::string_view hint) {
            messages += "ghoard: " + std::string(message) + "\n";
            messages += hint.empty() ? "" : std::string(hint) + "\n";
          },
  };
  api::Prepared prepared = prepared_for(*arguments);
  prepared.call.body_fd = options.body_fd;
  api::Session session(*arguments, std::move(prepared), carrier, {out, error, options.filter}, surroundings);
  Ran ran;
  ran.exit_code = session.run();
  ran.out = out_file.text();
  ran.error = error_file.text() + messages;
  ran.calls = carrier.calls;
  return ran;
}

Scripted redirect(int status, const std::string& location) {
  return {status, {{"Location", location}, {"Content-Type", "text/html"}}, "moved", {}};
}

}  // namespace

TEST_CASE("a body is printed byte for byte, with no newline added") {
  const std::string odd("{\"a\": \r\n\t1.50}\xff");
  CHECK(run({"x"}, {{200, json, odd, {}}}).out == odd);
  const std::string binary("\x00\x1b\xff\\u001b", 9);
  CHECK(run({"x"}, {{200, {{"Content-Type", "application/zip"}}, binary, {}}}).out == binary);
  CHECK(run({"x"}, {{204, json, "", {}}}).out.empty());
}

TEST_CASE("-i prints the head first, --silent the head alone") {
  const http::Headers headers = json_with("Cache-Status", "ghoard; hit");
  const std::string head = "HTTP/1.1 200 OK\nCache-Status: ghoard; hit\r\nContent-Type: application/json\r\n\r\n";
  CHECK(run({"-i", "x"}, {{200, headers, "{}", {}}}).out == head + "{}");
  CHECK(run({"-i", "--silent", "x"}, {{200, headers, "{}", {}}}).out == head);
  CHECK(run({"--silent", "x"}, {{200, headers, "{}", {}}}).out.empty());
}

TEST_CASE("an error's body goes to standard output and its message to standard error") {
  const Scripted answer{404, json, R"({"message":"Not Found"})", {}};
  const Ran ran = run({"x"}, {answer});
  CHECK(ran.exit_code == 1);
  CHECK(ran.out == answer.body);
  CHECK(ran.error == "ghoard: Not Found (HTTP 404)\n");

  const Ran kept_off = run({"--error-body=stderr", "x"}, {answer});
  CHECK(kept_off.out.empty());
  CHECK(kept_off.error == answer.body + "\nghoard: Not Found (HTTP 404)\n");
}

TEST_CASE("status and body of an error are never lost, whatever the body is") {
  for (const char* body : {"[]", "{bad", "", "{\"message\":5}"}) {
    const Ran ran = run({"x"}, {{500, json, body, {}}});
    CHECK(ran.exit_code == 1);
    CHECK(ran.out == body);
    CHECK(ran.error == "ghoard: HTTP 500\n");
  }
  CHECK(run({"x"}, {{304, json, "", {}}}).error == "ghoard: HTTP 304\n");
  CHECK(run({"-X", "HEAD", "x"}, {{404, json, "", {}}}).error == "ghoard: HTTP 404\n");
}

TEST_CASE("a missing scope is hinted at") {
  http::Headers headers = json;
  headers.add("X-Accepted-OAuth-Scopes", "read:org");
  headers.add("X-OAuth-Scopes", "repo");
  const Ran ran = run({"x"}, {{403, headers, R"({"message":"no"})", {}}});
  CHECK(ran.error.find("gh auth refresh -h github.com -s read:org") != std::string::npos);
}

TEST_CASE("GraphQL errors fail although the status is 200, unless the path only looks like GraphQL") {
  const Scripted answer{200, json, R"({"data":null,"errors":[{"message":"E1"},{"message":"E2"}]})", {}};
  const Ran ran = run({"graphql", "-f", "query=Q"}, {answer});
  CHECK(ran.exit_code == 1);
  CHECK(ran.out == answer.body);
  CHECK(ran.error == "ghoard: E1\nE2\n");
  CHECK(run({"/graphql", "-f", "query=Q"}, {answer}).exit_code == 0);
}

TEST_CASE("a failure of ghoard's own prints one line and nothing on standard output") {
  const Ran ran =
      run({"-i", "x"}, {{502, json, R"({"message":"GitHub cannot be reached","ghoard_error":"upstream"})", {}}});
  CHECK(ran.exit_code == 1);
  CHECK(ran.out.empty());
  CHECK(ran.error == "ghoard: GitHub cannot be reached\n");
}

TEST_CASE("--offline without a stored answer says so") {
  const Ran ran = run({"--offline", "x/y"}, {{504, json, R"({"message":"m","ghoard_error":"not_stored"})", {}}});
  CHECK(ran.exit_code == 1);
  CHECK(ran.out.empty());
  CHECK(ran.error.starts_with("ghoard: nothing is stored for x/y"));
}

TEST_CASE("a write without credentials exits 4 with gh's words") {
  const Ran ran = run({"-X", "POST", "x"}, {}, {.lacked_credentials = true});
  CHECK(ran.exit_code == 4);
  CHECK(ran.error ==
        "ghoard: To get started with GitHub CLI, please run:  gh auth login\nAlternatively, populate the GH_TOKEN "
        "environment variable with a GitHub API authentication token.\n");
}

TEST_CASE("an answer cut short is not passed off as a whole one") {
  const base::Error cut{base::ErrorCode::truncated, "the answer ended early"};
  const Ran ran = run({"-i", "x"}, {{200, json, "{\"a\":", cut}});
  CHECK(ran.exit_code == 1);
  CHECK(ran.out.empty());
  CHECK(ran.error == "ghoard: the answer ended early\n");

  const std::string large(9U << 20, 'x');
  const Ran streamed = run({"x"}, {{200, {}, large, cut}});
  CHECK(streamed.exit_code == 1);
  CHECK(streamed.error == "ghoard: the answer ended early\n");
}

TEST_CASE("a large body streams through whole") {
  std::string large = "[\"";
  large.append(9U << 20, 'x');
  large += "\\u001b\"]";
  const Ran ran = run({"x"}, {{200, json, large, {}}});
  CHECK(ran.exit_code == 0);
  CHECK(ran.out.size() == large.size() - 4);
  CHECK(ran.out.ends_with("x^[\"]"));
}

TEST_CASE("colour lays JSON out, and leaves what is no JSON alone") {
  CHECK(run({"x"}, {{200, json, "{}", {}}}, {.colour = true}).out == "\x1b[1;38m{\x1b[m\x1b[1;38m}\x1b[m\n");
  CHECK(run({"x"}, {{200, json, "{\"a\":", {}}}, {.colour = true}).out == "{\"a\":");
  CHECK(run({"x"}, {{200, {}, "{}", {}}}, {.colour = true}).out == "{}");
}

TEST_CASE("301, 302 and 303 turn a write into a GET without a body") {
  for (const int status : {301, 302, 303}) {
    const Ran ran = run({"x", "-f", "a=1"}, {redirect(status, "https://api.github.com/y"), {200, json, "{}", {}}});
    REQUIRE(ran.calls.size() == 2);
    CHECK(ran.calls[1].method == "GET");
    CHECK(ran.calls[1].body.empty());
    CHECK(ran.calls[1].target == "/y");
    CHECK(ran.calls[1].authorise);
    CHECK(ran.out == "{}");
  }
  CHECK(run({"x", "-X", "HEAD"}, {redirect(302, "/y"), {200, json, "", {}}}).calls[1].method == "HEAD");
}

TEST_CASE("307 and 308 repeat a body of fields, but not a stream") {
  for (const int status : {307, 308}) {
    const Ran ran = run({"x", "-f", "a=1"}, {redirect(status, "/y"), {200, json, "{}", {}}});
    REQUIRE(ran.calls.size() == 2);
    CHECK(ran.calls[1].method == "POST");
    CHECK(ran.calls[1].body == R"({"a":"1"})");

    const Ran stream = run({"x", "-X", "POST"}, {redirect(status, "/y")}, {.body_fd = 0});
    CHECK(stream.calls.size() == 1);
    CHECK(stream.exit_code == 1);
    CHECK(stream.out == "moved");
    CHECK(stream.error == "ghoard: HTTP " + std::to_string(status) + "\n");
  }
}

TEST_CASE("credentials never follow a redirect to another origin, nor come back") {
  const Ran ran = run(
      {"x", "-H", "Authorization: token secret", "-H", "Cookie: a=b"},
      {redirect(302, "https://objects.example/z"), redirect(302, "https://api.github.com/y"), {200, json, "{}", {}}});
  REQUIRE(ran.calls.size() == 3);
  for (const std::size_t hop : {1U, 2U}) {
    CHECK_FALSE(ran.calls[hop].authorise);
    CHECK_FALSE(ran.calls[hop].headers.contains("Authorization"));
    CHECK_FALSE(ran.calls[hop].headers.contains("Cookie"));
  }
  CHECK(ran.calls[1].origin.host == "objects.example");
}

TEST_CASE("redirects end after ten, and a malformed one is an error") {
  std::deque<Scripted> circle(20, redirect(302, "/x"));
  const Ran ran = run({"x"}, circle);
  CHECK(ran.calls.size() == 11);
  CHECK(ran.exit_code == 1);
  CHECK(ran.error == "ghoard: stopped after 10 redirects\n");
  CHECK(run({"x"}, {redirect(302, "https://u:p@h/")}).error.find("malformed") != std::string::npos);
  const Ran without = run({"x"}, {{302, {}, "gone", {}}});
  CHECK(without.out == "gone");
  CHECK(without.error == "ghoard: HTTP 302\n");
}

TEST_CASE("a redirect of the configured upstream to itself stays with api.github.com") {
  const Ran ran = run({"x"}, {redirect(301, "http://127.0.0.1:99/repositories/1"), {200, json, "{}", {}}});
  REQUIRE(ran.calls.size() == 2);
  CHECK(ran.calls[1].origin.host == "api.github.com");
  CHECK(ran.calls[1].target == "/repositories/1");
  CHECK(ran.calls[1].authorise);
}

TEST_CASE("pages are followed and merged") {
  const Ran ran = run({"--paginate", "x"}, {{200, next_link("https://api.github.com/x?page=2"), "[1,2]", {}},
                                            {200, next_link("/x?page=3"), "[]", {}},
                                            {200, json, "[3]", {}}});
  CHECK(ran.exit_code == 0);
  CHECK(ran.out == "[1,2 ,3]");
  REQUIRE(ran.calls.size() == 3);
  CHECK(ran.calls[1].target == "/x?page=2");
  CHECK(ran.calls[2].target == "/x?page=3");
  CHECK(run({"x"}, {{200, next_link("/x?page=2"), "[1]", {}}}).calls.size() == 1);
}

TEST_CASE("a next page on another host gets no credentials") {
  const Ran ran =
      run({"--paginate", "x"}, {{200, next_link("https://evil.example/x"), "[1]", {}}, {200, json, "[2]", {}}});
  REQUIRE(ran.calls.size() == 2);
  CHECK_FALSE(ran.calls[1].authorise);
}

TEST_CASE("an error on a later page shows its body and leaves the list open") {
  const Ran ran =
      run({"--paginate", "x"}, {{200, next_link("/x?page=2"), "[1]", {}}, {404, json, R"({"message":"no"})", {}}});
  CHECK(ran.exit_code == 1);
  CHECK(ran.out == R"([1{"message":"no"})");
  CHECK(ran.error == "ghoard: no (HTTP 404)\n");
}

TEST_CASE("with -i pages stand apart by a newline") {
  const Ran ran = run({"--paginate", "-i", "x"}, {{200, next_link("/x?page=2"), "[1]", {}}, {200, json, "[2]", {}}});
  CHECK(ran.out ==
        "HTTP/1.1 200 OK\nContent-Type: application/json\r\nLink: </x?page=2>; rel=\"next\"\r\n\r\n[1]\n"
        "HTTP/1.1 200 OK\nContent-Type: application/json\r\n\r\n[2]");
}

TEST_CASE("--slurp makes one array of pages") {
  const std::deque<Scripted> pages{{200, next_link("/x?page=2"), "[1]", {}}, {200, json, "{\"a\":2}", {}}};
  CHECK(run({"--paginate", "--slurp", "x"}, pages).out == "[[1],{\"a\":2}]");
  CHECK(run({"--paginate", "--slurp", "x"}, pages, {.colour = true}).out.find("\"a\"") != std::string::npos);

  std::vector<std::string> documents;
  const auto filter = [&](std::string_view document) {
    documents.emplace_back(document);
    return base::Result<void>();
  };
  CHECK(run({"--paginate", "--slurp", "-q", ".", "x"}, pages, {.filter = filter}).exit_code == 0);
  CHECK(documents == std::vector<std::string>{"[[1],{\"a\":2}]"});
}

TEST_CASE("the filter runs page by page, but not over an error") {
  std::vector<std::string> documents;
  const auto filter = [&](std::string_view document) {
    documents.emplace_back(document);
    return base::Result<void>();
  };
  const Ran ran =
      run({"--paginate", "-q", ".", "x"},
          {{200, next_link("/x?page=2"), "[1]", {}}, {404, json, R"({"message":"no"})", {}}}, {.filter = filter});
  CHECK(documents == std::vector<std::string>{"[1]"});
  CHECK(ran.out == R"({"message":"no"})");
  CHECK(ran.exit_code == 1);

  const auto failing = [](std::string_view) -> base::Result<void> {
    return base::fail(base::ErrorCode::invalid_input, "jq: boom");
  };
  const Ran failed = run({"-q", ".", "x"}, {{200, json, "1", {}}}, {.filter = failing});
  CHECK(failed.exit_code == 1);
  CHECK(failed.error == "ghoard: jq: boom\n");
}

TEST_CASE("-q shows the body of an error that it cannot filter, and the status") {
  const auto failing = [](std::string_view) -> base::Result<void> {
    return base::fail(base::ErrorCode::invalid_input, "jq: not JSON");
  };
  const http::Headers html{{"Content-Type", "text/html"}};
  const Scripted answer{502, html, "<html>Bad Gateway</html>", {}};
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"-q", ".", "x"}, {"--paginate", "--slurp", "-q", ".", "x"}}) {
    const Ran ran = run(words, {answer}, {.filter = failing});
    CHECK(ran.exit_code == 1);
    CHECK(ran.out == answer.body);
    CHECK(ran.error == "ghoard: HTTP 502\n");
  }
  CHECK(run({"-q", ".", "x"}, {{500, json, "[1]", {}}}, {.filter = failing}).out == "[1]");
  CHECK(run({"-q", ".", "x"}, {{200, html, "<html>", {}}}, {.filter = failing}).error == "ghoard: jq: not JSON\n");
}

TEST_CASE("GraphQL pages follow the cursor") {
  const Ran ran = run({"graphql", "--paginate", "-f", "query=Q", "-f", "n=1"},
                      {{200, json, R"({"p":{"pageInfo":{"endCursor":"c1","hasNextPage":true}}})", {}},
                       {200, json, R"({"p":{"pageInfo":{"endCursor":"c2","hasNextPage":false}}})", {}}});
  CHECK(ran.exit_code == 0);
  REQUIRE(ran.calls.size() == 2);
  CHECK(ran.calls[0].body == R"({"query":"Q","variables":{"n":"1"}})");
  CHECK(ran.calls[1].body == R"({"query":"Q","variables":{"endCursor":"c1","n":"1"}})");
  CHECK(ran.out.find("}}}{") != std::string::npos);
}

TEST_CASE("a GraphQL query that ignores its cursor does not loop for ever") {
  const Scripted same{200, json, R"({"p":{"pageInfo":{"endCursor":"c1","hasNextPage":true}}})", {}};
  const Ran ran = run({"graphql", "--paginate", "-f", "query=Q"}, {same, same, same});
  CHECK(ran.calls.size() == 2);
  CHECK(ran.exit_code == 1);
  CHECK(ran.error.find("$endCursor") != std::string::npos);
}

TEST_CASE("--verbose prints the exchange instead, GH_DEBUG=api besides") {
  const Ran verbose = run({"--verbose", "x"}, {{200, json, "{\"a\":1}", {}}});
  CHECK(verbose.out.find("> GET /x HTTP/1.1\n") != std::string::npos);
  CHECK(verbose.out.find("> Authorization: token \u2588") != std::string::npos);
  CHECK(verbose.out.find("< HTTP/1.1 200 OK\n") != std::string::npos);
  CHECK(verbose.out.find("{\n  \"a\": 1\n}\n") != std::string::npos);
  CHECK(verbose.out.find("{\"a\":1}") == std::string::npos);
  const Ran debug = run({"x"}, {{200, json, "{\"a\":1}", {}}}, {.debug = true});
  CHECK(debug.out == "{\"a\":1}");
  CHECK(debug.error.find("> GET /x HTTP/1.1\n") != std::string::npos);
}
