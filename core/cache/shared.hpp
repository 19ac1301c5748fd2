#pragma once

#include <optional>

#include "core/cache/peer_network.hpp"
#include "core/github/routes.hpp"

namespace ghoard::cache {

/// What of an answer travels between machines: an allow-list, so that nothing of the token or of one exchange does.
/// Nothing if a field is too long for a message or holds a control character: without it the answer would be another.
[[nodiscard]] std::optional<http::Headers> shared_headers(const http::Headers& headers);

/// An entry as it is handed to a peer. Nothing: it cannot travel. Ages are from now and not negative.
[[nodiscard]] std::optional<SharedValue> to_shared(const Entry& entry, base::Millis age, base::Millis proof_age);
/// The same with ages by the wall clock; nothing, too, if that was set back behind them.
[[nodiscard]] std::optional<SharedValue> to_shared(const Entry& entry, base::WallTime now);

/// What a peer's value is worth here: judged anew by the own route table, as if it had been fetched by `now` - age.
/// Nothing: it may not be kept at all. The ETag class is the peer's word as far as it can be true without the token.
[[nodiscard]] std::optional<Entry> entry_from(const SharedValue& value, const Resource& resource,
                                              const github::LifetimeContext& context, base::WallTime now,
                                              std::uint64_t object_limit);

/// False: GitHub did not send these bytes with that ETag to the token of `authorization`. Only derivable ETags can be
/// told wrong. On success the class of `entry` is what its ETag really is, and the grant is verified.
[[nodiscard]] bool verify(Entry& entry, const Resource& resource, std::string_view authorization);

/// A fetch that brought nothing to keep, as those who sent the same token are told of it.
[[nodiscard]] SharedOutcome to_outcome(const ResponseHead* head, http::Body body,
                                       const std::optional<base::Error>& failure);
/// The same on the receiving side: only what such a fetch can bring. Nothing: not to be believed.
[[nodiscard]] std::optional<SharedOutcome> checked(SharedOutcome outcome);

}  // namespace ghoard::cache
