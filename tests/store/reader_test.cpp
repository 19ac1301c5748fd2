// The read-only way into the agent's database, from other processes, at every stage of the agent's life.

#include <array>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>

#include "store/statements.hpp"
#include "tests/store/child.hpp"
#include "tests/store/fixture.hpp"

using namespace ghoard;
using namespace ghoard::testing;

namespace {

const cache::Fingerprint alice = token("alice's token");

/// What a process of its own finds: "hit BODY", "absent", or "error CODE".
std::string read_in_child(const std::filesystem::path& directory, const cache::Resource& resource) {
  Child child([&](int out) {
    auto reader = store::Reader::open(directory);
    if (!reader) {
      Child::say(out, "error " + std::to_string(static_cast<int>(reader.error().code)));
      return 0;
    }
    const auto entry = reader->find(key_for(resource), alice);
    if (!entry) {
      Child::say(out, "error " + std::to_string(static_cast<int>(entry.error().code)));
    } else {
      Child::say(out, *entry ? "hit " + *(*entry)->response.body : "absent");
    }
    return 0;
  });
  const std::string said = child.read();
  CHECK(child.wait() == 0);
  return said;
}

const std::string unavailable = "error " + std::to_string(static_cast<int>(base::ErrorCode::unavailable));

}  // namespace

TEST_CASE("a reader sees what the writer committed, while it writes") {
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.cache(), {});
  auto reader = store::Reader::open(directory.cache());
  REQUIRE(reader.has_value());
  CHECK_FALSE(reader->find(key_for(resource_of("/a")), alice)->has_value());
  cache::Entry entry = entry_of("one", alice, 3);
  entry.response.immutable = true;
  const cache::ResponseId id = put(*store, resource_of("/a"), entry);
  const auto found = reader->find(key_for(resource_of("/a")), alice);
  REQUIRE(found.has_value());
  REQUIRE(found->has_value());
  CHECK((*found)->response.id == id);
  CHECK(*(*found)->response.body == "one");
  CHECK((*found)->response.headers == entry.response.headers);
  CHECK((*found)->response.immutable);
  CHECK((*found)->grant.etag == entry.grant.etag);
  REQUIRE(store->invalidate(std::array{github::Tag{"api.github.com", "/a"}}).has_value());
  CHECK((*reader->find(key_for(resource_of("/a")), alice))->response.must_revalidate);
  REQUIRE(store->revoke_all(alice).has_value());
  CHECK_FALSE(reader->find(key_for(resource_of("/a")), alice)->has_value());
}

TEST_CASE("a reader of another process hits while the writer runs, after a clean close and after a kill") {
  TempDirectory directory;
  {
    auto store = store::SqliteStore::open(directory.cache(), {});
    put(*store, resource_of("/a"), entry_of("first", alice));
    CHECK(read_in_child(directory.cache(), resource_of("/a")) == "hit first");
  }
  CHECK(read_in_child(directory.cache(), resource_of("/a")) == "hit first");
  Child writer([&](int out) {
    auto store = store::SqliteStore::open(directory.cache(), {});
    if (!store->put(resource_of("/a"), key_for(resource_of("/a")), entry_of("second", alice, 2))) {
      return 1;
    }
    Child::say(out, "x");
    ::pause();
    return 0;
  });
  REQUIRE(writer.read(1) == "x");
  CHECK(read_in_child(directory.cache(), resource_of("/a")) == "hit second");
  writer.kill();
  CHECK(std::filesystem::file_size(directory.cache() / "cache.db-wal") > 0);
  CHECK(read_in_child(directory.cache(), resource_of("/a")) == "hit second");
  CHECK(read_in_child(directory.cache(), resource_of("/b")) == "absent");
  auto store = store::SqliteStore::open(directory.cache(), {});
  CHECK(body_of(find(*store, resource_of("/a"), alice)) == "second");
}

TEST_CASE("where there is no database, none to be trusted, or none to be opened, a reader is unavailable") {
  TempDirectory directory;
  CHECK(read_in_child(directory.cache(), resource_of("/a")) == unavailable);
  std::filesystem::create_directory(directory.cache());
  CHECK(read_in_child(directory.cache(), resource_of("/a")) == unavailable);
  ::close(::open(directory.database().c_str(), O_CREAT | O_WRONLY, 0600));
  CHECK(read_in_child(directory.cache(), resource_of("/a")) == unavailable);
  std::filesystem::remove(directory.database());
  std::filesystem::create_symlink("/etc/passwd", directory.database());
  CHECK(read_in_child(directory.cache(), resource_of("/a")) == unavailable);
}

TEST_CASE("a database that was replaced under an open reader is not read any more") {
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.cache(), {});
  put(*store, resource_of("/a"), entry_of("old", alice));
  auto reader = store::Reader::open(directory.cache());
  REQUIRE(reader.has_value());
  REQUIRE((*reader->find(key_for(resource_of("/a")), alice)).has_value());
  REQUIRE(store->clear().has_value());
  const auto found = reader->find(key_for(resource_of("/a")), alice);
  REQUIRE_FALSE(found.has_value());
  CHECK(found.error().code == base::ErrorCode::unavailable);
}

TEST_CASE("a locked database is busy, at once, and is never waited for") {
  TempDirectory directory;
  {
    auto store = store::SqliteStore::open(directory.cache(), {});
    put(*store, resource_of("/a"), entry_of("a", alice));
  }
  RawDatabase raw(directory.database());
  raw.run("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE total SET grants = grants");
  const std::string said = read_in_child(directory.cache(), resource_of("/a"));
  CHECK(said.starts_with("error "));
}

TEST_CASE("a reader changes nothing of what the writer wrote") {
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.cache(), {});
  put(*store, resource_of("/a"), entry_of("a", alice));
  const auto size = std::filesystem::file_size(directory.cache() / "cache.db-wal");
  for (int i = 0; i < 10; ++i) {
    CHECK(read_in_child(directory.cache(), resource_of("/a")) == "hit a");
  }
  CHECK(std::filesystem::file_size(directory.cache() / "cache.db-wal") == size);
}

TEST_CASE("a reader lists and sums up") {
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.cache(), {});
  put(*store, resource_of("/a"), entry_of("a", alice, 1));
  put(*store, resource_of("/b"), entry_of("bb", alice, 2));
  auto reader = store::Reader::open(directory.cache());
  REQUIRE(reader.has_value());
  const auto listings = reader->list({}, 10);
  REQUIRE(listings.has_value());
  REQUIRE(listings->size() == 2);
  CHECK(listings->front().resource.path == "/b");
  CHECK(listings->front().body_bytes == 2);
  const auto size = reader->size();
  REQUIRE(size.has_value());
  CHECK(size->entries == 2);
  CHECK(size->bytes == store->size().bytes);
}

TEST_CASE("a look-up is a handful of searches by key and never a scan") {
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.cache(), {});
  const RawDatabase raw(directory.database());
  sqlite3_stmt* statement = nullptr;
  REQUIRE(sqlite3_prepare_v2(raw.handle(), ("EXPLAIN QUERY PLAN " + store::find_sql()).c_str(), -1, &statement,
                             nullptr) == SQLITE_OK);
  int searches = 0;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    const std::string line(reinterpret_cast<const char*>(sqlite3_column_text(statement, 3)));
    CHECK_MESSAGE(line.starts_with("SEARCH"), line);
    ++searches;
  }
  sqlite3_finalize(statement);
  CHECK(searches == 5);
}
