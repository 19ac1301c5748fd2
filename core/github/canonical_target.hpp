#pragma once

#include <string>
#include <string_view>

namespace ghoard::github {

/// Path and query of a resource in canonical form.
struct CanonicalTarget {
  std::string path;
  std::string query;
  /// The server may read this target in another way than we do (malformed escapes, "..", empty segments): not cached.
  bool uncertain = false;
};

/// `target` is origin-form, encoded, and without the prefix of the configured base URL. Merges only what GitHub is
/// known to treat alike; two spellings in doubt are two resources.
[[nodiscard]] CanonicalTarget canonical_target(std::string_view target);

}  // namespace ghoard::github
