// What stays on the disk, how much of it, and how it is found again.

#include <array>
#include <doctest/doctest.h>
#include <fstream>
#include <string>

#include "store/connection.hpp"
#include "store/schema.hpp"
#include "store/statements.hpp"
#include "tests/store/fixture.hpp"

using namespace ghoard;
using namespace ghoard::testing;

namespace {

const cache::Fingerprint alice = token("alice's token");
const cache::Fingerprint bob = token("bob's token");

cache::Resource numbered(int i) {
  return resource_of("/n/" + std::to_string(i));
}

std::string all_bytes(const std::filesystem::path& directory) {
  std::string bytes;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::string file(entry.file_size(), '\0');
    std::ifstream(entry.path(), std::ios::binary).read(file.data(), static_cast<std::streamsize>(file.size()));
    bytes += file;
  }
  return bytes;
}

}  // namespace

TEST_CASE("everything survives a restart: entries, grants, marks, the order of use and the totals") {
  TempDirectory directory;
  cache::StoreSize before;
  cache::Entry entry = entry_of("kept", alice, 7);
  {
    auto store = store::SqliteStore::open(directory.cache(), {});
    put(*store, resource_of("/a"), entry);
    const cache::ResponseId second = put(*store, resource_of("/b"), entry_of("b", bob, 8));
    put(*store, resource_of("/c"), entry_of("c", alice, 9));
    REQUIRE(store->invalidate(std::array{github::Tag{"api.github.com", "/c"}}).has_value());
    REQUIRE(store->revoke_all(bob).has_value());
    store->touch(std::array{second, cache::ResponseId{1}}, at(50));
    before = store->size();
  }
  auto store = store::SqliteStore::open(directory.cache(), {});
  const auto found = find(*store, resource_of("/a"), alice);
  REQUIRE(found.has_value());
  CHECK(found->response.headers == entry.response.headers);
  CHECK(found->response.fetched_at == entry.response.fetched_at);
  CHECK(found->grant.etag == entry.grant.etag);
  CHECK_FALSE(found->response.must_revalidate);
  CHECK(find(*store, resource_of("/c"), alice)->response.must_revalidate);
  CHECK_FALSE(find(*store, resource_of("/b"), bob).has_value());
  CHECK(store->list({}, 1)->front().resource.path == "/a");
  CHECK(store->size().entries == before.entries);
  CHECK(store->size().bytes == before.bytes);
  store.reset();
  check_sound(directory.database());
}

TEST_CASE("the clock is stored in milliseconds since the epoch") {
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.cache(), {});
  cache::Entry entry = entry_of("a", alice);
  entry.response.fetched_at = base::WallTime(base::Millis(1'767'225'600'123));
  entry.grant.proven_at = base::WallTime(base::Millis(1'767'225'600'456));
  put(*store, resource_of("/a"), entry);
  store->touch(std::array{cache::ResponseId{1}}, base::WallTime(base::Millis(1'767'225'600'789)));
  const RawDatabase raw(directory.database());
  CHECK(raw.text("SELECT fetched_at FROM response") == "1767225600123");
  CHECK(raw.text("SELECT proven_at FROM grants") == "1767225600456");
  CHECK(raw.text("SELECT last_used FROM response") == "1767225600789");
}

TEST_CASE("the database is marked as ours, versioned, in WAL mode and able to shrink") {
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.cache(), {});
  const RawDatabase raw(directory.database());
  CHECK(raw.number("PRAGMA application_id") == 0x67686f64);
  CHECK(raw.number("PRAGMA user_version") == store::schema_version());
  CHECK(raw.text("PRAGMA journal_mode") == "wal");
  CHECK(raw.number("PRAGMA auto_vacuum") == 2);
}

TEST_CASE("a database of the version before is brought up to date, and keeps what it has") {
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.cache(), {});
  put(*store, resource_of("/a"), entry_of("a", alice));
  store.reset();
  RawDatabase(directory.database()).run("ALTER TABLE grants DROP COLUMN unverified; PRAGMA user_version = 1");
  for (int opened = 0; opened < 2; ++opened) {
    store = store::SqliteStore::open(directory.cache(), {});
    CHECK(store->degraded().empty());
    const auto found = find(*store, resource_of("/a"), alice);
    REQUIRE(found.has_value());
    CHECK_FALSE(found->grant.unverified);
    store.reset();
  }
  CHECK(RawDatabase(directory.database()).number("PRAGMA user_version") == store::schema_version());
}

