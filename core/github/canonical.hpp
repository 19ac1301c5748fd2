#pragma once

#include <string>
#include <string_view>

#include "core/base/digest.hpp"
#include "core/base/result.hpp"
#include "core/http/cache_control.hpp"
#include "core/http/message.hpp"

namespace ghoard::github {

/// What an answer is an answer to. The token is not part of it (design: data model). HEAD shares GET's resource.
struct Resource {
  std::string host;  ///< authority actually contacted, lower case, default port left out
  /// Canonical path below the configured base URL's prefix; owner and repository names, which GitHub compares without
  /// case, in lower case. The enterprise servers' "/api/v3" stays, even where it is that prefix.
  std::string path;
  std::string query;        ///< canonical query: sorted by name, `page=1` and `per_page=30` folded away; no '?'
  std::string accept;       ///< canonical media type
  std::string api_version;  ///< X-GitHub-Api-Version, `default_api_version` when the caller named none

  bool operator==(const Resource&) const = default;
};

inline constexpr std::string_view default_api_version = "2022-11-28";
inline constexpr std::string_view default_accept = "application/vnd.github+json";
inline constexpr std::string_view user_agent_prefix = "ghoard/";  ///< never one of GitHub's pretty-printed agents

/// SHA-256 of the length-prefixed parts of a Resource, so that no two resources can run together.
using ResourceKey = base::Digest;
[[nodiscard]] ResourceKey key_of(const Resource& resource);

/// SHA-256 of the token; `anonymous` for a request without Authorization. Written base64(), it is the form of
/// GitHub's audit log.
using Fingerprint = base::Digest;
[[nodiscard]] Fingerprint anonymous_fingerprint();

/// An Authorization value as it goes upstream, and whose it is. GitHub's ETags hash the value, so `token X` and
/// `Bearer X` would differ: opaque tokens become `token X`, JWTs keep `Bearer`, anything else stays verbatim.
struct Credential {
  std::string authorization;  ///< empty: anonymous. Secret: never logged, stored or put into an error.
  Fingerprint fingerprint = anonymous_fingerprint();
};
[[nodiscard]] Credential canonical_credential(std::string_view authorization);

/// Accept absent, empty, `*/*`, `application/json`, `application/vnd.github+json`, `application/vnd.github.v3+json`
/// become `default_accept`; others are kept, trimmed.
[[nodiscard]] std::string canonical_accept(std::string_view accept);

/// Why a request does not take part in caching.
enum class Bypass { none, method, header, route, no_store, range };

/// A request from a client in the form that client and agent agree on.
struct CanonicalRequest {
  std::string method;  ///< as sent
  http::Origin origin;
  std::string target;  ///< for the wire: percent-encoded, otherwise as the caller spelled it
  Resource resource;   ///< of a write: what affected_by_write wants
  ResourceKey key;     ///< of `resource`; zero for writes
  Credential credential;
  http::RequestDirectives directives;
  Bypass bypass = Bypass::none;

  [[nodiscard]] bool is_read() const { return method == "GET" || method == "HEAD"; }
};

/// Maps the host a client names to the server that is contacted: github.com's API (`api.github.com`) to the
/// configured base URL, any other host to https on its own authority. The configured server's own authority, as its
/// Link headers name it, is the same origin; `github_prefix` is then part of what the caller sends.
struct OriginMap {
  http::Origin github_api{"https", "api.github.com", 443};
  std::string github_prefix;  ///< path prefix of GHOARD_API_URL without trailing '/'; usually empty

  [[nodiscard]] base::Result<http::Origin> origin_of(std::string_view host) const;
};

/// Brings a request into canonical form: used by the agent for every request and by the client before it reads the
/// database itself, so that both compute the same key. The host is that of an absolute target, else the Host field.
/// Fails with invalid_input on a missing, malformed or repeated host, a repeated Authorization, a method that is no
/// token, or a target that is neither origin-form nor absolute, and with too_large on a target over 64 KiB. Targets
/// that servers may read in several ways ("..", empty segments, malformed escapes) are Bypass::route.
[[nodiscard]] base::Result<CanonicalRequest> canonicalise(std::string_view method, std::string_view target,
                                                          const http::Headers& headers, const OriginMap& origins);

}  // namespace ghoard::github
