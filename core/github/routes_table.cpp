#include "core/github/routes_table.hpp"

namespace ghoard::github {

namespace {

using base::Seconds;

// ---- the kinds of row ---------------------------------------------------------------------------

constexpr RouteClass fresh(std::string_view name, int seconds) {
  return {.name = name, .lifetime = Seconds{seconds}};
}
/// The user's default TTL: what the table names so, and every route without a row.
constexpr RouteClass usual(std::string_view name) {
  return {.name = name, .uses_default_ttl = true};
}
/// A git object by its hash. The lifetime only has to outlast the cache.
constexpr RouteClass immutable(std::string_view name) {
  return {.name = name, .lifetime = Seconds{365 * 24 * 3600}, .immutable = true};
}
/// The answer depends on who asks.
constexpr RouteClass personal(std::string_view name, int seconds) {
  return {.name = name, .lifetime = Seconds{seconds}, .identity_relative = true};
}
constexpr RouteClass personal_usual(std::string_view name) {
  return {.name = name, .uses_default_ttl = true, .identity_relative = true};
}
constexpr RouteClass never(std::string_view name) {
  return {.name = name, .lifetime = Seconds{0}, .never = true};
}

// ---- the rows -----------------------------------------------------------------------------------
// Lifetimes follow how fast GitHub's own data moves: what a merge gate or a job queue looks at is short, what only a
// person edits is long. A state inside the body (a merged pull request, a completed run) would allow more; the shorter
// lifetime holds for all states, since a reopened or rerun object keeps its number.

constexpr RouteRow repository_rows[] = {
    {"", usual("repository")},

    {"/git/commits/{sha}", immutable("git object")},
    {"/git/trees/{sha}", immutable("git object")},
    {"/git/blobs/{sha}", immutable("git object")},
    {"/git/tags/{sha}", immutable("git object")},
    {"/git/{*}", fresh("git ref", 60)},

    {"/commits/{*}/check-runs", fresh("check", 30)},
    {"/commits/{*}/check-suites", fresh("check", 30)},
    {"/commits/{*}/status", fresh("commit status", 30)},
    {"/commits/{*}/statuses", fresh("commit status", 30)},
    {"/statuses/{*}", fresh("commit status", 30)},
    {"/check-runs/{*}", fresh("check", 30)},
    {"/check-suites/{*}", fresh("check", 30)},
    // Comment counts and `verified_at` change, so a commit seen this way is no immutable object.
    {"/commits/{sha}", fresh("commit", 3600)},
    // By name, and as a list, commits move as their branch does.
    {"/commits", fresh("commits of a branch", 60)},
    {"/commits/{*}", fresh("commits of a branch", 60)},
    {"/compare/{*}", fresh("comparison", 60)},
    {"/activity", fresh("activity", 60)},

    {"/branches", fresh("branch", 60)},
    {"/branches/{*}", fresh("branch", 60)},
    {"/rules/branches/{*}", fresh("branch", 60)},
    {"/contents", fresh(contents_route_name, 60)},
    {"/contents/{*}", fresh(contents_route_name, 60)},
    {"/readme", fresh(contents_route_name, 60)},
    {"/readme/{*}", fresh(contents_route_name, 60)},
    {"/license", fresh(contents_route_name, 60)},
    {"/tags", fresh("tag", 600)},

    {"/issues", fresh("issue", 60)},
    {"/issues/{*}", fresh("issue", 60)},
    {"/comments", fresh("comment", 60)},
    {"/comments/{*}", fresh("comment", 60)},
    {"/pulls/comments", fresh("comment", 60)},
    {"/pulls/comments/{*}", fresh("comment", 60)},
    {"/pulls/{}/merge-async/{}", fresh("progress", 10)},
    {"/pulls", fresh("pull request", 30)},
    {"/pulls/{*}", fresh("pull request", 30)},

    // Logs, archives and artifacts are signed redirects or large bodies: passed through, not kept.
    {"/actions/artifacts/{}/{}", never("download")},
    {"/actions/jobs/{}/logs", never("download")},
    {"/actions/runs/{}/logs", never("download")},
    {"/actions/runs/{}/attempts/{}/logs", never("download")},
    {"/tarball", never("download")},
    {"/tarball/{*}", never("download")},
    {"/zipball", never("download")},
    {"/zipball/{*}", never("download")},
    {"/dependency-graph/sbom/generate-report", never("download")},
    {"/dependency-graph/sbom/fetch-report/{}", never("download")},

    {"/actions/runs", fresh("workflow run", 10)},
    {"/actions/runs/{*}", fresh("workflow run", 10)},
    {"/actions/workflows/{}/runs", fresh("workflow run", 10)},
    {"/actions/jobs/{*}", fresh("workflow job", 10)},
    {"/actions/concurrency_groups", fresh("workflow run", 10)},
    {"/actions/concurrency_groups/{*}", fresh("workflow run", 10)},
    {"/actions/artifacts", fresh("artifact", 60)},
    {"/actions/artifacts/{}", fresh("artifact", 60)},
    // These answers hold registration and download tokens.
    {"/actions/runners/downloads", never("token")},
    {"/actions/runners/registration-token", never("token")},
    {"/actions/runners/remove-token", never("token")},
    {"/actions/runners", fresh("runner", 15)},
    {"/actions/runners/{*}", fresh("runner", 15)},

    {"/deployments", fresh("deployment", 30)},
    {"/deployments/{*}", fresh("deployment", 30)},
    {"/pages/builds", fresh("deployment", 30)},
    {"/pages/builds/{*}", fresh("deployment", 30)},
    {"/pages/deployments/{*}", fresh("deployment", 30)},
    {"/releases", fresh("release", 600)},
    {"/releases/{*}", fresh("release", 600)},
    // `bundle_url` is signed for a short time.
    {"/attestations/{*}", fresh("attestation", 60)},
    {"/import", fresh("progress", 10)},
    {"/import/{*}", fresh("progress", 10)},
    {"/code-scanning/sarifs/{*}", fresh("progress", 10)},

    {"/events", fresh("event", 60)},
    {"/notifications", personal("notification", 60)},
    {"/subscription", personal_usual("subscription")},
    {"/installation", personal_usual("installation")},
    {"/codespaces", personal("codespace", 60)},
    {"/codespaces/{*}", personal("codespace", 60)},
};

constexpr RouteRow organisation_rows[] = {
    {"", usual("organisation")},
    {"/actions/runners/downloads", never("token")},
    {"/actions/runners/registration-token", never("token")},
    {"/actions/runners/remove-token", never("token")},
    {"/actions/runners", fresh("runner", 15)},
    {"/actions/runners/{*}", fresh("runner", 15)},
    {"/actions/runner-groups", fresh("runner", 15)},
    {"/actions/runner-groups/{*}", fresh("runner", 15)},
    {"/actions/hosted-runners", fresh("runner", 15)},
    {"/actions/hosted-runners/{*}", fresh("runner", 15)},
    {"/migrations/{}/archive", never("download")},
    {"/migrations", fresh("progress", 10)},
    {"/migrations/{*}", fresh("progress", 10)},
    {"/attestations/{*}", fresh("attestation", 60)},
    // `download_links` are signed for a short time.
    {"/copilot/metrics/reports/{*}", fresh("report", 60)},
    {"/events", fresh("event", 60)},
    {"/issues", personal("issue", 60)},
    {"/installation", personal_usual("installation")},
};

constexpr RouteRow user_rows[] = {
    {"", usual("user")},
    {"/events", fresh("event", 60)},
    {"/events/{*}", fresh("event", 60)},
    {"/received_events", fresh("event", 60)},
    {"/received_events/{*}", fresh("event", 60)},
    {"/attestations/{*}", fresh("attestation", 60)},
    {"/installation", personal_usual("installation")},
};

constexpr RouteRow other_rows[] = {
    {"/", never("root")},  // asked for what its headers say of the token
    {"/rate_limit", never("rate limit")},
    {"/graphql", never("graphql")},

    {"/user/migrations/{}/archive", never("download")},
    {"/user/migrations", personal("progress", 10)},
    {"/user/migrations/{*}", personal("progress", 10)},
    {"/user/issues", personal("issue", 60)},
    {"/user/codespaces", never("codespace")},  // its answers can hold connection tokens
    {"/user/codespaces/{*}", never("codespace")},
    {"/copilot_internal/{*}", never("token")},
    {"/user", personal_usual("own user")},
    {"/user/{*}", personal_usual("own user")},
    {"/notifications", personal("notification", 60)},
    {"/notifications/{*}", personal("notification", 60)},
    {"/issues", personal("issue", 60)},
    {"/search/issues", personal("search", 60)},
    {"/search/{*}", personal_usual("search")},
    {"/gists/public", fresh("gist", 60)},
    {"/gists/starred", personal("gist", 60)},
    {"/gists/{}/star", personal("gist", 60)},
    {"/gists", personal("gist", 60)},

    {"/installation/token", never("token")},
    {"/installation/{*}", personal_usual("installation")},
    {"/app/installations/{}/access_tokens", never("token")},
    {"/app", personal_usual("app")},
    {"/app/{*}", personal_usual("app")},
    {"/app-manifests/{*}", never("token")},
    {"/applications/{*}", never("token")},
    {"/authorizations", never("token")},
    {"/authorizations/{*}", never("token")},
    {"/marketplace_listing/{*}", personal_usual("app")},
    // The feeds' addresses hold a token of the caller.
    {"/feeds", never("token")},

    {"/events", fresh("event", 60)},
    {"/networks/{}/{}/events", fresh("event", 60)},
    {"/agents/tasks", personal("progress", 10)},
    {"/agents/tasks/{*}", personal("progress", 10)},
    {"/agents/repos/{*}", fresh("progress", 10)},
    {"/enterprises/{}/actions/runners/downloads", never("token")},
    {"/enterprises/{}/actions/runners/registration-token", never("token")},
    {"/enterprises/{}/actions/runners/remove-token", never("token")},
    {"/enterprises/{}/actions/runners", fresh("runner", 15)},
    {"/enterprises/{}/actions/runners/{*}", fresh("runner", 15)},
    {"/enterprises/{}/actions/runner-groups", fresh("runner", 15)},
    {"/enterprises/{}/actions/runner-groups/{*}", fresh("runner", 15)},
    {"/enterprises/{}/copilot/metrics/reports/{*}", fresh("report", 60)},
};

constexpr RouteClass other_class = usual("other");
constexpr RouteClass contents_at_commit_class = immutable("contents at a commit");
constexpr RouteClass binary_class = never("download");

bool part_matches(std::string_view part, std::string_view segment) {
  if (part == "{}") {
    return !segment.empty();
  }
  return part == "{sha}" ? is_hex(segment, 40) : part == segment;
}

}  // namespace

bool Pattern::matches(const ApiPath& path, std::size_t first) const {
  const std::size_t size = path.size() - first;
  if (star < 0 ? size != count : size < count) {
    return false;
  }
  const std::size_t head = star < 0 ? count : static_cast<std::size_t>(star);
  for (std::size_t i = 0; i < head; ++i) {
    if (!part_matches(parts[i], path[first + i])) {
      return false;
    }
  }
  const std::size_t tail = star < 0 ? 0 : count - head - 1;
  if (tail > 0 && path.cut()) {
    return false;
  }
  for (std::size_t i = 0; i < tail; ++i) {
    if (!part_matches(parts[head + 1 + i], path[path.size() - tail + i])) {
      return false;
    }
  }
  return true;
}

std::span<const RouteRow> route_rows(Scope scope) {
  switch (scope) {
    case Scope::repository: return repository_rows;
    case Scope::organisation: return organisation_rows;
    case Scope::user: return user_rows;
    case Scope::other: break;
  }
  return other_rows;
}

const RouteClass& default_route() {
  return other_class;
}
const RouteClass& contents_at_commit_route() {
  return contents_at_commit_class;
}
const RouteClass& binary_route() {
  return binary_class;
}

}  // namespace ghoard::github
