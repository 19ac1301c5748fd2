// Writes, failures of upstream, redirects and limits, end to end.

#include "tests/e2e/rig.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using namespace std::chrono_literals;

TEST_CASE("a read after a write is never the answer from before it, for any token") {
  Rig rig;
  for (const auto token : {tokens::user_1, tokens::user_1_second}) {
    REQUIRE(rig.run_api({"repos/acme/widgets/issues/7", "-q", ".title"}, token).exit_code == 0);
    REQUIRE(rig.run_api({"repos/acme/widgets/issues"}, token).exit_code == 0);
  }
  const auto write =
      rig.run_api({"-X", "PATCH", "repos/acme/widgets/issues/7", "-f", "title=changed by a test"}, tokens::user_1);
  CHECK(write.exit_code == 0);
  for (const auto token : {tokens::user_1, tokens::user_1_second}) {
    CHECK(rig.run_api({"repos/acme/widgets/issues/7", "-q", ".title"}, token).out == "changed by a test\n");
    const auto list = rig.run_api({"repos/acme/widgets/issues", "--paginate", "-q", ".[].title"}, token);
    CHECK(list.out.find("changed by a test") != std::string::npos);
  }
  rig.check_truth_in_counting();
}

TEST_CASE("a write whose answer is lost still marks what it may have changed, and is not repeated") {
  Rig rig;
  REQUIRE(rig.run_api({"repos/acme/widgets/issues/7"}).exit_code == 0);
  rig.github.fault({.kind = "reset_before_head", .method = "PATCH", .process = true});
  const auto write = rig.run_api({"-X", "PATCH", "repos/acme/widgets/issues/7", "-f", "title=lost answer"});
  CHECK(write.exit_code == 1);
  CHECK(write.out == "");
  CHECK(rig.github.counters().count("PATCH /repos/acme/widgets/issues/7") == 1);
  CHECK(rig.run_api({"repos/acme/widgets/issues/7", "-q", ".title"}).out == "lost answer\n");
  // Only answers are counted, and the write's was lost on its way.
  CHECK(rig.stats().at("upstream_requests") == rig.github.counters().requests);
  CHECK(rig.stats().at("api_calls_made") == rig.github.counters().quota_spent - 1);
}

TEST_CASE("a GraphQL mutation drops what its token was granted; a query leaves it") {
  Rig rig;
  REQUIRE(rig.run_api({"repos/acme/widgets"}).exit_code == 0);
  REQUIRE(rig.run_api({"graphql", "-f", "query=query { viewer { login } }"}).exit_code == 0);
  CHECK(rig.run_api({"repos/acme/widgets", "-i"}).out.find("ghoard; hit") != std::string::npos);
  const std::string id = rig.run_api({"repos/acme/widgets/issues/7", "-q", ".node_id"}).out;
  REQUIRE_FALSE(id.empty());
  const auto mutation = rig.run_api(
      {"graphql", "-f", "id=" + id.substr(0, id.size() - 1), "-f",
       "query=mutation($id: ID!) { updateIssue(input: {id: $id, title: \"by mutation\"}) { issue { title } } }"});
  CHECK(mutation.exit_code == 0);
  CHECK(rig.run_api({"repos/acme/widgets/issues/7", "-q", ".title"}).out == "by mutation\n");
  rig.check_truth_in_counting();
}

TEST_CASE("while GitHub is down a stale answer is served and marked; with --refresh the failure is shown") {
  Rig rig;
  rig.home.set("GHOARD_DEFAULT_TTL", "1");
  const auto truth = rig.run_api({"repos/acme/widgets"});
  REQUIRE(truth.exit_code == 0);
  rig.github.fault({.kind = "status", .status = 503, .count = -1});
  CHECK(eventually([&] {
    const auto stale = rig.run_api({"repos/acme/widgets", "-i"});
    return stale.exit_code == 0 && stale.out.find("detail=stale") != std::string::npos;
  }));
  const auto refresh = rig.run_api({"repos/acme/widgets", "--refresh"});
  CHECK(refresh.exit_code == 1);
  CHECK(refresh.err.find("503") != std::string::npos);
  const auto bounded = rig.run_api({"repos/acme/widgets", "--max-age", "0s"});
  CHECK(bounded.exit_code == 1);
  CHECK(rig.stats().at("stale_served").get<int>() >= 1);
  rig.check_truth_in_counting();
}

