#pragma once

#include <string>
#include <string_view>

#include "core/cache/entry.hpp"
#include "core/cache/judge.hpp"
#include "core/cache/reply.hpp"
#include "core/http/cache_status.hpp"

namespace ghoard::cache {

/// What of an upstream answer is kept and given to other callers: without hop-by-hop and framing fields, Set-Cookie,
/// rate-limit fields and those that describe the token that asked (its scopes, expiry, SSO), and without ETag, which is
/// the grant's.
[[nodiscard]] http::Headers kept_headers(const http::Headers& received);

/// What of an upstream answer is given to the caller whose request it answers: all but hop-by-hop and framing fields.
[[nodiscard]] http::Headers live_headers(const http::Headers& received);

/// The answer that an entry gives to one request: kept headers, ETag, Cache-Status, and either the body or, when the
/// caller's own If-None-Match or If-Modified-Since says that it has it, 304 (RFC 9110 section 13). `head`: no body.
/// Used by the agent for hits and by the client for direct reads.
[[nodiscard]] Reply answer_from(const Entry& entry, const Judgement& judgement, const http::Headers& request, bool head,
                                std::string_view detail);

/// The same with another Cache-Status and the live headers of the upstream answer laid over the kept ones.
[[nodiscard]] Reply answer_with(const Entry& entry, const http::CacheStatus& status, const http::Headers& live,
                                const http::Headers& request, bool head);

/// A failure of ghoard's own: `{"message": ..., "ghoard_error": CODE}` (ARCHITECTURE.md, "The local protocol").
[[nodiscard]] Reply error_reply(int status, std::string_view code, std::string_view message);

/// The status and code for an upstream failure: 504 for a timeout, 502 otherwise.
[[nodiscard]] Reply upstream_error_reply(const base::Error& error);

}  // namespace ghoard::cache
