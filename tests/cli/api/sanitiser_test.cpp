#include "cli/api/sanitiser.hpp"

#include <doctest/doctest.h>
#include <vector>

#include "cli/api/array_merger.hpp"

using namespace ghoard;

namespace {

std::string sanitised(std::string_view text, std::size_t piece) {
  api::Sanitiser sanitiser;
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    sanitiser.feed(text.substr(at, piece), out);
  }
  sanitiser.finish(out);
  return out;
}

std::string merged(const std::vector<std::string>& pages, std::size_t piece) {
  api::ArrayMerger merger;
  std::string out;
  for (std::size_t page = 0; page < pages.size(); ++page) {
    merger.begin_page();
    for (std::size_t at = 0; at < pages[page].size(); at += piece) {
      merger.feed(std::string_view(pages[page]).substr(at, piece), out);
    }
    merger.end_page(page + 1 == pages.size(), out);
  }
  return out;
}

void check_sanitised(std::string_view text, std::string_view expected) {
  for (const std::size_t piece : {1, 2, 3, 5, 7, 1000}) {
    CHECK_MESSAGE(sanitised(text, piece) == expected, std::string(text), " in pieces of ", piece);
  }
}

void check_merged(const std::vector<std::string>& pages, std::string_view expected) {
  for (const std::size_t piece : {1, 2, 3, 1000}) {
    CHECK_MESSAGE(merged(pages, piece) == expected, std::string(expected), " in pieces of ", piece);
  }
}

}  // namespace

TEST_CASE("a control is found wherever it stands, between bytes of every kind") {
  for (const char filling : {'a', ' ', '\t', '\n', '\x7f', '\x80', '\xc1', '\xc3', '\xff'}) {
    for (std::size_t at = 0; at < 20; ++at) {
      const std::string before(at, filling);
      const std::string after(19 - at, filling);
      check_sanitised(before + '\x1b' + after, before + "^[" + after);
      check_sanitised(before + "\xc2\x9b" + after, before + "^[" + after);
      check_sanitised(before + "\\u001b" + after, before + "^[" + after);
      check_sanitised(before + "\\n\xc2\xa0" + after, before + "\\n\xc2\xa0" + after);
    }
  }
}

TEST_CASE("control characters become carets, however the body is cut") {
  check_sanitised("a\x1b[31mb\x01\x7f", "a^[[31mb^A\x7f");
  check_sanitised(R"("\u001b[\u0000\u001F\u0080\u009b\u0007")", R"("^[[^@^_^@^[^G")");
  check_sanitised("\"\xc2\x9b\xc2\x80\xc2\xa0\xc3\xa9\"", "\"^[^@\xc2\xa0\xc3\xa9\"");
  check_sanitised(R"("\u001c")", R"("^\\")");
  check_sanitised("\x1c", R"(^\\)");
}

TEST_CASE("line ends, tabs and everything else stay byte for byte") {
  for (const char* text : {"{\"a\":\t1}\r\n\v", R"("\u000a\u0009\u000d\u000b\u00e9\u00a0\u0041\ud83d")", "\"\xff\xc2\"",
                           R"("\n\\\"\u00")", R"(\u001)", "\\", "", "\xc2"}) {
    check_sanitised(text, text);
  }
}

TEST_CASE("an escaped backslash before a caret keeps the JSON valid") {
  check_sanitised(R"("\\u001b")", R"("\\^[")");
  check_sanitised(R"("\\\u001b")", R"("\\^[")");
}

TEST_CASE("pages of a list become one array") {
  check_merged({"[1,2]", "[]", "[3]"}, "[1,2 ,3]");  // gh 2.60's bytes
  check_merged({"[1]"}, "[1]");
  check_merged({"[]"}, "[]");
  check_merged({"[[1]]", "[[2],[3]]"}, "[[1],[2],[3]]");
  check_merged({"[\"]\"]", "[\"[\"]"}, "[\"]\",\"[\"]");
}

TEST_CASE("merging never makes a list that is no JSON") {
  check_merged({"[]", "[3]"}, "[3]");
  check_merged({"[]", "[]", "[]"}, "[]");
  check_merged({"[]", "[]", "[1]", "[]"}, "[1]");
  check_merged({"[1]\n", "[2]\n"}, "[1,2]\n");
  check_merged({" [ 1 ] ", " [ ] ", "[ 2 ]"}, "[1 ,2 ]");
}

TEST_CASE("objects are put one after the other, and an error after a list leaves it open") {
  check_merged({"{\"a\":1}", "{\"a\":2}"}, "{\"a\":1}{\"a\":2}");
  check_merged({"[1]", "{\"message\":\"no\"}"}, "[1{\"message\":\"no\"}");
  check_merged({"", "  ", "x"}, "  x");
}
