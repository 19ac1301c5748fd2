#include "cli/api/repository.hpp"

#include <algorithm>
#include <array>

#include "cli/api/fields.hpp"
#include "core/http/message.hpp"

namespace ghoard::api {

namespace {

tl::unexpected<base::Error> refuse(std::string message) {
  return base::fail(base::ErrorCode::invalid_input, std::move(message));
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(separator, start), text.size());
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

// Git hosts that serve the same repositories under another name.
std::string normal_host(std::string_view host) {
  host = host.substr(0, host.find(':'));
  std::string lower = http::to_lower(host);
  if (lower.starts_with("www.")) {
    lower.erase(0, 4);
  }
  return lower == "ssh.github.com" ? "github.com" : lower;
}

std::optional<Repository> from_path(std::string_view host, std::string_view path) {
  while (path.starts_with('/')) {
    path.remove_prefix(1);
  }
  while (path.ends_with('/')) {
    path.remove_suffix(1);
  }
  if (path.ends_with(".git")) {
    path.remove_suffix(4);
  }
  const std::vector<std::string_view> parts = split(path, '/');
  if (host.empty() || parts.size() != 2 || parts[0].empty() || parts[1].empty()) {
    return std::nullopt;
  }
  return Repository{normal_host(host), std::string(parts[0]), std::string(parts[1])};
}

std::optional<Repository> from_url(std::string_view scheme, std::string_view rest) {
  constexpr std::array<std::string_view, 6> schemes{"https", "http", "ssh", "git", "git+ssh", "git+https"};
  if (std::find(schemes.begin(), schemes.end(), scheme) == schemes.end()) {
    return std::nullopt;
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash);
  const std::size_t at = authority.rfind('@');
  if (at != std::string_view::npos) {
    authority.remove_prefix(at + 1);
  }
  return from_path(authority, rest.substr(slash));
}

int rank(const Remote& remote) {
  const std::string name = http::to_lower(remote.name);
  return name == "upstream" ? 3 : name == "github" ? 2 : name == "origin" ? 1 : 0;
}

}  // namespace

base::Result<Repository> parse_repository(std::string_view text, std::string_view default_host) {
  const std::string complaint = "expected the \"[HOST/]OWNER/REPO\" format, got " + go_quoted(text);
  if (text.find("://") != std::string_view::npos || text.starts_with("git@")) {
    const std::optional<Repository> repository = repository_of_remote(text);
    return repository ? base::Result<Repository>(*repository) : refuse(complaint);
  }
  const std::vector<std::string_view> parts = split(text, '/');
  if (parts.size() < 2 || parts.size() > 3 ||
      std::any_of(parts.begin(), parts.end(), [](std::string_view part) { return part.empty(); })) {
    return refuse(complaint);
  }
  const std::string_view host = parts.size() == 3 ? parts[0] : default_host;
  return Repository{normal_host(host), std::string(parts[parts.size() - 2]), std::string(parts.back())};
}

std::optional<Repository> repository_of_remote(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  if (scheme_end != std::string_view::npos) {
    return from_url(url.substr(0, scheme_end), url.substr(scheme_end + 3));
  }
  // scp form: a colon before the first slash (gitglossary, "URL").
  const std::size_t colon = url.find(':');
  if (colon == std::string_view::npos || url.substr(0, colon).find('/') != std::string_view::npos) {
    return std::nullopt;
  }
  const std::size_t at = url.substr(0, colon).rfind('@');
  const std::size_t host = at == std::string_view::npos ? 0 : at + 1;
  return from_path(url.substr(host, colon - host), url.substr(colon + 1));
}

base::Result<Repository> choose_repository(std::span<const Remote> remotes, std::span<const std::string> known_hosts) {
  if (remotes.empty()) {
    return refuse("no git remotes found");
  }
  struct Candidate {
    Repository repository;
    const Remote* remote = nullptr;
  };
  std::vector<Candidate> candidates;
  for (const Remote& remote : remotes) {
    const std::optional<Repository> repository = repository_of_remote(remote.url);
    if (repository && std::find(known_hosts.begin(), known_hosts.end(), repository->host) != known_hosts.end()) {
      candidates.push_back({*repository, &remote});
    }
  }
  if (candidates.empty()) {
    return refuse(
        "none of the git remotes configured for this repository point to a known GitHub host. To tell gh about a new "
        "GitHub host, please use `gh auth login`");
  }
  const auto best = std::max_element(
      candidates.begin(), candidates.end(),
      [](const Candidate& left, const Candidate& right) { return rank(*left.remote) < rank(*right.remote); });
  return best->repository;
}

std::optional<std::string> branch_of_head(std::string_view head) {
  constexpr std::string_view prefix = "ref: refs/heads/";
  if (!head.starts_with(prefix)) {
    return std::nullopt;
  }
  head.remove_prefix(prefix.size());
  const std::string_view branch = head.substr(0, head.find_first_of("\r\n"));
  return branch.empty() ? std::nullopt : std::optional<std::string>(branch);
}

}  // namespace ghoard::api
