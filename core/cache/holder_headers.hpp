#pragma once

#include <deque>
#include <unordered_map>

#include "core/cache/entry.hpp"

namespace ghoard::cache {

/// What GitHub last said of a token itself, not of a resource: its scopes, its expiry. Kept apart from answers, since
/// those are shared between tokens, and added to hits of the same token: gh's scope hints and `gh auth status` read it.
/// In memory only, for the 256 tokens seen last. One thread.
class HolderHeaders {
 public:
  void observe(const Fingerprint& fingerprint, const http::Headers& received);
  void add_to(http::Headers& answer, const Fingerprint& fingerprint) const;

 private:
  std::unordered_map<Fingerprint, http::Headers, base::DigestHash> m_known;
  std::deque<Fingerprint> m_order;  // oldest first
};

}  // namespace ghoard::cache
