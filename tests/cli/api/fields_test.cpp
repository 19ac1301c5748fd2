// Expected values were observed on gh 2.23, except where a comment says otherwise.

#include "cli/api/fields.hpp"

#include <doctest/doctest.h>
#include <vector>

using namespace ghoard;

namespace {

using Line = std::vector<std::string>;

api::FieldSources sources() {
  return {[](const std::string& name) -> base::Result<std::string> {
            if (name == "file") {
              return "5\n";
            }
            return base::fail(base::ErrorCode::system, "open " + name + ": no such file or directory");
          },
          [](std::string_view text) -> base::Result<std::string> {
            return text == "{owner}" ? "octo" : std::string(text);
          }};
}

std::string json(const Line& raw, const Line& typed = {}) {
  const auto fields = api::parse_fields(raw, typed, sources());
  return fields ? api::to_json(api::Value{*fields}) : "error: " + fields.error().message;
}

}  // namespace

TEST_CASE("raw fields are strings, typed ones are what they look like") {
  CHECK(json({"a=1"}) == R"({"a":"1"})");
  CHECK(json({}, {"a=007", "b=+5", "c=-0", "d=9223372036854775807", "e=true", "f=false", "g=null"}) ==
        R"({"a":7,"b":5,"c":0,"d":9223372036854775807,"e":true,"f":false,"g":null})");
  CHECK(json({}, {"a=9223372036854775808", "b=1.5", "c=1e3", "d=True", "e= 5", "f=1_000", "g=", "h=+-5", "i=-"}) ==
        R"({"a":"9223372036854775808","b":"1.5","c":"1e3","d":"True","e":" 5","f":"1_000","g":"","h":"+-5","i":"-"})");
}

TEST_CASE("files and placeholders fill typed fields only") {
  CHECK(json({"a=@file", "b={owner}"}) == R"({"a":"@file","b":"{owner}"})");
  CHECK(json({}, {"a=@file", "b={owner}"}) == R"({"a":"5\n","b":"octo"})");
  CHECK(json({}, {"a=@none"}) == "error: error parsing \"a\" value: open none: no such file or directory");
}

TEST_CASE("keys nest") {
  CHECK(json({"a[b]=1", "a[c]=2"}) == R"({"a":{"b":"1","c":"2"}})");
  CHECK(json({"a[]=1", "a[]=2"}, {"a[]=3"}) == R"({"a":["1","2",3]})");
  CHECK(json({"a[]"}) == R"({"a":[]})");
  CHECK(json({}, {"a[]=null"}) == R"({"a":[]})");
  CHECK(json({"a[b][c]=1", "a[b][d][]=2", "a[b][d][]=3"}) == R"({"a":{"b":{"c":"1","d":["2","3"]}}})");
}

TEST_CASE("an array of objects begins a new one when a key repeats") {
  CHECK(json({"p[][n]=1", "p[][m]=2", "p[][n]=3"}) == R"({"p":[{"m":"2","n":"1"},{"n":"3"}]})");
  // gh 2.60: an array inside goes on in the same object.
  CHECK(json({"p[][a][]=1", "p[][a][]=2", "p[][b]=1"}) == R"({"p":[{"a":["1","2"],"b":"1"}]})");
}

TEST_CASE("odd keys are read as gh reads them") {
  CHECK(json({"k[s=1"}) == R"({"k":"1"})");
  CHECK(json({"[a]=1"}) == R"({"a":["1"]})");
  CHECK(json({"=x"}) == R"({"":["x"]})");
}

TEST_CASE("mistakes in fields are told in gh's words") {
  CHECK(json({"a"}) == R"(error: invalid key: "a")");
  CHECK(json({"a[b]"}) == R"(error: field "a[b]" requires a value separated by an '=' sign)");
  CHECK(json({"a=1", "a[]=2"}) == R"(error: expected array type under "a", got string)");
  CHECK(json({"a[]=1", "a[b]=2"}) == R"(error: expected map type under "a", got []interface {})");
  CHECK(json({"a=1", "a=2"}) == R"(error: unexpected override existing field under "a")");
  CHECK(json({"a[b]=1", "a=2"}) == R"(error: unexpected override existing field under "a")");
}

TEST_CASE("raw fields are applied first, whatever their place on the line") {
  CHECK(json({"a[b]=1"}, {"a[]=2"}) == R"(error: expected array type under "a", got map[string]interface {})");
}

TEST_CASE("JSON is escaped as Go does it") {
  CHECK(json({"p=<a>&\"\\\x01\b\f\n\r\t\u2028\xff\u00e9"}) ==
        R"({"p":"\u003ca\u003e\u0026\"\\\u0001\b\f\n\r\t\u2028\ufffdé"})");
  CHECK(json({"a=\xed\xa0\x80"}) == R"({"a":"\ufffd\ufffd\ufffd"})");
}

TEST_CASE("a GraphQL request groups everything but its query and operation") {
  const auto fields = api::parse_fields(Line{"query=Q", "operationName=o", "n=1"}, {}, sources());
  REQUIRE(fields.has_value());
  CHECK(api::to_json(api::group_graphql_variables(*fields)) ==
        R"({"operationName":"o","query":"Q","variables":{"n":"1"}})");
  const auto alone = api::parse_fields(Line{"query=Q"}, {}, sources());
  CHECK(api::to_json(api::group_graphql_variables(*alone)) == R"({"query":"Q"})");
}

TEST_CASE("a key of ten thousand brackets is refused, not followed") {
  std::string key = "a";
  for (int i = 0; i < 10000; ++i) {
    key += "[b]";
  }
  CHECK(json({key + "=1"}) == "error: invalid key: nested too deeply");
}
