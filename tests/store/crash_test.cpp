// Writers that are killed, share a directory, or run out of disk, as real processes on a real file system.

#include <array>
#include <csignal>
#include <doctest/doctest.h>
#include <fstream>
#include <random>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/store/child.hpp"
#include "tests/store/fixture.hpp"

using namespace ghoard;
using namespace ghoard::testing;

namespace {

const cache::Fingerprint alice = token("alice's token");
constexpr int resources = 24;

int rounds() {
  const char* wanted = std::getenv("GHOARD_SOAK_ROUNDS");
  return wanted != nullptr ? std::max(1, std::atoi(wanted)) : 20;
}

cache::Resource numbered(unsigned i) {
  return resource_of("/repos/o/r" + std::to_string(i % resources) + "/x");
}

/// A body that says what it must be: its resource, its version and as many bytes as they decide.
std::string body_for(unsigned i, unsigned version) {
  const std::size_t size = (version * 2654435761U >> 16) % (version % 7 == 0 ? 60'000 : 900);
  return std::to_string(i % resources) + ":" + std::to_string(version) + ":" +
         std::string(size, static_cast<char>('a' + version % 26));
}

bool is_whole(unsigned i, const std::string& body) {
  const std::string prefix = std::to_string(i % resources) + ":";
  return body.starts_with(prefix) && body == body_for(i, static_cast<unsigned>(std::stoul(body.substr(prefix.size()))));
}

cache::Entry versioned(unsigned i, unsigned version) {
  return entry_of(body_for(i, version), alice, version);
}

/// Writes until it is killed; says 'w' after each write, and 'i' after each invalidation of resource 0, which it never
/// writes again.
int write_forever(const std::filesystem::path& directory, unsigned seed, int out) {
  auto store = store::SqliteStore::open(directory, {2 << 20});
  if (!store->degraded().empty()) {
    return 3;
  }
  std::mt19937 random(seed);
  static_cast<void>(store->put(numbered(0), key_for(numbered(0)), versioned(0, seed)));
  for (unsigned version = seed * 100'000 + 1;; ++version) {
    const unsigned i = 1 + static_cast<unsigned>(random() % (resources - 1));
    if (!store->put(numbered(i), key_for(numbered(i)), versioned(i, version))) {
      return 4;
    }
    Child::say(out, "w");
    if (version % 5 == 0) {
      if (!store->invalidate(std::array{github::Tag{"api.github.com", "/repos/o/r0"}})) {
        return 5;
      }
      Child::say(out, "i");
    }
  }
}

}  // namespace

TEST_CASE("a writer killed at any moment leaves a sound database whose every body is whole") {
  TempDirectory directory;
  std::mt19937 random(42);
  for (int round = 0; round < rounds(); ++round) {
    CAPTURE(round);
    const auto seed = static_cast<unsigned>(round + 1);
    Child writer([&](int out) { return write_forever(directory.cache(), seed, out); });
    // How many reports are awaited is random, and the writer is somewhere in its next write by then.
    const std::string said = writer.read(1 + random() % 120);
    REQUIRE_FALSE(said.empty());
    writer.kill();
    {
      // A reader comes first: it is a client's, and the agent may never start again.
      auto reader = store::Reader::open(directory.cache());
      REQUIRE(reader.has_value());
      const auto entry = reader->find(key_for(numbered(1)), alice);
      CHECK((!entry || !*entry || is_whole(1, *(*entry)->response.body)));
    }
    check_sound(directory.database());
    auto store = store::SqliteStore::open(directory.cache(), {2 << 20});
    CHECK(store->degraded().empty());
    int found = 0;
    for (unsigned i = 0; i < resources; ++i) {
      const auto entry = find(*store, numbered(i), alice);
      if (entry) {
        ++found;
        CHECK_MESSAGE(is_whole(i, *entry->response.body), i);
      }
    }
    CHECK(found > 0);
    const auto zero = find(*store, numbered(0), alice);
    CHECK((!zero || said.find('i') == std::string::npos || zero->response.must_revalidate));
    CHECK_FALSE(std::filesystem::exists(directory.cache() / "cache.db.corrupt-1"));
  }
}

TEST_CASE("two writers on one directory, which should not be, corrupt nothing") {
  TempDirectory directory;
  const auto write = [&](unsigned seed) {
    return [&, seed](int out) {
      auto store = store::SqliteStore::open(directory.cache(), {1 << 20});
      for (unsigned version = seed; version < seed + 300; ++version) {
        // Busy is an answer; anything else is not.
        const auto id = store->put(numbered(version), key_for(numbered(version)), versioned(version, version));
        if (!id && id.error().code != base::ErrorCode::busy) {
          Child::say(out, id.error().message);
          return 1;
        }
        const auto entry = store->find(key_for(numbered(version + 1)), alice);
        if (!entry || (*entry && !is_whole(version + 1, *(*entry)->response.body))) {
          Child::say(out, "wrong find");
          return 2;
        }
      }
      return store->degraded().empty() ? 0 : 3;
    };
  };
  Child one(write(1000));
  Child two(write(2000));
  CHECK(one.read() == "");
  CHECK(two.read() == "");
  CHECK(one.wait() == 0);
  CHECK(two.wait() == 0);
  check_sound(directory.database());
}

TEST_CASE("readers of other processes never see a half of anything") {
  TempDirectory directory;
  Child writer([&](int out) { return write_forever(directory.cache(), 9, out); });
  REQUIRE(writer.read(1) == "w");
  const auto read = [&](int) {
    int found = 0;
    for (unsigned i = 0; i < 400; ++i) {
      auto reader = store::Reader::open(directory.cache());
      const auto entry = reader ? reader->find(key_for(numbered(i)), alice) : std::nullopt;
      if (entry && *entry) {
        ++found;
        if (!is_whole(i, *(*entry)->response.body)) {
          return 1;
        }
      }
    }
    return found > 0 ? 0 : 2;
  };
  Child one(read);
  Child two(read);
  CHECK(one.wait() == 0);
  CHECK(two.wait() == 0);
}

namespace {

/// Puts until the disk is full, then makes a promise; 0 if the promise held and the store went on.
int fill_disk(const std::filesystem::path& directory, int out) {
  auto store = store::SqliteStore::open(directory, {});
  bool refused = false;
  for (unsigned version = 1; version < 4000 && !refused; ++version) {
    const unsigned i = version % resources;
    cache::Entry entry = versioned(i, version);
    entry.response.body = std::make_shared<const std::string>(*entry.response.body + std::string(20'000, 'z'));
    const cache::Resource resource = resource_of("/f/" + std::to_string(version));
    refused = !store->put(resource, key_for(resource), entry).has_value();
  }
  if (!refused) {
    Child::say(out, "the disk never filled");
    return 1;
  }
  if (!store->find(key_for(resource_of("/f/1")), alice)) {
    Child::say(out, "a full disk broke reading");
    return 2;
  }
  if (!store->invalidate(std::array{github::Tag{"api.github.com", "/f"}})) {
    Child::say(out, "the promise failed");
    return 3;
  }
  const auto entry = store->find(key_for(resource_of("/f/1")), alice);
  if (entry && *entry && !(*entry)->response.must_revalidate) {
    Child::say(out, "the promise was broken");
    return 4;
  }
  const cache::Resource small = resource_of("/small");
  const bool goes_on =
      store->put(small, key_for(small), versioned(1, 1)).has_value() || store->find(key_for(small), alice).has_value();
  return goes_on ? 0 : 5;
}

/// After such a day, with room again: everything opens, and the promise is still kept.
void check_after_full_disk(const std::filesystem::path& directory) {
  auto store = store::SqliteStore::open(directory, {});
  CHECK(store->degraded().empty());
  for (const char* path : {"/f/1", "/f/2", "/f/30"}) {
    const auto entry = find(*store, resource_of(path), alice);
    CHECK((!entry || entry->response.must_revalidate));
  }
  put(*store, resource_of("/again"), versioned(1, 2));
}

}  // namespace

TEST_CASE("a file size limit of the process is a full disk") {
  TempDirectory directory;
  Child child([&](int out) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{3 << 20, 3 << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    return fill_disk(directory.cache(), out);
  });
  CHECK(child.read() == "");
  CHECK(child.wait() == 0);
  check_after_full_disk(directory.cache());
  check_sound(directory.database());
}

TEST_CASE("a really full disk costs entries at most") {
  TempDirectory directory;
  constexpr int not_permitted = 77;
  Child child([&](int out) {
    // A file system of its own, in a mount namespace of its own: it goes with the process.
    const int flags = ::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS;
    if (::unshare(flags) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", directory.path().c_str(), "tmpfs", 0, "size=2m") != 0) {
      return not_permitted;
    }
    if (const int result = fill_disk(directory.cache(), out); result != 0) {
      return result;
    }
    // Again, by another process's hand: every byte taken, and the store has to start.
    std::ofstream filler(directory.path() / "filler", std::ios::binary);
    while (filler << std::string(4096, 'x') << std::flush) {
    }
    auto store = store::SqliteStore::open(directory.cache(), {});
    const bool promised = store->invalidate(std::array{github::Tag{"api.github.com", "/"}}).has_value();
    const bool usable = store->find(key_for(numbered(1)), alice).has_value();
    filler.close();
    std::filesystem::remove(directory.path() / "filler");
    store.reset();
    auto next = store::SqliteStore::open(directory.cache(), {});
    // What is stored may still fill the little disk; without it there is room.
    const bool cleared = next->clear().has_value();
    const auto stored = next->put(numbered(2), key_for(numbered(2)), versioned(2, 2));
    const bool persists = cleared && next->degraded().empty() && stored.has_value();
    if (!promised || !usable || !persists) {
      Child::say(out,
                 (promised ? "" : "not promised ") + std::string(usable ? "" : "not usable ") +
                     (persists ? "" : "not persistent: " + next->degraded() + (stored ? "" : stored.error().message)));
      return 10;
    }
    return 0;
  });
  const std::string said = child.read();
  const int result = child.wait();
  if (result == not_permitted) {
    MESSAGE("SKIPPED: no permission to mount a small tmpfs here");
    return;
  }
  CHECK(said == "");
  CHECK(result == 0);
}
