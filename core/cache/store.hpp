#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/cache/entry.hpp"
#include "core/github/invalidation.hpp"

namespace ghoard::cache {

struct StoreSize {
  std::uint64_t entries = 0;    ///< responses
  std::uint64_t bytes = 0;      ///< bodies and headers, each body once
  std::uint64_t evictions = 0;  ///< responses evicted since this store was opened
};

/// A line of `cache ls`.
struct Listing {
  ResponseId id = 0;
  Resource resource;
  int status = 0;
  std::uint64_t body_bytes = 0;
  base::WallTime fetched_at{};
  base::Seconds lifetime{0};
  base::WallTime last_used{};
  bool must_revalidate = false;
  std::uint32_t grants = 0;
  github::EtagClass etag_class = github::EtagClass::opaque;
};

/// Which entries a listing or removal is about.
struct Selection {
  std::optional<std::string> host;
  std::optional<std::string> path;  ///< canonical path, exactly
  std::optional<std::string> query;
};

/// The durable cache. Called from one thread. A failure never means that something stale may be served: callers treat a
/// failed find as absent, and a failed put as not stored. Only `invalidate` and `revoke` must not fail silently.
class Store {
 public:
  virtual ~Store() = default;

  /// The response granted to `fingerprint`, whatever its age. Absent: nothing granted. Throws nothing.
  virtual base::Result<std::optional<Entry>> find(const ResourceKey& key, const Fingerprint& fingerprint) = 0;

  /// Shareable responses of the resource that other tokens were granted, the latest fetched first, at most `limit`;
  /// `grant` in each is that of the token that fetched it last.
  virtual base::Result<std::vector<Entry>> candidates(const ResourceKey& key, std::size_t limit) = 0;

  /// Stores one answer and its grant in one transaction; a response of the resource with the same status and body is
  /// updated instead of duplicated, and a previous different grant of this token is replaced. A response nobody is
  /// granted any more goes. Evicts by least recent use until the size limit holds. Returns the response's id.
  virtual base::Result<ResponseId> put(const Resource& resource, const ResourceKey& key, const Entry& entry) = 0;

  /// After a 304: the response's age starts anew (fetched_at, lifetime, headers and must_revalidate from `entry`) and
  /// the grant is made or renewed.
  virtual base::Result<void> renew(const ResourceKey& key, const Entry& entry) = 0;

  /// Drops the grant of one token for one resource (403, 404), or all of its grants (401, GraphQL mutation).
  /// Durable when it returns.
  virtual base::Result<void> revoke(const ResourceKey& key, const Fingerprint& fingerprint) = 0;
  virtual base::Result<void> revoke_all(const Fingerprint& fingerprint) = 0;

  /// Marks every response of the named resources must-revalidate. Durable (synced) when it returns, so that a write may
  /// leave; if the marks cannot be made durable the implementation gives the whole database up instead, and fails only
  /// if even that is impossible.
  virtual base::Result<void> invalidate(std::span<const github::Tag> tags) = 0;

  /// Records that responses were used, for the LRU order. Best effort.
  virtual void touch(std::span<const ResponseId> ids, base::WallTime now) = 0;

  virtual base::Result<std::vector<Listing>> list(const Selection& selection, std::size_t limit) = 0;
  /// Removes what is selected and returns how many responses went.
  virtual base::Result<std::uint64_t> remove(const Selection& selection) = 0;
  virtual base::Result<void> clear() = 0;
  [[nodiscard]] virtual StoreSize size() const = 0;

  /// One line why nothing is kept across restarts; empty while the store persists.
  [[nodiscard]] virtual std::string degraded() const = 0;
};

}  // namespace ghoard::cache
