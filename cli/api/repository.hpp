#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cli/api/git_config.hpp"
#include "core/base/result.hpp"

namespace ghoard::api {

/// A repository on a GitHub host.
struct Repository {
  std::string host;
  std::string owner;
  std::string name;

  bool operator==(const Repository&) const = default;
};

/// GH_REPO: `[HOST/]OWNER/REPO`, or a repository's URL. The host is `default_host` if none is named.
[[nodiscard]] base::Result<Repository> parse_repository(std::string_view text, std::string_view default_host);

/// The repository a git remote's URL names: https, ssh, git and `user@host:path` forms. Nothing for others.
[[nodiscard]] std::optional<Repository> repository_of_remote(std::string_view url);

/// The remote `gh api` would take: upstream, github, origin, any other; only on a known host. The errors are gh's.
[[nodiscard]] base::Result<Repository> choose_repository(std::span<const Remote> remotes,
                                                         std::span<const std::string> known_hosts);

/// The branch a HEAD file names; nothing when it is detached.
[[nodiscard]] std::optional<std::string> branch_of_head(std::string_view head);

}  // namespace ghoard::api
