#include <doctest/doctest.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "core/github/invalidation.hpp"

using namespace ghoard::github;

namespace ghoard::github {

std::ostream& operator<<(std::ostream& out, GraphqlOperation operation) {
  return out << static_cast<int>(operation);
}

}  // namespace ghoard::github

namespace {

using Operation = GraphqlOperation;

Operation run(std::string_view document, std::optional<std::string> name = {}) {
  nlohmann::json body{{"query", document}, {"variables", {{"a", {1, {{"query", "mutation"}}}}}}};
  if (name) {
    body["operationName"] = *name;
  }
  return graphql_operation(body.dump());
}

}  // namespace

TEST_CASE("the three operations and the shorthand are told apart") {
  CHECK(run("query { viewer { login } }") == Operation::query);
  CHECK(run("{ viewer { login } }") == Operation::query);
  CHECK(run("mutation M($id: ID!) { addStar(input: {starrableId: $id}) { clientMutationId } }") == Operation::mutation);
  CHECK(run("subscription { x }") == Operation::subscription);
  CHECK(run("\xEF\xBB\xBFquery{x}") == Operation::query);
}

TEST_CASE("words and braces inside values, comments and strings decide nothing") {
  CHECK(run("# mutation { x }\nquery Q { x(a: \"} mutation {\", b: 1.5e-3) }") == Operation::query);
  CHECK(run("query { x(a: \"\"\"} \\\"\"\" mutation {\"\"\") }") == Operation::query);
  CHECK(run("query { x(a: \"\\\"}\") mutation }") == Operation::query);
  CHECK(run("query ($a: In = {k: [{v: 1}], e: ON}) @d(x: {y: 2}) { ...F ... on T { z } } fragment F on T { y }") ==
        Operation::query);
  CHECK(run("mutation # query\r{ x }") == Operation::mutation);
  CHECK(run("fragment mutation on T { y } query { ...mutation }") == Operation::query);
  CHECK(run("query mutation { x }") == Operation::query);
}

TEST_CASE("of several operations the named one runs") {
  const char* both = "query Q { x } mutation M { y } fragment F on T { z }";
  CHECK(run(both, "Q") == Operation::query);
  CHECK(run(both, "M") == Operation::mutation);
  CHECK(run(both, "F") == Operation::unknown);
  CHECK(run(both, "X") == Operation::unknown);
  CHECK(run(both) == Operation::unknown);
  CHECK(run("query Q {x}", "Q") == Operation::query);
  CHECK(run("query Q {x}", "q") == Operation::unknown);
  CHECK(run("query Q {x} mutation Q {y}", "Q") == Operation::unknown);
  CHECK(run("query Q {x}", "") == Operation::query);
}

TEST_CASE("anything odd in the document is unknown") {
  for (const char* document : {"",
                               " ",
                               "x",
                               "query",
                               "query Q",
                               "query {",
                               "query { x",
                               "query { x } }",
                               "query ( { x }",
                               "query { x ) }",
                               "query [ { x } )",
                               "}",
                               "{ x } \"text\" mutation { y }",
                               "type T { x: Int }",
                               "extend query { x }",
                               "query { \"open }",
                               "query { \"\"\"open\" }",
                               "query { \"a\nb\" }",
                               "fragment F on T { x }",
                               "query { x ` }",
                               "query \xC3\xA9 { x }",
                               "query { x \\ }",
                               "QUERY { x }"}) {
    CAPTURE(document);
    CHECK(run(document) == Operation::unknown);
  }
  CHECK(run("query " + std::string(500, '{') + std::string(500, '}')) == Operation::unknown);
}

TEST_CASE("an envelope that two readers could understand differently is unknown") {
  CHECK(graphql_operation(R"({"query":"{x}"})") == Operation::query);
  CHECK(graphql_operation(R"({"query":"{x}","operationName":null})") == Operation::query);
  for (const char* body : {"",
                           "null",
                           "1",
                           "\"query\"",
                           "[]",
                           R"([{"query":"{x}"}])",
                           "{}",
                           R"({"query":null})",
                           R"({"query":1})",
                           R"({"query":["{x}"]})",
                           R"({"query":{"query":"{x}"}})",
                           R"({"query":"{x}","query":"mutation{x}"})",
                           R"({"query":"{x}","\u0071uery":"mutation{x}"})",
                           R"({"query":"{x}","operationName":1})",
                           R"({"query":"{x}","operationName":["Q"]})",
                           R"({"query":"{x}","operationName":"Q","operationName":"R"})",
                           R"({"query":"{x}")",
                           R"({"query":"{x}"} x)",
                           R"({"variables":{"query":"{x}"}})",
                           "{\"query\":\"{x}\xff\"}"}) {
    CAPTURE(body);
    CHECK(graphql_operation(body) == Operation::unknown);
  }
}

TEST_CASE("a body over the cap or nested without end is unknown") {
  const std::string padding(1024 * 1024, ' ');
  CHECK(graphql_operation("{\"query\":\"{x}\"}" + padding) == Operation::unknown);
  const std::string deep = "{\"query\":\"{x}\",\"variables\":" + std::string(300'000, '[');
  CHECK(graphql_operation(deep) == Operation::unknown);
  CHECK(graphql_operation(deep + std::string(300'000, ']') + "}") == Operation::unknown);
}

TEST_CASE("GraphQL has two addresses and one method") {
  CHECK(is_graphql("POST", "/graphql"));
  CHECK(is_graphql("POST", "/api/graphql"));
  CHECK_FALSE(is_graphql("GET", "/graphql"));
  CHECK_FALSE(is_graphql("POST", "/graphql/x"));
  CHECK_FALSE(is_graphql("POST", "/repos/o/graphql"));
}