TEST_CASE("offline answers what is stored and fails with empty standard output otherwise") {
  Rig rig;
  REQUIRE(rig.run_api({"repos/acme/widgets"}).exit_code == 0);
  const std::uint64_t before = rig.github.counters().requests;
  CHECK(rig.run_api({"repos/acme/widgets", "--offline"}).exit_code == 0);
  const auto missing = rig.run_api({"repos/acme/gadgets", "--offline"});
  CHECK(missing.exit_code == 1);
  CHECK(missing.out == "");
  CHECK_FALSE(missing.err.empty());
  CHECK(rig.github.counters().requests == before);
  rig.check_truth_in_counting();
}

TEST_CASE("a body cut short by the server is an error without output, and is asked again next time") {
  Rig rig;
  for (const char* kind : {"truncate", "reset_mid_body"}) {
    CAPTURE(kind);
    rig.github.fault({.kind = kind});
    const auto cut = rig.run_api({"repos/acme/widgets"});
    CHECK(cut.exit_code == 1);
    CHECK(cut.out == "");
    CHECK_FALSE(cut.err.empty());
    const auto whole = rig.run_api({"repos/acme/widgets"});
    CHECK(whole.exit_code == 0);
    CHECK(nlohmann::json::parse(whole.out).at("name") == "widgets");
    CHECK(rig.home.run({"ghoard", "cache", "clear"}).exit_code == 0);
  }
}

TEST_CASE("a renamed repository is followed, an archive on another host is fetched without credentials") {
  Rig rig;
  const auto renamed = rig.run_api({"repos/acme/playground", "-q", ".full_name"});
  CHECK(renamed.exit_code == 0);
  CHECK(renamed.out == "acme/sandbox\n");
  const auto archive = rig.run_api({"repos/acme/widgets/tarball/main"});
  CHECK(archive.exit_code == 0);
  CHECK_FALSE(archive.out.empty());
  const StandInCounters counted = rig.github.counters();
  CHECK(counted.asset_requests == 1);
  CHECK(counted.asset_with_authorization == 0);
  rig.check_truth_in_counting();
}

TEST_CASE("a 20 MiB body is streamed whole and not kept") {
  Rig rig;
  for (int i = 0; i < 2; ++i) {
    const auto big =
        rig.run_api({"repos/acme/widgets/contents/data/huge.bin", "-H", "Accept: application/vnd.github.raw"});
    CHECK(big.exit_code == 0);
    CHECK(big.out.size() == 20U * 1024 * 1024);
  }
  CHECK(rig.stats().at("cache_entries") == 0);
  CHECK(rig.github.counters().requests == 2);
}

TEST_CASE("an exhausted limit is bridged, and told when there is nothing to bridge it with") {
  Rig rig;
  rig.home.set("GHOARD_DEFAULT_TTL", "1");
  REQUIRE(rig.run_api({"repos/acme/widgets"}).exit_code == 0);
  rig.github.config({{"rate_limit", 1}});
  REQUIRE(rig.run_api({"repos/acme/gadgets"}).exit_code != 0);
  const auto other = rig.run_api({"repos/acme/docs"});
  CHECK(other.exit_code == 1);
  CHECK(other.err.find("rate limit") != std::string::npos);
  const auto rate = nlohmann::json::parse(rig.home.run({"ghoard", "rate", "--json"}).out);
  CHECK(rate.at("rate").at(0).at("remaining") == 0);
  CHECK(rate.at("rate").at(0).at("resource") == "core");
  rig.check_truth_in_counting();
}
