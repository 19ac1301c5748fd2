// What core/cache/store.hpp promises, held against every implementation: SQLite on disk and in memory, and the
// in-memory store that other tests stand on.

#include <algorithm>
#include <array>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "tests/store/fixture.hpp"
#include "tests/support/memory_store.hpp"

using namespace ghoard;
using namespace ghoard::testing;

namespace {

constexpr std::uint64_t small_limit = 256 * 1024;

struct OnDisk {
  TempDirectory directory;
  std::unique_ptr<cache::Store> make(std::uint64_t max_bytes) {
    auto store = store::SqliteStore::open(directory.cache(), {max_bytes});
    CHECK(store->degraded().empty());
    return store;
  }
};
struct InMemory {
  std::unique_ptr<cache::Store> make(std::uint64_t max_bytes) {
    return store::SqliteStore::in_memory({max_bytes}, "for a test");
  }
};
struct Plain {
  std::unique_ptr<cache::Store> make(std::uint64_t max_bytes) { return std::make_unique<MemoryStore>(max_bytes); }
};

template <class Kind>
struct Fixture {
  Kind kind;
  std::unique_ptr<cache::Store> owner = kind.make(64 << 20);
  cache::Store& store = *owner;
};

const cache::Fingerprint alice = token("alice's token");
const cache::Fingerprint bob = token("bob's token");

bool is_marked(cache::Store& store, const cache::Resource& resource) {
  const std::optional<cache::Entry> entry = find(store, resource, alice);
  REQUIRE(entry.has_value());
  return entry->response.must_revalidate;
}

std::vector<std::string> listed_paths(cache::Store& store, const cache::Selection& selection) {
  const auto listings = store.list(selection, 100);
  REQUIRE(listings.has_value());
  std::vector<std::string> paths;
  for (const cache::Listing& line : *listings) {
    paths.push_back(line.resource.path);
  }
  return paths;
}

}  // namespace

#define STORES OnDisk, InMemory, Plain

TEST_CASE_TEMPLATE("an entry is found exactly as it was put", Kind, STORES) {
  Fixture<Kind> f;
  const cache::Resource resource = resource_of("/repos/o/r", "per_page=100");
  cache::Entry entry = entry_of(std::string("{\"a\":\0}", 7), alice, 5);
  entry.response.status = 404;
  entry.response.headers.add("Link", "<https://x/?page=2>; rel=\"next\"");
  entry.response.headers.add("link", "");
  entry.response.etag_class = github::EtagClass::object_sha;
  entry.response.immutable = true;
  entry.response.fetched_at += base::Millis(123);
  entry.response.lifetime = base::Seconds(86400);
  entry.grant.proven_at += base::Millis(456);
  entry.grant.unverified = true;
  const cache::ResponseId id = put(f.store, resource, entry);
  const auto found = find(f.store, resource, alice);
  REQUIRE(found.has_value());
  CHECK(found->response.id == id);
  CHECK(found->response.status == 404);
  CHECK(found->response.headers == entry.response.headers);
  CHECK(*found->response.body == *entry.response.body);
  CHECK(found->response.etag_class == github::EtagClass::object_sha);
  CHECK(found->response.vary == entry.response.vary);
  CHECK(found->response.last_modified == entry.response.last_modified);
  CHECK(found->response.fetched_at == entry.response.fetched_at);
  CHECK(found->response.lifetime == entry.response.lifetime);
  CHECK(found->response.immutable);
  CHECK(found->response.shareable);
  CHECK_FALSE(found->response.must_revalidate);
  CHECK(found->grant.fingerprint == alice);
  CHECK(found->grant.proven_at == entry.grant.proven_at);
  CHECK(found->grant.etag == entry.grant.etag);
  CHECK(found->grant.unverified);
}

TEST_CASE_TEMPLATE("an empty body, no headers and no validator can be stored", Kind, STORES) {
  Fixture<Kind> f;
  cache::Entry entry = entry_of("", alice);
  entry.response.headers = {};
  entry.response.vary.clear();
  entry.response.last_modified.clear();
  entry.response.lifetime = base::Seconds(0);
  entry.grant.etag.clear();
  put(f.store, resource_of("/empty"), entry);
  const auto found = find(f.store, resource_of("/empty"), alice);
  REQUIRE(found.has_value());
  CHECK(found->response.body->empty());
  CHECK(found->response.headers.empty());
  CHECK(found->grant.etag.empty());
}

