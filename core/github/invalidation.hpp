#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ghoard::github {

/// Names resources that a write may have changed: those of `host` whose canonical path is `prefix` or lies below it.
struct Tag {
  std::string host;
  std::string prefix;  ///< canonical path without trailing '/'; empty: the whole host

  bool operator==(const Tag&) const = default;
  [[nodiscard]] bool matches(std::string_view resource_host, std::string_view path) const;
};

/// What a write to `path` may change: the resource, its parents and lists. `path` is canonical (owner and repository
/// lower case). Deliberately wide, since a needless revalidation is a free 304 and a missed one is a stale answer:
/// a write inside a repository covers that repository, every `/repositories/{id}` alias, its owner's lists and all
/// identity-relative routes.
[[nodiscard]] std::vector<Tag> affected_by_write(std::string_view host, std::string_view path);

/// What a GraphQL request is, by parsing the document of its JSON body. `unknown` (malformed, several operations
/// without operationName, over the size cap) has to be treated as a mutation.
enum class GraphqlOperation { query, mutation, subscription, unknown };
[[nodiscard]] GraphqlOperation graphql_operation(std::string_view json_body);

/// True for POST to `/graphql` or `/api/graphql`.
[[nodiscard]] bool is_graphql(std::string_view method, std::string_view path);

}  // namespace ghoard::github
