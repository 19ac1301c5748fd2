// What a store promised survives a power failure and a disk that fails at any moment.

#include <array>
#include <doctest/doctest.h>
#include <random>
#include <set>
#include <string>
#include <utility>

#include "tests/store/fixture.hpp"
#include "tests/store/shim_vfs.hpp"

using namespace ghoard;
using namespace ghoard::testing;

namespace {

const cache::Fingerprint alice = token("alice's token");

cache::Resource numbered(unsigned i) {
  return resource_of("/repos/o/r" + std::to_string(i) + "/x");
}
github::Tag tag_of(unsigned i) {
  return {"api.github.com", "/repos/o/r" + std::to_string(i)};
}

/// Random operations, and what has been promised since: what may not be found at all, and what may not be found fresh.
class Storm {
 public:
  Storm(cache::Store& store, unsigned seed) : m_store(store), m_random(seed) {}

  /// One operation; true if it promised something.
  bool step() {
    const unsigned what = random(16);
    const unsigned i = random(resources);
    const unsigned who = random(tokens);
    m_seconds += 1;
    if (what < 8) {
      put_one(i, who);
      return false;
    }
    if (what < 10) {
      m_store.touch(std::array{cache::ResponseId{1}, cache::ResponseId{2}}, at(m_seconds));
      return false;
    }
    if (what < 13) {
      REQUIRE(m_store.invalidate(std::array{tag_of(i)}).has_value());
      m_invalidated[i] = at(m_seconds);
      return true;
    }
    if (what < 15) {
      REQUIRE(m_store.revoke(key_for(numbered(i)), holder(who)).has_value());
      m_revoked.insert({i, who});
      return true;
    }
    REQUIRE(m_store.revoke_all(holder(who)).has_value());
    for (unsigned each = 0; each < resources; ++each) {
      m_revoked.insert({each, who});
    }
    return true;
  }

  /// Holds a store, opened on what was left, against the promises.
  void check(cache::Store& left) const {
    for (unsigned i = 0; i < resources; ++i) {
      for (unsigned who = 0; who < tokens; ++who) {
        const auto entry = find(left, numbered(i), holder(who));
        if (!entry) {
          continue;
        }
        CHECK_FALSE(m_revoked.contains({i, who}));
        CHECK((entry->response.must_revalidate || entry->response.fetched_at > m_invalidated[i]));
      }
    }
  }

  static constexpr unsigned resources = 6;
  static constexpr unsigned tokens = 3;

 private:
  unsigned random(unsigned below) { return static_cast<unsigned>(m_random() % below); }
  static cache::Fingerprint holder(unsigned who) { return token("token " + std::to_string(who)); }

  void put_one(unsigned i, unsigned who) {
    // Small, large and shared bodies; some answers are marked from the start, as those that a write overtook.
    const unsigned size = random(8) == 0 ? 30'000 : 50;
    cache::Entry entry = entry_of(std::string(size, 'x') + std::to_string(random(3)), holder(who), m_seconds);
    entry.response.must_revalidate = random(4) == 0;
    put(m_store, numbered(i), entry);
    m_revoked.erase({i, who});
  }

  cache::Store& m_store;
  std::mt19937 m_random;
  std::int64_t m_seconds = 0;
  std::array<base::WallTime, resources> m_invalidated{};
  std::set<std::pair<unsigned, unsigned>> m_revoked;
};

}  // namespace

TEST_CASE("what was promised outlasts a power failure at the moment of the promise") {
  for (const unsigned seed : {1U, 2U}) {
    CAPTURE(seed);
    ShimVfs shim;
    TempDirectory directory;
    auto owner = store::SqliteStore::open(directory.cache(), {200'000});
    REQUIRE(owner->degraded().empty());
    Storm storm(*owner, seed);
    int promises = 0;
    for (int i = 0; i < 200; ++i) {
      if (!storm.step()) {
        continue;
      }
      TempDirectory after;
      shim.write_durable(directory.cache(), after.cache());
      auto left = store::SqliteStore::open(after.cache(), {});
      REQUIRE(left->degraded().empty());
      storm.check(*left);
      left.reset();
      check_sound(after.database());
      CHECK_FALSE(std::filesystem::exists(after.cache() / "cache.db.corrupt-1"));
      ++promises;
    }
    CHECK(promises > 50);
  }
}

TEST_CASE("a mark that no row needs is synced all the same, since earlier rows may come back") {
  ShimVfs shim;
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.cache(), {});
  put(*store, numbered(1), entry_of("old", alice, 1));
  REQUIRE(store->invalidate(std::array{tag_of(5)}).has_value());  // makes "old" durable, unmarked
  cache::Entry marked = entry_of("old", alice, 1);
  marked.response.must_revalidate = true;
  put(*store, numbered(1), marked);  // not synced
  const std::uint64_t before = shim.syncs();
  REQUIRE(store->invalidate(std::array{tag_of(1)}).has_value());
  CHECK(shim.syncs() > before);
  TempDirectory after;
  shim.write_durable(directory.cache(), after.cache());
  auto left = store::SqliteStore::open(after.cache(), {});
  const auto found = find(*left, numbered(1), alice);
  CHECK((!found || found->response.must_revalidate));
}

TEST_CASE("ordinary answers are stored without waiting for the disk") {
  ShimVfs shim;
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.cache(), {});
  const std::uint64_t before = shim.syncs();
  for (unsigned i = 0; i < 20; ++i) {
    put(*store, numbered(i), entry_of("body", alice, i));
  }
  REQUIRE(store->revoke(key_for(resource_of("/never cached")), alice).has_value());
  CHECK(shim.syncs() == before);
}