TEST_CASE_TEMPLATE("nobody is served under another token's grant", Kind, STORES) {
  Fixture<Kind> f;
  put(f.store, resource_of("/repos/o/r"), entry_of("secret", alice));
  CHECK_FALSE(find(f.store, resource_of("/repos/o/r"), bob).has_value());
  CHECK_FALSE(find(f.store, resource_of("/repos/o/r2"), alice).has_value());
  CHECK_FALSE(find(f.store, resource_of("/repos/o/r", "page=2"), alice).has_value());
}

TEST_CASE_TEMPLATE("two tokens may have different answers for one resource", Kind, STORES) {
  Fixture<Kind> f;
  const cache::Resource resource = resource_of("/user");
  put(f.store, resource, entry_of("alice", alice));
  put(f.store, resource, entry_of("bob", bob));
  CHECK(body_of(find(f.store, resource, alice)) == "alice");
  CHECK(body_of(find(f.store, resource, bob)) == "bob");
  CHECK(f.store.size().entries == 2);
}

TEST_CASE_TEMPLATE("two tokens with the same answer share one response", Kind, STORES) {
  Fixture<Kind> f;
  const cache::Resource resource = resource_of("/repos/o/r");
  const cache::ResponseId first = put(f.store, resource, entry_of("same", alice, 1));
  const cache::ResponseId second = put(f.store, resource, entry_of("same", bob, 2));
  CHECK(first == second);
  CHECK(f.store.size().entries == 1);
  CHECK(find(f.store, resource, alice)->response.fetched_at == at(2));
  CHECK(find(f.store, resource, alice)->grant.proven_at == at(1));
  CHECK(find(f.store, resource, alice)->grant.etag != find(f.store, resource, bob)->grant.etag);
}

TEST_CASE_TEMPLATE("the same body with another status is another response", Kind, STORES) {
  Fixture<Kind> f;
  const cache::Resource resource = resource_of("/repos/o/r");
  put(f.store, resource, entry_of("same", alice));
  cache::Entry missing = entry_of("same", bob);
  missing.response.status = 404;
  put(f.store, resource, missing);
  CHECK(find(f.store, resource, alice)->response.status == 200);
  CHECK(find(f.store, resource, bob)->response.status == 404);
}

