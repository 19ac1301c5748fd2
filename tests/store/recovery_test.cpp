// Damaged, foreign and too new databases: the store always opens, and never answers with anything but what was put.

#include <array>
#include <doctest/doctest.h>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "store/schema.hpp"
#include "tests/store/fixture.hpp"

using namespace ghoard;
using namespace ghoard::testing;

namespace {

namespace fs = std::filesystem;

const cache::Fingerprint alice = token("alice's token");

std::string bytes_of(const fs::path& file) {
  std::string bytes(fs::file_size(file), '\0');
  std::ifstream(file, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

void overwrite(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

cache::Resource numbered(int i) {
  return resource_of("/n/" + std::to_string(i));
}
std::string body_number(int i) {
  return std::string(static_cast<std::size_t>(i % 5 == 0 ? 9000 : 200), static_cast<char>('a' + i % 26)) +
         std::to_string(i);
}

void fill(const fs::path& directory, int count) {
  auto store = store::SqliteStore::open(directory, {});
  REQUIRE(store->degraded().empty());
  for (int i = 0; i < count; ++i) {
    put(*store, numbered(i), entry_of(body_number(i), alice, i));
  }
}

/// Uses a store over whatever is on the disk: every call returns, and what is found is what was put.
int use(cache::Store& store, int count) {
  int found = 0;
  for (int i = 0; i < count; ++i) {
    const auto entry = store.find(key_for(numbered(i)), alice);
    if (entry && *entry) {
      CHECK(*(*entry)->response.body == body_number(i));
      CHECK((*entry)->response.status == 200);
      CHECK((*entry)->response.headers.size() == 2);
      ++found;
    }
  }
  static_cast<void>(store.candidates(key_for(numbered(1)), 3));
  static_cast<void>(store.list({}, 100));
  store.touch(std::array{cache::ResponseId{1}, cache::ResponseId{2}}, at(1000));
  CHECK(store.invalidate(std::array{github::Tag{"api.github.com", "/n/1"}}).has_value());
  CHECK(store.revoke(key_for(numbered(2)), alice).has_value());
  const auto marked = store.find(key_for(numbered(1)), alice);
  CHECK((!marked || !*marked || (*marked)->response.must_revalidate));
  const auto revoked = store.find(key_for(numbered(2)), alice);
  CHECK((!revoked || !*revoked));
  return found;
}

/// The store takes new entries; the first attempts may be what notices the damage.
void check_goes_on(cache::Store& store) {
  bool stored = false;
  for (int attempt = 0; attempt < 3 && !stored; ++attempt) {
    stored = store.put(resource_of("/after"), key_for(resource_of("/after")), entry_of("after", alice, 5)).has_value();
  }
  REQUIRE(stored);
  CHECK(body_of(find(store, resource_of("/after"), alice)) == "after");
}

std::string names_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  std::string line;
  for (const std::string& name : names) {
    line += (line.empty() ? "" : " ") + name;
  }
  return line;
}

}  // namespace

TEST_CASE("a file that is no database is moved aside whole") {
  for (const std::string& garbage :
       {std::string("not a database at all"), std::string(100'000, '\xff'), std::string(5000, '\0')}) {
    TempDirectory directory;
    fs::create_directory(directory.cache());
    overwrite(directory.database(), garbage);
    auto store = store::SqliteStore::open(directory.cache(), {});
    CHECK(store->degraded().empty());
    check_goes_on(*store);
    CHECK(bytes_of(directory.cache() / "cache.db.corrupt-1") == garbage);
  }
}

TEST_CASE("somebody else's database is moved aside") {
  TempDirectory directory;
  fs::create_directory(directory.cache());
  RawDatabase(directory.database()).run("CREATE TABLE precious(x); INSERT INTO precious VALUES (1)");
  auto store = store::SqliteStore::open(directory.cache(), {});
  check_goes_on(*store);
  CHECK(RawDatabase(directory.cache() / "cache.db.corrupt-1").text("SELECT x FROM precious") == "1");
}

TEST_CASE("a database whose definitions were changed is moved aside") {
  for (const char* change :
       {"DROP INDEX grants_holder", "CREATE TRIGGER t AFTER INSERT ON body BEGIN SELECT 1; END",
        "DROP INDEX response_used", "ALTER TABLE body ADD COLUMN more", "PRAGMA application_id = 7"}) {
    CAPTURE(std::string(change));
    TempDirectory directory;
    fill(directory.cache(), 3);
    RawDatabase(directory.database()).run(change);
    auto store = store::SqliteStore::open(directory.cache(), {});
    CHECK(store->size().entries == 0);
    CHECK(fs::exists(directory.cache() / "cache.db.corrupt-1"));
    check_goes_on(*store);
  }
}

TEST_CASE("a database of a later version is kept under its version, unread") {
  TempDirectory directory;
  fill(directory.cache(), 3);
  {
    RawDatabase raw(directory.database());
    // A definition that this version's SQLite could not even parse.
    raw.run("PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES ('table', 'z', 'z', 0, 'CREATE FUTURE z')");
    raw.run("PRAGMA user_version = 77");
  }
  const auto reader = store::Reader::open(directory.cache());
  REQUIRE_FALSE(reader.has_value());
  CHECK(reader.error().code == base::ErrorCode::unavailable);
  auto store = store::SqliteStore::open(directory.cache(), {});
  CHECK(store->degraded().empty());
  CHECK(store->size().entries == 0);
  check_goes_on(*store);
  CHECK(RawDatabase(directory.cache() / "cache.db.schema-77").text("PRAGMA user_version") == "77");
}

TEST_CASE("the latest two databases that were moved aside are kept") {
  TempDirectory directory;
  fs::create_directory(directory.cache());
  for (int i = 1; i <= 5; ++i) {
    overwrite(directory.database(), std::string(5000, '?') + std::to_string(i));
    store::SqliteStore::open(directory.cache(), {});
  }
  CHECK(names_in(directory.cache()) == "cache.db cache.db.corrupt-4 cache.db.corrupt-5");
  CHECK(bytes_of(directory.cache() / "cache.db.corrupt-5").back() == '5');
  RawDatabase(directory.database()).run("PRAGMA user_version = 9");
  store::SqliteStore::open(directory.cache(), {});
  CHECK(names_in(directory.cache()) == "cache.db cache.db.corrupt-5 cache.db.schema-9");
}

TEST_CASE("names with absurd numbers do not confuse the numbering") {
  TempDirectory directory;
  fs::create_directory(directory.cache());
  for (const char* name : {"cache.db.corrupt-9223372036854775807", "cache.db.corrupt-x", "cache.db.corrupt-"}) {
    overwrite(directory.cache() / name, "?");
  }
  overwrite(directory.database(), "garbage");
  auto store = store::SqliteStore::open(directory.cache(), {});
  CHECK(store->degraded().empty());
  CHECK(fs::exists(directory.cache() / "cache.db.corrupt-1"));
}

TEST_CASE("a truncated database costs entries, never an answer that is wrong") {
  TempDirectory original;
  fill(original.cache(), 40);
  const std::string bytes = bytes_of(original.database());
  for (const std::size_t keep : {std::size_t{0}, std::size_t{1}, std::size_t{99}, std::size_t{4096}, std::size_t{5000},
                                 bytes.size() / 2, bytes.size() - 4096, bytes.size() - 1}) {
    CAPTURE(keep);
    TempDirectory directory;
    fs::create_directory(directory.cache());
    overwrite(directory.database(), bytes.substr(0, keep));
    auto store = store::SqliteStore::open(directory.cache(), {});
    CHECK(store->degraded().empty());
    use(*store, 40);
    check_goes_on(*store);
  }
}

TEST_CASE("flipped bytes cost entries, never an answer that is wrong, for store and reader alike") {
  TempDirectory original;
  fill(original.cache(), 40);
  const std::string bytes = bytes_of(original.database());
  std::mt19937 random(20260101);
  int found = 0;
  for (int round = 0; round < 60; ++round) {
    CAPTURE(round);
    std::string damaged = bytes;
    const int flips = round % 2 == 0 ? 1 : 40;
    for (int i = 0; i < flips; ++i) {
      const std::size_t position = round % 3 == 0 ? random() % 8192 : random() % damaged.size();
      damaged[position] = static_cast<char>(damaged[position] ^ (1 << (random() % 8)));
    }
    TempDirectory directory;
    fs::create_directory(directory.cache());
    overwrite(directory.database(), damaged);
    if (auto reader = store::Reader::open(directory.cache())) {
      for (int i = 0; i < 40; ++i) {
        const auto entry = reader->find(key_for(numbered(i)), alice);
        CHECK((!entry || !*entry || *(*entry)->response.body == body_number(i)));
      }
      static_cast<void>(reader->list({}, 100));
      static_cast<void>(reader->size());
    }
    auto store = store::SqliteStore::open(directory.cache(), {});
    found += use(*store, 40);
    check_goes_on(*store);
  }
  CHECK(found > 0);  // the damage is not always fatal, or nothing was tested
}

TEST_CASE("a damaged log costs entries, never an answer that is wrong") {
  TempDirectory original;
  auto writer = store::SqliteStore::open(original.cache(), {});
  for (int i = 0; i < 40; ++i) {
    put(*writer, numbered(i), entry_of(body_number(i), alice, i));
  }
  const std::string bytes = bytes_of(original.database());
  const std::string log = bytes_of(original.cache() / "cache.db-wal");
  REQUIRE(log.size() > 40'000);
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    std::string damaged = log;
    const std::size_t position = random() % damaged.size();
    damaged[position] = static_cast<char>(damaged[position] ^ (1 << (random() % 8)));
    damaged.resize(round % 2 == 0 ? damaged.size() : random() % damaged.size());
    TempDirectory directory;
    fs::create_directory(directory.cache());
    overwrite(directory.database(), bytes);
    overwrite(directory.cache() / "cache.db-wal", damaged);
    auto store = store::SqliteStore::open(directory.cache(), {});
    use(*store, 40);
    check_goes_on(*store);
  }
}

TEST_CASE("damage that shows while the store is open: it moves the file aside and goes on") {
  TempDirectory directory;
  fill(directory.cache(), 200);
  const std::string bytes = bytes_of(directory.database());
  // Everything but the pages that opening reads: header, definitions.
  overwrite(directory.database(), bytes.substr(0, 8 * 4096) + std::string(bytes.size() - 8 * 4096, '\x5a'));
  auto store = store::SqliteStore::open(directory.cache(), {});
  use(*store, 200);
  check_goes_on(*store);
  CHECK(store->degraded().empty());
  CHECK(fs::exists(directory.cache() / "cache.db.corrupt-1"));
  store.reset();
  check_sound(directory.database());
}

TEST_CASE("a damaged body is dropped with all that share it, and can be stored anew") {
  TempDirectory directory;
  const cache::Fingerprint bob = token("bob's token");
  {
    auto store = store::SqliteStore::open(directory.cache(), {});
    put(*store, resource_of("/a"), entry_of("shared", alice));
    put(*store, resource_of("/b"), entry_of("shared", bob));
    put(*store, resource_of("/c"), entry_of("other", alice));
  }
  RawDatabase(directory.database()).run("UPDATE body SET bytes = CAST('sharef' AS BLOB) WHERE size = 6");
  auto reader = store::Reader::open(directory.cache());
  REQUIRE(reader.has_value());
  CHECK_FALSE(reader->find(key_for(resource_of("/a")), alice)->has_value());
  auto store = store::SqliteStore::open(directory.cache(), {});
  CHECK_FALSE(find(*store, resource_of("/a"), alice).has_value());
  CHECK(store->size().entries == 1);
  put(*store, resource_of("/b"), entry_of("shared", bob));
  CHECK(body_of(find(*store, resource_of("/b"), bob)) == "shared");
  CHECK(body_of(find(*store, resource_of("/c"), alice)) == "other");
  store.reset();
  check_sound(directory.database());
}

TEST_CASE("rows that contradict themselves are absent, to the store and to the reader") {
  for (const char* damage : {"UPDATE response SET status = 1000",
                             "UPDATE response SET status = 201",
                             "UPDATE response SET headers = x'ff'",
                             "UPDATE response SET headers = 'text'",
                             "UPDATE response SET fetched_at = -1",
                             "UPDATE response SET fetched_at = 'x'",
                             "UPDATE response SET fetched_at = fetched_at + 1",
                             "UPDATE response SET lifetime = 1 << 62",
                             "UPDATE response SET etag_class = 3",
                             "UPDATE response SET flags = 1024",
                             "UPDATE response SET flags = 3",
                             "UPDATE response SET vary = x'0a'",
                             "UPDATE response SET vary = zeroblob(100000)",
                             "UPDATE response SET resource = 2 WHERE resource = 1",
                             "UPDATE response SET body = 3 - body",
                             "UPDATE body SET size = size + 1",
                             "UPDATE body SET bytes = 5",
                             "UPDATE body SET hash = x'00' || id",
                             "UPDATE body SET checksum = 0",
                             "UPDATE grants SET etag = x'0d0a'",
                             "UPDATE grants SET proven_at = -5",
                             "UPDATE grants SET proven_at = 9e99",
                             "UPDATE holder SET fingerprint = x'00'",
                             "UPDATE resource SET key = x'00' || id",
                             "DELETE FROM response",
                             "DELETE FROM body"}) {
    CAPTURE(std::string(damage));
    TempDirectory directory;
    {
      auto store = store::SqliteStore::open(directory.cache(), {});
      put(*store, resource_of("/a"), entry_of("one", alice));
      put(*store, resource_of("/b"), entry_of("two", alice));
    }
    RawDatabase(directory.database()).run(std::string("PRAGMA foreign_keys = OFF; ") + damage);
    for (const char* path : {"/a", "/b"}) {
      if (auto reader = store::Reader::open(directory.cache())) {
        const auto entry = reader->find(key_for(resource_of(path)), alice);
        const bool moved = std::string(damage).find("resource = 2") != std::string::npos && entry && *entry;
        CHECK((!entry || !*entry || (moved && std::string(path) == "/b" && *(*entry)->response.body == "two")));
      }
    }
    auto store = store::SqliteStore::open(directory.cache(), {});
    const auto entry = store->find(key_for(resource_of("/a")), alice);
    CHECK((!entry || !*entry));
    CHECK(store->invalidate(std::array{github::Tag{"api.github.com", "/a"}}).has_value());
    check_goes_on(*store);
  }
}

TEST_CASE("totals that were damaged do not let the store grow or empty itself for good") {
  for (const char* damage : {"UPDATE total SET bytes = -5", "UPDATE total SET bytes = 1 << 60", "DELETE FROM total",
                             "UPDATE total SET entries = -1"}) {
    CAPTURE(std::string(damage));
    TempDirectory directory;
    fill(directory.cache(), 5);
    RawDatabase(directory.database()).run(damage);
    auto store = store::SqliteStore::open(directory.cache(), {});
    check_goes_on(*store);
    check_goes_on(*store);
    CHECK(store->size().entries >= 1);
    CHECK(store->size().entries <= 6);
  }
}
