#include "store/location.hpp"

#include <array>
#include <doctest/doctest.h>
#include <fstream>
#include <sys/stat.h>

#include "tests/store/child.hpp"
#include "tests/store/fixture.hpp"

using namespace ghoard;
using namespace ghoard::testing;

namespace {

const cache::Fingerprint alice = token("alice's token");

unsigned mode_of(const std::filesystem::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0U;
}

}  // namespace

TEST_CASE("the directory and every file are the owner's alone, whatever the umask") {
  for (const mode_t mask : {0000U, 0022U, 0777U}) {
    TempDirectory directory;
    const mode_t before = ::umask(mask);
    auto store = store::SqliteStore::open(directory.cache(), {});
    put(*store, resource_of("/a"), entry_of("a", alice));
    ::umask(before);
    CHECK(store->degraded().empty());
    CHECK(mode_of(directory.cache()) == 0700);
    CHECK(mode_of(directory.database()) == 0600);
    CHECK(mode_of(directory.database().string() + "-wal") == 0600);
    CHECK(mode_of(directory.database().string() + "-shm") == 0600);
  }
}

TEST_CASE("rights that others have on an existing cache are taken away") {
  TempDirectory directory;
  store::SqliteStore::open(directory.cache(), {});
  ::chmod(directory.cache().c_str(), 0755);
  ::chmod(directory.database().c_str(), 0644);
  auto store = store::SqliteStore::open(directory.cache(), {});
  CHECK(mode_of(directory.cache()) == 0700);
  CHECK(mode_of(directory.database()) == 0600);
}

TEST_CASE("missing parents of the directory are made") {
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.path() / "a" / "b" / "c", {});
  CHECK(store->degraded().empty());
}

TEST_CASE("a directory whose name looks like a URI is only a name") {
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.path() / "file:x?mode=memory", {});
  put(*store, resource_of("/a"), entry_of("a", alice));
  CHECK(std::filesystem::exists(directory.path() / "file:x?mode=memory" / "cache.db"));
}

TEST_CASE("a network file system is not used, and the reason is told") {
  TempDirectory directory;
  store::StoreOptions options;
  options.filesystem_type = [](const std::filesystem::path&) -> std::int64_t { return 0x6969; };
  auto store = store::SqliteStore::open(directory.cache(), options);
  CHECK(store->degraded().find("network file system (NFS)") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(directory.cache()));
  put(*store, resource_of("/a"), entry_of("a", alice));
  CHECK(body_of(find(*store, resource_of("/a"), alice)) == "a");
}

TEST_CASE("network file systems are told from local ones by their magic number, sign-extended or not") {
  CHECK(store::network_filesystem(0xff534d42) == "CIFS");
  CHECK(store::network_filesystem(static_cast<std::int32_t>(0xff534d42)) == "CIFS");
  CHECK(store::network_filesystem(0x65735546) == "FUSE");
  for (const std::int64_t local : {0xef53, 0x58465342, 0x01021994, 0x794c7630}) {
    CHECK(store::network_filesystem(local).empty());
  }
  CHECK(store::network_filesystem(9123).empty());
  CHECK(store::filesystem_type("/proc") == 0x9fa0);
  CHECK(store::filesystem_type("/no/such/place") == 0);
}

TEST_CASE("a directory that cannot be written gives a store in memory, which takes the old database's promises along") {
  TempDirectory directory;
  {
    auto store = store::SqliteStore::open(directory.cache(), {});
    put(*store, resource_of("/a"), entry_of("old", alice));
  }
  const auto give_away = [&](mode_t mode) {
    // Root may write anywhere: then the child becomes somebody else, to whom all of it belongs.
    for (const std::filesystem::path& path : {directory.path(), directory.cache(), directory.database()}) {
      REQUIRE((::geteuid() != 0 || ::chown(path.c_str(), 65534, 65534) == 0));
    }
    ::chmod(directory.cache().c_str(), mode);
  };
  give_away(0500);
  Child child([&](int out) {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) {
      return 2;
    }
    auto store = store::SqliteStore::open(directory.cache(), {});
    Child::say(out, store->degraded());
    const bool promised = store->invalidate(std::array{github::Tag{"api.github.com", "/a"}}).has_value();
    const bool readable = store::Reader::open(directory.cache()).has_value();
    const auto id = store->put(resource_of("/b"), key_for(resource_of("/b")), entry_of("b", alice));
    return promised && !readable && id.has_value() ? 0 : 1;
  });
  CHECK(child.read().find("cannot write to " + directory.cache().string()) == 0);
  CHECK(child.wait() == 0);
}

TEST_CASE("a cache that belongs to another user is not touched") {
  if (::geteuid() != 0) {
    MESSAGE("SKIPPED: giving a directory to another user needs root");
    return;
  }
  TempDirectory directory;
  std::filesystem::create_directory(directory.cache());
  REQUIRE(::chown(directory.cache().c_str(), 65534, 65534) == 0);
  auto store = store::SqliteStore::open(directory.cache(), {});
  CHECK(store->degraded().find("belongs to another user") != std::string::npos);
  CHECK(std::filesystem::is_empty(directory.cache()));
}

TEST_CASE("something else by the database's name is moved aside") {
  for (const std::string& kind : {std::string("directory"), std::string("link"), std::string("pipe")}) {
    CAPTURE(kind);
    TempDirectory directory;
    std::filesystem::create_directory(directory.cache());
    if (kind == "directory") {
      std::filesystem::create_directory(directory.database());
    } else if (kind == "link") {
      std::ofstream(directory.path() / "victim") << "precious";
      std::filesystem::create_symlink(directory.path() / "victim", directory.database());
    } else {
      REQUIRE(::mkfifo(directory.database().c_str(), 0600) == 0);
    }
    auto store = store::SqliteStore::open(directory.cache(), {});
    CHECK(store->degraded().empty());
    put(*store, resource_of("/a"), entry_of("a", alice));
    CHECK(std::filesystem::is_regular_file(std::filesystem::symlink_status(directory.database())));
    CHECK(std::filesystem::exists(std::filesystem::symlink_status(directory.cache() / "cache.db.corrupt-1")));
    if (kind == "link") {
      CHECK(std::filesystem::file_size(directory.path() / "victim") == 8);
    }
  }
}

TEST_CASE("a file where the directory should be gives a store in memory") {
  TempDirectory directory;
  std::ofstream(directory.cache()) << "a file";
  auto store = store::SqliteStore::open(directory.cache(), {});
  CHECK_FALSE(store->degraded().empty());
  put(*store, resource_of("/a"), entry_of("a", alice));
}
