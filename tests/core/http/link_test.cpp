#include "core/http/link.hpp"

#include <doctest/doctest.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "core/http/message.hpp"

using ghoard::http::find_link;

namespace {

constexpr std::string_view pages =
    R"(<https://api.github.com/repositories/1/issues?page=2>; rel="next", <https://api.github.com/repositories/1/issues?page=5>; rel="last")";

}  // namespace

TEST_CASE("a relation is found wherever it stands") {
  CHECK(find_link(pages, "next") == "https://api.github.com/repositories/1/issues?page=2");
  CHECK(find_link(pages, "last") == "https://api.github.com/repositories/1/issues?page=5");
  CHECK_FALSE(find_link(pages, "prev").has_value());
  CHECK_FALSE(find_link(pages, "").has_value());
  CHECK_FALSE(find_link("", "next").has_value());
}

TEST_CASE("relation types compare without case, and several may share one link") {
  CHECK(find_link("<a>; REL=NEXT", "next") == "a");
  CHECK(find_link("<a>; rel=\"prev next\"", "next") == "a");
  CHECK_FALSE(find_link("<a>; rel=\"nextish\"", "next").has_value());
}

TEST_CASE("only the first rel parameter of a link counts") {
  CHECK_FALSE(find_link("<a>; rel=prev; rel=next", "next").has_value());
}

TEST_CASE("commas, semicolons and escapes inside quotes and targets belong to them") {
  CHECK(find_link(R"(<a,b;c>; title="x, <y>; rel=\"next\""; rel=next)", "next") == "a,b;c");
  CHECK(find_link(R"(<a>; title="rel=next", <b>; rel=next)", "next") == "b");
}

TEST_CASE("white space and empty elements are skipped") {
  CHECK(find_link(" , ,\t<a> ;  rel = next ; ;", "next") == "a");
}

TEST_CASE("a link about another resource is not ours") {
  CHECK(find_link("<a>; rel=next; anchor=\"/x\", <b>; rel=next", "next") == "b");
}

TEST_CASE("nothing is read past a malformed link") {
  for (const char* text :
       {"a; rel=next", "<a; rel=next", "<a> rel=next", "<a>; rel=\"next", "x, <a>; rel=next", "<a>; =x; rel=next"}) {
    CAPTURE(text);
    CHECK_FALSE(find_link(text, "next").has_value());
  }
  CHECK(find_link("<a>; rel=next, broken", "next") == "a");
}

TEST_CASE("recorded pages link to each other") {
  const auto recorded = nlohmann::json::parse(std::ifstream(GHOARD_SOURCE_DIR "/tests/data/recorded_github.json"));
  std::set<std::string> next;
  std::set<std::string> last;
  for (const auto& exchange : recorded.at("exchanges")) {
    for (const auto& header : exchange.at("headers")) {
      if (!ghoard::http::iequals(header.at(0).get<std::string>(), "link")) {
        continue;
      }
      const std::string value = header.at(1);
      next.insert(find_link(value, "next").value_or("none"));
      last.insert(find_link(value, "last").value_or("none"));
    }
  }
  const std::string base = "https://api.github.com/repositories/515435940/issues?per_page=3&page=";
  CHECK(next == std::set<std::string>{"none", base + "2", base + "3", base + "4", base + "5"});
  CHECK(last == std::set<std::string>{"none", base + "5"});
}
