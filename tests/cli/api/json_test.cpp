#include <doctest/doctest.h>
#include <vector>

#include "cli/api/json_print.hpp"
#include "cli/api/json_reader.hpp"
#include "cli/api/page_info.hpp"

using namespace ghoard;
using api::Colour;
using api::JsonKind;

namespace {

bool is_valid(std::string_view text) {
  return api::print_json(text, Colour::off).has_value();
}

std::string plain(std::string_view text) {
  return api::print_json(text, Colour::off).value_or("invalid");
}

}  // namespace

TEST_CASE("the reader takes what RFC 8259 takes") {
  for (const char* text : {"1", "-0", "1.5e+10", "\"\"", "[]", "{}", "null", " [ 1 , {\"a\" : true} ] \n",
                           "\"\\ud83d\\ude00\"", "{\"a\":{\"a\":[[],[{}]]}}", "1E2", "\"\xff\""}) {
    CHECK_MESSAGE(is_valid(text), text);
  }
  for (const char* text : {"",
                           " ",
                           "01",
                           "1.",
                           ".5",
                           "+1",
                           "-",
                           "1e",
                           "[1,]",
                           "[,1]",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{a:1}",
                           "{\"a\":1,}",
                           "\"a",
                           "\"\\x\"",
                           "\"\\u12g4\"",
                           "\"\\u12",
                           "tru",
                           "nulll",
                           "[1}",
                           "1 2",
                           "[1",
                           "]",
                           "\"\n\"",
                           "{\"a\":1 \"b\":2}",
                           "'a'"}) {
    CHECK_MESSAGE(!is_valid(text), text);
  }
  CHECK_FALSE(is_valid(std::string(20000, '[')));
  CHECK(is_valid(std::string(9000, '[') + std::string(9000, ']')));
}

TEST_CASE("strings are decoded, with U+FFFD for half a surrogate pair") {
  CHECK(api::decode_json_string(R"("a\"\\\/\b\f\n\r\té")") == "a\"\\/\b\f\n\r\t\u00e9");
  CHECK(api::decode_json_string(R"("\ud83d\ude00")") == "\U0001F600");
  CHECK(api::decode_json_string(R"("\ud83dx\ude00")") == "\ufffdx\ufffd");
}

TEST_CASE("JSON is laid out with two spaces, in order, numbers as they were written") {
  CHECK(plain(R"({"b":[1,2.50,1e3,{}],"a":{"x":[]}})") ==
        "{\n  \"b\": [\n    1,\n    2.50,\n    1e3,\n    {}\n  ],\n  \"a\": {\n    \"x\": []\n  }\n}\n");
  CHECK(plain("\"\\u00e9\\/\\u2028\\u000b<\"") == "\"\u00e9/\\u2028\\u000b<\"\n");
}

TEST_CASE("colours are gh's, byte for byte") {
  // Observed on gh 2.23 with CLICOLOR_FORCE=1.
  CHECK(api::print_json(R"({"b":[1,"a",true,null,{}]})", Colour::on) ==
        "\x1b[1;38m{\x1b[m\n  \x1b[1;34m\"b\"\x1b[m\x1b[1;38m:\x1b[m \x1b[1;38m[\x1b[m\n    1\x1b[1;38m,\x1b[m\n    "
        "\x1b[32m\"a\"\x1b[m\x1b[1;38m,\x1b[m\n    \x1b[33mtrue\x1b[m\x1b[1;38m,\x1b[m\n    "
        "\x1b[36mnull\x1b[m\x1b[1;38m,\x1b[m\n    \x1b[1;38m{\x1b[m\x1b[1;38m}\x1b[m\n  "
        "\x1b[1;38m]\x1b[m\n\x1b[1;38m}\x1b[m\n");
}

TEST_CASE("the next page's cursor comes from the first pageInfo that has both members") {
  const auto cursor = [](std::string_view text) { return api::find_end_cursor(text).value_or("none"); };
  CHECK(cursor(R"({"data":{"a":{"pageInfo":{"endCursor":"c","hasNextPage":true}}}})") == "c");
  CHECK(cursor(R"({"data":{"a":{"pageInfo":{"hasNextPage":true,"endCursor":"c\u0041"}}}})") == "cA");
  CHECK(cursor(R"({"data":{"a":{"pageInfo":{"hasNextPage":false,"endCursor":"c"}}}})") == "none");
  CHECK(cursor(R"({"data":{"a":{"pageInfo":{"hasNextPage":false,"endCursor":null}}}})") == "none");
  CHECK(cursor(R"({"a":{"pageInfo":{"endCursor":"1"}},"b":{"pageInfo":{"endCursor":"2","hasNextPage":true}}})") == "2");
  CHECK(cursor(R"({"endCursor":"1","hasNextPage":true})") == "none");
  CHECK(cursor(R"({"pageInfo":{"x":{"endCursor":"1","hasNextPage":true}}})") == "none");
  CHECK(cursor(R"({"pageInfo":{"endCursor":"1")") == "none");
  CHECK(cursor("") == "none");
}
