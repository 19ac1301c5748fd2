#include "core/cache/judge.hpp"

#include <doctest/doctest.h>

using namespace ghoard;
using namespace std::chrono_literals;
using cache::Verdict;

namespace {

const base::WallTime t0{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};

cache::Entry entry_at(base::WallTime fetched, base::Seconds lifetime) {
  cache::Entry entry;
  entry.response.fetched_at = fetched;
  entry.response.lifetime = lifetime;
  entry.response.body = std::make_shared<const std::string>("{}");
  entry.grant.proven_at = fetched;
  return entry;
}

http::RequestDirectives wants(const char* field) {
  return http::parse_request_directives({{"Cache-Control", field}});
}

}  // namespace

TEST_CASE("an entry is fresh until its lifetime ends, to the second") {
  const cache::Entry entry = entry_at(t0, 60s);
  CHECK(cache::judge(entry, {}, t0).verdict == Verdict::fresh);
  CHECK(cache::judge(entry, {}, t0 + 59'999ms).verdict == Verdict::fresh);
  CHECK(cache::judge(entry, {}, t0 + 60s).verdict == Verdict::revalidate);
  CHECK(cache::judge(entry, {}, t0 + 59s).ttl == 1s);
}

TEST_CASE("a grant lives at most 300 s, an hour for immutable objects") {
  cache::Entry entry = entry_at(t0, 3600s);
  CHECK(cache::judge(entry, {}, t0 + 299s).verdict == Verdict::fresh);
  CHECK(cache::judge(entry, {}, t0 + 300s).verdict == Verdict::revalidate);
  entry.response.immutable = true;
  entry.response.lifetime = 86400s * 365;
  CHECK(cache::judge(entry, {}, t0 + 3599s).verdict == Verdict::fresh);
  CHECK(cache::judge(entry, {}, t0 + 3600s).verdict == Verdict::revalidate);
}

TEST_CASE("another token's renewal does not renew a grant") {
  cache::Entry entry = entry_at(t0, 300s);
  entry.response.fetched_at = t0 + 200s;  // somebody else proved the same bytes
  CHECK(cache::judge(entry, {}, t0 + 299s).verdict == Verdict::fresh);
  CHECK(cache::judge(entry, {}, t0 + 301s).verdict == Verdict::revalidate);
}

TEST_CASE("request directives narrow and widen what is served") {
  const cache::Entry entry = entry_at(t0, 60s);
  CHECK(cache::judge(entry, wants("max-age=10"), t0 + 11s).verdict == Verdict::revalidate);
  CHECK(cache::judge(entry, wants("max-age=10"), t0 + 10s).verdict == Verdict::fresh);
  CHECK(cache::judge(entry, wants("min-fresh=30"), t0 + 31s).verdict == Verdict::revalidate);
  CHECK(cache::judge(entry, wants("no-cache"), t0).verdict == Verdict::revalidate);
  CHECK(cache::judge(entry, wants("max-stale"), t0 + 1h).verdict == Verdict::stale);
  CHECK(cache::judge(entry, wants("max-stale=20"), t0 + 81s).verdict == Verdict::revalidate);
  CHECK(cache::judge(entry, wants("max-age=3600, max-stale"), t0 + 3600s).verdict == Verdict::stale);
  CHECK(cache::judge(entry, wants("max-age=3600, max-stale"), t0 + 3601s).verdict == Verdict::revalidate);
}

TEST_CASE("what a write may have changed is served only to callers who want no request upstream") {
  cache::Entry entry = entry_at(t0, 60s);
  entry.response.must_revalidate = true;
  CHECK(cache::judge(entry, {}, t0).verdict == Verdict::revalidate);
  CHECK(cache::judge(entry, wants("max-age=3600, max-stale"), t0).verdict == Verdict::revalidate);
  CHECK_FALSE(cache::judge(entry, {}, t0).usable_on_error);
  CHECK(cache::judge(entry, wants("only-if-cached, max-stale"), t0).verdict == Verdict::stale);
}

TEST_CASE("times in the future count as stale") {
  const cache::Entry entry = entry_at(t0 + 1h, 60s);
  CHECK(cache::judge(entry, {}, t0).verdict == Verdict::revalidate);
  CHECK(cache::judge(entry, wants("max-stale"), t0).verdict == Verdict::revalidate);
  CHECK_FALSE(cache::judge(entry, {}, t0).usable_on_error);
}

TEST_CASE("negative answers are never stretched") {
  cache::Entry entry = entry_at(t0, 30s);
  entry.response.status = 404;
  CHECK(cache::judge(entry, {}, t0 + 29s).verdict == Verdict::fresh);
  CHECK(cache::judge(entry, wants("max-stale"), t0 + 31s).verdict == Verdict::revalidate);
  CHECK_FALSE(cache::judge(entry, {}, t0 + 31s).usable_on_error);
}
