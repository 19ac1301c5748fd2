// ghoard-standin: an HTTP/1.1 server that stands in for api.github.com in the demo, the tests and the benchmarks.
//
//   ghoard-standin [--port N] [--data DIR] [--ready-fd N] [--exit-on-stdin-eof]
//
// prints "listening on http://127.0.0.1:PORT" and "assets on http://localhost:PORT2" once it listens; port 0 (the
// default) takes a free one. tests/standin/tokens.hpp holds the tokens it knows; any other is 401 Bad credentials.
//
// What it serves
//   - the answers recorded in tests/data/recorded_github.json, by path and query (GET only);
//   - the invented organisation acme (id 9000) with users user-1 to user-5 and ten repositories:
//       1001 widgets (issues 1-250, every fifth closed; pulls 251-262; 35 runs), 1002 gadgets (45 issues), 1003
//       website, 1004 docs, 1005 tools, 1006 secrets*, 1007 payroll*, 1008 platform*, 1009 sandbox (formerly
//       playground), 1010 empty.   * private: user-1 and the installation see all, user-2 sees secrets and platform,
//       user-3 none.
//     Issues 1 to 5 of each have as many comments as their number says. Of the runs, all have completed but the last
//     two, which are in_progress and queued. Bodies name https://api.github.com, so they do not depend on the port;
//     Link and Location name the Host of the request, so they can be followed.
//   Below /repos/O/R and /repositories/ID: "", issues[/N[/comments|labels|events]], issues/comments[/ID],
//   labels[/NAME],
//     pulls[/N[/files|commits|reviews|comments|merge]] (also diff and patch),
//     commits[/REF[/status|statuses|check-runs]], check-runs/ID, compare/A...B, branches[/B], tags, readme,
//     contents[/PATH][?ref=] (also raw), git/refs, git/ref/.., git/matching-refs/.., git/{commits,trees,blobs}/SHA,
//     releases[/ID[/assets]|/latest|/tags/T], releases/assets/ID, tarball|zipball/REF,
//     actions/runs[/ID[/jobs|logs|artifacts|attempts/N[/jobs]]], actions/jobs/ID[/logs], actions/workflows[/ID[/runs]],
//     actions/runners, actions/artifacts, events, languages, topics, milestones, deployments, collaborators,
//     contributors, stats/contributors (202 once, then 200). contents/data/big.txt of widgets is 620,486 bytes of JSON;
//     contents/data/huge.bin raw is 20 MiB.
//   Elsewhere: user, user/repos, user/orgs, users/U[/repos|events], orgs/acme[/repos|members|actions/runners],
//     organizations/9000/.., search/issues, search/repositories, rate_limit, notifications, events, meta, zen,
//     POST graphql (viewer, repository with issues, pullRequests and releases, one of them by number, repositoryOwner,
//     organization, node, rateLimit; addComment, updateIssue, closeIssue, createIssue).
//   Writes (they change what is served): POST issues, PATCH issues/N, POST issues/N/comments, PATCH|DELETE
//     issues/comments/ID, POST|PUT issues/N/labels, DELETE issues/N/labels/L, PUT|DELETE issues/N/lock, POST labels,
//     PATCH|DELETE labels/L, PATCH|DELETE "" (rename, description, private), PUT|DELETE contents/PATH, POST git/refs,
//     PATCH|DELETE git/refs/heads/B, POST releases, PATCH|DELETE releases/ID, POST pulls, PATCH pulls/N,
//     PUT pulls/N/merge, POST statuses/SHA, POST actions/runs/ID/rerun|cancel, DELETE actions/runs/ID,
//     POST actions/workflows/ID/dispatches, POST actions/runners/registration-token|remove-token, DELETE
//     actions/runners/ID; POST orgs/acme/repos, user/repos.
//   Assets (another authority, never charged): /download/SIZE/NAME, /archive/.., /logs/..: the path repeated to SIZE
//     (4096) bytes. releases/assets/ID with Accept: application/octet-stream, tarball, zipball and logs are 302 to
//     there.
//
// GitHub's rules it keeps
//   - ETag: W/"hex(SHA-256(P + body))", P being "value:" for each of Accept, Authorization, Cookie as received, in this
//     order, that Vary names and the request carried with a value; contents and raw: the object's SHA; diff and patch:
//     opaque; notifications: W/""; search, rate_limit, errors and writes: none. The Link field is no part of it.
//   - 304 for If-None-Match (weak) and If-Modified-Since; free of quota with a valid token, charged without.
//   - one budget per user and resource (core, search, graphql), over all of the user's tokens; every answer is charged
//     but an authorised 304, /rate_limit and the refusals of a limit. 401 is charged to the anonymous budget.
//   - 301 (reads) and 307 (writes) from a former name to /repositories/ID.
//   - private repositories are 404 to whoever may not see them. gzip where accepted and over 1 KiB.
//   - Time in bodies is logical: it starts at 2024-01-01 and steps a minute with each change. The same commands give
//   the
//     same bytes.
//
// Control, below /_standin/, never counted, JSON both ways, 400 with {"error": ..} if not understood
//   GET  counters -> {requests, quota_spent, not_modified, connections, concurrent, concurrent_max, held,
//          routes: {"GET /path": {count, statuses: {"200": n}}}, targets: {"GET /path?query": n},
//          users: {"user-1": {requests, quota_spent, not_modified}}, asset: {requests, with_authorization}}
//          A request is counted when it arrives; status 0: it was not answered.
//   POST reset[?only=counters]      everything, or only the counters, as at the start; releases what is held
//   POST config  {latency_ms, rate_limit, anonymous_limit, search_limit, graphql_limit, rate_window_s,
//          secondary_concurrent, secondary_points, retry_after_s, limit_status, gzip, chunked}, each optional;
//          defaults 0, 5000, 60, 30, 5000, 3600, 0 (off), 0 (off), 60, 403, true, false
//   POST fault   {kind, path_prefix = "*", method = "*", count = 1 (negative: always), delay_ms = 0, process = ..,
//          status, body, headers: {name: value}}; path_prefix is held against path and query. Kinds:
//          status             answers with status, body and headers, without effect
//          delay              answers after delay_ms
//          hold               takes effect now, answers at `release`; counters.held says how many wait
//          hang               no answer: the connection closes after delay_ms, or at `release` if that is 0
//          reset_before_head  RST instead of an answer
//          reset_mid_body     head, half of the body, RST
//          truncate           Content-Length, half of the body, close
//          slow_body          the body in ten pieces, delay_ms before each
//          none               forgets all faults
//          `process` says whether the request takes effect and is charged; true but for reset_before_head and hang.
//   POST release                    lets go what `hold` and `hang` keep
//   POST mutate  {path, patch}      RFC 7396 merge into the stored object that GET path shows
//                {op: "rename_repo", repo: "acme/x", name} | {op: "grant"|"revoke", repo, user} |
//                {op: "set_private", repo, private} | {op: "add_issue", repo, title?, body?, user?} |
//                {op: "add_run", repo, event?} | {op: "advance_runs", repo?} |
//                {op: "commit", repo, path?, content?, branch?, message?, user?} | {op: "revoke_token", token} |
//                {op: "set_clock", now}: logical time goes on from there, in seconds since 1970
//   POST log?on=1|0, GET log -> the last 1000 requests: [{host: "api"|"asset", method, target, headers: [[name,
//   value]],
//          body, user, status}]

