#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ghoard::api {

/// `[section "subsection"] key = value` of a git configuration file (git-config(1), "CONFIGURATION FILE"). Section and
/// key are in lower case.
struct GitSetting {
  std::string section;
  std::string subsection;
  std::string key;
  std::string value;
};

/// All settings, in order of appearance. Includes are not followed; damage ends or skips what it hits.
[[nodiscard]] std::vector<GitSetting> parse_git_config(std::string_view config);

struct Remote {
  std::string name;
  std::string url;
};

/// The remotes, in order of appearance. `gh-resolved` is ignored, as by `gh api`.
[[nodiscard]] std::vector<Remote> git_remotes(std::span<const GitSetting> settings);

/// A URL as git rewrites it for fetching: of all `url.<base>.insteadOf` that it starts with, the longest is replaced by
/// its base.
[[nodiscard]] std::string rewritten_url(std::string_view url, std::span<const GitSetting> settings);

}  // namespace ghoard::api