TEST_CASE("a database that was begun and not finished is finished") {
  TempDirectory directory;
  std::filesystem::create_directory(directory.cache());
  RawDatabase(directory.database()).run("PRAGMA journal_mode = WAL");
  auto store = store::SqliteStore::open(directory.cache(), {});
  CHECK_FALSE(std::filesystem::exists(directory.cache() / "cache.db.corrupt-1"));
  put(*store, resource_of("/a"), entry_of("a", alice));
}

TEST_CASE("no token is in the files, only fingerprints") {
  TempDirectory directory;
  const std::string secret = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";
  auto store = store::SqliteStore::open(directory.cache(), {});
  put(*store, resource_of("/user"), entry_of("{}", token(secret)));
  const std::string bytes = all_bytes(directory.cache());
  CHECK(bytes.find(secret) == std::string::npos);
  const base::Digest fingerprint = token(secret);
  CHECK(bytes.find(std::string(reinterpret_cast<const char*>(fingerprint.bytes.data()), 32)) != std::string::npos);
}

TEST_CASE("expired entries are kept for revalidation until room is needed") {
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.cache(), {});
  put(*store, resource_of("/old"), entry_of("old", alice, 0));
  put(*store, resource_of("/new"), entry_of("new", alice, 30 * 24 * 3600));
  CHECK(find(*store, resource_of("/old"), alice).has_value());
}

TEST_CASE("the file stays bounded however much goes through it, and shrinks when the limit does") {
  TempDirectory directory;
  constexpr std::uint64_t limit = 4 << 20;
  {
    auto store = store::SqliteStore::open(directory.cache(), {limit});
    for (int i = 0; i < 1500; ++i) {
      const std::size_t size = i % 50 == 0 ? 400'000 : 6000;
      put(*store, numbered(i), entry_of(std::string(size, 'x') + std::to_string(i), alice, i));
      REQUIRE(store->size().bytes <= limit);
    }
    CHECK(store->size().evictions > 500);
  }
  CHECK(std::filesystem::file_size(directory.database()) < 2 * limit);
  {
    auto store = store::SqliteStore::open(directory.cache(), {limit / 4});
    put(*store, resource_of("/last"), entry_of("last", alice, 9999));
    CHECK(store->size().bytes <= limit / 4);
    CHECK(find(*store, resource_of("/last"), alice).has_value());
  }
  CHECK(std::filesystem::file_size(directory.database()) < limit);
  check_sound(directory.database());
}

TEST_CASE("rows count against the limit, so that many tiny entries are bounded, too") {
  TempDirectory directory;
  constexpr std::uint64_t limit = 256 * 1024;
  auto store = store::SqliteStore::open(directory.cache(), {limit});
  for (int i = 0; i < 2000; ++i) {
    cache::Entry entry = entry_of("", alice, i);
    entry.response.headers = {};
    put(*store, numbered(i), entry);
  }
  CHECK(store->size().entries < 500);
  store.reset();
  CHECK(std::filesystem::file_size(directory.database()) < 2 * limit);
}

TEST_CASE("a log that a reader holds on to is bounded: then nothing is stored, and all the rest goes on") {
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.cache(), {8 << 20});
  put(*store, resource_of("/first"), entry_of("first", alice));
  const RawDatabase stuck(directory.database());
  stuck.run("BEGIN; SELECT count(*) FROM body");
  const std::string filler(1 << 20, 'x');
  bool refused = false;
  for (int i = 0; i < 200 && !refused; ++i) {
    const auto id = store->put(numbered(i), key_for(numbered(i)), entry_of(filler + std::to_string(i), alice, i));
    refused = !id.has_value();
    CHECK((id || id.error().code == base::ErrorCode::busy));
  }
  CHECK(refused);
  const auto log = directory.cache() / "cache.db-wal";
  CHECK(std::filesystem::file_size(log) < 80 << 20);
  CHECK(store->invalidate(std::array{github::Tag{"api.github.com", "/n"}}).has_value());
  stuck.run("COMMIT");
  put(*store, resource_of("/again"), entry_of("again", alice, 999));
  CHECK(std::filesystem::file_size(log) < 16 << 20);
}

