#include "core/github/invalidation.hpp"

#include <algorithm>
#include <array>

#include "core/github/api_path.hpp"
#include "core/http/message.hpp"

namespace ghoard::github {

namespace {

/// Collects tags below one host and enterprise prefix, each once.
class Tags {
 public:
  Tags(std::string_view host, std::string_view prefix) : m_host(host), m_prefix(prefix) {}

  void add(std::string_view path) {
    Tag tag{m_host, m_prefix + std::string(path)};
    if (std::find(m_tags.begin(), m_tags.end(), tag) == m_tags.end()) {
      m_tags.push_back(std::move(tag));
    }
  }

  void add(std::string_view first, std::string_view second) {
    std::string path(first);
    path += '/';
    path += second;
    add(path);
  }

  void add_whole_host() { m_tags.assign(1, Tag{m_host, ""}); }

  [[nodiscard]] std::vector<Tag> take() { return std::move(m_tags); }

 private:
  std::string m_host;
  std::string m_prefix;
  std::vector<Tag> m_tags;
};

/// Routes whose answers depend on who asks, and lists across owners: any write may show in them.
void add_identity_relative(Tags& tags) {
  constexpr std::array<std::string_view, 11> paths{"/user",         "/notifications", "/issues",       "/search",
                                                   "/installation", "/events",        "/feeds",        "/agents",
                                                   "/app",          "/repositories",  "/organizations"};
  for (const std::string_view path : paths) {
    tags.add(path);
  }
}

void add_owner(Tags& tags, std::string_view owner) {
  tags.add("/orgs", owner);
  tags.add("/users", owner);
  tags.add("/networks", owner);
  tags.add("/teams");
}

void add_repository(Tags& tags, std::string_view owner, std::string_view name) {
  tags.add("/repos/" + std::string(owner), name);
  add_owner(tags, owner);
  add_identity_relative(tags);
}

/// Names of owners and repositories are plain; with an escape in one we cannot say what the server makes of it.
bool is_plain(std::string_view name) {
  return !name.empty() && name.find('%') == std::string_view::npos;
}

/// Writes that answer with something but change nothing that can be read: job tokens are minted all day long and must
/// not cost a revalidation each.
bool changes_nothing(const ApiPath& path) {
  const std::string_view last = path[path.size() - 1];
  if (path[0] == "app") {
    return path.size() == 4 && path[1] == "installations" && last == "access_tokens";
  }
  if (path[0] == "installation" || path[0] == "applications" || path[0] == "markdown" || path[0] == "credentials") {
    return true;
  }
  return path.size() == path.scope_size() + 3 && path[path.size() - 3] == "actions" &&
         path[path.size() - 2] == "runners" && (last == "registration-token" || last == "remove-token");
}

void affected_by_repository_write(const ApiPath& path, Tags& tags) {
  const std::string_view action = path[path.scope_size()];
  // These make a repository appear under an owner that the path does not name.
  if (!path.named() || action == "forks" || action == "transfer" || action == "generate") {
    tags.add_whole_host();
    return;
  }
  add_repository(tags, path[1], path[2]);
  if (action.empty()) {
    tags.add("/repos", path[1]);  // a rename: the new name's 404, the old name's redirect
  }
}

void affected_by_owner_write(const ApiPath& path, Tags& tags) {
  if (!path.named()) {
    tags.add_whole_host();
    return;
  }
  add_owner(tags, path[1]);
  tags.add("/repos", path[1]);  // new repositories, access through teams, settings that repositories inherit
  add_identity_relative(tags);
}

void affected_by_own_write(const ApiPath& path, Tags& tags) {
  const std::string_view list = path[1];
  if ((list == "starred" || list == "subscriptions") && path.size() == 4 && is_plain(path[2]) && is_plain(path[3])) {
    tags.add("/users");
    add_repository(tags, http::to_lower(path[2]), http::to_lower(path[3]));
  } else if (list == "following" || list == "emails" || list == "email" || list == "keys" || list == "gpg_keys" ||
             list == "ssh_signing_keys" || list == "social_accounts" || path.size() == 1) {
    tags.add("/user");
    tags.add("/users");
  } else {
    tags.add_whole_host();  // a new repository, an accepted invitation, ...: under a name that the path does not say
  }
}

void affected_by_other_write(const ApiPath& path, Tags& tags) {
  if (path[0] == "user") {
    affected_by_own_write(path, tags);
  } else if (path[0] == "notifications") {
    tags.add("/notifications");
    tags.add("/user");
    tags.add("/repos");  // a repository's own list of notifications
    tags.add("/repositories");
  } else if (path[0] == "gists") {
    tags.add("/gists");
    tags.add("/users");
    tags.add("/user");
  } else if (path[0] == "agents" && path[1] == "repos" && is_plain(path[2]) && is_plain(path[3])) {
    add_repository(tags, http::to_lower(path[2]), http::to_lower(path[3]));
  } else {
    tags.add_whole_host();
  }
}

std::vector<Tag> affected_on(std::string_view host, std::string_view text, const ApiPath& path,
                             std::string_view prefix) {
  Tags tags(host, prefix);
  if (path.size() == 0 || has_odd_segments(text) || !is_plain(path[0])) {
    tags.add_whole_host();
    return tags.take();
  }
  if (changes_nothing(path)) {
    tags.add(text.substr(path.prefix().size()));
    return tags.take();
  }
  for (std::size_t i = 1; i < path.scope_size(); ++i) {
    if (!is_plain(path[i])) {
      tags.add_whole_host();
      return tags.take();
    }
  }
  switch (path.scope()) {
    case Scope::repository: affected_by_repository_write(path, tags); break;
    case Scope::organisation:
    case Scope::user: affected_by_owner_write(path, tags); break;
    case Scope::other: affected_by_other_write(path, tags); break;
  }
  return tags.take();
}

}  // namespace

bool Tag::matches(std::string_view resource_host, std::string_view path) const {
  return resource_host == host &&
         (prefix.empty() || (path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/')));
}

std::vector<Tag> affected_by_write(std::string_view host, std::string_view path) {
  const ApiPath parts(path);
  constexpr std::string_view uploads_path = "/api/uploads";
  constexpr std::string_view uploads_host = "uploads.";
  // Release assets are uploaded beside the API, which then shows them.
  const std::string_view prefix = parts.prefix() == uploads_path ? std::string_view("/api/v3") : parts.prefix();
  std::vector<Tag> tags = affected_on(host, path, parts, prefix);
  if (host.starts_with(uploads_host)) {
    const std::string api_host = "api." + std::string(host.substr(uploads_host.size()));
    const std::vector<Tag> more = affected_on(api_host, path, parts, prefix);
    tags.insert(tags.end(), more.begin(), more.end());
  }
  return tags;
}

}  // namespace ghoard::github