namespace {

struct Fault {
  std::uint64_t n;
  int code;
  bool from_then_on;
};

/// A day in the life of a store whose disk fails; what was promised is checked afterwards, on a healthy disk.
bool survives(const Fault& fault) {
  ShimVfs shim;
  TempDirectory directory;
  {
    auto store = store::SqliteStore::open(directory.cache(), {1 << 20});
    for (unsigned i = 0; i < 6; ++i) {
      put(*store, numbered(i), entry_of(std::string(3000, 'a') + std::to_string(i), alice, 1));
    }
  }
  shim.fail_operation(fault.n, fault.code, fault.from_then_on);
  bool marked = false;
  bool revoked = false;
  bool cleared_all = false;
  {
    auto store = store::SqliteStore::open(directory.cache(), {1 << 20});
    static_cast<void>(store->put(numbered(7), key_for(numbered(7)), entry_of(std::string(9000, 'b'), alice, 2)));
    marked = store->invalidate(std::array{tag_of(1)}).has_value();
    revoked = store->revoke(key_for(numbered(2)), alice).has_value();
    const auto known = store->find(key_for(numbered(3)), alice);
    if (known && *known) {
      static_cast<void>(store->renew(key_for(numbered(3)), **known));
    }
    store->touch(std::array{cache::ResponseId{4}}, at(100));
    static_cast<void>(store->list({}, 10));
    static_cast<void>(store->remove({.path = numbered(5).path}));
    const auto late = store->find(key_for(numbered(1)), alice);
    CHECK((!marked || !late || !*late || (*late)->response.must_revalidate));
    cleared_all = store->revoke_all(token("nobody")).has_value();
  }
  const bool failed = shim.failed();
  shim.fail_nothing();
  // Whatever happened, the files opened next are sound, and the promises that were made are kept.
  auto store = store::SqliteStore::open(directory.cache(), {1 << 20});
  CHECK(store->degraded().empty());
  CHECK(cleared_all);
  CHECK(marked);
  CHECK(revoked);
  const auto one = find(*store, numbered(1), alice);
  CHECK((!one || one->response.must_revalidate));
  CHECK_FALSE(find(*store, numbered(2), alice).has_value());
  put(*store, numbered(8), entry_of("after", alice, 3));
  CHECK(body_of(find(*store, numbered(8), alice)) == "after");
  store.reset();
  check_sound(directory.database());
  return failed;
}

}  // namespace

TEST_CASE("every single operation on the disk may fail, once or from then on, and no promise is broken") {
  for (const int code : {SQLITE_FULL, SQLITE_IOERR_WRITE}) {
    for (const bool from_then_on : {false, true}) {
      std::uint64_t n = 1;
      while (n < 2000 && survives({n, code, from_then_on})) {
        ++n;
      }
      CAPTURE(code);
      CAPTURE(from_then_on);
      CHECK(n > 20);
      CHECK(n < 2000);
    }
  }
}

TEST_CASE("a store whose disk is full serves what it has and refuses what is new") {
  ShimVfs shim;
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.cache(), {});
  put(*store, numbered(1), entry_of("here", alice));
  shim.fail_operation(1, SQLITE_FULL, true);
  CHECK_FALSE(store->put(numbered(2), key_for(numbered(2)), entry_of("new", alice)).has_value());
  CHECK(body_of(find(*store, numbered(1), alice)) == "here");
  CHECK(store->degraded().empty());
  CHECK(store->size().entries == 1);
  shim.fail_nothing();
  put(*store, numbered(2), entry_of("new", alice));
  CHECK(body_of(find(*store, numbered(2), alice)) == "new");
}

TEST_CASE("a mark that cannot be written costs the whole database, file and memory") {
  ShimVfs shim;
  TempDirectory directory;
  auto store = store::SqliteStore::open(directory.cache(), {});
  put(*store, numbered(1), entry_of("here", alice));
  shim.fail_operation(1, SQLITE_FULL, true);
  CHECK(store->invalidate(std::array{tag_of(1)}).has_value());
  CHECK_FALSE(find(*store, numbered(1), alice).has_value());
  CHECK_FALSE(store->degraded().empty());
  // Nothing can be written, but the store goes on, in memory.
  put(*store, numbered(2), entry_of("new", alice));
  CHECK(body_of(find(*store, numbered(2), alice)) == "new");
  shim.fail_nothing();
  auto next = store::SqliteStore::open(directory.cache(), {});
  CHECK_FALSE(find(*next, numbered(1), alice).has_value());
}
