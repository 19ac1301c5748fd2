#include "store/quarantine.hpp"

#include <doctest/doctest.h>
#include <fstream>
#include <string>
#include <sys/stat.h>

#include "tests/store/child.hpp"
#include "tests/store/fixture.hpp"

using namespace ghoard;
using namespace ghoard::testing;

namespace {

namespace fs = std::filesystem;

void write_database(const fs::path& directory, const std::string& text) {
  fs::create_directories(directory);
  for (const char* name : {"cache.db", "cache.db-wal", "cache.db-shm"}) {
    std::ofstream(directory / name) << text;
  }
}

std::string text_of(const fs::path& file) {
  std::string text;
  std::getline(std::ifstream(file), text);
  return text;
}

}  // namespace

TEST_CASE("a database is moved aside with its log and without its shared memory") {
  TempDirectory directory;
  write_database(directory.path(), "one");
  REQUIRE(store::quarantine_corrupt(directory.path()).has_value());
  CHECK(text_of(directory.path() / "cache.db.corrupt-1") == "one");
  CHECK(text_of(directory.path() / "cache.db.corrupt-1-wal") == "one");
  CHECK(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()) == 2);
}

TEST_CASE("older databases beyond the latest two go, with their logs, whichever way they came") {
  TempDirectory directory;
  for (const char* text : {"one", "two", "three"}) {
    write_database(directory.path(), text);
    REQUIRE(store::quarantine_corrupt(directory.path()).has_value());
  }
  CHECK(text_of(directory.path() / "cache.db.corrupt-2") == "two");
  CHECK(text_of(directory.path() / "cache.db.corrupt-3-wal") == "three");
  CHECK_FALSE(fs::exists(directory.path() / "cache.db.corrupt-1"));
  CHECK_FALSE(fs::exists(directory.path() / "cache.db.corrupt-1-wal"));
  for (const char* text : {"four", "five"}) {
    write_database(directory.path(), text);
    REQUIRE(store::quarantine_newer(directory.path(), 12).has_value());
  }
  CHECK(text_of(directory.path() / "cache.db.schema-12") == "five");
  CHECK(text_of(directory.path() / "cache.db.corrupt-3") == "three");
  CHECK(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()) == 4);
}

TEST_CASE("a database is given up by removing it, or by emptying it where nothing can be removed") {
  TempDirectory directory;
  write_database(directory.cache(), "secret");
  REQUIRE(store::discard_database(directory.cache()).has_value());
  CHECK(fs::is_empty(directory.cache()));
  REQUIRE(store::discard_database(directory.cache()).has_value());

  write_database(directory.cache(), "secret");
  for (const fs::path& path :
       {directory.path(), directory.cache(), directory.database(), directory.cache() / "cache.db-wal"}) {
    REQUIRE((::geteuid() != 0 || ::chown(path.c_str(), 65534, 65534) == 0));
  }
  ::chmod(directory.cache().c_str(), 0500);
  Child child([&](int) {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) {
      return 2;
    }
    return store::discard_database(directory.cache()).has_value() ? 0 : 1;
  });
  CHECK(child.wait() == 0);
  CHECK(fs::file_size(directory.database()) == 0);
  CHECK(fs::file_size(directory.cache() / "cache.db-wal") == 0);
}

TEST_CASE("what can neither be removed nor emptied is a failure") {
  TempDirectory directory;
  fs::create_directories(directory.database() / "not empty");
  CHECK_FALSE(store::discard_database(directory.cache()).has_value());
}
