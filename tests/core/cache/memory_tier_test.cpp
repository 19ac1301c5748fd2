#include "core/cache/memory_tier.hpp"

#include <doctest/doctest.h>

#include "core/cache/invalidation_log.hpp"

using namespace ghoard;

namespace {

std::shared_ptr<const cache::Entry> entry_of(const cache::Fingerprint& fingerprint, std::size_t size) {
  auto entry = std::make_shared<cache::Entry>();
  entry->response.body = std::make_shared<const std::string>(size, 'x');
  entry->grant.fingerprint = fingerprint;
  return entry;
}

cache::Resource resource(std::string path) {
  return {"api.github.com", std::move(path), "", "", ""};
}

const cache::Fingerprint fp_a = base::sha256("a");
const cache::Fingerprint fp_b = base::sha256("b");

}  // namespace

TEST_CASE("the memory tier keeps within its bytes and drops the least recently used first") {
  cache::MemoryTier tier(100'000);
  for (int i = 0; i < 10; ++i) {
    tier.put(resource("/x"), base::sha256(std::to_string(i)), entry_of(fp_a, 8'000));
  }
  CHECK(tier.size() == 10);
  CHECK(tier.find(base::sha256("0"), fp_a) != nullptr);
  tier.put(resource("/x"), base::sha256("new"), entry_of(fp_a, 20'000));
  CHECK(tier.bytes() <= 100'000);
  CHECK(tier.find(base::sha256("0"), fp_a) != nullptr);
  CHECK(tier.find(base::sha256("1"), fp_a) == nullptr);
  CHECK(tier.find(base::sha256("new"), fp_a) != nullptr);
}

TEST_CASE("one huge entry does not push out the rest") {
  cache::MemoryTier tier(100'000);
  tier.put(resource("/x"), base::sha256("small"), entry_of(fp_a, 100));
  tier.put(resource("/x"), base::sha256("huge"), entry_of(fp_a, 90'000));
  CHECK(tier.find(base::sha256("small"), fp_a) != nullptr);
  CHECK(tier.find(base::sha256("huge"), fp_a) == nullptr);
}

TEST_CASE("entries go by token, by resource and by what a write names") {
  cache::MemoryTier tier(100'000);
  const auto key = base::sha256("k");
  tier.put(resource("/repos/acme/widget"), key, entry_of(fp_a, 10));
  tier.put(resource("/repos/acme/widget"), key, entry_of(fp_b, 10));
  tier.put(resource("/repos/acme/widget2"), base::sha256("k2"), entry_of(fp_a, 10));
  tier.drop(key, fp_b);
  CHECK(tier.find(key, fp_b) == nullptr);
  const std::vector<github::Tag> tags{{"api.github.com", "/repos/acme/widget"}};
  tier.drop_matching(tags);
  CHECK(tier.find(key, fp_a) == nullptr);
  CHECK(tier.find(base::sha256("k2"), fp_a) != nullptr);
  tier.drop_all(fp_a);
  CHECK(tier.size() == 0);
  CHECK(tier.bytes() == 0);
}

TEST_CASE("the invalidation log tells what happened since a position, and assumes the worst when it forgot") {
  cache::InvalidationLog log;
  const auto start = log.position();
  const auto widget = resource("/repos/acme/widget");
  CHECK_FALSE(log.concerns(start, widget, fp_a));
  const std::vector<github::Tag> tags{{"api.github.com", "/repos/acme/other"}};
  log.add(tags, {});
  CHECK_FALSE(log.concerns(start, widget, fp_a));
  log.add(fp_b, {});
  CHECK(log.concerns(start, widget, fp_b));
  CHECK_FALSE(log.concerns(start, widget, fp_a));
  const auto later = log.position();
  CHECK_FALSE(log.concerns(later, widget, fp_b));
  for (int i = 0; i < 5000; ++i) {
    log.add(tags, {});
  }
  CHECK(log.concerns(start, widget, fp_a));
}
