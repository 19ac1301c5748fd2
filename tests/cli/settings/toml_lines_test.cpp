#include "cli/settings/toml_lines.hpp"

#include <doctest/doctest.h>

using namespace ghoard;
using Type = settings::TomlLine::Type;

namespace {

settings::TomlLine one(std::string_view text) {
  const auto lines = settings::parse_toml_lines(text);
  REQUIRE(lines);
  REQUIRE(lines->size() == 1);
  CHECK(lines->front().end <= text.size());
  return lines->front();
}

std::string error(std::string_view text) {
  const auto lines = settings::parse_toml_lines(text);
  return lines ? "(none)" : std::to_string(lines.error().line) + ": " + lines.error().message;
}

}  // namespace

TEST_CASE("booleans, integers, strings and arrays of strings are read with their place in the file") {
  CHECK(one("a = true").type == Type::boolean);
  CHECK(one("a=false # x").text == "false");
  CHECK(one("a = 1_000").text == "1000");
  CHECK(one("a = -0").text == "0");
  CHECK(one("a = +7\r\n").text == "7");
  CHECK(one("a = 9223372036854775807").type == Type::integer);
  CHECK(one("a = 'lit\\n'").text == "lit\\n");
  CHECK(one("a = \"\"").text == "");
  CHECK(one("a = [ 'x' , \"y\", ] # z").text == "x,y");
  CHECK(one("a = [ # c\n  'x', # d\n\n  'y'\n]").text == "x,y");
  CHECK(one("a = []").type == Type::list);
  const std::string text = "# caf\xc3\xa9\n\n  b-1 =  \"caf\xc3\xa9\" # tail\n";
  const settings::TomlLine line = one(text);
  CHECK(line.key == "b-1");
  CHECK(line.line == 3);
  CHECK(text.substr(line.begin, line.end - line.begin) == "\"caf\xc3\xa9\"");
}

TEST_CASE("escapes are TOML's") {
  CHECK(one(R"(a = "\b\t\n\f\r\"\\")").text == "\b\t\n\f\r\"\\");
  CHECK(one(R"(a = "\u00e9\U0001F600")").text == "\xc3\xa9\xf0\x9f\x98\x80");
  for (const char* text : {R"(a = "\x")", R"(a = "\e")", R"(a = "\ud800")", R"(a = "\U00110000")", R"(a = "\u12")",
                           R"(a = "\u+123")", "a = \"\\"}) {
    CAPTURE(text);
    CHECK(error(text).starts_with("1: malformed TOML"));
  }
}

TEST_CASE("other values of TOML are told from settings' ones") {
  for (const char* text : {"a = 1.5", "a = 1e3", "a = 0x10", "a = 007", "a = 1__0", "a = _1", "a = 1979-05-27",
                           "a = inf", "a = True", "a = {b=1}", "a = 9223372036854775808", "a = 0\xc3\xa9"}) {
    CAPTURE(text);
    CHECK(one(text).type == Type::other);
  }
}

TEST_CASE("what has no place in the file is an error with its line") {
  CHECK(error("\n[t]") == "2: config.toml has no tables, only lines such as `default_ttl = 300`");
  CHECK(error("[=]") == error("[[a]]"));
  CHECK(error("a = \"\"\"x\"\"\"") == "1: a multi-line string has no place here");
  CHECK(error("a = [1, }") == "1: an array holds strings here");
  CHECK(error("a = ['x,y']") == "1: an item of an array may not hold a comma here");
  CHECK(error("a = 1\na = 2") == "2: malformed TOML: a second a");
  CHECK(error("a = ['x'\n'y']") == "2: malformed TOML: a comma or ] is missing in an array");
  CHECK(error("a = [\n\n").starts_with("3: malformed TOML: an array does not end"));
  for (const char* text :
       {"a", "a =", "= 1", "a.b = 1", "\"a\" = 1", "a = 'x", "a = \"x\n\"", "a = 1 2", "a = 'x'y", "a = 1\rb = 2",
        "a = \x01", "# \x7f", "# \xff", "# \xc0\x80", "# \xed\xa0\x80", "# \xf4\x90\x80\x80", "# \xe2\x82",
        "\xef\xbb\xbf"
        "a = 1"}) {
    CAPTURE(text);
    CHECK(error(text).starts_with("1: malformed TOML"));
  }
  CHECK(settings::parse_toml_lines("")->empty());
  CHECK(settings::parse_toml_lines("\n # only words\n\t\n")->empty());
}