TEST_CASE("clearing gives the space back") {
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.cache(), {});
  for (int i = 0; i < 50; ++i) {
    put(*store, numbered(i), entry_of(std::string(100'000, 'x') + std::to_string(i), alice, i));
  }
  REQUIRE(store->clear().has_value());
  CHECK(std::filesystem::file_size(directory.database()) < 200'000);
  CHECK(all_bytes(directory.cache()).find(std::string(1000, 'x')) == std::string::npos);
}

TEST_CASE("removing gives the space back") {
  TempDirectory directory;
  {
    auto store = store::SqliteStore::open(directory.cache(), {});
    for (int i = 0; i < 50; ++i) {
      put(*store, numbered(i), entry_of(std::string(100'000, 'x') + std::to_string(i), alice, i));
    }
    CHECK(*store->remove({.host = "api.github.com"}) == 50);
  }
  CHECK(std::filesystem::file_size(directory.database()) < 200'000);
}

TEST_CASE("a revoked token's many grants are unusable at once and swept little by little") {
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.cache(), {});
  constexpr int count = 2500;
  for (int i = 0; i < count; ++i) {
    put(*store, numbered(i), entry_of("x", alice, i));
  }
  REQUIRE(store->revoke_all(alice).has_value());
  CHECK(store->list({}, 10)->empty());
  for (int i = 0; i < count; i += 100) {
    CHECK_FALSE(find(*store, numbered(i), alice).has_value());
    CHECK(store->candidates(key_for(numbered(i)), 5)->empty());
  }
  CHECK(store->size().entries > 0);
  for (int i = 0; i < 30; ++i) {
    store->touch({}, at(0));
  }
  CHECK(store->size().entries == 0);
  store.reset();
  check_sound(directory.database());
}

TEST_CASE("grants of a response do not pile up for ever: of those too old to answer, the latest 64 stay") {
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.cache(), {});
  for (int i = 0; i < 300; ++i) {
    put(*store, resource_of("/hot"), entry_of("hot", token("job " + std::to_string(i)), i));
  }
  constexpr std::int64_t two_days = 2 * 24 * 3600;
  put(*store, resource_of("/hot"), entry_of("hot", alice, two_days));
  put(*store, resource_of("/hot"), entry_of("hot", bob, two_days + 1));
  CHECK(store->list({}, 1)->front().grants == 66);
  CHECK(find(*store, resource_of("/hot"), token("job 299")).has_value());
  CHECK_FALSE(find(*store, resource_of("/hot"), token("job 0")).has_value());
  store.reset();
  check_sound(directory.database());
}

TEST_CASE("a response's number is never used again, so that a late renewal cannot hit another") {
  TempDirectory directory;
  cache::ResponseId last = 0;
  for (int i = 0; i < 3; ++i) {
    auto store = store::SqliteStore::open(directory.cache(), {});
    const cache::ResponseId id = put(*store, resource_of("/a"), entry_of("a", alice));
    CHECK(id > last);
    last = id;
    REQUIRE(store->remove({}).has_value());
  }
}

TEST_CASE("answers and names beyond the caps are refused and leave no trace") {
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.cache(), {});
  cache::Entry entry = entry_of("a", alice);
  entry.response.headers.add("X", std::string(300'000, 'x'));
  CHECK(store->put(resource_of("/a"), key_for(resource_of("/a")), entry).error().code == base::ErrorCode::too_large);
  entry = entry_of("a", alice);
  entry.grant.etag = "\"a\"\r\nX: y";
  CHECK_FALSE(store->put(resource_of("/a"), key_for(resource_of("/a")), entry).has_value());
  const cache::Resource endless = resource_of("/" + std::string(20'000, 'x'));
  CHECK_FALSE(store->put(endless, key_for(endless), entry_of("a", alice)).has_value());
  CHECK(store->size().entries == 0);
  store.reset();
  check_sound(directory.database());
}

TEST_CASE("invalidation, eviction, revocation and grants find their rows by index") {
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.cache(), {});
  store::Statements statements;
  const RawDatabase raw(directory.database());
  for (const auto& [statement, sql] : store::writer_statements(statements)) {
    sqlite3_stmt* plan = nullptr;
    REQUIRE(sqlite3_prepare_v2(raw.handle(), ("EXPLAIN QUERY PLAN " + sql).c_str(), -1, &plan, nullptr) == SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
      const std::string line(reinterpret_cast<const char*>(sqlite3_column_text(plan, 3)));
      // The one row of totals, and the first entry of the order of use.
      const bool harmless = line == "SCAN total" || line == "SCAN response USING COVERING INDEX response_used";
      CHECK_MESSAGE((!line.starts_with("SCAN") || harmless), sql, ": ", line);
    }
    sqlite3_finalize(plan);
  }
}
