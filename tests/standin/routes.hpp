#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/standin/identity.hpp"
#include "tests/standin/message.hpp"
#include "tests/standin/world.hpp"

namespace ghoard::standin {

/// One authenticated request on its way through the routes.
struct Call {
  const Request& request;
  const Identity& who;
  World& world;
  std::string base;        ///< "http://127.0.0.1:PORT", as the request named it: for Link and Location
  std::string asset_base;  ///< "http://localhost:PORT2": another authority
  Json graphql_rate;       ///< the caller's GraphQL budget, for `rateLimit`
};

/// A call below a repository that the caller may see.
struct RepoCall {
  Call& call;
  Repository& repository;
  std::vector<std::string> rest;  ///< decoded segments after the repository

  [[nodiscard]] std::string rest_path(std::size_t from = 0) const;
  [[nodiscard]] std::string key() const { return repository.key(rest_path()); }
};

/// Segments of a path, decoded, without empty ones.
[[nodiscard]] std::vector<std::string> path_segments(std::string_view path);

/// Where a path leads: a repository and what follows it, or nothing of that kind.
struct Place {
  Repository* repository = nullptr;
  bool moved = false;  ///< reached by a former name
  std::vector<std::string> rest;
};
[[nodiscard]] std::optional<Place> find_place(World& world, std::string_view path);

/// 301 (GET, HEAD) or 307 to the path through /repositories/{id}.
[[nodiscard]] Answer moved_answer(const Call& call, const Place& place);

/// True if `segments` match a pattern such as "issues/{}/labels"; a final "{*}" takes the rest, even if empty.
[[nodiscard]] bool matches(std::string_view pattern, const std::vector<std::string>& segments);

[[nodiscard]] Answer read_route(Call& call);
[[nodiscard]] Answer write_route(Call& call);
[[nodiscard]] Answer graphql_route(Call& call);

// ---- parts of read_route --------------------------------------------------------------------------
/// One page of `items`, with Link through `link_path` (not part of the ETag).
[[nodiscard]] Answer paged(const Call& call, const std::vector<const Json*>& items, const std::string& link_path,
                           const std::string& wrapper = {});
[[nodiscard]] Answer paged(const Call& call, const std::vector<Json>& items, const std::string& link_path,
                           const std::string& wrapper = {});
/// A stored list with GitHub's filters for its kind.
[[nodiscard]] Answer list_route(const Call& call, const std::string& key, const std::string& link_path);
[[nodiscard]] Answer search_route(const Call& call, std::string_view what);
/// Contents, commits, branches, tags and git objects; nothing if the path is none of these.
[[nodiscard]] std::optional<Answer> git_route(const RepoCall& at);
[[nodiscard]] std::optional<Answer> repository_route(const RepoCall& at);
/// A repository as `who` sees it: with `permissions` unless anonymous.
[[nodiscard]] Json repository_view(const Call& call, const Repository& repository);
[[nodiscard]] Json file_json(const Call& call, const Repository& repository, const Commit& commit,
                             const std::string& path, bool with_content);
[[nodiscard]] Json commit_json(const Repository& repository, const Commit& commit);
[[nodiscard]] Json ref_json(const Repository& repository, const std::string& ref, const std::string& sha);

}  // namespace ghoard::standin
