#pragma once

#include <cstdint>
#include <utility>

#include "core/cache/store.hpp"

namespace ghoard::testing {

/// Passes every call on to another store, except the n-th (from 1), which fails without being passed on; with
/// `from_then_on`, so does every later one. Run a scenario for n = 1, 2, ... until `failed()` stays false: then every
/// call of it has failed once. A `touch` whose turn it is does nothing. `size` and `degraded` are not counted.
class FaultyStore final : public cache::Store {
 public:
  explicit FaultyStore(cache::Store& store) : m_store(store) {}

  void fail_call(std::uint64_t n, bool from_then_on = false) {
    m_calls = 0;
    m_fail_at = n;
    m_from_then_on = from_then_on;
    m_failed = false;
  }
  /// Calls since fail_call.
  [[nodiscard]] std::uint64_t calls() const { return m_calls; }
  [[nodiscard]] bool failed() const { return m_failed; }

  base::Result<std::optional<cache::Entry>> find(const cache::ResourceKey& key,
                                                 const cache::Fingerprint& fingerprint) override {
    return pass([&] { return m_store.find(key, fingerprint); });
  }
  base::Result<std::vector<cache::Entry>> candidates(const cache::ResourceKey& key, std::size_t limit) override {
    return pass([&] { return m_store.candidates(key, limit); });
  }
  base::Result<cache::ResponseId> put(const cache::Resource& resource, const cache::ResourceKey& key,
                                      const cache::Entry& entry) override {
    return pass([&] { return m_store.put(resource, key, entry); });
  }
  base::Result<void> renew(const cache::ResourceKey& key, const cache::Entry& entry) override {
    return pass([&] { return m_store.renew(key, entry); });
  }
  base::Result<void> revoke(const cache::ResourceKey& key, const cache::Fingerprint& fingerprint) override {
    return pass([&] { return m_store.revoke(key, fingerprint); });
  }
  base::Result<void> revoke_all(const cache::Fingerprint& fingerprint) override {
    return pass([&] { return m_store.revoke_all(fingerprint); });
  }
  base::Result<void> invalidate(std::span<const github::Tag> tags) override {
    return pass([&] { return m_store.invalidate(tags); });
  }
  void touch(std::span<const cache::ResponseId> ids, base::WallTime now) override {
    static_cast<void>(pass([&]() -> base::Result<void> {
      m_store.touch(ids, now);
      return {};
    }));
  }
  base::Result<std::vector<cache::Listing>> list(const cache::Selection& selection, std::size_t limit) override {
    return pass([&] { return m_store.list(selection, limit); });
  }
  base::Result<std::uint64_t> remove(const cache::Selection& selection) override {
    return pass([&] { return m_store.remove(selection); });
  }
  base::Result<void> clear() override {
    return pass([&] { return m_store.clear(); });
  }
  [[nodiscard]] cache::StoreSize size() const override { return m_store.size(); }
  [[nodiscard]] std::string degraded() const override { return m_store.degraded(); }

 private:
  template <class Call>
  auto pass(Call call) -> decltype(call()) {
    ++m_calls;
    if (m_fail_at != 0 && (m_calls == m_fail_at || (m_from_then_on && m_calls > m_fail_at))) {
      m_failed = true;
      return base::fail(base::ErrorCode::system, "injected failure of a store");
    }
    return call();
  }

  cache::Store& m_store;
  std::uint64_t m_calls = 0;
  std::uint64_t m_fail_at = 0;
  bool m_from_then_on = false;
  bool m_failed = false;
};

}  // namespace ghoard::testing
