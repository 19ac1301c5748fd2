#pragma once

#include <string>

#include "core/cache/reply.hpp"
#include "core/cache/upstream.hpp"
#include "core/github/canonical.hpp"

namespace ghoard::cache {

/// The canonical GET that fetches a resource: only the headers that the cache key or the ETag knows of.
[[nodiscard]] UpstreamRequest fetch_request(const github::CanonicalRequest& request, const std::string& user_agent);

/// A request passed on as the caller made it, without the headers that are only for this hop or for ghoard. Takes the
/// body out of `incoming`.
[[nodiscard]] UpstreamRequest pass_request(const github::CanonicalRequest& request, IncomingRequest& incoming,
                                           const std::string& user_agent, bool with_credential);

}  // namespace ghoard::cache
