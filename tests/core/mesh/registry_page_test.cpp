#include "core/mesh/registry_page.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/mesh/registry_record.hpp"

using namespace ghoard::mesh;

TEST_CASE("issues of the title are found, lowest number first, and pull requests are none") {
  const auto page = read_issue_page(
      R"([{"number":9,"title":"t","user":{"title":"t","number":1}},{"number":4,"title":"t","labels":[{"id":1}]},
          {"number":2,"title":"t","pull_request":{"url":"u"}},{"number":3,"title":"another"},{"number":1}])",
      "t");
  REQUIRE(page);
  CHECK(page->items == 5);
  CHECK(page->numbers == std::vector<std::uint64_t>{4, 9});
}

TEST_CASE("comments are read with their numbers, and those that are too long are left out but counted") {
  const std::string longest(longest_comment, 'x');
  const nlohmann::json list{{{"id", 5}, {"body", "a"}, {"reactions", {{"body", "no"}, {"id", 1}}}},
                            {{"id", 6}, {"body", longest}},
                            {{"id", 7}, {"body", longest + "x"}},
                            {{"id", 8}, {"body", nullptr}},
                            {{"id", -1}, {"body", "b"}},
                            {{"id", "9"}, {"body", "b"}}};
  const auto page = read_comment_page(list.dump());
  REQUIRE(page);
  CHECK(page->items == 6);
  REQUIRE(page->comments.size() == 2);
  CHECK(page->comments[0].id == 5);
  CHECK(page->comments[0].body == "a");
  CHECK(page->comments[1].id == 6);
}

TEST_CASE("no more than a page's worth of items is taken from an answer") {
  nlohmann::json list = nlohmann::json::array();
  for (int i = 1; i <= 5'000; ++i) {
    list.push_back({{"id", i}, {"body", "x"}});
  }
  CHECK(read_comment_page(list.dump())->comments.size() == 100);
}

TEST_CASE("answers of another form are told from empty ones") {
  CHECK(read_comment_page("[]")->items == 0);
  CHECK(read_issue_page("[1,[],null,\"x\"]", "t")->items == 0);
  for (const char* text : {"", "{}", "[", "null", "[{]", "\xff", R"({"message":"x"})"}) {
    CAPTURE(text);
    CHECK_FALSE(read_comment_page(text));
    CHECK_FALSE(read_issue_page(text, "t"));
  }
}

TEST_CASE("the number of what was created is its own, and not one of its parts'") {
  CHECK(read_created(R"({"user":{"id":3},"id":7,"number":2})", "id") == 7);
  CHECK(read_created(R"({"user":{"id":3},"id":7,"number":2})", "number") == 2);
  CHECK_FALSE(read_created(R"({"user":{"id":3}})", "id"));
  CHECK_FALSE(read_created("[]", "id"));
  CHECK_FALSE(read_created(R"({"id":0})", "id"));
}