TEST_CASE_TEMPLATE("a body is counted once however many responses have it", Kind, STORES) {
  Fixture<Kind> f;
  const std::string body(10'000, 'x');
  put(f.store, resource_of("/a"), entry_of(body, alice));
  const std::uint64_t one = f.store.size().bytes;
  for (const char* path : {"/b", "/c", "/d"}) {
    put(f.store, resource_of(path), entry_of(body, alice));
  }
  const std::uint64_t headers = one - body.size();
  CHECK(f.store.size().bytes == body.size() + 4 * headers);
  REQUIRE(f.store.remove({.path = "/a"}).has_value());
  CHECK(body_of(find(f.store, resource_of("/b"), alice)) == body);
  REQUIRE(f.store.remove({}).has_value());
  CHECK(f.store.size().bytes == 0);
}

TEST_CASE_TEMPLATE("a new answer takes the place of the old one, which goes when nobody is granted it", Kind, STORES) {
  Fixture<Kind> f;
  const cache::Resource resource = resource_of("/repos/o/r");
  put(f.store, resource, entry_of("old", alice, 1));
  put(f.store, resource, entry_of("old", bob, 1));
  put(f.store, resource, entry_of("new", alice, 2));
  CHECK(body_of(find(f.store, resource, alice)) == "new");
  CHECK(body_of(find(f.store, resource, bob)) == "old");
  CHECK(f.store.size().entries == 2);
  put(f.store, resource, entry_of("new", bob, 3));
  CHECK(body_of(find(f.store, resource, bob)) == "new");
  CHECK(f.store.size().entries == 1);
}

TEST_CASE_TEMPLATE("candidates are the shareable responses, the latest first, with the latest grant", Kind, STORES) {
  Fixture<Kind> f;
  const cache::Resource resource = resource_of("/repos/o/r");
  put(f.store, resource, entry_of("one", token("1"), 10));
  put(f.store, resource, entry_of("two", token("2"), 20));
  put(f.store, resource, entry_of("three", token("3"), 15));
  cache::Entry bound = entry_of("bound", token("4"), 30);
  bound.response.shareable = false;
  put(f.store, resource, bound);
  put(f.store, resource, entry_of("one", token("5"), 11));
  put(f.store, resource_of("/repos/o/other"), entry_of("elsewhere", token("6"), 40));
  const auto found = f.store.candidates(key_for(resource), 10);
  REQUIRE(found.has_value());
  REQUIRE(found->size() == 3);
  CHECK(*(*found)[0].response.body == "two");
  CHECK(*(*found)[1].response.body == "three");
  CHECK(*(*found)[2].response.body == "one");
  CHECK((*found)[2].grant.fingerprint == token("5"));
  const auto limited = f.store.candidates(key_for(resource), 1);
  REQUIRE(limited.has_value());
  REQUIRE(limited->size() == 1);
  CHECK(*limited->front().response.body == "two");
}

TEST_CASE_TEMPLATE("a renewed response is as fresh as the revalidation and grants the token that asked", Kind, STORES) {
  Fixture<Kind> f;
  const cache::Resource resource = resource_of("/repos/o/r");
  put(f.store, resource, entry_of("body", alice, 0));
  REQUIRE(f.store.invalidate(std::array{github::Tag{"api.github.com", "/repos/o/r"}}).has_value());
  cache::Entry entry = *find(f.store, resource, alice);
  REQUIRE(entry.response.must_revalidate);
  entry.response.fetched_at = at(500);
  entry.response.lifetime = base::Seconds(77);
  entry.response.must_revalidate = false;
  entry.response.headers.set("X-New", "yes");
  entry.grant = {bob, at(500), "\"bob\""};
  REQUIRE(f.store.renew(key_for(resource), entry).has_value());
  for (const cache::Fingerprint& who : {alice, bob}) {
    const auto found = find(f.store, resource, who);
    REQUIRE(found.has_value());
    CHECK(found->response.fetched_at == at(500));
    CHECK(found->response.lifetime == base::Seconds(77));
    CHECK(found->response.headers.get("x-new") == "yes");
    CHECK_FALSE(found->response.must_revalidate);
  }
  CHECK(find(f.store, resource, alice)->grant.proven_at == at(0));
  CHECK(find(f.store, resource, bob)->grant.etag == "\"bob\"");
  CHECK(f.store.size().entries == 1);
}

TEST_CASE_TEMPLATE("a renewal moves a token from its own older response to the proven one", Kind, STORES) {
  Fixture<Kind> f;
  const cache::Resource resource = resource_of("/repos/o/r");
  put(f.store, resource, entry_of("old", bob, 0));
  put(f.store, resource, entry_of("new", alice, 1));
  cache::Entry entry = *find(f.store, resource, alice);
  entry.grant = {bob, at(2), "\"b\""};
  REQUIRE(f.store.renew(key_for(resource), entry).has_value());
  CHECK(body_of(find(f.store, resource, bob)) == "new");
  CHECK(f.store.size().entries == 1);
}

TEST_CASE_TEMPLATE("a response that is gone cannot be renewed, nor another in its place", Kind, STORES) {
  Fixture<Kind> f;
  const cache::Resource resource = resource_of("/repos/o/r");
  put(f.store, resource, entry_of("one", alice));
  const cache::Entry gone = *find(f.store, resource, alice);
  REQUIRE(f.store.remove({}).has_value());
  put(f.store, resource, entry_of("two", alice));
  const auto renewed = f.store.renew(key_for(resource), gone);
  REQUIRE_FALSE(renewed.has_value());
  CHECK(renewed.error().code == base::ErrorCode::unavailable);
  cache::Entry forged = *find(f.store, resource, alice);
  forged.response.body = std::make_shared<const std::string>("never stored");
  CHECK_FALSE(f.store.renew(key_for(resource), forged).has_value());
  CHECK_FALSE(f.store.renew(key_for(resource_of("/elsewhere")), *find(f.store, resource, alice)).has_value());
  CHECK(body_of(find(f.store, resource, alice)) == "two");
}

TEST_CASE_TEMPLATE("revoking takes one token's grant for one resource", Kind, STORES) {
  Fixture<Kind> f;
  put(f.store, resource_of("/a"), entry_of("a", alice));
  put(f.store, resource_of("/a"), entry_of("a", bob));
  put(f.store, resource_of("/b"), entry_of("b", alice));
  REQUIRE(f.store.revoke(key_for(resource_of("/a")), alice).has_value());
  CHECK_FALSE(find(f.store, resource_of("/a"), alice).has_value());
  CHECK(find(f.store, resource_of("/a"), bob).has_value());
  CHECK(find(f.store, resource_of("/b"), alice).has_value());
  REQUIRE(f.store.revoke(key_for(resource_of("/a")), bob).has_value());
  CHECK(f.store.size().entries == 1);
  REQUIRE(f.store.revoke(key_for(resource_of("/never seen")), bob).has_value());
}

TEST_CASE_TEMPLATE("revoking a token takes all of its grants and no other's", Kind, STORES) {
  Fixture<Kind> f;
  for (const char* path : {"/a", "/b", "/c"}) {
    put(f.store, resource_of(path), entry_of(path, alice));
  }
  put(f.store, resource_of("/c"), entry_of("/c", bob));
  REQUIRE(f.store.revoke_all(alice).has_value());
  for (const char* path : {"/a", "/b", "/c"}) {
    CHECK_FALSE(find(f.store, resource_of(path), alice).has_value());
  }
  CHECK(find(f.store, resource_of("/c"), bob).has_value());
  CHECK(f.store.size().entries == 1);
  CHECK(listed_paths(f.store, {}) == std::vector<std::string>{"/c"});
  REQUIRE(f.store.revoke_all(token("never seen")).has_value());
  // The same token may prove itself again.
  put(f.store, resource_of("/a"), entry_of("again", alice));
  CHECK(body_of(find(f.store, resource_of("/a"), alice)) == "again");
}

TEST_CASE_TEMPLATE("an invalidation marks the prefix and what lies below it, and nothing beside it", Kind, STORES) {
  Fixture<Kind> f;
  const std::vector<std::string> inside{"/repos/o/r", "/repos/o/r/", "/repos/o/r/issues", "/repos/o/r/issues/1",
                                        "/repos/o/r/~"};
  const std::vector<std::string> outside{"/repos/o/r2", "/repos/o/r-x", "/repos/o/r.x", "/repos/o/r0",
                                         "/repos/o",    "/repos/o/q/x", "/repos/o/s",   "/",
                                         "/repos/o/R"};
  for (const std::string& path : inside) {
    put(f.store, resource_of(path), entry_of(path, alice));
    put(f.store, resource_of(path, "page=2"), entry_of(path, alice));
  }
  for (const std::string& path : outside) {
    put(f.store, resource_of(path), entry_of(path, alice));
  }
  put(f.store, resource_of("/repos/o/r", "", "ghe.example"), entry_of("other host", alice));
  REQUIRE(f.store.invalidate(std::array{github::Tag{"api.github.com", "/repos/o/r"}}).has_value());
  for (const std::string& path : inside) {
    CHECK_MESSAGE(is_marked(f.store, resource_of(path)), path);
    CHECK_MESSAGE(is_marked(f.store, resource_of(path, "page=2")), path);
  }
  for (const std::string& path : outside) {
    CHECK_MESSAGE(!is_marked(f.store, resource_of(path)), path);
  }
  CHECK_FALSE(is_marked(f.store, resource_of("/repos/o/r", "", "ghe.example")));
}

TEST_CASE_TEMPLATE("an invalidation marks every token's response", Kind, STORES) {
  Fixture<Kind> f;
  put(f.store, resource_of("/user"), entry_of("a", alice));
  put(f.store, resource_of("/user"), entry_of("b", bob));
  REQUIRE(f.store.invalidate(std::array{github::Tag{"api.github.com", "/user"}}).has_value());
  CHECK(find(f.store, resource_of("/user"), alice)->response.must_revalidate);
  CHECK(find(f.store, resource_of("/user"), bob)->response.must_revalidate);
}

TEST_CASE_TEMPLATE("an empty prefix marks the whole host, and several tags are marked together", Kind, STORES) {
  Fixture<Kind> f;
  put(f.store, resource_of("/a"), entry_of("a", alice));
  put(f.store, resource_of("/b/c"), entry_of("b", alice));
  put(f.store, resource_of("/a", "", "one.example"), entry_of("c", alice));
  put(f.store, resource_of("/b", "", "one.example"), entry_of("d", alice));
  put(f.store, resource_of("/b", "", "two.example"), entry_of("e", alice));
  REQUIRE(f.store.invalidate({}).has_value());
  REQUIRE(
      f.store.invalidate(std::array{github::Tag{"api.github.com", ""}, github::Tag{"one.example", "/a"}}).has_value());
  CHECK(is_marked(f.store, resource_of("/a")));
  CHECK(is_marked(f.store, resource_of("/b/c")));
  CHECK(is_marked(f.store, resource_of("/a", "", "one.example")));
  CHECK_FALSE(is_marked(f.store, resource_of("/b", "", "one.example")));
  CHECK_FALSE(is_marked(f.store, resource_of("/b", "", "two.example")));
}

TEST_CASE_TEMPLATE("a fresh answer lifts the mark", Kind, STORES) {
  Fixture<Kind> f;
  put(f.store, resource_of("/a"), entry_of("a", alice));
  REQUIRE(f.store.invalidate(std::array{github::Tag{"api.github.com", "/a"}}).has_value());
  put(f.store, resource_of("/a"), entry_of("a", alice, 9));
  CHECK_FALSE(is_marked(f.store, resource_of("/a")));
}

TEST_CASE_TEMPLATE("the size limit holds, and the least recently used go first", Kind, STORES) {
  Kind kind;
  auto owner = kind.make(small_limit);
  cache::Store& store = *owner;
  const std::string filler(20'000, 'x');
  std::vector<cache::ResponseId> ids;
  const auto path = [](int i) { return resource_of("/n/" + std::to_string(i)); };
  for (int i = 0; i < 10; ++i) {
    ids.push_back(put(store, path(i), entry_of(filler + std::to_string(i), alice, i)));
  }
  REQUIRE(store.size().evictions == 0);
  store.touch(std::array{ids[0], ids[3]}, at(100));
  for (int i = 10; i < 15; ++i) {
    put(store, path(i), entry_of(filler + std::to_string(i), alice, i + 100));
  }
  CHECK(store.size().bytes <= small_limit);
  CHECK(store.size().evictions > 0);
  CHECK(store.size().entries + store.size().evictions == 15);
  std::vector<int> gone;
  for (int i = 0; i < 15; ++i) {
    if (!find(store, path(i), alice)) {
      gone.push_back(i);
    }
  }
  REQUIRE(gone.size() >= 2);
  // In the order of use: 1, 2, 4, 5, ... and not 0 and 3, which were used again.
  const std::vector<int> order{1, 2, 4, 5, 6, 7, 8, 9};
  CHECK(std::equal(gone.begin(), gone.end(), order.begin()));
}

TEST_CASE_TEMPLATE("an answer over a fourth of the limit is not stored, nor is what it replaces kept", Kind, STORES) {
  Kind kind;
  auto owner = kind.make(small_limit);
  cache::Store& store = *owner;
  put(store, resource_of("/a"), entry_of("small", alice));
  const auto id =
      store.put(resource_of("/a"), key_for(resource_of("/a")), entry_of(std::string(small_limit / 4 + 1, 'x'), alice));
  REQUIRE_FALSE(id.has_value());
  CHECK(id.error().code == base::ErrorCode::too_large);
  CHECK_FALSE(find(store, resource_of("/a"), alice).has_value());
  put(store, resource_of("/a"), entry_of(std::string(small_limit / 4, 'x'), alice));
  CHECK(find(store, resource_of("/a"), alice).has_value());
}

TEST_CASE_TEMPLATE("a listing says what is stored, most recently used first", Kind, STORES) {
  Fixture<Kind> f;
  put(f.store, resource_of("/a", "page=2"), entry_of("12345", alice, 1));
  put(f.store, resource_of("/b"), entry_of("b", alice, 2));
  put(f.store, resource_of("/b"), entry_of("b", bob, 2));
  put(f.store, resource_of("/b", "", "ghe.example"), entry_of("c", alice, 3));
  REQUIRE(f.store.invalidate(std::array{github::Tag{"api.github.com", "/b"}}).has_value());
  const auto all = f.store.list({}, 10);
  REQUIRE(all.has_value());
  REQUIRE(all->size() == 3);
  CHECK((*all)[0].resource.host == "ghe.example");
  CHECK((*all)[1].resource == resource_of("/b"));
  CHECK((*all)[1].grants == 2);
  CHECK((*all)[1].must_revalidate);
  CHECK((*all)[2].resource == resource_of("/a", "page=2"));
  CHECK((*all)[2].body_bytes == 5);
  CHECK((*all)[2].status == 200);
  CHECK((*all)[2].grants == 1);
  CHECK((*all)[2].fetched_at == at(1));
  CHECK((*all)[2].last_used == at(1));
  CHECK((*all)[2].lifetime == base::Seconds(60));
  CHECK((*all)[2].etag_class == github::EtagClass::derivable);
  CHECK_FALSE((*all)[2].must_revalidate);
  CHECK(f.store.list({}, 1)->size() == 1);
  f.store.touch(std::array{(*all)[2].id}, at(1000));
  CHECK(f.store.list({}, 1)->front().resource.path == "/a");
}

TEST_CASE_TEMPLATE("selections name entries by host, path and query", Kind, STORES) {
  Fixture<Kind> f;
  put(f.store, resource_of("/a"), entry_of("1", alice, 1));
  put(f.store, resource_of("/a", "page=2"), entry_of("2", alice, 2));
  put(f.store, resource_of("/b"), entry_of("3", alice, 3));
  put(f.store, resource_of("/a", "", "ghe.example"), entry_of("4", alice, 4));
  CHECK(listed_paths(f.store, {.host = "ghe.example"}) == std::vector<std::string>{"/a"});
  CHECK(listed_paths(f.store, {.path = "/a"}).size() == 3);
  CHECK(listed_paths(f.store, {.host = "api.github.com", .path = "/a", .query = ""}).size() == 1);
  CHECK(listed_paths(f.store, {.path = "/a' OR 1 --"}).empty());
  CHECK(*f.store.remove({.host = "api.github.com", .path = "/a"}) == 2);
  CHECK(*f.store.remove({.host = "api.github.com", .path = "/a"}) == 0);
  CHECK(f.store.size().entries == 2);
  CHECK(*f.store.remove({}) == 2);
  CHECK(f.store.size().entries == 0);
  CHECK(f.store.size().bytes == 0);
}

TEST_CASE_TEMPLATE("clearing leaves nothing, and a store to go on with", Kind, STORES) {
  Fixture<Kind> f;
  put(f.store, resource_of("/a"), entry_of("a", alice));
  REQUIRE(f.store.clear().has_value());
  CHECK_FALSE(find(f.store, resource_of("/a"), alice).has_value());
  CHECK(f.store.size().entries == 0);
  CHECK(f.store.size().bytes == 0);
  put(f.store, resource_of("/a"), entry_of("b", alice));
  CHECK(body_of(find(f.store, resource_of("/a"), alice)) == "b");
}

TEST_CASE_TEMPLATE("an answer without a body is refused", Kind, STORES) {
  Fixture<Kind> f;
  cache::Entry entry = entry_of("", alice);
  entry.response.body = nullptr;
  const auto id = f.store.put(resource_of("/a"), key_for(resource_of("/a")), entry);
  REQUIRE_FALSE(id.has_value());
  CHECK(id.error().code == base::ErrorCode::invalid_input);
  CHECK_FALSE(f.store.renew(key_for(resource_of("/a")), entry).has_value());
}
