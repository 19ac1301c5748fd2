#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/time.hpp"
#include "core/github/canonical.hpp"

namespace ghoard::github {

/// How an ETag came to be; decided by comparing what we compute with what we received, on each 200.
enum class EtagClass {
  derivable = 0,   ///< hex(SHA-256(prefix + body)): can be computed for another token
  object_sha = 1,  ///< the git object's 40-hex SHA: the same for every token
  opaque = 2,      ///< anything else: says something only to the token that received it
};

/// The request headers that enter GitHub's ETag, as they were or will be sent.
struct EtagInputs {
  std::string_view accept;
  std::string_view authorization;
  std::string_view cookie;
};

/// `hex(SHA256(prefix + identity_body))` where prefix is "value:" for each of Accept, Authorization, Cookie, in this
/// order, that `vary` names and the request carried. Without quotes or `W/`. (github-rules: ETags can be derived.)
[[nodiscard]] std::string derive_etag(std::string_view vary, const EtagInputs& sent, std::string_view body);

/// The opaque part of an ETag field value: without `W/` and quotes; nothing if malformed or empty.
[[nodiscard]] std::optional<std::string_view> etag_value(std::string_view field_value);

/// Weak comparison (RFC 9110 section 8.8.3.2) of `etag` with an If-None-Match field value, which may be a list or `*`.
[[nodiscard]] bool if_none_match_matches(std::string_view if_none_match, std::string_view etag);

[[nodiscard]] EtagClass classify_etag(std::string_view etag_field, std::string_view vary, const EtagInputs& sent,
                                      std::string_view body);

/// Notices when GitHub changes its formula: over 10 mismatches in 60 s on routes that matched before open the breaker
/// for an hour, in which only stored ETags are used; then derivation is tried again. Not thread-safe.
class DriftBreaker {
 public:
  /// `expected`: the class this resource had before; `seen`: the class of the answer just received.
  void observe(EtagClass expected, EtagClass seen, base::MonoTime now);
  [[nodiscard]] bool may_derive(base::MonoTime now) const;

 private:
  base::MonoTime m_window_start{};
  int m_mismatches = 0;
  base::MonoTime m_open_until{};
};

}  // namespace ghoard::github
