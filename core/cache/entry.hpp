#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/time.hpp"
#include "core/github/canonical.hpp"
#include "core/github/etag.hpp"
#include "core/http/message.hpp"

namespace ghoard::cache {

using github::Fingerprint;
using github::Resource;
using github::ResourceKey;

/// Number of a stored response; 0: not stored.
using ResponseId = std::int64_t;

/// One answer for one resource (design: data model).
struct Response {
  ResponseId id = 0;
  int status = 200;
  http::Headers headers;  ///< kept headers only (see kept_headers); without ETag, which belongs to the grant
  http::Body body;        ///< identity bytes, never null
  github::EtagClass etag_class = github::EtagClass::opaque;
  std::string vary;             ///< as received; an input of ETag derivation
  std::string last_modified;    ///< as received, empty if none
  base::WallTime fetched_at{};  ///< when the fetch, or the last revalidation, began: the start of its age
  base::Seconds lifetime{0};    ///< fresh for so long after fetched_at
  bool immutable = false;
  bool must_revalidate = false;  ///< a write may have changed it
  bool shareable = false;        ///< another token may prove itself for it (derivable or object-sha, and not bound)
};

/// "Token F was answered with response R, proven at T."
struct Grant {
  Fingerprint fingerprint;
  base::WallTime proven_at{};  ///< when the request that proved it began
  std::string etag;            ///< ETag field value as GitHub sent it to this token; empty if none or not to be used
  bool unverified = false;     ///< a peer says so, and the ETag was not held against the bytes yet (see verify)
};

/// A response together with the grant under which a caller may get it.
struct Entry {
  Response response;
  Grant grant;
};

}  // namespace ghoard::cache