#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <sys/resource.h>

#include "tests/standin/server.hpp"
#include "tests/standin/text.hpp"

namespace {

struct Options {
  std::uint16_t port = 0;
  std::string data = GHOARD_STANDIN_DATA;
  int ready_fd = 1;
  bool exit_on_stdin_eof = false;
};

std::optional<Options> parse(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--exit-on-stdin-eof") {
      options.exit_on_stdin_eof = true;
      continue;
    }
    if (i + 1 == count) {
      return std::nullopt;
    }
    const std::string value = words[++i];
    const long number = ghoard::standin::parse_number(value).value_or(-1);
    if (word == "--data") {
      options.data = value;
    } else if (word == "--port" && number >= 0 && number <= 65'535) {
      options.port = static_cast<std::uint16_t>(number);
    } else if (word == "--ready-fd" && number >= 0 && number <= 1023) {
      options.ready_fd = static_cast<int>(number);
    } else {
      return std::nullopt;
    }
  }
  return options;
}

/// 500 connections and more need as many descriptors.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

int run(const Options& options) {
  ghoard::standin::Site site;
  if (const std::string why = site.load(options.data); !why.empty()) {
    std::fprintf(stderr, "ghoard-standin: %s\n", why.c_str());
    return 1;
  }
  ghoard::standin::Server server(site, options.port);
  dprintf(options.ready_fd, "listening on http://127.0.0.1:%d\nassets on http://localhost:%d\n", server.port(),
          server.asset_port());
  server.run(options.exit_on_stdin_eof);
  return 0;
}

}  // namespace

int main(int count, char** words) {
  const std::optional<Options> options = parse(count, words);
  if (!options) {
    std::fputs("usage: ghoard-standin [--port N] [--data DIR] [--ready-fd N] [--exit-on-stdin-eof]\n", stderr);
    return 1;
  }
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  try {
    return run(*options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ghoard-standin: %s\n", error.what());
    return 1;
  }
}
