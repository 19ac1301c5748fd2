#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/cache/store.hpp"
#include "store/connection.hpp"

namespace ghoard::store {

// The writer's operations, each one transaction on a connection. A failure leaves the database as it was; one with the
// code `corrupted` says that it cannot go on as it is.

struct Stored {
  cache::ResponseId id = 0;
  std::uint64_t evicted = 0;
};

[[nodiscard]] base::Result<std::optional<cache::Entry>> find(Connection& connection, const cache::ResourceKey& key,
                                                             const cache::Fingerprint& fingerprint);
[[nodiscard]] base::Result<std::vector<cache::Entry>> candidates(Connection& connection, const cache::ResourceKey& key,
                                                                 std::size_t limit);

/// Without looking at the size of the body; evicts until what is charged is at most `max_bytes`.
[[nodiscard]] base::Result<Stored> put(Connection& connection, const cache::Resource& resource,
                                       const cache::ResourceKey& key, const cache::Entry& entry,
                                       std::uint64_t max_bytes);
/// Fails with unavailable if the response is not stored any more.
[[nodiscard]] base::Result<void> renew(Connection& connection, const cache::ResourceKey& key,
                                       const cache::Entry& entry);

/// Not durable: for answers that cannot take the place of the one they make out of date.
[[nodiscard]] base::Result<void> drop_grant(Connection& connection, const cache::ResourceKey& key,
                                            const cache::Fingerprint& fingerprint);

[[nodiscard]] base::Result<void> revoke(Connection& connection, const cache::ResourceKey& key,
                                        const cache::Fingerprint& fingerprint);
[[nodiscard]] base::Result<void> revoke_all(Connection& connection, const cache::Fingerprint& fingerprint);
[[nodiscard]] base::Result<void> invalidate(Connection& connection, std::span<const github::Tag> tags);

[[nodiscard]] base::Result<void> touch(Connection& connection, std::span<const cache::ResponseId> ids,
                                       base::WallTime now);
[[nodiscard]] base::Result<std::uint64_t> remove(Connection& connection, const cache::Selection& selection);

}  // namespace ghoard::store
